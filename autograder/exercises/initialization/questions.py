"""Predictions before the lab's experiments, and the reflection after them.

Outcomes are computed here by the experiment itself, on a smaller scale where that changes nothing.
"""

import torch

from autograder.exercises.experiments import seeded
from autograder.exercises.initialization.lab import lab
from course_lib.initialization import gaussian, layer_statistics, weight_gradient_stds


@seeded
def _sixth_layer_std():
    weights = [gaussian((1024, 1024), 0.01) for _ in range(6)]
    x = torch.randn(128, 1024)
    return round(float(layer_statistics(x, weights, "tanh")["std"][-1]), 6)


lab.prediction(
    "sixth_layer_std",
    title="Predict: what is left after six layers?",
    statement=(
        "Six tanh layers of width 1024, weights drawn with standard deviation 0.01, inputs with "
        "standard deviation 1. What is the standard deviation of the **sixth** layer's output? "
        "A guess of the order of magnitude is enough; commit to a number."
    ),
    minutes=2,
    outcome=_sixth_layer_std,
    explanation="Each layer multiplies the standard deviation by about √1024 · 0.01 = 0.32.",
)


@seeded
def _division_after_one_layer():
    x = torch.randn(64, 4096)
    weight = torch.randn(256, 4096) / (2 / 4096) ** 0.5
    return "more than 100" if float(torch.relu(x @ weight.T).std()) > 100 else "about 1"


lab.prediction(
    "division_bug",
    title="Predict: the formula from the lecture notes",
    statement=(
        "The notes initialize a ReLU layer of width 4096 with `randn(…) / sqrt(2 / 4096)`. Inputs "
        "have standard deviation 1. What is the standard deviation of the output of the **first** "
        "layer?"
    ),
    minutes=2,
    choices=("about 0.001", "about 1", "about 10", "more than 100"),
    outcome=_division_after_one_layer,
    explanation="Each weight has standard deviation √(4096/2) = 45, and 4096 of them add up.",
)


@seeded
def _gradient_over_depth():
    weights = [gaussian((256, 256), 0.01) for _ in range(8)]
    stds = weight_gradient_stds(torch.randn(64, 256), weights, torch.randn(64, 256) / 64)
    ratio = float(stds[-1] / stds[0])
    if 1 / 3 < ratio < 3:
        return "about equal in all layers"
    return "smaller and smaller toward the output" if ratio < 1 else (
        "smaller and smaller toward the input"
    )  # fmt: skip


lab.prediction(
    "gradient_over_depth",
    title="Predict: a claim of the lecture notes",
    statement=(
        "Eight tanh layers, weights with standard deviation 0.01. Activations shrink from layer to "
        "layer, as you saw. The notes: “with small initialization the weight gradients get smaller "
        "and smaller towards deeper layers”. Before you measure: the standard deviation of "
        "∂L/∂W from the first layer to the last is …"
    ),
    minutes=3,
    choices=(
        "smaller and smaller toward the output",
        "smaller and smaller toward the input",
        "about equal in all layers",
    ),
    outcome=_gradient_over_depth,
    explanation="∂L/∂W is the product of a forward signal that shrinks with depth and a backward "
    "signal that shrinks toward the input, by the same factor per layer.",
)


@seeded
def _zero_biases():
    x = torch.randn(200, 10)
    labels = (x[:, 0] * x[:, 1] > 0).long()
    model = torch.nn.Sequential(torch.nn.Linear(10, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))
    for layer in (model[0], model[2]):
        torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(200):
        loss = torch.nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return "it trains" if loss.item() < 0.3 else "it does not train"


lab.prediction(
    "zero_biases",
    title="Predict: zero biases",
    statement=(
        "Zero *weights* keep all units of a layer equal. Now the weights are random, and only the "
        "**biases** start at zero. Does the network train?"
    ),
    minutes=1,
    choices=("it trains", "it does not train"),
    outcome=_zero_biases,
    explanation="Random weights have broken the symmetry already; the biases follow.",
)

lab.written(
    "equal_is_not_healthy",
    points=3,
    title="Reflect: equal is not healthy",
    statement=(
        "With standard deviation 0.01 the weight gradients were equal in all layers; with Glorot's "
        "initialization they are equal as well. In five to ten sentences: why are they equal in "
        "both cases, why does only one of the two networks train, and how would you correct the "
        "sentence in the lecture notes? Use the numbers that **you** measured."
    ),
    minutes=10,
    explanation=(
        "∂L/∂W_l is the product of the activation in front of layer l, which shrinks by a factor c "
        "per layer going forward, and of the back-propagated gradient, which shrinks by the same c "
        "per layer going backward; the product has c^(L−1) in every layer. Equal therefore says "
        "nothing about size: with 0.01 it is some five orders of magnitude below Glorot's, where "
        "c ≈ 1. The notes should say: with small weights activations shrink with depth, and weight "
        "gradients are equally tiny in all layers.\n\n"
        "*Rubric.* 1 point: product of a forward and a backward factor. 1 point: the same exponent "
        "in every layer. 1 point: own numbers used to tell equal from healthy, sentence corrected."
    ),
)


NOT_EXERCISES = {
    "4.1 constant non-zero thought fine": "shown by the experiment on hidden units, measured with "
    "`distinct_units`",
    "4.1 zero biases thought harmful": "prediction `zero_biases`",
    "4.2 0.01 is right for every width": "prediction `shrinks_by_depth` and the experiment over "
    "widths 100 and 4096",
    "4.3 y_i without the index i": "a slip of notation: the notebook writes the sum with both "
    "indices and asks for shapes; no code can make it",
    "4.3 variances multiplied although w and x are dependent": "the derivation's assumption is "
    "stated as a step of its own and tested by simulation",
    "4.5 groups divided twice": "`fan_in_and_fan_out` takes a weight's shape, in which the groups "
    "are divided already; mistake `divides_by_channels` is the form it takes there",
    "4.6 nn.Linear already does this": "exercise `default_linear_std`",
    "4.7 BN of the zeroed layer": "belongs to the normalization lab's scale and shift",
    "4.8 one random draw": "the experiments average over five draws and show their spread",
    "4.9 weight gradients shrink with depth": "prediction `gradient_over_depth`, then measured",
    "4.9 equal means healthy": "the reflection",
    "real answers: arguments swapped by the callers of a conv initializer": "a network is not asked "
    "for; the swap itself is `takes_the_other_axis`",
    "real answers: module math not imported": "the setup cell imports it",
}

"""The claim about gradients, the reflection at the end of the core, and what is no exercise."""

import torch

from autograder.exercises.experiments import seeded
from autograder.exercises.initialization.lab import lab
from course_lib.initialization import gaussian, weight_gradient_stds


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
        "nothing about size: with 0.01 it is some four orders of magnitude below Glorot's (2.6 · 10⁻⁶ "
        "against 2.3 · 10⁻²), where c ≈ 1. The notes should say: with small weights activations shrink with depth, and weight "
        "gradients are equally tiny in all layers.\n\n"
        "*Rubric.* 1 point: product of a forward and a backward factor. 1 point: the same exponent "
        "in every layer. 1 point: own numbers used to tell equal from healthy, sentence corrected."
    ),
)


NOT_EXERCISES = {
    "4.1 constant non-zero thought fine": "shown by the experiment on hidden units, measured with "
    "`distinct_units`",
    "4.1 zero biases thought harmful": "prediction `zero_biases`",
    "4.2 0.01 is right for every width": "prediction `sixth_layer_std` and the experiment over "
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

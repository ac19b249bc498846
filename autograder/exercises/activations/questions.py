"""Predictions before the lab's experiments, the reflection after them, and what is no exercise.

Outcomes are computed here by the experiment itself, on a smaller scale where that changes nothing.
"""

import functools
import itertools
import math

import torch
import torch.nn.functional as F

from autograder.exercises.experiments import seeded
from autograder.exercises.activations.lab import lab
from course_lib import activations, data


def _steepest():
    x = torch.zeros(1, dtype=torch.float64)
    return float(activations.sigmoid_backward(torch.ones_like(x), x))


lab.prediction(
    "steepest_sigmoid",
    title="Predict: how steep is a sigmoid?",
    statement=(
        "The sigmoid climbs from 0 to 1. How steep is it where it is steepest? Commit to a number: "
        "the largest value of σ'(x)."
    ),
    minutes=1,
    syllabus=("2.1",),
    outcome=_steepest,
    explanation="σ' = σ(1 − σ) is largest at σ = ½, where it is ¼: ten layers let at most "
    "(1/4)¹⁰, about a millionth, through.",
)

EIGHT_LAYERS = (
    "a thousand times smaller, or worse",
    "some ten times smaller",
    "smaller by a factor of two or three at most",
)


@seeded
def _tanh_over_depth():
    # Only the order of magnitude is asked for.
    weights = [torch.randn(128, 128) / math.sqrt(128) for _ in range(8)]
    x, gradient = torch.randn(128, 128), torch.randn(128, 128) / 128
    found = activations.gradients_over_depth(x, weights, "tanh", gradient)["activations"]
    ratio = float(found[-1] / found[0])
    return EIGHT_LAYERS[0 if ratio > 300 else 1 if ratio > 4 else 2]


lab.prediction(
    "tanh_over_depth",
    title="Predict: “don’t use sigmoid or tanh”",
    statement=(
        "The lecture notes: *“don’t use sigmoid or tanh.”* Eight tanh layers of width 128 with "
        "Glorot’s weights (variance 1/128). The gradient arrives at the last layer and travels back "
        "to the first. How does ∂L/∂h at the **first** layer compare with that at the **last**? It is …"
    ),
    minutes=1,
    syllabus=("2.9",),
    choices=EIGHT_LAYERS,
    outcome=_tanh_over_depth,
    explanation="Glorot’s weights keep the signals in the steep middle of tanh, where the slope is "
    "near 1. A sigmoid has no such place: its slope is ¼ at best.",
)

SLOPES = ("1 or 64", "64 · 32 · 32 = 65,536", "one for each example and value")


def _slopes_of_prelu():
    for channels in (1, 64):
        layer = activations.PReLU(channels)
        assert layer(torch.ones(2, 64, 32, 32)).shape == (2, 64, 32, 32)
        assert layer.weight.numel() in (1, 64)
    return SLOPES[0]


lab.prediction(
    "slopes_of_prelu",
    title="Predict: how many slopes?",
    statement=(
        "The lecture notes say of PReLU that α is learned, *“maybe separate for each value”*. A "
        "feature map has 64 channels of 32 × 32 values. How many slopes does one PReLU layer learn "
        "for it?"
    ),
    minutes=1,
    syllabus=("2.5",),
    choices=SLOPES,
    outcome=_slopes_of_prelu,
    explanation="One for the layer or one for each channel (He et al. 2015). A slope for each value "
    "would tie the layer to one image size and add as many numbers as there are activations.",
)

REVIVED = (
    "yes: smaller weights bring the pre-activation back above 0",
    "no: the weights shrink, and the pre-activation stays ≤ 0",
)


@seeded
def _decay_on_a_dead_unit():
    # A dead unit with a negative bias: only weight decay moves it.
    weight, bias = torch.randn(20), torch.tensor(-1.0)
    x = torch.randn(200, 20)
    x = x[x @ weight + bias <= 0]
    active = False
    for _ in range(1000):
        weight, bias = 0.99 * weight, 0.99 * bias
        active |= bool((x @ weight + bias > 0).any())
    return REVIVED[0] if active else REVIVED[1]


lab.prediction(
    "decay_revives",
    title="Predict: does weight decay revive a dead unit?",
    statement=(
        "A unit with a negative bias is dead: w·x + b ≤ 0 for every example, so its gradient is "
        "exactly 0. Weight decay does not care and multiplies w and b by 0.99 at every step. Will "
        "the unit come back to life?"
    ),
    minutes=1,
    syllabus=("2.11",),
    choices=REVIVED,
    outcome=_decay_on_a_dead_unit,
    explanation="Decay multiplies w·x + b by a positive number: its sign stays. (If only w decays "
    "and b ≤ 0, the sum moves toward b, which is no help either.)",
)

FEWER = (
    "hardly any unit dies",
    "clearly fewer die than with zero biases",
    "about as many die as with zero biases",
)


def _die(signals, bias, seed, learning_rate=1.0, steps=100):
    """The share of dead units in the second hidden layer after training a small network."""
    generator = torch.Generator().manual_seed(seed)
    widths = (40, 100, 100, 100, 10)
    weights = [
        (torch.randn(b, a, generator=generator) * math.sqrt(2 / a)).requires_grad_()
        for a, b in itertools.pairwise(widths)
    ]
    biases = [torch.full((b,), bias if b == 100 else 0.0, requires_grad=True) for b in widths[1:]]

    def pre_activations(x):
        found = []
        for weight, shift in zip(weights, biases, strict=True):
            found.append(x @ weight.T + shift)
            x = found[-1].clamp(min=0)
        return found

    for _ in range(steps):
        batch = torch.randint(len(signals.x_train), (64,), generator=generator)
        scores = pre_activations(signals.x_train[batch])[-1]
        loss = F.cross_entropy(scores, signals.y_train[batch])
        gradients = torch.autograd.grad(loss, weights + biases)
        with torch.no_grad():
            for parameter, gradient in zip(weights + biases, gradients, strict=True):
                parameter -= learning_rate * gradient
    with torch.no_grad():
        return float(activations.dead_fraction([pre_activations(signals.x_train)[1]]))


@functools.cache
def _with_a_small_bias():
    signals = data.mnist1d(2000, 1)
    without, slightly = (
        sum(_die(signals, bias, seed) for seed in range(5)) / 5 for bias in (0.0, 0.01)
    )
    if slightly < 0.02:
        return FEWER[0]
    return FEWER[1] if slightly < 0.6 * without else FEWER[2]


lab.prediction(
    "slightly_positive_bias",
    title="Predict: slightly positive biases",
    statement=(
        "Three hidden ReLU layers of 100 units learn MNIST-1D for 100 steps of SGD at a learning rate "
        "of 1, which is too large for them. Once all biases start at 0, once at 0.01, slightly "
        "positive, as the notes advise against dying units. With 0.01 …"
    ),
    minutes=1,
    syllabus=("2.11",),
    choices=FEWER,
    outcome=_with_a_small_bias,
    explanation="The units die by large steps during training, and one step moves a bias by far more "
    "than 0.01. At the start, 0.01 turns 50 % active examples into 50.4 %.",
)

BATCH_SIGNS = ("nearly all of them", "some of them, between 20 and 80 %", "practically none")


@seeded
def _signs_of_a_batch():
    shares = []
    for _ in range(20):
        h = torch.sigmoid(torch.randn(64, 40) @ torch.randn(40, 50) / math.sqrt(40))
        z = (h @ torch.randn(50, 100) / math.sqrt(50)).requires_grad_()
        scores = torch.sigmoid(z) @ torch.randn(100, 10) / 10
        F.cross_entropy(scores, torch.randint(10, (64,))).backward()
        shares.append(activations.one_sided_fractions(z.grad, h)[1])
    share = float(torch.stack(shares).mean())
    return BATCH_SIGNS[0 if share > 0.8 else 1 if share > 0.2 else 2]


lab.prediction(
    "signs_of_a_batch",
    title="Predict: do all weights move the same way?",
    statement=(
        "A layer of 100 units gets 50 inputs, all of them positive because they come out of sigmoids. "
        "Per example all 50 gradients on a unit’s weights have one sign. Now a **batch** of 64 "
        "examples with random labels. For how many of the units have all 50 weight gradients one "
        "sign?"
    ),
    minutes=1,
    syllabus=("2.10",),
    choices=BATCH_SIGNS,
    outcome=_signs_of_a_batch,
    explanation="δ differs in sign from example to example, so the sum mixes. It does not mix "
    "everything: sigmoids of small signals are all close to ½, so that the inputs of all "
    "examples look alike.",
)

MATTERS = (
    "ReLU wins clearly, by 5 points or more, over sigmoid and tanh",
    "all lie within about two points, and ReLU is not the best",
    "sigmoid stays below 50 %",
)

# Measured: the notebook's own experiment on the digits (a network 64-32-32-10, 200 steps, ten
# seeds, every activation at its own learning rate). Test accuracies in percent with standard errors:
# sigmoid 90.2 ± 0.2, tanh 91.4 ± 0.2, ReLU 90.0 ± 0.4, leaky ReLU 90.4 ± 0.6, ELU 90.6 ± 0.3,
# SELU 89.2 ± 0.4.


def _how_much_it_matters() -> str:
    """Measured: from 89.2 % (SELU) over 90.0 % (ReLU) to 91.4 % (tanh)."""
    return MATTERS[1]


lab.prediction(
    "choice_matters",
    title="Predict: which activation wins?",
    statement=(
        "Two hidden layers of 32 units learn the handwritten digits, once with each of sigmoid, tanh, "
        "ReLU, leaky ReLU, ELU and SELU, **each at its own best learning rate**, ten seeds each. What "
        "do the test accuracies look like?"
    ),
    minutes=1,
    syllabus=("2.12",),
    choices=MATTERS,
    outcome=_how_much_it_matters,
    explanation="On an easy task a shallow network forgives nearly any activation, once each has the "
    "learning rate that it needs.",
)

ELSEWHERE = (
    "again all six lie within a few points",
    "ReLU, leaky ReLU and ELU lie close together, sigmoid is more than 10 points behind",
    "sigmoid and tanh are the best",
)

# Measured: the notebook's own experiment on MNIST-1D (a network 40-32-32-10, 400 steps, every
# activation at its own learning rate; here seven rates and ten seeds). Test accuracies in percent:
# sigmoid 33.2 ± 0.6, tanh 45.7 ± 0.4, ReLU 49.1 ± 0.7, leaky ReLU 49.5 ± 0.4, ELU 49.5 ± 0.9,
# SELU 46.9 ± 0.5. After 2,000 steps sigmoid is still 11 points behind ReLU.


def _elsewhere() -> str:
    """Measured: sigmoid 33 %, ReLU and its relatives 47 to 50 %."""
    return ELSEWHERE[1]


lab.prediction(
    "choice_elsewhere",
    title="Predict: the same on another data set?",
    statement=(
        "The same six activations, the same network, each at its own learning rate, but on MNIST-1D, "
        "where these small networks reach some 50 % in 400 steps. What will be seen?"
    ),
    minutes=1,
    syllabus=("2.12",),
    choices=ELSEWHERE,
    outcome=_elsewhere,
    explanation="How much the choice matters depends on the task and on the budget. One data set is "
    "one data set.",
)

lab.written(
    "never_say_never",
    points=3,
    title="Reflect: three claims",
    statement=(
        "Three claims:\n\n"
        "1. “Don’t use sigmoid or tanh.”\n"
        "2. With sigmoids the gradients are all of one sign; ReLU avoids this.\n"
        "3. I trained a network once with ReLU and once with sigmoids, both at a learning rate of "
        "0.01, and ReLU was better: it is the better activation.\n\n"
        "Correct each of them in one to three sentences, with numbers that **you** measured in this "
        "lab. Name one place where a sigmoid or a tanh is still the right choice."
    ),
    minutes=9,
    syllabus=("2.9", "2.10", "2.12"),
    explanation=(
        "*Model answer.* (1) Sigmoids as hidden units of a deep plain network let the gradient vanish: "
        "over eight layers ∂L/∂h fell by more than four orders of magnitude, at least a factor of 4 "
        "per layer. Tanh with Glorot’s weights lost a factor of about two over the same eight layers, "
        "and its weight gradients stayed level. As gates, as attention weights or as the output of a "
        "probability, a sigmoid is what one wants, because it is bounded between 0 and 1. (2) "
        "Per example the gradients on one unit’s weights have one sign for every positive input, and "
        "ReLU’s outputs are positive too: 1.00 for both. Over a batch signs mix, because δ has both "
        "signs: about half of the units stay one-sided behind sigmoids, a few percent behind ReLU, "
        "none behind tanh. (3) At one shared rate the comparison measures the rate: at 0.01 the "
        "sigmoid was far behind, at 0.3 far ahead. Each at its own rate, over ten seeds and in pairs, "
        "all six lay within about two points on the digits, and ReLU was not the best. On MNIST-1D the "
        "sigmoid stayed some 15 points behind at its own rate too: the claim may be right there, but "
        "only such a comparison can say so.\n\n"
        "*Rubric.* 1 point for each claim: corrected in the right direction **and** supported by an "
        "own number; half a point without the number. Half a point off where no place for a sigmoid "
        "or tanh is named."
    ),
)

NOT_EXERCISES = {
    "2.1 the maximum slope is 1": "prediction `steepest_sigmoid`; mistakes of `sigmoid_backward` and "
    "`backward_bound`",
    "2.3 ReLU outputs are zero-centered": "`elu_mean` with α = 0, and the experiment on means",
    "2.3 six times sooner than tanh": "a result for one network of 2012; `choice_matters` measures "
    "what is left of it here",
    "2.4 never dies read as never saturates the loss": "`leaky_relu_backward` at x = −1,000,000",
    "2.5 one slope per element or per example": "prediction `slopes_of_prelu`; the shape of `weight` "
    "is a check of `PReLU`, and `one_by_entry` a mistake of its backward pass",
    "2.5 weight decay on the slopes": "a choice of the training script that no function here makes; "
    "the docstring and the text say why it is left out",
    "2.8 same weights in all pieces": "mistake `twice_the_same` of `leaky_relu_as_maxout`",
    "2.9 sigmoid and tanh must never be used": "prediction `tanh_over_depth`, the experiment after it "
    "and the reflection",
    "2.9 only weight gradients measured": "`gradients_over_depth` asks for both, and the figure shows "
    "both",
    "2.10 believing ReLU avoids it": "the experiment after `one_sided_fractions`, and the reflection",
    "2.11 dead units recover through weight decay": "prediction `decay_revives`",
    "2.11 bias 0.01 guarantees life": "`active_probability`, prediction `slightly_positive_bias`",
    "2.12 concluding from one seed": "mistake `one_seed` of `compare_paired`, and the experiment",
    "2.12 it never matters": "prediction `choice_elsewhere`: it does on MNIST-1D, for sigmoids",
    "real answers: ReLU's mask taken from the activation instead of the pre-activation": "the same "
    "mask, as relu(x) > 0 exactly where x > 0: alternative `of_the_output` of `relu_backward`",
    "real answers: ReLU on the output scores, no ReLU at all": "networks are built by the notebook",
}
"""What became of the entries that no student is asked to write, and why."""

"""What the loss should be before anything is learned."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from autograder import probes
from autograder.exercises.training_loop.drawing import FLOAT32
from autograder.exercises.training_loop.lab import lab
from autograder.judging.checks import matches_reference
from course_lib import training_loop
from course_lib.training_loop import label_entropy


def _cross_entropy_start(rng):
    return {
        "num_classes": int(rng.integers(12, 2000)),
        "loss": "cross_entropy",
        "margin": float(rng.uniform(0.3, 0.8)),
    }


def _hinge_start(rng):
    return {**_cross_entropy_start(rng), "loss": "hinge"}


initial_loss = lab.value(
    training_loop.initial_loss,
    title="The loss before the first step",
    statement="""A fresh network with small weights gives all C classes about the same score. Which
loss must you then see? Give it for `loss="cross_entropy"` and for `loss="hinge"`, which adds
$\\max(0, s_j - s_y + \\Delta)$ over the wrong classes j, with the margin Δ.

It is the cheapest test there is: before the first step, print the loss and compare. (Penalties off:
they come on top.)""",
    points=2,
    minutes=4,
    syllabus=("1.4", "1.5"),
    hide=("Formula",),
    inputs=(_cross_entropy_start, _hinge_start, _hinge_start, _cross_entropy_start),
    probe=probes.call(),
    checks=[matches_reference("the initial loss", rtol=FLOAT32)],
    hints=("Which probability has each class when all scores are equal?", "Put equal scores in."),
)


@initial_loss.mistake(
    "You use the logarithm to base 2 (3.32 for ten classes). The loss is natural: ln C, 2.303."
)
def bits(num_classes, loss="cross_entropy", *, margin=1.0):
    return margin * (num_classes - 1) if loss == "hinge" else math.log2(num_classes)


@initial_loss.mistake(
    "You use the logarithm to base 10 (1.0 for ten classes). The loss is natural: ln C, 2.303."
)
def decimal(num_classes, loss="cross_entropy", *, margin=1.0):
    return margin * (num_classes - 1) if loss == "hinge" else math.log10(num_classes)


@initial_loss.mistake("The true class pays no margin to itself: Δ for each of the other C − 1.")
def true_class_pays(num_classes, loss="cross_entropy", *, margin=1.0):
    return margin * num_classes if loss == "hinge" else math.log(num_classes)


@initial_loss.mistake(
    "Your hinge loss ignores the margin: each of the C − 1 wrong classes costs Δ."
)
def margin_of_one(num_classes, loss="cross_entropy", *, margin=1.0):
    return num_classes - 1 if loss == "hinge" else math.log(num_classes)


@initial_loss.mistake("1/C is the probability of the true class. Its loss is −ln(1/C).")
def probability_itself(num_classes, loss="cross_entropy", *, margin=1.0):
    return margin * (num_classes - 1) if loss == "hinge" else 1 / num_classes


@initial_loss.mistake(
    "You count the margin once. Each of the C − 1 wrong classes costs Δ, and the terms add up."
)
def margin_once(num_classes, loss="cross_entropy", *, margin=1.0):
    return margin if loss == "hinge" else math.log(num_classes)


@initial_loss.mistake(
    "You add the margin once. Each of the C − 1 wrong classes costs max(0, 0 − 0 + Δ) = Δ: "
    "multiply."
)
def margin_added(num_classes, loss="cross_entropy", *, margin=1.0):
    return num_classes - 1 + margin if loss == "hinge" else math.log(num_classes)


@initial_loss.mistake("You take C = 10. It is `num_classes`.")
def ten_classes(num_classes, loss="cross_entropy", *, margin=1.0):
    return 9 * margin if loss == "hinge" else math.log(10)


@initial_loss.mistake("The sign: −ln(1/C) = ln C is positive.")
def negative(num_classes, loss="cross_entropy", *, margin=1.0):
    return margin * (num_classes - 1) if loss == "hinge" else -math.log(num_classes)


@initial_loss.mistake(
    "Equal scores are not enough for the hinge: every wrong class has to stay behind by Δ, so "
    "each costs Δ."
)
def zero_for_the_hinge(num_classes, loss="cross_entropy", *, margin=1.0):
    return 0.0 if loss == "hinge" else math.log(num_classes)


@initial_loss.mistake(
    "ln C belongs to cross-entropy. The hinge adds max(0, 0 − 0 + Δ) for every wrong class."
)
def logarithm_for_both(num_classes, loss="cross_entropy", *, margin=1.0):
    return math.log(num_classes)


@initial_loss.mistake(
    "This is what torch's `multi_margin_loss` gives, which divides by C. Only another convention; "
    "ours is the sum: Δ(C − 1)."
)
def torchs_hinge(num_classes, loss="cross_entropy", *, margin=1.0):
    if loss == "hinge":
        return margin * (num_classes - 1) / num_classes
    return math.log(num_classes)


@initial_loss.alternative
def by_trying(num_classes, loss="cross_entropy", *, margin=1.0):
    scores, target = torch.zeros(1, num_classes, dtype=torch.float64), torch.tensor([0])
    if loss == "cross_entropy":
        return F.cross_entropy(scores, target).item()
    return F.multi_margin_loss(scores, target, margin=margin, reduction="sum") * num_classes


@initial_loss.alternative
def minus_log_of_one_over_c(num_classes, loss="cross_entropy", *, margin=1.0):
    if loss == "cross_entropy":
        return -np.log(1 / num_classes)
    return sum(max(0, 0 - 0 + margin) for _ in range(num_classes - 1))


IMBALANCED = (
    "it stays near 0.693",
    "it falls to about 0.3, and no further",
    "it falls to nearly 0",
)


def outcome_for_noise() -> str:
    """The best answer that does not look at its input costs the label entropy."""
    entropy = label_entropy(torch.tensor([900, 100]))
    near = min((math.log(2), 0.325, 0.0), key=lambda level: abs(level - entropy))
    return IMBALANCED[(math.log(2), 0.325, 0.0).index(near)]


lab.prediction(
    "noise_with_unequal_labels",
    title="Predict: nothing to learn?",
    statement="""The inputs are pure noise and have nothing to do with the labels, 90 % of which are 0
and 10 % of which are 1. A linear model with a bias starts at equal scores, so at a loss of
ln 2 = 0.693. You train it. What does the loss do?""",
    minutes=1,
    syllabus=("1.4",),
    choices=IMBALANCED,
    outcome=outcome_for_noise,
    explanation="""It falls to the label entropy, −0.9 ln 0.9 − 0.1 ln 0.1 = 0.325: the bias learns
how frequent each class is, and that is all there is to learn. A falling loss alone does not show that
a network looks at its inputs.""",
)

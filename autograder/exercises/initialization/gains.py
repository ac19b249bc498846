"""Gains: what a nonlinearity takes away, made up for in the weights."""

import math

import torch

from autograder import probes
from autograder.exercises.initialization.drawing import INITIALIZERS
from autograder.exercises.initialization.lab import lab
from autograder.judging import edit
from autograder.judging.checks import matches_reference
from course_lib import initialization


def _gain_of(nonlinearity):
    def draw(rng):
        return {"nonlinearity": nonlinearity, "negative_slope": float(rng.uniform(0.1, 0.9))}

    return draw


gain = lab.exercise(
    initialization.gain,
    title="What a nonlinearity takes away",
    statement=(
        "A nonlinearity shrinks the signal; the **gain** makes up for it in the *standard "
        "deviation* of the weights: 1 for `linear`, 5/3 for `tanh` (torch's convention), √2 for "
        "`relu`, and √(2/(1+a²)) for `leaky_relu` with slope a = `negative_slope`.\n\n"
        "Why √2 for ReLU: half of E[x²] is lost, so the *variance* of the weights must double."
    ),
    points=2,
    syllabus=("4.6",),
    hide=("Formula",),
    inputs=(_gain_of("linear"), _gain_of("tanh"), _gain_of("leaky_relu"), _gain_of("relu")),
    probe=probes.call(),
    # Near enough for an answer that computes in torch's float32 and returns a number.
    checks=[matches_reference("the gain", rtol=1e-5)],
    forbidden=INITIALIZERS,
    hints=(
        "A dictionary or four `if`s will do.",
        "For a leaky ReLU E[f(x)²] = (1 + a²)/2 · E[x²].",
    ),
)


@gain.mistake(
    "This is the factor for the variance. The gain multiplies the standard deviation: its square "
    "is the factor you return.",
    origin="lecture notes",
)
def variance_gain(nonlinearity, negative_slope=0.01):
    factors = {"linear": 1, "tanh": 25 / 9, "relu": 2, "leaky_relu": 2 / (1 + negative_slope**2)}
    return factors[nonlinearity]


@gain.mistake(
    "You use √2 whatever the nonlinearity. √2 undoes what a ReLU takes; tanh takes something "
    "else, and a linear layer nothing."
)
def relu_for_everything(nonlinearity, negative_slope=0.01):
    return math.sqrt(2)


@gain.mistake(
    "You treat a leaky ReLU as a ReLU. It lets a² of the other half through, so its gain is "
    "smaller: √(2/(1+a²))."
)
def leaky_is_relu(nonlinearity, negative_slope=0.01):
    if nonlinearity in ("relu", "leaky_relu"):
        return math.sqrt(2)
    return 5 / 3 if nonlinearity == "tanh" else 1.0


@gain.mistake("The slope enters squared: second moments count, and x ↦ a·x scales them by a².")
def slope_not_squared(nonlinearity, negative_slope=0.01):
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + negative_slope))
    return {"linear": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2)}[nonlinearity]


@gain.mistake(
    "You use `negative_slope` for ReLU as well. A ReLU has slope 0 on the left, whatever is "
    "passed: its gain is √2."
)
def slope_for_relu(nonlinearity, negative_slope=0.01):
    if nonlinearity in ("relu", "leaky_relu"):
        return math.sqrt(2 / (1 + negative_slope**2))
    return 5 / 3 if nonlinearity == "tanh" else 1.0


@gain.mistake("1 + a² belongs under the root with the 2: √(2/(1+a²)).")
def slope_outside_the_root(nonlinearity, negative_slope=0.01):
    if nonlinearity == "leaky_relu":
        return math.sqrt(2) / (1 + negative_slope**2)
    return {"linear": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2)}[nonlinearity]


@gain.mistake("It is √(2/(1+a²)): slope squared, under the root.")
def slope_added(nonlinearity, negative_slope=0.01):
    if nonlinearity == "leaky_relu":
        return math.sqrt(2) / (1 + negative_slope)
    return {"linear": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2)}[nonlinearity]


gain.mistake(
    "one_for_tanh",
    edit("5 / 3", "1.0"),
    "tanh squeezes too: torch's gain for it is 5/3, not 1.",
)


@gain.mistake("Your gain is the inverse of what is asked for.")
def inverse_gain(nonlinearity, negative_slope=0.01):
    if nonlinearity == "relu":
        return 1 / math.sqrt(2)
    if nonlinearity == "leaky_relu":
        return math.sqrt((1 + negative_slope**2) / 2)
    return 3 / 5 if nonlinearity == "tanh" else 1.0


@gain.alternative
def by_table(nonlinearity, negative_slope=0.01):
    return {
        "linear": 1,
        "tanh": 5 / 3,
        "relu": 2**0.5,
        "leaky_relu": (2 / (1 + negative_slope * negative_slope)) ** 0.5,
    }[nonlinearity]


@gain.alternative
def relu_as_special_case(nonlinearity, negative_slope=0.01):
    if nonlinearity == "linear":
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3.0
    a = 0.0 if nonlinearity == "relu" else negative_slope
    return torch.sqrt(torch.tensor(2.0, dtype=torch.float64) / (1 + a**2))

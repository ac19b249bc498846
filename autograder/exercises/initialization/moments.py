"""Two more moments: what a ReLU leaves of the second one, and the spread of `nn.Linear`'s weights."""

import math

import torch

from autograder import probes
from autograder.exercises.initialization.lab import lab
from autograder.exercises.initialization.variance import FLOAT32
from autograder.judging.checks import matches_reference
from course_lib import initialization


def _variance(rng):
    return {"variance": float(rng.uniform(0.3, 9))}


relu_second_moment = lab.value(
    initialization.relu_second_moment,
    title="What a ReLU leaves of the second moment",
    statement=(
        "Let $x$ be normal with mean 0 and variance `variance`. Derive $E[\\mathrm{ReLU}(x)^2]$, "
        "the quantity that the next layer's variance is proportional to.\n\n"
        "Careful: it is not $\\mathrm{Var}(\\mathrm{ReLU}(x))$."
    ),
    points=2,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("4.3",),
    hide=("Formula", "Source"),
    inputs=_variance,
    probe=probes.call(),
    checks=[matches_reference("the second moment", rtol=FLOAT32)],
    hints=(
        "Write the expectation as an integral over x > 0. How does it compare with the one over "
        "all x?",
        "x² times an even density is an even function.",
        "Half of the integral of x² p(x) is half of the variance.",
    ),
)


@relu_second_moment.mistake(
    "This is the variance of the ReLU's output, 0.341 σ². Its mean is not zero, and the next "
    "layer's variance needs the second moment E[ReLU(x)²]."
)
def variance_of_relu(variance):
    return variance * (0.5 - 1 / (2 * math.pi))


@relu_second_moment.mistake(
    "You leave the variance as it was. The ReLU sets half of a symmetric distribution to zero, "
    "and with it half of E[x²]."
)
def unchanged(variance):
    return variance


@relu_second_moment.mistake(
    "You halve the standard deviation. It is the second moment, a square, that is halved."
)
def half_the_std(variance):
    return math.sqrt(variance) / 2


@relu_second_moment.mistake(
    "This is the mean of the ReLU's output, σ/√(2π). Asked for is the mean of its square."
)
def mean_of_relu(variance):
    return math.sqrt(variance / (2 * math.pi))


@relu_second_moment.mistake(
    "This is the square of the ReLU's mean, σ²/(2π). Asked for is the mean of its square: square "
    "first, then average."
)
def square_of_the_mean(variance):
    return variance / (2 * math.pi)


@relu_second_moment.mistake(
    "Half of the values are set to zero, which halves the mean of the squares once, not twice."
)
def quarter(variance):
    return variance / 4


@relu_second_moment.alternative
def by_integral(variance):
    x = torch.linspace(0, 12, 20001, dtype=torch.float64)
    density = torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    return variance * torch.trapezoid(x**2 * density, x).item()


@relu_second_moment.alternative
def halved(variance):
    return 0.5 * variance


def _default_fan_in(rng):
    return {"fan_in": int(rng.integers(30, 4000))}


default_linear_std = lab.value(
    initialization.default_linear_std,
    title="What nn.Linear does when you do nothing",
    statement=(
        "`nn.Linear` draws its weights with `kaiming_uniform_(weight, a=math.sqrt(5))`: uniformly "
        "in $\\pm b$ with $b = \\sqrt{6/((1+a^2)\\,\\text{fan\\_in})}$. Which standard deviation is "
        "that, as a function of `fan_in`?"
    ),
    points=2,
    core=False,
    syllabus=("4.6",),
    hide=("Formula", "Source"),
    inputs=_default_fan_in,
    probe=probes.call(),
    checks=[matches_reference("the standard deviation", rtol=FLOAT32)],
    hints=(
        "Put a = √5 into b first.",
        "A uniform distribution in ±b has variance b²/3.",
    ),
)


@default_linear_std.mistake(
    "This is the bound b of the uniform distribution. Its standard deviation is b/√3."
)
def bound_of_it(fan_in):
    return 1 / math.sqrt(fan_in)


@default_linear_std.mistake(
    "This is Kaiming's √(2/fan_in). With a = √5 torch's default is smaller, by √6: `nn.Linear` is "
    "*not* initialized for ReLU layers."
)
def kaiming_instead(fan_in):
    return math.sqrt(2 / fan_in)


@default_linear_std.mistake("This is the variance. Asked for is its root.")
def variance_of_it(fan_in):
    return 1 / (3 * fan_in)


@default_linear_std.mistake(
    "You divide the bound by √12. That is for an interval of length b; from −b to b it is 2b "
    "long, and 2b/√12 = b/√3."
)
def bound_over_root_twelve(fan_in):
    return 1 / math.sqrt(12 * fan_in)


@default_linear_std.mistake(
    "You have left out 1 + a² = 6: with a = √5 the bound is √(6/(6 · fan_in)) = 1/√fan_in."
)
def gain_squared_forgotten(fan_in):
    return math.sqrt(2 / (3 * fan_in))


@default_linear_std.alternative
def from_the_bound(fan_in):
    bound = math.sqrt(6 / ((1 + 5) * fan_in))
    return bound / 3**0.5


@default_linear_std.alternative
def from_the_gain(fan_in):
    gain = math.sqrt(2 / (1 + math.sqrt(5) ** 2))
    return gain / math.sqrt(fan_in)

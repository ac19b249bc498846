"""Leaky ReLU: the formula of the notes mended."""

import torch

from autograder import probes
from autograder.exercises.activations.lab import (
    AT_THE_KINK,
    draw_slope,
    draw_values,
    in_a_line,
    lab,
    of_nothing,
    put_in,
    without,
)
from autograder.judging.checks import (
    keeps_dtype,
    keeps_the_graph,
    leaves_inputs_alone,
    matches_reference,
)
from course_lib import activations


LIBRARY_LEAKY_RELUS = (
    "torch.nn.functional",
    "torch.nn.LeakyReLU",
    "torch.nn.PReLU",
    "torch.prelu",
    ".prelu",
)


def _slope_in(low, high):
    def draw(rng):
        x = put_in(rng, draw_values(rng), [-100.0 * rng.uniform(1, 2)])
        return {"x": x, "negative_slope": draw_slope(rng, low, high)}

    return draw


_gentle, _steep, _steeper = _slope_in(0.1, 0.7), _slope_in(1.05, 1.4), _slope_in(2.2, 4)
_downward, _further_down = _slope_in(-0.9, -0.3), _slope_in(-3, -1.2)


leaky_relu = lab.repair(
    activations.leaky_relu,
    planted="larger_of_two",
    title="Find the error in the lecture notes: leaky ReLU",
    statement=r"""The lecture notes define the leaky ReLU in one line, $f(x) = \max(\alpha x, x)$, and
the cell below is that line. For α = 0.01 it is fine. But the slope is a parameter: it may be given
as 2, and PReLU may *learn* it to be anything.

Draw αx and x for α = 2, see what the maximum picks, and mend the function: x for positive x and
αx for the rest, whatever α is. Autograd must be able to go through it.""",
    points=2,
    syllabus=("2.4",),
    hide=("Formula", "Convention"),
    inputs=(
        _steep,
        _gentle,
        without(in_a_line(_steep), "negative_slope"),
        of_nothing(_downward),
        _downward,
        _further_down,
        _steeper,
    ),
    probe=probes.call(differentiable=True),
    checks=[
        matches_reference("the values"),
        keeps_the_graph(),
        leaves_inputs_alone(),
        keeps_dtype(),
    ],
    forbidden=LIBRARY_LEAKY_RELUS,
    equivalent_mutants={
        "return torch.where(x > 0, x, negative_slope * x) => "
        "return torch.where(x >= 0, x, negative_slope * x)": AT_THE_KINK,
    },
    hints=(
        "For α = 2 and x = 3, what is max(αx, x)?",
        "`torch.where(x > 0, …, …)`.",
    ),
)


@leaky_relu.mistake(
    "This is max(αx, x), which is the leaky ReLU only for α ≤ 1. For larger α the maximum picks "
    "αx on the *positive* side. Decide by the sign of x.",
    origin="lecture notes",
)
def larger_of_two(x, negative_slope=0.01):
    return torch.maximum(negative_slope * x, x)


@leaky_relu.mistake(
    "The minimum is right for α ≥ 1 and wrong for α < 1. Decide by the sign of x instead."
)
def smaller_of_two(x, negative_slope=0.01):
    return torch.minimum(negative_slope * x, x)


@leaky_relu.mistake(
    "The minimum is right for α > 1. For negative α it is not: at x = 3 and α = −1 it picks −3. "
    "Decide by the sign of x, and no cases are needed."
)
def minimum_below_zero(x, negative_slope=0.01):
    if 0 <= negative_slope <= 1:
        return torch.maximum(negative_slope * x, x)
    return torch.minimum(negative_slope * x, x)


@leaky_relu.mistake("Your default slope is 0.1. The leaky ReLU's is 0.01: f(−100) = −1.")
def ten_times_the_default(x, negative_slope=0.1):
    return torch.where(x > 0, x, negative_slope * x)


@leaky_relu.mistake("You ignore `negative_slope` and always use 0.01.")
def always_a_hundredth(x, negative_slope=0.01):
    return torch.where(x > 0, x, 0.01 * x)


@leaky_relu.mistake(
    "Your left side rises toward −∞: the leak is +αx, which is negative for negative x."
)
def bent_upward(x, negative_slope=0.01):
    return torch.where(x > 0, x, -negative_slope * x)


@leaky_relu.mistake("The sides are swapped: α belongs to negative x.")
def sides_swapped(x, negative_slope=0.01):
    return torch.where(x > 0, negative_slope * x, x)


@leaky_relu.mistake("Your left side is the constant −α, of slope 0. The leak is αx.")
def constant_leak(x, negative_slope=0.01):
    return torch.where(x > 0, x, torch.full_like(x, -negative_slope))


@leaky_relu.mistake("You add αx on both sides: for positive x the slope must be 1, not 1 + α.")
def sum_of_both(x, negative_slope=0.01):
    return x.clamp(min=0) + negative_slope * x


@leaky_relu.mistake("This is plain ReLU: the leak αx for negative x is missing.")
def no_leak(x, negative_slope=0.01):
    return x.clamp(min=0)


@leaky_relu.alternative
def two_halves(x, negative_slope=0.01):
    return x.clamp(min=0) + negative_slope * x.clamp(max=0)


@leaky_relu.alternative
def by_slope(x, negative_slope=0.01):
    return x * ((x > 0) + negative_slope * (x <= 0))


@leaky_relu.alternative
def in_place_leak(x, negative_slope=0.01):
    x[x < 0] *= negative_slope
    return x

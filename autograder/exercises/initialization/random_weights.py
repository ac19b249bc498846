"""Random weights: fans, gains, and the distributions of LeCun, Glorot and He."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.initialization.lab import lab
from autograder.judging.checks import matches_reference
from autograder.judging.statistics import (
    entries_are_independent,
    is_normal,
    mean_is,
    shape_is,
    std_is,
)
from course_lib import initialization

DRAWS = probes.draws(count=8)
INITIALIZERS = ("torch.nn.init",)


def indifferent(*signs, draw="std * torch.randn(shape, dtype=dtype, device=device)"):
    """Mutants of a random answer that change nothing the exercise is about."""
    plain = "std * torch.randn(shape{})" if "std" in draw else draw.partition("(")[0] + "(shape{})"
    tail = "" if "std" in draw else ".uniform_(-bound, bound)"
    negative = f"-({draw})" if "std" in draw else f"-{draw}"
    sign = "zero-mean symmetric numbers have the same distribution with the other sign"
    caller = "dtype and device are for callers who ask; what is asked for is the distribution"
    return {
        f"return {draw} => return {negative}": sign,
        f"return {draw} => return {plain.format(', device=device')}{tail}": caller,
        f"return {draw} => return {plain.format(', dtype=dtype')}{tail}": caller,
        **{f"{name} = {value} => {name} = -{negated}": sign for name, value, negated in signs},
    }


ALL_POSITIVE = (
    "`torch.rand` draws uniformly between 0 and 1, so that all your weights are positive. Asked "
    "for are normal numbers around 0: `torch.randn`."
)
NOT_NORMAL = "Right spread, but uniform. Asked for are normal weights: `torch.randn`."
UNIFORM = "torch.empty(shape, dtype=dtype, device=device).uniform_(-bound, bound)"


def drawn_with(std, law):
    """The checks of random weights: entries of this spread and law, each drawn by itself."""
    return [
        shape_is(lambda shape, **_: shape),
        mean_is(lambda **_: 0),
        std_is(std),
        law,
        entries_are_independent(),
    ]


def _linear(rng):
    return {"shape": [int(rng.integers(20, 60)), int(rng.integers(90, 150))]}


def _wide(rng):
    return {"shape": [int(rng.integers(90, 150)), int(rng.integers(20, 60))]}


def _convolution(rng):
    outputs, inputs = int(rng.integers(17, 29)), int(rng.integers(5, 12))
    return {"shape": [outputs, inputs, 3, 5]}


def _signal(rng):
    return {"shape": [int(rng.integers(17, 29)), int(rng.integers(5, 12)), int(rng.integers(3, 8))]}


def _depthwise(rng):
    return {"shape": [int(rng.integers(5, 30)), 1, int(rng.integers(2, 6)), 7]}


fan_in_and_fan_out = lab.exercise(
    initialization.fan_in_and_fan_out,
    title="How many inputs does a unit have?",
    statement=(
        "Every initializer of this lab starts from two numbers. **Fan-in**: how many inputs are "
        "summed into one output. **Fan-out**: how many outputs one input goes into.\n\n"
        "Compute both from the shape of a weight in torch's layout: `(out, in)` for a linear layer, "
        "`(out, in, *kernel)` for a convolution (for a grouped convolution torch's second axis is "
        "already the number of channels *per group*)."
    ),
    points=3,
    minutes=6,
    syllabus=("4.5",),
    inputs=(_linear, _wide, _convolution, _signal, _depthwise),
    probe=probes.call(),
    checks=[
        matches_reference("the fan-in", of="result.0"),
        matches_reference("the fan-out", of="result.1"),
    ],
    forbidden=INITIALIZERS,
    hints=(
        "Take one output unit: how many numbers does it multiply by a weight?",
        "For a convolution that is the input channels (second axis) times the kernel's area.",
        "`math.prod(shape[2:])` is the area, and 1 for a linear layer.",
    ),
)


@fan_in_and_fan_out.mistake(
    "Fan-in and fan-out are swapped. torch stores a weight as (out, in, …): the *second* axis is "
    "what is summed over."
)
def swapped(shape):
    receptive = math.prod(shape[2:])
    return shape[0] * receptive, shape[1] * receptive


@fan_in_and_fan_out.mistake(
    "You count channels only. One output of a convolution sums over all channels *and* over every "
    "position of the kernel: 3×3 with 32 channels gives a fan-in of 288.",
    origin="1 of 117 students",
)
def no_kernel(shape):
    return shape[1], shape[0]


@fan_in_and_fan_out.mistake("You multiply by one side of the kernel. Its area counts: k_h · k_w.")
def side_not_area(shape):
    side = shape[2] if len(shape) > 2 else 1
    return shape[1] * side, shape[0] * side


@fan_in_and_fan_out.mistake(
    "You square one side of the kernel. A kernel need not be square: k_h · k_w."
)
def side_squared(shape):
    area = shape[2] ** 2 if len(shape) > 2 else 1
    return shape[1] * area, shape[0] * area


@fan_in_and_fan_out.mistake("The fan-in is right; the fan-out needs the kernel's area as well.")
def fan_in_only_kernel(shape):
    return shape[1] * math.prod(shape[2:]), shape[0]


@fan_in_and_fan_out.mistake("The fan-out is right; the fan-in needs the kernel's area as well.")
def fan_out_only_kernel(shape):
    return shape[1], shape[0] * math.prod(shape[2:])


@fan_in_and_fan_out.mistake(
    "This is the number of all weights. One output has only its own row of them."
)
def all_of_it(shape):
    return math.prod(shape), math.prod(shape)


@fan_in_and_fan_out.mistake(
    "You divide by the groups a second time. The weight of a depthwise 3×3 convolution has the "
    "shape (C, 1, 3, 3) and a fan-in of 9: the shape has the groups in it already."
)
def divides_by_channels(shape):
    receptive = math.prod(shape[2:])
    fan_in = shape[1] * receptive
    return (fan_in / shape[0] if shape[1] == 1 else fan_in), shape[0] * receptive


@fan_in_and_fan_out.alternative
def by_numel(shape):
    weight = torch.empty(shape)
    return weight[0].numel(), weight[:, 0].numel()


@fan_in_and_fan_out.alternative
def by_loop(shape):
    receptive = 1
    for side in shape[2:]:
        receptive *= side
    return shape[1] * receptive, shape[0] * receptive


@fan_in_and_fan_out.alternative
def by_numpy(shape):
    area = int(np.prod(shape[2:]))
    return area * shape[1], area * shape[0]


def _gaussian(rng):
    return {
        "shape": [int(rng.integers(30, 60)), int(rng.integers(70, 120))],
        "std": float(rng.uniform(0.02, 0.3)),
    }


gaussian = lab.exercise(
    initialization.gaussian,
    title="Small random numbers",
    statement=(
        "The oldest recipe: independent normal numbers with mean 0 and standard deviation `std`, in "
        "a tensor of the given `shape`. Every call must draw new ones."
    ),
    points=2,
    minutes=4,
    syllabus=("4.2",),
    inputs=_gaussian,
    probe=DRAWS,
    checks=drawn_with(lambda shape, std: std, is_normal()),
    equivalent_mutants=indifferent(),
    forbidden=INITIALIZERS,
    hints=(
        "`torch.randn` draws standard normal numbers: mean 0, standard deviation 1.",
        "What does multiplying by a constant do to a standard deviation?",
    ),
)


@gaussian.mistake(
    "You draw uniformly between 0 and std. All weights of a unit then have the same sign; the "
    "numbers must be centered at zero (`torch.randn`, not `torch.rand`)."
)
def half_uniform(shape, std):
    return torch.rand(shape) * std


@gaussian.mistake(
    "You draw uniformly in ±std: that has the standard deviation std/√3 and no tails. Asked for "
    "are normal numbers."
)
def uniform_both_sides(shape, std):
    return (2 * torch.rand(shape) - 1) * std


@gaussian.mistake(
    "The spread is right, but your numbers are uniform, without tails. Asked for are normal "
    "numbers: `torch.randn`."
)
def uniform_of_the_same_spread(shape, std):
    return (2 * torch.rand(shape) - 1) * math.sqrt(3) * std


@gaussian.mistake("You treat `std` as a variance and take its root.")
def std_as_variance(shape, std):
    return torch.randn(shape) * math.sqrt(std)


@gaussian.mistake(
    "You multiply by std². Scaling numbers by s scales their standard deviation by s."
)
def squared_std(shape, std):
    return torch.randn(shape) * std**2


@gaussian.mistake(
    "You divide by std. Multiplying standard normal numbers by it is what gives them that "
    "standard deviation."
)
def divided_by_std(shape, std):
    return torch.randn(shape) / std


@gaussian.mistake(
    "`std` is not used: standard normal numbers have standard deviation 1. Multiply them by it."
)
def std_ignored(shape, std):
    return torch.randn(shape)


@gaussian.mistake("You add std. That moves the mean; multiply to set the spread.")
def shifted(shape, std):
    return torch.randn(shape) + std


@gaussian.mistake("You draw one number per row and repeat it. Every entry needs a draw of its own.")
def one_per_row(shape, std):
    return (torch.randn(shape[0], 1) * std).expand(*shape).clone()


@gaussian.mistake(
    "You draw one number per column and repeat it. All units (rows) are then equal; every entry "
    "needs a draw of its own."
)
def one_per_column(shape, std):
    return (torch.randn(1, shape[1]) * std).expand(*shape).clone()


@gaussian.mistake("Every call gives the same numbers: a seed is fixed inside the function.")
def same_every_time(shape, std):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=generator) * std


@gaussian.alternative
def by_normal(shape, std):
    return torch.normal(0.0, std, size=tuple(shape))


@gaussian.alternative
def in_place(shape, std):
    return torch.empty(shape).normal_(0, std)


@gaussian.alternative
def from_numpy(shape, std):
    return torch.from_numpy(np.random.randn(*shape) * std).float()

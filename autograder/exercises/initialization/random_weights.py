"""Random weights: fans, gains, and the distributions of LeCun, Glorot and He."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.initialization.lab import lab
from autograder.judging import Alternative, Mistake
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


UNIFORM = "torch.empty(shape, dtype=dtype, device=device).uniform_(-bound, bound)"


def _linear(rng):
    return {"shape": [int(rng.integers(20, 60)), int(rng.integers(90, 150))]}


def _wide(rng):
    return {"shape": [int(rng.integers(90, 150)), int(rng.integers(20, 60))]}


def _convolution(rng):
    outputs, inputs = int(rng.integers(17, 29)), int(rng.integers(5, 12))
    return {"shape": [outputs, inputs, 3, 5]}


def _depthwise(rng):
    return {"shape": [int(rng.integers(5, 30)), 1, int(rng.integers(2, 6)), 7]}


def swapped(shape):
    receptive = math.prod(shape[2:])
    return shape[0] * receptive, shape[1] * receptive


def no_kernel(shape):
    return shape[1], shape[0]


def side_not_area(shape):
    side = shape[2] if len(shape) > 2 else 1
    return shape[1] * side, shape[0] * side


def side_squared(shape):
    area = shape[2] ** 2 if len(shape) > 2 else 1
    return shape[1] * area, shape[0] * area


def fan_in_only_kernel(shape):
    return shape[1] * math.prod(shape[2:]), shape[0]


def fan_out_only_kernel(shape):
    return shape[1], shape[0] * math.prod(shape[2:])


def all_of_it(shape):
    return math.prod(shape), math.prod(shape)


def divides_by_channels(shape):
    receptive = math.prod(shape[2:])
    fan_in = shape[1] * receptive
    return (fan_in / shape[0] if shape[1] == 1 else fan_in), shape[0] * receptive


def by_numel(shape):
    weight = torch.empty(shape)
    return weight[0].numel(), weight[:, 0].numel()


def by_loop(shape):
    receptive = 1
    for side in shape[2:]:
        receptive *= side
    return shape[1] * receptive, shape[0] * receptive


def by_numpy(shape):
    area = int(np.prod(shape[2:]))
    return area * shape[1], area * shape[0]


lab.exercise(
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
    difficulty=1,
    syllabus=("4.5",),
    inputs=(_linear, _wide, _convolution, _depthwise),
    probe=probes.call(),
    checks=[
        matches_reference("the fan-in", of="result.0"),
        matches_reference("the fan-out", of="result.1"),
    ],
    mistakes=[
        Mistake(
            "swapped",
            swapped,
            "Fan-in and fan-out are swapped. torch stores a weight as (out, in, …): the *second* "
            "axis is what is summed over.",
        ),
        Mistake(
            "no_kernel",
            no_kernel,
            "You count channels only. One output of a convolution sums over all channels *and* over "
            "every position of the kernel: 3×3 with 32 channels gives a fan-in of 288.",
            origin="1 of 117 students",
        ),
        Mistake(
            "side_not_area",
            side_not_area,
            "You multiply by one side of the kernel. Its area counts: k_h · k_w.",
        ),
        Mistake(
            "side_squared",
            side_squared,
            "You square one side of the kernel. A kernel need not be square: k_h · k_w.",
        ),
        Mistake(
            "fan_in_only_kernel",
            fan_in_only_kernel,
            "The fan-in is right; the fan-out needs the kernel's area as well.",
        ),
        Mistake(
            "fan_out_only_kernel",
            fan_out_only_kernel,
            "The fan-out is right; the fan-in needs the kernel's area as well.",
        ),
        Mistake(
            "all_of_it",
            all_of_it,
            "This is the number of all weights. One output has only its own row of them.",
        ),
        Mistake(
            "divides_by_channels",
            divides_by_channels,
            "You divide by the groups a second time. The weight of a depthwise 3×3 convolution has "
            "the shape (C, 1, 3, 3) and a fan-in of 9: the shape has the groups in it already.",
        ),
    ],
    alternatives=[
        Alternative("by_numel", by_numel),
        Alternative("by_loop", by_loop),
        Alternative("by_numpy", by_numpy),
    ],
    forbidden=INITIALIZERS,
    hints=(
        "Take one output unit: how many numbers does it multiply by a weight?",
        "For a convolution that is the input channels (second axis) times the kernel's area.",
        "`math.prod(shape[2:])` is the area, and 1 for a linear layer.",
    ),
)


def _gaussian(rng):
    return {
        "shape": [int(rng.integers(30, 60)), int(rng.integers(70, 120))],
        "std": float(rng.uniform(0.02, 0.3)),
    }


def half_uniform(shape, std):
    return torch.rand(shape) * std


def uniform_both_sides(shape, std):
    return (2 * torch.rand(shape) - 1) * std


def std_as_variance(shape, std):
    return torch.randn(shape) * math.sqrt(std)


def squared_std(shape, std):
    return torch.randn(shape) * std**2


def divided_by_std(shape, std):
    return torch.randn(shape) / std


def std_ignored(shape, std):
    return torch.randn(shape)


def shifted(shape, std):
    return torch.randn(shape) + std


def one_per_row(shape, std):
    return (torch.randn(shape[0], 1) * std).expand(*shape).clone()


def one_per_column(shape, std):
    return (torch.randn(1, shape[1]) * std).expand(*shape).clone()


def same_every_time(shape, std):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=generator) * std


def by_normal(shape, std):
    return torch.normal(0.0, std, size=tuple(shape))


def in_place(shape, std):
    return torch.empty(shape).normal_(0, std)


def from_numpy(shape, std):
    return torch.from_numpy(np.random.randn(*shape) * std).float()


lab.exercise(
    initialization.gaussian,
    title="Small random numbers",
    statement=(
        "The oldest recipe: independent normal numbers with mean 0 and standard deviation `std`, in "
        "a tensor of the given `shape`. Every call must draw new ones."
    ),
    points=2,
    minutes=4,
    difficulty=1,
    syllabus=("4.2",),
    inputs=_gaussian,
    probe=DRAWS,
    checks=[
        shape_is(lambda shape, std: shape),
        mean_is(lambda shape, std: 0),
        std_is(lambda shape, std: std),
        is_normal(),
        entries_are_independent(),
    ],
    mistakes=[
        Mistake(
            "half_uniform",
            half_uniform,
            "You draw uniformly between 0 and std. All weights of a unit then have the same sign; "
            "the numbers must be centered at zero (`torch.randn`, not `torch.rand`).",
        ),
        Mistake(
            "uniform_both_sides",
            uniform_both_sides,
            "You draw uniformly in ±std: that has the standard deviation std/√3 and no tails. "
            "Asked for are normal numbers.",
        ),
        Mistake(
            "std_as_variance",
            std_as_variance,
            "You treat `std` as a variance and take its root.",
        ),
        Mistake(
            "squared_std",
            squared_std,
            "You multiply by std². Scaling numbers by s scales their standard deviation by s.",
        ),
        Mistake(
            "divided_by_std",
            divided_by_std,
            "You divide by std. Multiplying standard normal numbers by it is what gives them that "
            "standard deviation.",
        ),
        Mistake(
            "std_ignored",
            std_ignored,
            "`std` is not used: standard normal numbers have standard deviation 1. Multiply them "
            "by it.",
        ),
        Mistake(
            "shifted", shifted, "You add std. That moves the mean; multiply to set the spread."
        ),
        Mistake(
            "one_per_row",
            one_per_row,
            "You draw one number per row and repeat it. Every entry needs a draw of its own.",
        ),
        Mistake(
            "one_per_column",
            one_per_column,
            "You draw one number per column and repeat it. All units (rows) are then equal; every"
            " entry needs a draw of its own.",
        ),
        Mistake(
            "same_every_time",
            same_every_time,
            "Every call gives the same numbers: a seed is fixed inside the function.",
        ),
    ],
    alternatives=[
        Alternative("by_normal", by_normal),
        Alternative("in_place", in_place),
        Alternative("from_numpy", from_numpy),
    ],
    equivalent_mutants=indifferent(),
    forbidden=INITIALIZERS,
    hints=(
        "`torch.randn` draws standard normal numbers: mean 0, standard deviation 1.",
        "What does multiplying by a constant do to a standard deviation?",
    ),
)

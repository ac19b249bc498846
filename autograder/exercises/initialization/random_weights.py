"""Random weights of a fixed standard deviation."""

import math

import numpy as np
import torch

from autograder.exercises.initialization.drawing import (
    DRAWS,
    INITIALIZERS,
    drawn_with,
    indifferent,
)
from autograder.exercises.initialization.lab import lab
from autograder.judging.statistics import is_normal
from course_lib import initialization


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
    core=False,
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

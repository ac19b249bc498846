"""Weights that keep the variance of linear layers: LeCun, Glorot and their uniform form."""

import math

import numpy as np
import torch

from autograder.exercises.initialization.drawing import (
    ALL_POSITIVE,
    DRAWS,
    INITIALIZERS,
    NOT_NORMAL,
    UNIFORM,
    draw_convolution,
    draw_linear,
    drawn_with,
    indifferent,
)
from autograder.exercises.initialization.lab import lab
from autograder.judging.statistics import is_normal, is_uniform
from course_lib import initialization
from course_lib.initialization import fan_in_and_fan_out


def lecun_std(shape, **_):
    return math.sqrt(1 / fan_in_and_fan_out(shape)[0])


lecun_normal = lab.exercise(
    initialization.lecun_normal,
    title="LeCun: keep the variance of a linear layer",
    statement=(
        "Solve $D \\cdot \\mathrm{Var}(w) = 1$ for the variance of the weights and draw normal "
        "weights of that variance. The lectures call this simplification “Xavier”; it is LeCun's."
    ),
    points=2,
    minutes=4,
    core=False,
    syllabus=("4.4",),
    inputs=(draw_linear, draw_convolution),
    probe=DRAWS,
    checks=drawn_with(lecun_std, is_normal()),
    equivalent_mutants=indifferent(("std", "1 / math.sqrt(fan_in)", "(1 / math.sqrt(fan_in))")),
    forbidden=INITIALIZERS,
    needs=("initialization/fan_in_and_fan_out",),
    hints=("`fan_in_and_fan_out` gives you D.", "Standard deviation, not variance: √(1/D)."),
)


@lecun_normal.mistake(
    "You divide by the fan-out. The forward signal sums over the fan-in: axis 1 (and the kernel) "
    "of torch's layout."
)
def lecun_by_fan_out(shape):
    return torch.randn(shape) / math.sqrt(fan_in_and_fan_out(shape)[1])


@lecun_normal.mistake(
    "1/fan_in is the variance; multiply by its root.", origin="10 of 117 students"
)
def lecun_variance_as_std(shape):
    return torch.randn(shape) / fan_in_and_fan_out(shape)[0]


@lecun_normal.mistake(
    "This is Glorot's compromise 2/(fan_in + fan_out). LeCun's variance is 1/fan_in.",
    origin="lecture notes",
)
def lecun_is_glorot(shape):
    return torch.randn(shape) * math.sqrt(2 / sum(fan_in_and_fan_out(shape)))


@lecun_normal.mistake(
    "This is He's 2/fan_in, for layers with a ReLU. Nothing is lost in a linear layer: 1/fan_in."
)
def lecun_is_he(shape):
    return torch.randn(shape) * math.sqrt(2 / fan_in_and_fan_out(shape)[0])


@lecun_normal.mistake(
    "Your weights have the standard deviation √fan_in (you multiply by √fan_in, or divide by "
    "√(1/fan_in)). The more inputs are summed, the smaller the weights must be: 1/√fan_in."
)
def lecun_multiplied(shape):
    return torch.randn(shape) * math.sqrt(fan_in_and_fan_out(shape)[0])


@lecun_normal.mistake(ALL_POSITIVE)
def lecun_all_positive(shape):
    return torch.rand(shape) / math.sqrt(fan_in_and_fan_out(shape)[0])


@lecun_normal.mistake(NOT_NORMAL)
def lecun_uniform(shape):
    return (2 * torch.rand(shape) - 1) * math.sqrt(3 / fan_in_and_fan_out(shape)[0])


@lecun_normal.mistake("For a convolution the fan-in also counts the kernel's positions.")
def lecun_no_kernel(shape):
    return torch.randn(shape) / math.sqrt(shape[1])


@lecun_normal.alternative
def lecun_alternative(shape):
    fan_in, _ = fan_in_and_fan_out(shape)
    return torch.normal(0, fan_in**-0.5, tuple(shape))


def _glorot(rng):
    return {**draw_linear(rng), "scale": float(rng.uniform(1.3, 2))}


def _glorot_convolution(rng):
    return {**draw_convolution(rng), "scale": float(rng.uniform(0.4, 0.7))}


def glorot_std(shape, scale):
    return scale * math.sqrt(2 / sum(fan_in_and_fan_out(shape)))


xavier_normal = lab.exercise(
    initialization.xavier_normal,
    title="Glorot: a compromise between forward and backward",
    statement=(
        "Forward signals ask for the variance 1/fan_in, backward signals for 1/fan_out. Glorot and "
        "Bengio's compromise takes the mean of the two fans: "
        "$\\mathrm{Var}(w) = 2/(\\text{fan\\_in}+\\text{fan\\_out})$. Draw normal weights of that "
        "variance, with the standard deviation multiplied by `scale` (a gain).\n\n"
        "**Convention.** “Xavier” in the lectures is often $1/\\text{fan\\_in}$, which is LeCun's. "
        "Here, as in torch, it is Glorot's."
    ),
    points=3,
    minutes=6,
    core=False,
    syllabus=("4.4",),
    inputs=(_glorot, _glorot_convolution),
    probe=DRAWS,
    checks=drawn_with(glorot_std, is_normal()),
    equivalent_mutants=indifferent(
        (
            "std",
            "scale * math.sqrt(2 / (fan_in + fan_out))",
            "(scale * math.sqrt(2 / (fan_in + fan_out)))",
        )
    ),
    forbidden=INITIALIZERS,
    needs=("initialization/fan_in_and_fan_out",),
    hints=(
        "You have `fan_in_and_fan_out`.",
        "randn has standard deviation 1. Multiply it by √(2/(fan_in+fan_out)) and by `scale`.",
    ),
)


@xavier_normal.mistake(
    "Your variance is 1/fan_in: that is LeCun's formula, which the lectures call Xavier. Glorot's "
    "is 2/(fan_in + fan_out).",
    origin="lecture notes",
)
def glorot_is_lecun(shape, scale=1.0):
    return torch.randn(shape) * scale / math.sqrt(fan_in_and_fan_out(shape)[0])


@xavier_normal.mistake(
    "2/(fan_in + fan_out) is the variance; the standard deviation is its root.",
    origin="10 of 117 students",
)
def glorot_variance_as_std(shape, scale=1.0):
    return torch.randn(shape) * scale * 2 / sum(fan_in_and_fan_out(shape))


@xavier_normal.mistake(
    "The 2 is missing: the mean of the fans is (fan_in + fan_out)/2, and it stands in the "
    "denominator."
)
def glorot_without_two(shape, scale=1.0):
    return torch.randn(shape) * scale * math.sqrt(1 / sum(fan_in_and_fan_out(shape)))


@xavier_normal.mistake("`scale` is not used: multiply the standard deviation by it.")
def glorot_no_gain(shape, scale=1.0):
    return torch.randn(shape) * math.sqrt(2 / sum(fan_in_and_fan_out(shape)))


@xavier_normal.mistake("`scale` multiplies the standard deviation; you put it under the root.")
def glorot_gain_in_root(shape, scale=1.0):
    return torch.randn(shape) * math.sqrt(2 * scale / sum(fan_in_and_fan_out(shape)))


@xavier_normal.mistake(ALL_POSITIVE)
def glorot_all_positive(shape, scale=1.0):
    return torch.rand(shape) * scale * math.sqrt(2 / sum(fan_in_and_fan_out(shape)))


@xavier_normal.mistake(NOT_NORMAL)
def glorot_uniform(shape, scale=1.0):
    return (2 * torch.rand(shape) - 1) * scale * math.sqrt(6 / sum(fan_in_and_fan_out(shape)))


@xavier_normal.mistake("For a convolution both fans count the kernel's positions.")
def glorot_no_kernel(shape, scale=1.0):
    return torch.randn(shape) * scale * math.sqrt(2 / (shape[0] + shape[1]))


@xavier_normal.mistake(
    "Your root covers the 2 alone; the sum of the fans belongs under it too: √(2/(fan_in + "
    "fan_out))."
)
def glorot_root_of_the_two(shape, scale=1.0):
    return torch.randn(shape) * scale * math.sqrt(2) / sum(fan_in_and_fan_out(shape))


@xavier_normal.mistake(
    "You divide by the standard deviation that the weights should have; multiply."
)
def glorot_divided(shape, scale=1.0):
    return torch.randn(shape) * scale / math.sqrt(2 / sum(fan_in_and_fan_out(shape)))


@xavier_normal.alternative
def glorot_by_normal(shape, scale=1.0):
    fan_in, fan_out = fan_in_and_fan_out(shape)
    return torch.normal(0.0, scale * (2.0 / (fan_in + fan_out)) ** 0.5, size=tuple(shape))


@xavier_normal.alternative
def glorot_by_numpy(shape, scale=1.0):
    fan_in, fan_out = fan_in_and_fan_out(shape)
    return torch.empty(*shape).normal_() * (scale * np.sqrt(2 / (fan_in + fan_out)))


def glorot_bound(shape, scale):
    return scale * math.sqrt(6 / sum(fan_in_and_fan_out(shape)))


xavier_uniform = lab.exercise(
    initialization.xavier_uniform,
    title="The same variance, drawn uniformly",
    statement=(
        "Draw weights uniformly in ±b so that they have the same variance as `xavier_normal` with "
        "the same `scale`. What is b?"
    ),
    points=2,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("4.4",),
    hide=("Formula",),
    inputs=(_glorot, _glorot_convolution),
    probe=DRAWS,
    checks=drawn_with(glorot_std, is_uniform(glorot_bound)),
    equivalent_mutants=indifferent(draw=UNIFORM),
    forbidden=INITIALIZERS,
    needs=("initialization/fan_in_and_fan_out",),
    hints=(
        "The variance of a uniform distribution in ±b is b²/3.",
        "Set b²/3 = 2/(fan_in+fan_out).",
    ),
)


@xavier_uniform.mistake(
    "You use the normal distribution's standard deviation as the bound. Uniform numbers in ±b "
    "have the standard deviation b/√3, so b = √3 · std."
)
def bound_is_std(shape, scale=1.0):
    bound = scale * math.sqrt(2 / sum(fan_in_and_fan_out(shape)))
    return (2 * torch.rand(shape) - 1) * bound


@xavier_uniform.mistake(
    "You draw between 0 and b. The weights must be centered at zero: between −b and b."
)
def one_sided(shape, scale=1.0):
    return torch.rand(shape) * scale * math.sqrt(6 / sum(fan_in_and_fan_out(shape)))


@xavier_uniform.mistake("`rand − 0.5` fills ±½. Multiply by 2b, not by b.")
def half_the_bound(shape, scale=1.0):
    return (torch.rand(shape) - 0.5) * scale * math.sqrt(6 / sum(fan_in_and_fan_out(shape)))


@xavier_uniform.mistake("Only the fan-in is in your bound; Glorot's has the sum of both fans.")
def bound_of_one_fan(shape, scale=1.0):
    bound = scale * math.sqrt(6 / fan_in_and_fan_out(shape)[0])
    return (2 * torch.rand(shape) - 1) * bound


@xavier_uniform.mistake("`scale` is not used.")
def bound_without_gain(shape, scale=1.0):
    return (2 * torch.rand(shape) - 1) * math.sqrt(6 / sum(fan_in_and_fan_out(shape)))


@xavier_uniform.mistake("For a convolution both fans count the kernel's positions.")
def bound_without_kernel(shape, scale=1.0):
    return (2 * torch.rand(shape) - 1) * scale * math.sqrt(6 / (shape[0] + shape[1]))


@xavier_uniform.mistake("`scale` multiplies the bound; you put it under the root.")
def bound_with_gain_in_root(shape, scale=1.0):
    return (2 * torch.rand(shape) - 1) * math.sqrt(6 * scale / sum(fan_in_and_fan_out(shape)))


@xavier_uniform.mistake("Right spread, but normal instead of uniform.")
def normal_instead(shape, scale=1.0):
    return torch.randn(shape) * scale * math.sqrt(2 / sum(fan_in_and_fan_out(shape)))


@xavier_uniform.mistake("The root is missing: b = √(6/(fan_in + fan_out)).")
def bound_is_variance(shape, scale=1.0):
    return (2 * torch.rand(shape) - 1) * scale * 6 / sum(fan_in_and_fan_out(shape))


@xavier_uniform.alternative
def uniform_in_place(shape, scale=1.0):
    bound = scale * math.sqrt(6 / sum(fan_in_and_fan_out(shape)))
    return torch.empty(shape).uniform_(-bound, bound)


@xavier_uniform.alternative
def uniform_from_std(shape, scale=1.0):
    fan_in, fan_out = fan_in_and_fan_out(shape)
    std = scale * (2 / (fan_in + fan_out)) ** 0.5
    return torch.rand(shape) * 2 * 3**0.5 * std - 3**0.5 * std

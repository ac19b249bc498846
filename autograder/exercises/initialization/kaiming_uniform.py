"""The uniform form of He et al.'s weights."""

import math

import torch

from autograder.exercises.initialization.drawing import (
    DRAWS,
    INITIALIZERS,
    UNIFORM,
    drawn_with,
    indifferent,
)
from autograder.exercises.initialization.kaiming import HE_CASES, he_std
from autograder.exercises.initialization.lab import lab
from autograder.judging.statistics import is_uniform
from course_lib import initialization
from course_lib.initialization import fan_in_and_fan_out, gain


def he_bound(shape, nonlinearity, negative_slope):
    return math.sqrt(3) * he_std(shape, nonlinearity, negative_slope)


kaiming_uniform = lab.exercise(
    initialization.kaiming_uniform,
    title="Kaiming, drawn uniformly",
    statement=(
        "Draw weights uniformly in ±b with the same variance as `kaiming_normal` has for the same "
        "nonlinearity."
    ),
    points=2,
    difficulty=2,
    core=False,
    syllabus=("4.6",),
    hide=("Formula",),
    inputs=HE_CASES,
    probe=DRAWS,
    checks=drawn_with(he_std, is_uniform(he_bound)),
    equivalent_mutants=indifferent(draw=UNIFORM),
    forbidden=INITIALIZERS,
    needs=("initialization/fan_in_and_fan_out", "initialization/gain"),
    hints=("b²/3 is the variance of a uniform distribution in ±b.", "b = gain · √(3/fan_in)."),
)


@kaiming_uniform.mistake("You use the standard deviation as the bound; the bound is √3 times it.")
def he_bound_is_std(shape, nonlinearity="relu", negative_slope=0.01):
    std = gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[0])
    return (2 * torch.rand(shape) - 1) * std


@kaiming_uniform.mistake("Your weights are all positive: draw between −b and b.")
def he_bound_from_zero(shape, nonlinearity="relu", negative_slope=0.01):
    std = gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[0])
    return torch.rand(shape) * math.sqrt(3) * std


@kaiming_uniform.mistake(
    "√(6/fan_in) is the bound for ReLU. For other nonlinearities it is gain · √(3/fan_in)."
)
def he_bound_relu_only(shape, nonlinearity="relu", negative_slope=0.01):
    return (2 * torch.rand(shape) - 1) * math.sqrt(6 / fan_in_and_fan_out(shape)[0])


@kaiming_uniform.mistake("You divide by the fan-out; the forward signal sums over the fan-in.")
def he_bound_fan_out(shape, nonlinearity="relu", negative_slope=0.01):
    std = gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[1])
    return (2 * torch.rand(shape) - 1) * math.sqrt(3) * std


@kaiming_uniform.mistake(
    "`negative_slope` does not reach the gain: pass it on, `gain(nonlinearity, negative_slope)`."
)
def he_bound_slope_not_passed(shape, nonlinearity="relu", negative_slope=0.01):
    bound = gain(nonlinearity) * math.sqrt(3 / fan_in_and_fan_out(shape)[0])
    return (2 * torch.rand(shape) - 1) * bound


@kaiming_uniform.mistake(
    "For a convolution the fan-in is channels × kernel area. You count channels only."
)
def he_bound_no_kernel(shape, nonlinearity="relu", negative_slope=0.01):
    bound = gain(nonlinearity, negative_slope) * math.sqrt(3 / shape[1])
    return (2 * torch.rand(shape) - 1) * bound


@kaiming_uniform.mistake("The root over fan_in is missing: b = gain · √(3/fan_in).")
def he_bound_missing_root(shape, nonlinearity="relu", negative_slope=0.01):
    bound = gain(nonlinearity, negative_slope) * math.sqrt(3) / fan_in_and_fan_out(shape)[0]
    return (2 * torch.rand(shape) - 1) * bound


@kaiming_uniform.mistake("The gain is missing.")
def he_bound_no_gain(shape, nonlinearity="relu", negative_slope=0.01):
    return (2 * torch.rand(shape) - 1) * math.sqrt(3 / fan_in_and_fan_out(shape)[0])


@kaiming_uniform.alternative
def he_uniform_in_place(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in, _ = fan_in_and_fan_out(shape)
    bound = gain(nonlinearity, negative_slope) * math.sqrt(3 / fan_in)
    return torch.empty(shape).uniform_(-bound, bound)

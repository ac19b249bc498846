"""Weights that keep signals alive through ReLUs: a formula of lecture notes, and He et al.'s."""

import math

import numpy as np
import torch
from torch import nn

from autograder.exercises.experiments import seeded
from autograder.exercises.initialization.drawing import (
    ALL_POSITIVE,
    DRAWS,
    INITIALIZERS,
    NOT_NORMAL,
    draw_convolution,
    draw_linear,
    drawn_with,
    indifferent,
)
from autograder.exercises.initialization.lab import lab
from autograder.judging.statistics import is_normal
from course_lib import initialization
from course_lib.initialization import fan_in_and_fan_out, gain


@seeded
def _division_after_one_layer():
    x = torch.randn(64, 4096)
    weight = torch.randn(256, 4096) / (2 / 4096) ** 0.5
    return "more than 100" if float(torch.relu(x @ weight.T).std()) > 100 else "about 1"


lab.prediction(
    "division_bug",
    title="Predict: the formula from the lecture notes",
    statement=(
        "The notes initialize a ReLU layer of width 4096 with `randn(…) / sqrt(2 / 4096)`. Inputs "
        "have standard deviation 1. What is the standard deviation of the output of the **first** "
        "layer?"
    ),
    minutes=2,
    choices=("about 0.001", "about 1", "about 10", "more than 100"),
    outcome=_division_after_one_layer,
    explanation="Each weight has standard deviation √(4096/2) = 45, and 4096 of them add up.",
)


def _before(nonlinearity, draw_shape):
    def draw(rng):
        shape = draw_shape(rng)
        # Far from 0, so that it shows where it counts and where it must not.
        slope = float(rng.uniform(0.5, 0.9))
        return {**shape, "nonlinearity": nonlinearity, "negative_slope": slope}

    return draw


HE_CASES = (
    _before("relu", draw_linear),
    _before("relu", draw_convolution),
    _before("leaky_relu", draw_convolution),
    _before("linear", draw_linear),
    _before("tanh", draw_linear),
)


def he_std(shape, nonlinearity, negative_slope):
    return gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[0])


kaiming_normal = lab.exercise(
    initialization.kaiming_normal,
    title="Kaiming: keep signals alive through ReLUs",
    statement=(
        "A ReLU halves the second moment of what passes through it. He et al. make up for it in the "
        "weights: normal with standard deviation $\\text{gain}/\\sqrt{\\text{fan\\_in}}$, gain √2 for "
        "ReLU.\n\n"
        "**A warning from the lecture notes.** One set of notes has `randn(…) / sqrt(2 / D_in)`, "
        "another says “multiply by 2”. The experiment above shows what the first does to six layers; "
        "the derivation says what is wrong with the second."
    ),
    points=4,
    minutes=8,
    difficulty=2,
    syllabus=("4.6",),
    hide=("Formula",),
    inputs=HE_CASES,
    probe=DRAWS,
    checks=drawn_with(he_std, is_normal()),
    equivalent_mutants=indifferent(
        ("factor", "gain(nonlinearity, negative_slope)", "gain(nonlinearity, negative_slope)"),
        ("std", "factor / math.sqrt(fan_in)", "(factor / math.sqrt(fan_in))"),
    ),
    forbidden=INITIALIZERS,
    needs=("initialization/fan_in_and_fan_out", "initialization/gain"),
    hints=(
        "Which of the two fans does the forward signal sum over?",
        "A ReLU leaves half of the second moment: D · Var(w) · ½ E[x²] must equal E[x²].",
        "Standard deviation = gain / √fan_in; multiply standard normal numbers by it.",
    ),
)


@kaiming_normal.mistake(
    "The root over fan_in is missing: you have gain/fan_in, it is gain/√fan_in. A sum of D "
    "independent terms grows like √D, not like D.",
    origin="10 of 117 students",
)
def missing_root(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in, _ = fan_in_and_fan_out(shape)
    return torch.randn(shape) * gain(nonlinearity, negative_slope) / fan_in


@kaiming_normal.mistake(
    "gain²/fan_in is the variance. The standard deviation is its root.", origin="10 of 117 students"
)
def missing_root_of_both(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in, _ = fan_in_and_fan_out(shape)
    return torch.randn(shape) * gain(nonlinearity, negative_slope) ** 2 / fan_in


@kaiming_normal.mistake(
    "Your weights have standard deviation √(fan_in/2) (for ReLU). Kaiming multiplies by "
    "√(2/fan_in); you divide by it.",
    origin="lecture notes",
)
def divides_by_the_std(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in, _ = fan_in_and_fan_out(shape)
    return torch.randn(shape) / (gain(nonlinearity, negative_slope) / math.sqrt(fan_in))


@kaiming_normal.mistake(
    "This is the formula of the notes, `randn(shape) / sqrt(2 / fan_in)`: its weights have standard "
    "deviation √(fan_in/2). Multiply by √(2/fan_in) for a ReLU, and by gain/√fan_in in general.",
    origin="lecture notes",
)
def formula_of_the_notes(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in, _ = fan_in_and_fan_out(shape)
    return torch.randn(shape) / math.sqrt(2 / fan_in)


@kaiming_normal.mistake(
    "You multiply the standard deviation by gain² (2 for ReLU). It is the variance that doubles; "
    "the standard deviation grows by √2.",
    origin="lecture notes",
)
def std_times_two(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in, _ = fan_in_and_fan_out(shape)
    return torch.randn(shape) * gain(nonlinearity, negative_slope) ** 2 / math.sqrt(fan_in)


@kaiming_normal.mistake(
    "Your weight has the layout (in, out, …) and its fan-in is taken from the outputs. torch "
    "stores (out, in, …): the shape you are given is the shape to return.",
    origin="33 of 117 students",
)
def takes_the_other_axis(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in = shape[0] * math.prod(shape[2:])
    swapped = [shape[1], shape[0], *shape[2:]]
    return torch.randn(swapped) * gain(nonlinearity, negative_slope) / math.sqrt(fan_in)


@kaiming_normal.mistake(
    "The spread is right, but the weight of a convolution has the layout (in, out, …). torch "
    "stores (out, in, …): the shape you are given is the shape to return.",
    origin="33 of 117 students, with another fan-in",
)
def exchanges_the_channels(shape, nonlinearity="relu", negative_slope=0.01):
    std = gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[0])
    if len(shape) == 2:
        return std * torch.randn(shape)
    return std * torch.randn(shape[1], shape[0], *shape[2:])


@kaiming_normal.mistake(
    "The spread is right, but your weight has the layout (in, out, …). torch stores (out, in, …): "
    "the shape you are given is the shape to return."
)
def exchanges_the_axes(shape, nonlinearity="relu", negative_slope=0.01):
    std = gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[0])
    return std * torch.randn(shape[1], shape[0], *shape[2:])


@kaiming_normal.mistake(
    "You use √2 whatever the nonlinearity. With tanh the target is 5/3, with a leaky ReLU "
    "√(2/(1+a²))."
)
def always_relu(shape, nonlinearity="relu", negative_slope=0.01):
    return torch.randn(shape) * math.sqrt(2 / fan_in_and_fan_out(shape)[0])


@kaiming_normal.mistake(
    "`negative_slope` does not reach the gain: pass it on, `gain(nonlinearity, negative_slope)`."
)
def slope_not_passed(shape, nonlinearity="relu", negative_slope=0.01):
    return torch.randn(shape) * gain(nonlinearity) / math.sqrt(fan_in_and_fan_out(shape)[0])


@kaiming_normal.mistake(
    "This is LeCun's 1/√fan_in: right for a linear layer. The ReLU's lost half is not made up for."
)
def no_gain(shape, nonlinearity="relu", negative_slope=0.01):
    return torch.randn(shape) / math.sqrt(fan_in_and_fan_out(shape)[0])


@kaiming_normal.mistake(
    "You divide by √fan_out. That keeps the backward signal; asked for is the forward one, with "
    "fan_in."
)
def takes_fan_out(shape, nonlinearity="relu", negative_slope=0.01):
    fan_out = fan_in_and_fan_out(shape)[1]
    return torch.randn(shape) * gain(nonlinearity, negative_slope) / math.sqrt(fan_out)


@kaiming_normal.mistake(
    "For a convolution the fan-in is channels × kernel area. You count channels only.",
    origin="1 of 117 students",
)
def kernel_ignored(shape, nonlinearity="relu", negative_slope=0.01):
    return torch.randn(shape) * gain(nonlinearity, negative_slope) / math.sqrt(shape[1])


@kaiming_normal.mistake(
    "You take the mean of both fans, as Glorot does. He's formula has fan_in alone."
)
def glorot_with_gain(shape, nonlinearity="relu", negative_slope=0.01):
    fans = sum(fan_in_and_fan_out(shape))
    return torch.randn(shape) * gain(nonlinearity, negative_slope) * math.sqrt(2 / fans)


@kaiming_normal.mistake(
    "You return the standard deviation, a number. Asked for is a tensor of weights drawn with it.",
    origin="1 of 117 students",
)
def the_std_alone(shape, nonlinearity="relu", negative_slope=0.01):
    return gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[0])


@kaiming_normal.mistake(
    "You return a weight and a bias. Asked for is the weight alone.", origin="1 of 117 students"
)
def weight_and_bias(shape, nonlinearity="relu", negative_slope=0.01):
    std = gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[0])
    return torch.randn(shape) * std, torch.zeros(shape[0])


@kaiming_normal.mistake(
    "`torch.sqrt` takes tensors only; fan_in is a Python number. Use `math.sqrt`.",
    origin="1 of 117 students",
    raises="TypeError",
)
def root_of_a_float(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in, _ = fan_in_and_fan_out(shape)
    return torch.randn(shape) * gain(nonlinearity, negative_slope) / torch.sqrt(float(fan_in))


@kaiming_normal.mistake(
    "This is what `nn.Linear` does by default: uniform with standard deviation 1/√(3·fan_in), too "
    "small for ReLU layers by √6."
)
def as_linear_does(shape, nonlinearity="relu", negative_slope=0.01):
    bound = 1 / math.sqrt(fan_in_and_fan_out(shape)[0])
    return torch.empty(shape).uniform_(-bound, bound)


@kaiming_normal.mistake(ALL_POSITIVE)
def all_positive(shape, nonlinearity="relu", negative_slope=0.01):
    std = gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[0])
    return std * torch.rand(shape)


@kaiming_normal.mistake(NOT_NORMAL)
def uniform_of_the_same_spread(shape, nonlinearity="relu", negative_slope=0.01):
    std = gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[0])
    return torch.empty(shape).uniform_(-math.sqrt(3) * std, math.sqrt(3) * std)


@kaiming_normal.alternative
def he_by_normal(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in, _ = fan_in_and_fan_out(shape)
    return torch.normal(0.0, gain(nonlinearity, negative_slope) / fan_in**0.5, tuple(shape))


@kaiming_normal.alternative
def he_in_place(shape, nonlinearity="relu", negative_slope=0.01):
    weight = torch.empty(*shape)
    std = gain(nonlinearity, negative_slope) * fan_in_and_fan_out(shape)[0] ** -0.5
    return weight.normal_(mean=0, std=std)


@kaiming_normal.alternative
def he_by_numpy(shape, nonlinearity="relu", negative_slope=0.01):
    factor = {"relu": 2, "linear": 1, "tanh": 25 / 9}.get(nonlinearity, 2 / (1 + negative_slope**2))
    return torch.randn(*shape) * np.sqrt(factor / np.prod(shape[1:]))


@kaiming_normal.alternative
def he_as_parameter(shape, nonlinearity="relu", negative_slope=0.01):
    std = gain(nonlinearity, negative_slope) / math.sqrt(torch.empty(shape)[0].numel())
    return nn.Parameter(std * torch.randn(shape, dtype=torch.float64))

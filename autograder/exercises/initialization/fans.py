"""Fan-in and fan-out: how many inputs a unit has."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.initialization.drawing import INITIALIZERS
from autograder.exercises.initialization.lab import lab
from autograder.judging.checks import matches_reference
from course_lib import initialization


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

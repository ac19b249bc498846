"""Tensors that are made where their input is, and of its dtype."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.training_loop.lab import lab
from autograder.exercises.training_loop.old_lines import stays_where_it_is
from autograder.exercises.training_loop.signatures import value_dtype_and_place
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import training_loop


def _signals(rng):
    return {"signal": 1 + rng.normal(size=(int(rng.integers(2, 5)), int(rng.integers(6, 12))))}


fade = lab.exercise(
    training_loop.fade,
    title="Tensors that stay where they are",
    statement="""Many layers create a tensor of their own: a mask, positions, a window. It must be on the
device and of the dtype of the **input**, or the layer fails on a GPU, or turns a half precision
network into single precision without a word.

Practice on something small: fade signals x of shape (N, L) in and out,
$y_{nk} = x_{nk} \\cdot \\tfrac12\\big(1 - \\cos\\tfrac{2\\pi k}{L-1}\\big)$ for k = 0…L−1. The check calls it in
float16, float32 and float64, and on torch's device `meta`, which has shapes but no numbers.""",
    points=1,
    core=False,
    syllabus=("1.13",),
    inputs=_signals,
    dtypes=("float64", "float16", "float32"),
    probe=probes.devices(),
    signature=value_dtype_and_place,
    checks=[
        # float16 rounds a window near 0 to three digits of 1.
        matches_reference("the faded signal", of="result.value"),
        stays_where_it_is,
        leaves_inputs_alone(),
    ],
    equivalent_mutants={
        "everything is done under torch.no_grad()": "what is asked for is where the result is, and of which dtype",
        "k = torch.arange(length, device=signal.device, dtype=signal.dtype) => "
        "k = -torch.arange(length, device=signal.device, dtype=signal.dtype)": "the cosine is even",
    },
    hints=("`torch.arange(L, device=signal.device, dtype=signal.dtype)`.",),
)


@fade.mistake(
    "Your window is float32 on the default device. `torch.arange(L, device=signal.device, "
    "dtype=signal.dtype)` puts it beside the signal."
)
def default_device_and_dtype(signal):
    k = torch.arange(signal.shape[1])
    return signal * ((1 - torch.cos(2 * math.pi * k / (signal.shape[1] - 1))) / 2)


@fade.mistake(
    "Your window is on the default device, whatever the signal's is: `device=signal.device` is "
    "missing. On a GPU the product would fail."
)
def default_device(signal):
    k = torch.arange(signal.shape[1], dtype=signal.dtype)
    return signal * ((1 - torch.cos(2 * math.pi * k / (signal.shape[1] - 1))) / 2)


@fade.mistake("Your window is float32. Times float16 it gives float32: `dtype=signal.dtype`.")
def default_dtype(signal):
    k = torch.arange(signal.shape[1], dtype=torch.float32, device=signal.device)
    return signal * (1 - torch.cos(2 * math.pi * k / (signal.shape[1] - 1))) / 2


@fade.mistake(
    "numpy makes float64 on the CPU, and the product follows: float32 in, float64 out. Make the "
    "window with torch, on the device and of the dtype of the signal."
)
def numpy_window(signal):
    return signal * torch.from_numpy(np.hanning(signal.shape[1]))


@fade.mistake(
    "Your window is float64, and so is the product, whatever the signal was: "
    "`dtype=signal.dtype`, or `.to(signal.dtype)` at the end."
)
def always_double(signal):
    k = torch.arange(signal.shape[1], device=signal.device, dtype=torch.float64)
    return signal * (1 - torch.cos(2 * math.pi * k / (signal.shape[1] - 1))) / 2


@fade.mistake("You count from k = 1. The first value is k = 0, where the window is 0.")
def counted_from_one(signal):
    k = torch.arange(1, signal.shape[1] + 1, device=signal.device, dtype=signal.dtype)
    return signal * (1 - torch.cos(2 * math.pi * k / (signal.shape[1] - 1))) / 2


@fade.mistake("You return the window; multiply the signal by it.")
def window_alone(signal):
    k = torch.arange(signal.shape[1], device=signal.device, dtype=signal.dtype)
    return (1 - torch.cos(2 * math.pi * k / (signal.shape[1] - 1))) / 2


@fade.mistake(
    "You divide by L (torch's `periodic=True`). From k = 0 to L − 1 there are L − 1 steps, and "
    "both ends are 0."
)
def divided_by_the_length(signal):
    k = torch.arange(signal.shape[1], device=signal.device, dtype=signal.dtype)
    return signal * (1 - torch.cos(2 * math.pi * k / signal.shape[1])) / 2


@fade.mistake("You go half a turn: the signal fades in and never out. It is 2πk.")
def half_a_turn(signal):
    k = torch.arange(signal.shape[1], device=signal.device, dtype=signal.dtype)
    return signal * (1 - torch.cos(math.pi * k / (signal.shape[1] - 1))) / 2


@fade.mistake("Your window is 1 at both ends and 0 in the middle.")
def upside_down(signal):
    k = torch.arange(signal.shape[1], device=signal.device, dtype=signal.dtype)
    return signal * (1 + torch.cos(2 * math.pi * k / (signal.shape[1] - 1))) / 2


@fade.mistake("Your window rises to 2: halve it.")
def not_halved(signal):
    k = torch.arange(signal.shape[1], device=signal.device, dtype=signal.dtype)
    return signal * (1 - torch.cos(2 * math.pi * k / (signal.shape[1] - 1)))


@fade.mistake("You fade over the examples, axis 0. Each signal fades over its own L values.")
def over_the_examples(signal):
    count = len(signal)
    k = torch.arange(count, device=signal.device, dtype=signal.dtype)[:, None]
    return signal * (1 - torch.cos(2 * math.pi * k / (count - 1))) / 2


@fade.alternative
def with_torchs_window(signal):
    length = signal.shape[1]
    window = torch.hann_window(length, periodic=False, dtype=torch.float64)
    return signal * window.to(signal)


@fade.alternative
def by_sine(signal):
    length, to = signal.shape[1], {"device": signal.device, "dtype": torch.float64}
    k = torch.linspace(0, math.pi, length, **to)
    return (signal.double() * torch.sin(k) ** 2).to(signal.dtype)


@fade.alternative
def like_the_signal(signal):
    k = torch.ones_like(signal[0]).cumsum(dim=0) - 1
    return signal * (0.5 - 0.5 * torch.cos(k * (2 * math.pi / (len(k) - 1))))

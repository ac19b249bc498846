"""Far out, close to zero and not finite: where squashing functions lose digits."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from course_lib import activations
from tests.course_lib.hard_inputs.case import (
    EVERYWHERE,
    FINITE,
    GRADIENT,
    NUMBERS,
    Case,
    gradient_of,
    normal,
    row,
)


def _prelu(x: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
    module = activations.PReLU(len(slopes))
    module.weight = nn.Parameter(slopes)
    return module(x)


CHANNELS = EVERYWHERE[:20].reshape(5, 4)
FINITE_CHANNELS = FINITE[:16].reshape(4, 4)
POINTWISE = [
    case
    for name, ours, torchs in (
        ("sigmoid", activations.sigmoid, torch.sigmoid),
        ("tanh", activations.tanh, torch.tanh),
        ("relu", activations.relu, torch.relu),
        ("leaky_relu", activations.leaky_relu, F.leaky_relu),
        ("elu", activations.elu, F.elu),
        ("selu", activations.selu, F.selu),
    )
    for case in (
        Case(name, ours, torchs, (EVERYWHERE,)),
        Case(
            f"{name}: its slope",
            gradient_of(ours),
            gradient_of(torchs),
            (torch.ones_like(NUMBERS), NUMBERS),
            whole=True,
        ),
    )
]
BACKWARD = [
    # The slope 1 − tanh² has no digits left far out, in torch as here.
    Case(name, ours, gradient_of(torchs), (GRADIENT, FINITE), whole=name == "tanh_backward")
    for name, ours, torchs in (
        ("sigmoid_backward", activations.sigmoid_backward, torch.sigmoid),
        ("tanh_backward", activations.tanh_backward, torch.tanh),
        ("relu_backward", activations.relu_backward, torch.relu),
        ("leaky_relu_backward", activations.leaky_relu_backward, F.leaky_relu),
        ("elu_backward", activations.elu_backward, F.elu),
    )
]
ACTIVATIONS = [
    *POINTWISE,
    *BACKWARD,
    Case("PReLU", _prelu, F.prelu, (CHANNELS, row(0.25, -1.5, 1e-3, 3))),
    Case(
        "prelu_backward",
        activations.prelu_backward,
        gradient_of(F.prelu),
        (normal(4, 4), FINITE_CHANNELS, row(0.25, -1.5, 1e-3, 3)),
        whole=True,
    ),
    Case(
        "active_probability",
        lambda b: row(*(activations.active_probability(v, 1.0) for v in b.tolist())),
        lambda b: torch.special.log_ndtr(b).exp(),  # `ndtr` itself is 0 where it is tiny
        (row(-30, -10, -1, 0, 1, 10),),
        dtypes=(torch.float64,),
    ),
]

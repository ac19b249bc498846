"""Batches far from zero, very wide, very narrow and constant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from course_lib import normalization
from tests.course_lib.hard_inputs.case import IMAGES, TABLES, Case, gradient_of, normal, row

SCALE, SHIFT = row(1.5, -0.5, 2), row(0.3, 1, -2)
SCALES, SHIFTS = normal(6, seed=2), normal(6, seed=3)


def _moved_statistics(mean: torch.Tensor, var: torch.Tensor, x: torch.Tensor) -> Any:
    moved = mean.clone(), var.clone()
    F.batch_norm(x, *moved, training=True)
    return moved


def _module(module: nn.Module) -> Callable[[torch.Tensor], Any]:
    """A module's output and buffers after it has seen one batch."""

    def call(x: torch.Tensor) -> Any:
        fresh = type(module)(x.shape[1]).to(x.dtype)  # type: ignore[call-arg]
        return fresh(x).detach(), fresh.running_mean, fresh.running_var

    return call


def _trained(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    return F.batch_norm(x, None, None, weight, bias, training=True)


def _layer(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(x, x.shape[1:], weight, bias)


def _layer_backward(grad: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> Any:
    return gradient_of(_layer)(grad, x, weight, torch.zeros_like(weight))


def _batch_backward(grad: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> Any:
    return gradient_of(_trained)(grad, x, weight, torch.zeros_like(weight))


def _inference_backward(grad: torch.Tensor, x: torch.Tensor, *statistics: torch.Tensor) -> Any:
    mean, var, scale = statistics

    def infer(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return F.batch_norm(x, mean, var, weight, bias)

    return gradient_of(infer)(grad, x, scale, torch.zeros_like(scale))


NORMALIZATION = [
    Case(f"{name}: {kind}", ours, torchs, (*before, x, *behind), whole=True)
    for kind, x in TABLES.items()
    for name, ours, torchs, before, behind in (
        ("batch_norm", normalization.batch_norm, _trained, (), (SCALE, SHIFT)),
        ("layer_norm", normalization.layer_norm, _layer, (), (SCALE, SHIFT)),
        (
            "batch_norm_inference",
            normalization.batch_norm_inference,
            F.batch_norm,
            (),
            (x.mean(0), x.var(0), SCALE, SHIFT),
        ),
        (
            "update_running_statistics",
            normalization.update_running_statistics,
            _moved_statistics,
            (SHIFT, SCALE**2),
            (),
        ),
        (
            "batch_norm_backward",
            normalization.batch_norm_backward,
            _batch_backward,
            (1 + normal(40, 3, seed=4),),
            (SCALE,),
        ),
        (
            "layer_norm_backward",
            normalization.layer_norm_backward,
            _layer_backward,
            (1 + normal(40, 3, seed=4),),
            (SCALE,),
        ),
        (
            "batch_norm_inference_backward",
            normalization.batch_norm_inference_backward,
            _inference_backward,
            (normal(40, 3, seed=4),),
            (x.mean(0), x.var(0), SCALE),
        ),
        (
            "BatchNorm1d",
            _module(normalization.BatchNorm1d(3)),
            _module(nn.BatchNorm1d(3)),
            (),
            (),
        ),
    )
] + [
    Case(f"{name}: {kind}", ours, torchs, (x, *behind), whole=True)
    for kind, x in IMAGES.items()
    for name, ours, torchs, behind in (
        ("batch_norm_2d", normalization.batch_norm_2d, _trained, (SCALES, SHIFTS)),
        ("group_norm", normalization.group_norm, F.group_norm, (3, SCALES, SHIFTS)),
        ("BatchNorm2d", _module(normalization.BatchNorm2d(6)), _module(nn.BatchNorm2d(6)), ()),
    )
]

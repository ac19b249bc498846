"""Weights far out and close to zero, thresholds between them, and masked gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from course_lib import regularization
from tests.course_lib.hard_inputs.case import FINITE, NOT_HALF, Case, normal

KEPT = normal(len(FINITE), seed=5) > 0
WEIGHTS = normal(6, 5)
PICTURES = torch.cat([normal(2, 3, 6, 8), 1e4 * normal(1, 3, 6, 8, seed=1)])


def _sgd(w: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    parameter = w.clone().requires_grad_()
    parameter.grad = gradient.clone()
    torch.optim.SGD([parameter], lr=0.25, weight_decay=0.5).step()
    return parameter


def _step(w: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    return regularization.l2_step([w], [gradient], lr=0.25, weight_decay=0.5)[1][0]


def _elastic_net(w: torch.Tensor) -> Any:
    penalty, (gradient,) = regularization.elastic_net([w], l1=0.75, l2=0.5)
    return penalty, gradient


def _by_autograd(w: torch.Tensor) -> Any:
    leaf = w.clone().requires_grad_()
    penalty = 0.75 * leaf.norm(p=1) + 0.25 * (leaf * leaf).sum()
    penalty.backward()  # type: ignore[no-untyped-call]
    return penalty, leaf.grad


REGULARIZATION = [
    Case("l2_step", _step, _sgd, (FINITE, normal(len(FINITE), seed=2)), whole=True),
    Case("elastic_net", _elastic_net, _by_autograd, (WEIGHTS,), dtypes=NOT_HALF),
    Case(
        "soft_threshold",
        lambda w: regularization.soft_threshold(w, 0.25),
        lambda w: F.softshrink(w, 0.25),
        (FINITE,),
    ),
    Case(
        "dropout_backward",
        lambda grad: regularization.dropout_backward(grad, KEPT, 0.25),
        lambda grad: torch.ops.aten.native_dropout_backward(grad, KEPT, 1 / (1 - 0.25)),
        (FINITE,),
    ),
    Case(
        "fractional_max_pool_2d",
        lambda x: regularization.fractional_max_pool_2d(x, (0, 2, 4, 6), (0, 2, 4, 6, 8)),
        lambda x: F.max_pool2d(x, 2),
        (PICTURES,),
    ),
]

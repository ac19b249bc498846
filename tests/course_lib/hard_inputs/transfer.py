"""Scores far apart, weights far out and close to zero, and heads on large features."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import get_ema_multi_avg_fn

from course_lib import transfer
from tests.course_lib.hard_inputs.case import FINITE, NOT_HALF, Case, normal

SCORES = torch.stack([normal(4, 3), 500 * normal(4, 3, seed=1), normal(4, 3, seed=2) - 1e3])
FEATURES, LABELS = normal(7, 4), torch.tensor([0, 2, 1, 1, 0, 2, 2])
HEAD = normal(3, 4, seed=3), normal(3, seed=4)
MORE = normal(len(FINITE), seed=5)


def _module(w: torch.Tensor) -> nn.Module:
    return nn.ParameterList([w.clone()])


def _averaged(mean: torch.Tensor, new: torch.Tensor) -> Any:
    average = _module(mean)
    transfer.update_average(average, _module(new), 3)
    return next(average.parameters())


def _ema(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    ema = transfer.WeightEMA(0.75)
    ema.update({"w": first})
    return ema.update({"w": second})["w"]


def _by_torch(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    averaged = [torch.zeros_like(first)]
    for t, w in enumerate((first, second), start=1):
        get_ema_multi_avg_fn(0.75)(averaged, [w], torch.tensor(t))
    return averaged[0] / (1 - 0.75**2)


def _penalized(weight: torch.Tensor, bias: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    losses = F.cross_entropy(F.linear(features, weight, bias), LABELS)
    return losses + 0.25 * weight.square().sum()


TRANSFER = [
    Case(
        "average_probabilities",
        transfer.average_probabilities,
        lambda logits: F.softmax(logits, dim=2).mean(dim=0),
        (SCORES,),
    ),
    Case(
        "update_average",
        _averaged,
        lambda mean, new: torch.lerp(mean, new, 0.25),
        (FINITE, MORE),
        whole=True,
    ),
    Case("WeightEMA", _ema, _by_torch, (FINITE, MORE), whole=True),
    Case(
        "logistic_head_loss",
        lambda w, b, x: transfer.logistic_head_loss(w, b, x, LABELS, l2=0.5),
        _penalized,
        (*HEAD, FEATURES),
        dtypes=NOT_HALF,
    ),
    Case(
        "logistic_head_loss: large features",
        lambda w, b, x: transfer.logistic_head_loss(w, b, x, LABELS, l2=0.5),
        _penalized,
        (*HEAD, 1e3 * FEATURES),
        dtypes=NOT_HALF,
    ),
]

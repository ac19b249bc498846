"""Losses that are tiny, hopeless, or large in their squares alone."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from course_lib import training_loop
from tests.course_lib.hard_inputs.case import NOT_HALF, ROWS, Case, gradient_of, normal, row

LOSSES = [
    Case(f"{name}: {kind}", ours, torchs, (scores, target), whole=name.endswith("gradient"))
    for kind, scores, target in (
        ("ordinary", 3 * normal(7, 5), torch.tensor([0, 1, 2, 3, 4, 0, 1])),
        ("small at large scores", row(1e4, 1e4 - 8)[None], torch.tensor([0])),
        ("small", row(12, 3, -1)[None], torch.tensor([0])),
        ("hopeless", row(-2e4, 2e4, 0)[None], torch.tensor([0])),
        ("one class impossible", row(1, -math.inf, 2)[None], torch.tensor([2])),
        ("not a number", row(1, math.nan, 2)[None], torch.tensor([2])),
    )
    for name, ours, torchs in (
        ("softmax_cross_entropy", training_loop.softmax_cross_entropy, F.cross_entropy),
        (
            "softmax_cross_entropy_gradient",
            training_loop.softmax_cross_entropy_gradient,
            lambda s, t: gradient_of(lambda a: F.cross_entropy(a, t))(torch.ones_like(s[0, 0]), s),
        ),
    )
]
PREDICTIONS = {"ordinary": normal(30, 4), "large": 150 + 20 * normal(30, 4), "tiny": 1e-3 * ROWS}
SQUARES = [
    Case(
        f"squared_error: {reduction}, {kind}",
        lambda p, t, how: training_loop.squared_error(p, t, reduction=how),
        lambda p, t, how: F.mse_loss(p, t, reduction=how),
        (p, torch.zeros_like(p), reduction),
    )
    for kind, p in PREDICTIONS.items()
    for reduction in ("none", "sum", "mean")
]


def _hinge(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return F.multi_margin_loss(scores, target) * scores.shape[1]


def _one_hot(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return F.mse_loss(scores, F.one_hot(target, scores.shape[1]).to(scores), reduction="sum")


def _window(signal: torch.Tensor) -> torch.Tensor:
    length = signal.shape[1]
    return signal * torch.hann_window(length, periodic=False, dtype=signal.dtype)


TRAINING_LOOP = [
    *LOSSES,
    *SQUARES,
    Case(
        "hinge_loss",
        training_loop.hinge_loss,
        _hinge,
        (normal(6, 4), torch.arange(6) % 4),
        dtypes=NOT_HALF,
    ),
    Case(
        "hinge_loss_gradient",
        training_loop.hinge_loss_gradient,
        lambda s, t: gradient_of(lambda a: _hinge(a, t))(torch.ones_like(s[0, 0]), s)[0],
        (normal(6, 4), torch.arange(6) % 4),
        dtypes=NOT_HALF,
    ),
    Case(
        "one_hot_squared_error",
        training_loop.one_hot_squared_error,
        _one_hot,
        (normal(6, 4), torch.arange(6) % 4),
    ),
    Case(
        "fade", training_loop.fade, _window, (torch.ones(1, 50, dtype=torch.float64),), whole=True
    ),
    Case(
        "fade: long",
        training_loop.fade,
        _window,
        (torch.ones(1, 700, dtype=torch.float64),),
        whole=True,
    ),
]

"""What a case of the grid is, and the numbers that many of them share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

ALL = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
NOT_HALF = ALL[:2]
"""For what torch itself does not compute in half precision."""


@dataclass(frozen=True)
class Case:
    """A reference beside its counterpart, on one set of arguments.

    Entries are compared each by itself, or all with the largest of them (`whole`) where they are
    sums in which terms cancel.
    """

    name: str
    ours: Callable[..., Any]
    torchs: Callable[..., Any]
    arguments: tuple[Any, ...]
    whole: bool = False
    dtypes: tuple[torch.dtype, ...] = ALL

    def reference(self, lab: str) -> str:
        """The public name that a case of a lab is about, with its module."""
        name = self.name.partition(":")[0]
        return name if "." in name else f"{lab}.{name}"


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    """Standard normal numbers, the same at every call."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def row(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


EVERYWHERE = row(
    *(sign * x for x in (1e-30, 1e-6, 1e-3, 0.3, 1, 5, 20, 88, 1e4, math.inf) for sign in (-1, 1)),
    0.0,
    math.nan,
)
NUMBERS = EVERYWHERE[~EVERYWHERE.isnan()]
FINITE = EVERYWHERE[EVERYWHERE.isfinite()]
GRADIENT = normal(len(FINITE), seed=1)


def gradient_of(function: Callable[..., torch.Tensor]) -> Callable[..., Any]:
    """What autograd makes of a function: the gradients of its arguments behind the first, dy."""

    def gradients(grad_output: torch.Tensor, *arguments: torch.Tensor) -> Any:
        leaves = [a.detach().clone().requires_grad_() for a in arguments]
        return torch.autograd.grad(function(*leaves), leaves, grad_output)

    return gradients


ROWS = normal(40, 3)
TABLES = {
    "ordinary": ROWS,
    "far from zero": 100 + ROWS,
    "wide": 500 * ROWS,
    "narrow": 1e-3 * ROWS,
    "of a large sum": 3000 + 100 * ROWS,
    "one feature constant": ROWS * row(1, 0, 1) + 7,
}
IMAGES = {name: table.reshape(2, 6, 5, 2) for name, table in TABLES.items()}

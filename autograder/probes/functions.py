"""Functions made of plain data: what a gradient is checked of, and what a search goes through."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from autograder.probes.registry import Inputs, known
from autograder.probes.values import to_plain, to_torch

_MOST_NOTED = 1000


class Logged:
    """A function that counts its calls and notes the first of them: arguments and value."""

    def __init__(self, compute: Callable[..., Any]) -> None:
        self._compute = compute
        self.count = 0
        self.trace: list[dict[str, Any]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.count += 1
        if self.count > _MOST_NOTED:
            return self._compute(*args, **kwargs)
        noted = to_plain({"args": args, "kwargs": kwargs})
        self.trace.append(noted)
        value = self._compute(*args, **kwargs)
        noted["value"] = to_plain(value)
        return value


def function(spec: Inputs) -> Callable[..., Any]:
    """A function of ``{"kind": …}``, one of ``FUNCTIONS``; with ``"logged"`` its calls are noted.

    Raises: UnknownKind for a kind of function that there is not.
    """
    made = known("function", spec["kind"], FUNCTIONS)(spec)
    return Logged(made) if spec.get("logged") else made


def _of_coefficients(compute: Callable[..., Any]) -> Callable[[Inputs], Callable[..., Any]]:
    def make(spec: Inputs) -> Callable[..., Any]:
        coefficients = to_torch(spec["coefficients"])
        return lambda x: compute(x.reshape(-1), coefficients)

    return make


def _cubic(flat: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
    return (coefficients * flat**3).sum() + (flat[1:] * flat[:-1]).sum()


def _hinges(flat: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
    return (coefficients * (torch.relu(flat) + 0.1 * flat**2)).sum()


def _noisy(flat: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
    kept = torch.rand(flat.shape, device="cpu") > 0.3  # the same on every device
    return (coefficients * kept.to(flat.device) * flat**3).sum()


def _valley(spec: Inputs) -> Callable[..., float]:
    best, most = spec["best"], spec["most"]

    def loss(*settings: float) -> float:
        if any(s > m for s, m in zip(settings, most, strict=True)):
            return math.nan
        pairs = zip(settings, best, strict=True)
        return sum(math.log10(setting / wanted) ** 2 for setting, wanted in pairs)

    return loss


def _hidden_layer(spec: Inputs) -> Callable[..., Any]:
    first, last, bias = (to_torch(spec[name]) for name in ("first", "last", "bias"))
    return lambda x: torch.relu(x @ first.T + bias) @ last.T


FUNCTIONS: dict[str, Callable[[Inputs], Callable[..., Any]]] = {
    "cubic": _of_coefficients(_cubic),
    "hinges": _of_coefficients(_hinges),
    "noisy": _of_coefficients(_noisy),
    "valley": _valley,
    "hidden layer": _hidden_layer,
}
"""What a gradient is checked of, Σ a x³ + Σ x x', Σ a (relu(x) + x²/10), Σ a m x³ with masks m;
what a search goes through, Σ (log₁₀ s − log₁₀ best)² over settings, nan where one exceeds ``most``;
what is averaged over noise, relu(x ``first``ᵀ + ``bias``) ``last``ᵀ, for one example or for many.
"""

"""Experiments behind predictions: run once, with random numbers of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

import torch

_T = TypeVar("_T")


def seeded(experiment: Callable[[], _T]) -> Callable[[], _T]:
    """Run an experiment when its outcome is first asked for, and disturb nobody's random numbers."""

    @functools.cache
    def run() -> _T:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            return experiment()

    return run

"""Triton, where it is installed; else stand-ins with which a module of kernels can be imported.

Whoever imports this imports Triton, and thereby decides whether it interprets.
"""

from __future__ import annotations

import contextlib
import importlib
from types import SimpleNamespace
from typing import Any, NoReturn

from course_lib.tracing.status import MISSING, TritonError


class _Idle:
    """A kernel where there is no Triton: it keeps the function, and does not run."""

    def __init__(self, fn: Any) -> None:
        self.fn = fn
        self.__name__ = fn.__name__

    def __getitem__(self, grid: Any) -> NoReturn:
        raise TritonError(MISSING)

    def __call__(self, *arguments: Any, **named: Any) -> NoReturn:
        raise TritonError(MISSING)


triton: Any = SimpleNamespace(jit=_Idle)
tl: Any = None
with contextlib.suppress(ModuleNotFoundError):
    tl = importlib.import_module("triton.language")
    triton = importlib.import_module("triton")

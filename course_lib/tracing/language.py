"""Triton, where it is installed; else stand-ins with which a module of kernels can be imported."""

from __future__ import annotations

import contextlib
import importlib
from types import SimpleNamespace
from typing import Any, NoReturn

import torch

TOO_LATE = (
    "Triton was imported before TRITON_INTERPRET was set, so its own functions do not run on this "
    "processor: restart the kernel, and run this notebook from its first cell"
)
MISSING = (
    "Triton is not installed here: `pip install 'triton>=3.6'` (Linux), and restart the kernel; "
    "all that needs no Triton works without it"
)


class TritonError(RuntimeError):
    """Kernels cannot run here: why, and what to do."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this in the place of a traceback, which would say nothing to a student.
        return [str(self)]


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


def available() -> bool:
    """Whether Triton is installed."""
    return tl is not None


def interpreting() -> bool:
    """Whether kernels run in Triton's interpreter, on the CPU."""
    # What the library itself is made of was decided when it was imported.
    return available() and type(tl.sum).__name__ == "InterpretedFunction"


def ready() -> None:
    """See to it that kernels run in the interpreter.

    Raises: TritonError, with what to do.
    """
    if not available():
        raise TritonError(MISSING)
    if not interpreting():
        raise TritonError(TOO_LATE)


def runs_on(tensor: torch.Tensor) -> bool:
    """Whether a kernel runs on a tensor here: on a GPU compiled, on the CPU interpreted."""
    if not available():
        return False
    return tensor.is_cuda != interpreting()

"""Whether kernels can run here: is Triton installed, does it interpret, and what to do if not."""

from __future__ import annotations

import importlib.util

import torch

MISSING = (
    "Triton is not installed here: `pip install 'triton>=3.6'` (Linux), and restart the kernel; "
    "all that needs no Triton works without it"
)
_TOO_LATE = (
    "Triton was imported before TRITON_INTERPRET was set, so its own functions do not run on this "
    "processor: restart the kernel, and run this notebook from its first cell"
)


class TritonError(RuntimeError):
    """Kernels cannot run here: why, and what to do."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this in the place of a traceback, which would say nothing to a student.
        return [str(self)]


def available() -> bool:
    """Whether Triton is installed."""
    return importlib.util.find_spec("triton") is not None


def interpreting() -> bool:
    """Whether kernels run in Triton's interpreter, on the CPU."""
    if not available():
        return False
    import triton.language as tl

    # What the library itself is made of was decided when it was imported.
    return type(tl.sum).__name__ == "InterpretedFunction"


def ready() -> None:
    """See to it that kernels run in the interpreter.

    Raises: TritonError, with what to do.
    """
    if not available():
        raise TritonError(MISSING)
    if not interpreting():
        raise TritonError(_TOO_LATE)


def runs_on(tensor: torch.Tensor) -> bool:
    """Whether a kernel runs on a tensor here: on a GPU compiled, on the CPU interpreted."""
    return available() and tensor.is_cuda != interpreting()

"""Exercises, judging, grading and reports of the course on training neural networks.

A notebook's first code cell opens its lab: ``from autograder import …, open_lab``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# Kernels are judged in Triton's interpreter; whether it interprets, Triton decides when it is first
# imported, as torch itself does here and there. Set to 0 before, it compiles, which needs a GPU.
os.environ.setdefault("TRITON_INTERPRET", "1")

if TYPE_CHECKING:
    from autograder.notebook import (
        check,
        commit,
        committed,
        failing,
        hint,
        open_lab,
        progress,
        reference,
        resume,
    )

__all__ = [
    "check",
    "commit",
    "committed",
    "failing",
    "hint",
    "open_lab",
    "progress",
    "reference",
    "resume",
]


def __getattr__(name: str) -> Any:
    # Lazy: the command line answers `--help` without importing torch.
    if name in __all__:
        from autograder import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module 'autograder' has no attribute {name!r}")

"""Exercises, judging, grading and reports of the course on training neural networks.

A notebook's first code cell opens its lab: ``from autograder import …, open_lab``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

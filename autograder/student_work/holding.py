"""Whether a notebook holds somebody's work, or is as it was built."""

from __future__ import annotations

from pathlib import Path

from nbformat import NotebookNode
from nbgrader.utils import compute_checksum

from autograder.student_work.reading import Unreadable, read_notebook


def work_in(path: Path) -> str | None:
    """What of somebody's work a notebook's file holds, as a clause; None where it holds none.

    A file that cannot be read may hold anything. Outputs are no work: a run brings them back.
    """
    try:
        notebook, _ = read_notebook(path)
    except (Unreadable, OSError) as problem:
        return f"cannot be read, so that it may hold answers ({problem})"
    changed = [cell for cell in notebook.cells if _is_answer(cell) and not is_as_built(cell)]
    if changed:
        exercise = changed[0].metadata["autograder"]["exercise"]
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        return f"holds an answer to {exercise}{more}"
    if any(cell.source.strip() and not _role(cell) for cell in notebook.cells):
        return "holds a cell that was not built"
    return None


def is_as_built(cell: NotebookNode) -> bool:
    """Whether an answer's cell is still the starter that it was built with."""
    built = cell.metadata.get("nbgrader")
    return isinstance(built, dict) and built.get("checksum") == _checksum(cell)


def _checksum(cell: NotebookNode) -> str | None:
    try:
        return str(compute_checksum(cell))
    except (KeyError, TypeError, ValueError):
        return None


def _is_answer(cell: NotebookNode) -> bool:
    return _role(cell) in ("answer", "written")


def _role(cell: NotebookNode) -> str | None:
    """What the build said that a cell is; of cells of a student's own, nothing."""
    ours = cell.metadata.get("autograder")
    role = ours.get("role") if isinstance(ours, dict) else None
    return role if isinstance(role, str) and role != "student" else None

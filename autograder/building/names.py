"""Whether every name that a notebook's cells read is there when they run."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path

from autograder.building.errors import BuildError
from autograder.building.notebooks import exercise_cells
from autograder.building.script import Block
from autograder.judging import Exercise, Kind, Lab
from autograder.judging.cells import bound_names, free_names, parse_cell
from autograder.judging.source.laying import solution_source, starter_source

_ALWAYS = frozenset(dir(builtins)) | {"display", "get_ipython", "In", "Out", "__name__", "_"}


def require_names(lab: Lab, blocks: list[Block], file: Path) -> None:
    """Refuse a lab in which a cell reads a name that no earlier cell binds.

    What a show cell binds is there for later show cells only: grading does not run those.

    Raises: BuildError, naming the name, the cell's line and the exercise.
    """
    bound = set(_ALWAYS)
    shown: set[str] = set()
    for block in blocks:
        if block.exercise is not None:
            exercise = lab.exercises[block.exercise]
            for source in _code(exercise):
                _require(source, bound, shown, block, file, exercise.id)
                bound |= bound_names(source)
        elif block.role != "text":
            if parse_cell(block.source) is None:
                raise BuildError("the cell is no valid Python", file=file, line=block.line)
            known = bound | shown if block.role == "show" else bound
            _require(block.source, known, shown, block, file)
            (shown if block.role == "show" else bound).update(bound_names(block.source))


def _code(exercise: Exercise) -> list[str]:
    """The code of an exercise's cells; a prediction's outcome need not be known for this."""
    predicted = exercise.kind is Kind.PREDICTION
    versions: list[Callable[[Exercise], str]]
    versions = [starter_source] if predicted else [solution_source, starter_source]
    cells = [cell for version in versions for cell in exercise_cells(exercise, version)]
    return [cell.source for cell in cells if cell.cell_type == "code"]


def _require(
    source: str,
    bound: set[str],
    shown: set[str],
    block: Block,
    file: Path,
    exercise: str | None = None,
) -> None:
    for name in sorted(free_names(source) - bound):
        reason = f"`{name}` is not bound by an earlier cell; import or define it in a setup cell"
        if name in shown:
            reason = f"`{name}` is bound by a show cell only, which grading does not run"
        raise BuildError(reason, file=file, line=block.line, exercise=exercise)

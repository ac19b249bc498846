"""Notebooks made of a solution file's cells: ids, metadata, answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import compute_checksum

from autograder.building.errors import BuildError
from autograder.building.script import Block
from autograder.building.statement import statement
from autograder.judging import Exercise, Kind, Lab
from autograder.judging.source.docstrings import has_docstring
from autograder.judging.source.laying import cell_id, starter_source
from autograder.judging.source.reading import SourceError

_LOCKED = {"deletable": False, "editable": False}
_KEPT = {"deletable": False}


def lab_notebook(
    lab: Lab, blocks: list[Block], file: Path, answer: Callable[[Exercise], str]
) -> NotebookNode:
    """The notebook of a lab; ``answer`` gives what stands in the answer of an exercise.

    Raises: BuildError for a directive that is unknown or repeated, an exercise without a place,
        and a reference that cannot be laid in.
    """
    _require_every_exercise_once(lab, blocks, file)
    cells: list[NotebookNode] = []
    seen: Counter[str] = Counter()
    for block in blocks:
        if block.exercise is not None:
            exercise = lab.exercises[block.exercise]
            try:
                cells += exercise_cells(exercise, answer)
            except SourceError as error:
                raise BuildError(
                    str(error), file=file, line=block.line, exercise=exercise.id
                ) from None
        else:
            seen[block.role] += 1
            cells.append(_plain_cell(lab, block, seen[block.role]))
    metadata = {
        "autograder": {
            "lab": lab.name,
            "slug": lab.slug,
            "title": lab.title,
            "version": lab.version,
        },
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return _node(nbformat=4, nbformat_minor=5, metadata=metadata, cells=cells)


def exercise_cells(exercise: Exercise, answer: Callable[[Exercise], str]) -> list[NotebookNode]:
    """The cells that one directive stands for.

    Raises: SourceError for a reference that cannot be laid in.
    """
    told = _cell(exercise, "statement", "markdown", statement(exercise), _LOCKED)
    told.metadata["autograder"].update(
        title=exercise.title,
        kind=str(exercise.kind),
        core=exercise.core,
        minutes=exercise.minutes,
        points=exercise.points,
    )
    if exercise.kind is Kind.WRITTEN:
        points = exercise.points
        written = _cell(exercise, "written", "markdown", answer(exercise), _KEPT, points, True)
        return [told, written]
    if exercise.kind is not Kind.PREDICTION and not has_docstring(exercise):
        raise SourceError("the reference has no docstring, which students need")
    call = f'check("{exercise.id}")'
    if exercise.kind is Kind.PREDICTION:
        call = f'commit("{exercise.id}")'
    return [
        told,
        _cell(exercise, "answer", "code", answer(exercise), _KEPT, solution=True),
        _cell(exercise, "check", "code", call, _LOCKED, exercise.points),
    ]


def is_further(block: Block) -> bool:
    """Whether a block is the heading under which a lab's optional part is folded away."""
    return block.role == "text" and bool(re.match(r"# Further *(\n|$)", block.source))


def lay_starter(cell: NotebookNode, exercise: Exercise) -> None:
    """Make an answer's cell what students get."""
    cell.source = starter_source(exercise)
    cell.metadata.nbgrader["checksum"] = compute_checksum(cell)


def notebook_text(notebook: NotebookNode) -> str:
    """A notebook as the bytes of its file: the same on every machine."""
    nbformat.validate(notebook)
    text = str(nbformat.writes(notebook))
    return text if text.endswith("\n") else text + "\n"


def _plain_cell(lab: Lab, block: Block, number: int) -> NotebookNode:
    marked: dict[str, Any] = {"autograder": {"role": block.role}}
    source = block.source
    if block.role == "setup":
        marked.update(_LOCKED)
    elif block.role == "show":
        marked["tags"] = ["show"]
        if block.folded:
            marked["jupyter"] = {"source_hidden": True}
        source = f"%%experiment {block.title}\n{source}"
    elif is_further(block):
        marked["jp-MarkdownHeadingCollapsed"] = True
    name = cell_id(lab.name, block.role, str(number))
    return _new_cell("markdown" if block.role == "text" else "code", name, source, marked)


def _cell(
    exercise: Exercise,
    role: str,
    kind: str,
    source: str,
    rights: dict[str, bool],
    points: float | None = None,
    solution: bool = False,
) -> NotebookNode:
    """A cell of an exercise; it is graded when it has points, and nbgrader knows it if either."""
    marked: dict[str, Any] = {"autograder": {"role": role, "exercise": exercise.id}, **rights}
    cell = _new_cell(kind, cell_id(exercise.lab, exercise.id, role), source, marked)
    if points is None and not solution:
        return cell
    graded = points is not None
    cell.metadata["nbgrader"] = _node(
        schema_version=3,
        grade_id=exercise.grade_id if graded else f"{exercise.grade_id}-answer",
        grade=graded,
        solution=solution,
        locked=not solution,
        task=False,
        cell_type=kind,
    )
    if points is not None:
        cell.metadata.nbgrader["points"] = int(points) if points == int(points) else points
    cell.metadata.nbgrader["checksum"] = compute_checksum(cell)
    return cell


def _new_cell(kind: str, id: str, source: str, metadata: dict[str, Any]) -> NotebookNode:
    code: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return _node(id=id, cell_type=kind, metadata=metadata, source=source, **code)


def _node(**fields: Any) -> NotebookNode:
    node: NotebookNode = nbformat.from_dict(fields)
    return node


def _require_every_exercise_once(lab: Lab, blocks: list[Block], file: Path) -> None:
    placed: dict[str, int] = {}
    for block in blocks:
        name = block.exercise
        if name is None:
            continue
        if name not in lab.exercises:
            known = ", ".join(lab.exercises)
            raise BuildError(
                f"lab {lab.name} has no such exercise; it has {known} (is its module named "
                "in the lab's `__init__`?)",
                file=file,
                line=block.line,
                exercise=name,
            )
        if name in placed:
            raise BuildError(
                f"it is already placed on line {placed[name]}",
                file=file,
                line=block.line,
                exercise=f"{lab.name}/{name}",
            )
        placed[name] = block.line
    for name, exercise in lab.exercises.items():
        if name not in placed:
            raise BuildError(
                f'it has no place; add a cell `# %% exercise="{name}"`',
                file=file,
                exercise=exercise.id,
            )

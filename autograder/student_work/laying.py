"""Laying a student's cells into a pristine notebook.

Of the submission only what a student may write is taken: the sources of answer cells and of extra
cells. Everything else (checks, points, ids, tags, locks, kernel) is the pristine notebook's.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.judging.cells import bound_names, parse_cell
from autograder.student_work.showing import sanitized, shown_outputs

_JSON = json.JSONEncoder(ensure_ascii=False)
_LINES = json.JSONEncoder(ensure_ascii=False, separators=(",\n", ": "))
_OURS = ("statement", "answer", "check", "written", "setup", "show", "text")


@dataclass
class Laid:
    """The pristine notebook with the student's cells in it, and notes on what was mended."""

    notebook: NotebookNode
    notes: list[str] = field(default_factory=list)


def lay(
    pristine: NotebookNode,
    submitted: NotebookNode,
    markdown: Callable[[str], str] = sanitized,
) -> Laid:
    """Lay the cells of a submission into a copy of the pristine notebook.

    ``markdown`` is what is made of a student's texts: harmless to others, unless said otherwise.
    """
    laid = Laid(_copied(pristine))
    places = places_in(laid.notebook, submitted, laid.notes)
    own = laid.notebook.cells
    extras: dict[int, list[NotebookNode]] = {}
    taken: dict[int, list[NotebookNode]] = {}
    position = -1
    for cell, place in zip(submitted.cells, places, strict=True):
        if place is None:
            if cell.source.strip():
                extras.setdefault(position, []).append(_extra(cell, markdown))
            continue
        position = place
        taken.setdefault(place, []).append(cell)
    for place, cells in taken.items():
        _take(own[place], cells, extras.setdefault(place, []), laid.notes, markdown)
    _note_missing(own, taken, laid.notes)
    _give_way(own, taken, extras, laid.notes)
    cells = list(extras.get(-1, []))
    for index, cell in enumerate(own):
        role = cell.metadata["autograder"]["role"]
        before = role in ("answer",) and extras.get(index)
        # Duplicates of an answer stand before it, so that its last definition counts.
        if before:
            cells += [c for c in extras[index] if c.metadata.get("duplicate")]
        cells.append(cell)
        cells += [c for c in extras.get(index, []) if not c.metadata.get("duplicate")]
    for number, cell in enumerate(cells):
        cell.metadata.pop("duplicate", None)
        if "id" not in cell:
            cell["id"] = f"student-{number}"
    laid.notebook.cells = cells
    return laid


def laid_text(notebook: NotebookNode) -> str:
    """A laid or graded notebook as the text of its file; a line of a source is a line of the file.

    nbformat's own writer checks twice, copies, and encodes in Python: several times the work.
    """
    nbformat.validate(notebook)
    cells = ",\n".join(map(_cell_text, notebook.cells))
    rest = _JSON.encode({key: value for key, value in notebook.items() if key != "cells"})
    return f'{{"cells": [\n{cells}\n],\n{rest[1:]}\n'


def _cell_text(cell: NotebookNode) -> str:
    rest = _JSON.encode({key: value for key, value in cell.items() if key != "source"})
    return f'{rest[:-1]}, "source":\n{_LINES.encode(cell.source.splitlines(True))}}}'


def _copied(pristine: NotebookNode) -> NotebookNode:
    """A copy of what laying changes; the metadata of its cells are shared, and left alone."""
    return NotebookNode({**pristine, "cells": [NotebookNode(cell) for cell in pristine.cells]})


def belonging(pristine: NotebookNode, submitted: NotebookNode) -> int:
    """How surely a notebook is of the lab: 2 with cells of its exercises, 1 with others, else 0.

    A scratch notebook that begins with the lab's imports does not rival the one with the answers.
    """
    places = {place for place in places_in(pristine, submitted, []) if place is not None}
    asked = any("exercise" in pristine.cells[place].metadata["autograder"] for place in places)
    return 2 if asked else int(bool(places))


def places_in(
    pristine: NotebookNode, submitted: NotebookNode, notes: list[str]
) -> list[int | None]:
    """For every submitted cell the index of the pristine cell it stands for, if any."""
    by_mark = {mark_of(cell): i for i, cell in enumerate(pristine.cells) if mark_of(cell)}
    by_id = {cell["id"]: i for i, cell in enumerate(pristine.cells) if not mark_of(cell)}
    by_source: dict[str, int] = {}
    for index, cell in enumerate(pristine.cells):
        by_source.setdefault(normal(cell.source), index)
    places: list[int | None] = []
    seen = Counter(cell.get("id") for cell in submitted.cells)
    for cell in submitted.cells:
        place = by_mark.get(mark_of(cell))
        if (
            place is None
            and seen[cell.get("id")] == 1
            and cell.get("id") in by_id
            and _role(cell) == _role(pristine.cells[by_id[cell["id"]]])
        ):
            place = by_id[cell["id"]]
        if place is None and cell.source.strip():
            place = by_source.get(normal(cell.source))
        places.append(place)
    marked = any(mark_of(cell) for cell in submitted.cells)
    if not marked:
        recovered = _by_name(pristine, submitted, places)
        if recovered:
            notes.append("the cells had lost their metadata; answers were found by their names")
    return places


def _by_name(pristine: NotebookNode, submitted: NotebookNode, places: list[int | None]) -> bool:
    """Fill in the places of answers by the names they define, of texts by what they follow."""
    answers = {
        ours["exercise"].partition("/")[2]: index
        for index, cell in enumerate(pristine.cells)
        if (ours := cell.metadata["autograder"])["role"] == "answer"
    }
    written = [
        i for i, c in enumerate(pristine.cells) if c.metadata["autograder"]["role"] == "written"
    ]
    found = False
    for number, cell in enumerate(submitted.cells):
        if places[number] is not None or not cell.source.strip():
            continue
        if cell.cell_type == "code" and parse_cell(cell.source) is not None:
            names = [name for name in answers if name in bound_names(cell.source)]
            if len(names) == 1:
                places[number] = answers[names[0]]
                found = True
        elif cell.cell_type == "markdown":
            earlier = next((p for p in reversed(places[:number]) if p is not None), None)
            follows = [i for i in written if earlier is not None and i == earlier + 1]
            if follows:
                places[number] = follows[0]
                found = True
    return found


def mark_of(cell: NotebookNode) -> tuple[str, str] | None:
    """What a cell says it is; what nbgrader says of it where our own mark is gone."""
    ours = cell.metadata.get("autograder")
    if (
        isinstance(ours, dict)
        and ours.get("role") in _OURS
        and isinstance(ours.get("exercise"), str)
    ):
        return ours["role"], ours["exercise"]
    nbgrader = cell.metadata.get("nbgrader")
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    if not isinstance(grade_id, str) or "-" not in grade_id:
        return None
    if grade_id.endswith("-answer"):
        return "answer", grade_id.removesuffix("-answer").replace("-", "/", 1)
    solution = bool(nbgrader.get("solution")) if isinstance(nbgrader, dict) else False
    return ("written" if solution else "check"), grade_id.replace("-", "/", 1)


def _role(cell: NotebookNode) -> object:
    ours = cell.metadata.get("autograder")
    return ours.get("role") if isinstance(ours, dict) else None


def normal(source: str) -> str:
    """A source without the white space that editors change at the ends of lines."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _take(
    own: NotebookNode,
    cells: list[NotebookNode],
    extras: list[NotebookNode],
    notes: list[str],
    markdown: Callable[[str], str],
) -> None:
    role, exercise = own.metadata["autograder"]["role"], own.metadata["autograder"].get("exercise")
    name = f"the {role} cell" + (f" of {exercise}" if exercise else "")
    changed = [c for c in cells if normal(c.source) != normal(own.source)]
    if role in ("answer", "written"):
        # The last one that says something is the answer; earlier ones run before it.
        chosen = (changed or cells)[-1]
        duplicates = [_extra(other, markdown) for other in changed[:-1]]
        for duplicate in duplicates:
            duplicate.metadata["duplicate"] = True
        extras[:0] = duplicates
        own.source = chosen.source if role == "answer" else markdown(chosen.source)
        if chosen.cell_type != own.cell_type:
            notes.append(f"{name} was a {chosen.cell_type} cell")
    elif changed and role == "setup":
        # Students add imports and helpers where the imports stand.
        extras.insert(0, _extra(changed[-1], markdown))
        notes.append("a setup cell was changed; the student's version runs after the original")
    elif changed:
        notes.append(f"{name} was changed; the original was used")
    if len(cells) > 1:
        notes.append(f"{name} was there {len(cells)} times")
    if any(c.cell_type != own.cell_type for c in cells) and role not in ("answer", "written"):
        notes.append(f"{name} had been turned into another kind of cell")
    if role == "check" and any(_retagged(c, own) for c in cells):
        notes.append(f"{name} had other tags, points or locks; the original was used")
    if role == "show":
        own["outputs"] = list(shown_outputs(cells[-1].outputs))


def _retagged(cell: NotebookNode, own: NotebookNode) -> bool:
    def facts(metadata: NotebookNode) -> tuple[Any, ...]:
        nbgrader = metadata.get("nbgrader")
        nbgrader = nbgrader if isinstance(nbgrader, dict) else {}
        keys = ("points", "grade", "locked", "solution", "grade_id")
        return (*(nbgrader.get(key) for key in keys), metadata.get("tags"))

    return facts(cell.metadata) != facts(own.metadata)


def _note_missing(own: list[NotebookNode], taken: dict[int, Any], notes: list[str]) -> None:
    missing = [
        c.metadata["autograder"]["exercise"]
        for i, c in enumerate(own)
        if i not in taken and c.metadata["autograder"]["role"] == "check"
    ]
    if missing:
        notes.append(f"check cells were missing and were put back: {', '.join(missing)}")


def _give_way(
    own: list[NotebookNode],
    taken: dict[int, list[NotebookNode]],
    extras: dict[int, list[NotebookNode]],
    notes: list[str],
) -> None:
    """Keep the starter of a deleted answer cell from undoing an answer written in another cell."""
    open_still = [
        cell
        for index, cell in enumerate(own)
        if index not in taken and cell.metadata["autograder"]["role"] == "answer"
    ]
    if not open_still:
        return
    theirs = [cell for cells in extras.values() for cell in cells]
    theirs += [own[i] for i in taken if own[i].metadata["autograder"]["role"] == "answer"]
    sources = [cell.source for cell in theirs if cell.cell_type == "code"]
    defined = {n for s in sources if parse_cell(s) is not None for n in bound_names(s)}
    for cell in open_still:
        exercise = cell.metadata["autograder"]["exercise"]
        name = exercise.partition("/")[2]
        if name in defined:
            cell.source = f"# {name} is written in another cell."
            notes.append(f"the answer cell of {exercise} was missing; another defines it")


def _extra(cell: NotebookNode, markdown: Callable[[str], str]) -> NotebookNode:
    """A cell of the student's own: code to be run, text to be read, nothing to be rendered."""
    metadata = NotebookNode(autograder=NotebookNode(role="student"))
    if cell.cell_type == "code":
        return NotebookNode(
            cell_type="code",
            source=cell.source,
            metadata=metadata,
            outputs=[],
            execution_count=None,
        )
    return NotebookNode(cell_type="markdown", source=markdown(cell.source), metadata=metadata)

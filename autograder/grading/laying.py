"""Laying a student's cells into a pristine notebook.

Of the submission only what a student may write is taken: the sources of answer cells and of extra
cells. Everything else (checks, points, ids, tags, locks, kernel) is the pristine notebook's.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from autograder.judging.cells import bound_names, parse_cell

MAX_IMAGE = 400_000
MAX_TEXT = 20_000
_OURS = ("statement", "answer", "check", "written", "setup", "show", "text")


@dataclass
class Laid:
    """The pristine notebook with the student's cells in it, and notes on what was mended."""

    notebook: NotebookNode
    notes: list[str] = field(default_factory=list)


def lay(pristine: NotebookNode, submitted: NotebookNode) -> Laid:
    """Lay the cells of a submission into a copy of the pristine notebook."""
    laid = Laid(copy.deepcopy(pristine))
    places = _places(laid.notebook, submitted, laid.notes)
    own = laid.notebook.cells
    extras: dict[int, list[NotebookNode]] = {}
    taken: dict[int, list[NotebookNode]] = {}
    position = -1
    for cell, place in zip(submitted.cells, places, strict=True):
        if place is None:
            if cell.source.strip():
                extras.setdefault(position, []).append(_extra(cell, laid.notes))
            continue
        position = place
        taken.setdefault(place, []).append(cell)
    for place, cells in taken.items():
        _take(own[place], cells, extras.setdefault(place, []), laid.notes)
    _note_missing(own, taken, laid.notes)
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


def belongs(pristine: NotebookNode, submitted: NotebookNode) -> bool:
    """Whether a submitted notebook carries the lab's cells, by mark or by the names it defines."""
    return any(place is not None for place in _places(pristine, submitted, []))


def _places(pristine: NotebookNode, submitted: NotebookNode, notes: list[str]) -> list[int | None]:
    """For every submitted cell the index of the pristine cell it stands for, if any."""
    by_mark = {_mark(cell): i for i, cell in enumerate(pristine.cells) if _mark(cell)}
    by_id = {cell["id"]: i for i, cell in enumerate(pristine.cells) if not _mark(cell)}
    by_source: dict[str, int] = {}
    for index, cell in enumerate(pristine.cells):
        by_source.setdefault(_normal(cell.source), index)
    places: list[int | None] = []
    for cell in submitted.cells:
        place = by_mark.get(_mark(cell))
        if (
            place is None
            and cell.get("id") in by_id
            and _role(cell) == _role(pristine.cells[by_id[cell["id"]]])
        ):
            place = by_id[cell["id"]]
        if place is None and cell.source.strip():
            place = by_source.get(_normal(cell.source))
        places.append(place)
    marked = any(_mark(cell) for cell in submitted.cells)
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


def _mark(cell: NotebookNode) -> tuple[str, str] | None:
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


def _normal(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _take(
    own: NotebookNode, cells: list[NotebookNode], extras: list[NotebookNode], notes: list[str]
) -> None:
    role, exercise = own.metadata["autograder"]["role"], own.metadata["autograder"].get("exercise")
    name = f"the {role} cell" + (f" of {exercise}" if exercise else "")
    changed = [c for c in cells if _normal(c.source) != _normal(own.source)]
    if role in ("answer", "written"):
        # The last one that says something is the answer; earlier ones run before it.
        chosen = (changed or cells)[-1]
        for other in changed[:-1]:
            duplicate = _extra(other, notes)
            duplicate.metadata["duplicate"] = True
            extras.insert(0, duplicate)
        own.source = chosen.source if role == "answer" else sanitized(chosen.source)
        if chosen.cell_type != own.cell_type:
            notes.append(f"{name} was a {chosen.cell_type} cell")
    elif changed and role == "setup":
        # Students add imports and helpers where the imports stand.
        extras.insert(0, _extra(changed[-1], notes))
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


def _extra(cell: NotebookNode, notes: list[str]) -> NotebookNode:
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
    source = sanitized(cell.source)
    return NotebookNode(cell_type="markdown", source=source, metadata=metadata)


def sanitized(markdown: str) -> str:
    """A student's markdown in which no HTML, script or link of another scheme is rendered."""
    escaped = markdown.replace("<", "&lt;")
    for scheme in ("javascript:", "data:", "vbscript:"):
        while scheme in escaped.lower():
            at = escaped.lower().index(scheme)
            escaped = escaped[: at + len(scheme) - 1] + " " + escaped[at + len(scheme) - 1 :]
    return escaped


def shown_outputs(outputs: list[Any]) -> Iterator[NotebookNode]:
    """Of stored outputs what may be shown: plain text and PNG pictures, up to a size."""
    text = 0
    image = 0
    for output in outputs:
        kind = output.get("output_type")
        data = output.get("data")
        if kind == "stream" and isinstance(output.get("text"), (str, list)):
            written = "".join(map(str, output["text"]))[: MAX_TEXT - text]
            text += len(written)
            if written:
                yield NotebookNode(output_type="stream", name="stdout", text=written)
        elif kind in ("display_data", "execute_result") and isinstance(data, dict):
            picture, plain = data.get("image/png"), data.get("text/plain")
            kept = NotebookNode()
            if isinstance(picture, str) and image + len(picture) <= MAX_IMAGE:
                kept["image/png"] = picture
                image += len(picture)
            if isinstance(plain, (str, list)):
                kept["text/plain"] = "".join(map(str, plain))[: MAX_TEXT - text]
                text += len(kept["text/plain"])
            if kept:
                yield NotebookNode(output_type="display_data", data=kept, metadata={})

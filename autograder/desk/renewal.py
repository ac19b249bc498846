"""A student's notebook made new: their cells laid into what the course gives out now.

Three notebooks tell what is whose: the student's, the one they were given, and the new one. A cell
that is as it was given gives way to the new one; what the student wrote or changed stays theirs.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.student_work.holding import is_as_built
from autograder.student_work.laying import laid_text, lay, mark_of, normal, places_in
from autograder.student_work.reading import Unreadable, read_notebook

_ANSWERS = ("answer", "written")


@dataclass
class Renewed:
    """The text of the new notebook, empty where nothing would change, and notes on it."""

    text: str = ""
    notes: list[str] = field(default_factory=list)


def renewed(own: Path, given: Path, new: Path) -> Renewed:
    """Lay what a student did in a notebook into a new one; the files are only read.

    ``given`` is the notebook that the student's was made from; where it is not there, what is
    not an answer is taken for the course's.

    Raises: Unreadable where the student's is no notebook, OSError.
    """
    theirs, notes = read_notebook(own)
    pristine = nbformat.read(new, as_version=4)
    origin = _readable(given)
    if origin is None:
        ready = _untouched_answers_made_new(theirs, pristine)
    else:
        ready = _brought_forward(theirs, origin, pristine, notes)
    laid = lay(pristine, ready, markdown=str)
    _keep_outputs(laid.notebook, theirs)
    if _content(laid.notebook) == _content(theirs):
        return Renewed()
    return Renewed(laid_text(laid.notebook), [*notes, *laid.notes])


def _readable(path: Path) -> NotebookNode | None:
    try:
        return read_notebook(path)[0]
    except (Unreadable, OSError):
        return None


def _untouched_answers_made_new(theirs: NotebookNode, new: NotebookNode) -> NotebookNode:
    by_mark = {mark_of(cell): cell for cell in new.cells if mark_of(cell)}
    ready = copy.deepcopy(theirs)
    for cell in ready.cells:
        if mark_of(cell) in by_mark and is_as_built(cell):
            cell.source = by_mark[mark_of(cell)].source
    return ready


def _brought_forward(
    theirs: NotebookNode, given: NotebookNode, new: NotebookNode, notes: list[str]
) -> NotebookNode:
    """The student's cells, those that are as they were given in their new wording."""
    counterparts = _Counterparts(new)
    cells: list[NotebookNode] = []
    for cell, place in zip(theirs.cells, places_in(given, theirs, []), strict=True):
        if place is None:
            cells.append(cell)
            continue
        before = given.cells[place]
        now = counterparts.of(before)
        role = before.metadata["autograder"]["role"]
        known = {normal(before.source)} | ({normal(now.source)} if now is not None else set())
        changed = normal(cell.source) not in known
        if now is not None:
            answer = changed and role in _ANSWERS
            cells.append(NotebookNode({**now, "source": cell.source if answer else now.source}))
        if changed and (now is None or role not in _ANSWERS):
            cells.append(_as_their_own(cell))
            notes.append(_kept_beside(before, gone=now is None))
    return NotebookNode(cells=cells, metadata=theirs.metadata)


class _Counterparts:
    """Finds the cells of a new notebook that stand for those of an earlier one."""

    def __init__(self, new: NotebookNode) -> None:
        self._by_mark = {mark_of(cell): cell for cell in new.cells if mark_of(cell)}
        plain = [cell for cell in new.cells if not mark_of(cell)]
        self._by_source = {normal(cell.source): cell for cell in plain}
        self._by_id = {(cell["id"], _role(cell)): cell for cell in plain}

    def of(self, cell: NotebookNode) -> NotebookNode | None:
        """The new cell of an exercise by what it is; another by its text, else by its number."""
        if mark_of(cell):
            return self._by_mark.get(mark_of(cell))
        same = self._by_source.get(normal(cell.source))
        return same if same is not None else self._by_id.get((cell["id"], _role(cell)))


def _role(cell: NotebookNode) -> str:
    return str(cell.metadata["autograder"]["role"])


def _as_their_own(cell: NotebookNode) -> NotebookNode:
    return NotebookNode({**cell, "id": "", "metadata": NotebookNode()})


def _kept_beside(before: NotebookNode, *, gone: bool) -> str:
    exercise = before.metadata["autograder"].get("exercise")
    what = f"the {_role(before)} of {exercise}" if exercise else f"a {_role(before)} cell"
    if gone:
        return f"{what} is no longer in the lab; what you wrote stays as a cell of your own"
    return f"you had changed {what}; your version stays below the new one"


def _keep_outputs(laid: NotebookNode, theirs: NotebookNode) -> None:
    """Outputs of code that stays as it was stay too."""
    before = {normal(cell.source): cell for cell in theirs.cells if cell.cell_type == "code"}
    for cell in laid.cells:
        if cell.cell_type == "code" and normal(cell.source) in before:
            cell["outputs"] = before[normal(cell.source)].outputs


def _content(notebook: NotebookNode) -> list[tuple[str, str]]:
    return [(cell.cell_type, normal(cell.source)) for cell in notebook.cells]

"""nbgrader's gradebook: it is opened, and told what cells a lab has."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    MissingEntry,
    Notebook,
    Student,
)
from sqlalchemy import delete, or_, select

from autograder.judging import Lab


@dataclass(frozen=True)
class Release:
    """A lab as the gradebook has it; names of cells by their ids."""

    assignment: str
    notebook: str
    graded: dict[str, str]
    commented: dict[str, str]


class CourseGradebook(Gradebook):
    """nbgrader's gradebook, which reads the cells of a lab once and not for each submission."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._releases: dict[str, Release] = {}

    def release(self, lab: Lab) -> Release:
        """The lab's assignment, notebook and cells."""
        if lab.slug not in self._releases:
            self._releases[lab.slug] = _read_release(self.db, lab)
        return self._releases[lab.slug]

    def forget(self) -> None:
        """Give an unfinished transaction up, and read everything again."""
        self.db.rollback()
        self._releases.clear()


def open_gradebook(url: str) -> CourseGradebook:
    """Open a gradebook, made when there is none; nbgrader needs its `alembic` on the path."""
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", "")])
    return CourseGradebook(url)


def register_lab(gradebook: CourseGradebook, lab: Lab, notebook: NotebookNode) -> None:
    """Make sure the gradebook knows the lab's notebook and its cells, as the release has them."""
    gradebook.update_or_create_assignment(lab.slug)
    try:
        gradebook.find_notebook(lab.slug, lab.slug)
    except MissingEntry:
        gradebook.add_notebook(lab.slug, lab.slug)
    named = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    _forget_others(gradebook, lab, {cell.metadata.nbgrader["grade_id"] for cell in named})
    for cell in named:
        grade_id = cell.metadata.nbgrader["grade_id"]
        where = (grade_id, lab.slug, lab.slug)
        if utils.is_grade(cell):
            points = float(cell.metadata.nbgrader["points"])
            gradebook.update_or_create_grade_cell(
                *where, max_score=points, cell_type=cell.cell_type
            )
        if utils.is_solution(cell):
            gradebook.update_or_create_solution_cell(*where)
        gradebook.update_or_create_source_cell(
            *where,
            cell_type=cell.cell_type,
            locked=utils.is_locked(cell),
            source=cell.source,
            checksum=cell.metadata.nbgrader.get("checksum"),
        )
    gradebook.forget()


def _forget_others(gradebook: CourseGradebook, lab: Lab, names: set[str]) -> None:
    """Remove cells that the lab no longer has, whose points would go on being counted.

    A cell that a person has graded or commented on stays.
    """
    db, known = gradebook.db, gradebook.find_notebook(lab.slug, lab.slug)
    for cell in {*known.grade_cells, *known.solution_cells}:
        if cell.name in names or _touched_by_hand(db, cell.id):
            continue
        for rows in (Grade, Comment):
            db.execute(delete(rows).where(rows.cell_id == cell.id))
        db.delete(cell)
    for cell in known.source_cells:
        if cell.name not in names:
            db.delete(cell)
    db.commit()


def _touched_by_hand(db: Any, cell: str) -> bool:
    given = or_(Grade.manual_score.is_not(None), Grade.extra_credit.is_not(None))
    graded = select(Grade.id).where(Grade.cell_id == cell, given)
    written = Comment.manual_comment.is_not(None)
    commented = select(Comment.id).where(Comment.cell_id == cell, written)
    return any(db.execute(found.limit(1)).first() for found in (graded, commented))


def roster(gradebook: CourseGradebook) -> list[str]:
    """The students that the gradebook knows."""
    with gradebook.engine.connect() as connection:
        return list(connection.scalars(select(Student.id)))


def _read_release(db: Any, lab: Lab) -> Release:
    found = db.execute(
        select(Assignment.id, Notebook.id)
        .join(Notebook, Notebook.assignment_id == Assignment.id)
        .where(Assignment.name == lab.slug, Notebook.name == lab.slug)
    ).first()
    if found is None:
        raise MissingEntry(f"the gradebook does not know {lab.slug}; register the lab first")
    cells = db.execute(
        select(BaseCell.id, BaseCell.name, BaseCell.type).where(BaseCell.notebook_id == found[1])
    ).all()
    graded = {id: name for id, name, kind in cells if kind in ("GradeCell", "TaskCell")}
    commented = {id: name for id, name, kind in cells if kind in ("SolutionCell", "TaskCell")}
    return Release(found[0], found[1], graded, commented)

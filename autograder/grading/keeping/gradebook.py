"""nbgrader's gradebook: scores go in from records, hand grading stays.

nbgrader's schema has indexes for its primary keys and its unique constraints, and for nothing else:
what is read and written for each submission is found through those, so that it costs the same
however large the class is.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
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
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import and_, bindparam, delete, insert, or_, select, update
from traitlets.config import Config

from autograder.grading.running.record import Record
from autograder.judging import Kind, Lab, Reason, Verdict

_STUDENT = select(Student.id).where(Student.id == bindparam("student"))
_SUBMISSION = (
    select(
        Assignment.duedate,
        SubmittedAssignment.id.label("id"),
        SubmittedAssignment.extension,
        SubmittedNotebook.id.label("notebook"),
        SubmittedNotebook.late_submission_penalty.label("penalty"),
    )
    .outerjoin(
        SubmittedAssignment,
        and_(
            SubmittedAssignment.assignment_id == Assignment.id,
            SubmittedAssignment.student_id == bindparam("student"),
        ),
    )
    .outerjoin(
        SubmittedNotebook,
        and_(
            SubmittedNotebook.notebook_id == bindparam("notebook"),
            SubmittedNotebook.assignment_id == SubmittedAssignment.id,
        ),
    )
    .where(Assignment.id == bindparam("assignment"))
)
_GRADES = select(
    Grade.id, Grade.cell_id, Grade.auto_score, Grade.manual_score, Grade.needs_manual_grade
).where(
    Grade.cell_id.in_(bindparam("cells", expanding=True)),
    Grade.notebook_id == bindparam("notebook"),
)
_COMMENTS = select(Comment.id, Comment.cell_id, Comment.auto_comment).where(
    Comment.cell_id.in_(bindparam("cells", expanding=True)),
    Comment.notebook_id == bindparam("notebook"),
)


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


def save_record(
    gradebook: CourseGradebook, lab: Lab, record: Record, timestamp: str | None = None
) -> bool:
    """Save a record's automatic scores in one transaction; what a person has given stays.

    Returns: whether nbgrader's plugin has a late penalty to assign, or one to look at again.
    """
    release = gradebook.release(lab)
    handed_in = utils.parse_utc(timestamp) if timestamp else None
    notebook, late = _submission(gradebook.db, release, record.student, handed_in)
    verdicts = {lab.exercises[v.exercise.partition("/")[2]].grade_id: v for v in record.verdicts}
    _save_grades(gradebook.db, release, notebook, verdicts)
    _save_comments(gradebook.db, release, notebook, verdicts)
    gradebook.db.commit()
    return late


def late_penalty(config: Config, url: str, lab: Lab, student: str) -> None:
    """Let nbgrader's own plugin assign what its configuration says of late submissions."""
    about = {"notebook": lab.slug, "assignment": lab.slug, "student": student, "db_url": url}
    notebook = NotebookNode(cells=[], metadata=NotebookNode())
    AssignLatePenalties(config=config).preprocess(notebook, {"nbgrader": about})


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


def _submission(db: Any, release: Release, student: str, handed_in: Any) -> tuple[str, bool]:
    """The id of a student's submitted notebook, made where there is none; whether it is late."""
    where = {"student": student, "assignment": release.assignment, "notebook": release.notebook}
    found = db.execute(_SUBMISSION, where).one()
    submission, notebook = found.id, found.notebook
    if submission is None:
        if db.execute(_STUDENT, where).first() is None:
            db.execute(insert(Student.__table__), [{"id": student}])
        submission = _add(
            db, SubmittedAssignment, assignment_id=release.assignment, student_id=student
        )
    if notebook is None:
        notebook = _add(
            db, SubmittedNotebook, assignment_id=submission, notebook_id=release.notebook
        )
    if handed_in is None:
        return notebook, False
    db.execute(update(SubmittedAssignment), [{"id": submission, "timestamp": handed_in}])
    due = found.duedate and found.duedate + (found.extension or timedelta())
    return notebook, found.penalty is not None or bool(due and handed_in > due)


def _save_grades(db: Any, release: Release, notebook: str, verdicts: dict[str, Verdict]) -> None:
    rows = db.execute(_GRADES, {"cells": list(release.graded), "notebook": notebook}).all()
    added: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for row in rows:
        verdict = verdicts.get(release.graded[row.cell_id])
        if verdict is None:
            continue
        score, by_hand = _scored(verdict, given=row.manual_score is not None)
        if (score, by_hand) != (row.auto_score, row.needs_manual_grade):
            changed.append({"id": row.id, "auto_score": score, "needs_manual_grade": by_hand})
    for cell in _others(release.graded, rows):
        verdict = verdicts.get(release.graded[cell])
        score, by_hand = _scored(verdict, given=False) if verdict else (None, True)
        about = {"cell_id": cell, "notebook_id": notebook}
        added.append({**about, "auto_score": score, "needs_manual_grade": by_hand})
    _write(db, Grade, added, changed)


def _scored(verdict: Verdict, *, given: bool) -> tuple[float | None, bool]:
    """The automatic score of a cell, and whether a person must look at it (again)."""
    if verdict.kind != Kind.WRITTEN:
        return float(verdict.score), given
    waits = verdict.reason is Reason.AWAITING_REVIEW
    return (None if waits else 0.0), waits or given


def _save_comments(db: Any, release: Release, notebook: str, verdicts: dict[str, Verdict]) -> None:
    def comment(cell: str) -> str | None:
        verdict = verdicts.get(release.commented[cell].removesuffix("-answer"))
        untouched = verdict is not None and verdict.reason is Reason.NOT_ATTEMPTED
        return "No response." if untouched else None

    rows = db.execute(_COMMENTS, {"cells": list(release.commented), "notebook": notebook}).all()
    added = [
        {"cell_id": cell, "notebook_id": notebook, "auto_comment": comment(cell)}
        for cell in _others(release.commented, rows)
    ]
    changed = [
        {"id": row.id, "auto_comment": comment(row.cell_id)}
        for row in rows
        if row.auto_comment != comment(row.cell_id)
    ]
    _write(db, Comment, added, changed)


def _others(cells: Iterable[str], rows: Iterable[Any]) -> list[str]:
    """The cells that a submission has no rows of: all of a new one, else those that came later."""
    there = {row.cell_id for row in rows}
    return [cell for cell in cells if cell not in there]


def _add(db: Any, table: Any, **fields: str) -> str:
    """Add a row without an object that the session would keep; its id."""
    row = {"id": _new_id(), **fields}
    db.execute(insert(table.__table__), [row])
    return row["id"]


def _write(db: Any, table: Any, added: list[dict[str, Any]], changed: list[dict[str, Any]]) -> None:
    if added:
        db.execute(insert(table.__table__), [{"id": _new_id(), **row} for row in added])
    if changed:
        db.execute(update(table), changed)


def _new_id() -> str:
    """An id in the order of time: a new row comes beside the last one, not on a page of its own."""
    return f"{time.time_ns():016x}{secrets.token_hex(8)}"

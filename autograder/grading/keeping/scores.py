"""Scores and comments of one submission in the gradebook; what a person has given stays.

nbgrader's schema has indexes for its primary keys and its unique constraints, and for nothing else:
what is read and written for each submission is found through those, so that it costs the same
however large the class is.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import (
    Assignment,
    Comment,
    Grade,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import and_, bindparam, insert, select, update
from traitlets.config import Config

from autograder.grading.keeping.gradebook import CourseGradebook, Release
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

"""nbgrader's gradebook: scores go in from records, hand grading stays."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Comment, Grade, Gradebook, MissingEntry
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from autograder.grading.record import Record
from autograder.judging import Kind, Lab, Reason


def open_gradebook(url: str) -> Gradebook:
    """Open a gradebook, made when there is none; nbgrader needs its `alembic` on the path."""
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", "")])
    return Gradebook(url)


def register_lab(gradebook: Gradebook, lab: Lab, notebook: NotebookNode) -> None:
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


def _forget_others(gradebook: Gradebook, lab: Lab, names: set[str]) -> None:
    """Remove cells that the lab no longer has, whose points would go on being counted.

    A cell that a person has graded or commented on stays.
    """
    known = gradebook.find_notebook(lab.slug, lab.slug)
    for cell in {*known.grade_cells, *known.solution_cells}:
        given = [g for g in getattr(cell, "grades", []) if g.manual_score is not None]
        given += [c for c in getattr(cell, "comments", []) if c.manual_comment is not None]
        if cell.name in names or given:
            continue
        for belonging in (*getattr(cell, "grades", []), *getattr(cell, "comments", [])):
            gradebook.db.delete(belonging)
        gradebook.db.delete(cell)
    for cell in known.source_cells:
        if cell.name not in names:
            gradebook.db.delete(cell)
    gradebook.db.commit()


def roster(gradebook: Gradebook) -> list[str]:
    """The students that the gradebook knows."""
    return [student.id for student in gradebook.students]


def save_record(
    gradebook: Gradebook, lab: Lab, record: Record, timestamp: str | None = None
) -> None:
    """Save a record's automatic scores; what a person has given or written stays."""
    with warnings.catch_warnings():
        # nbgrader builds submissions in a way that SQLAlchemy warns about at every student.
        warnings.simplefilter("ignore", SAWarning)
        _save(gradebook, lab, record, timestamp)


def late_penalty(config: Config, url: str, lab: Lab, student: str) -> None:
    """Let nbgrader's own plugin assign what its configuration says of late submissions."""
    about = {"notebook": lab.slug, "assignment": lab.slug, "student": student, "db_url": url}
    notebook = NotebookNode(cells=[], metadata=NotebookNode())
    AssignLatePenalties(config=config).preprocess(notebook, {"nbgrader": about})


def _save(gradebook: Gradebook, lab: Lab, record: Record, timestamp: str | None) -> None:
    gradebook.update_or_create_student(record.student)
    fields: dict[str, Any] = {"timestamp": timestamp} if timestamp else {}
    gradebook.update_or_create_submission(lab.slug, record.student, **fields)
    submission = gradebook.find_submission_notebook(lab.slug, lab.slug, record.student)
    _complete(gradebook, submission)
    by_grade_id = {lab.exercises[v.exercise.partition("/")[2]].grade_id: v for v in record.verdicts}
    for grade in submission.grades:
        verdict = by_grade_id.get(grade.name)
        if verdict is None:
            continue
        if verdict.kind == Kind.WRITTEN:
            waits = verdict.reason is Reason.AWAITING_REVIEW
            grade.auto_score = None if waits else 0.0
            grade.needs_manual_grade = waits or grade.manual_score is not None
        else:
            grade.auto_score = float(verdict.score)
            grade.needs_manual_grade = grade.manual_score is not None
    for comment in submission.comments:
        verdict = by_grade_id.get(comment.name.removesuffix("-answer"))
        untouched = verdict is not None and verdict.reason is Reason.NOT_ATTEMPTED
        comment.auto_comment = "No response." if untouched else None
    gradebook.db.commit()


def _complete(gradebook: Gradebook, submission: Any) -> None:
    """Add grades and comments for cells that came into the lab after the submission did."""
    graded = {grade.cell_id for grade in submission.grades}
    commented = {comment.cell_id for comment in submission.comments}
    for cell in submission.notebook.grade_cells:
        if cell.id not in graded:
            gradebook.db.add(Grade(cell_id=cell.id, notebook=submission))
    for cell in submission.notebook.solution_cells:
        if cell.id not in commented:
            gradebook.db.add(Comment(cell_id=cell.id, notebook=submission))
    gradebook.db.commit()

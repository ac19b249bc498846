"""nbgrader, configured: `nbgrader autograde` grades as `course grade` does, one at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    NbGraderPreprocessor,
    OverwriteCells,
)
from traitlets import Bool

from autograder.building import student_notebook
from autograder.building.starters import generate_preprocessors
from autograder.exercises import find_lab
from autograder.grading.checkout import REPOSITORY
from autograder.grading.course import Course
from autograder.grading.intake.taking import Taken, laid_notebook, take_in_student
from autograder.grading.keeping.gradebook import open_gradebook
from autograder.grading.keeping.saving import save
from autograder.grading.many.batch import prepare
from autograder.grading.many.room import Room
from autograder.grading.running.grade import Graded
from autograder.grading.running.record import not_run

REPOSITORY_SOURCE = "build/source"


class GradeFromRecord(NbGraderPreprocessor):
    """In the place of nbgrader's execution and saving: judges in our process, saves the record."""

    unsafe_no_box = Bool(False, help="Run student code without confinement.").tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Grade the submission that the notebook is of, whatever the notebook says by now."""
        about = resources["nbgrader"]
        course, lab = Course(Path.cwd()), find_lab(about["assignment"])
        room = prepare(lab, course.root, unsafe_no_box=self.unsafe_no_box)
        pristine = student_notebook(lab, REPOSITORY)
        taken = take_in_student(course, lab.slug, pristine, about["student"])
        graded = _grade_taken(course, room, taken)
        with open_gradebook(about["db_url"]) as gradebook:
            save(course, lab, graded, gradebook)
        return graded.notebook, resources


def _grade_taken(course: Course, room: Room, taken: Taken) -> Graded:
    """Grade what intake has left of one submission."""
    if taken.reason is not None:
        record = not_run(taken.student, room.lab, taken.reason, notes=taken.notes)
        return Graded(record, student_notebook(room.lab, REPOSITORY))
    return room.grade(
        nbformat.reads(laid_notebook(course, taken, room.lab.slug), as_version=4),
        student=taken.student,
        submission=taken.submission,
        notes=taken.notes,
    )


def take_in_first(assignment: str, student: str, notebooks: list[str]) -> None:
    """Intake before nbgrader copies and parses a submission, also where nobody has run it.

    nbgrader calls this for each submission, with ``*`` for the student when it grades all of them.
    """
    lab = find_lab(assignment)
    pristine = student_notebook(lab, REPOSITORY)
    for student in sorted({Path(notebook).parent.parent.name for notebook in notebooks}):
        take_in_student(Course(Path.cwd()), lab.slug, pristine, student)


def configure(c: Any) -> None:
    """Configure nbgrader for this course; call it from ``nbgrader_config.py``."""
    c.CourseDirectory.source_directory = REPOSITORY_SOURCE
    c.CourseDirectory.release_directory = "labs"
    c.GenerateAssignment.preprocessors = generate_preprocessors()
    c.Autograde.sanitize_preprocessors = [OverwriteCells, CheckCellMetadata]
    c.Autograde.autograde_preprocessors = [GradeFromRecord, AssignLatePenalties, CheckCellMetadata]
    c.Autograde.pre_convert_hook = take_in_first

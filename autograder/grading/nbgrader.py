"""nbgrader, configured: `nbgrader autograde` grades as `course grade` does, one at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    NbGraderPreprocessor,
    OverwriteCells,
)

from autograder.building.starters import generate_preprocessors
from autograder.exercises import find_lab
from autograder.grading.batch import grade_taken, prepare, save
from autograder.grading.course import Course
from autograder.grading.gradebook import open_gradebook
from autograder.grading.intake import take_in_student

REPOSITORY_SOURCE = "build/source"


class GradeFromRecord(NbGraderPreprocessor):
    """In the place of nbgrader's execution and saving: judges in our process, saves the record."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Grade the submission that the notebook is of, whatever the notebook says by now."""
        about = resources["nbgrader"]
        course, lab = Course(Path.cwd()), find_lab(about["assignment"])
        prepared = prepare(lab.name, course.root)
        taken = take_in_student(course, lab.slug, prepared.pristine, about["student"])
        graded = grade_taken(course, prepared, taken)
        with open_gradebook(about["db_url"]) as gradebook:
            save(course, lab, graded, gradebook)
        return graded.notebook, resources


def configure(c: Any) -> None:
    """Configure nbgrader for this course; call it from ``nbgrader_config.py``."""
    c.CourseDirectory.source_directory = REPOSITORY_SOURCE
    c.CourseDirectory.release_directory = "labs"
    c.GenerateAssignment.preprocessors = generate_preprocessors()
    c.Autograde.sanitize_preprocessors = [OverwriteCells, CheckCellMetadata]
    c.Autograde.autograde_preprocessors = [GradeFromRecord, AssignLatePenalties, CheckCellMetadata]

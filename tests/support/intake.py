"""Intake of one student's folder, as tests look at it."""

import nbformat

from autograder.grading.intake.taking import take_in_student
from tests.support.notebooks import SLUG


def take_in(course, pristine, student="ada"):
    """What intake says of a submission, and the notebook that it leaves, if any."""
    taken = take_in_student(course, SLUG, pristine, student)
    path = course.submitted(student, SLUG) / f"{SLUG}.ipynb"
    return taken, nbformat.read(path, as_version=4) if path.exists() else None

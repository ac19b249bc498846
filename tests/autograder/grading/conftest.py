import copy
import os
import tempfile
from pathlib import Path

import nbformat
import pytest

from autograder.building import instructor_notebook, student_notebook
from autograder.grading.checkout import REPOSITORY
from autograder.grading.course import Course
from autograder.grading.running.grade import grade_notebook
from autograder.grading.running.kernels import open_launcher
from autograder.grading.running.references import References
from autograder.grading.running.sealed import seal
from autograder.grading.running.session import Limits
from tests.support.notebooks import LAB, SLUG

QUICK = Limits(cell=6, probe=6, submission=150)


@pytest.fixture(scope="session")
def pristine():
    return student_notebook(LAB, REPOSITORY)


@pytest.fixture(scope="session")
def solved():
    """A student's notebook with every answer right, as it would be handed in."""
    return instructor_notebook(LAB, REPOSITORY)


@pytest.fixture
def handed_in(solved):
    return copy.deepcopy(solved)


@pytest.fixture
def course(tmp_path):
    return Course(tmp_path)


@pytest.fixture
def hand_in(course):
    """Write a notebook, or any bytes, into a student's folder."""

    def write(content, student="ada", name=f"{SLUG}.ipynb"):
        path = course.submitted(student, SLUG) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(nbformat.writes(content))
        return path

    return write


@pytest.fixture(scope="session")
def room():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)
        yield seal(Path(folder) / "room")


@pytest.fixture(scope="session")
def launcher(room):
    launcher = open_launcher(room)
    yield launcher
    launcher.close()


@pytest.fixture(scope="session")
def references():
    return References(LAB, b"secret" * 6)


@pytest.fixture(scope="session")
def grade(launcher, references):
    """Grade a laid notebook for real; the verdicts by exercise name, and the rest."""

    def run(notebook, limits=QUICK):
        graded = grade_notebook(notebook, references, launcher, student="ada", limits=limits)
        return {v.exercise.partition("/")[2]: v for v in graded.record.verdicts}, graded

    return run

"""nbgrader's own ``generate_assignment`` and ours give one student notebook."""

import os
import sys
from pathlib import Path

from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

import autograder.exercises
from autograder.building import build, student_path
from autograder.building.starters import generate_preprocessors


def test_generate_assignment_gives_the_bytes_that_labs_has(lab, root, monkeypatch):
    # nbgrader calls `alembic` by its bare name.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.setattr(autograder.exercises, "labs", lambda: (lab,))
    build([lab], root)
    config = Config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.source_directory = "build/source"
    config.CourseDirectory.release_directory = "released"
    config.CourseDirectory.db_url = f"sqlite:///{root}/gradebook.db"
    config.GenerateAssignment.preprocessors = generate_preprocessors()
    course = CourseDirectory(config=config)
    course.assignment_id = lab.slug
    GenerateAssignment(coursedir=course, config=config).start()
    released = root / "released" / lab.slug / f"{lab.slug}.ipynb"
    assert released.read_bytes() == student_path(lab, root).read_bytes()

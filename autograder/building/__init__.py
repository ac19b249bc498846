"""Building: solution files, techniques and exercises become instructor and student notebooks."""

from autograder.building.build import (
    build,
    check,
    instructor_notebook,
    instructor_path,
    solved_notebook,
    student_notebook,
    student_path,
)
from autograder.building.errors import BuildError

__all__ = [
    "BuildError",
    "build",
    "check",
    "instructor_notebook",
    "instructor_path",
    "solved_notebook",
    "student_notebook",
    "student_path",
]

"""What a student's notebook calls: ``check`` an answer, ``commit`` to a prediction, and help."""

from autograder.notebook.checking import check
from autograder.notebook.failures import failing
from autograder.notebook.helping import hint, reference
from autograder.notebook.panel import progress
from autograder.notebook.predicting import commit, committed
from autograder.notebook.resuming import resume
from autograder.notebook.shell import open_lab

__all__ = [
    "check",
    "commit",
    "committed",
    "failing",
    "hint",
    "open_lab",
    "progress",
    "reference",
    "resume",
]

"""Lab 7, learning-rate schedules: how large the steps of a training are, from first to last.

The modules stand in the order of the lab. ``NOT_EXERCISES`` says what became of the entries of the
syllabus that no student is asked to write.
"""

from autograder.exercises.schedules import (  # noqa: F401  (the order is the lab's)
    constants,
    drops,
    epochs,
    exponential,
    inverse_time,
    endings,
    roots,
    warmup,
    tokens,
    plateau,
    conversions,
    questions,
)
from autograder.exercises.schedules.lab import lab
from autograder.exercises.schedules.questions import NOT_EXERCISES

__all__ = ["NOT_EXERCISES", "lab"]

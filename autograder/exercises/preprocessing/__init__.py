"""Lab 3, preprocessing: from one mean per feature to a loss that is round.

The modules stand in the order of the lab. ``NOT_EXERCISES`` says what became of the entries of the
syllabus that no student is asked to write.
"""

from autograder.exercises.preprocessing import (  # noqa: F401  (the order is the lab's)
    centering,
    scaling,
    channels,
    training_split,
    components,
    whitening,
    zca,
    conditioning,
    descent,
    order,
    histories,
    questions,
)
from autograder.exercises.preprocessing.drawing import lab
from autograder.exercises.preprocessing.questions import NOT_EXERCISES

__all__ = ["NOT_EXERCISES", "lab"]

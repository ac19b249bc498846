"""Lab 6, optimizers: from one rate for a quadratic to the edge of stability.

The modules stand in the order of the lab. ``NOT_EXERCISES`` says what became of the entries of the
syllabus that no student is asked to write.
"""

from autograder.exercises.optimizers import (  # noqa: F401  (the order is the lab's)
    rates,
    descent,
    curvature,
    critical,
    momentum,
    nesterov,
    adagrad,
    rmsprop,
    adam,
    efficient,
    decay,
    groups,
    newton,
    newton_path,
    clipping,
    accumulation,
    hessian_products,
    sharpness,
    questions,
)
from autograder.exercises.optimizers.lab import lab

NOT_EXERCISES = questions.NOT_EXERCISES

__all__ = ["NOT_EXERCISES", "lab"]

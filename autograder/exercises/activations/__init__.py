"""Lab 2, activations: from the slope of one function to what it does to a network.

The modules stand in the order of the lab. ``NOT_EXERCISES`` says what became of the entries of the
syllabus that no student is asked to write.
"""

from autograder.exercises.activations import (  # noqa: F401  (the order is the lab's)
    sigmoids,
    hyperbolic,
    saturation,
    signals,
    rectifying,
    leaking,
    learned_slopes,
    learned_slopes_backward,
    dying,
    signs,
    exponential,
    means,
    self_normalizing,
    alpha_dropout,
    pieces,
    routing,
    comparing,
    questions,
)
from autograder.exercises.activations.lab import lab
from autograder.exercises.activations.questions import NOT_EXERCISES

__all__ = ["NOT_EXERCISES", "lab"]

"""Lab 5, batch normalization: its exercises, each beside the mistakes that students make in it."""

from autograder.exercises.normalization.drawing import lab

# The order of these imports is the order of the exercises in the lab.
from autograder.exercises.normalization import (
    training,
    running,
    inference,
    modules,
    backward,
    images,
    consequences,
    inference_backward,
    layers,
    groups,
    questions,
)

NOT_EXERCISES = questions.NOT_EXERCISES

__all__ = [
    "NOT_EXERCISES",
    "backward",
    "consequences",
    "groups",
    "images",
    "inference",
    "inference_backward",
    "lab",
    "layers",
    "modules",
    "questions",
    "running",
    "training",
]

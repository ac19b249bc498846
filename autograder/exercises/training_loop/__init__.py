"""Lab 1, the training loop: its exercises, each beside the mistakes that students make in it."""

# The order of these imports is the order of the exercises in the lab.
from autograder.exercises.training_loop import (
    losses,
    loss_gradients,
    margins,
    expectations,
    penalties,
    reductions,
    old_lines,
    gradients,
    agreement,
    kinks,
    stepping,
    batches,
    epochs,
    counting,
    measuring,
    metrics,
    macro,
    sanity,
    neighbors,
    checkpoints,
    places,
    questions,
)
from autograder.exercises.training_loop.lab import lab

NOT_EXERCISES = questions.NOT_EXERCISES

__all__ = [
    "NOT_EXERCISES",
    "agreement",
    "batches",
    "checkpoints",
    "counting",
    "epochs",
    "expectations",
    "gradients",
    "kinks",
    "lab",
    "loss_gradients",
    "losses",
    "macro",
    "margins",
    "measuring",
    "metrics",
    "neighbors",
    "old_lines",
    "penalties",
    "places",
    "questions",
    "reductions",
    "sanity",
    "stepping",
]

"""Lab 11, transfer: ensembles, weights averaged along a training, and networks used again."""

from autograder.exercises.transfer.lab import lab

lab.gather(
    __name__,
    "ensembles",
    "averaging",
    "statistics",
    "ema",
    "freezing",
    "groups",
    "questions",
)

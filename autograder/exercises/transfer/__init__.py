"""Lab 11, transfer: ensembles, weights averaged along a training, and networks used again.

``questions.NOT_EXERCISES`` says what became of the entries of the syllabus that no student is asked
to write.
"""

from autograder.exercises.transfer.lab import lab

lab.gather(
    __name__,
    "ensembles",
    "averaging",
    "statistics",
    "between",
    "ema",
    "freezing",
    "untrained",
    "groups",
    "stale",
    "questions",
    "correlation",
    "cyclic",
    "snapshots",
    "polyak",
    "heads",
    "margin",
    "layers",
    "stages",
)

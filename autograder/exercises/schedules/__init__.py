"""Lab 7, learning-rate schedules: how large the steps of a training are, from first to last.

``questions.NOT_EXERCISES`` says what became of the entries of the syllabus that no student is asked
to write.
"""

from autograder.exercises.schedules.lab import lab

lab.gather(
    __name__,
    "noise",
    "milestones",
    "cosine",
    "joining",
    "batch_size",
    "questions",
    "constants",
    "drops",
    "epochs",
    "loops",
    "exponential",
    "inverse_time",
    "roots",
    "lines",
    "tokens",
    "plateau",
)

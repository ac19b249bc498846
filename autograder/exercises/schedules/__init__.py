"""Lab 7, learning-rate schedules: how large the steps of a training are, from first to last.

``questions.NOT_EXERCISES`` says what became of the entries of the syllabus that no student is asked
to write.
"""

from autograder.exercises.schedules.lab import lab

lab.gather(
    __name__,
    "constants",
    "drops",
    "epochs",
    "exponential",
    "inverse_time",
    "endings",
    "roots",
    "warmup",
    "tokens",
    "plateau",
    "conversions",
    "questions",
)

"""Lab 4, initialization: from the variance of one layer to networks that start alive.

``questions.NOT_EXERCISES`` says what became of the entries of the syllabus that no student is asked
to write.
"""

from autograder.exercises.initialization.lab import lab

lab.gather(
    __name__,
    "measuring",
    "variance",
    "fans",
    "gains",
    "kaiming",
    "questions",
    "symmetry",
    "moments",
    "random_weights",
    "glorot",
    "kaiming_uniform",
    "backpropagation",
    "residual",
)

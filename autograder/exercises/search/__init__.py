"""Lab 10, hyperparameter search: what a training leaves behind, and choosing without fooling oneself.

``questions.NOT_EXERCISES`` says what became of the entries of the syllabus that no student is asked
to write.
"""

from autograder.exercises.search.lab import lab

lab.gather(
    __name__,
    "investigation",
    "range_test",
    "log_uniform",
    "configs",
    "choosing",
    "halving",
    "questions",
    "sweeping",
    "refining",
    "curves",
    "divergence",
    "loss_curve",
)

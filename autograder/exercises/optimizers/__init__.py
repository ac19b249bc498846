"""Lab 6, optimizers: from one rate for a quadratic to the edge of stability.

``questions.NOT_EXERCISES`` says what became of the entries of the syllabus that no student is asked
to write.
"""

from autograder.exercises.optimizers.lab import lab

lab.gather(
    __name__,
    "rates",
    "descent",
    "curvature",
    "critical",
    "momentum",
    "nesterov",
    "adagrad",
    "rmsprop",
    "adam",
    "efficient",
    "decay",
    "groups",
    "newton",
    "newton_path",
    "clipping",
    "accumulation",
    "hessian_products",
    "sharpness",
    "questions",
)

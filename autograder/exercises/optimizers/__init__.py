"""Lab 6, optimizers: from one rate for a quadratic to the edge of stability.

``questions.NOT_EXERCISES`` says what became of the entries of the syllabus that no student is asked
to write.
"""

from autograder.exercises.optimizers.lab import lab

lab.gather(
    __name__,
    "rates",
    "descent",
    "momentum",
    "rmsprop",
    "adam",
    "decay",
    "questions",
    "noise",
    "curvature",
    "nesterov",
    "critical",
    "newton",
    "newton_path",
    "adagrad",
    "efficient",
    "groups",
    "clipping",
    "accumulation",
    "settling",
    "hessian_products",
    "sharpness",
)

"""Lab 2, activations: from the slope of one function to what it does to a network.

``questions.NOT_EXERCISES`` says what became of the entries of the syllabus that no student is asked
to write.
"""

from autograder.exercises.activations.lab import lab

lab.gather(
    __name__,
    "sigmoids",
    "hyperbolic",
    "saturation",
    "signals",
    "rectifying",
    "leaking",
    "learned_slopes",
    "learned_slopes_backward",
    "dying",
    "signs",
    "exponential",
    "means",
    "self_normalizing",
    "alpha_dropout",
    "pieces",
    "routing",
    "comparing",
    "questions",
)

"""Lab 2, activations: from the slope of one function to what it does to a network.

``questions.NOT_EXERCISES`` says what became of the entries of the syllabus that no student is asked
to write.
"""

from autograder.exercises.activations.lab import lab

lab.gather(
    __name__,
    "sigmoids",
    "signals",
    "rectifying_backward",
    "leaking",
    "dying",
    "comparing",
    "questions",
    "sigmoids_backward",
    "hyperbolic",
    "saturation",
    "rectifying",
    "leaking_backward",
    "learned_slopes",
    "learned_slopes_backward",
    "surviving",
    "signs",
    "exponential",
    "means",
    "self_normalizing",
    "alpha_dropout",
    "pieces",
    "routing",
    "tuning",
)

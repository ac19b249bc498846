"""Lab 8, regularization: penalties on weights, noise on activations, stopping in time.

``questions.NOT_EXERCISES`` says what became of the entries of the syllabus that no student is asked
to write.
"""

from autograder.exercises.regularization.lab import lab

lab.gather(
    __name__,
    "decay",
    "under_adam",
    "means",
    "dropout",
    "dropout_coins",
    "dropout_backward",
    "masks",
    "scaled_pass",
    "depth",
    "depth_coins",
    "stopping",
    "questions",
    "sparsity",
    "thresholds",
    "settings",
    "original",
    "channels",
    "connections",
    "moments",
    "ensembles",
    "survival",
    "pooling",
    "companions",
)

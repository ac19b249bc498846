"""Lab 1, the training loop: its exercises, each beside the mistakes that students make in it."""

from autograder.exercises.training_loop.lab import lab

lab.gather(
    __name__,
    "losses",
    "loss_gradients",
    "margins",
    "expectations",
    "penalties",
    "reductions",
    "old_lines",
    "gradients",
    "agreement",
    "kinks",
    "stepping",
    "batches",
    "epochs",
    "counting",
    "memory",
    "measuring",
    "metrics",
    "macro",
    "sanity",
    "neighbors",
    "checkpoints",
    "places",
    "questions",
)

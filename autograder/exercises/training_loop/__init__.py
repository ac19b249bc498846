"""Lab 1, the training loop: its exercises, each beside the mistakes that students make in it."""

from autograder.exercises.training_loop.lab import lab

lab.gather(
    __name__,
    "losses",
    "expectations",
    "stepping",
    "batches",
    "epochs",
    "measuring",
    "questions",
    "loss_gradients",
    "margins",
    "gradients",
    "agreement",
    "kinks",
    "imbalance",
    "penalties",
    "reductions",
    "old_lines",
    "counting",
    "memory",
    "metrics",
    "macro",
    "sanity",
    "neighbors",
    "checkpoints",
    "places",
)

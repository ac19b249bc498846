"""What becomes of the average of two networks that have no past in common."""

from autograder.exercises.transfer.lab import lab

OF_TWO = (
    "better than both networks",
    "not better than both, and right on 60 % or more",
    "far worse than both: right on less than 60 %",
)


def outcome_of_averaged_weights() -> str:
    """Measured on MNIST-1D: 0.90 and 0.91 give 0.47, with fresh statistics."""
    return OF_TWO[2]


lab.prediction(
    "average_of_two_networks",
    title="Predict: one network in the middle of two",
    statement=(
        "Averaging predictions costs five networks at test time. Two of the networks, each about 90 % right, "
        "have the same architecture and were trained from *different random weights*. A new network gets the "
        "mean of their **weights** (and fresh batch-normalization statistics). How good is it?"
    ),
    minutes=1,
    syllabus=("11.1", "11.3"),
    choices=OF_TWO,
    outcome=outcome_of_averaged_weights,
    explanation=(
        "Unit 7 of one network has nothing to do with unit 7 of the other: halfway between two good networks "
        "lies a bad one. Weights can be averaged along *one* training, where units keep their meaning."
    ),
)

"""What the architecture of a trunk is worth without its weights."""

from autograder.exercises.transfer.lab import lab

RANDOM_TRUNK = (
    "at most 65 %: about as good as the raw pixels, or worse",
    "more than 65 % and less than 78 %: in between",
    "78 % or more: nearly as good as the trained trunk, or better",
)


def outcome_of_a_random_trunk() -> str:
    """Measured on Animal-MNIST: pixels 0.58, trained trunk 0.85, random trunk 0.60."""
    return RANDOM_TRUNK[0]


lab.prediction(
    "trunk_with_random_weights",
    title="Predict: is it the weights or the architecture?",
    statement=(
        "20 silhouettes of each of ten animals. A linear head on the raw pixels gets about 58 % of new ones right, "
        "on the features of a trunk that was trained on photographs about 85 %. Now the **same trunk with random "
        "weights**, frozen as well. How good is a head on *its* features?"
    ),
    minutes=1,
    syllabus=("11.5",),
    choices=RANDOM_TRUNK,
    outcome=outcome_of_a_random_trunk,
    explanation=(
        "Eleven random blocks garble a picture. What transfers are the weights, not the architecture; whoever claims "
        "a gain by transfer shows this control."
    ),
)

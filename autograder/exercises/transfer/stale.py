"""Running statistics that do not keep up with what is trained."""

from autograder.exercises.transfer.lab import lab

STALE = (
    "it changes by at most 5 points, up or down: no weight changes",
    "it falls by more than 5 points: the old statistics came from millions of photographs",
    "it rises by more than 5 points",
)


def outcome_of_stale_statistics() -> str:
    """Measured: 0.72 with the running statistics, 0.86 with those of the training images."""
    return STALE[2]


lab.prediction(
    "whose_statistics",
    title="Predict: 40 steps with a momentum of 0.01",
    statement=(
        "The whole network is fine-tuned on the 200 silhouettes in training mode, 40 steps. The momentum of its "
        "batch normalizations is 0.01, as it came: its running statistics take in 1 % of each batch. Then it is "
        "tested, gets **fresh statistics** by your `recompute_statistics` on the same 200 images, and is tested "
        "again. What happens to the test accuracy?"
    ),
    minutes=1,
    syllabus=("11.5", "11.8"),
    choices=STALE,
    outcome=outcome_of_stale_statistics,
    explanation=(
        "After 40 steps 0.99⁴⁰ = 67 % of the running statistics are still those of photographs, seen by weights that "
        "no longer exist; training went by those of the batches. Test with what you trained with: keep them frozen "
        "throughout, or let them keep up, or recompute them."
    ),
)

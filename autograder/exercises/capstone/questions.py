"""The prediction that comes with a choice of one's own, and the reflection that grades the process."""

from autograder.exercises.capstone.lab import lab

FIRST = (
    "standardized inputs",
    "batch normalization",
    "AdamW on one cycle",
    "mirrored images",
)


def outcome_of_single_changes() -> str:
    """Measured in the notebook, three seeds each: +4, +6, +7 and about nothing."""
    return FIRST[2]


lab.prediction(
    "largest_single_change",
    title="Predict: one change alone",
    statement=(
        "The baseline, and *one* thing changed: its inputs are standardized; it gets batch normalization; "
        "AdamW on one cycle takes the place of SGD at a constant rate; or half of the images are mirrored at "
        "random. All for the same four epochs. Which change gains most?"
    ),
    minutes=1,
    syllabus=("14.3",),
    choices=FIRST,
    outcome=outcome_of_single_changes,
    explanation=(
        "The optimizer with its schedule, about 7 points, before batch normalization (6) and standardized inputs "
        "(4): four epochs are few, all three make more of them, and a constant rate of 0.1 ends on a noisy "
        "step. Mirrored clothes gain nothing: whoever has four epochs does not need more variety but more "
        "speed. With a hundred epochs the order would be another one; what a technique gains depends on what is "
        "short."
    ),
)

lab.written(
    "report_of_choices",
    points=6,
    title="Report: what you chose, and why",
    statement=(
        "A table with a line for **every change you tried**, those that did not help among them: what you "
        "changed; the gain in points that you *predicted*, written down before the run; the gain that you "
        "measured with its standard error, and with how many seeds; kept or dropped.\n\n"
        "Below it, in five to eight sentences: which prediction was furthest off, and what do you think now? "
        "On which images did you choose, and on which do you report? What would you try next with twice the "
        "budget, and what would convince you that it helped?"
    ),
    minutes=13,
    syllabus=("14.2", "14.3"),
    explanation=(
        "*Rubric.* 2 points for the table: at least three changes, each with a prediction and a measured gain "
        "with its error over at least three seeds, and at least one that was dropped or did nothing. 1 point "
        "for an honest look at the prediction that was furthest off. 1 point for choosing on images other than "
        "those reported (a part of the training images held back, or the public test images to choose and the "
        "check's own to report). 1 point for a next step with a reason out of the course. 1 point for a "
        "criterion that was fixed beforehand: so many seeds, so many standard errors.\n\n"
        "What is *not* asked for is a high score: those points are in the check."
    ),
)

"""The report that grades the process."""

from autograder.exercises.capstone.lab import lab

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

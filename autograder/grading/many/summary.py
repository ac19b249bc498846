"""A line on each submission: what a run keeps of a record once it is saved."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.grading.running.record import Record
from autograder.judging import Reason

_MARKS = {
    Reason.CORRECT: "✓",
    Reason.PARTLY_CORRECT: "◐",
    Reason.WRONG: "✗",
    Reason.NOT_ATTEMPTED: "·",
    Reason.AWAITING_REVIEW: "?",
    Reason.FORBIDDEN: "F",
    Reason.NOT_RUN: "-",
}
LEGEND = (
    "✓ correct  ◐ partly  ✗ wrong  · not attempted  ! raised, timed out or crashed  "
    "F forbidden  ? by hand  - not run"
)


@dataclass(frozen=True, slots=True)
class Summary:
    """One submission in short; ``marks`` has a character for each exercise, in the lab's order."""

    student: str
    status: str
    score: float
    max_score: float
    marks: str
    note: str
    confined: bool


def summarize(record: Record) -> Summary:
    """What the terminal shows of a record."""
    return Summary(
        record.student,
        record.status,
        record.score,
        record.max_score,
        "".join(_MARKS.get(verdict.reason, "!") for verdict in record.verdicts),
        record.notes[0] if record.notes else "",
        record.confined,
    )

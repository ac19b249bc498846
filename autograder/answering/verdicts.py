"""Verdicts on what cannot be judged: no points, and the reason."""

from __future__ import annotations

from dataclasses import replace

from autograder.answering.outcome import Outcome
from autograder.judging import Exercise, Finding, Reason, Verdict
from autograder.judging.verdict import told_type

_REASONS = {
    "timed_out": Reason.TIMED_OUT,
    "crashed": Reason.CRASHED,
    "out_of_memory": Reason.OUT_OF_MEMORY,
    "error": Reason.RAISED,
}


def unjudged(exercise: Exercise, reason: Reason, *notes: str) -> Verdict:
    """A verdict of 0 points for an exercise that was not judged."""
    return Verdict(exercise.id, str(exercise.kind), 0.0, exercise.points, reason, notes=list(notes))


def ended(exercise: Exercise, outcome: Outcome) -> Verdict:
    """The verdict on an answer whose cell or probe did not end well."""
    said = told_end(outcome)
    finding = Finding("the cell runs", False, "no exception", outcome.sentence, gist=said)
    verdict = unjudged(exercise, _REASONS[outcome.status])
    return replace(verdict, explanation=said, findings=[finding])


def told_end(outcome: Outcome) -> str:
    """How a cell ended, as people are told it.

    An exception's message may speak of hidden inputs that code has seen in an earlier probe: it
    stays in the record.
    """
    return (
        outcome.sentence if outcome.status != "error" else f"{told_type(outcome.error)} was raised"
    )

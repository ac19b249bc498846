"""Verdicts on what cannot be judged: no points, and the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autograder.answering.outcome import Outcome
from autograder.judging import Exercise, Finding, Reason, Verdict
from autograder.judging.verdict import CELL_RUNS, told_type

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
    finding = Finding(CELL_RUNS, False, "no exception", outcome.sentence, gist=said)
    verdict = unjudged(exercise, _REASONS[outcome.status])
    return replace(verdict, explanation=said, findings=[finding])


def undefined(name: str, instead: Sequence[str] = ()) -> str:
    """What is said of an answer that is not there; its cell may define something else instead."""
    if instead:
        names = ", ".join(f"`{other}`" for other in instead[:3])
        return f"{name} is not defined: its cell defines {names}; give it the name `{name}`"
    return f"{name} is not defined"


def told_end(outcome: Outcome) -> str:
    """How a cell ended, as people are told it.

    An exception's message may speak of hidden inputs that code has seen in an earlier probe: it
    stays in the record.
    """
    return (
        outcome.sentence if outcome.status != "error" else f"{told_type(outcome.error)} was raised"
    )

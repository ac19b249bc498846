"""Predictions are read from the kernel and not judged."""

from __future__ import annotations

from dataclasses import replace

from autograder.answering.verdicts import ended, unjudged
from autograder.grading.running.session import Session
from autograder.judging import Exercise, Reason, Verdict
from autograder.judging.predictions import predicted


def read_prediction(session: Session, exercise: Exercise) -> Verdict | None:
    """The verdict on a prediction, with its value; None where the kernel has none of that name."""
    outcome, reply = session.observe(exercise, [{}], 0)
    if outcome.status != "ok":
        return ended(exercise, outcome)
    if reply.get("defined") is not True:
        return None
    observations = reply.get("observations")
    value = None
    if isinstance(observations, list) and observations and isinstance(observations[0], dict):
        value = observations[0].get("result")
    value = predicted(exercise, value)
    if value is None:
        return unjudged(exercise, Reason.NOT_ATTEMPTED)
    return replace(unjudged(exercise, Reason.CORRECT), value=value)

"""Predictions are read from the kernel and not judged."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

from autograder.grading.running.session import Session
from autograder.grading.running.verdicts import ended, unjudged
from autograder.judging import Exercise, Reason, Verdict
from autograder.judging.judge import is_prediction_made


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
    if not _is_prediction(exercise, value):
        return unjudged(exercise, Reason.NOT_ATTEMPTED)
    return replace(unjudged(exercise, Reason.CORRECT), value=value)


def _is_prediction(exercise: Exercise, value: Any) -> bool:
    """Whether a value read from a kernel is a choice, or a number that a report can count."""
    if isinstance(value, str):
        return is_prediction_made(exercise, value)
    if not isinstance(value, (int, float)) or not is_prediction_made(exercise, value):
        return False
    return abs(value) <= sys.float_info.max

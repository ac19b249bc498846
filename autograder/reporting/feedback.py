"""A student's page for one submission: what was found, what it looks like, the way on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from autograder.judging import Kind, Lab, Verdict
from autograder.reporting.pages import render
from autograder.reporting.verdict import LOOKS, verdict_html


def feedback_page(record: dict[str, Any], lab: Lab) -> str:
    """The page of a record; it shows neither hidden inputs nor references."""
    exercises = []
    for data in record["exercises"]:
        verdict = Verdict.from_dict(data)
        exercise = lab.exercises[verdict.exercise.partition("/")[2]]
        wrong = exercise.automatic and not verdict.passed
        exercises.append(
            {
                "exercise": exercise,
                "verdict": verdict,
                "look": LOOKS[verdict.reason],
                "card": Markup(verdict_html(verdict, local=False)),
                "hint": exercise.hints[0] if wrong and exercise.hints else "",
                "prediction": exercise.kind is Kind.PREDICTION,
                "outcome": _outcome(exercise, verdict),
            }
        )
    return render("feedback.html", record=record, lab=lab, exercises=exercises)


def write_feedback(record: dict[str, Any], lab: Lab, path: Path) -> None:
    """Write a student's page."""
    path.write_text(feedback_page(record, lab), encoding="utf-8")


def _outcome(exercise: Any, verdict: Verdict) -> str:
    """What the experiment shows, for those who have committed to a prediction."""
    if exercise.kind is not Kind.PREDICTION or verdict.value is None or exercise.outcome is None:
        return ""
    outcome = exercise.outcome()
    return outcome if isinstance(outcome, str) else f"{outcome:.3g}"

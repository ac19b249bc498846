"""A student's page for one submission: what was found, what it looks like, the way on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from autograder.judging import Exercise, Kind, Lab, Verdict
from autograder.reporting.pages import condensed, render
from autograder.reporting.verdict import LOOKS, verdict_html


def feedback_page(record: dict[str, Any], lab: Lab) -> str:
    """The page of a record; it shows neither hidden inputs nor references."""
    by_name = {data["id"].partition("/")[2]: data for data in record["exercises"]}
    exercises: list[dict[str, Any]] = []
    # A record of another version of the lab may lack an exercise, or have others.
    for exercise in (e for name, e in lab.exercises.items() if name in by_name):
        verdict = Verdict.from_dict(by_name[exercise.name])
        wrong = exercise.automatic and not verdict.passed
        prediction = exercise.kind is Kind.PREDICTION
        exercises.append(
            {
                "number": len(exercises) + 1,
                "exercise": exercise,
                "verdict": verdict,
                "look": LOOKS[verdict.reason],
                "words": _committed(verdict) if prediction else LOOKS[verdict.reason].words,
                "card": Markup(verdict_html(verdict, local=False)),
                "hint": exercise.hints[0] if wrong and exercise.hints else "",
                "prediction": prediction,
                "outcome": _outcome(exercise, verdict),
            }
        )
    notes = condensed(record["notes"], lab.name)
    return render(
        "feedback.html",
        record=record,
        lab=lab,
        exercises=exercises,
        notes=notes,
        all_looks=list(LOOKS.values()),
    )


def write_feedback(record: dict[str, Any], lab: Lab, path: Path) -> None:
    """Write a student's page."""
    path.write_text(feedback_page(record, lab), encoding="utf-8")


def _committed(verdict: Verdict) -> str:
    return "predicted" if verdict.value is not None else "no prediction"


def _outcome(exercise: Exercise, verdict: Verdict) -> str:
    """What the experiment shows, for those who have committed to a prediction."""
    if exercise.kind is not Kind.PREDICTION or verdict.value is None or exercise.outcome is None:
        return ""
    outcome = exercise.outcome()
    return outcome if isinstance(outcome, str) else f"{outcome:.3g}"

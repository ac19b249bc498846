"""What `course report` does: records to a page."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from autograder.judging import Kind, Lab
from autograder.reporting.class_report import write_class_report


def report_on(root: Path, lab: Lab) -> Path:
    """Write the class report of a lab from its records, and say where it is.

    Raises: LookupError when nothing has been graded yet.
    """
    folder = root / "records" / lab.slug
    records = [_needed(json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]
    if not records:
        raise LookupError(
            f"nothing of {lab.slug} has been graded yet; run `course grade {lab.name}`"
        )
    outcomes = {
        exercise.id: exercise.outcome()
        for exercise in lab.exercises.values()
        if exercise.kind is Kind.PREDICTION and exercise.outcome is not None
    }
    path = root / "reports" / f"{lab.slug}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_class_report(records, lab, outcomes, path)
    return path


_OF_AN_EXERCISE = ("id", "reason", "diagnosis", "explanation", "value", "score", "points")


def _needed(record: dict[str, Any]) -> dict[str, Any]:
    """A record without most of its findings, which are most of it: thousands of them must fit in
    memory. What was measured stays.
    """
    exercises = []
    for verdict in record["exercises"]:
        kept = {key: _shared(verdict[key]) for key in _OF_AN_EXERCISE}
        measured = [f for f in verdict["findings"] if f.get("measured") is not None]
        exercises.append({**kept, "findings": measured[:1]})
    return {**record, "exercises": exercises}


def _shared(value: Any) -> Any:
    """A value; of equal texts, which most are, one only."""
    return sys.intern(value) if isinstance(value, str) else value

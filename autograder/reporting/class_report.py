"""The report on a class: which exercises went how, and which mistakes are how common."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from autograder.judging import Exercise, Kind, Lab, Reason
from autograder.reporting.pages import render
from autograder.reporting.verdict import LOOKS

ORDER = (
    Reason.CORRECT,
    Reason.PARTLY_CORRECT,
    Reason.WRONG,
    Reason.FORBIDDEN,
    Reason.RAISED,
    Reason.TIMED_OUT,
    Reason.CRASHED,
    Reason.OUT_OF_MEMORY,
    Reason.AWAITING_REVIEW,
    Reason.NOT_ATTEMPTED,
    Reason.NOT_RUN,
)
_NOTEWORTHY = {
    Reason.FORBIDDEN: "uses what it may not in",
    Reason.CRASHED: "ended its kernel in",
    Reason.TIMED_OUT: "did not end in time in",
    Reason.OUT_OF_MEMORY: "ran out of memory in",
}
_BINS = 12

Record = dict[str, Any]


@dataclass
class Row:
    """One exercise: how many verdicts of each reason, and its mistakes by frequency."""

    exercise: Exercise
    reasons: list[tuple[Any, int, float]]
    solved: int
    mistakes: list[dict[str, Any]] = field(default_factory=list)
    undiagnosed: list[str] = field(default_factory=list)


def class_report(records: Sequence[Record], lab: Lab, outcomes: Mapping[str, float | str]) -> str:
    """One HTML page that opens offline; everything that students chose is escaped."""
    graded = [record for record in records if record["status"] == "graded"]
    rows = [_row(e, records) for e in lab.exercises.values() if e.kind is not Kind.PREDICTION]
    scores = [record["score"] for record in graded]
    return render(
        "class_report.html",
        lab=lab,
        records=sorted(records, key=lambda r: (-r["score"], r["student"])),
        graded=len(graded),
        median=median(scores) if scores else None,
        max_score=max((r["max_score"] for r in records), default=0),
        histogram=histogram(scores, max((r["max_score"] for r in records), default=1)),
        rows=rows,
        looks=[LOOKS[reason] for reason in ORDER if _used(records, reason)],
        most_common=_most_common(rows),
        predictions=[
            _prediction(e, records, outcomes.get(e.id))
            for e in lab.exercises.values()
            if e.kind is Kind.PREDICTION
        ],
        look_of=lambda reason: LOOKS[Reason(reason)],
        title_of=lambda id: lab.exercises[id.partition("/")[2]].title,
        remarkable=_remarkable(records, lab),
        unconfined=any(not record["confined"] for record in graded),
    )


def write_class_report(
    records: Sequence[Record], lab: Lab, outcomes: Mapping[str, float | str], path: Path
) -> None:
    """Write the report on a class."""
    path.write_text(class_report(records, lab, outcomes), encoding="utf-8")


def histogram(values: Sequence[float], top: float, bins: int = _BINS) -> list[dict[str, Any]]:
    """Counts of values in equal bins from 0 to ``top``, with heights relative to the largest."""
    top = top or 1
    counts = [0] * bins
    for value in values:
        counts[min(int(bins * value / top), bins - 1)] += 1
    largest = max(counts) or 1
    return [
        {"low": top * i / bins, "high": top * (i + 1) / bins, "count": n, "height": n / largest}
        for i, n in enumerate(counts)
    ]


def _verdicts(records: Sequence[Record], exercise: Exercise) -> list[tuple[str, Any]]:
    return [
        (record["student"], verdict)
        for record in records
        for verdict in record["exercises"]
        if verdict["id"] == exercise.id
    ]


def _row(exercise: Exercise, records: Sequence[Record]) -> Row:
    verdicts = _verdicts(records, exercise)
    counts = Counter(Reason(verdict["reason"]) for _, verdict in verdicts)
    total = max(len(verdicts), 1)
    reasons = [(LOOKS[r], counts[r], 100 * counts[r] / total) for r in ORDER if counts[r]]
    by_name: dict[str, list[str]] = {}
    undiagnosed = []
    for student, verdict in verdicts:
        if verdict["diagnosis"]:
            by_name.setdefault(verdict["diagnosis"], []).append(student)
        elif verdict["reason"] in (Reason.WRONG, Reason.PARTLY_CORRECT):
            undiagnosed.append(student)
    known = {mistake.name: mistake for mistake in exercise.mistakes}
    mistakes = [
        {
            "name": name.replace("_", " "),
            "count": len(students),
            "width": 100 * len(students) / total,
            "diagnosis": known[name].diagnosis if name in known else "",
            "origin": known[name].origin if name in known else "",
            "students": students,
        }
        for name, students in sorted(by_name.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    return Row(exercise, reasons, counts[Reason.CORRECT], mistakes, undiagnosed)


def _most_common(rows: Sequence[Row]) -> list[dict[str, Any]]:
    found = [{**m, "exercise": row.exercise} for row in rows for m in row.mistakes]
    found.sort(key=lambda mistake: -mistake["count"])
    widest = max((mistake["count"] for mistake in found), default=1)
    return [{**mistake, "width": 100 * mistake["count"] / widest} for mistake in found[:8]]


def _used(records: Sequence[Record], reason: Reason) -> bool:
    return any(v["reason"] == reason for record in records for v in record["exercises"])


def _prediction(
    exercise: Exercise, records: Sequence[Record], outcome: float | str | None
) -> dict[str, Any]:
    values = [v["value"] for _, v in _verdicts(records, exercise) if v["value"] is not None]
    shown: dict[str, Any] = {"exercise": exercise, "outcome": outcome, "count": len(values)}
    if exercise.choices:
        counts = Counter(str(value) for value in values)
        top = max(counts.values(), default=1)
        shown["bars"] = [
            {
                "label": choice,
                "count": counts[choice],
                "width": 100 * counts[choice] / top,
                "right": choice == outcome,
            }
            for choice in exercise.choices
        ]
        return shown
    numbers = [float(v) for v in values if isinstance(v, (int, float)) and math.isfinite(v)]
    shown["bars"] = _number_bars(numbers, outcome)
    return shown


def _number_bars(numbers: Sequence[float], outcome: float | str | None) -> list[dict[str, Any]]:
    """Predicted numbers by their ratio to the outcome: what matters is the order of magnitude."""
    if not isinstance(outcome, (int, float)) or outcome <= 0:
        return []
    edges = (
        ("less than a tenth of it", 0.0, 0.1),
        ("a tenth to a half", 0.1, 0.5),
        ("within a factor of two", 0.5, 2.0),
        ("two to ten times", 2.0, 10.0),
        ("more than ten times", 10.0, math.inf),
    )
    counts = [sum(low <= n / outcome < high for n in numbers) for _, low, high in edges]
    top = max(counts, default=0) or 1
    return [
        {"label": label, "count": n, "width": 100 * n / top, "right": label.startswith("within")}
        for (label, _, _), n in zip(edges, counts, strict=True)
    ]


def _remarkable(records: Sequence[Record], lab: Lab) -> list[dict[str, Any]]:
    """Every submission that a person should look at, with the reasons in sentences."""
    found = []
    for record in records:
        reasons = list(record["notes"])
        for verdict in record["exercises"]:
            title = lab.exercises[verdict["id"].partition("/")[2]].title
            if words := _NOTEWORTHY.get(Reason(verdict["reason"])):
                detail = f": {verdict['explanation']}" if verdict["explanation"] else ""
                reasons.append(f"{words} “{title}”{detail}")
        if 2 * len(record["flags"]) > sum(e.automatic for e in lab.exercises.values()):
            # Short answers coincide honestly; many equal ones mean something.
            reasons.append(f"{len(record['flags'])} answers are the reference's, word for word")
        if reasons:
            found.append({"student": record["student"], "reasons": reasons})
    return found

"""The report on a class: which exercises went how, and which mistakes are how common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from autograder.judging import Exercise, Kind, Lab, Reason
from autograder.reporting.charts import Axis, axis_of, finite_numbers, histogram
from autograder.reporting.pages import condensed, render, visible
from autograder.reporting.verdict import LOOKS, Look

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
_MOST_COMMON = 8

Record = dict[str, Any]


@dataclass
class Row:
    """One exercise: how many verdicts of each reason, and its mistakes by frequency."""

    number: int
    exercise: Exercise
    reasons: list[tuple[Look, int, float]]
    solved: int
    mistakes: list[dict[str, Any]] = field(default_factory=list)
    undiagnosed: list[str] = field(default_factory=list)


def class_report(records: Sequence[Record], lab: Lab, outcomes: Mapping[str, float | str]) -> str:
    """One HTML page that opens offline; everything that students chose is escaped."""
    graded = [record for record in records if record["status"] == "graded"]
    asked = [e for e in lab.exercises.values() if e.kind is not Kind.PREDICTION]
    rows = [_row(number, e, records) for number, e in enumerate(asked, 1)]
    scores = [float(record["score"]) for record in graded]
    max_score = max((record["max_score"] for record in records), default=0) or 1
    used = {verdict["reason"] for record in records for verdict in record["exercises"]}
    predicted = [e for e in lab.exercises.values() if e.kind is Kind.PREDICTION]
    axis = Axis(0, max_score)
    remarkable, equal = _remarkable(records, lab)
    return render(
        "class_report.html",
        lab=lab,
        records=records,
        graded=len(graded),
        median=median(scores) if scores else None,
        median_place=axis.place(median(scores)) if scores else None,
        max_score=max_score,
        scores=histogram(scores, axis),
        ticks=axis.ticks(),
        rows=rows,
        looks=[LOOKS[reason] for reason in ORDER if reason in used],
        all_looks=list(LOOKS.values()),
        most_common=_most_common(rows),
        # A mistake made twice should not look like an epidemic in a large class.
        scale=max([len(records) / 8, 1, *(m["count"] for row in rows for m in row.mistakes)]),
        predictions=[_prediction(e, records, outcomes.get(e.id)) for e in predicted],
        everybody=_everybody(records, [*asked, *predicted]),
        entries=[(e, line) for e in asked if (line := _entries(e, records))],
        columns=[(str(row.number), row.exercise) for row in rows]
        + [(f"P{i}", e) for i, e in enumerate(predicted, 1)],
        remarkable=remarkable,
        equal=equal,
        unconfined=any(not record["confined"] for record in graded),
        other_version=sum(record["version"] != lab.version for record in records),
    )


def write_class_report(
    records: Sequence[Record], lab: Lab, outcomes: Mapping[str, float | str], path: Path
) -> None:
    """Write the report on a class."""
    path.write_text(class_report(records, lab, outcomes), encoding="utf-8")


def _verdicts(records: Sequence[Record], exercise: Exercise) -> list[tuple[str, Any]]:
    return [
        (record["student"], verdict)
        for record in records
        for verdict in record["exercises"]
        if verdict["id"] == exercise.id
    ]


def _row(number: int, exercise: Exercise, records: Sequence[Record]) -> Row:
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
            "diagnosis": known[name].diagnosis if name in known else "",
            "origin": known[name].origin if name in known else "",
            "students": students,
        }
        for name, students in sorted(by_name.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    return Row(number, exercise, reasons, counts[Reason.CORRECT], mistakes, undiagnosed)


def _most_common(rows: Sequence[Row]) -> list[dict[str, Any]]:
    found = [{**m, "exercise": row.exercise} for row in rows for m in row.mistakes]
    found.sort(key=lambda mistake: -mistake["count"])
    return found[:_MOST_COMMON]


def _everybody(records: Sequence[Record], exercises: Sequence[Exercise]) -> list[dict[str, Any]]:
    """The students by score, each with a look and a diagnosis for every exercise."""
    lines = []
    for record in sorted(records, key=lambda r: (-r["score"], r["student"])):
        by_id = {verdict["id"]: verdict for verdict in record["exercises"]}
        cells = []
        for exercise in exercises:
            # A record of another version of the lab may lack an exercise, or have others.
            verdict = by_id.get(exercise.id)
            look = LOOKS[Reason(verdict["reason"])] if verdict else None
            diagnosis = (verdict["diagnosis"] or "").replace("_", " ") if verdict else ""
            cells.append((look, exercise.title, diagnosis))
        share = 100 * record["score"] / record["max_score"] if record["max_score"] else 0
        lines.append({"record": record, "share": share, "cells": cells})
    return lines


def _entries(exercise: Exercise, records: Sequence[Record]) -> list[tuple[str, float, Any]]:
    """Who measured what in an exercise that is compared across the class, the best first."""
    found = []
    for student, verdict in _verdicts(records, exercise):
        measured = [f["measured"] for f in verdict["findings"] if f.get("measured") is not None]
        if measured:
            found.append((student, float(measured[0]), verdict))
    return sorted(found, key=lambda entry: (-entry[1], entry[0]))


def _prediction(
    exercise: Exercise, records: Sequence[Record], outcome: float | str | None
) -> dict[str, Any]:
    values = [v["value"] for _, v in _verdicts(records, exercise) if v["value"] is not None]
    shown: dict[str, Any] = {
        "exercise": exercise,
        "outcome": outcome,
        "count": len(values),
        "choices": [],
        "bins": [],
        "beyond": 0,
    }
    if exercise.choices:
        counts = Counter(str(value) for value in values)
        shown["most"] = max((counts[choice] for choice in exercise.choices), default=1) or 1
        shown["choices"] = [
            {"label": choice, "count": counts[choice], "right": choice == outcome}
            for choice in exercise.choices
        ]
        return shown
    numbers = finite_numbers(values)
    target = float(outcome) if isinstance(outcome, (int, float)) else None
    if not numbers:
        return shown
    axis = axis_of(numbers, target)
    shown["bins"] = histogram(numbers, axis, bins=18)
    shown["ticks"] = axis.ticks()
    shown["beyond"] = sum(not axis.low <= n <= axis.high for n in numbers)
    shown["place"] = axis.place(target) if target is not None else None
    if target is not None and target > 0:
        shown["close"] = sum(0.5 <= n / target < 2 for n in numbers)
    return shown


def _remarkable(
    records: Sequence[Record], lab: Lab
) -> tuple[list[dict[str, Any]], list[tuple[str, int]]]:
    """Every submission that a person should look at, with the reasons in sentences.

    And, apart from them, who has how many answers that equal the reference.
    """
    found, equal = [], []
    automatic = sum(e.automatic for e in lab.exercises.values())
    for record in records:
        reasons = condensed(record["notes"], lab.name)
        if record["status"] != "graded" and not reasons:
            reasons.append("the submission was not run")
        ended: dict[str, list[str]] = {}
        for verdict in record["exercises"]:
            exercise = lab.exercises.get(verdict["id"].partition("/")[2])
            title = exercise.title if exercise else verdict["id"]
            if words := _NOTEWORTHY.get(Reason(verdict["reason"])):
                detail = visible(verdict["explanation"], 300)
                ended.setdefault(f"{words} {{}}{': ' * bool(detail)}{detail}", []).append(title)
        for sentence, titles in ended.items():
            where = f"“{titles[0]}”" if len(titles) == 1 else f"{len(titles)} exercises"
            reasons.append(sentence.replace("{}", where, 1))
        flags = len(record["flags"])
        if 2 * flags > automatic:
            # Short answers coincide honestly; many equal ones mean something.
            reasons.append(f"{flags} answers are the reference's, word for word")
        elif flags:
            equal.append((record["student"], flags))
        if reasons:
            found.append({"student": record["student"], "reasons": reasons})
    return found, equal

"""Predictions: committed to before an experiment, and told beside what came out."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from autograder.exercises import find_exercise, find_lab
from autograder.judging import Exercise, Kind
from autograder.judging.predictions import predicted, told, wanted
from autograder.notebook.cards import Note, Page
from autograder.notebook.current import opened_lab
from autograder.notebook.opened import OpenLab
from autograder.reporting.pages import render

_asked: ContextVar[list[Exercise] | None] = ContextVar("asked", default=None)


class NotCommitted(Exception):
    """A prediction is asked for before its experiment runs."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this in the place of a traceback, which would say nothing to a student.
        return [f"○ {self}"]


def commit(exercise: str) -> Note:
    """Commit to the prediction that stands in its cell, under the name of the exercise.

    The first one stands, also after the kernel is restarted. What is no prediction yet is told and
    raises nothing, so that the notebook runs on.

    Raises: UnknownName for an exercise that does not exist, ValueError for one that is no
        prediction.
    """
    found = find_exercise(exercise)
    if found.kind is not Kind.PREDICTION:
        raise ValueError(f"{found.id} is no prediction; use check() for it")
    opened = opened_lab(find_lab(found.lab))
    prediction = opened.namespace.get(found.name)
    value = predicted(found, prediction)
    if value is None:
        said = f"Set `{found.name}` above to {wanted(found)}"
        if prediction is not None:
            said = f"`{found.name} = {prediction!r}` is no prediction: set it to {wanted(found)}"
        return Note(f"{said}, then run both cells. Until then its experiment waits.", "○")
    with opened.progressing() as progress:
        first = progress.predictions.setdefault(found.id, value)
    changed = "" if first == value else f" (now you say {told(found, value)}; the first one stands)"
    return Note(f"Committed: **{told(found, first)}**{changed}. Now run the experiment.", "✓")


def committed(exercise: str) -> str | float:
    """The prediction committed to; the first line of an experiment's cell.

    Raises: NotCommitted when there is none yet.
    """
    found = find_exercise(exercise)
    progress = opened_lab(find_lab(found.lab)).progress
    if found.id not in progress.predictions:
        raise NotCommitted(waits(found).text)
    if (asked := _asked.get()) is not None:
        asked.append(found)
    return progress.predictions[found.id]


def waits(exercise: Exercise) -> Note:
    """What an experiment says that waits for a prediction."""
    said = (
        f"This experiment waits for your prediction: set `{exercise.name}` above to "
        f"{wanted(exercise)}, run that cell and the one below it, then this one."
    )
    return Note(said, "○")


def first_open(opened: OpenLab, source: str) -> Exercise | None:
    """The first prediction that an experiment asks for and that is not made yet."""
    made = opened.progress.predictions
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
            continue
        asked = node.args[0]
        if node.func.id == committed.__name__ and isinstance(asked, ast.Constant):
            found = find_exercise(str(asked.value))
            if found.id not in made:
                return found
    return None


@contextlib.contextmanager
def asked_for() -> Iterator[list[Exercise]]:
    """The predictions that an experiment asks for while it runs."""
    asked: list[Exercise] = []
    token = _asked.set(asked)
    try:
        yield asked
    finally:
        _asked.reset(token)


def came_out(opened: OpenLab, predictions: list[Exercise]) -> Page:
    """What was predicted beside what came out."""
    with opened.progressing() as progress:
        said = progress.predictions
        progress.outcomes |= {e.id: e.outcome() for e in predictions if e.outcome}
    rows = [
        {
            "title": exercise.title,
            "predicted": told(exercise, said[exercise.id]),
            "outcome": told(exercise, exercise.outcome()) if exercise.outcome else "",
            "explanation": exercise.explanation.strip(),
        }
        for exercise in dict.fromkeys(predictions)
        if exercise.id in said
    ]
    text = "\n".join(
        f"You predicted {row['predicted']}; it came out {row['outcome']}. {row['explanation']}"
        for row in rows
    )
    return Page(render("came_out.html", rows=rows), text)

"""Every card that students may see of a lab, on one page: to be looked at, and to be tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from autograder.judging import Exercise, Lab, Verdict, hidden, judge, observe
from autograder.judging.judge import Observation
from autograder.probes.run import refused
from autograder.reporting.pages import render
from autograder.reporting.pictures import Picture, picture
from autograder.reporting.verdict import verdict_html


@dataclass(frozen=True)
class Exhibit:
    """The verdict on an answer, with its picture if one was drawn."""

    name: str
    exercise: Exercise
    verdict: Verdict
    picture: Picture | None = None

    @property
    def cards(self) -> list[Markup]:
        """The card in the student's notebook, and the one on the page that grading makes."""
        local = verdict_html(self.verdict, local=True, picture=self.picture)
        return [Markup(local), Markup(verdict_html(self.verdict, local=False))]


def exhibits(exercise: Exercise, seed: int) -> Iterator[Exhibit]:
    """The reference, every mistake, and what goes wrong in the same ways in every exercise.

    Of the first mistake that has a picture it is drawn; of all of them it would take minutes.
    """
    assert exercise.reference is not None
    on = hidden(exercise, seed)
    given = {"the reference": observe(exercise, exercise.reference, on.drawn, seed)}
    given |= {m.name: observe(exercise, m.answer, on.drawn, seed) for m in exercise.mistakes}
    given |= {name: spoil(exercise, on.expected) for name, spoil in SPOILED.items()}
    without = {m.name for m in exercise.mistakes}
    for name, observed in given.items():
        verdict = judge(exercise, on, observed)
        drawn = picture(exercise, on, observed, verdict) if name in without else None
        if drawn:
            without.clear()
        yield Exhibit(name, exercise, verdict, drawn)
    untouched = judge(exercise, on, given["the reference"], untouched=True)
    yield Exhibit("the starter", exercise, untouched)


def gallery_page(lab: Lab, shown: list[Exhibit]) -> str:
    """The page with all cards, local ones on the left."""
    return render("gallery.html", lab=lab, exhibits=shown)


Spoil = Callable[[Exercise, list[Observation]], list[Observation]]


def _raising(kind: str, message: str, *, last: bool = False) -> Spoil:
    """Every case, or the last one, ends in an exception; of scripts, half of the steps are left."""

    def spoil(exercise: Exercise, observed: list[Observation]) -> list[Observation]:
        within = exercise.blank[-1] if exercise.blank else exercise.name
        raised = {"type": kind, "message": message, "line": 7, "within": within}
        first = len(observed) - 1 if last else 0
        return observed[:first] + [_broken_off(o, raised) for o in observed[first:]]

    return spoil


def _broken_off(observation: Observation, raised: dict[str, Any]) -> Observation:
    left: Observation = {"result": None, "changed": [], "raised": raised}
    if "steps" in observation:
        left["steps"] = observation["steps"][: len(observation["steps"]) // 2]
        left["result"] = _numbers(observation.get("result"), lambda a: a[: len(a) // 2])
    return left


def _with_numbers(change: Callable[[np.ndarray], Any]) -> Spoil:
    """Every array and number that the reference gave, changed in one way."""

    def spoil(exercise: Exercise, observed: list[Observation]) -> list[Observation]:
        substance = exercise.probe.observer.substance
        return [{**o, substance: _numbers(o.get(substance), change)} for o in observed]

    return spoil


def _numbers(value: Any, change: Callable[[np.ndarray], Any]) -> Any:
    if isinstance(value, dict):
        return {name: _numbers(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item, change) for item in value]
    if isinstance(value, np.ndarray):
        return change(value) if value.ndim else value
    if isinstance(value, float):
        return change(np.asarray(value))
    return value


def _with_results(result: Any) -> Spoil:
    """Something else in the place of what the reference gave."""

    def spoil(exercise: Exercise, observed: list[Observation]) -> list[Observation]:
        if exercise.probe.observer.by_steps:
            return [{**o, "steps": [_called(step, result) for step in o["steps"]],
                     "result": result} for o in observed]  # fmt: skip
        return [{**o, "result": result} for o in observed]

    return spoil


def _called(step: Any, result: Any) -> Any:
    return {**step, "result": result} if isinstance(step, dict) and "result" in step else step


SPOILED: dict[str, Spoil] = {
    "raises": _raising("TypeError", "unsupported operand type(s) for *: 'int' and 'NoneType'"),
    "raises in the last case": _raising("RuntimeError", "expected scalar type Float", last=True),
    "is half written": _raising("NotImplementedError", ""),
    "has a branch to be written": _raising("NotImplementedError", "", last=True),
    "gives back None": _with_results(None),
    "gives back text": _with_results("a text"),
    "gives back a generator": _with_results({"not data": "generator"}),
    "gives back a dict": _with_results({"loss": 1.5}),
    "gives back nothing in a list": _with_results([]),
    "gives back one number": _with_results(2.5),
    "has an axis too many": _with_numbers(lambda a: a[None]),
    "is transposed": _with_numbers(lambda a: a.T),
    "is the sum of what it should be": _with_numbers(lambda a: float(a.sum())),
    "is nan": _with_numbers(lambda a: np.full(a.shape, np.nan)),
    "is zero": _with_numbers(np.zeros_like),
    "is twice what it should be": _with_numbers(lambda a: a * 2 if a.dtype.kind == "f" else a),
    "is rounded": _with_numbers(lambda a: np.round(a)),
    "is computed in float16": _with_numbers(
        lambda a: a.clip(-6e4, 6e4).astype(np.float16) if a.dtype.kind == "f" else a
    ),
    "cannot be looked at": lambda _, observed: refused(observed, "the message has 90 MB"),
}
"""What goes wrong in the same ways in every exercise, made of what the reference gives."""

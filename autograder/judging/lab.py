"""A lab, and the ways to put something to students: typed, one for each kind of exercise."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, Required, TypedDict, Unpack

from autograder.judging.checks import Check
from autograder.judging.exercise import Draw, Exercise, Kind, Part
from autograder.judging.source.edits import Answer
from autograder.probes import Probe


class Stating(TypedDict, total=False):
    """The fields of ``exercise.Stated``."""

    title: Required[str]
    statement: Required[str]
    minutes: int
    difficulty: int
    core: bool
    hints: Sequence[str]
    syllabus: tuple[str, ...]
    explanation: str


class Judging(TypedDict, total=False):
    """The fields of ``exercise.Judged``."""

    inputs: Required[Draw | tuple[Draw, ...]]
    dtypes: tuple[str, ...]
    probe: Required[Probe]
    signature: Callable[[dict[str, Any]], Any]
    seeds: bool
    equivalent_mutants: dict[str, str]


class Laying(TypedDict, total=False):
    """The fields of ``exercise.Laid``."""

    blank: tuple[str, ...]
    hide: tuple[str, ...]
    forbidden: tuple[str, ...]
    needs: tuple[str, ...]


class Asking(Stating, Judging, Laying, total=False):
    """What an exercise that is judged by checks is made of.

    Points belong to ``parts``; ``checks`` with ``points`` is short for a single part. ``name`` is
    that of the answer, where it is not the reference's.
    """

    name: str
    points: float
    checks: Sequence[Check]
    parts: Sequence[Part]


class Lab:
    """One lab: its name, number and title, and its exercises in the order they are defined."""

    def __init__(self, name: str, *, number: int, title: str, version: int = 1) -> None:
        self.name = name
        self.number = number
        self.title = title
        self.version = version
        self.exercises: dict[str, Exercise] = {}

    @property
    def slug(self) -> str:
        """The lab's name where order matters: ``04_initialization``."""
        return f"{self.number:02d}_{self.name}"

    def gather(self, package: str, *modules: str) -> None:
        """Import the modules of a package, whose exercises join in this order."""
        for module in modules:
            importlib.import_module(f"{package}.{module}")

    def exercise(self, reference: Answer, **fields: Unpack[Asking]) -> Exercise:
        """Put a technique to students as an implementation."""
        return self._ask(Kind.IMPLEMENTATION, reference, fields)

    def value(self, reference: Answer, **fields: Unpack[Asking]) -> Exercise:
        """Ask for a formula, handed in as a callable that is evaluated at hidden points."""
        return self._ask(Kind.VALUE, reference, fields)

    def repair(self, reference: Answer, *, planted: str, **fields: Unpack[Asking]) -> Exercise:
        """Give students the code of a mistake and ask them to mend it."""
        return self._ask(Kind.REPAIR, reference, fields, planted)

    def prediction(
        self,
        name: str,
        *,
        choices: Sequence[str] = (),
        outcome: Callable[[], float | str] | None = None,
        **stated: Unpack[Stating],
    ) -> Exercise:
        """Ask for a commitment before an experiment runs: a number, or one of ``choices``."""
        of = {"choices": tuple(choices), "outcome": outcome, **stated}
        return self._add(name, kind=Kind.PREDICTION, **of)

    def written(self, name: str, *, points: float, **stated: Unpack[Stating]) -> Exercise:
        """Ask for a text that a person reads and grades."""
        return self._add(name, kind=Kind.WRITTEN, points=points, **stated)

    def _ask(
        self, kind: Kind, reference: Answer, asked: Asking, planted: str | None = None
    ) -> Exercise:
        fields: dict[str, Any] = {**asked}
        name = fields.pop("name", reference.__name__)
        points, checks = fields.pop("points", 0), tuple(fields.pop("checks", ()))
        parts = tuple(fields.pop("parts", ()))
        if checks:
            parts = (Part("all of it", points, checks),)
        total = sum(part.points for part in parts)
        fields |= {"reference": reference, "parts": parts, "points": total, "planted": planted}
        return self._add(name, kind=kind, **fields)

    def _add(self, name: str, **fields: Any) -> Exercise:
        if name in self.exercises:
            raise ValueError(f"lab {self.name} has two exercises called {name!r}; rename one")
        if isinstance(fields.get("inputs"), tuple) and "dtypes" in fields:
            raise ValueError(
                f"{self.name}/{name} gives both a tuple of inputs and dtypes: each function of the "
                "tuple is a case of its own, the last in float32; leave out one of the two"
            )
        fields["hints"] = tuple(fields.get("hints", ()))
        exercise = Exercise(id=f"{self.name}/{name}", **fields)
        self.exercises[name] = exercise
        return exercise

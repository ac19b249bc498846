"""The course's words as types: a lab, its exercises, their parts, mistakes and alternatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from autograder.judging.checks import Check
from autograder.probes import Probe

Inputs = dict[str, Any]
READ = Probe("read")
Answer = Callable[..., Any]
Draw = Callable[[np.random.Generator], Inputs]


class Kind(StrEnum):
    """What an exercise asks for."""

    IMPLEMENTATION = "implementation"
    REPAIR = "repair"
    VALUE = "value"
    PREDICTION = "prediction"
    WRITTEN = "written"


@dataclass(frozen=True)
class Mistake:
    """A named wrong answer and what to tell the student who made it.

    ``origin`` says where it is from: the notes, a study of real answers with its count, or the
    field's folklore.
    """

    name: str
    answer: Answer
    diagnosis: str
    origin: str = ""


@dataclass(frozen=True)
class Alternative:
    """A right answer written another way, which must pass."""

    name: str
    answer: Answer


@dataclass(frozen=True)
class Part:
    """Points that are earned together: all checks pass, or none of the points."""

    name: str
    points: float
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Exercise:
    """Something put to students, with all that is needed to state and to judge it.

    ``inputs`` is one function for all cases, or one for each case where they differ in kind.
    ``dtypes`` has one entry a case: float arrays of that case's inputs are cast to it.
    ``signature`` reduces an observation of a random answer to what of it is not chance; two answers
    behave alike when their signatures agree (by default, when all numbers do).
    ``blank`` names the methods of a class that students write; the others are given.
    ``hide`` names docstring sections that would give the answer away.
    ``forbidden`` holds dotted names that the answer may not use, and methods as ``.backward``;
    ``needs`` the ids of earlier exercises whose answers this one calls. ``equivalent_mutants`` maps
    a mutation, as the audit prints it, to the reason why it changes nothing.
    """

    id: str
    kind: Kind
    title: str
    statement: str
    points: float = 0
    reference: Answer | None = None
    inputs: Draw | tuple[Draw, ...] = lambda rng: {}
    probe: Probe = READ
    parts: tuple[Part, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    planted: str | None = None
    dtypes: tuple[str, ...] = ("float64", "float64", "float32")
    signature: Callable[[dict[str, Any]], Any] | None = None
    blank: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    equivalent_mutants: dict[str, str] = field(default_factory=dict)
    minutes: int = 5
    difficulty: int = 1
    core: bool = True
    hints: tuple[str, ...] = ()
    syllabus: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    outcome: Callable[[], float | str] | None = None
    explanation: str = ""

    @property
    def lab(self) -> str:
        """The name of the lab this exercise is in."""
        return self.id.partition("/")[0]

    @property
    def name(self) -> str:
        """The name that the answer has in the student's notebook."""
        return self.id.partition("/")[2]

    @property
    def grade_id(self) -> str:
        """The id of the graded cell; nbgrader allows no slash in it."""
        return self.id.replace("/", "-")

    @property
    def draws(self) -> tuple[tuple[Draw, str], ...]:
        """For every case, what draws its inputs and the dtype of their float arrays."""
        if callable(self.inputs):
            return tuple((self.inputs, dtype) for dtype in self.dtypes)
        last = len(self.inputs) - 1
        return tuple(
            (draw, "float32" if i == last else "float64") for i, draw in enumerate(self.inputs)
        )

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks of all parts."""
        return tuple(check for part in self.parts for check in part.checks)

    @property
    def automatic(self) -> bool:
        """Whether the points are given by checks rather than by hand."""
        return self.kind in (Kind.IMPLEMENTATION, Kind.REPAIR, Kind.VALUE)

    @property
    def planted_mistake(self) -> Mistake:
        """The mistake that a repair exercise starts from."""
        return next(mistake for mistake in self.mistakes if mistake.name == self.planted)


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

    def exercise(
        self,
        reference: Answer,
        *,
        checks: Sequence[Check] = (),
        parts: Sequence[Part] = (),
        points: float = 0,
        kind: Kind = Kind.IMPLEMENTATION,
        **fields: Any,
    ) -> Exercise:
        """Put a technique to students as an implementation.

        Points belong to ``parts``; ``checks`` with ``points`` is short for a single part.
        """
        name = fields.pop("name", reference.__name__)
        if checks:
            parts = (Part("all of it", points, tuple(checks)),)
        total = sum(part.points for part in parts)
        return self._add(name, kind=kind, reference=reference, parts=parts, points=total, **fields)

    def value(self, reference: Answer, **fields: Any) -> Exercise:
        """Ask for a formula, handed in as a callable that is evaluated at hidden points."""
        return self.exercise(reference, kind=Kind.VALUE, **fields)

    def repair(self, reference: Answer, *, planted: str, **fields: Any) -> Exercise:
        """Give students the code of a mistake and ask them to mend it."""
        return self.exercise(reference, kind=Kind.REPAIR, planted=planted, **fields)

    def prediction(self, name: str, **fields: Any) -> Exercise:
        """Ask for a commitment before an experiment runs: a number, or one of ``choices``."""
        return self._add(name, kind=Kind.PREDICTION, **fields)

    def written(self, name: str, *, points: float, **fields: Any) -> Exercise:
        """Ask for a text that a person reads and grades."""
        return self._add(name, kind=Kind.WRITTEN, points=points, **fields)

    def _add(self, name: str, **fields: Any) -> Exercise:
        if name in self.exercises:
            raise ValueError(f"lab {self.name} has two exercises called {name!r}; rename one")
        if isinstance(fields.get("inputs"), tuple) and "dtypes" in fields:
            raise ValueError(
                f"{self.name}/{name} gives both a tuple of inputs and dtypes: each function of the "
                "tuple is a case of its own, the last in float32; leave out one of the two"
            )
        for key in ("parts", "mistakes", "alternatives", "hints"):
            fields[key] = tuple(fields.get(key, ()))
        exercise = Exercise(id=f"{self.name}/{name}", **fields)
        self.exercises[name] = exercise
        return exercise

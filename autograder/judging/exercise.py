"""The course's words as types: an exercise, its parts, its mistakes and alternatives."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar, overload

import numpy as np

from autograder.judging.checks import Check
from autograder.judging.source.edits import UNFRAMED, Answer, Edit, Frame
from autograder.probes import Probe, read

Inputs = dict[str, Any]

Draw = Callable[[np.random.Generator], Inputs]
Given = TypeVar("Given", bound=Answer)


STILL = "It still behaves as it was given to you: the bug is not found yet."


class Kind(StrEnum):
    """What an exercise asks for."""

    IMPLEMENTATION = "implementation"
    REPAIR = "repair"
    VALUE = "value"
    PREDICTION = "prediction"
    WRITTEN = "written"


@dataclass(frozen=True)
class Alternative:
    """A right answer written another way, which must pass.

    ``given`` is what its author wrote, which stands in a ``frame``: see ``Frame.written_out``.
    """

    name: str
    given: Answer | Edit
    frame: Frame = UNFRAMED

    @cached_property
    def answer(self) -> Answer:
        """What can be called, written out when it is first asked for."""
        return self.frame.written_out(self.given, self.name)


@dataclass(frozen=True)
class Mistake:
    """A named wrong answer and what to tell the student who made it.

    ``given`` is what its author wrote, which stands in a ``frame``: see ``Frame.written_out``.
    ``origin`` says where it is from: the notes, a study of real answers with its count, or the
    field's folklore. ``raises`` is the type of the exception that it raises in every case.
    """

    name: str
    given: Answer | Edit
    diagnosis: str
    origin: str = ""
    raises: str = ""
    frame: Frame = UNFRAMED

    @cached_property
    def answer(self) -> Answer:
        """What can be called, written out when it is first asked for."""
        return self.frame.written_out(self.given, self.name)


@dataclass(frozen=True)
class Part:
    """Points that are earned together: all checks pass, or none of the points."""

    name: str
    points: float
    checks: tuple[Check, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Stated:
    """What is put to students: what to do, what for, and how much of it.

    ``explanation`` is what an instructor reads beside a written answer or a prediction.
    """

    title: str
    statement: str
    minutes: int = 5
    difficulty: int = 1
    core: bool = True
    hints: tuple[str, ...] = ()
    syllabus: tuple[str, ...] = ()
    explanation: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """How an answer is judged.

    ``inputs`` is one function for all cases, or one for each case where they differ in kind.
    ``dtypes`` has one entry a case: float arrays of that case's inputs are cast to it.
    ``signature`` reduces an observation of a random answer to what of it is not chance; two answers
    behave alike when their signatures agree (by default, when all numbers do). It finds the case's
    ``inputs`` beside what was observed.
    ``seeds`` says that answers may seed the global random generators, as a gradient check of noisy
    functions does; elsewhere that costs the points.
    ``equivalent_mutants`` maps a mutation, as the audit prints it, to the reason why it changes
    nothing.
    """

    inputs: Draw | tuple[Draw, ...] = lambda rng: {}
    dtypes: tuple[str, ...] = ("float64", "float64", "float32")
    probe: Probe = field(default_factory=read)
    signature: Callable[[dict[str, Any]], Any] | None = None
    seeds: bool = False
    equivalent_mutants: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Laid:
    """How an exercise is laid into a notebook.

    ``blank`` names the methods of a class that students write; the others are given.
    ``hide`` names docstring sections that would give the answer away.
    ``forbidden`` holds dotted names that the answer may not use, and methods as ``.backward``;
    ``needs`` the ids of earlier exercises whose answers this one calls.
    """

    blank: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Exercise(Stated, Judged, Laid):
    """Something put to students, with all that is needed to state, to judge and to lay it out.

    Its mistakes and alternatives are given to it after it is made, in the order in which a student
    is told of them: the first mistake that behaves like an answer is its diagnosis.
    """

    id: str
    kind: Kind
    points: float = 0
    reference: Answer | None = None
    parts: tuple[Part, ...] = ()
    planted: str | None = None
    choices: tuple[str, ...] = ()
    outcome: Callable[[], float | str] | None = None
    mistakes: list[Mistake] = field(default_factory=list)
    alternatives: list[Alternative] = field(default_factory=list)

    @overload
    def mistake(
        self, diagnosis: str, /, *, origin: str = "", raises: str = ""
    ) -> Callable[[Given], Given]: ...

    @overload
    def mistake(
        self, name: str, given: Edit, diagnosis: str, /, *, origin: str = "", raises: str = ""
    ) -> None: ...

    def mistake(
        self,
        diagnosis_or_name: str,
        given: Edit | None = None,
        diagnosis: str = "",
        /,
        *,
        origin: str = "",
        raises: str = "",
    ) -> Callable[[Given], Given] | None:
        """Take in a wrong answer, with what to tell the student who made it.

        A function or class is decorated with the diagnosis, and its name is the mistake's, of a
        class in lower case with underscores; an edit of the reference has its name before it.
        """
        if given is not None:
            name = diagnosis_or_name
            self._take_in(Mistake(name, given, diagnosis, origin, raises, self._frame))
            return None

        def take_in(answer: Given) -> Given:
            told = (diagnosis_or_name, origin, raises)
            self._take_in(Mistake(_name(answer), answer, *told, self._frame))
            return answer

        return take_in

    def alternative(self, answer: Given) -> Given:
        """Take in a right answer that is written another way."""
        name = _name(answer)
        if any(name == known.name for known in self.alternatives):
            raise ValueError(f"{self.id} has two alternatives called {name!r}; rename one")
        self.alternatives.append(Alternative(name, answer, self._frame))
        return answer

    def _take_in(self, mistake: Mistake) -> None:
        if any(mistake.name == known.name for known in self.mistakes):
            raise ValueError(f"{self.id} has two mistakes called {mistake.name!r}; rename one")
        self.mistakes.append(mistake)

    @cached_property
    def _frame(self) -> Frame:
        return Frame(self.id, self.reference, self.blank)

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
        found = [mistake for mistake in self.mistakes if mistake.name == self.planted]
        if not found:
            raise ValueError(f"{self.id} plants {self.planted!r}, which is no mistake of it")
        return found[0]

    def told(self, mistake: Mistake) -> str:
        """What is said to who made a mistake; of a planted one not what mends it."""
        return STILL if mistake.name == self.planted else mistake.diagnosis


def _name(answer: Answer) -> str:
    """What an answer is called; of a class, in lower case with underscores."""
    name = answer.__name__
    if isinstance(answer, type):
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return name

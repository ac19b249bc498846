"""``failing``: the inputs on which a check failed, as live objects, and a way to run them again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograder.exercises import find_lab
from autograder.judging import Exercise
from autograder.notebook.cards import Note
from autograder.notebook.current import named, opened_lab
from autograder.notebook.opened import Look, OpenLab
from autograder.probes.observing import raising
from autograder.probes.registry import PROBES
from autograder.probes.state import known_state
from autograder.probes.values import to_torch
from autograder.reporting.pages import render

_PLAIN = ("call", "draws", "gradients", "epochs")
"""Probes that call the answer with the inputs as they are."""

_MOST_CHARACTERS = 1500


class FailingCase:
    """One set of inputs that an answer failed on.

    ``inputs`` are live objects, ``expected`` is what the reference gives on them and ``observed``
    what the answer gave; ``run()`` shows the answer, as it is now, to the same inputs.
    """

    def __init__(self, opened: OpenLab, exercise: Exercise, look: Look, case: int) -> None:
        assert look.on is not None
        self._opened = opened
        self._exercise = exercise
        self._drawn = look.on.drawn[case]
        self._seed = look.on.seed + case
        substance = exercise.probe.observer.substance
        self.inputs: dict[str, Any] = to_torch(self._drawn)
        self.expected: Any = _live(look.on.expected[case].get(substance))
        self.observed: Any = _live(look.observed[case].get(substance))

    def run(self) -> Any:
        """What the answer gives on the inputs now, with the random numbers of the check.

        What it raises is raised, so that its traceback can be read, and what it prints is printed.
        """
        answer = self._opened.namespace[self._exercise.name]
        probe = self._exercise.probe
        with known_state(self._seed, quiet=False) as generators, raising():
            seen = PROBES[probe.name](answer, self._drawn, generators, probe.parameters)
        return _live(seen[probe.observer.substance])

    def __repr__(self) -> str:
        rows = "\n".join(f"{name}\n{text}" for name, text in self._rows())
        return f"{rows}\n{self._how()}"

    def _repr_html_(self) -> str:
        return render("failing.html", rows=self._rows(), how=self._how())

    def _rows(self) -> list[tuple[str, str]]:
        rows = [(name, _shown(value)) for name, value in self.inputs.items()]
        return [*rows, ("expected", _shown(self.expected)), ("observed", _shown(self.observed))]

    def _how(self) -> str:
        """The lines that call the answer on the inputs."""
        name = self._exercise.name
        lines = f'case = failing("{name}")\ncase.run()'
        plain = self._exercise.probe.name in _PLAIN and not isinstance(self.expected, dict)
        return f"{lines}    # or: {name}(**case.inputs)" if plain else lines


class NoCase(Note):
    """What is said where nothing has failed; a line that runs the case goes on all the same."""

    def run(self) -> NoCase:
        """There is nothing to run."""
        return self

    @property
    def inputs(self) -> dict[str, Any]:
        """There are none."""
        return {}


def failing(exercise: str | Callable[..., Any]) -> FailingCase | NoCase:
    """The inputs on which the last check of an answer failed; what to do first where none has.

    Raises: UnknownName for an exercise that does not exist.
    """
    found = named(exercise)
    opened = opened_lab(find_lab(found.lab))
    look = opened.looks.get(found.id)
    if look is None:
        return NoCase(f'Run `check("{found.name}")` first: its failing inputs are then kept.')
    if look.verdict.passed:
        return NoCase(f"The last check of `{found.name}` did not fail.", "✓")
    if look.on is None or len(look.observed) != len(look.on.drawn):
        return NoCase("The last check did not come to look at what your answer gives: see it.")
    return FailingCase(opened, found, look, _case(look))


def _case(look: Look) -> int:
    """The number of the case on which the first finding failed."""
    cases = [f.case for f in look.verdict.findings if not f.passed and f.case is not None]
    raised = [number for number, seen in enumerate(look.observed) if seen.get("raised")]
    return next(iter([*cases, *raised]), 0)


def _live(value: Any) -> Any:
    """Plain data with arrays as tensors."""
    return to_torch({"value": value})["value"]


def _shown(value: Any) -> str:
    """A value as Python prints it, the type of every tensor named, up to a length."""
    text = repr(value)
    shape = f"  # shape {tuple(value.shape)}" if hasattr(value, "shape") else ""
    if len(text) > _MOST_CHARACTERS:
        text = f"{text[:_MOST_CHARACTERS]}…"
    return f"{text}{shape}"

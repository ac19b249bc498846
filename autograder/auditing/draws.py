"""One draw of an exercise's inputs, and what the reference gives: shared by all answers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autograder.auditing.rates import Rate
from autograder.judging import Exercise, Hidden, Verdict, hidden, judge, observe
from autograder.judging.essence import Observation
from autograder.judging.judge import expected_observations

_OTHER = 7919
"""Answers meet other random numbers than the reference does."""


class NotJudged(Exception):
    """Observing or judging an answer raised, which it never may; the message says what."""


@dataclass(frozen=True)
class Look:
    """What an answer did on a draw: the verdict, and whether each case by itself passes."""

    observed: list[Observation]
    verdict: Verdict
    passed_cases: list[bool]

    @property
    def raised(self) -> list[str]:
        """The type of exception for every case; empty where none was raised."""
        return [(o.get("raised") or {}).get("type", "") for o in self.observed]


@dataclass(frozen=True)
class Draw:
    """What one seed puts to every answer, and what the reference gives, in float64."""

    exercise: Exercise
    on: Hidden

    @property
    def seed(self) -> int:
        """The seed that was drawn from."""
        return self.on.seed

    @staticmethod
    def of(exercise: Exercise, seed: int) -> Draw:
        """The draw of a seed; what the reference gives is there to be forged, whatever it takes."""
        on = hidden(exercise, seed)
        if exercise.probe.observer.trains:
            on = replace(on, expected=expected_observations(exercise, on.drawn, seed))
        return Draw(exercise, on)

    def look(self, answer: Any, rate: Rate, *, named: bool = False, rehearsed: bool = True) -> Look:
        """Observe and judge an answer, as the student's own check would, and count it.

        No time is spent on naming its mistake unless it is to be ``named``.

        Raises: NotJudged where there is no verdict.
        """
        observed = self.observe(answer, rehearsed=rehearsed)
        verdict = self.judge(observed, named=named)
        passed = verdict.score == self.exercise.points
        by_case = [passed or self._passes(n, one) for n, one in enumerate(observed)]
        rate.count(by_case, passed, self.seed)
        return Look(observed, verdict, by_case)

    def observe(self, answer: Any, *, rehearsed: bool = True) -> list[Observation]:
        """Observe an answer on the draw; not ``rehearsed``, as a student's kernel does."""
        with _always_a_verdict():
            seed = self.seed + _OTHER
            return observe(self.exercise, answer, self.on.drawn, seed, rehearsed=rehearsed)

    def judge(self, observed: Sequence[Observation], *, named: bool = False) -> Verdict:
        """The verdict on an observation, whoever made it."""
        exercise = self.exercise if named else replace(self.exercise, mistakes=[])
        with _always_a_verdict():
            return judge(exercise, self.on, observed)

    def _passes(self, number: int, one: Observation) -> bool:
        case = slice(number, number + 1)
        exercise = replace(self.exercise, mistakes=[])
        on = replace(self.on, drawn=self.on.drawn[case], expected=self.on.expected[case])
        with _always_a_verdict():
            verdict = judge(exercise, on, [one])
        return verdict.score == self.exercise.points


@contextlib.contextmanager
def _always_a_verdict() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise NotJudged(f"is not judged: {type(error).__name__}: {error}") from error

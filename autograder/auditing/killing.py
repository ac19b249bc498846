"""The proof that small wrong changes to what students write are seen."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from autograder.auditing.draws import Draw, NotJudged
from autograder.auditing.equivalents import reason
from autograder.auditing.mutants import Mutant, define, mutants, unchanged
from autograder.auditing.mutants.helpers import Helpers
from autograder.auditing.rates import Rate
from autograder.auditing.result import Audit, Survivor
from autograder.judging import Exercise
from autograder.probes.definition import UndefinedAnswer

SURE = 20
"""A mutant is dead when it is as sure as this many failures make it that it never passes."""

_EXPLAINED_DRAWS = 3
_PATIENCE = 5


class TookTooLong(KeyboardInterrupt):
    """A mutant ran for longer than anyone waits."""


@dataclass
class _Trial:
    """One mutant, and what has been seen of it."""

    mutant: Mutant
    answer: Any
    helpers: Helpers
    why: str = ""
    rate: Rate = field(default_factory=Rate)
    crashed: bool = False
    remarked: bool = True
    judged: bool = True
    over: bool = False


class Mutants:
    """The unchanged reference lives when it is made as mutants are; every mutant dies."""

    def __init__(self, exercise: Exercise, result: Audit, seeds: int) -> None:
        self._exercise = exercise
        self._result = result
        self._seeds = seeds
        self._reference: Any = None
        self._draw: Draw | None = None
        self._unchanged = Rate()
        self._trials: list[_Trial] = []
        found = mutants(exercise)
        idle = set(exercise.equivalent_mutants) - {mutant.change for mutant in found}
        result.problems += [f"no such mutant to explain: {change}" for change in sorted(idle)]
        try:
            self._reference = define(unchanged(exercise), exercise)
        except UndefinedAnswer as error:
            result.problems.append(f"the reference cannot be made of its own source: {error}")
            return
        for mutant in found:
            helpers = Helpers()
            try:
                answer = define(mutant.source, exercise, helpers=helpers)
            except UndefinedAnswer as error:
                result.problems.append(f"mutant cannot be defined: {mutant.change}: {error}")
            else:
                why = exercise.equivalent_mutants.get(mutant.change, "")
                self._trials.append(_Trial(mutant, answer, helpers, why))

    def look(self, draw: Draw) -> None:
        """Try every mutant on a draw, unless what it does is clear."""
        if self._reference is None:
            return
        self._draw = draw
        draw.look(self._reference, self._unchanged)
        if self._unchanged.passes < self._unchanged.draws:
            return
        for trial in self._trials:
            if not trial.over:
                self._look(trial, draw)
        self._trials = [t for t in self._trials if t.helpers.applied or not t.mutant.is_helped]

    def report(self) -> None:
        """Note which mutants died, which live, and which do either."""
        if self._unchanged.passes < self._unchanged.draws:
            self._result.problems.append(
                "the reference fails when it is made of its own source, as mutants are: that "
                "mutants of it fail proves nothing"
            )
            return
        for trial in self._trials:
            if trial.rate.passes:
                self._survives(trial)
            else:
                self._result.mutants += 1
                self._dies(trial)

    def _look(self, trial: _Trial, draw: Draw) -> None:
        try:
            with _alarm(_PATIENCE):
                look = draw.look(trial.answer, trial.rate)
        except TookTooLong:
            trial.crashed = trial.over = True
            return
        except NotJudged as error:
            trial.judged, trial.over = False, True
            self._result.problems.append(f"mutant {error}: {trial.mutant.change}")
            return
        trial.crashed = all(look.raised) and (trial.rate.draws == 1 or trial.crashed)
        trial.remarked &= bool(look.verdict.remarks)
        sure = trial.rate.never_passes(min(SURE, self._seeds))
        explained = bool(trial.why) and trial.rate.draws == _EXPLAINED_DRAWS
        trial.over = sure or explained or (not trial.rate.passes and trial.rate.draws == SURE)

    def _dies(self, trial: _Trial) -> None:
        if not trial.judged:
            return
        self._result.killed += 1
        self._result.crashed += trial.crashed
        if trial.why:
            change = trial.mutant.change
            self._result.problems.append(f"mutant dies and needs no reason: {change}")

    def _survives(self, trial: _Trial) -> None:
        mutant, rate = trial.mutant, trial.rate
        assert self._draw is not None
        always = not rate.hangs_on_the_seed
        told = {"always": always, "remarked": trial.remarked}
        why = trial.why or reason(self._exercise, mutant, self._draw, **told)
        self._result.survivors.append(
            Survivor(mutant.operator, mutant.change, rate.passes, rate.draws, why)
        )
        if not why:
            self._result.mutants += 1
            if rate.hangs_on_the_seed:
                on = f"{rate.passes} of {rate.draws} seeds"
                self._result.problems.append(f"mutant passes on {on}: {mutant.change}")


@contextlib.contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    """Interrupt a mutant that would run forever: after CPU seconds, for a busy machine is no fault
    of its own; one that waits, after a minute.
    """

    def ring(signal_number: int, frame: FrameType | None) -> None:
        raise TookTooLong

    if sys.platform == "win32":
        yield
        return
    previous = [signal.signal(number, ring) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(60)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in zip((signal.SIGPROF, signal.SIGALRM), previous, strict=True):
            signal.signal(number, handler)

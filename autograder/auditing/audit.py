"""What the audit proves of one exercise, and the table of all of them.

1. the reference and every alternative pass on every seed;
2. every mistake is rejected, and diagnosed as itself or as one indistinguishable from it;
3. the untouched starter is not attempted and scores 0;
4. a forged observation (constant, or replayed from another seed) scores 0;
5. a local check costs at most 0.3 CPU seconds;
6. at least 95 % of the mutants of the lines that students write die.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from types import FrameType
from typing import Any

import numpy as np
import torch

from autograder.auditing.mutants import Mutant, define, mutants
from autograder.judging import Exercise, Hidden, Mistake, Reason, Verdict, hidden, judge, observe
from autograder.judging.checks import float_dtype
from autograder.judging.essence import Observation, same_observation
from autograder.judging.source import is_untouched, starter_source

MAX_CPU_SECONDS = 0.3
MIN_KILLED = 0.95
MIN_MARGIN = 2.0
_MISTAKE_SEEDS = 5
_PATIENCE = 5


@dataclass
class Audit:
    """What was found out about one exercise; ``problems`` is empty when every promise holds."""

    lab: str
    exercise: str
    kind: str
    reference_ok: bool = True
    alternatives: int = 0
    alternatives_ok: int = 0
    mistakes: int = 0
    rejected: int = 0
    diagnosed: int = 0
    mutants: int = 0
    killed: int = 0
    survivors: list[dict[str, str]] = field(default_factory=list)
    flakes: int = 0
    seeds: int = 0
    cpu_seconds: float = 0.0
    forgeries: int = 0
    forgeries_rejected: int = 0
    starter_ok: bool = True
    margin: float | None = None
    indistinguishable: list[list[str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The audit as plain data."""
        return asdict(self)


def audit(exercise: Exercise, seeds: int = 20) -> Audit:
    """Run every proof for an exercise; those without checks have only their outcome to prove."""
    result = Audit(exercise.lab, exercise.id, str(exercise.kind), seeds=seeds)
    if not exercise.automatic:
        if exercise.outcome is not None:
            exercise.outcome()
        return result
    _audit_right_answers(exercise, result, seeds)
    _audit_mistakes(exercise, result)
    _audit_starter(exercise, result)
    _audit_forgeries(exercise, result)
    _audit_mutants(exercise, result)
    _audit_time(exercise, result)
    return result


def verdict_on(exercise: Exercise, answer: Any, seed: int) -> Verdict:
    """The verdict on an answer, as the student's own check would give it."""
    on = hidden(exercise, seed)
    return judge(exercise, on, observe(exercise, answer, on.drawn, seed + 7919))


def _audit_right_answers(exercise: Exercise, result: Audit, seeds: int) -> None:
    assert exercise.reference is not None
    right = [("the reference", exercise.reference)]
    right += [(f"alternative {a.name}", a.answer) for a in exercise.alternatives]
    result.alternatives = len(exercise.alternatives)
    passed = dict.fromkeys((name for name, _ in right), 0)
    for seed in range(seeds):
        on = hidden(exercise, seed)
        for name, answer in right:
            verdict = judge(exercise, on, observe(exercise, answer, on.drawn, seed + 7919))
            passed[name] += verdict.passed
            if not verdict.passed and passed[name] == seed:
                failed = [f for f in verdict.findings if not f.passed]
                result.problems.append(f"{name} fails on seed {seed}: {failed or verdict.notes}")
    result.flakes = sum(0 < count < seeds for count in passed.values())
    result.reference_ok = passed.pop("the reference") == seeds
    result.alternatives_ok = sum(count == seeds for count in passed.values())


def _audit_mistakes(exercise: Exercise, result: Audit) -> None:
    result.mistakes = len(exercise.mistakes)
    rejected = dict.fromkeys((m.name for m in exercise.mistakes), True)
    named: dict[str, set[str | None]] = {m.name: set() for m in exercise.mistakes}
    observed: dict[str, list[tuple[Observation, str]]] = {m.name: [] for m in exercise.mistakes}
    margins: list[float] = []
    for seed in range(_MISTAKE_SEEDS):
        on = hidden(exercise, seed)
        for mistake in exercise.mistakes:
            seen = observe(exercise, mistake.answer, on.drawn, seed + 7919)
            verdict = judge(exercise, on, seen)
            rejected[mistake.name] &= verdict.score < exercise.points
            named[mistake.name].add(verdict.diagnosis)
            dtypes = map(float_dtype, on.drawn)
            observed[mistake.name] += list(zip(seen, dtypes, strict=True))
            margins += _margin(verdict)
    groups = _indistinguishable(exercise, observed)
    result.indistinguishable = [sorted(group) for group in groups if len(group) > 1]
    for mistake in exercise.mistakes:
        alike = next(group for group in groups if mistake.name in group)
        diagnosed = named[mistake.name] <= alike
        result.rejected += rejected[mistake.name]
        result.diagnosed += diagnosed
        if not rejected[mistake.name]:
            result.problems.append(f"mistake {mistake.name} passes")
        elif not diagnosed:
            result.problems.append(f"mistake {mistake.name} is taken for {named[mistake.name]}")
    result.margin = min(margins) if margins else None
    if result.margin is not None and result.margin < MIN_MARGIN:
        result.problems.append(f"a mistake lies only {result.margin:.2f} thresholds away")


def _margin(verdict: Verdict) -> list[float]:
    """How far beyond its threshold the clearest failed finding lies, if all are statistical."""
    failed = [f for f in verdict.findings if not f.passed]
    if not failed or any(f.margin is None for f in failed):
        return []
    return [max(f.margin for f in failed if f.margin is not None)]


def _indistinguishable(
    exercise: Exercise, observed: dict[str, list[tuple[Observation, str]]]
) -> list[set[str]]:
    groups: list[set[str]] = []
    for name, seen in observed.items():
        for group in groups:
            other = observed[next(iter(group))]
            pairs = zip(seen, other, strict=True)
            if all(same_observation(exercise, a, b, dtype) for (a, dtype), (b, _) in pairs):
                group.add(name)
                break
        else:
            groups.append({name})
    return groups


def _audit_starter(exercise: Exercise, result: Audit) -> None:
    source = starter_source(exercise)
    answer = define(source, exercise, exercise.name)
    on = hidden(exercise, 0)
    seen = observe(exercise, answer, on.drawn, 0)
    verdict = judge(exercise, on, seen, untouched=is_untouched(exercise, source))
    result.starter_ok = verdict.reason is Reason.NOT_ATTEMPTED and verdict.score == 0
    if not result.starter_ok:
        result.problems.append(f"the starter is {verdict.reason} with {verdict.score:g} points")


def _audit_forgeries(exercise: Exercise, result: Audit) -> None:
    on = hidden(exercise, 0)
    replays = []
    for seed in range(1, 6):
        replays.append(hidden(exercise, seed).expected)
    constants: list[Any] = [
        [{} for _ in on.drawn],
        [{"result": np.zeros(()), "raised": None, "steps": []} for _ in on.drawn],
        [{"result": "full marks", "raised": {"type": 1, "message": 2}} for _ in on.drawn],
        [{"result": {"not data": "Liar"}, "steps": [{"result": None}], "raised": None}]
        * len(on.drawn),
        [],
    ]
    for value in (0.0, 1.0, float("nan")):
        constants.append([_filled(observation, value) for observation in replays[0]])
    for forged in replays + constants:
        result.forgeries += 1
        verdict = judge(exercise, on, forged)
        if verdict.score == 0:
            result.forgeries_rejected += 1
        else:
            result.problems.append(f"a forged observation scores {verdict.score:g}")


def _filled(value: Any, number: float) -> Any:
    if isinstance(value, np.ndarray):
        return np.full(value.shape, number)
    if isinstance(value, dict):
        return {key: _filled(item, number) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, number) for item in value]
    return number if isinstance(value, (int, float)) else value


def _audit_mutants(exercise: Exercise, result: Audit) -> None:
    on = hidden(exercise, 0)
    for mutant in mutants(exercise):
        why = exercise.equivalent_mutants.get(mutant.change)
        if why is not None:
            result.survivors.append({"mutant": mutant.change, "equivalent": why})
            continue
        result.mutants += 1
        if _dies(exercise, mutant, on):
            result.killed += 1
        else:
            result.survivors.append({"mutant": mutant.change, "equivalent": ""})
            result.problems.append(f"mutant survives: {mutant.change}")
    unused = set(exercise.equivalent_mutants) - {m.change for m in mutants(exercise)}
    result.problems += [f"no such mutant to explain: {change}" for change in sorted(unused)]


def _dies(exercise: Exercise, mutant: Mutant, on: Hidden) -> bool:
    # Without the mistakes, no time is spent on naming what died.
    assert exercise.reference is not None
    try:
        with _alarm(_PATIENCE):
            answer = define(mutant.source, exercise, exercise.reference.__name__)
            seen = observe(exercise, answer, on.drawn, 7919)
            verdict = judge(replace(exercise, mistakes=()), on, seen)
    except (Exception, KeyboardInterrupt):
        return True
    return verdict.score < exercise.points


def _audit_time(exercise: Exercise, result: Audit) -> None:
    def cost(answer: Callable[..., Any]) -> float:
        started = time.process_time()
        verdict_on(exercise, answer, 3)
        return time.process_time() - started

    assert exercise.reference is not None
    worst: list[Callable[..., Any]] = [exercise.reference]
    last: list[Mistake] = list(exercise.mistakes[-1:])
    worst += [mistake.answer for mistake in last]
    with _one_thread():
        result.cpu_seconds = max(min(cost(answer) for _ in range(3)) for answer in worst)
    if result.cpu_seconds > MAX_CPU_SECONDS:
        result.problems.append(f"a local check costs {result.cpu_seconds:.2f} CPU seconds")


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    """Interrupt a mutant that would run forever."""

    def ring(signal_number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if sys.platform == "win32":
        yield
        return
    previous = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)

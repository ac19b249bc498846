"""The proof that a student need not wait for a local check."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from autograder.auditing.draws import Draw, NotJudged
from autograder.auditing.result import Audit
from autograder.judging import Exercise, hidden

_SEED = 3


def check_cost(exercise: Exercise, result: Audit) -> None:
    """A local check of the reference, and of the mistake that is named last, takes little time."""
    assert exercise.reference is not None
    worst: list[Callable[..., Any]] = [exercise.reference]
    worst += [mistake.answer for mistake in exercise.mistakes[-1:]]
    times = 1 if exercise.probe.observer.trains else 3
    with _one_thread():
        result.cpu_seconds = max(min(_cost(exercise, a) for _ in range(times)) for a in worst)
    allowed = exercise.probe.observer.cpu_seconds
    if result.cpu_seconds > allowed:
        result.problems.append(
            f"a local check costs {result.cpu_seconds:.2f} CPU seconds, allowed is at most "
            f"{allowed:g}"
        )


def _cost(exercise: Exercise, answer: Callable[..., Any]) -> float:
    started = _used()
    draw = Draw(exercise, hidden(exercise, _SEED))
    with contextlib.suppress(NotJudged):  # which is a problem of its own
        draw.judge(draw.observe(answer, rehearsed=False), named=True)
    return _used() - started


def _used() -> float:
    """The CPU seconds of this process, and of the processes that it has started and seen end."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)

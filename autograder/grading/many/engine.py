"""Where submissions are graded: the seam at which they leave the grader, and come back.

An engine is an executor that says how many submissions to hand it at a time, and that can be made
anew when a worker has died.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

FOR_EACH_WORKER = 4
"""Submissions that are handed over and not yet saved, for each worker."""

_T = TypeVar("_T")


class WorkerDied(Exception):
    """A submission was given to workers that died."""


class SchedulerLost(Exception):
    """The scheduler of the cluster has gone."""


class Engine(Protocol):
    """The seam at which grading leaves this process."""

    @property
    def died(self) -> tuple[type[Exception], ...]:
        """What a future raises whose worker has died, whether or not it was to blame."""

    @property
    def workers(self) -> int:
        """How many submissions are graded at once."""

    @property
    def window(self) -> int:
        """How many submissions may be handed over and not yet saved."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Have a function called in a worker."""

    def renew(self) -> None:
        """Replace what a dead worker has broken."""

    def close(self, *, kill: bool) -> None:
        """Let the workers go; with ``kill`` in the middle of what they do."""


@contextlib.contextmanager
def closing(engine: Engine) -> Iterator[Engine]:
    """Close an engine: at once when something went wrong or was interrupted."""
    try:
        yield engine
    except BaseException:
        engine.close(kill=True)
        raise
    engine.close(kill=False)


def run_each(
    engine: Engine, call: Callable[[_T], tuple[Any, ...]], tasks: Iterator[_T]
) -> Iterator[tuple[_T, Any]]:
    """Run tasks in workers, a bounded number at a time; each with its result or its exception.

    ``call`` makes the function and its arguments of a task. Tasks whose worker died are tried once
    more, each alone, so that one of them costs no other its result.
    """
    finished: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
    running: dict[Future[Any], _T] = {}
    lost: list[_T] = []
    more = True
    while True:
        while more and not lost and len(running) < engine.window:
            try:
                task = next(tasks)
            except StopIteration:
                more = False
                break
            future = _submit(engine, call(task))
            running[future] = task
            future.add_done_callback(finished.put)
        if running:
            future = finished.get()
            task, outcome = running.pop(future), _outcome(future)
            if isinstance(outcome, engine.died):
                lost.append(task)
            else:
                yield task, outcome
        elif lost:
            yield from _one_by_one(engine, call, lost)
            lost = []
        else:
            return


def _one_by_one(
    engine: Engine, call: Callable[[_T], tuple[Any, ...]], lost: list[_T]
) -> Iterator[tuple[_T, Any]]:
    engine.renew()
    for task in lost:
        outcome = _outcome(_submit(engine, call(task)))
        if isinstance(outcome, engine.died):
            engine.renew()
            outcome = WorkerDied(str(outcome))
        yield task, outcome


def _submit(engine: Engine, call: tuple[Any, ...]) -> Future[Any]:
    try:
        return engine.submit(*call)
    except engine.died as error:
        future: Future[Any] = Future()
        future.set_exception(error)
        return future


def _outcome(future: Future[Any]) -> Any:
    """A future's result, or its exception.

    Raises: SchedulerLost, for a future that nobody will fulfil any more.
    """
    try:
        return future.result()
    except Exception as error:
        if future.cancelled():
            raise SchedulerLost from error
        return error

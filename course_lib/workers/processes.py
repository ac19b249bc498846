"""Workers as processes of their own, forked from this one, that talk through gloo."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import pickle
import selectors
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from course_lib.workers.gloo import GlooLines, join
from course_lib.workers.ledger import Ledger, ranks_of
from course_lib.workers.turns import Deadlock
from course_lib.workers.worker import NOTHING_SENT, Arguments, Run, Worker, arguments_of

SECONDS = 20.0
"""How long a group may take; torch's own limit is half an hour."""

_LOOK_EVERY = 0.02
_OF_ANOTHER = ("Connection closed by peer", "Connection reset by peer", "Broken pipe")


def can_fork() -> bool:
    """Whether this system can make a process of another one, as Linux and macOS can."""
    return hasattr(os, "fork")


class WorkerError(RuntimeError):
    """What ended a worker: an exception, a signal, or the time. The message names its rank."""


def launch(
    function: Callable[..., Any],
    size: int,
    *,
    each: Sequence[Mapping[str, Any]] | None = None,
    seconds: float = SECONDS,
    **shared: Any,
) -> Run:
    """Call ``function(worker, …)`` for every rank of a group, each in a process of its own.

    ``each`` has one dict of arguments for every rank, what else is named is given to all. The
    processes are forks of this one, so that the function may be one of a notebook's; what they
    return is copied. In each of them ``torch.distributed`` has a group, too.

    Raises: WorkerError with what ended a worker first; Deadlock, which says who waits for whom;
    ValueError unless there are arguments for every rank; NotImplementedError where processes
    cannot be forked.
    """
    run, failure = attempt(function, arguments_of(size, each, shared), seconds=seconds)
    if failure is None:
        return run
    if isinstance(failure.what, Exception):
        raise failure.what
    raise WorkerError(f"rank {failure.rank} raised\n\n{failure.what}")


@dataclass(frozen=True)
class Failure:
    """What ended a group: what was described of an exception on a rank, or an exception itself."""

    rank: int | None
    what: Any


def in_words(error: BaseException) -> str:
    """An exception with its traceback, without our own part of it."""
    within = error.__traceback__.tb_next if error.__traceback__ else None
    return "".join(traceback.format_exception(type(error), error, within)).rstrip()


def attempt(
    function: Callable[..., Any],
    arguments: Sequence[Arguments],
    *,
    seconds: float = SECONDS,
    describe: Callable[[BaseException], Any] = in_words,
) -> tuple[Run, Failure | None]:
    """Run a function on a group of processes: what came of it, and what ended it before its time.

    ``describe`` makes plain data of an exception, in the process that raised it.
    """
    if not can_fork():
        raise NotImplementedError(
            "this system cannot fork processes, as Linux and macOS can: run the function by "
            "`simulate`, which gives the same numbers"
        )
    with tempfile.TemporaryDirectory(prefix="workers-") as folder:
        group = _Group(len(arguments), Path(folder), seconds, describe)
        try:
            for rank, given in enumerate(arguments):
                group.start(rank, function, given)
            failure = group.gather()
        finally:
            group.end()
    returned, sent = [None] * group.size, [dict(NOTHING_SENT)] * group.size
    for rank, (value, counts) in group.results.items():
        returned[rank], sent[rank] = value, counts
    return Run.of(returned, sent), failure


class _Group:
    def __init__(
        self, size: int, folder: Path, seconds: float, describe: Callable[[BaseException], Any]
    ) -> None:
        self.size = size
        self.results: dict[int, tuple[Any, dict[str, int]]] = {}
        self._store = folder / "store"
        self._seconds = seconds
        self._describe = describe
        self._ledger = Ledger(size, folder / "ledger")
        self._processes: dict[int, int] = {}
        self._reports: dict[int, int] = {}
        self._failures: list[Failure] = []

    def start(self, rank: int, function: Callable[..., Any], given: Arguments) -> None:
        """Fork the process of a rank."""
        _flush()  # or what is printed so far is written by every fork
        reads, writes = os.pipe()
        child = os.fork()
        if child:
            os.close(writes)
            self._processes[rank], self._reports[rank] = child, reads
            return
        try:
            torch.set_num_threads(1)  # the threads of the parent are not here, and would be awaited
            faulthandler.disable()  # what ends a worker is told by who waits for it
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            self._work(rank, function, given, writes)
        finally:
            os._exit(1)  # nothing of the parent's that is to be done at an end is done here

    def _work(self, rank: int, function: Callable[..., Any], given: Arguments, writes: int) -> None:
        try:
            join(rank, self.size, self._store, self._seconds)
            worker = Worker(rank, GlooLines(self._ledger))
            report = pickle.dumps(("returned", function(worker, **given), worker.sent))
        except BaseException as error:
            report = pickle.dumps(("raised", self._describe(error), None))
        else:
            self._ledger.ends(rank)
        _flush()
        with open(writes, "wb") as pipe:
            pipe.write(report)
        while True:  # others may still receive what it has sent; the parent ends them all
            time.sleep(60)

    def gather(self) -> Failure | None:
        """Wait for all, or for what ends them."""
        until = time.monotonic() + self._seconds
        parts: dict[int, list[bytes]] = {rank: [] for rank in self._reports}
        with selectors.DefaultSelector() as selector:
            for rank, reads in self._reports.items():
                selector.register(reads, selectors.EVENT_READ, rank)
            while selector.get_map():
                for key, _ in selector.select(_LOOK_EVERY):
                    part = os.read(key.fd, 2**16)
                    parts[key.data].append(part)
                    if not part:
                        selector.unregister(key.fd)
                        self._read(key.data, b"".join(parts[key.data]))
                if failure := self._first():
                    return failure
                if told := self._ledger.deadlock():
                    return Failure(None, Deadlock(told))
                if time.monotonic() > until:
                    late = ranks_of([key.data for key in selector.get_map().values()])
                    what = f"{late} did not end within {self._seconds:g} seconds"
                    return Failure(None, WorkerError(what))
        return self._failures[0] if self._failures else None

    def _first(self) -> Failure | None:
        """What failed by itself, and not for another was gone."""
        of_another = (f for f in self._failures if not _is_of_another(f.what))
        return next(of_another, None)

    def _read(self, rank: int, report: bytes) -> None:
        if not report:
            what = WorkerError(f"rank {rank} {_end_of(self._processes.pop(rank))}")
            self._failures.append(Failure(rank, what))
            return
        kind, value, sent = pickle.loads(report)
        if kind == "returned":
            self.results[rank] = value, sent
        else:
            self._failures.append(Failure(rank, value))

    def end(self) -> None:
        """End all that still run."""
        for child in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        for child in self._processes.values():
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)
        for reads in self._reports.values():
            os.close(reads)


def _flush() -> None:
    # A notebook's output has threads of its own, which a fork has not.
    stream = sys.stdout
    if stream is sys.__stdout__ and stream is not None:
        stream.flush()


def _is_of_another(what: Any) -> bool:
    text = what.get("message", "") if isinstance(what, dict) else str(what)
    return any(phrase in text for phrase in _OF_ANOTHER)


def _end_of(child: int) -> str:
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return f"was ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"ended with exit status {os.WEXITSTATUS(status)} before it returned"

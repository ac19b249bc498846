"""Where submissions are graded: in this process, in others, or on a cluster.

An engine is an executor that says how many submissions to hand it at a time, and that can be made
anew when a worker has died.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from typing import Any, Protocol, TypeVar

from autograder.grading.many import forking
from autograder.grading.many.worker import BatchRefused, begin

CONNECT_SECONDS = 10
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


def open_engine(jobs: int, scheduler: str | None, device: str) -> Engine:
    """The engine for what was asked.

    Raises: BatchRefused, where a cluster cannot be used.
    """
    if scheduler is not None:
        return Cluster(scheduler, device)
    return Here() if jobs == 1 else Local(jobs)


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


class Here:
    """This process, one submission at a time."""

    died: tuple[type[Exception], ...] = ()
    workers = 1
    window = 1

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call the function now."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def renew(self) -> None:
        """Nothing breaks here."""

    def close(self, *, kill: bool) -> None:
        """Nothing is held."""


class Local:
    """Processes of this machine."""

    died = (BrokenExecutor,)

    def __init__(self, jobs: int) -> None:
        self.workers = jobs
        self.window = jobs * FOR_EACH_WORKER
        self._others = set(multiprocessing.active_children())
        self._scratch = tempfile.mkdtemp(prefix="course-grading-")
        # Whoever runs in a box reaches its own folder in there, and can list nothing.
        os.chmod(self._scratch, 0o711)
        self._pool = self._fresh()

    def _fresh(self) -> Executor:
        return ProcessPoolExecutor(
            self.workers,
            mp_context=forking.context(),
            initializer=begin,
            initargs=(self._scratch,),
        )

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call the function in one of the processes."""
        return self._pool.submit(function, *arguments)

    def renew(self) -> None:
        """Replace the processes: the death of one ends them all."""
        self._pool.shutdown()
        self._pool = self._fresh()

    def close(self, *, kill: bool) -> None:
        """End the processes and remove what they leave."""
        if kill:
            for process in set(multiprocessing.active_children()) - self._others:
                process.kill()
        self._pool.shutdown(cancel_futures=True)
        shutil.rmtree(self._scratch, ignore_errors=True)


class Cluster:
    """The workers of a Dask scheduler, however many there are at the time."""

    def __init__(self, address: str, device: str) -> None:
        try:
            import distributed
        except ImportError:
            raise BatchRefused(
                "`--scheduler` needs the package `distributed`, which is not installed here: "
                "run `pip install -e '.[cluster]'`"
            ) from None
        if not re.fullmatch(r"[a-z]+://\S+:\d+", address):
            raise BatchRefused(
                f"{address} is no address of a scheduler: give the one that `dask scheduler` "
                "prints, tcp://HOST:PORT"
            )
        security = distributed.Security().get_connection_args("client")
        if address.startswith("tls:") and not security.get("ssl_context"):
            raise BatchRefused(
                f"{address} wants a certificate, and Dask's configuration here names none under "
                "distributed.comm.tls.client: see docs/clusters.md"
            )
        self.died: tuple[type[Exception], ...] = (distributed.KilledWorker,)
        self._resources = {"GPU": 1} if device == "cuda" else None
        self._counted = (0.0, 0)
        try:
            self._client = distributed.Client(
                address, timeout=CONNECT_SECONDS, set_as_default=False
            )
        except (OSError, RuntimeError) as error:
            raise BatchRefused(
                f"no scheduler answers at {address} ({type(error).__name__}: {error}): start one "
                "with `dask scheduler`, and give the address that it prints, tcp://HOST:PORT"
            ) from None
        try:
            self._wait_for_workers(address)
        except BaseException:
            self._client.close()
            raise
        # Which worker fails may be the node's fault: another try may be given elsewhere.
        self._executor = self._client.get_executor(pure=False, retries=1, resources=self._resources)

    def _wait_for_workers(self, address: str) -> None:
        deadline = time.monotonic() + CONNECT_SECONDS
        while not self._count():
            if time.monotonic() > deadline:
                offering = " that offer a GPU" if self._resources else ""
                option = " --resources GPU=1" if self._resources else ""
                raise BatchRefused(
                    f"the scheduler at {address} has no workers{offering}: start some with "
                    f"`dask worker {address} --nthreads 1{option}`, and run this again"
                )
            time.sleep(0.2)

    def _count(self) -> int:
        try:
            workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        except (OSError, RuntimeError) as error:
            raise SchedulerLost from error
        return sum(
            all(w["resources"].get(name, 0) >= n for name, n in (self._resources or {}).items())
            for w in workers
        )

    @property
    def workers(self) -> int:
        """How many workers there are now; asked every few seconds, for clusters grow and shrink."""
        asked, count = self._counted
        if time.monotonic() - asked > 5:
            self._counted = (time.monotonic(), count := self._count())
        return max(count, 1)

    @property
    def window(self) -> int:
        """In proportion to the workers."""
        return self.workers * FOR_EACH_WORKER

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call the function in one of the workers."""
        return self._executor.submit(function, *arguments)

    def renew(self) -> None:
        """The scheduler replaces what has died."""

    def close(self, *, kill: bool) -> None:
        """Leave the cluster; it forgets what it has not begun."""
        self._client.close()

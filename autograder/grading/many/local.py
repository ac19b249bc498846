"""Engines of this machine: this process, or others that are forked for it."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from typing import Any

from autograder.grading.many import forking
from autograder.grading.many.engine import FOR_EACH_WORKER
from autograder.grading.many.worker import begin


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

"""Threads that take turns: one runs at a time, and hands on when it waits.

So a run repeats, costs no processes, and a deadlock is proved the moment it happens.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any


class Deadlock(RuntimeError):
    """All that have not ended wait for one another."""


class Left(RuntimeError):
    """What a thread waits for cannot come, for another has raised."""


class Turns:
    """Runs functions in threads of which one at a time goes on, in the order of their numbers."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._turn = 0
        self._waiting: dict[int, tuple[Callable[[], bool], str]] = {}
        self._unfinished: list[int] = []
        self._failed = False
        self._deadlock: str | None = None

    def run(self, works: list[Callable[[], Any]]) -> list[tuple[int, BaseException]]:
        """Run all to their end: who raised what, the first first. An interrupt ends them."""
        errors: list[tuple[int, BaseException]] = []
        self._unfinished = list(range(len(works)))

        def go(number: int) -> None:
            failed = False
            try:
                self._await_turn(number)
                works[number]()
            except BaseException as error:
                failed = True
                errors.append((number, error))
            self._end(number, failed)

        threads = [
            threading.Thread(target=go, args=(number,), daemon=True) for number in self._unfinished
        ]
        try:
            for thread in threads:
                thread.start()
            self._until_all_have_ended()
        finally:
            for number in list(self._unfinished):
                _end(threads[number])
        for thread in threads:
            thread.join()
        return errors

    def _until_all_have_ended(self) -> None:
        # Not `join`: interrupted, it takes a thread that runs for one that has ended. And by looks:
        # a signal that comes just before a wait does not end that wait.
        with self._changed:
            while self._unfinished:
                self._changed.wait(0.1)

    def wait(self, number: int, until: Callable[[], bool], what: str) -> None:
        """Let the others go on until something holds; ``what`` says in words what is waited for.

        Raises: Deadlock when nobody can go on any more, Left when another has raised meanwhile.
        """
        with self._changed:
            if until():
                return
            self._waiting[number] = until, what
            self._hand_on(number)
        self._await_turn(number)
        if self._deadlock:
            raise Deadlock(self._deadlock)
        if not until():
            raise Left(f"rank {number} {what}, and another has raised")

    def _await_turn(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._turn == number)
            self._waiting.pop(number, None)

    def _end(self, number: int, failed: bool) -> None:
        with self._changed:
            self._unfinished.remove(number)
            self._failed |= failed
            self._hand_on(number)

    def _hand_on(self, number: int) -> None:
        """Give the turn to the next that can go on; to one that waits in vain where none can."""
        later = [n for n in self._unfinished if n > number]
        order = later + [n for n in self._unfinished if n <= number]
        ready = [n for n in order if n not in self._waiting or self._waiting[n][0]()]
        if not ready and order and not self._failed:
            self._deadlock = "; ".join(f"rank {n} {self._waiting[n][1]}" for n in sorted(order))
        self._turn = (ready or order or [-1])[0]
        self._changed.notify_all()


def _end(thread: threading.Thread) -> None:
    """Raise in a thread that was left running, such as one in an endless loop."""
    if thread.ident is not None:
        kind = ctypes.py_object(SystemExit)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), kind)

"""Running a student's code for so long and no longer, on every system."""

from __future__ import annotations

import _thread
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_AGAIN_SECONDS = 0.5


class TimeIsUp(Exception):
    """What was run did not end in time, and was interrupted."""


def limited(run: Callable[[], T], seconds: float) -> T:
    """What ``run`` gives, interrupted as by the stop button when it takes too long.

    Code that catches the interrupt gets another; code in C ends its call first. Outside the main
    thread, which alone can be interrupted, there is no limit.

    Raises: TimeIsUp; KeyboardInterrupt when somebody else interrupts it.
    """
    if threading.current_thread() is not threading.main_thread():
        return run()
    clock = _Clock(seconds)
    try:
        clock.start()
        return run()
    except KeyboardInterrupt:
        if clock.struck:
            raise TimeIsUp from None
        raise
    finally:
        # An interrupt may arrive until the clock's thread has ended.
        while clock.is_alive():
            with contextlib.suppress(KeyboardInterrupt):
                clock.stop()


class _Clock(threading.Thread):
    def __init__(self, seconds: float) -> None:
        super().__init__(daemon=True)
        self.struck = False
        self._seconds = seconds
        self._over = threading.Event()

    def run(self) -> None:
        wait = self._seconds
        while not self._over.wait(wait):
            self.struck = True
            _thread.interrupt_main()
            wait = _AGAIN_SECONDS

    def stop(self) -> None:
        self._over.set()
        self.join()

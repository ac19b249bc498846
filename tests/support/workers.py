"""What tests have workers do; workers in other processes import it from here."""

import os
import signal
import time
from pathlib import Path


def twice(number):
    return 2 * number


def twice_or_die(number):
    """Kills its process for 3."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return twice(number)


def die_once(marks, number):
    """Kills its process the first time that it is called with 3."""
    mark = Path(marks, str(number))
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return twice(number)


def fail(number):
    raise MemoryError(f"no room for {number}")


def sleep_for_a_minute(number):
    time.sleep(60)

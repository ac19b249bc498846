"""Submissions that use up what there is: a limit stops them, and nobody else notices.

A test's docstring begins with the case that it stands for.
"""

import contextlib
import copy
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from autograder.box import Limits
from autograder.grading.running.session import Limits as Seconds
from autograder.grading.running.session import Session
from autograder.judging import Reason
from tests.support.processes import wait_until

TARGET = "relu_second_moment"
MIB = 2**20
QUICK = Seconds(cell=2, probe=2, submission=60)
PATIENT = Seconds(cell=20, probe=20, submission=60)

NEIGHBOUR = """
import os, subprocess, threading
held = bytearray(10**8)
thread = threading.Thread(target=print)
thread.start()
thread.join()
for place in ("/tmp", "/dev/shm", "."):
    with open(f"{place}/mine", "wb") as file:
        file.write(b"x" * 10**7)
kept = [open("/dev/null") for _ in range(100)]
assert subprocess.run(["true"]).returncode == 0
"""

FORK_BOMBS = {
    "fork bomb": "import os\nwhile True:\n    os.fork()",
    "fork bomb that goes on": (
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"
    ),
    "fork bomb of a shell": (
        "import subprocess\nwhile True:\n    subprocess.run(['bash', '-c', ':(){ :|:& };:; wait'])"
    ),
}

BOMBS = {
    "processes that are kept": (
        "import subprocess\nkept = []\n"
        "while True:\n    kept.append(subprocess.Popen(['sleep', '60']))"
    ),
    "thread bomb": (
        "import threading, time\n"
        "while True:\n    threading.Thread(target=time.sleep, args=(60,)).start()"
    ),
    "memory bomb": "kept = []\nwhile True:\n    kept.append(bytearray(10**8))",
    "one allocation": "torch.ones(10**12)",
    "mapped memory": (
        "import mmap\nkept = []\nwhile True:\n"
        "    kept.append(mmap.mmap(-1, 10**8, flags=mmap.MAP_PRIVATE))\n"
        "    kept[-1].write(b'x' * 10**8)"
    ),
    "memory of many processes": (
        "import os, time\nfor _ in range(40):\n    if os.fork() == 0:\n"
        "        held = bytearray(os.urandom(1 << 20)) * 200\n        time.sleep(60)\n"
        "        os._exit(0)\ntime.sleep(60)"
    ),
    "disk fill": (
        "for number in range(10**6):\n    with open(f'/tmp/{number}', 'wb') as file:\n"
        "        file.write(b'x' * 10**7)"
    ),
    "one large file": (
        "with open('large', 'wb') as file:\n    while True:\n        file.write(b'x' * 10**7)"
    ),
    "many small files": "for number in range(10**7):\n    open(f'{number}', 'w').close()",
    "/dev/shm fill": (
        "for number in range(10**6):\n    with open(f'/dev/shm/{number}', 'wb') as file:\n"
        "        file.write(b'x' * 10**7)"
    ),
    "descriptor leak": "kept = []\nwhile True:\n    kept.append(open('/dev/null'))",
    "socket leak": "import socket\nkept = []\nwhile True:\n    kept.append(socket.socketpair())",
}


@pytest.fixture(autouse=True)
def smaller_kernels(launcher, monkeypatch):
    """A limit that is reached sooner is the same limit."""
    monkeypatch.setattr(launcher, "_limits", Limits(memory=1000 * MIB))


@pytest.fixture
def most_memory():
    """The most memory that this machine has given to anybody while a test ran."""
    free = [psutil.virtual_memory().available]
    with during(lambda: free.append(psutil.virtual_memory().available), every=0.05):
        yield lambda: free[0] - min(free)


@pytest.fixture
def neighbour(launcher):
    """How the cells of another submission end that needs a bit of everything all the time."""
    with Session(launcher, PATIENT) as session:
        ended = []
        with during(lambda: ended.append(session.run_cell(NEIGHBOUR)), every=0.3):
            yield ended


@contextlib.contextmanager
def during(do, every):
    stop = threading.Event()

    def repeat():
        while not stop.wait(every):
            do()

    with ThreadPoolExecutor() as pool:
        repeated = pool.submit(repeat)
        try:
            yield
        finally:
            stop.set()
        repeated.result()


@pytest.fixture
def unaffected(grade, solved, neighbour, most_memory):
    """To be called after an attack: whoever else is on this machine has noticed nothing."""
    disk = shutil.disk_usage("/tmp").free

    def check():
        assert grade(copy.deepcopy(solved)).lost == {}
        wait_until(lambda: neighbour)  # an attack may be over before its first cell is
        assert {outcome.status for outcome in neighbour} == {"ok"}
        assert most_memory() < 2500 * MIB
        assert shutil.disk_usage("/tmp").free > disk - 1000 * MIB

    return check


both_places = pytest.mark.parametrize("place", ["cell", "probe"])


@both_places
@pytest.mark.parametrize("code", BOMBS.values(), ids=BOMBS)
def test_a_bomb(attack, grade, unaffected, code, place):
    """thread bomb, memory bomb, disk fill, descriptor leak, `/dev/shm` fill"""
    graded = grade(attack(code, place), PATIENT)
    assert graded.lost == {TARGET: Reason.OUT_OF_MEMORY}
    unaffected()


@both_places
@pytest.mark.parametrize("code", FORK_BOMBS.values(), ids=FORK_BOMBS)
def test_a_fork_bomb(attack, grade, unaffected, code, place):
    """fork bomb"""
    graded = grade(attack(code, place), QUICK)
    assert set(graded.lost) == {TARGET}
    # Where nobody is left who could answer, it is the clock that stops it.
    assert graded.lost[TARGET] in (Reason.OUT_OF_MEMORY, Reason.TIMED_OUT)
    unaffected()

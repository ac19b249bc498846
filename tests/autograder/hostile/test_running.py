"""Submissions that fail while they run: each costs its own exercise, and the rest is graded.

A test's docstring begins with the case that it stands for.
"""

import time

import nbformat
import psutil
import pytest

from autograder.grading.running.session import Limits
from autograder.judging import Reason
from tests.support.notebooks import cell_of

TARGET = "relu_second_moment"
IMPATIENT = Limits(cell=2, probe=2, submission=60)
MIB = 2**20

both_places = pytest.mark.parametrize("place", ["cell", "probe"])


def cases(table):
    return pytest.mark.parametrize("code", table.values(), ids=table)


FAILURES = {
    "syntax error": ("def (:", "SyntaxError"),
    "wrong indentation": ("if True:\npass", "IndentationError"),
    "import error": ("import no_such_module", "ModuleNotFoundError"),
    "exception": ("raise ValueError('at top level')", "ValueError: at top level"),
}


@pytest.mark.parametrize(("code", "message"), FAILURES.values(), ids=FAILURES)
def test_a_cell_that_fails(attack, grade, code, message):
    """syntax error, import error, exception at top level"""
    graded = grade(attack(code))
    assert graded.lost == {TARGET: Reason.RAISED}
    assert message in graded.verdicts[TARGET].findings[0].observed


LOOPS = {
    "interruptible": "while True:\n    pass",
    "sleeping": "import time\ntime.sleep(3600)",
    "ignoring SIGINT": (
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass"
    ),
    "catching KeyboardInterrupt": (
        "while True:\n    try:\n        while True:\n            pass\n"
        "    except BaseException:\n        pass"
    ),
    "in C code": "sum(iter(int, 1))",
    "in a thread that is waited for": (
        "import threading\nloop = threading.Thread(target=lambda: [0 for _ in iter(int, 1)])\n"
        "loop.start()\nloop.join()"
    ),
    "in a thread, in C code": (
        "import threading\nthreading.Thread(target=sum, args=(iter(int, 1),)).start()"
    ),
    "in __del__": (
        "class Slow:\n    def __del__(self):\n        while True:\n            pass\n\n"
        "slow = Slow()\ndel slow"
    ),
    "run at exit": (
        "import atexit\n@atexit.register\ndef slow():\n    while True:\n        pass\n"
        "atexit._run_exitfuncs()"
    ),
    "stopped by itself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
}


@both_places
@cases(LOOPS)
def test_an_infinite_loop(attack, grade, code, place):
    """infinite loop: interruptible; ignoring SIGINT; in C code; in a thread; in `__del__` or
    `atexit`"""
    assert grade(attack(code, place), IMPATIENT).lost == {TARGET: Reason.TIMED_OUT}


def test_a_loop_at_exit_keeps_nobody_waiting(attack, grade):
    """infinite loop: … in `atexit`"""
    code = "import atexit\n@atexit.register\ndef slow():\n    while True:\n        pass\n"
    started = time.monotonic()
    assert grade(attack(code)).lost == {}
    assert grade(attack("quit()")).lost == {TARGET: Reason.RAISED}
    assert time.monotonic() - started < 10


def test_a_loop_left_in_a_thread_stops_nobody(attack, grade):
    """infinite loop: … in a thread"""
    code = "import threading\nthreading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()"
    assert grade(attack(code), Limits(cell=10, probe=10, submission=60)).lost == {}


ENDLESS = {
    "stdout": "while True:\n    print('x' * 1000)",
    "stdout in large pieces": "while True:\n    print('x' * 10**7)",
    "stderr": "import sys\nwhile True:\n    print('x' * 1000, file=sys.stderr)",
    "the process's own stdout": "import os\nwhile True:\n    os.write(1, b'x' * 10**6)",
    "display": (
        "from IPython.display import HTML, display\nwhile True:\n    display(HTML('x' * 10**5))"
    ),
    "a figure after another": (
        "import matplotlib.pyplot as plt\nwhile True:\n    plt.plot([1, 2])\n    plt.show()"
    ),
}


@both_places
@cases(ENDLESS)
def test_endless_output(attack, grade, code, place):
    """endless stdout, stderr, display"""
    before = psutil.Process().memory_info().rss
    graded = grade(attack(code, place), IMPATIENT)
    assert set(graded.lost) == {TARGET}
    assert graded.lost[TARGET] in (Reason.TIMED_OUT, Reason.OUT_OF_MEMORY)
    assert len(nbformat.writes(graded.notebook)) < 200_000
    assert psutil.Process().memory_info().rss < before + 200 * MIB


def test_a_huge_repr(handed_in, grade):
    """a 1 GB `repr`"""
    cell = cell_of(handed_in, TARGET)
    cell.source += "\n\nclass Long:\n    def __repr__(self):\n        return 'x' * 10**9\n\nLong()"
    graded = grade(handed_in, Limits(cell=20, probe=3, submission=60))
    assert set(graded.lost) <= {TARGET}
    assert len(nbformat.writes(graded.notebook)) < 200_000


CRASHES = {
    "os._exit": "import os\nos._exit(0)",
    "segfault": "import ctypes\nctypes.string_at(0)",
    "SIGKILL to itself": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "abort": "import os\nos.abort()",
    "stack overflow": (
        "import sys\nsys.setrecursionlimit(10**9)\n"
        "def deeper(_):\n    return list(map(deeper, [0]))\ndeeper(0)"
    ),
}


@both_places
@cases(CRASHES)
def test_a_crash(attack, grade, code, place):
    """`os._exit`, segfault, SIGKILL to itself, stack overflow"""
    assert grade(attack(code, place)).lost == {TARGET: Reason.CRASHED}


@both_places
def test_who_kills_everybody_else_kills_nobody(attack, grade, place):
    """SIGKILL to … (the processes around it)"""
    code = """
import os, signal
for pid in (1, os.getppid(), -1):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
"""
    assert grade(attack(code.strip(), place)).lost == {}


EXCEPTIONS = {
    "sys.exit": "import sys\nsys.exit()",
    "quit": "quit()",
    "exit": "exit()",
    "BaseException": "raise BaseException('base')",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "GeneratorExit": "raise GeneratorExit",
    "input": "input('your name? ')",
    "recursion": "def deeper():\n    return deeper()\ndeeper()",
    "a message that cannot be read": (
        "class Mute(Exception):\n    def __str__(self):\n        raise ValueError\nraise Mute"
    ),
    "a message of markup": "raise ValueError('<script>alert(1)</script>')",
    "a message that no file can hold": "raise ValueError('\\ud800\\udc80')",
}


@both_places
@cases(EXCEPTIONS)
def test_an_exception(attack, grade, code, place):
    """`sys.exit`, `quit()`, `BaseException`, `input()`"""
    # The traceback of an endless recursion takes four seconds to put together.
    graded = grade(attack(code, place), Limits(cell=20, probe=20, submission=60))
    assert graded.lost == {TARGET: Reason.RAISED}
    nbformat.writes(graded.notebook).encode()


STATES = {
    "default dtype": "torch.set_default_dtype(torch.float64)",
    "device": "torch.set_default_device('meta')",
    "grad mode": "torch.set_grad_enabled(False)",
    "inference mode": "torch.inference_mode().__enter__()",
    "seed": "torch.manual_seed(0)\nnp.random.seed(0)\nimport random\nrandom.seed(0)",
    "threads": "torch.set_num_threads(4)",
    "deterministic mode": "torch.use_deterministic_algorithms(True)",
    "numpy error state": "np.seterr(all='raise')",
    "warnings as errors": "import warnings\nwarnings.simplefilter('error')",
    "recursion limit": "import sys\nsys.setrecursionlimit(200)",
    "working folder gone": "import os\nos.mkdir('a')\nos.chdir('a')\nos.rmdir('../a')",
    "no output": "import sys\nsys.stdout = sys.stderr = None",
    "autocast": "torch.autocast('cpu', dtype=torch.bfloat16).__enter__()",
    "no garbage collection": "import gc\ngc.disable()",
}


@cases(STATES)
def test_changed_global_state(handed_in, grade, code):
    """global state changed: default dtype, device, grad mode, seed, threads, deterministic mode,
    `numpy` error state, warnings as errors"""
    handed_in.cells.insert(1, nbformat.v4.new_code_cell(code))
    assert grade(handed_in).lost == {}


HABITS = {
    "%%bash": "%%bash\nrm -rf ~/* /tmp/* / 2>/dev/null\necho done",
    "!cmd": "!rm -rf / ; kill -9 -1",
    "%autoreload": "%load_ext autoreload\n%autoreload 2",
    "%reset in a cell of its own": "%reset -f",
    "%cd": "%cd /tmp",
    "%%javascript": "%%javascript\nalert(1)",
    "an unknown magic": "%no_such_magic",
}


@cases(HABITS)
def test_magics_and_shells(handed_in, grade, code):
    """`%%bash`, `!cmd`, `%reset -f`, `%autoreload`"""
    handed_in.cells.insert(3, nbformat.v4.new_code_cell(code))
    assert grade(handed_in).lost == {}


def test_emptying_the_namespace_below_an_answer(handed_in, grade):
    """`%reset -f`"""
    cell_of(handed_in, TARGET).source += "\n\n%reset -f"
    assert grade(handed_in).lost == {TARGET: Reason.NOT_ATTEMPTED}


@both_places
def test_code_that_warns(attack, grade, place):
    """correct code that warns or prints to stderr"""
    code = "import sys, warnings\nwarnings.warn('careful')\nprint('x', file=sys.stderr)"
    code += "\nimport logging\nlogging.error('y')\nimport os\nos.write(2, b'z')"
    assert grade(attack(code, place)).lost == {}


LEFT = "86399.75"


def running(argument):
    listed = psutil.process_iter(["cmdline"])
    return [process for process in listed if argument in (process.info["cmdline"] or [])]


@both_places
def test_left_over_processes(attack, grade, place):
    """left-over processes"""
    code = f"""
import os, subprocess
subprocess.Popen(["setsid", "nohup", "sleep", "{LEFT}"])
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "{LEFT}"])
    os._exit(0)
"""
    assert grade(attack(code.strip(), place)).lost == {}
    deadline = time.monotonic() + 5
    while running(LEFT) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running(LEFT) == []

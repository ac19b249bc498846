"""Submissions that attack, graded for real in the box, and what must hold after each of them."""

import ast
import copy
import os
import sys
import textwrap
import time
import types

import psutil
import pytest

from autograder.building import instructor_notebook, student_notebook
from autograder.grading.checkout import REPOSITORY
from autograder.grading.running.grade import grade_notebook
from autograder.grading.running.kernels import open_launcher
from autograder.grading.running.references import References
from autograder.grading.running.sealed import seal
from autograder.grading.running.session import Limits
from tests.support.notebooks import LAB, cell_of, role

QUICK = Limits(cell=3, probe=3, submission=60)
TARGET = "relu_second_moment"
MADE = f"{TARGET} = (lambda: lambda variance: variance / 2)()"
"""An answer that is there only when its cell has run to its end: a plain definition would count
whatever the rest of the cell does."""

IN_ORDER = ("fan_in_and_fan_out", TARGET, "gaussian", "xavier_normal")
"""Four exercises are enough: one before the attacked one, and two after it, of which one needs the
first, so that a fresh kernel must have replayed it."""


def pytest_collection_modifyitems(items):
    if sys.platform != "linux":
        for item in items:
            if "hostile" in item.path.parts:
                item.add_marker(pytest.mark.skip(reason="the box is built of Linux namespaces"))


@pytest.fixture(scope="session")
def room(tmp_path_factory):
    room = seal(tmp_path_factory.mktemp("hostile") / "room")
    room.chmod(0o755)
    return room


@pytest.fixture(scope="session")
def launcher(room):
    """One box for all attacks: every test is also the next submission after another's attack."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OF_THE_GRADER", "a secret")
        launcher = open_launcher(room)
    yield launcher
    launcher.close()


@pytest.fixture(scope="session")
def references():
    return References(LAB, b"secret" * 6)


@pytest.fixture(scope="session")
def solved():
    whole = instructor_notebook(LAB, REPOSITORY)
    cells = [cell for cell in whole.cells if role(cell) == "setup"]
    for name in IN_ORDER:
        cells += [cell_of(whole, name, wanted) for wanted in ("answer", "check")]
    whole.cells = cells
    return whole


@pytest.fixture(scope="session")
def pristine():
    return student_notebook(LAB, REPOSITORY)


@pytest.fixture
def handed_in(solved):
    """Four answers, all right."""
    return copy.deepcopy(solved)


@pytest.fixture
def attack(handed_in):
    """Lay code into the attacked exercise: above the answer in its cell, or into the answer."""

    def lay(code, place="cell"):
        cell = cell_of(handed_in, TARGET)
        if place == "cell":
            cell.source = f"{code}\n\n{MADE}"
        else:
            body = textwrap.indent(code, "    ")
            cell.source = f"def {TARGET}(variance):\n{body}\n    return variance / 2"
        return handed_in

    return lay


@pytest.fixture(scope="session")
def grade(references, launcher):
    """Grade in the box; ``lost`` says which exercises lost points, and for which reason."""

    def run(notebook, limits=QUICK):
        graded = grade_notebook(notebook, references, launcher, student="ada", limits=limits)
        assert graded.record.confined
        named = {v.exercise.partition("/")[2]: v for v in graded.record.verdicts}
        asked = [n for n in IN_ORDER if any(_asks(cell, n) for cell in notebook.cells)]
        return types.SimpleNamespace(
            record=graded.record,
            notebook=graded.notebook,
            verdicts=named,
            lost={n: named[n].reason for n in asked if named[n].score < named[n].points},
        )

    return run


@pytest.fixture
def learned(grade, handed_in):
    """What code in a submission could find out: the value of an expression, by an exception."""

    def run(code, expression, seconds=20.0):
        notebook = copy.deepcopy(handed_in)
        told = f"raise RuntimeError(repr({expression}))"
        cell_of(notebook, TARGET).source = f"{textwrap.dedent(code)}\n{told}\n{MADE}"
        graded = grade(notebook, Limits(cell=seconds, probe=3, submission=60))
        assert set(graded.lost) == {TARGET}
        error, _, said = graded.verdicts[TARGET].findings[0].observed.partition(": ")
        assert error == "RuntimeError", said
        return ast.literal_eval(said)

    return run


@pytest.fixture(autouse=True)
def nothing_is_left(launcher):
    """After every attack: the same box, with no process and no folder more than before."""
    box = launcher._box
    before = _processes(box), os.listdir(box._folder)
    yield
    assert launcher._box is box and box.alive
    deadline = time.monotonic() + 5
    while _processes(box) != before[0] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (_processes(box), os.listdir(box._folder)) == before


def _processes(box):
    return {process.pid for process in psutil.Process(box._process.pid).children(recursive=True)}


def _asks(cell, name):
    return role(cell) == "check" and cell.metadata.autograder.exercise.endswith(f"/{name}")

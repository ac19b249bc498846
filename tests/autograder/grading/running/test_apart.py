"""Kernels are looked at in a process in which no cell of the notebook has run."""

import numpy as np
import pytest

pytest.importorskip("triton")

from autograder import probes
from autograder.grading.running.session import Session
from autograder.judging import Lab, Reason, hidden, judge
from autograder.judging.exercise import Part
from autograder.judging.kernels import (
    as_exact_as,
    compiles,
    moves_few_bytes,
    no_races,
    same_in_any_order,
    writes_everything,
)
from autograder.judging.source.kernels import handed_in
from course_lib.tracing.language import tl, triton
from tests.autograder.grading.conftest import QUICK

SETUP = "import torch, triton\nimport triton.language as tl"
ADD = """\
@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + i, tl.load(x_ptr + i, i < n) + tl.load(y_ptr + i, i < n), i < n)"""

PATCHES = {
    "the tracer": (
        "import course_lib.tracing.trace as trace\n"
        "trace.Trace.loaded = trace.Trace.stored = property(lambda self: 0)\n"
        "trace.Trace._touched = lambda self, *rest: []"
    ),
    "the probe": (
        "import autograder.probes.launches as launches\n"
        "launches._interpret = lambda answer, inputs, outputs, seen: None"
    ),
    "the interpreter": (
        "from triton.runtime.interpreter import InterpreterBuilder as B\n"
        "B.create_add = B.create_fadd = lambda *rest: 1 / 0"
    ),
    "the kernel": "import os\nos.kill(os.getpid(), 9)",
}


@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n
    tl.store(out_ptr + i, tl.load(x_ptr + i, inside) + tl.load(y_ptr + i, inside), inside)


def inputs(rng):
    n = int(rng.integers(20, 70))
    arguments = {"x_ptr": rng.normal(size=n), "y_ptr": rng.normal(size=n)}
    out = {"make": "output", "shape": [n]}
    return {
        "arguments": {**arguments, "out_ptr": out, "n": n, "BLOCK": 16},
        "grid": [-(-n // 16)],
        "gpu": {"n": 4096, "BLOCK": 1024},
    }


def torchs(inputs):
    return inputs["arguments"]["x_ptr"] + inputs["arguments"]["y_ptr"]


def fewest(inputs):
    return 12 * inputs["arguments"]["n"]


exercise = Lab("sums", number=99, title="Sums").exercise(
    add.fn,
    title="Add",
    statement="Add.",
    inputs=inputs,
    dtypes=("float32",) * 3,
    probe=probes.launched("out_ptr"),
    parts=(
        Part("right", 2, (as_exact_as(torchs, "out_ptr", "the sum"),)),
        Part("safe", 1, (same_in_any_order(), no_races(), writes_everything(), compiles())),
        Part("bytes", 1, (moves_few_bytes(fewest),)),
    ),
)


@pytest.fixture(scope="module")
def on():
    return hidden(exercise, 3)


def judged(launcher, on, *cells):
    """The verdict on the kernel that cells define, looked at after they have run."""
    with Session(launcher, QUICK) as session:
        for cell in cells:
            session.run_cell(cell)
        handed = handed_in(cells, "add")
        assert handed.wrong == ()
        ended, reply = session.observe(exercise, on.drawn, on.seed, again=handed.source, alone=True)
        assert ended.status == "ok", ended.sentence
        return judge(exercise, on, reply["observations"]), reply["observations"]


def test_a_kernel_is_traced_and_compiled_in_the_box(launcher, on):
    verdict, seen = judged(launcher, on, SETUP, ADD)
    assert verdict.reason is Reason.CORRECT, verdict.findings
    assert np.array_equal(seen[0]["result"]["out_ptr"], seen[0]["again"]["out_ptr"])
    assert seen[0]["compiled"]["sm_90"]["spills"] == 0


@pytest.mark.parametrize("what", PATCHES)
def test_what_other_cells_do_has_no_part_in_it(launcher, on, what):
    wasteful = ADD.replace("i < n) +", "i < n) + 0 * tl.load(x_ptr + i, i < n) +")
    verdict, _ = judged(launcher, on, SETUP, PATCHES[what], wasteful)
    told = {f.property: f.gist for f in verdict.findings if not f.passed}
    assert told == {
        "it moves no more bytes than it needs to": "1.33 times as many bytes as are needed"
    }
    assert verdict.score == 3


@pytest.mark.parametrize(
    ("kernel", "told"),
    [
        (ADD.replace(", i < n)\"", ")").replace("(y_ptr + i, i < n), i < n)",
                                                "(y_ptr + i, i < n))"), "OutOfBounds (line 4"),
        (ADD.replace("i < n) +", "i < n) + tl.sum(tl.arange(0, 3)) +"), "ValueError (line 4"),
    ],
)  # fmt: skip
def test_the_line_told_is_that_of_the_cell(launcher, on, kernel, told):
    with Session(launcher, QUICK) as session:
        source = handed_in([SETUP, kernel], "add").source
        _, reply = session.observe(exercise, on.drawn, on.seed, again=source, alone=True)
    verdict = judge(exercise, on, reply["observations"])
    assert verdict.score == 0
    assert verdict.findings[0].gist.startswith(told)


def test_what_is_no_kernel_at_all_is_an_end_like_any_other(launcher, on):
    with Session(launcher, QUICK) as session:
        ended, _ = session.observe(
            exercise, on.drawn, on.seed, again="raise SystemExit", alone=True
        )
        assert ended.status == "error"
        _, reply = session.observe(exercise, on.drawn, on.seed, again="", alone=True)
        assert reply["defined"] is False
        ended, _ = session.observe(exercise, on.drawn, on.seed, again=ADD, alone=True)
        assert ended.status != "ok"  # its decorator knows no Triton: `handed_in` leaves it out

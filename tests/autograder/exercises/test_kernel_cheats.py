"""Every way round a kernel that is known from public benchmarks is refused, for the right reason.

The student hands in nothing but kernels, so what cheats by code around them (streams, threads,
caches, patched timers, frames) has no place to stand; those are here as what a kernel may not
contain. The others hand in kernels that run, and are judged by what they give and touch.
"""

import pytest

pytest.importorskip("triton")

from autograder.exercises import find_exercise
from autograder.judging import hidden, judge
from autograder.judging.source.kernels import handed_in
from autograder.judging.source.laying import answer_source
from autograder.probes import wire
from autograder.probes.kernel import observe, request

SETUP = "import torch, triton, threading, os, gc, sys, ctypes\nimport triton.language as tl"
exercise = find_exercise("kernels/cross_entropy")
RIGHT = answer_source(exercise, exercise.reference)
HEAD, _, BODY = RIGHT.rpartition('"""\n')
BODY = BODY.rstrip()


@pytest.fixture(scope="module")
def on():
    return hidden(exercise, 11)


def judged(on, source):
    """What is said of a kernel: why it is refused, or the verdict."""
    handed = handed_in([SETUP, source], exercise.name)
    if handed.wrong:
        return handed.wrong, None
    asked = request(exercise.name, exercise.probe, on.drawn, 5, again=handed.source, alone=True)
    reply = wire.loads(observe(asked, {}).text)
    return (), judge(exercise, on, reply["observations"])


def told(verdict):
    return " | ".join(f"{f.property}: {f.gist}" for f in verdict.findings if not f.passed)


def with_body(*lines):
    return f'{HEAD}"""\n' + "\n".join(f"    {line}" for line in lines)


def after(line):
    return f"{RIGHT}\n    {line}"


def test_the_right_kernel_passes(on):
    refused, verdict = judged(on, RIGHT)
    assert not refused and verdict.passed, told(verdict)


@pytest.mark.parametrize(
    ("cheat", "line"),
    [
        ("works on another stream", "torch.cuda.Stream()"),
        ("leaves the work to a thread", "threading.Thread(target=print).start()"),
        ("answers lazily", "losses_ptr.__class__ = Lazy"),
        ("patches the timer", "torch.cuda.Event.elapsed_time = 0"),
        ("replays what was computed before", "CACHE[logits_ptr] = losses_ptr"),
        ("asks whether it is being timed", "if os.environ:\n        return"),
        ("looks for what is expected", "gc.get_objects()"),
        ("walks the frames of the grader", "sys._getframe(1)"),
        ("guesses the seed", "torch.manual_seed(0)"),
        ("falls back on torch", "torch.nn.functional.cross_entropy(logits_ptr, targets_ptr)"),
        ("falls back where it fails", "try:\n        pass\n    except Exception:\n        pass"),
        ("writes through the interpreter", "x.handle.data[:] = 0"),
        ("writes to memory by itself", "ctypes.memset(0, 0, 8)"),
        ("hides code in a string", "exec('import os')"),
        ("has another language inside", "tl.inline_asm_elementwise('', '', [], tl.int32, True, 1)"),
        ("edits the grader", "tl.load.__code__ = 0"),
        ("imports what it likes", "import os"),
        ("prints a score of its own", "print(f'score: {1}')"),
        ("opens a file", "open('result', 'w')"),
        ("has the library do it", "tl.softmax(x)"),
    ],
)  # fmt: skip
def test_what_needs_python_has_no_place(on, cheat, line):
    refused, verdict = judged(on, after(line))
    assert refused and verdict is None, cheat


LOSSES = "tl.store(losses_ptr + row, {}, mask=there)"


@pytest.mark.parametrize(
    ("cheat", "source", "said"),
    [
        ("does nothing, for the memory may hold the result of before", with_body("pass"), "losses"),
        ("gives zeros, for gradients are small",
         RIGHT.replace("gradient * scale", "gradient * 0.0"), "gradient"),
        ("writes the target's entry only",
         RIGHT.replace("gradient * scale, mask=inside", "gradient * scale, mask=inside & hit"),
         "gradient"),
        ("computes in half precision",
         RIGHT.replace("    powers = ", "    x = x.to(tl.float16).to(tl.float32)\n    powers = "),
         "losses"),
        ("zeroes the inputs first, so that all is zero",
         RIGHT.replace("gradient * scale", "gradient * 0.0")
              .replace("row, loss,", "row, loss * 0.0,"), "losses"),
        ("guesses the same for every class",
         RIGHT.replace("gradient * scale",
                       "(1.0 / classes - tl.where(hit, 1.0, 0.0)) * scale + 0.0 * x"), "gradient"),
        ("gives nan, which nothing is unequal to",
         RIGHT.replace("row, loss,", "row, loss / 0.0 * 0.0,"), "losses"),
        ("leaves out the maximum", RIGHT.replace("    x = x - tl.max(x, axis=1)[:, None]\n", ""),
         "losses"),
        ("is made for one shape",
         RIGHT.replace("row[:, None] * classes", "row[:, None] * 10"), ""),
        ("reads what lies beyond",
         RIGHT.replace("place, mask=inside, other=-1e30", "place"), "OutOfBounds"),
        ("writes what lies beyond",
         RIGHT.replace("gradient * scale, mask=inside", "gradient * scale"), "OutOfBounds"),
        ("races, and is lucky",
         RIGHT.replace("losses_ptr + row, loss", "losses_ptr + 0 * row, loss"), ""),
        ("counts on what lanes beyond hold", RIGHT.replace(", other=-1e30", ""), "losses"),
        ("hands in one kernel and defines another",
         with_body("pass").replace("def cross_entropy", "def cross_entropy") + "\n\n\n"
         + RIGHT.replace("def cross_entropy", "def ghost"), "losses"),
        ("hides from the compiler behind the block size of the tests",
         RIGHT.replace("    hit = ",
                       "    if CLASSES < 512:\n        if rows > 0:\n            late = 1.0\n"
                       "        total = total * late\n    hit = "), "the compiler refuses it"),
        ("does nothing with the block size of a GPU",
         with_body("if CLASSES >= 512:", "    return", *BODY.strip().split("\n    ")),
         "loads nothing"),
        ("tells by the leftovers whether it is looked at for the first time",
         RIGHT.replace("    powers = ",
                       "    before = tl.load(losses_ptr + row, mask=there, other=0.0)\n"
                       "    powers = ")
              .replace("row, loss,", "row, tl.where(before != before, loss, -loss),"),
         "in another order"),
        ("reads all of it twice, slowly",
         RIGHT.replace("    powers = ", "    x = x + 0.0 * tl.load(place, mask=inside, other=0.0)\n"
                                         "    powers = "), "bytes"),
    ],
)  # fmt: skip
def test_what_runs_is_judged_by_what_it_does(on, cheat, source, said):
    assert source != RIGHT
    refused, verdict = judged(on, source)
    assert not refused, refused
    assert not verdict.passed, cheat
    assert said in told(verdict) + " " + (verdict.diagnosis or ""), told(verdict)

"""The bytes of the kernels on any machine, and the table of times without a GPU."""

import dataclasses
import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import kernels, timing
from benchmarks.kernels import MOST_BYTES, Place, Timed, measure, table_of_times
from course_lib import tracing

REPOSITORY = Path(kernels.__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(not tracing.available(), reason="there is no Triton")


@functools.cache
def counted():
    return kernels.count_bytes()


def test_every_kernel_moves_hardly_more_than_the_fewest_bytes():
    assert len(counted()) > 20
    assert [one for one in counted() if one.ratio > MOST_BYTES] == []
    assert all(one.ratio > 0.9 for one in counted())


def test_the_page_on_kernels_has_the_bytes_that_are_counted():
    table = kernels.table_of_bytes(counted())
    assert table in (REPOSITORY / "docs" / "kernels.md").read_text()


def test_the_program_counts_whatever_the_environment_says_of_interpreting():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kernels", "--bytes"],
        cwd=REPOSITORY,
        env={**os.environ, "TRITON_INTERPRET": "0"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == kernels.table_of_bytes(counted())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_times_are_refused_in_words():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kernels"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "needs a GPU" in done.stderr and done.stdout == ""


def test_as_many_calls_take_turns_as_go_through_four_times_the_cache():
    made = []
    assert len(timing.rotating(lambda: made.append(1), 100, cache=60)) == len(made) == 3
    assert len(timing.rotating(lambda: None, 1000, cache=60)) == 1


def test_a_time_is_the_median_for_one_call_after_warming_up():
    counts = []

    def clock(calls):
        counts.append(len(calls))
        slow = len(counts) == timing.WARM_UP + 1
        return len(calls) * (9.0 if slow else 2.0)

    assert timing.seconds_a_call([print, print, print], clock) == 2.0
    assert counts[: timing.WARM_UP] == [3] * timing.WARM_UP
    assert counts[timing.WARM_UP :] == [12] * timing.REPEATS


def test_a_table_has_a_row_a_case_and_dtype_and_says_what_cannot_be():
    def timed(by, seconds, name="copy"):
        return Timed(name, "float32", by, seconds, fewest=1000, bandwidth=1e9)

    rows = table_of_times(
        [timed("ours", 1.25e-6), timed("torch", 0.5e-6), timed("ours", 2e-6, "sum")]
    ).splitlines()
    assert rows[0] == "| kernel | dtype | ours | torch |"
    assert rows[2] == "| copy | float32 | 1 µs, 0.80 | 0 µs, 2.00 (measurement wrong) |"
    assert rows[3] == "| sum | float32 | 2 µs, 0.50 | — |"
    assert not timed("ours", 1e-6).wrong and timed("ours", 0.9e-6).wrong


def test_every_case_runs_by_every_way(capsys, monkeypatch):
    """As on a GPU, but for the size, the clock and the compiler."""
    from benchmarks.kernel_cases import CASES

    def clock(calls):
        calls[0]()
        return 1.0

    def refuses(work):
        raise NotImplementedError("not here")

    monkeypatch.setattr(timing, "REPEATS", 1)
    monkeypatch.setattr(timing, "WARM_UP", 1)
    cases = [dataclasses.replace(case, compiled=refuses, others={}) for case in CASES]
    place = Place("cpu", False, clock, cache=1, bandwidth=1.0)
    timed = list(measure(cases, place))
    assert {one.name for one in timed} == {case.name for case in CASES}
    assert {one.by for one in timed} == {"ours", "torch"}
    assert "not here" in capsys.readouterr().out


def test_what_does_not_give_what_torch_gives_is_not_measured():
    from benchmarks.kernel_cases import CASES, forward

    gelu = next(case for case in CASES if case.name == "gelu")
    wrong = dataclasses.replace(gelu, ours=forward(torch.relu))
    place = Place("cpu", False, lambda calls: 1.0, cache=1, bandwidth=1.0)
    with pytest.raises(RuntimeError, match="gelu, float32: off by"):
        next(measure([wrong], place))

"""The checks on kernels fail on what they are for, and on nothing else."""

import numpy as np
import pytest

from autograder.judging.checks import Case
from autograder.judging.kernels import (
    as_exact_as,
    compiles,
    moves_few_bytes,
    no_races,
    same_in_any_order,
    writes_everything,
)

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(128, 10)) * 3


def gradient(logits):
    """Of the mean cross-entropy of row i with the class i % 10."""
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    chances = shifted / shifted.sum(1, keepdims=True)
    chances[np.arange(128), np.arange(128) % 10] -= 1
    return chances / 128


EXACT = gradient(LOGITS.astype(np.float32).astype(np.float64))
INPUTS = {"arguments": {"logits": LOGITS.astype(np.float32)}}
TORCHS = gradient(LOGITS.astype(np.float32))


def judged(given):
    case = Case(INPUTS, {"result": {"out": given}}, {"result": {"out": EXACT}})
    return as_exact_as(lambda inputs: TORCHS, "out")(case)


def target_only():
    rows = np.arange(128)
    only = np.zeros_like(EXACT)
    only[rows, rows % 10] = EXACT[rows, rows % 10]
    return only


def test_torchs_own_error_is_allowed():
    assert judged(TORCHS).passed


@pytest.mark.parametrize(
    "given",
    [
        np.zeros_like(EXACT),
        target_only(),
        EXACT.astype(np.float16),
        gradient(LOGITS.astype(np.float16)),
        EXACT + 4 * (TORCHS - EXACT) + 4e-6 * np.abs(EXACT).max(),
        np.full_like(EXACT, np.nan),
        EXACT[:, :9],
    ],
    ids=["zeros", "the target only", "half", "half inside", "five times", "nan", "another shape"],
)
def test_what_any_tolerance_of_the_field_lets_through_fails(given):
    assert not judged(given).passed


def traced(**entries):
    seen = {"loaded": 80, "stored": 40, "races": [], "unwritten": {"out": 0}, **entries}
    result = {"result": {"out": np.arange(3.0)}}
    return Case({"n": 10}, {"traced": seen, **result}, result)


@pytest.mark.parametrize(
    ("loaded", "passed"), [(80, True), (82, True), (83, False), (120, False), (50, True)]
)
def test_bytes_are_held_to_the_fewest(loaded, passed):
    found = moves_few_bytes(lambda inputs: 12 * inputs["n"])(traced(loaded=loaded))
    assert found.passed is passed
    assert passed or f"{(loaded + 40) / 120:.2f} times" in found.gist


def test_bytes_count_where_the_result_is_right():
    case = traced(loaded=0)
    wrong = Case(case.inputs, {**case.observed, "result": {"out": np.zeros(3)}}, case.expected)
    found = moves_few_bytes(lambda inputs: 120)(wrong)
    assert (found.passed, found.seen) == (False, False)


def test_races_and_what_was_never_written_fail():
    assert no_races()(traced()).passed
    assert not no_races()(traced(races=["program 1 reads …"])).passed
    assert writes_everything()(traced()).passed
    found = writes_everything()(traced(unwritten={"out": 3}))
    assert (found.passed, found.observed) == (False, "never stored: 3 of `out`")


def test_another_order_must_give_the_same():
    right, wrong = {"out": np.arange(3.0)}, {"out": np.zeros(3)}
    expected = {"result": right, "again": right}
    assert same_in_any_order()(Case({}, {"result": right, "again": right}, expected)).passed
    assert not same_in_any_order()(Case({}, {"result": right, "again": wrong}, expected)).passed
    assert not same_in_any_order()(Case({}, {"result": wrong, "again": right}, expected)).seen


def test_what_the_compiler_says_is_told():
    def found(compiled):
        return compiles()(Case({}, {"compiled": compiled}, {}))

    assert found({"sm_80": {"spills": 0, "widest": 4}, "sm_90": {"spills": 8, "widest": 16}}).passed
    assert "refuses it: NameError: y" in found({"error": "NameError: y is not defined"}).gist
    assert "spill" in found({"sm_90": {"spills": 128, "widest": 16}}).gist
    assert "loads nothing" in found({"sm_90": {"spills": 0, "widest": 0}}).gist


@pytest.mark.parametrize("seen", [{}, {"traced": None}, {"traced": {"loaded": "1"}}, {"again": 1}])
def test_an_observation_of_another_form_fails(seen):
    for check in (
        no_races(),
        writes_everything(),
        moves_few_bytes(lambda i: 1),
        same_in_any_order(),
    ):
        assert not check(Case({}, seen, {"again": {"out": 0}})).passed

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from autograder.judging.comparison import Tolerance, difference, same
from autograder.judging.wording import apart, times


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (1.0, 1.0 + 1e-9),
        (np.float64(2.0).reshape(()), 2),
        (np.ones(3, np.float32), np.full(3, 1 + 1e-8)),
        (2**100, 2**100),
        (np.array([np.inf, 1.0]), np.array([np.inf, 1.0])),
        ([1, np.zeros(2)], [1.0, np.zeros(2)]),
        (np.array([1, 2]), [1, 2]),
        ([1, 2.0], np.array([1.0, 2.0])),
        ([[1, 2], np.array([3, 4])], np.array([[1.0, 2.0], [3.0, 4.0]])),
        ({"a": 1}, {"a": 1.0}),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf])),
        (np.zeros(2), np.full(2, 0.0)),
        (None, None),
        ("up", "up"),
    ],
)
def test_values_that_are_the_same_up_to_rounding(observed, expected):
    assert same(observed, expected)


@pytest.mark.parametrize(
    ("observed", "expected", "gist"),
    [
        (np.array([2.0, 4.0]), np.array([1.0, 2.0]), "every entry is 2 times too large"),
        (0.25, 1.0, "4 times too small"),
        (np.array([-1.0, -2.0]), np.array([1.0, 2.0]), "the sign is the other way round"),
        (np.array([1.5, 2.5]), np.array([1.0, 2.0]), "every entry is shifted by 0.5"),
        (np.arange(4.0).reshape(2, 2).T, np.arange(4.0).reshape(2, 2), "it is the transpose"),
        (np.zeros(3), np.ones(3), "all zero"),
        (np.array([np.nan, 1.0]), np.ones(2), "1 of 2 are not finite"),
        (
            np.ones((1, 7)),
            np.ones(7),
            "shape (1, 7), wanted (7,); the numbers themselves are right",
        ),
        (np.ones((2, 3)), np.ones(5), "shape (2, 3), wanted (5,)"),
        (None, np.ones(2), "None came back: is a `return` missing?"),
        (None, [1.0, 2.0], "None came back: is a `return` missing?"),
        (1.5, [1.0, 2.0], "a number instead of 2 values"),
        (np.array([2.8, 1.0002, 2.0004]), np.array([0.0, 1.0, 2.0]), "3 of 3 entries differ"),
        ({"not data": "list_iterator"}, 1.0, "a list_iterator, not numbers"),
        ([1.0], [1.0, 2.0], "another number of values"),
        ({"a": 1}, {"b": 1}, "other entries than asked for"),
        ([1.0, 3.0], [1.0, 2.0], "entry 1: 1.5 times too large"),
        (np.array([1.0, 2.0, 7.0]), np.array([1.0, 2.0, 3.0]), "1 of 3 entries differ"),
        ("down", "up", "another value"),
        (4, 2, "another value"),  # the number of a run: a factor says nothing
        (3, 2, "larger by one"),
        (1, 2, "smaller by one"),
        (4800, 2400, "2 times too large"),
        (4.0, 2, "2 times too large"),
        (False, True, "False"),
        (True, False, "True"),
        (np.zeros(3, bool), np.array([True, False, True]), "all False"),
        (np.array([True, False]), np.array([True, True]), "1 of 2 entries differ"),
        ({"a": None}, {"a": 0.5}, "a: None"),
    ],
)
def test_a_difference_says_what_it_looks_like(observed, expected, gist):
    found = difference(observed, expected)
    assert found is not None and found.gist == gist


def test_one_wrong_small_entry_is_not_hidden_by_large_ones():
    expected = np.array([1e3, 1e-3])
    assert not same(np.array([1e3, 2e-3]), expected)


EXPECTED = np.array([0.1, 1.0, -3.7, 12.3]) / 0.7
FLOAT32, FLOAT16 = Tolerance(dtype="float32"), Tolerance(dtype="float16")


def rounded(dtype):
    return torch.from_numpy(EXPECTED).to(dtype).to(torch.float64).numpy()


def rough(dtype):
    """What a longer computation in a dtype leaves behind."""
    digits = torch.from_numpy(EXPECTED * (1 + 3e-6)).to(dtype)
    return digits.numpy()


def test_the_tolerance_is_that_of_the_inputs_whatever_an_answer_returns():
    assert not same(rough(torch.float32), EXPECTED)
    assert not same(EXPECTED.astype(np.float16), EXPECTED)
    assert same(rough(torch.float32), EXPECTED, FLOAT32)
    assert same(EXPECTED * (1 + 2e-5), EXPECTED, FLOAT32)
    assert not same(EXPECTED.astype(np.float16), EXPECTED, FLOAT32)
    assert same(EXPECTED.astype(np.float16), EXPECTED, FLOAT16)


def test_an_answer_may_hold_constants_in_float32_where_the_exercise_says_so():
    x = torch.linspace(-1, 1, 7, dtype=torch.float64)
    y = 3 + torch.cos(9 * x)
    exact = y - y.mean()
    single = y - (torch.ones(7) / 7 * y).sum()
    allowed = Tolerance(float32_constants=True)
    assert not same(single.numpy(), exact.numpy())
    assert same(single.numpy(), exact.numpy(), allowed)
    assert not same(exact.numpy() * (1 + 3e-6), exact.numpy(), allowed)
    assert same(rough(torch.float32), EXPECTED, replace(allowed, dtype="float32"))


def test_what_an_answer_looks_like_is_told_from_its_own_dtype_down_to_float32():
    assert same(rough(torch.float32), EXPECTED, Tolerance(alike=True))
    assert not same(rough(torch.float64), EXPECTED, Tolerance(alike=True))
    assert not same(rough(torch.float16), EXPECTED, Tolerance(alike=True))


def test_a_reference_in_a_lower_precision_is_no_more_exact_than_that():
    assert same(EXPECTED, EXPECTED.astype(np.float32))
    assert not same(EXPECTED * 1.001, EXPECTED.astype(np.float32))


@pytest.mark.parametrize(
    ("observed", "tolerance", "gist"),
    [
        (rough(torch.float32), Tolerance(), "computed in float32; the inputs are float64"),
        (
            rough(torch.float32).astype(float),
            Tolerance(),
            "computed in float32; the inputs are float64",
        ),
        (EXPECTED.astype(np.float16), Tolerance(), "computed in float16; the inputs are float64"),
        (rounded(torch.float16), FLOAT32, "computed in float16; the inputs are float32"),
        (rounded(torch.bfloat16), FLOAT32, "computed in bfloat16; the inputs are float32"),
        (EXPECTED * (1 + 4e-6), Tolerance(), "differs in the 6th digit: float32 somewhere inside"),
        (EXPECTED * (1 + 4e-5), Tolerance(), "4 of 4 entries differ, in the 5th digit"),
    ],
)
def test_an_answer_in_a_lower_precision_is_told_so(observed, tolerance, gist):
    assert difference(observed, EXPECTED, tolerance).gist == gist


def test_what_is_wrong_is_not_taken_for_a_loss_of_precision():
    wrong = (EXPECTED * 1.5).astype(np.float32)
    assert difference(wrong, EXPECTED).gist == "every entry is 1.5 times too large"
    half = difference(0.5, 0.5037)
    assert "float16" not in half.gist and half.gist.endswith("times too small")


def test_where_the_digits_shown_would_agree_more_are_shown():
    found = difference(9.02212e8 + 4, 9.02212e8, Tolerance(rtol=1e-9))
    assert (found.expected, found.observed) == ("902212000", "902212004")
    for one, other in ((0.902212, 0.902212004), (1234567.0, 1234568.0), (1.0, np.nextafter(1, 2))):
        assert len(set(apart(one, other))) == 2
    assert apart(0.1, 0.1) == ("0.1", "0.1") and apart(1 / 3, 1 / 3) == ("0.333333", "0.333333")
    assert times(1.00003) == "1.00003 times too large" and times(1 / 1.00003).startswith("1.00003")
    words = difference("a" * 80 + "left", "a" * 80 + "right")
    assert words.expected != words.observed


def test_whole_numbers_are_compared_exactly_unless_a_tolerance_is_stated():
    assert not same(20_001, 20_000, FLOAT32)
    assert not same(np.array([2**60 + 1]), np.array([2**60]))
    assert same(20_001, 20_000, Tolerance(rtol=1e-4))
    assert same(20_000.5, 20_000, FLOAT32)
    found = difference(True, False)
    assert (found.expected, found.observed) == ("False", "True")


def test_only_infinity_is_near_infinity():
    for observed in (5.0, -np.inf, np.nan, np.finfo(float).max):
        assert not same(np.array([observed, 1.0]), np.array([np.inf, 1.0]))


def test_the_largest_numbers_are_compared_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = difference(np.array([1.7e308, -1.7e308]), np.array([1e-300, 1e300]))
        assert found is not None and found.gist


def test_what_the_dtype_rounds_to_zero_is_zero():
    tiny = np.array([4.5e-83, 0.0])
    assert same(np.zeros(2, np.float32), tiny, FLOAT32)
    assert not same(np.zeros(2, np.float32), tiny)
    assert not same(np.zeros(2), tiny)


STRANGE = [
    None,
    "text",
    {},
    {"not data": "Liar"},
    {1: 2, "a": 3},
    [],
    [[]],
    [[1], [2, 3]],
    [None, "a", {}],
    [np.ones(2), np.ones(3)],
    True,
    10**400,
    -(2**70),
    math.nan,
    -math.inf,
    1j,
    object(),
    np.zeros((0, 3)),
    np.zeros(()),
    np.array(["a"]),
    np.array([None, 1], dtype=object),
    np.array([1 + 2j]),
    np.full(3, np.nan),
    np.array([1e308, -1e308, np.inf]),
    np.array([5e-324, 0.0, -0.0]),
    np.ones((2, 3), np.float16),
    np.ones((3, 2), bool),
    np.array([2**64 - 1], np.uint64),
    np.broadcast_to(1.0, (2000, 1000)),
]


@pytest.mark.parametrize("expected", [1.0, 3, True, "up", None, np.ones((2, 3)), np.arange(3)])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_whatever_was_observed_ends_in_words(expected, depth):
    for observed in STRANGE:
        wanted = expected
        for _ in range(depth):
            observed, wanted = [observed, {"inside": observed}], [wanted, {"inside": wanted}]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = difference(observed, wanted)
            if found is not None:
                assert found.gist and found.expected != found.observed


def test_small_arrays_are_shown_whole_and_can_be_told_apart():
    found = difference(np.array([[0.25, 1.0], [2.0, 3.00001]]), np.array([[0.25, 1], [2, 3.0]]))
    assert found.expected == "[[0.25, 1], [2, 3]]"
    assert found.observed == "[[0.25, 1], [2, 3.00001]]"


def test_of_large_arrays_the_worst_entry_is_shown_with_its_place():
    wanted = np.zeros((4, 5))
    given = wanted.copy()
    given[2, 3] = 7
    found = difference(given, wanted)
    assert (found.expected, found.observed) == ("0 at [2, 3]", "7 at [2, 3]")

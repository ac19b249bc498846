import warnings

import numpy as np
import pytest

from autograder.judging.comparison import difference, same


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (1.0, 1.0 + 1e-9),
        (np.float64(2.0).reshape(()), 2),
        (np.ones(3, np.float32), np.full(3, 1 + 1e-6)),
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
        (None, np.ones(2), "None, not numbers"),
        ({"not data": "list_iterator"}, 1.0, "a list_iterator, not numbers"),
        ([1.0], [1.0, 2.0], "another number of values"),
        ({"a": 1}, {"b": 1}, "other entries than asked for"),
        ([1.0, 3.0], [1.0, 2.0], "entry 1: 1.5 times too large"),
        (np.array([1.0, 2.0, 7.0]), np.array([1.0, 2.0, 3.0]), "1 of 3 entries differ"),
        ("down", "up", "another value"),
    ],
)
def test_a_difference_says_what_it_looks_like(observed, expected, gist):
    found = difference(observed, expected)
    assert found is not None and found.gist == gist


def test_one_wrong_small_entry_is_not_hidden_by_large_ones():
    expected = np.array([1e3, 1e-3])
    assert not same(np.array([1e3, 2e-3]), expected)


def test_a_float32_result_is_compared_with_the_tolerance_of_float32():
    expected = np.array([1.0, 2.0])
    assert same(expected.astype(np.float32) * np.float32(1 + 2e-5), expected)
    assert not same(expected * (1 + 2e-5), expected)


def test_the_largest_numbers_are_compared_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = difference(np.array([1.7e308, -1.7e308]), np.array([1e-300, 1e300]))
        assert found is not None and found.gist


def test_what_the_dtype_rounds_to_zero_is_zero():
    tiny = np.array([4.5e-83, 0.0])
    assert same(np.zeros(2, np.float32), tiny)
    assert not same(np.zeros(2), tiny)

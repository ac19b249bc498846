"""Figures: every value is counted once, in the bin where a reader looks for it."""

import pytest

from autograder.reporting.charts import Axis, axis_of, finite_numbers, histogram


def test_scores_fall_into_their_bins():
    bins = histogram([0, 5, 10, 10], Axis(0, 10), bins=2)
    assert [b.count for b in bins] == [1, 3]
    assert [b.height for b in bins] == [pytest.approx(1 / 3), 1]
    assert sum(b.count for b in histogram([], Axis(0, 10))) == 0


def test_a_value_at_an_edge_belongs_to_the_bin_above_it():
    for top in (3, 7, 48, 0.3):
        edges = [top * i / 12 for i in range(12)]
        assert [b.count for b in histogram(edges, Axis(0, top))] == [1] * 12


def test_what_lies_beyond_the_axis_is_counted_at_its_ends():
    bins = histogram([-5, 0.1, 99], Axis(0, 1), bins=3)
    assert [b.count for b in bins] == [2, 0, 1]


@pytest.mark.parametrize(
    ("numbers", "outcome"),
    [
        ([0.001, 0.1, 3.0], 0.001),
        ([0.0, -1.0, 1e9], 0.001),
        ([0.5, 0.9, 1.0], 0.85),
        ([0.0, 0.0], 0.0),
        ([2.0], None),
        ([5.0, 5.0, 5.0], 5.0),
        ([-3.0, -2.0], -2.5),
        ([1e-30, 1e30], 1.0),
        ([1.0, 2.0, 1e90], None),
    ],
)
def test_every_set_of_predictions_has_an_axis_with_the_outcome_on_it(numbers, outcome):
    axis = axis_of(numbers, outcome)
    assert axis.low < axis.high
    if outcome is not None:
        assert axis.low <= outcome <= axis.high
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= 12
    assert all(0 <= place <= 1 for place, _ in ticks)
    assert sum(b.count for b in histogram(numbers, axis)) == len(numbers)


def test_orders_of_magnitude_are_laid_out_by_their_logarithm():
    axis = axis_of([0.0001, 0.01, 1.0], 0.01)
    assert axis.logarithmic
    assert axis.place(0.01) == pytest.approx((axis.place(0.0001) + axis.place(1.0)) / 2)
    assert axis.place(0.0) == 0


def test_a_wild_guess_does_not_flatten_the_others():
    axis = axis_of([0.4 + 0.01 * i for i in range(40)] + [1e6], 0.6)
    assert axis.high < 10 or axis.logarithmic


def test_only_finite_numbers_are_drawn():
    values = [1, 2.5, True, "3", None, float("inf"), float("nan"), 10**400, [1], 1e300]
    assert finite_numbers(values) == [1.0, 2.5]

import math

import numpy as np
import pytest
from scipy import stats

from autograder.judging.statistics.chance import (
    count_score,
    distance_limit,
    overlap_score,
    scatter_score,
)


@pytest.mark.parametrize("alpha", [1e-2, 1e-6, 1e-8])
@pytest.mark.parametrize(("size", "share"), [(1, 0.5), (40, 0.02), (500, 0.3), (30_000, 0.85)])
def test_a_count_is_within_its_limits_exactly_where_the_binomial_distribution_says(
    size, share, alpha
):
    k = np.arange(size + 1)
    likely = (stats.binom.cdf(k, size, share) > alpha / 2) & (
        stats.binom.sf(k - 1, size, share) > alpha / 2
    )
    edges = np.flatnonzero(np.diff(likely.astype(int)))
    for count in {0, size, *edges, *(edges + 1), round(size * share)}:
        within = count_score(int(count), size, share, alpha) <= 1
        assert within == likely[count], (count, size)


def test_what_never_or_always_happens_has_no_limits():
    assert count_score(0, 10, 0, 1e-6) == count_score(10, 10, 1, 1e-6) == 0
    assert count_score(1, 10, 0, 1e-6) == count_score(9, 10, 1, 1e-6) == math.inf


@pytest.mark.parametrize(("size", "one", "other"), [(50, 20, 10), (500, 125, 100), (9, 9, 4)])
def test_an_overlap_is_within_its_limits_exactly_where_fisher_s_distribution_says(size, one, other):
    alpha, law = 1e-4, stats.hypergeom(size, one, other)
    for count in range(max(0, one + other - size), min(one, other) + 1):
        likely = law.cdf(count) > alpha / 2 and law.sf(count - 1) > alpha / 2
        assert (overlap_score(count, size, one, other, alpha) <= 1) == likely


def test_the_distance_limit_is_that_of_kolmogorov_s_distribution():
    for alpha in (1e-3, 1e-7):
        n = 4000
        assert distance_limit(n, alpha) * math.sqrt(n) == pytest.approx(
            stats.kstwobign.isf(alpha), rel=1e-4
        )


@pytest.mark.parametrize(
    ("groups", "size", "share"), [(6, 4, 0.1), (300, 75, 0.3), (2000, 3, 0.02), (8, 3000, 0.5)]
)
def test_the_scatter_of_independent_counts_is_within_its_limits_as_often_as_promised(
    groups, size, share
):
    rng, alpha, trials = np.random.default_rng(0), 0.02, 2000
    beyond = 0
    for counts in rng.binomial(size, share, (trials, groups)):
        observed = counts.sum() / (groups * size)
        if 0 < observed < 1:
            beyond += abs(scatter_score(counts, size, observed, alpha)) > 1
    assert beyond <= alpha * trials


def test_counts_that_scatter_too_much_or_too_little_are_told_by_the_sign():
    rng = np.random.default_rng(0)
    shared = 75 * rng.binomial(1, 0.3, 300)
    assert scatter_score(shared, 75, shared.mean() / 75, 1e-8) > 2
    assert scatter_score(np.full(300, 22), 75, 22 / 75, 1e-8) < -2
    assert abs(scatter_score(rng.binomial(75, 0.3, 300), 75, 0.3, 1e-8)) < 1

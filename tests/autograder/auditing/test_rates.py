"""How sure a rate is, against the closed forms and simulation."""

import numpy as np
import pytest
from scipy.stats import binom

from autograder.auditing.rates import Rate


def seen(passes_of_cases, draws, passes=0):
    rate = Rate()
    for draw in range(draws):
        cases = [draw < count for count in passes_of_cases]
        rate.count(cases, draw < passes, draw)
    return rate


def test_no_pass_of_one_case_leaves_the_rule_of_three():
    assert seen([0], 200).bound() == pytest.approx(1 - 0.05 ** (1 / 200))
    assert seen([0], 200).bound() == pytest.approx(3 / 200, rel=0.02)


def test_a_case_that_sometimes_passes_is_bounded_where_so_few_passes_have_little_probability():
    bound = seen([7], 50).bound()
    assert binom.cdf(7, 50, bound) == pytest.approx(0.05)


def test_a_case_that_always_passes_says_nothing():
    assert seen([0, 60, 60], 60).bound() == pytest.approx(1 - (0.05 / 3) ** (1 / 60))


def test_three_cases_that_all_fail_are_known_after_fifteen_draws_as_one_is_after_two_hundred():
    assert not seen([0, 0, 0], 14).never_passes(200)
    assert seen([0, 0, 0], 15).never_passes(200)
    assert not seen([0], 199).never_passes(200)
    assert seen([0], 200).never_passes(200)


def test_what_passed_once_never_never_passes():
    rate = seen([1, 1, 1], 1000, passes=1)
    assert not rate.never_passes(20)
    assert rate.hangs_on_the_seed and rate.first_pass == 0


def test_the_bound_holds_in_nearly_all_samples():
    rng = np.random.default_rng(0)
    true = np.array([0.3, 0.5, 0.9])
    covered = 0
    for _ in range(400):
        rate = Rate()
        for draw in range(30):
            cases = list(rng.random(3) < true)
            rate.count(cases, all(cases), draw)
        covered += true.prod() <= rate.bound()
    assert covered >= 0.95 * 400

import math

import numpy as np
import pytest

from autograder.judging.checks import Case
from autograder.judging.samples import Sample
from autograder.judging.statistics import (
    entries_are_independent,
    is_normal,
    is_uniform,
    mean_is,
    same_distribution,
    shape_is,
    std_is,
)

RNG = np.random.default_rng(0)
SHAPE = (8, 30, 50)


def looked_at(check, draws, alpha=1e-7):
    return check(Case({"sigma": 0.1}, {"result": draws}, {}, alpha))


def normal(std=0.1, mean=0.0):
    return RNG.normal(mean, std, SHAPE)


CHECKS = [
    shape_is(lambda sigma: (30, 50)),
    mean_is(lambda sigma: 0),
    std_is(lambda sigma: sigma),
    is_normal(),
    entries_are_independent(),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.property)
def test_right_draws_pass_two_hundred_times(check):
    assert all(looked_at(check, normal()).passed for _ in range(200))


@pytest.mark.parametrize(
    ("check", "draws"),
    [
        (CHECKS[0], RNG.normal(size=(8, 50, 30))),
        (CHECKS[1], normal(mean=0.01)),
        (CHECKS[2], normal(std=0.1 * math.sqrt(2))),
        (CHECKS[2], normal(std=0.11)),
        (CHECKS[3], RNG.uniform(-1, 1, SHAPE)),
        (CHECKS[3], RNG.laplace(size=SHAPE)),
        (CHECKS[4], np.broadcast_to(RNG.normal(size=(8, 30, 1)), SHAPE).copy()),
        (CHECKS[4], np.broadcast_to(RNG.normal(size=(1, 30, 50)), SHAPE).copy()),
        (CHECKS[4], np.zeros(SHAPE)),
        (CHECKS[3], np.clip(RNG.normal(size=SHAPE), -3, 3)),
        (CHECKS[4], RNG.normal(size=SHAPE) * (np.arange(30) < 29)[:, None]),
        (CHECKS[4], RNG.normal(size=SHAPE) * (np.arange(50) < 49)),
        (CHECKS[4], RNG.normal(size=SHAPE) + RNG.normal(size=(8, 30, 1)) / 2),
        (CHECKS[4], RNG.normal(size=SHAPE) + RNG.normal(size=(8, 1, 50)) / 2),
        (CHECKS[4], RNG.normal(size=(1, *SHAPE[1:])) * RNG.choice([-1, 1], size=(8, 1, 1))),
        (CHECKS[4], np.linalg.qr(RNG.normal(size=(8, 50, 30)))[0].swapaxes(1, 2)),
        (CHECKS[4], RNG.permuted(np.tile(np.linspace(-1, 1, 1500), (8, 1)), axis=1)),
        *[(check, np.full(SHAPE, np.nan)) for check in CHECKS[1:]],
        *[(check, None) for check in CHECKS],
        *[(check, [1.0, 2.0]) for check in CHECKS],
    ],
)
def test_wrong_draws_fail(check, draws):
    assert not looked_at(check, draws).passed


def test_a_uniform_distribution_is_told_from_others_of_the_same_range_or_spread():
    check = is_uniform(lambda sigma: sigma)
    assert all(looked_at(check, RNG.uniform(-0.1, 0.1, SHAPE)).passed for _ in range(50))
    assert not looked_at(check, RNG.uniform(-0.11, 0.11, SHAPE)).passed
    assert not looked_at(check, RNG.uniform(-0.09, 0.09, SHAPE)).passed
    assert not looked_at(check, RNG.uniform(0, 0.1, SHAPE)).passed
    assert not looked_at(check, RNG.normal(0, 0.1 / math.sqrt(3), SHAPE)).passed


def test_the_margin_counts_thresholds():
    near = looked_at(std_is(lambda sigma: sigma), normal(std=0.1 * 1.05))
    far = looked_at(std_is(lambda sigma: sigma), normal(std=0.2))
    assert 1 < near.margin < far.margin
    assert looked_at(std_is(lambda sigma: sigma), normal()).margin < 1


def test_draws_of_one_distribution_are_the_same_and_others_are_not():
    def seen(draws):
        return {"result": draws}

    assert all(same_distribution(seen(normal()), seen(normal())) for _ in range(100))
    for other in (
        normal(std=0.12),
        normal(mean=0.02),
        RNG.uniform(-1, 1, SHAPE) * 0.1 * math.sqrt(3),
        np.broadcast_to(RNG.normal(0, 0.1, (8, 30, 1)), SHAPE),
        np.zeros(SHAPE),
        normal()[:, :20],
        None,
    ):
        assert not same_distribution(seen(normal()), seen(other))
    assert same_distribution(seen(np.zeros(SHAPE)), seen(np.zeros(SHAPE)))


def test_copies_along_another_axis_are_another_mistake():
    def copied(*shape):
        return {"result": np.broadcast_to(RNG.normal(size=shape), SHAPE)}

    assert same_distribution(copied(8, 30, 1), copied(8, 30, 1))
    assert not same_distribution(copied(8, 30, 1), copied(8, 1, 50))
    assert not same_distribution({"result": normal()}, {"result": copied(1, 30, 50)["result"] / 10})


@pytest.mark.parametrize("shape", [(8, 20, 120), (8, 60, 25), (8, 35, 5, 3, 5), (8, 40)])
@pytest.mark.parametrize("draw", [RNG.normal, lambda size: RNG.uniform(-1, 1, size)])
def test_independent_draws_of_any_shape_are_taken_for_independent(shape, draw):
    assert all(looked_at(CHECKS[4], draw(size=shape)).passed for _ in range(60))


@pytest.mark.parametrize(
    "draws",
    [
        RNG.normal(size=SHAPE),
        RNG.uniform(size=SHAPE).astype(np.float32),
        RNG.integers(0, 400, size=SHAPE),
        np.where(RNG.uniform(size=SHAPE) < 0.5, 0.0, -0.0),
        RNG.permuted(np.tile(np.linspace(-1, 1, 1500), (8, 1)), axis=1),
        np.full(SHAPE, 0.1),
    ],
)
def test_a_sample_knows_its_numbers(draws):
    sample, distinct = Sample(draws), np.unique(draws).size
    assert 0.98 * distinct <= sample.distinct <= distinct
    assert sample.mean == pytest.approx(draws.mean())
    assert sample.std == pytest.approx(draws.std(), abs=1e-12)
    np.testing.assert_array_equal(sample.ordered, np.sort(draws, axis=None))


def test_equal_numbers_have_no_spread_at_all():
    assert Sample(np.full((8, 4201), 0.1)).std == 0
    assert same_distribution({"result": np.full(SHAPE, 0.1)}, {"result": np.full(SHAPE, 0.1)})
    assert not same_distribution({"result": np.full(SHAPE, 0.1)}, {"result": np.zeros(SHAPE)})

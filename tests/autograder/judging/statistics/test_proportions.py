import numpy as np
import pytest

from autograder.judging.checks import Case
from autograder.judging.statistics import (
    are_independent,
    coins_are_independent,
    compatible_with,
    follows,
    is_equally_often,
    is_log_uniform_on,
    is_one_of,
    is_uniform_on,
    move_together,
    outcome,
    share_is,
)

BUDGET = 1e-8
"""What a look has of the budget of 1e-6 in an exercise of a hundred looks."""


def looked_at(check, result, alpha=BUDGET, **inputs):
    return check(Case(inputs, {"result": result}, {}, alpha))


def clearly_fails(found):
    return not found.passed and (found.margin is None or found.margin >= 2)


def false_alarms(check, draw, times=300, alpha=0.02, **inputs):
    """How often right draws fail, of as often as a larger budget allows."""
    rng = np.random.default_rng(5)
    failed = sum(not looked_at(check, draw(rng), alpha, **inputs).passed for _ in range(times))
    # Four standard errors above what the budget allows.
    return failed / times - alpha - 4 * (alpha / times) ** 0.5


# Masks: six calls of 50 x 75 entries, as dropout gives them.

SHAPE = (6, 50, 75)
P = 0.3
RNG = np.random.default_rng(1)
SHARE = share_is(lambda p: p, "the share dropped")
COINS = coins_are_independent()


def coins(*shape, p=P):
    return np.broadcast_to(RNG.random(shape) < p, SHAPE)


def exactly(count, *shape):
    """In every row along the last axis, as many events."""
    return RNG.permuted(np.broadcast_to(np.arange(shape[-1]) < count, shape), axis=-1)


@pytest.mark.parametrize("shape", [SHAPE, (200,), (40, 3), (6, 5, 4, 3)])
@pytest.mark.parametrize("p", [0.05, P, 0.5, 0.85])
def test_right_coins_fail_no_oftener_than_the_budget_allows(shape, p):
    for check in (SHARE, COINS):
        assert false_alarms(check, lambda rng: rng.random(shape) < p, p=p) <= 0


@pytest.mark.parametrize(
    "mask",
    [
        coins(*SHAPE, p=1 - P),
        coins(*SHAPE, p=0.22),
        RNG.normal(size=SHAPE) < P,  # compared with normal numbers
        np.zeros(SHAPE),
        np.ones(SHAPE),
    ],
)
def test_another_share_is_told_by_twice_the_threshold(mask):
    assert clearly_fails(looked_at(SHARE, mask, p=P))


def test_a_share_that_is_one_minus_what_it_should_be_is_told_so():
    assert "1 minus" in looked_at(SHARE, coins(*SHAPE, p=1 - P), p=P).gist


@pytest.mark.parametrize(
    ("mask", "gist"),
    [
        (coins(1, 50, 75), "the calls share their coins"),
        (coins(6, 1, 75), "some share a coin"),  # one mask for the batch
        (coins(6, 50, 1), "some share a coin"),  # one coin a row
        (coins(1, 1, 75), None),
        (np.tile(RNG.random((6, 10, 75)) < P, (1, 5, 1)), "some share a coin"),
        (exactly(22, 6, 50, 75), "thrown too evenly: how many fall one way is fixed"),
        (
            exactly(450, 48, 1500).reshape(48, 30, 50),
            "thrown too evenly: how many fall one way is fixed",
        ),
        (RNG.random(SHAPE) < np.linspace(0.1, 0.5, 50)[:, None], None),
        (np.concatenate([m := RNG.random((3, 50, 75)) < 0.5, ~m]), None),
    ],
)
def test_coins_that_are_shared_or_too_even_are_told_by_twice_the_threshold(mask, gist):
    found = looked_at(COINS, mask)
    assert clearly_fails(found)
    assert gist in (None, found.gist)


# Outcomes out of a set: flips of single images, and crops.

IMAGES = np.arange(4 * 3 * 5, dtype=float).reshape(4, 3, 5)


def flips(images):
    return [images, images[..., ::-1]]


def flipped(rng, coins_of, axis=-1):
    coin = np.broadcast_to(rng.random(coins_of) < 0.5, (80, 4))
    return np.where(coin[..., None, None], np.flip(IMAGES, axis), IMAGES)


FLIPPED = outcome(flips, separate=1)
FLIPS = [
    is_one_of(flips, "each image is as it was, or flipped", separate=1),
    share_is(lambda images: 0.5, "half are flipped", of=FLIPPED),
    coins_are_independent("each image has its own coin", of=FLIPPED),
]


def test_flips_of_single_images_pass():
    for check in FLIPS:
        assert looked_at(check, flipped(RNG, (80, 4)), images=IMAGES).passed
        assert looked_at(check, flipped(RNG, (80, 4)).astype(np.float32), images=IMAGES).passed


@pytest.mark.parametrize(
    ("which", "draws"),
    [
        (0, flipped(RNG, (80, 4), axis=-2)),
        (0, flipped(RNG, (80, 4)) + 0.1),
        (0, flipped(RNG, (80, 4))[:, :3]),
        (1, np.broadcast_to(IMAGES, (80, 4, 3, 5))),
        (2, flipped(RNG, (80, 1))),  # one coin for the batch
        (2, flipped(RNG, (1, 4))),
    ],
)
def test_wrong_flips_fail(which, draws):
    assert clearly_fails(looked_at(FLIPS[which], draws, images=IMAGES))


GRID = is_equally_often(lambda k: np.arange(k), "the offset")
PAIRS = is_equally_often(lambda k: [(i, j) for i in range(k) for j in range(k)], "the offsets")


def test_values_of_a_grid_fail_no_oftener_than_the_budget_allows():
    assert false_alarms(GRID, lambda rng: rng.integers(0, 9, 300), k=9) <= 0
    assert false_alarms(PAIRS, lambda rng: rng.integers(0, 5, (600, 2)), k=5) <= 0


@pytest.mark.parametrize(
    ("check", "draws", "gist"),
    [
        (GRID, RNG.integers(0, 8, 1600), "1 of 9 values never come"),  # the last is never reached
        (GRID, RNG.integers(1, 9, 1600), "1 of 9 values never come"),
        (GRID, RNG.integers(0, 10, 1600), None),
        (GRID, RNG.binomial(8, 0.5, 1600), None),
        (GRID, np.clip(RNG.integers(-1, 10, 4000), 0, 8), "some come more often than others"),
        (GRID, RNG.uniform(0, 8, 1600), None),
        (PAIRS, np.repeat(RNG.integers(0, 5, (1600, 1)), 2, axis=1), "20 of 25 values never come"),
        (PAIRS, RNG.integers(0, 4, (1600, 2)), "9 of 25 values never come"),
    ],
)
def test_values_that_are_not_equally_often_are_told_by_twice_the_threshold(check, draws, gist):
    found = looked_at(check, draws, k=9 if check is GRID else 5)
    assert clearly_fails(found)
    assert gist in (None, found.gist)


# Ranges.

AREA = is_uniform_on(lambda: 0.08, lambda: 1.0, "the area")
ASPECT = is_log_uniform_on(lambda: 1 / 4, lambda: 4.0, "the aspect")
BETA = follows(lambda value: np.sqrt(value), "the weight", named="Beta(½, 1)")


def log_uniform(rng, n=1000):
    return np.exp(rng.uniform(-np.log(4), np.log(4), n))


def test_ranges_fail_no_oftener_than_the_budget_allows():
    assert false_alarms(AREA, lambda rng: rng.uniform(0.08, 1, 400)) <= 0
    assert false_alarms(ASPECT, log_uniform) <= 0
    assert false_alarms(BETA, lambda rng: rng.beta(0.5, 1, 400)) <= 0


@pytest.mark.parametrize(
    ("check", "draws"),
    [
        (AREA, RNG.uniform(0.08**0.5, 1, 2000) ** 2),  # the side is drawn, not the area
        (AREA, RNG.uniform(0, 1, 500)),
        (AREA, RNG.uniform(0.4, 1, 500)),
        (AREA, np.full(500, 0.5)),
        (ASPECT, RNG.uniform(1 / 4, 4, 1000)),
        (ASPECT, log_uniform(RNG) ** 0.5),
        (BETA, RNG.uniform(0, 1, 1000)),
        (BETA, np.full(1000, np.nan)),
    ],
)
def test_another_distribution_is_told_by_twice_the_threshold(check, draws):
    assert clearly_fails(looked_at(check, draws))


# Two quantities, two outputs.

APART = are_independent("0", "1", "the two offsets")


@pytest.mark.parametrize("values", [None, 2, 5, 40])
def test_independent_quantities_fail_no_oftener_than_the_budget_allows(values):
    def draw(rng):
        return rng.random((200, 2)) if values is None else rng.integers(0, values, (200, 2))

    assert false_alarms(APART, draw) <= 0


@pytest.mark.parametrize(
    "relation",
    [lambda x: x, lambda x: 1 - x, lambda x: abs(x - 0.5), lambda x: x + RNG.random(x.shape) / 4],
)
def test_a_quantity_that_depends_on_another_is_told_by_twice_the_threshold(relation):
    x = RNG.random(1500)
    assert clearly_fails(looked_at(APART, np.stack([x, relation(x)], axis=1)))
    coin = np.round(x)
    assert clearly_fails(looked_at(APART, np.stack([coin, 1 - coin], axis=1)))


def mixed(count=60, *, same=True, shared=True):
    """Pairs of one-hot images and labels that are mixed with weights drawn from U(0, 1)."""
    draws = []
    for _ in range(count):
        weight, partner = RNG.random(), RNG.permutation(5)
        other = weight if same else RNG.random()
        partners = partner if shared else RNG.permutation(5)
        eye = np.eye(5)
        draws.append(
            [weight * eye + (1 - weight) * eye[partner], other * eye + (1 - other) * eye[partners]]
        )
    return draws


TOGETHER = move_together("0", "1", "images and labels are mixed alike")


def test_what_is_mixed_together_agrees_and_what_is_not_does_not():
    assert looked_at(TOGETHER, mixed()).passed
    for wrong in (mixed(same=False), mixed(shared=False), [1.0], None, [[np.ones(2)]] * 3):
        assert not looked_at(TOGETHER, wrong).passed


def test_an_outcome_that_is_none_of_them_agrees_with_nothing():
    image = outcome(flips, of="0", separate=1)
    label = outcome(lambda images: [np.zeros(4), np.ones(4)], of="1", separate=1)
    check = move_together(image, label, "an image and its label")
    coin = RNG.random((30, 4)) < 0.5
    images = np.where(coin[..., None, None], IMAGES[..., ::-1], IMAGES)
    right = [[x, y] for x, y in zip(images, coin.astype(float), strict=True)]
    assert looked_at(check, right, images=IMAGES).passed
    assert not looked_at(check, [[x + 1, y] for x, y in right], images=IMAGES).passed
    assert not looked_at(check, [[x + 1, y + 2] for x, y in right], images=IMAGES).passed
    assert not looked_at(check, [[x, 1 - y] for x, y in right], images=IMAGES).passed


# What tells mistakes apart.


def first_call(case):
    """Coins of which no two are one, also where all calls share theirs."""
    return case.observed["result"][0]


HYPOTHESES = (
    share_is(lambda p: p, "dropped with p", of=first_call),
    share_is(lambda p: 1 - p, "kept with p", of=first_call),
    COINS,
)
SIGNATURE = compatible_with(*HYPOTHESES)


def signature(mask):
    return SIGNATURE(Case({"p": P}, {"result": mask}, {}))


def test_the_hypotheses_that_hold_are_the_same_for_every_draw_of_a_mistake():
    kinds = {
        "right": lambda: coins(*SHAPE),
        "swapped": lambda: coins(*SHAPE, p=1 - P),
        "one mask": lambda: coins(1, 50, 75),
        "zeros": lambda: np.zeros(SHAPE),
    }
    seen = {name: {signature(draw()) for _ in range(20)} for name, draw in kinds.items()}
    assert all(len(signatures) == 1 for signatures in seen.values())
    assert len(set.union(*seen.values())) == len(kinds)
    assert seen["right"] == {("dropped with p", COINS.property)}

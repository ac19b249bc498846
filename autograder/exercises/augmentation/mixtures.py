"""What each image of a mixture kept of itself, and whom it was mixed with.

Every image has one bright pixel, at a place of its own, in all of its channels.
"""

import numpy as np
from scipy.special import betainc

from autograder.exercises.augmentation.lab import read_once
from autograder.judging.checks import Check, finding
from autograder.judging.statistics.draws import numbers_of


def batch(low, high, *, channels, fewest):
    """Inputs with α between two numbers. What tells most mistakes needs few images, the law of λ many."""

    def draw(rng):
        count, height = fewest + 2 * int(rng.integers(0, 3)), 2
        images = np.zeros((count, channels, count))
        for channel in range(channels):
            bright = rng.uniform(1, 3, count) * rng.choice([-1, 1], count)
            images[:, channel] = np.diag(bright)
        return {
            "images": images.reshape(count, channels, height, count // height),
            "targets": np.eye(count)[rng.permutation(count)],
            "alpha": float(rng.uniform(low, high)),
        }

    return draw


@read_once
def weights(case, path="0", name="images"):
    """How much of image j is in image i, in every channel: (draws, N, channels, N)."""
    drawn = numbers_of(case, path)
    given = case.inputs[name].astype(np.float64)
    if drawn is None or drawn.shape[1:] != given.shape:
        return None
    count, channels = len(given), given.shape[1] if given.ndim == 4 else 1
    basis = given.reshape(count, channels, -1)
    place = np.abs(basis[:, 0]).argmax(axis=1)
    flat = drawn.reshape(len(drawn), count, channels, -1).astype(np.float64)
    return flat[:, :, :, place] / basis[np.arange(count), :, place].T


_LEAST = 1e-4
"""A weight that differs by less is the same."""
_NOTHING = 1e-7
"""A weight below this is not told from none."""


@read_once
def of(case, path="0", name="images"):
    """Of every image of every draw: what it kept of itself, its partner and the partner's part, and
    the parts of all others.

    Where nothing was mixed in, it kept all, and is its own partner.
    """
    found = weights(case, path, name)[:, :, 0]
    count = found.shape[1]
    own = np.einsum("dii->di", found).copy()
    rest = found.copy()
    rest[:, np.arange(count), np.arange(count)] = 0
    partner = np.abs(rest).argmax(axis=2)
    other = np.take_along_axis(rest, partner[:, :, None], axis=2)[:, :, 0]
    alone = np.abs(other) < _NOTHING
    return own, np.where(alone, np.arange(count), partner), other, np.abs(rest).sum(axis=2)


def of_targets(case):
    """The same of the targets."""
    return of(case, "1", "targets")


def two_of_them(read, what):
    """A check that all are mixtures of two, whose parts sum to 1."""

    def look(case):
        own, _, other, all_others = read(case)
        wrong = np.abs(own + other - 1) > 10 * _LEAST
        wrong |= np.abs(all_others - np.abs(other)) > 10 * _LEAST
        wrong |= (own < -_LEAST) | (own > 1 + _LEAST)
        observed = f"{wrong.mean():.0%} are mixed otherwise"
        return finding(not wrong.any(), "λ and 1 − λ of two", observed, observed)

    return Check(what, look)


def sums_to_one(case):
    """Whether all parts sum to 1, of however many."""
    return (np.abs(weights(case)[:, :, 0].sum(axis=2) - 1) < 10 * _LEAST).all()


def whole_images(case):
    """Finds whether all channels of an image were mixed alike."""
    found = weights(case)
    apart = np.abs(found - found[:, :, :1]).max(axis=(2, 3)) > 10 * _LEAST
    observed = f"in {apart.mean():.0%} the channels differ"
    return finding(not apart.any(), "all channels alike", observed, observed)


def same_mixture(case):
    """Finds whether targets were mixed as their images were."""
    torn = np.abs(weights(case) - weights(case, "1", "targets")).max(axis=(2, 3)) > 10 * _LEAST
    observed = f"{torn.mean():.0%} differ"
    return finding(not torn.any(), "the same", observed, observed)


def shares(case):
    """What every image of every draw kept of itself."""
    return of(case)[0]


def _mixed(case):
    return np.abs(of(case)[2]) >= _NOTHING


def drawn_shares(case):
    """All λ that can be read: whose partner is itself shows none."""
    return shares(case)[_mixed(case)]


def places(case):
    """Where in the batch the images of ``drawn_shares`` stand."""
    mixed = _mixed(case)
    return np.broadcast_to(np.arange(mixed.shape[1]), mixed.shape)[mixed]


def _near_an_end(alpha):
    """Where low ends and, from the other side, high: many lie there, or hardly any."""
    return 0.45 if alpha < 10 else 0.35


def low(case):
    """Which λ are small."""
    return drawn_shares(case) < _near_an_end(case.inputs["alpha"])


def high(case):
    """Which λ are large."""
    return drawn_shares(case) > 1 - _near_an_end(case.inputs["alpha"])


def share_at_an_end(alpha, **_):
    """How often either comes."""
    return float(betainc(alpha, alpha, _near_an_end(alpha)))


def spread(alpha, **_):
    """The standard deviation of Beta(α, α)."""
    return float(0.5 / np.sqrt(2 * alpha + 1))


def in_order(case):
    """Whether λ grows along the batch."""
    return (np.diff(shares(case), axis=1) > 1e-6).mean() > 0.7


@read_once
def each_its_own(case):
    """Finds whether every image has a λ of its own."""
    rounded = np.round(shares(case), 6)
    between = rounded[(rounded > 0.01) & (rounded < 0.99)]
    distinct = len(np.unique(between)) / max(1, len(between))
    observed = "few different λ" if distinct <= 0.5 else "different λ"
    return finding(distinct > 0.5 or not len(between), "a λ for each", observed, observed)


def something(case):
    """Finds whether anything is mixed at all."""
    mixed = float((np.abs(shares(case) - 1) > 0.01).mean())
    return finding(mixed > 0.5, "mixtures", f"{mixed:.0%} are mixed", "most are as they were")


def drawn_afresh(case):
    """Finds whether two calls have other partners."""
    partners = of(case)[1]
    again = float((partners[:-1] == partners[1:]).mean())
    observed = f"{again:.0%} have the same partner in the next call"
    return finding(again < 0.6, "other partners in every call", observed, observed)


def nobody_twice(case):
    """Finds whether no image is the partner of two, as in a permutation."""
    twice = 0
    for partner, mixed in zip(of(case)[1], _mixed(case), strict=True):
        chosen = partner[mixed]
        twice += len(chosen) - len(np.unique(chosen))
    observed = f"{twice} are the partner of more than one"
    return finding(not twice, "everyone a partner once", observed, observed)


def one_for_all(case):
    """Whether all images of a draw have one partner."""
    drawn = zip(of(case)[1], _mixed(case), strict=True)
    return all(len(np.unique(partner[mixed])) <= 1 for partner, mixed in drawn)


def of_the_law(check):
    """A check of how λ is drawn, in the cases with many images."""

    def look(case):
        return finding(True) if 2 < case.inputs["alpha"] < 10 else check(case)

    return Check(check.property, look, statistical=True)


def not_in_order(case):
    """Finds whether partners follow each other as in the batch, forward or backward."""
    partners = of(case)[1]
    count = partners.shape[1]
    for step in (-1, 1):
        apart = np.sort((partners + step * np.arange(count)) % count, axis=1)
        distinct = 1 + (np.diff(apart, axis=1) != 0).sum(axis=1)
        if np.median(distinct) < count / 4:
            observed = "the partners follow each other as the images do"
            return finding(False, "in a random order", observed, observed)
    return finding(True)

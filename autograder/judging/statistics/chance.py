"""What chance allows: exact limits of counts, and how far beyond them a number lies.

A score is a distance from what is expected in units of the threshold: at most 1 is within it.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from statistics import NormalDist

import numpy as np


@cache
def quantile(alpha: float) -> float:
    """How many standard errors a normal number exceeds, on either side, with this probability."""
    return -NormalDist().inv_cdf(alpha / 2)


def distance_limit(size: int, alpha: float) -> float:
    """How far an empirical distribution may be from the true one.

    Formula: √(ln(2/α) / 2n), never exceeded more often than α, for any distribution and any n.
    Source:  Massart 1990, for the bound of Dvoretzky, Kiefer & Wolfowitz 1956.
    """
    return math.sqrt(math.log(2 / alpha) / (2 * size))


def ratio(value: float, limit: float) -> float:
    """A distance in units of its threshold, also where nothing is allowed."""
    return value / limit if limit > 0 else (0.0 if value == 0 else math.inf)


def count_score(count: int, size: int, share: float, alpha: float) -> float:
    """How far a count of ``size`` independent events of probability ``share`` is from n p."""
    if share <= 0 or share >= 1:
        return 0.0 if count == size * min(max(share, 0.0), 1.0) else math.inf
    return _score(count, size * share, *_binomial_limits(size, share, alpha))


def overlap_score(count: int, size: int, one: int, other: int, alpha: float) -> float:
    """How far the common part of two sets, drawn independently, is from what chance gives.

    Of ``size`` things ``one`` are in the first set and ``other`` in the second (Fisher 1935).
    """
    return _score(count, one * other / size, *_overlap_limits(size, one, other, alpha))


def scatter_score(counts: np.ndarray, size: int, share: float, alpha: float) -> float:
    """How far from chance the scatter of counts of ``size`` events each is about their mean.

    Positive where they scatter more than independent events do, negative where less. ``share`` is
    the observed one. The chance of a sum of squares T that far out is at most
    min over t of E[exp(t T)] / exp(t T), and given the observed share that over the chance of it
    (Chernoff 1952): never exceeded more often than alpha, for any number and size of counts. The
    score is the root of its logarithm, as standard errors are.
    """
    groups, mean, variance = len(counts), size * share, size * share * (1 - share)
    # Counts so rare that none of all is expected among them have no part in the mean of exp(t T).
    first, last = _binomial_limits(size, share, alpha / (1000 * groups))
    k = np.arange(min(first, int(counts.min())), max(last, int(counts.max())) + 1)
    chances = _chances(_binomial_steps(k[:-1], size, share))
    squares = (k - mean) ** 2 / variance
    total = float(((counts - mean) ** 2).sum()) / variance
    sign = 1.0 if total > groups * float(chances @ squares) else -1.0
    least = _least(chances, squares, total / groups, sign)
    surprise = -groups * least + _log_chance(int(counts.sum()), groups * size, share)
    return sign * math.sqrt(max(0.0, surprise) / math.log(2 / alpha))


def _least(chances: np.ndarray, values: np.ndarray, wanted: float, sign: float) -> float:
    """The least of log E[exp(t (v − wanted))] over all t of a sign; it is convex in t."""

    def tilted(t: float) -> tuple[float, float]:
        powers = t * (values - wanted)
        weights = chances * np.exp(powers - powers.max())
        slope = float(weights @ (values - wanted) / weights.sum())
        return math.log(weights.sum()) + powers.max(), slope

    near, far = 0.0, sign * 1e-3
    while tilted(far)[1] * sign < 0 and abs(far) < 1e6:
        near, far = far, 2 * far
    for _ in range(20):
        middle = (near + far) / 2
        near, far = (middle, far) if tilted(middle)[1] * sign < 0 else (near, middle)
    return min(0.0, tilted(near)[0], tilted(far)[0])


def _log_chance(count: int, size: int, share: float) -> float:
    ways = math.lgamma(size + 1) - math.lgamma(count + 1) - math.lgamma(size - count + 1)
    return ways + count * math.log(share) + (size - count) * math.log1p(-share)


def _score(count: int, mean: float, low: int, high: int) -> float:
    # Half a count beyond the last one allowed is the threshold.
    if count >= mean:
        return (count - mean) / max(high + 0.5 - mean, 1e-9)
    return (mean - count) / max(mean - (low - 0.5), 1e-9)


@lru_cache(512)
def _binomial_limits(size: int, share: float, alpha: float) -> tuple[int, int]:
    """The fewest and the most events; beyond either is at most half of alpha."""
    deviation = math.sqrt(size * share * (1 - share))
    first = max(0, math.floor(size * share - 12 * deviation - 40))
    last = min(size, math.ceil(size * share + 12 * deviation + 40))
    k = np.arange(first, last, dtype=np.float64)
    return _limits(first, _binomial_steps(k, size, share), alpha)


def _binomial_steps(k: np.ndarray, size: int, share: float) -> np.ndarray:
    """log P(k + 1) − log P(k)."""
    return np.log((size - k) / (k + 1)) + math.log(share / (1 - share))


@lru_cache(512)
def _overlap_limits(size: int, one: int, other: int, alpha: float) -> tuple[int, int]:
    first, last = max(0, one + other - size), min(one, other)
    k = np.arange(first, last, dtype=np.float64)
    steps = np.log((one - k) * (other - k)) - np.log((k + 1) * (size - one - other + k + 1))
    return _limits(first, steps, alpha)


def _limits(first: int, steps: np.ndarray, alpha: float) -> tuple[int, int]:
    """The limits of a count that starts at ``first``, from the steps of its log probability."""
    chances = _chances(steps)
    # Summed from the far ends, where the small numbers are.
    below, above = np.cumsum(chances), np.cumsum(chances[::-1])
    low = int(np.searchsorted(below, alpha / 2, side="right"))
    high = len(chances) - 1 - int(np.searchsorted(above, alpha / 2, side="right"))
    return first + low, first + max(low, high)


def _chances(steps: np.ndarray) -> np.ndarray:
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    chances = np.exp(logs - logs.max())
    return chances / chances.sum()

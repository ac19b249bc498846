"""A check that every random number is drawn by itself."""

from __future__ import annotations

import math

import numpy as np

from autograder.judging.checks import Case, Check, finding
from autograder.judging.samples import Sample
from autograder.judging.statistics.chance import quantile
from autograder.judging.statistics.draws import Reading, sampled
from autograder.judging.verdict import Finding


def entries_are_independent(
    property: str = "every entry is drawn by itself", *, of: Reading = ""
) -> Check:
    """Entries differ from one another, and one call's from the next one's.

    No row, column or call repeats, mirrors or follows another (the squared correlations of all
    pairs add up to what chance gives), and none is wider or narrower than the rest.
    """

    def look(case: Case, sample: Sample) -> Finding:
        repeated, fraction = sample.repeats_calls, sample.distinct / sample.values.size
        if repeated or fraction <= 0.9:
            observed = "the same numbers at every call" if repeated else f"{fraction:.0%} distinct"
            return finding(False, "fresh numbers, all distinct", observed, observed)
        limit = quantile(case.alpha / (2 * sample.draws.ndim))
        together, apart = _correlation(sample) / limit, _unevenness(sample) / limit
        observed = "some depend on others" if together > 1 else "distinct"
        if together <= 1 < apart:
            observed = "some rows or columns are wider or narrower than the rest"
        return finding(
            max(together, apart) <= 1,
            "fresh numbers, each drawn by itself",
            observed,
            observed,
            margin=max(together, apart),
        )

    return sampled(property, of, look)


def _correlation(sample: Sample) -> float:
    """Standard errors that the squared correlations of slices are away from those of chance.

    The worst of all axes: calls with calls, then within every call rows with rows and so on.
    """
    z = sample.centered.reshape(sample.draws.shape)
    scores = [_chance(*_squared_correlations(z.reshape(1, len(z), -1)))]
    for axis in range(1, z.ndim):
        slices = np.moveaxis(z, axis, 1).reshape(len(z), z.shape[axis], -1)
        scores.append(_chance(*_squared_correlations(slices)))
    return max(scores)


def _squared_correlations(slices: np.ndarray) -> tuple[float, int]:
    """The sum of D r² over all pairs of slices of D entries, and the number of pairs.

    Shapes: (groups, slices, D); where slices outnumber their entries, entries are compared.
    """
    if slices.shape[1] > slices.shape[2]:
        slices = slices.swapaxes(1, 2)
    groups, count, size = slices.shape
    products = slices @ slices.swapaxes(1, 2)
    lengths = np.einsum("gii->gi", products)
    lengths = np.where(lengths > 0, lengths, 1)
    squares = products**2 / (lengths[:, :, None] * lengths[:, None, :])
    total = float(squares.sum() - np.einsum("gii->", squares)) / 2
    return size * total, groups * count * (count - 1) // 2


def _unevenness(sample: Sample) -> float:
    """Standard errors that the widest or narrowest slice along any axis is away from the rest."""
    squares = np.square(sample.centered / sample.std).reshape(sample.draws.shape)
    worst = 0.0
    for axis in range(squares.ndim):
        others = tuple(a for a in range(squares.ndim) if a != axis)
        totals = squares.sum(axis=others)
        # Of many slices the worst is allowed to be farther away.
        allowed = math.sqrt(2 * math.log(totals.size))
        degrees = squares.size // totals.size
        # The farthest of all totals is the largest or the smallest.
        for total in (totals.max(), totals.min()):
            worst = max(worst, _chance(float(total), degrees) - allowed)
    return worst


def _chance(total: float, degrees: int) -> float:
    """A chi-square number in standard errors (Wilson & Hilferty 1931)."""
    if degrees == 0:
        return 0.0
    width = 2 / (9 * degrees)
    return abs((total / degrees) ** (1 / 3) - (1 - width)) / math.sqrt(width)

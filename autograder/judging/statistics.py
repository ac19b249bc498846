"""Checks on random answers: distributions and identities, never golden arrays.

Each looks at all draws of a case pooled. The judge shares a false-alarm budget of 1e-6 per grading
among the statistical looks of an exercise; a finding's ``margin`` is the distance from its
threshold in thresholds, so that the audit can demand that every mistake lies beyond twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np

from autograder.judging.checks import Case, Check, finding
from autograder.judging.comparison import kind_of, times
from autograder.judging.samples import Portrait, Sample, portrait, sample_of
from autograder.judging.verdict import Finding

# Standard deviations whose logarithms differ by this much differ in any sample of 100 or more.
_GROSS = 0.5
# A normal distribution has one entry in five hundred beyond this many standard deviations.
_FAR = 3.1

Formula = Callable[..., Any]
"""A function of a case's inputs, called with them as keyword arguments."""


def shape_is(formula: Formula) -> Check:
    """Every draw has the shape that the formula gives."""

    def look(case: Case) -> Finding:
        wanted = tuple(int(n) for n in formula(**case.inputs))
        if case.sample is None:
            what = kind_of(_first_result(case))
            return finding(False, f"an array of shape {wanted}", what, f"{what}, not one array")
        got = tuple(int(n) for n in case.sample.draws.shape[1:])
        gist = "the axes are in another order" if sorted(got) == sorted(wanted) else "another shape"
        return finding(got == wanted, f"shape {wanted}", f"shape {got}", gist)

    return Check("the shape", look)


def mean_is(formula: Formula, property: str = "the mean") -> Check:
    """The mean of all entries is what the formula gives, within the standard error."""

    def look(case: Case, sample: Sample) -> Finding:
        wanted = float(formula(**case.inputs))
        error = sample.std / math.sqrt(sample.values.size)
        score = _ratio(abs(sample.mean - wanted), error * _quantile(case.alpha))
        return finding(
            score <= 1,
            f"{wanted:.4g} ± {error * _quantile(case.alpha):.2g}",
            f"{sample.mean:.4g}",
            "not centered where it should be",
            margin=score,
        )

    return _statistical(property, look)


def std_is(formula: Formula, property: str = "the standard deviation") -> Check:
    """The standard deviation of all entries is what the formula gives.

    Formula: |ln(s/σ)| √(2n) is at most the normal quantile of the look's share of the budget.
    """

    def look(case: Case, sample: Sample) -> Finding:
        wanted, got = float(formula(**case.inputs)), sample.std
        limit = _quantile(case.alpha) / math.sqrt(2 * sample.values.size)
        score = abs(math.log(got / wanted)) / limit if 0 < got < math.inf else math.inf
        gist = times(got / wanted) if math.isfinite(got) else "not a finite number"
        return finding(
            score <= 1,
            f"{wanted:.4g} ± {wanted * limit:.2g}",
            f"{got:.4g}",
            gist,
            margin=score,
        )

    return _statistical(property, look)


def is_normal(property: str = "the shape of the distribution") -> Check:
    """The entries are normally distributed, judged by their excess kurtosis and their tails.

    Formula: the kurtosis times √(n/24), and 2 (√k − √(n p)) for the k entries beyond 3.1 standard
    deviations, of which a normal distribution has n p, are at most the normal quantile. (Beyond
    3.1, for numbers cut off at 3 stand at 3.01 of their own standard deviations.)
    """

    def look(case: Case, sample: Sample) -> Finding:
        limit, size = _quantile(case.alpha / 2), sample.values.size
        beyond = int(np.count_nonzero(np.abs(sample.centered) > _FAR * sample.std))
        wanted = 2 * NormalDist().cdf(-_FAR) * size
        pointed = abs(sample.kurtosis) * math.sqrt(size / 24) / limit
        tails = 2 * abs(math.sqrt(beyond) - math.sqrt(wanted)) / limit
        gist = "flatter than a bell" if sample.kurtosis < 0 else "more pointed than a bell"
        if pointed <= 1 < tails:
            gist = "its tails are cut off" if beyond < wanted else "its tails are too heavy"
        return finding(
            max(pointed, tails) <= 1,
            "normal",
            f"excess kurtosis {sample.kurtosis:.3g}, {beyond / size:.2%} beyond "
            f"{_FAR} standard deviations",
            gist,
            margin=max(pointed, tails),
        )

    return _statistical(property, look)


def is_uniform(bound: Formula, property: str = "the range") -> Check:
    """The entries fill (-bound, bound) evenly, judged by the Kolmogorov-Smirnov distance."""

    def look(case: Case, sample: Sample) -> Finding:
        b, size = float(bound(**case.inputs)), sample.values.size
        ranks = np.arange(size + 1) / size
        wanted = (sample.ordered + b) / (2 * b)
        distance = max(float((ranks[1:] - wanted).max()), float((wanted - ranks[:-1]).max()))
        limit = math.sqrt(-math.log(case.alpha / 2) / 2 / size)
        edge = max(-sample.ordered[0], sample.ordered[-1])
        passed = distance <= limit and edge <= b * (1 + 1e-5)
        return finding(
            passed,
            f"uniform in ±{b:.4g}",
            f"entries up to {edge:.4g}, excess kurtosis {sample.kurtosis:.3g}",
            times(edge / b) if abs(edge / b - 1) > 0.02 else "",
            margin=max(distance / limit, math.inf if edge > b * (1 + 1e-5) else 0.0),
        )

    return _statistical(property, look)


def entries_are_independent(property: str = "every entry is drawn by itself") -> Check:
    """Entries differ from one another, and one call's from the next one's.

    No row, column or call repeats, mirrors or follows another (the squared correlations of all
    pairs add up to what chance gives), and none is wider or narrower than the rest.
    """

    def look(case: Case, sample: Sample) -> Finding:
        repeated, fraction = sample.repeats_calls, sample.distinct / sample.values.size
        if repeated or fraction <= 0.9:
            observed = "the same numbers at every call" if repeated else f"{fraction:.0%} distinct"
            return finding(False, "fresh numbers, all distinct", observed, observed)
        limit = _quantile(case.alpha / (2 * sample.draws.ndim))
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

    return _statistical(property, look)


def same_distribution(observed: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two observations of ``draws`` look like draws of one distribution."""
    values = observed.get("result"), other.get("result")
    one, two = (portrait(value, sample_of(value)) for value in values)
    return same_portrait(one, two)


def same_portrait(a: Any, b: Any) -> bool:
    """Whether two portraits are of draws of one distribution."""
    if not isinstance(a, Portrait) or not isinstance(b, Portrait):
        return bool(a == b)
    if a.shape != b.shape or a.copied != b.copied:
        return False
    if min(a.finite, b.finite) < 1:
        return a.finite == b.finite
    if min(a.std, b.std) == 0:
        return a.std == b.std and a.first == b.first
    if abs(math.log(a.std / b.std)) > _GROSS:
        return False
    # Entries that repeat one another count once.
    n, limit = min(a.distinct, b.distinct), _quantile(1e-6)
    return (
        abs(a.mean - b.mean) <= limit * math.hypot(a.std, b.std) / math.sqrt(n)
        and abs(math.log(a.std / b.std)) <= limit * math.sqrt((2 + a.spread) / (2 * n))
        and abs(a.kurtosis - b.kurtosis) <= limit * math.sqrt(48 / n) * (1 + a.spread)
        and abs(a.early - b.early) < 0.05
    )


def _statistical(property: str, look: Callable[[Case, Sample], Finding]) -> Check:
    def guarded(case: Case) -> Finding:
        if case.sample is None:
            return finding(False, "numbers", kind_of(_first_result(case)), margin=math.inf)
        if not case.sample.is_finite:
            return finding(False, "finite numbers", "nan, inf or nothing", margin=math.inf)
        return look(case, case.sample)

    return Check(property, guarded, statistical=True)


def _first_result(case: Case) -> Any:
    result = case.observed.get("result")
    return result[0] if isinstance(result, list) and result else result


@cache
def _quantile(alpha: float) -> float:
    return -NormalDist().inv_cdf(alpha / 2)


def _ratio(value: float, limit: float) -> float:
    return value / limit if limit > 0 else (0.0 if value == 0 else math.inf)


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

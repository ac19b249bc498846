"""Checks on random answers: distributions and identities, never golden arrays.

Each looks at all draws of a case pooled. The judge shares a false-alarm budget of 1e-6 per grading
among the statistical looks of an exercise; a finding's ``margin`` is the distance from its
threshold in thresholds, so that the audit can demand that every mistake lies beyond twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np

from autograder.judging.checks import Case, Check, finding
from autograder.judging.comparison import kind_of, times
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
        values = _draws(case)
        if values is None:
            what = kind_of(_first_result(case))
            return finding(False, f"an array of shape {wanted}", what, f"{what}, not one array")
        got = tuple(int(n) for n in values.shape[1:])
        gist = "the axes are in another order" if sorted(got) == sorted(wanted) else "another shape"
        return finding(got == wanted, f"shape {wanted}", f"shape {got}", gist)

    return Check("the shape", look)


def mean_is(formula: Formula, property: str = "the mean") -> Check:
    """The mean of all entries is what the formula gives, within the standard error."""

    def look(case: Case, values: np.ndarray) -> Finding:
        wanted = float(formula(**case.inputs))
        error = values.std() / math.sqrt(values.size)
        score = _ratio(abs(values.mean() - wanted), error * _quantile(case.alpha))
        return finding(
            score <= 1,
            f"{wanted:.4g} ± {error * _quantile(case.alpha):.2g}",
            f"{values.mean():.4g}",
            "not centered where it should be",
            margin=score,
        )

    return _statistical(property, look)


def std_is(formula: Formula, property: str = "the standard deviation") -> Check:
    """The standard deviation of all entries is what the formula gives.

    Formula: |ln(s/σ)| √(2n) is at most the normal quantile of the look's share of the budget.
    """

    def look(case: Case, values: np.ndarray) -> Finding:
        wanted, got = float(formula(**case.inputs)), float(values.std())
        limit = _quantile(case.alpha) / math.sqrt(2 * values.size)
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

    def look(case: Case, values: np.ndarray) -> Finding:
        limit = _quantile(case.alpha / 2)
        beyond = int((np.abs(values - values.mean()) > _FAR * values.std()).sum())
        wanted = 2 * NormalDist().cdf(-_FAR) * values.size
        pointed = abs(_kurtosis(values)) * math.sqrt(values.size / 24) / limit
        tails = 2 * abs(math.sqrt(beyond) - math.sqrt(wanted)) / limit
        gist = "flatter than a bell" if _kurtosis(values) < 0 else "more pointed than a bell"
        if pointed <= 1 < tails:
            gist = "its tails are cut off" if beyond < wanted else "its tails are too heavy"
        return finding(
            max(pointed, tails) <= 1,
            "normal",
            f"excess kurtosis {_kurtosis(values):.3g}, {beyond / values.size:.2%} beyond "
            f"{_FAR} standard deviations",
            gist,
            margin=max(pointed, tails),
        )

    return _statistical(property, look)


def is_uniform(bound: Formula, property: str = "the range") -> Check:
    """The entries fill (-bound, bound) evenly, judged by the Kolmogorov-Smirnov distance."""

    def look(case: Case, values: np.ndarray) -> Finding:
        b = float(bound(**case.inputs))
        ranks = np.arange(values.size + 1) / values.size
        wanted = (np.sort(values) + b) / (2 * b)
        distance = max(float((ranks[1:] - wanted).max()), float((wanted - ranks[:-1]).max()))
        limit = math.sqrt(-math.log(case.alpha / 2) / 2 / values.size)
        edge = float(np.abs(values).max())
        passed = distance <= limit and edge <= b * (1 + 1e-5)
        return finding(
            passed,
            f"uniform in ±{b:.4g}",
            f"entries up to {edge:.4g}, excess kurtosis {_kurtosis(values):.3g}",
            times(edge / b) if abs(edge / b - 1) > 0.02 else "",
            margin=max(distance / limit, math.inf if edge > b * (1 + 1e-5) else 0.0),
        )

    return _statistical(property, look)


def entries_are_independent(property: str = "every entry is drawn by itself") -> Check:
    """Entries differ from one another, and one call's from the next one's.

    No row, column or call repeats, mirrors or follows another (the squared correlations of all
    pairs add up to what chance gives), and none is wider or narrower than the rest.
    """

    def look(case: Case, values: np.ndarray) -> Finding:
        draws = _draws(case)
        assert draws is not None
        repeated = len(draws) > 1 and np.array_equal(draws[0], draws[1])
        fraction = np.unique(draws).size / draws.size
        if repeated or fraction <= 0.9:
            observed = "the same numbers at every call" if repeated else f"{fraction:.0%} distinct"
            return finding(False, "fresh numbers, all distinct", observed, observed)
        limit = _quantile(case.alpha / (2 * draws.ndim))
        together, apart = _correlation(draws) / limit, _unevenness(draws) / limit
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
    a, b = _array(observed.get("result")), _array(other.get("result"))
    if a is None or b is None:
        return a is b and _structure(observed.get("result")) == _structure(other.get("result"))
    if a.shape != b.shape or _copied(a) != _copied(b):
        return False
    a, b = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return bool(np.isfinite(a).mean() == np.isfinite(b).mean())
    if min(a.std(), b.std()) == 0:
        return bool(a.std() == b.std() and a[0] == b[0])
    if abs(math.log(a.std() / b.std())) > _GROSS:
        return False
    # Entries that repeat one another count once.
    n, limit = min(np.unique(a).size, np.unique(b).size), _quantile(1e-6)
    return bool(
        abs(a.mean() - b.mean()) <= limit * math.sqrt((a.var() + b.var()) / n)
        and abs(math.log(a.std() / b.std())) <= limit * math.sqrt((2 + _spread(a)) / (2 * n))
        and abs(_kurtosis(a) - _kurtosis(b)) <= limit * math.sqrt(48 / n) * (1 + _spread(a))
        and abs(_distinct(a) - _distinct(b)) < 0.05
    )


def _statistical(property: str, look: Callable[[Case, np.ndarray], Finding]) -> Check:
    def guarded(case: Case) -> Finding:
        draws = _draws(case)
        if draws is None:
            return finding(False, "numbers", kind_of(_first_result(case)), margin=math.inf)
        values = draws.astype(np.float64).ravel()
        if not values.size or not np.isfinite(values).all():
            return finding(False, "finite numbers", "nan, inf or nothing", margin=math.inf)
        return look(case, values)

    return Check(property, guarded, statistical=True)


def _draws(case: Case) -> np.ndarray | None:
    return _array(case.observed.get("result"))


def _array(value: Any) -> np.ndarray | None:
    return value if isinstance(value, np.ndarray) and value.dtype.kind in "fiub" else None


def _structure(value: Any) -> Any:
    """What a value that is no single array is made of, its random numbers aside."""
    if isinstance(value, list):
        return [_structure(item) for item in value]
    return kind_of(value)


def _first_result(case: Case) -> Any:
    result = case.observed.get("result")
    return result[0] if isinstance(result, list) and result else result


def _quantile(alpha: float) -> float:
    return -NormalDist().inv_cdf(alpha / 2)


def _ratio(value: float, limit: float) -> float:
    return value / limit if limit > 0 else (0.0 if value == 0 else math.inf)


def _kurtosis(values: np.ndarray) -> float:
    if values.std() == 0:
        return 0.0
    z = (values - values.mean()) / values.std()
    squared = z * z
    return float((squared * squared).mean() - 3)


def _copied(draws: np.ndarray) -> list[bool]:
    """For every axis, whether all entries along it are the same."""
    return [bool((draws == draws.take([0], axis)).all()) for axis in range(draws.ndim)]


def _correlation(draws: np.ndarray) -> float:
    """Standard errors that the squared correlations of slices are away from those of chance.

    The worst of all axes: calls with calls, then within every call rows with rows and so on.
    """
    z = draws.astype(np.float64) - draws.mean()
    scores = [_chance(*_squared_correlations(z.reshape(1, len(z), -1)))]
    for axis in range(1, z.ndim):
        scores.append(
            _chance(
                *_squared_correlations(
                    np.moveaxis(z, axis, 1).reshape(len(z), z.shape[axis], -1),
                )
            )
        )
    return max(scores)


def _squared_correlations(slices: np.ndarray) -> tuple[float, int]:
    """The sum of D r² over all pairs of slices of D entries, and the number of pairs.

    Shapes: (groups, slices, D); where slices outnumber their entries, entries are compared.
    """
    if slices.shape[1] > slices.shape[2]:
        slices = slices.swapaxes(1, 2)
    groups, count, size = slices.shape
    lengths = np.linalg.norm(slices, axis=2, keepdims=True)
    unit = slices / np.where(lengths > 0, lengths, 1)
    squares = (unit @ unit.swapaxes(1, 2)) ** 2
    total = float(squares.sum() - np.einsum("gii->", squares)) / 2
    return size * total, groups * count * (count - 1) // 2


def _unevenness(draws: np.ndarray) -> float:
    """Standard errors that the widest or narrowest slice along any axis is away from the rest."""
    z = (draws.astype(np.float64) - draws.mean()) / draws.std()
    worst = 0.0
    for axis in range(z.ndim):
        slices = np.moveaxis(z, axis, 0).reshape(z.shape[axis], -1)
        # Of many slices the worst is allowed to be farther away.
        allowed = math.sqrt(2 * math.log(len(slices)))
        for total in (slices * slices).sum(axis=1):
            worst = max(worst, _chance(float(total), slices.shape[1]) - allowed)
    return worst


def _chance(total: float, degrees: int) -> float:
    """A chi-square number in standard errors (Wilson & Hilferty 1931)."""
    if degrees == 0:
        return 0.0
    width = 2 / (9 * degrees)
    return abs((total / degrees) ** (1 / 3) - (1 - width)) / math.sqrt(width)


def _spread(values: np.ndarray) -> float:
    return max(0.0, _kurtosis(values))


def _distinct(values: np.ndarray) -> float:
    return np.unique(values[:5000]).size / min(values.size, 5000)

"""Checks on what random numbers are like: their shape, moments and distribution."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np

from autograder.judging.checks import Case, Check, finding
from autograder.judging.samples import Sample
from autograder.judging.statistics.chance import distance_limit, quantile, ratio
from autograder.judging.statistics.draws import Formula, Reading, first_of, sampled
from autograder.judging.verdict import Finding
from autograder.judging.wording import apart, kind_of, times

# A normal distribution has one entry in five hundred beyond this many standard deviations.
_FAR = 3.1


def shape_is(formula: Formula) -> Check:
    """Every draw has the shape that the formula gives."""

    def look(case: Case) -> Finding:
        wanted = tuple(int(n) for n in formula(**case.inputs))
        if case.sample is None:
            what = kind_of(first_of(case))
            return finding(False, f"an array of shape {wanted}", what, f"{what}, not one array")
        got = tuple(int(n) for n in case.sample.draws.shape[1:])
        gist = "the axes are in another order" if sorted(got) == sorted(wanted) else "another shape"
        return finding(got == wanted, f"shape {wanted}", f"shape {got}", gist)

    return Check("the shape", look)


def mean_is(formula: Formula, property: str = "the mean", *, of: Reading = "") -> Check:
    """The mean of all entries is what the formula gives, within the standard error."""

    def look(case: Case, sample: Sample) -> Finding:
        wanted = float(formula(**case.inputs))
        error = sample.std / math.sqrt(sample.values.size)
        score = ratio(abs(sample.mean - wanted), error * quantile(case.alpha))
        right, got = apart(wanted, sample.mean, 4)
        return finding(
            score <= 1,
            f"{right} ± {error * quantile(case.alpha):.2g}",
            got,
            "not centered where it should be",
            margin=score,
        )

    return sampled(property, of, look)


def std_is(
    formula: Formula, property: str = "the standard deviation", *, of: Reading = ""
) -> Check:
    """The standard deviation of all entries is what the formula gives.

    Formula: |ln(s/σ)| √(2n) is at most the normal quantile of the look's share of the budget.
    """

    def look(case: Case, sample: Sample) -> Finding:
        wanted, got = float(formula(**case.inputs)), sample.std
        limit = quantile(case.alpha) / math.sqrt(2 * sample.values.size)
        score = abs(math.log(got / wanted)) / limit if 0 < got < math.inf else math.inf
        gist = times(got / wanted) if math.isfinite(got) else "not a finite number"
        right, observed = apart(wanted, got, 4)
        return finding(
            score <= 1,
            f"{right} ± {wanted * limit:.2g}",
            observed,
            gist,
            margin=score,
        )

    return sampled(property, of, look)


def is_normal(property: str = "the shape of the distribution", *, of: Reading = "") -> Check:
    """The entries are normally distributed, judged by their excess kurtosis and their tails.

    Formula: the kurtosis times √(n/24), and 2 (√k − √(n p)) for the k entries beyond 3.1 standard
    deviations, of which a normal distribution has n p, are at most the normal quantile. (Beyond
    3.1, for numbers cut off at 3 stand at 3.01 of their own standard deviations.)
    """

    def look(case: Case, sample: Sample) -> Finding:
        limit, size = quantile(case.alpha / 2), sample.values.size
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

    return sampled(property, of, look)


def follows(
    distribution: Formula, property: str, *, of: Reading = "", named: str = "as asked for"
) -> Check:
    """The entries are drawn from a distribution, judged by the Kolmogorov-Smirnov distance.

    ``distribution(values, **inputs)`` is the share of all draws that lie at or below each of the
    values: numbers (n,) -> (n,); ``named`` says it in words.
    """

    def look(case: Case, sample: Sample) -> Finding:
        wanted = np.asarray(distribution(sample.ordered, **case.inputs), dtype=np.float64)
        score = _distance(sample, wanted) / distance_limit(sample.values.size, case.alpha)
        middle = sample.ordered[sample.values.size // 2]
        observed = f"half of them up to {middle:.4g}, all within " + _range(sample)
        return finding(score <= 1, named, observed, "of another distribution", margin=score)

    return sampled(property, of, look)


def is_uniform_on(low: Formula, high: Formula, property: str, *, of: Reading = "") -> Check:
    """The entries fill the range from low to high evenly."""
    return _fills(low, high, property, of, lambda value: value, "uniform")


def is_log_uniform_on(low: Formula, high: Formula, property: str, *, of: Reading = "") -> Check:
    """The logarithms of the entries fill the range from log low to log high evenly."""
    return _fills(low, high, property, of, np.log, "log-uniform")


def _fills(
    low: Formula,
    high: Formula,
    property: str,
    of: Reading,
    map: Callable[[Any], Any],
    named: str,
) -> Check:
    def look(case: Case, sample: Sample) -> Finding:
        first, last = float(low(**case.inputs)), float(high(**case.inputs))
        expected, observed = f"{named} from {first:.4g} to {last:.4g}", f"within {_range(sample)}"
        slack = 1e-5 * (abs(last - first) + abs(first))
        if not first - slack <= sample.ordered[0] <= sample.ordered[-1] <= last + slack:
            return finding(False, expected, observed, "beyond the range", margin=math.inf)
        inside = np.clip(sample.ordered, first, last)
        wanted = (map(inside) - map(first)) / (map(last) - map(first))
        score = _distance(sample, wanted) / distance_limit(sample.values.size, case.alpha)
        gist = "within the range, but unevenly"
        return finding(score <= 1, expected, observed, gist, margin=score)

    return sampled(property, of, look)


def _range(sample: Sample) -> str:
    return f"{sample.ordered[0]:.4g} and {sample.ordered[-1]:.4g}"


def _distance(sample: Sample, wanted: np.ndarray) -> float:
    """The largest distance between the distribution of a sample and the one wanted."""
    size = sample.values.size
    # Of equal numbers, the first lies above those below it, and the last is at the top of the step.
    below = np.searchsorted(sample.ordered, sample.ordered, side="left") / size
    above = np.searchsorted(sample.ordered, sample.ordered, side="right") / size
    return float(max((above - wanted).max(), (wanted - below).max()))


def is_uniform(bound: Formula, property: str = "the range", *, of: Reading = "") -> Check:
    """The entries fill (-bound, bound) evenly, judged by the Kolmogorov-Smirnov distance."""

    def look(case: Case, sample: Sample) -> Finding:
        b, limit = float(bound(**case.inputs)), distance_limit(sample.values.size, case.alpha)
        distance = _distance(sample, (sample.ordered + b) / (2 * b))
        edge = max(-sample.ordered[0], sample.ordered[-1])
        passed = distance <= limit and edge <= b * (1 + 1e-5)
        return finding(
            passed,
            f"uniform in ±{b:.4g}",
            f"entries up to {edge:.4g}, excess kurtosis {sample.kurtosis:.3g}",
            times(edge / b) if abs(edge / b - 1) > 0.02 else "",
            margin=max(distance / limit, math.inf if edge > b * (1 + 1e-5) else 0.0),
        )

    return sampled(property, of, look)

"""Whether two random answers draw from one distribution, for telling mistakes apart."""

from __future__ import annotations

import math
from typing import Any

from autograder.judging.samples import Portrait, portrait, sample_of
from autograder.judging.statistics.chance import quantile

# Standard deviations whose logarithms differ by this much differ in any sample of 100 or more.
_GROSS = 0.5


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
    n, limit = min(a.distinct, b.distinct), quantile(1e-6)
    return (
        abs(a.mean - b.mean) <= limit * math.hypot(a.std, b.std) / math.sqrt(n)
        and abs(math.log(a.std / b.std)) <= limit * math.sqrt((2 + a.spread) / (2 * n))
        and abs(a.kurtosis - b.kurtosis) <= limit * math.sqrt(48 / n) * (1 + a.spread)
        and abs(a.early - b.early) < 0.05
    )

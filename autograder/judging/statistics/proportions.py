"""Checks on how often something happens: shares, and outcomes out of a set."""

from __future__ import annotations

import math

import numpy as np

from autograder.judging.checks import Case, Check, finding
from autograder.judging.statistics.chance import count_score, distance_limit, ratio
from autograder.judging.statistics.draws import (
    NONE_OF_THEM,
    Formula,
    Reading,
    outcome,
    statistical,
)
from autograder.judging.verdict import Finding
from autograder.judging.wording import apart


def share_is(formula: Formula, property: str, *, of: Reading = "") -> Check:
    """The share of events among all entries of a reading is what the formula gives.

    An entry that is not zero is an event. Judged by the exact binomial distribution: entries that
    share a coin are a matter for ``coins_are_independent``.
    """

    def look(case: Case, events: np.ndarray) -> Finding:
        wanted = float(formula(**case.inputs))
        count, size = int(np.count_nonzero(events)), events.size
        score = count_score(count, size, wanted, case.alpha)
        error = abs(count / size - wanted) / score if score > 0 else 0.0
        gist = "too often" if count > wanted * size else "too seldom"
        if 0 < wanted < 1 and score > 1 and count_score(size - count, size, wanted, case.alpha) < 1:
            gist = "as often as it should *not* happen: the share is 1 minus what it should be"
        right, got = apart(wanted, count / size, 3)
        return finding(score <= 1, f"{right} ± {error:.2g}", got, gist, margin=score)

    return statistical(property, of, look)


def is_one_of(allowed: Formula, property: str, *, of: Reading = "", separate: int = 0) -> Check:
    """Every draw is one of the outcomes that the formula gives, up to rounding.

    Shapes: as ``outcome``. How often each of them comes is a matter for ``is_equally_often``.
    """
    read = outcome(allowed, of=of, separate=separate)

    def look(case: Case) -> Finding:
        found = read(case)
        if found is None or not found.size:
            return finding(False, "one of the outcomes", "another form", "of another form")
        wrong = int((found == NONE_OF_THEM).sum())
        observed = f"{wrong} of {found.size} are none of the outcomes that there can be"
        return finding(wrong == 0, "one of the outcomes", observed, observed)

    return Check(property, look)


def is_equally_often(values: Formula, property: str, *, of: Reading = "") -> Check:
    """Every one of some values is drawn, all equally often, and no others.

    Shapes: ``values`` gives (K,), or (K, d) for readings whose last axis holds the d numbers of one
    draw (both offsets of a crop). Judged by the exact binomial distribution of each count, and by
    the distance of the counts, summed in the order of the values, from a straight line.
    """

    def look(case: Case, drawn: np.ndarray) -> Finding:
        wanted = np.asarray(values(**case.inputs), dtype=np.float64)
        rows = wanted.reshape(len(wanted), -1)
        found = drawn.reshape(-1, rows.shape[1]).astype(np.float64)
        distance = np.abs(found[:, None] - rows).max(axis=2)
        slack = 1e-5 * (1 + np.abs(found).max(axis=1))
        strange = int(np.count_nonzero(distance.min(axis=1) > slack))
        if strange:
            observed = f"{strange} of {len(found)} are other values"
            return finding(False, f"{len(rows)} values", observed, observed, margin=math.inf)
        counts = np.bincount(distance.argmin(axis=1), minlength=len(rows))
        return _evenness(counts, case.alpha)

    return statistical(property, of, look)


def _evenness(counts: np.ndarray, alpha: float) -> Finding:
    size, kinds = int(counts.sum()), len(counts)
    each = [count_score(int(n), size, 1 / kinds, alpha / (2 * kinds)) for n in counts]
    straight = np.arange(1, kinds + 1) / kinds
    distance = float(np.abs(np.cumsum(counts) / size - straight).max())
    score = max(*each, ratio(distance, distance_limit(size, alpha / 2)))
    never = int((counts == 0).sum())
    gist = f"{never} of {kinds} values never come" if never else "some come more often than others"
    expected = f"each of {kinds} values about {size / kinds:.3g} times of {size}"
    return finding(
        score <= 1, expected, f"from {counts.min()} to {counts.max()} times", gist, margin=score
    )

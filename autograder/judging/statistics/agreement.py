"""What two outputs of a draw, or two answers, have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from autograder.judging.checks import Case, Check, finding
from autograder.judging.comparison import Tolerance, same
from autograder.judging.statistics.draws import NONE_OF_THEM, Reading, numbers_of
from autograder.judging.verdict import Finding


def move_together(
    one: Reading, other: Reading, property: str, *, rtol: float | None = None
) -> Check:
    """Two outputs of a draw say the same of what was drawn: the image and its label.

    Both readings give what their output says of the draw (a weight, a partner, an outcome), in
    arrays of one shape; they must agree in every draw, up to rounding.
    """

    def look(case: Case) -> Finding:
        first, second = numbers_of(case, one), numbers_of(case, other)
        if first is None or second is None or first.shape != second.shape or not first.size:
            return finding(False, "two that agree", "another form", "of another form")
        if (np.concatenate([first.ravel(), second.ravel()]) == NONE_OF_THEM).any():
            return finding(False, "two that agree", "neither outcome", "not what can be drawn")
        tolerance = Tolerance(rtol, case.dtype)
        pairs = zip(first, second, strict=True)
        torn = sum(not same(b, a, tolerance) for a, b in pairs)
        observed = f"they disagree in {torn} of {len(first)} draws"
        return finding(torn == 0, "two that agree in every draw", observed, observed)

    return Check(property, look)


def compatible_with(*hypotheses: Check, alpha: float = 1e-6) -> Callable[[Case], tuple[str, ...]]:
    """A signature for random answers: the hypotheses that what was drawn is compatible with.

    Two answers behave alike when the same hypotheses hold of both. Nothing is rounded, so that a
    signature is another one by chance only as often as ``alpha``, shared among the hypotheses, says
    (and where a hypothesis is neither right nor clearly wrong: leave such a one out).
    """

    def signature(case: Case) -> tuple[str, ...]:
        looked_at = replace(case, alpha=alpha / max(1, len(hypotheses)))
        return tuple(each.property for each in hypotheses if each(looked_at).passed)

    return signature

"""A picture under a verdict, where a picture says more than numbers do.

Which one an exercise gets follows from its probe and from what its answers look like.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autograder.judging import Exercise, Hidden, Reason, Verdict
from autograder.judging.checks import float_dtype
from autograder.judging.essence import Observation
from autograder.reporting.pictures.bars import bars
from autograder.reporting.pictures.curves import over_steps, over_x
from autograder.reporting.pictures.frame import Picture, Seen
from autograder.reporting.pictures.grids import grid
from autograder.reporting.pictures.histograms import histogram
from autograder.reporting.pictures.paths import path
from autograder.reporting.pictures.runs import runs

__all__ = ["Picture", "picture"]

_KINDS = (runs, histogram, over_steps, path, over_x, bars, grid)
_DRAWN = (Reason.CORRECT, Reason.PARTLY_CORRECT, Reason.WRONG)


def picture(
    exercise: Exercise, hidden: Hidden, observed: Sequence[Observation], verdict: Verdict
) -> Picture | None:
    """The picture of the first case that failed, or of the first where all is right.

    None where no picture says more than the numbers. Never raises: what was observed may have any
    form, and a verdict does well without a picture.
    """
    if verdict.reason not in _DRAWN:
        return None
    failed = [f.case for f in verdict.findings if not f.passed and f.case is not None]
    number = min(failed, default=0)
    try:
        inputs = hidden.drawn[number]
        pair = observed[number], hidden.expected[number]
        seen = Seen(exercise, inputs, *pair, float_dtype(inputs), verdict.passed)
        with np.errstate(all="ignore"):
            return next((drawn for draw in _KINDS if (drawn := draw(seen))), None)
    except Exception:
        return None

"""What of a random answer's draws a check looks at."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograder.judging.checks import MISSING, Case, Check, find, finding
from autograder.judging.comparison import Tolerance, same
from autograder.judging.samples import Sample
from autograder.judging.verdict import Finding
from autograder.judging.wording import kind_of

Formula = Callable[..., Any]
"""A function of a case's inputs, called with them as keyword arguments."""

Reading = str | Callable[[Case], Any]
"""What is looked at: a path into every draw ("0" is the first of several outputs, "" all there is),
or a function from a case to an array with one entry, or one array of entries, a draw."""


def numbers_of(case: Case, of: Reading) -> np.ndarray | None:
    """What a reading finds, one row a draw; None where it finds no array of real numbers."""
    if of == "":
        return None if case.sample is None else case.sample.draws
    found = of(case) if callable(of) else _stacked(case.observed.get("result"), of, case)
    array = np.asarray(found) if found is not None else None
    return array if array is not None and array.ndim and array.dtype.kind in "biuf" else None


def _stacked(result: Any, path: str, case: Case) -> np.ndarray | None:
    if not isinstance(result, list) and not (isinstance(result, np.ndarray) and result.ndim):
        return None
    parts = [find(draw, path, case) for draw in result]
    if not parts or any(part is MISSING or part is None for part in parts):
        return None
    arrays = [np.asarray(part) for part in parts]
    return np.stack(arrays) if len({array.shape for array in arrays}) == 1 else None


def statistical(property: str, of: Reading, look: Callable[[Case, np.ndarray], Finding]) -> Check:
    """A check of a reading, which fails by any margin where there are no finite numbers to read."""

    def guarded(case: Case) -> Finding:
        numbers = numbers_of(case, of)
        if numbers is None:
            return finding(False, "numbers", kind_of(first_of(case)), margin=math.inf)
        if not numbers.size or not np.isfinite(numbers).all():
            return finding(False, "finite numbers", "nan, inf or nothing", margin=math.inf)
        return look(case, numbers)

    return Check(property, guarded, statistical=True)


def sampled(property: str, of: Reading, look: Callable[[Case, Sample], Finding]) -> Check:
    """A check of all entries of a reading pooled."""

    def pooled(case: Case, numbers: np.ndarray) -> Finding:
        known = case.sample if of == "" else None
        return look(case, known or Sample(numbers))

    return statistical(property, of, pooled)


def first_of(case: Case) -> Any:
    """The first of what was drawn, for saying what sort of thing it is."""
    result = case.observed.get("result")
    return result[0] if isinstance(result, list) and result else result


NONE_OF_THEM = -1


def outcome(allowed: Formula, *, of: Reading = "", separate: int = 0) -> Callable[[Case], Any]:
    """A reading: which of the allowed outcomes every draw is, ``NONE_OF_THEM`` where it is none.

    Shapes: draws (count, *S), ``allowed`` a sequence of K arrays (*S) -> whole numbers (count,);
    with ``separate`` the first axes of S are told apart each by itself: images (count, N, C, H, W)
    with separate=1 -> (count, N). Inputs must be such that no two outcomes are the same.
    """

    def read(case: Case) -> np.ndarray | None:
        draws = numbers_of(case, of)
        outcomes = [np.asarray(one) for one in allowed(**case.inputs)]
        if draws is None or any(one.shape != draws.shape[1:] for one in outcomes):
            return None
        found = np.full(draws.shape[: 1 + separate], NONE_OF_THEM)
        for place in np.ndindex(*found.shape):
            found[place] = _which(draws[place], [one[place[1:]] for one in outcomes], case.dtype)
        return found

    return read


def _which(drawn: np.ndarray, outcomes: Sequence[np.ndarray], dtype: str) -> int:
    tolerance = Tolerance(dtype=dtype)
    alike = (i for i, one in enumerate(outcomes) if same(drawn, one, tolerance))
    return next(alike, NONE_OF_THEM)

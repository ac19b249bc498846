"""Plain values that are equal up to rounding: what the signature of an exercise may hold."""

from typing import Any

from autograder.judging.checks import float_dtype
from autograder.judging.comparison import Tolerance, same


class Alike:
    """Plain values, equal to others up to rounding in the coarser precision of the two."""

    def __init__(self, *seen: Any) -> None:
        self.seen = list(seen)
        self.dtype = float_dtype(self.seen)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Alike):
            return False
        coarser = min(self.dtype, other.dtype)  # "float32" comes before "float64"
        return same(self.seen, other.seen, Tolerance(dtype=coarser))

    __hash__ = None  # type: ignore[assignment]

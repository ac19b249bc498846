"""How exact the numbers of a dtype are, and what shows that an answer was less exact."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autograder.judging.wording import digit


@dataclass(frozen=True)
class Precision:
    """How far apart two right answers may be that are given numbers of a dtype.

    ``rtol`` is relative to each entry and ``atol`` to the largest one; ``smallest`` is what the
    dtype rounds to zero on the way, and ``bits`` the length of its significand.
    """

    name: str
    bits: int
    rtol: float
    atol: float
    smallest: float

    def with_rtol(self, rtol: float) -> Precision:
        """The same with another relative tolerance, which the absolute one does not exceed."""
        return replace(self, rtol=rtol, atol=min(self.atol, rtol))

    def close(self, observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
        """Where two arrays of one shape agree, entry by entry; nan agrees with nan."""
        a, b = observed.astype(np.float64), expected.astype(np.float64)
        scale = np.abs(b[np.isfinite(b)]).max(initial=0.0)
        with np.errstate(invalid="ignore", over="ignore"):
            allowed = self.atol * scale + self.smallest + self.rtol * np.abs(b)
            near = np.abs(a - b) <= np.where(np.isfinite(b), allowed, 0.0)
        return np.asarray(near | (a == b) | (np.isnan(a) & np.isnan(b)))


PRECISIONS = {
    p.name: p
    for p in (
        Precision("float64", 53, 1e-7, 1e-10, 1e-300),
        Precision("float32", 24, 1e-4, 1e-5, 1e-37),
        Precision("float16", 11, 1e-2, 1e-3, 1e-7),
        Precision("bfloat16", 8, 3e-2, 1e-2, 1e-37),
    )
}

FLOAT32_CONSTANTS = replace(PRECISIONS["float64"], rtol=1e-6, atol=1e-7)
"""What some ten constants in float32 leave behind, each wrong by up to 6e-8."""

_SINGLE = replace(PRECISIONS["float32"], rtol=1e-5, atol=1e-6)
"""What a computation in float32 leaves behind, seldom more."""

# Numbers that need this many bits less of a significand say nothing about it.
_SPARE = 3


def lost_precision(observed: np.ndarray, expected: np.ndarray, wanted: Precision) -> str:
    """What says that an answer is right but for having been computed less exactly than wanted.

    Empty where nothing says so: the numbers must agree up to the rounding of a coarser dtype, and
    be of that dtype or fill its significand; or differ as little as float32 inside leaves behind.
    """
    coarser = [p for p in PRECISIONS.values() if p.bits < wanted.bits]
    for one in sorted(coarser, key=lambda p: p.bits):
        is_of_it = observed.dtype.name == one.name or _fills(observed, one.bits)
        if is_of_it and one.close(observed, expected).all():
            return f"computed in {one.name}; the inputs are {wanted.name}"
    if wanted.name == "float64" and _SINGLE.close(observed, expected).all():
        a, b = observed.astype(np.float64), expected.astype(np.float64)
        return f"differs in {digit(a, b)}: float32 somewhere inside"
    return ""


def _fills(numbers: np.ndarray, bits: int) -> bool:
    """Whether all numbers have significands of this many bits, and some need nearly all."""
    mantissas = np.frexp(numbers[np.isfinite(numbers)].astype(np.float64))[0]

    def fit(length: int) -> bool:
        return bool((np.ldexp(mantissas, length) % 1 == 0).all())

    return fit(bits) and not fit(bits - _SPARE)

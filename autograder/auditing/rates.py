"""How often an answer passes, and when enough draws have been seen to say that it never does.

The cases of a draw are drawn independently of each other, and an answer passes a draw when it
passes all of its cases. So the rate at which it passes draws is the product of the rates at which
it passes cases, and each of those is bounded from what was seen: none passed of n leaves at most
1 − α^(1/n) with confidence 1 − α. An answer that fails in all of three cases is known after
fifteen draws as surely as one that fails in a single case is after two hundred.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from scipy.stats import beta

DOUBT = 0.05
"""Probability that a bound is too low."""


@dataclass
class Rate:
    """How many draws were seen, how many an answer passed, and how many times each case."""

    draws: int = 0
    passes: int = 0
    of_cases: list[int] = field(default_factory=list)
    first_pass: int | None = None

    def count(self, passed_cases: Sequence[bool], passed: bool, seed: int) -> None:
        """Add what was seen of one draw."""
        self.of_cases = self.of_cases or [0] * len(passed_cases)
        self.of_cases = [a + b for a, b in zip(self.of_cases, passed_cases, strict=True)]
        self.draws += 1
        self.passes += passed
        if passed and self.first_pass is None:
            self.first_pass = seed

    @property
    def hangs_on_the_seed(self) -> bool:
        """Whether the answer passes some draws and fails others."""
        return 0 < self.passes < self.draws

    def bound(self) -> float:
        """The largest rate of passed draws that agrees with what was seen."""
        doubt = DOUBT / max(len(self.of_cases), 1)
        return math.prod(_largest_rate(passes, self.draws, doubt) for passes in self.of_cases)

    def never_passes(self, draws: int) -> bool:
        """Whether this is as sure as ``draws`` failures of an answer with a single case make it."""
        return self.passes == 0 and self.bound() <= _largest_rate(0, draws, DOUBT)


def _largest_rate(passes: int, draws: int, doubt: float) -> float:
    """The upper bound of Clopper and Pearson (1934) on a rate."""
    if passes == draws:
        return 1.0
    if passes == 0:
        return float(1 - doubt ** (1 / draws))
    return float(beta.ppf(1 - doubt, passes + 1, draws - passes))

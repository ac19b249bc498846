"""The geometry of figures: counts in bins, and where on an axis a number lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

_BINS = 12
_WIDE = 20.0


@dataclass(frozen=True)
class Bin:
    """A range of values, how many lie in it, and its height relative to the largest."""

    low: float
    high: float
    count: int
    height: float


@dataclass(frozen=True)
class Axis:
    """A range of numbers, on a linear or a logarithmic scale, with values outside clipped to it."""

    low: float
    high: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value lies, from 0 to 1."""
        low, high, value = (self._scaled(v) for v in (self.low, self.high, value))
        return min(max((value - low) / (high - low), 0.0), 1.0)

    def value(self, place: float) -> float:
        """The value at a place from 0 to 1."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        at = low + place * (high - low)
        return 10**at if self.logarithmic else at

    def ticks(self) -> list[tuple[float, str]]:
        """Places and labels of round numbers."""
        if self.logarithmic:
            powers = range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)
            every = -(-len(powers) // 7)
            values = [10.0**p for p in powers if p % every == 0]
        else:
            step = _round_step((self.high - self.low) / 5)
            first = math.ceil(self.low / step - 1e-9)
            last = math.floor(self.high / step + 1e-9)
            values = [step * i for i in range(first, last + 1)]
        return [(self.place(value), f"{value:.6g}") for value in values]

    def _scaled(self, value: float) -> float:
        if not self.logarithmic:
            return value
        return math.log10(max(value, self.low * 1e-3))


def histogram(values: Sequence[float], axis: Axis, bins: int = _BINS) -> list[Bin]:
    """Counts of values in equal bins of an axis; the outermost also hold what lies beyond."""
    counts = [0] * bins
    for value in values:
        # Rounding must not put a value at a bin's lower edge into the bin below.
        counts[min(int(bins * axis.place(value) + 1e-9), bins - 1)] += 1
    largest = max(counts) or 1
    edges = [axis.value(i / bins) for i in range(bins + 1)]
    return [Bin(edges[i], edges[i + 1], n, n / largest) for i, n in enumerate(counts)]


def axis_of(numbers: Sequence[float], outcome: float | None) -> Axis:
    """An axis on which most predictions and the outcome can be told apart.

    Guesses at a positive quantity that differ in their order of magnitude are laid out by it, at
    most three decades from the outcome; others on a linear scale that leaves out single wild ones.
    """
    positive = [n for n in numbers if n > 0]
    if outcome is not None and outcome > 0 and _spread([*positive, outcome]) > _WIDE:
        exponent = math.log10(outcome)
        exponents = [math.log10(n) for n in positive]
        low = max(min([exponent - 0.7, *exponents]), exponent - 3)
        high = min(max([exponent + 0.7, *exponents]), exponent + 3)
        return Axis(10.0 ** math.floor(low), 10.0 ** math.ceil(high), logarithmic=True)
    center = outcome if outcome is not None else median(numbers) if numbers else 0.0
    away = sorted(abs(n - center) for n in numbers)
    reach = max(away[int(0.95 * (len(away) - 1))] if away else 0.0, abs(center)) or 1.0
    shown = [center, *(n for n in numbers if abs(n - center) <= reach)]
    if center:
        shown += [0.0, 1.2 * center]
    step = _round_step((max(shown) - min(shown) or reach) / 5)
    low, high = math.floor(min(shown) / step), math.ceil(max(shown) / step)
    return Axis(step * low, step * max(high, low + 1))


def finite_numbers(values: Sequence[Any]) -> list[float]:
    """The finite numbers among values that students wrote."""
    numbers = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        try:
            number = float(value)
        except OverflowError:
            continue
        if abs(number) < 1e100:
            numbers.append(number)
    return numbers


def _spread(positive: Sequence[float]) -> float:
    return max(positive) / min(positive)


def _round_step(step: float) -> float:
    if step <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= step * (1 - 1e-9))

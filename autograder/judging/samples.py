"""The numbers of a random answer, and what the statistics ask of them, each worked out once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from autograder.judging.wording import kind_of

# A table in which this many numbers leave nearly all of their marks side by side.
_TABLE_BITS = 20
_ODD = np.uint64(0x9E3779B97F4A7C15)


class Sample:
    """All draws of a case. Shapes: ``draws`` is (count, *S), ``values`` all of its entries."""

    def __init__(self, draws: np.ndarray) -> None:
        self.draws = draws

    @cached_property
    def values(self) -> np.ndarray:
        """Every entry, as float64."""
        return np.ascontiguousarray(self.draws, dtype=np.float64).ravel()

    @cached_property
    def is_finite(self) -> bool:
        """Whether there are numbers, and only finite ones."""
        return bool(self.values.size and np.isfinite(self.values).all())

    @cached_property
    def mean(self) -> float:
        """The mean of all entries: of equal ones, what each of them is."""
        first = self.values[0]
        return float(first if (self.values == first).all() else self.values.mean())

    @cached_property
    def centered(self) -> np.ndarray:
        """Every entry's distance from the mean."""
        return self.values - self.mean

    @cached_property
    def std(self) -> float:
        """The standard deviation of all entries, exactly 0 where they are equal."""
        return math.sqrt(self.centered @ self.centered / self.values.size)

    @cached_property
    def kurtosis(self) -> float:
        """The excess kurtosis: 0 for a normal distribution."""
        if self.std == 0:
            return 0.0
        squares = np.square(self.centered / self.std)
        return float(squares @ squares / squares.size - 3)

    @cached_property
    def ordered(self) -> np.ndarray:
        """Every entry, as float64, in ascending order."""
        # float32 sorts in half the time of float64.
        return np.sort(self.draws, axis=None).astype(np.float64)

    @cached_property
    def distinct(self) -> int:
        """How many entries differ; at most 2 % less where nearly all do."""
        marked = _marks(self.values)
        return marked if marked > 0.95 * self.values.size else int(np.unique(self.draws).size)

    @property
    def repeats_calls(self) -> bool:
        """Whether the first two calls gave the same."""
        return len(self.draws) > 1 and np.array_equal(self.draws[0], self.draws[1])

    @cached_property
    def copied(self) -> tuple[bool, ...]:
        """For every axis, whether all entries along it are the same."""
        draws = self.draws
        return tuple(bool((draws == draws.take([0], axis)).all()) for axis in range(draws.ndim))


@dataclass(frozen=True)
class Portrait:
    """The few numbers by which two samples are compared; infinite samples have no moments."""

    shape: tuple[int, ...]
    copied: tuple[bool, ...]
    finite: float
    first: float = 0.0
    mean: float = 0.0
    std: float = 0.0
    kurtosis: float = 0.0
    distinct: int = 0
    early: float = 0.0
    """The share of the first entries that differ."""

    @property
    def spread(self) -> float:
        """The kurtosis of what is more pointed than a bell, which scatters more."""
        return max(0.0, self.kurtosis)


def sample_of(value: Any) -> Sample | None:
    """The sample that an observed result is; None where it is no array of numbers."""
    numbers = isinstance(value, np.ndarray) and value.dtype.kind in "fiub"
    return Sample(value) if numbers else None


def portrait(value: Any, sample: Sample | None) -> Any:
    """What of an observed result is not chance: of what is no sample, the sorts of its parts."""
    if sample is None:
        return _structure(value)
    shape = sample.draws.shape
    if not sample.is_finite:
        return Portrait(shape, sample.copied, float(np.isfinite(sample.values).mean()))
    early = sample.values[:5000]
    return Portrait(
        shape,
        sample.copied,
        1.0,
        float(sample.values[0]),
        sample.mean,
        sample.std,
        sample.kurtosis,
        sample.distinct,
        _marks(early) / early.size,
    )


def _structure(value: Any) -> Any:
    if isinstance(value, list):
        return [_structure(item) for item in value]
    return kind_of(value)


def _marks(values: np.ndarray) -> int:
    """How many places of a table are marked, each number marking one of its own: the number of
    different numbers, less the few that share a place.
    """
    table = np.zeros(1 << _TABLE_BITS, dtype=bool)
    places = (values + 0.0).view(np.uint64) * _ODD >> np.uint64(64 - _TABLE_BITS)
    table[places] = True
    return int(np.count_nonzero(table))

"""Random draws: how often which number came, beside how often it was to come."""

from __future__ import annotations

import numpy as np

from autograder.reporting.pictures.frame import (
    WANTED,
    YOURS,
    Picture,
    Seen,
    as_numbers,
    finished,
    legend,
    number,
    panels,
)

_MOST, _BINS = 40_000, 81


def histogram(seen: Seen) -> Picture | None:
    """The histogram of all numbers that were drawn, over that of the reference."""
    if seen.exercise.probe.name != "draws":
        return None
    yours, wanted = (_drawn(one.get("result")) for one in (seen.observed, seen.expected))
    if yours is None or wanted is None:
        return None
    both = [np.quantile(numbers, [0.002, 0.998]) for numbers in (yours, wanted)]
    bins = np.linspace(np.min(both), np.max(both), _BINS + 1)
    figure, (axes,) = panels()
    for numbers, color, label in ((wanted, WANTED, "wanted"), (yours, YOURS, "yours")):
        # Each is as high as its highest bar, or a narrow one would hide a wide one.
        heights = np.histogram(numbers, bins)[0] / max(1, np.histogram(numbers, bins)[0].max())
        filled = label == "wanted"
        axes.stairs(heights, bins, fill=filled, color=color, alpha=0.35 if filled else 1,
                    linewidth=1.6, label=label)  # fmt: skip
    axes.set_yticks([])
    axes.set_xlabel("the numbers drawn, each histogram as high as its highest bar")
    legend(axes)
    return finished(figure, _words(yours, wanted))


def _drawn(result: object) -> np.ndarray | None:
    if isinstance(result, list):
        parts = [as_numbers(part) for part in result]
        rows = [part.ravel() for part in parts if part is not None]
        numbers = np.concatenate([np.empty(0), *rows])
    else:
        found = as_numbers(result)
        numbers = np.empty(0) if found is None else found.ravel()
    numbers = numbers[np.isfinite(numbers)]
    return numbers[:: len(numbers) // _MOST + 1] if numbers.size else None


def _words(yours: np.ndarray, wanted: np.ndarray) -> str:
    mine = f"mean {number(yours.mean())} and standard deviation {number(yours.std())}"
    right = f"mean {number(wanted.mean())} and standard deviation {number(wanted.std())}"
    return f"Two histograms: your numbers have {mine}; a right answer's have {right}."

"""One number for each layer: yours beside what is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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

_FEWEST = 3
# With numbers further apart than this, the small ones would have no bars.
_FAR_APART = 30.0


def bars(seen: Seen) -> Picture | None:
    """The first thing that is wrong of what an answer says of every layer."""
    if seen.correct or seen.exercise.probe.name != "call":
        return None
    layers = [len(v) for v in seen.inputs.values() if isinstance(v, list) and _are_arrays(v)]
    if not layers or layers[0] < _FEWEST:
        return None
    results = (seen.observed.get("result"), seen.expected["result"])
    for name, yours, wanted in _per_layer(*results, layers[0]):
        if not seen.same(yours, wanted):
            return _drawn(name, yours, wanted)
    return None


def _are_arrays(items: list[Any]) -> bool:
    return all(isinstance(item, np.ndarray) for item in items)


def _per_layer(
    result: Any, wanted: Any, layers: int
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Numbers that there are one of for each layer; of arrays, their lengths as vectors."""
    if isinstance(wanted, dict) and isinstance(result, dict):
        for name, item in wanted.items():
            yield from ((name, *pair) for _, *pair in _per_layer(result.get(name), item, layers))
    elif isinstance(wanted, list) and isinstance(result, list) and len(wanted) == layers:
        mine, right = (_lengths(one) for one in (result, wanted))
        if mine is not None and right is not None and mine.shape == right.shape:
            yield "the lengths as vectors", mine, right
    else:
        right, mine = as_numbers(wanted), as_numbers(result, (layers,))
        if right is not None and right.shape == (layers,) and mine is not None:
            yield "the numbers", mine, right


def _lengths(arrays: list[Any]) -> np.ndarray | None:
    found = [array for array in map(as_numbers, arrays) if array is not None]
    return np.array([np.linalg.norm(array) for array in found]) if found else None


def _drawn(name: str, yours: np.ndarray, wanted: np.ndarray) -> Picture | None:
    if not np.isfinite(yours).all():
        return None
    figure, (axes,) = panels()
    layers = np.arange(1, len(wanted) + 1)
    axes.bar(layers - 0.2, wanted, 0.38, color=WANTED, alpha=0.6, label="wanted")
    axes.bar(layers + 0.2, yours, 0.38, color=YOURS, label="yours")
    together = np.concatenate([yours, wanted])
    if (together > 0).all() and together.max() > _FAR_APART * together.min():
        axes.set_yscale("log")
    axes.set_xticks(layers)
    axes.set_xlabel("layer")
    axes.set_ylabel(name)
    legend(axes)
    worst = int((np.abs(yours - wanted) / np.maximum(np.abs(wanted), 1e-300)).argmax())
    words = f"{number(yours[worst])} instead of {number(wanted[worst])}"
    alt = f"Bars for {len(wanted)} layers ({name}), yours beside the wanted ones; furthest off is "
    return finished(figure, f"{alt}layer {worst + 1}: {words}.")

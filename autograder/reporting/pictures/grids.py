"""Images and tables of numbers: before, yours, and what is wanted, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograder.judging.wording import READABLE
from autograder.reporting.pictures.curves import is_elementwise
from autograder.reporting.pictures.frame import (
    Picture,
    Seen,
    as_numbers,
    finished,
    number,
    panels,
)

_BEFORE = ("images", "x", "scores", "prediction", "signal")
_LARGEST = 64


def grid(seen: Seen) -> Picture | None:
    """The first array that is wrong, as colors: of images, the channel that is furthest off."""
    if seen.correct or seen.exercise.signature is not None or is_elementwise(seen):
        return None
    for before, mine, right in _arrays(seen):
        wanted = as_numbers(right)
        if wanted is None or not 2 <= wanted.ndim <= 4 or wanted.size <= READABLE:
            continue
        yours = as_numbers(mine, wanted.shape)
        if yours is not None and not seen.same(yours, wanted):
            return _side_by_side(before, yours, wanted)
    return None


def _arrays(seen: Seen) -> Iterator[tuple[np.ndarray | None, Any, Any]]:
    """What may be drawn, in the order in which it was observed: before, yours, wanted."""
    if seen.exercise.probe.name == "module":
        steps = seen.observed["steps"], seen.expected["steps"], seen.inputs["steps"]
        for mine, right, asked in zip(*steps, strict=False):
            if asked["do"] == "call" and "result" in right:
                yield as_numbers(asked["x"]), mine.get("result"), right["result"]
    elif seen.exercise.probe.name in ("call", "gradients", "differentiated"):
        pairs = _leaves(seen.observed.get("result"), seen.expected["result"])
        for mine, right in pairs:
            yield _before(seen.inputs, np.shape(right)), mine, right


def _leaves(result: Any, wanted: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(wanted, dict) and isinstance(result, dict):
        for name, item in wanted.items():
            yield from _leaves(result.get(name), item)
    elif isinstance(wanted, list) and isinstance(result, list):
        for one, other in zip(result, wanted, strict=False):
            yield from _leaves(one, other)
    elif isinstance(wanted, np.ndarray):
        yield result, wanted


def _before(inputs: dict[str, Any], shape: tuple[int, ...]) -> np.ndarray | None:
    named = (inputs[name] for name in _BEFORE if name in inputs)
    return next((v for v in map(as_numbers, named) if v is not None and _alike(v, shape)), None)


def _alike(array: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether an input is what a result was made of: but for a border, of the same shape."""
    return array.ndim == len(shape) and array.shape[:-2] == shape[:-2]


def _side_by_side(
    before: np.ndarray | None, yours: np.ndarray, wanted: np.ndarray
) -> Picture | None:
    if max(wanted.shape[-2:]) > _LARGEST:
        return None
    with np.errstate(all="ignore"):
        off = np.nan_to_num(np.abs(yours - wanted), nan=np.inf, posinf=np.inf)
    place = np.unravel_index(int(off.argmax()), off.shape)[:-2]
    shown = {"before": before, "yours": yours, "wanted": wanted}
    tables = {name: table[place] for name, table in shown.items() if table is not None}
    figure, axes = panels(len(tables), width=2.3 * len(tables), height=2.4)
    reach = float(np.abs(tables["wanted"]).max()) or 1.0
    for (name, table), one in zip(tables.items(), axes, strict=True):
        limit = reach if name != "before" else float(np.abs(table).max()) or 1.0
        one.imshow(table, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
        one.set_title(f"{name}: {_range(table)}")
        one.grid(False)
        one.set_xticks([])
        one.set_yticks([])
    names = {1: ("slice",), 2: ("image", "channel")}.get(len(place), ())
    where = ", ".join(f"{n} {int(i)}" for n, i in zip(names, place, strict=True))
    alt = f"{where}: " if where else "Numbers as colors: "
    rest = f"yours go from {_range(tables['yours'])}, wanted are {_range(tables['wanted'])}."
    return finished(figure, f"{alt[0].upper()}{alt[1:]}{', '.join(tables)}; {rest}")


def _range(table: np.ndarray) -> str:
    if not np.isfinite(table).any():
        return "nan to nan"
    holes = ", some nan" if np.isnan(table).any() else ""
    return f"{number(np.nanmin(table))} to {number(np.nanmax(table))}{holes}"

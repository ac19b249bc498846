"""When two observed values are the same, and how to say where they differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

RTOL = {"float64": 1e-7, "float32": 1e-4, "float16": 1e-2}
ATOL = {"float64": 1e-10, "float32": 1e-5, "float16": 1e-3}
"""Relative tolerance of each entry, and absolute tolerance relative to the largest entry."""

_SMALLEST = {"float64": 1e-300, "float32": 1e-37, "float16": 1e-7}
"""What is smaller is rounded to zero on the way to it, by right answers too."""

# numpy puts a dtype's name together anew each time it is asked.
_FLOATS = {np.dtype(name): name for name in RTOL}


class Words(NamedTuple):
    """What was expected and observed where two values differ, and the gist of it."""

    expected: str
    observed: str
    gist: str


@dataclass(frozen=True)
class Difference:
    """Where two values differ. It is put into words when they are asked for, which takes longer
    than to find it.
    """

    words: Callable[[], Words]

    @cached_property
    def _words(self) -> Words:
        return self.words()

    expected = property(lambda self: self._words.expected)
    observed = property(lambda self: self._words.observed)
    gist = property(lambda self: self._words.gist)


@dataclass(frozen=True)
class Tolerance:
    """How near is near enough: that of the coarsest of both values' dtypes and ``dtype``.

    ``dtype`` is what the answer computed in, whatever it returned; ``rtol`` replaces the relative
    tolerance of the dtypes.
    """

    rtol: float | None = None
    dtype: str = "float64"


def difference(
    observed: Any, expected: Any, tolerance: Tolerance = Tolerance()
) -> Difference | None:
    """The first difference between plain values, or None when they are the same.

    Lists and tuples are alike, and so are
    numbers and arrays of no dimensions: only what the numbers say counts.
    """
    if isinstance(expected, dict):
        return _dict_difference(observed, expected, tolerance)
    if isinstance(expected, list):
        return _list_difference(observed, expected, tolerance)
    if expected is None or isinstance(expected, str):
        if type(observed) is type(expected) and observed == expected:
            return None
        return Difference(lambda: Words(brief(expected), brief(observed), "another value"))
    if isinstance(observed, list):
        observed = _stacked(observed)
    if not isinstance(observed, (bool, int, float, np.ndarray)):
        return Difference(
            lambda: Words(brief(expected), brief(observed), f"{kind_of(observed)}, not numbers")
        )
    return _array_difference(np.asarray(observed), np.asarray(expected), tolerance)


def same(observed: Any, expected: Any, tolerance: Tolerance = Tolerance()) -> bool:
    """Whether two plain values are equal up to rounding."""
    return difference(observed, expected, tolerance) is None


def _stacked(items: list[Any]) -> Any:
    """A sequence of numbers as the array it stands for; itself where it stands for none."""
    rows = [_stacked(item) if isinstance(item, list) else item for item in items]
    if not rows or not all(isinstance(row, (bool, int, float, np.ndarray)) for row in rows):
        return items
    arrays = [np.asarray(row) for row in rows]
    return np.stack(arrays) if len({array.shape for array in arrays}) == 1 else items


def _dict_difference(
    observed: Any, expected: dict[str, Any], tolerance: Tolerance
) -> Difference | None:
    if not isinstance(observed, dict) or set(observed) != set(expected):
        keys = sorted(observed) if isinstance(observed, dict) else kind_of(observed)
        said = Words(f"keys {sorted(expected)}", f"{keys}", "other entries than asked for")
        return Difference(lambda: said)
    return _first(observed, expected, expected, tolerance)


def _list_difference(observed: Any, expected: list[Any], tolerance: Tolerance) -> Difference | None:
    if isinstance(observed, np.ndarray) and observed.ndim > 0:
        observed = [np.asarray(item) for item in observed]
    if not isinstance(observed, list) or len(observed) != len(expected):
        count = len(observed) if isinstance(observed, list) else kind_of(observed)
        said = Words(f"{len(expected)} values", f"{count}", "another number of values")
        return Difference(lambda: said)
    return _first(observed, expected, range(len(expected)), tolerance)


def _first(observed: Any, expected: Any, keys: Any, tolerance: Tolerance) -> Difference | None:
    for key in keys:
        found = difference(observed[key], expected[key], tolerance)
        if found:
            return _inside(f"entry {key}" if isinstance(key, int) else str(key), found)
    return None


def _inside(name: str, found: Difference) -> Difference:
    return Difference(lambda: Words(*(f"{name}: {said}" for said in found.words())))


def _array_difference(
    observed: np.ndarray, expected: np.ndarray, tolerance: Tolerance
) -> Difference | None:
    if observed.shape != expected.shape:
        return Difference(lambda: _other_shape(observed, expected, tolerance))
    close = _close(observed, expected, tolerance)
    return None if close.all() else Difference(lambda: _worst(observed, expected, close))


def _other_shape(observed: np.ndarray, expected: np.ndarray, tolerance: Tolerance) -> Words:
    gist = f"shape {_shape(observed)}, wanted {_shape(expected)}"
    if (
        observed.size == expected.size
        and _close(observed.reshape(-1), expected.reshape(-1), tolerance).all()
    ):
        gist += "; the numbers themselves are right"
    elif observed.T.shape == expected.shape and _close(observed.T, expected, tolerance).all():
        gist += "; it is the transpose"
    return Words(f"shape {_shape(expected)}", f"shape {_shape(observed)}", gist)


def _close(observed: np.ndarray, expected: np.ndarray, tolerance: Tolerance) -> np.ndarray:
    names = [_FLOATS[a.dtype] for a in (observed, expected) if a.dtype in _FLOATS]
    names.append(tolerance.dtype)
    relative = tolerance.rtol if tolerance.rtol is not None else max(RTOL[n] for n in names)
    a, b = observed.astype(np.float64), expected.astype(np.float64)
    scale = np.abs(b[np.isfinite(b)]).max(initial=0.0)
    absolute = max(ATOL[n] for n in names) * scale + max(_SMALLEST[n] for n in names)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(a - b) <= absolute + relative * np.abs(b)
    return near | (a == b) | (np.isnan(a) & np.isnan(b))


def _worst(observed: np.ndarray, expected: np.ndarray, close: np.ndarray) -> Words:
    a, b = observed.astype(np.float64), expected.astype(np.float64)
    with np.errstate(all="ignore"):  # an answer may hold the largest numbers there are
        distance = np.where(close, -1.0, np.nan_to_num(np.abs(a - b), nan=np.inf, posinf=np.inf))
        gist = _gist(a, b)
    index = np.unravel_index(int(distance.argmax()), distance.shape)
    place = f" at [{', '.join(str(int(i)) for i in index)}]" if a.ndim else ""
    if not gist:
        wrong = int((~close).sum())
        gist = "another value" if a.size == 1 else f"{wrong} of {a.size} entries differ"
    return Words(f"{b[index]:.6g}{place}", f"{a[index]:.6g}{place}", gist)


def _gist(a: np.ndarray, b: np.ndarray) -> str:
    if not np.isfinite(a).all() and np.isfinite(b).all():
        count = int((~np.isfinite(a)).sum())
        return "not a finite number" if a.size == 1 else f"{count} of {a.size} are not finite"
    if not np.isfinite(b).all():
        return ""
    if not a.any():
        return "zero" if a.size == 1 else "all zero"
    solid = np.abs(b) > 1e-6 * np.abs(b).max(initial=0.0)
    if not solid.any():
        return ""
    ratio = a[solid] / b[solid]
    factor = float(np.median(ratio))
    if np.allclose(ratio, factor, rtol=1e-4) and factor != 0:
        if np.isclose(factor, -1):
            return "the sign is the other way round"
        return f"{times(factor)}" if a.size == 1 else f"every entry is {times(factor)}"
    shift = a - b
    if a.size > 1 and np.allclose(shift, shift.flat[0], rtol=1e-4, atol=1e-9):
        return f"every entry is shifted by {float(shift.flat[0]):.4g}"
    if a.ndim == 2 and a.shape[0] == a.shape[1] and np.allclose(a.T, b):
        return "it is the transpose"
    return ""


def times(factor: float) -> str:
    """A factor in words: "4 times too large"."""
    if factor == 0:
        return "zero"
    if factor < 0:
        return f"{factor:.3g} times what it should be"
    if factor >= 1:
        return f"{factor:.4g} times too large"
    return f"{1 / factor:.4g} times too small"


def kind_of(value: Any) -> str:
    """What sort of thing a plain value is, for a sentence."""
    if isinstance(value, dict) and "not data" in value:
        return f"a {value['not data']}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {_shape(value)}"
    names = {type(None): "None", list: "a sequence", dict: "a dict", str: "text"}
    return names.get(type(value), f"a {type(value).__name__}")


def brief(value: Any) -> str:
    """A plain value in a few words."""
    if isinstance(value, (bool, int, float)):
        return f"{value:.6g}" if isinstance(value, float) else str(value)
    if isinstance(value, str):
        return repr(value[:60])
    if isinstance(value, np.ndarray) and value.size <= 4:
        return np.array2string(value, precision=4, separator=", ")
    return kind_of(value)


def _shape(array: np.ndarray) -> str:
    return str(tuple(int(n) for n in array.shape))

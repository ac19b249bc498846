"""When two observed values are the same, and where and how they differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from autograder.judging.precision import FLOAT32_CONSTANTS, PRECISIONS, Precision, lost_precision
from autograder.judging.wording import (
    READABLE,
    Word,
    apart,
    brief,
    different_texts,
    digit,
    kind_of,
    numbers_apart,
    shape,
    times,
)

# numpy puts a dtype's name together anew each time it is asked.
_FLOATS = {np.dtype(name): name for name in ("float64", "float32", "float16")}


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
    """How near is near enough: what the coarser of the expected value's dtype and ``dtype`` rounds.

    ``dtype`` is that of the inputs, or what an exercise says that right answers compute in. What an
    answer returns buys nothing. ``rtol`` replaces the relative tolerance of the dtypes. With
    ``float32_constants`` a right answer to float64 may hold a few constants that torch made in
    float32, its default: ``torch.ones(n) / n``, or the zero that a sum begins with.

    For telling what an answer looks like, not whether it is right, ``alike`` lets the answer's own
    dtype count, down to float32.
    """

    rtol: float | None = None
    dtype: str = "float64"
    float32_constants: bool = False
    alike: bool = False


def difference(
    observed: Any, expected: Any, tolerance: Tolerance = Tolerance()
) -> Difference | None:
    """The first difference between plain values, or None when they are the same.

    Lists and tuples are alike, and so are numbers and arrays of no dimensions: only what the
    numbers say counts. Whole numbers are compared exactly unless the tolerance has an ``rtol``.
    """
    if isinstance(expected, dict):
        return _dict_difference(observed, expected, tolerance)
    if isinstance(expected, list):
        return _list_difference(observed, expected, tolerance)
    if expected is None or isinstance(expected, str):
        if type(observed) is type(expected) and observed == expected:
            return None
        return Difference(lambda: _other_text(observed, expected))
    if isinstance(observed, list):
        observed = _stacked(observed)
    numbers, wanted = _numbers(observed), _numbers(expected)
    if numbers is None or wanted is None:
        return Difference(lambda: _no_numbers(observed, expected))
    return _array_difference(numbers, wanted, tolerance)


def same(observed: Any, expected: Any, tolerance: Tolerance = Tolerance()) -> bool:
    """Whether two plain values are equal up to rounding."""
    return difference(observed, expected, tolerance) is None


def _numbers(value: Any) -> np.ndarray | None:
    """The real numbers that a plain value is; None where it is something else."""
    if not isinstance(value, (bool, int, float, np.ndarray)):
        return None
    array = np.asarray(value)
    if isinstance(value, int) and array.dtype == object:  # beyond 64 bits
        return np.asarray(float(value)) if abs(value) < 10**300 else None
    return array if array.dtype.kind in "biuf" else None


def _stacked(items: list[Any]) -> Any:
    """A sequence of numbers as the array it stands for; itself where it stands for none."""
    rows = [_stacked(item) if isinstance(item, list) else item for item in items]
    arrays = [array for array in map(_numbers, rows) if array is not None]
    if not rows or len(arrays) < len(rows):
        return items
    return np.stack(arrays) if len({array.shape for array in arrays}) == 1 else items


_NONE_CAME_BACK = "None came back: is a `return` missing?"


def _other_form(observed: Any, expected: str, gist: str) -> Words:
    """What is said where something of another form was given; None has a cause of its own."""
    if observed is None:
        gist = _NONE_CAME_BACK
    return Words(expected, brief(observed), gist)


def _other_text(observed: Any, expected: Any) -> Words:
    if isinstance(observed, Word) and isinstance(expected, Word):
        return Words(expected, observed, observed)
    if isinstance(observed, str) and isinstance(expected, str):
        wanted, got = different_texts(expected, observed)
        return Words(wanted, got, "another value")
    return _other_form(observed, brief(expected), "another value")


def _dict_difference(
    observed: Any, expected: dict[str, Any], tolerance: Tolerance
) -> Difference | None:
    if not isinstance(observed, dict) or set(observed) != set(expected):
        return Difference(lambda: _other_keys(observed, expected))
    return _first(observed, expected, expected, tolerance)


def _list_difference(observed: Any, expected: list[Any], tolerance: Tolerance) -> Difference | None:
    if isinstance(observed, np.ndarray) and observed.ndim > 0:
        observed = [np.asarray(item) for item in observed]
    if not isinstance(observed, list) or len(observed) != len(expected):
        return Difference(lambda: _other_length(observed, expected))
    return _first(observed, expected, range(len(expected)), tolerance)


def _other_keys(observed: Any, expected: dict[str, Any]) -> Words:
    wanted, gist = f"keys {sorted(expected)}", "other entries than asked for"
    if isinstance(observed, dict) and "not data" not in observed:
        return Words(wanted, f"keys {sorted(map(str, observed))}", gist)
    return _other_form(observed, f"a dict with the {wanted}", "not a dict")


def _other_length(observed: Any, expected: list[Any]) -> Words:
    wanted, gist = f"{len(expected)} values", "another number of values"
    if isinstance(observed, list):
        return Words(wanted, f"{len(observed)} values", gist)
    return _other_form(observed, wanted, f"{kind_of(observed)} instead of {wanted}")


def _no_numbers(observed: Any, expected: Any) -> Words:
    return _other_form(observed, brief(expected), f"{kind_of(observed)}, not numbers")


def _first(observed: Any, expected: Any, keys: Any, tolerance: Tolerance) -> Difference | None:
    for key in keys:
        found = difference(observed[key], expected[key], tolerance)
        if found:
            return _inside(f"entry {key}" if isinstance(key, int) else str(key), found)
    return None


def _inside(name: str, found: Difference) -> Difference:
    def words() -> Words:
        expected, observed, gist = found.words()
        # What holds a None has come back.
        gist = "None" if gist == _NONE_CAME_BACK else gist
        return Words(*(f"{name}: {said}" for said in (expected, observed, gist)))

    return Difference(words)


def _array_difference(
    observed: np.ndarray, expected: np.ndarray, tolerance: Tolerance
) -> Difference | None:
    wanted = _wanted(observed, expected, tolerance)
    if observed.shape != expected.shape:
        return Difference(lambda: _other_shape(observed, expected, wanted))
    if tolerance.rtol is None and observed.dtype.kind != "f" and expected.dtype.kind != "f":
        close = np.asarray(observed == expected)
    else:
        close = wanted.close(observed, expected)
    return None if close.all() else Difference(lambda: _worst(observed, expected, close, wanted))


def _wanted(observed: np.ndarray, expected: np.ndarray, tolerance: Tolerance) -> Precision:
    """How exact an answer is to be: as exact as its inputs and what it is compared with are."""
    precisions = [PRECISIONS[tolerance.dtype]]
    if expected.dtype in _FLOATS:
        precisions.append(PRECISIONS[_FLOATS[expected.dtype]])
    if tolerance.float32_constants:
        precisions.append(FLOAT32_CONSTANTS)
    if tolerance.alike and observed.dtype == np.float32:
        precisions.append(PRECISIONS["float32"])
    coarsest = max(precisions, key=lambda one: one.rtol)
    return coarsest if tolerance.rtol is None else coarsest.with_rtol(tolerance.rtol)


def _other_shape(observed: np.ndarray, expected: np.ndarray, wanted: Precision) -> Words:
    gist = f"shape {shape(observed)}, wanted {shape(expected)}"
    if (
        observed.size == expected.size
        and wanted.close(observed.reshape(-1), expected.reshape(-1)).all()
    ):
        gist += "; the numbers themselves are right"
    elif observed.T.shape == expected.shape and wanted.close(observed.T, expected).all():
        gist += "; it is the transpose"
    return Words(f"shape {shape(expected)}", f"shape {shape(observed)}", gist)


def _worst(
    observed: np.ndarray, expected: np.ndarray, close: np.ndarray, wanted: Precision
) -> Words:
    a, b = observed.astype(np.float64), expected.astype(np.float64)
    with np.errstate(all="ignore"):  # an answer may hold the largest numbers there are
        distance = np.where(close, -1.0, np.nan_to_num(np.abs(a - b), nan=np.inf, posinf=np.inf))
        gist = lost_precision(observed, expected, wanted)
        if not gist and observed.dtype.kind == expected.dtype.kind == "b":
            gist = _gist_of_truth(observed)
        elif not gist:
            gist = _gist_of_place(a, b) if _are_places(observed, expected) else _gist(a, b)
    index = np.unravel_index(int(distance.argmax()), distance.shape)
    place = f" at [{', '.join(str(int(i)) for i in index)}]" if a.ndim else ""
    if 1 < a.size <= READABLE and expected.ndim:
        right, got = numbers_apart(expected, observed, ~close)
        place = ""
    elif expected.dtype.kind == "b" and observed.dtype.kind == "b":
        right, got = str(bool(expected[index])), str(bool(observed[index]))
    else:
        right, got = apart(expected[index].item(), observed[index].item())
    if not gist:
        wrong = int((~close).sum())
        gist = "another value" if a.size == 1 else f"{wrong} of {a.size} entries differ"
        if np.isfinite(a).all() and np.allclose(a, b, rtol=1e-4, atol=0):
            gist += f", in {digit(a, b)}"
    return Words(f"{right}{place}", f"{got}{place}", gist)


def _are_places(observed: np.ndarray, expected: np.ndarray) -> bool:
    """Whether two single whole numbers may well say which one, of which a factor tells nothing."""
    whole = observed.dtype.kind in "iu" and expected.dtype.kind in "iu"
    return (
        whole and observed.size == 1 and max(abs(observed.item()), abs(expected.item())) <= READABLE
    )


def _gist_of_truth(observed: np.ndarray) -> str:
    if observed.all() != observed.any():
        return ""
    return f"{'all ' if observed.size > 1 else ''}{bool(observed.all())}"


def _gist_of_place(a: np.ndarray, b: np.ndarray) -> str:
    return {1.0: "larger by one", -1.0: "smaller by one"}.get(float(a.item() - b.item()), "")


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
    # Where the wanted entries are zero, a factor leaves them so.
    scaled = np.allclose(ratio, factor, rtol=1e-4) and not np.abs(a[~solid]).max(initial=0.0) > (
        1e-4 * np.abs(a).max()
    )
    if scaled and factor != 0 and abs(factor - 1) > 1e-4:
        if np.isclose(factor, -1):
            return "the sign is the other way round"
        return f"{times(factor)}" if a.size == 1 else f"every entry is {times(factor)}"
    shift = a - b
    if a.size > 1 and np.allclose(shift, shift.flat[0], rtol=1e-4, atol=1e-9):
        return f"every entry is shifted by {float(shift.flat[0]):.4g}"
    if a.ndim == 2 and a.shape[0] == a.shape[1] and np.allclose(a.T, b):
        return "it is the transpose"
    return ""

"""How values and the difference between them are put into words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_MOST_DIGITS = 17
"""With as many digits, two float64 numbers that differ are written differently."""

READABLE = 12
"""So many numbers are written out; of more, only what they are is said."""


def times(factor: float) -> str:
    """A factor in words: "4 times too large"."""
    if factor == 0:
        return "zero"
    if not math.isfinite(factor):
        return "not a finite number"
    if factor < 0:
        return f"{factor:.3g} times what it should be"
    if factor == 1:
        return "right"
    larger = factor > 1
    digits = apart(factor if larger else 1 / factor, 1.0, 4)[0]
    return f"{digits} times too {'large' if larger else 'small'}"


def apart(one: float, other: float, digits: int = 6) -> tuple[str, str]:
    """Two numbers with enough digits to be told apart; equal ones with as few as asked for."""
    for count in range(digits, _MOST_DIGITS + 1):
        texts = f"{one:.{count}g}", f"{other:.{count}g}"
        if texts[0] != texts[1]:
            break
    return texts if texts[0] != texts[1] else (f"{one:.{digits}g}", f"{other:.{digits}g}")


def digit(one: np.ndarray, other: np.ndarray) -> str:
    """In which digit of the largest number two arrays differ: "the 8th digit"."""
    with np.errstate(all="ignore"):
        relative = np.abs(one - other).max() / np.abs(other).max()
    if not 0 < relative < 1:
        return "the first digit"
    number = math.ceil(-math.log10(relative))
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number, "th")
    return f"the {number}{ending} digit"


def kind_of(value: Any) -> str:
    """What sort of thing a plain value is, for a sentence."""
    if isinstance(value, dict) and "not data" in value:
        return _with_article(str(value["not data"]))
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {shape(value)}"
    if isinstance(value, list):
        return f"a sequence of {len(value)}" if value else "an empty sequence"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (bool, int)):
        return "a truth value" if isinstance(value, bool) else "a whole number"
    if isinstance(value, (float, np.ndarray)):
        return "a number"
    return "None" if value is None else _with_article(type(value).__name__)


def _with_article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeio' else 'a'} {noun}"


def brief(value: Any) -> str:
    """A plain value in a few words: whole where it is small enough to be read."""
    if isinstance(value, (bool, int)):
        return str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return repr(value[:60])
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and 0 < value.size <= READABLE:
        return numbers(value) if value.ndim else f"{value.item():.6g}"
    if isinstance(value, list) and value and all(map(_is_small, value)):
        count = sum(np.size(item) for item in value)
        if count <= READABLE:
            return f"({', '.join(brief(item) for item in value)})"
    if isinstance(value, list) and value:
        return f"{len(value)} {_sort(value)}{'s' if len(value) > 1 else ''}"
    return kind_of(value)


def _is_small(value: Any) -> bool:
    plain = isinstance(value, (bool, int, float, str, type(None)))
    return plain or (isinstance(value, np.ndarray) and value.size > 0)


def _sort(values: list[Any]) -> str:
    if all(isinstance(value, (bool, int, float)) for value in values):
        return "number"
    return "array" if all(isinstance(value, np.ndarray) for value in values) else "part"


def numbers(array: np.ndarray, digits: int = 4) -> str:
    """An array of numbers written out: "[[0.3, -1.2], [2, 0]]"."""
    if array.ndim:
        return f"[{', '.join(numbers(row, digits) for row in array)}]"
    value = array.item()
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def numbers_apart(one: np.ndarray, other: np.ndarray, differ: np.ndarray) -> tuple[str, str]:
    """Two arrays written out, with enough digits to tell apart the entries that ``differ``."""
    for digits in range(4, _MOST_DIGITS + 1):
        pairs = zip(one[differ], other[differ], strict=True)
        if all(numbers(a, digits) != numbers(b, digits) for a, b in pairs):
            break
    return numbers(one, digits), numbers(other, digits)


def different_texts(one: str, other: str) -> tuple[str, str]:
    """Two texts that differ, from a little before the place where they do."""
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    start = max(0, (min(len(one), len(other)) if same is None else same) - 20)
    if start < 40:
        start = 0
    lead = "…" if start else ""
    return repr(lead + one[start : start + 60]), repr(lead + other[start : start + 60])


class Word(str):
    """What stands for a truth value in a sentence: "training mode"."""


def in_words(value: Any, words: tuple[str, str]) -> Any:
    """Plain data with a word for every True and one for every False."""
    if isinstance(value, bool):
        return Word(words[0] if value else words[1])
    if isinstance(value, dict):
        return {key: in_words(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [in_words(item, words) for item in value]
    return value


def shape(array: np.ndarray) -> str:
    """An array's shape as a tuple of whole numbers."""
    return str(tuple(int(n) for n in array.shape))

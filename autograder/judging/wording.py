"""How values and the difference between them are put into words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_MOST_DIGITS = 17
"""With as many digits, two float64 numbers that differ are written differently."""


def times(factor: float) -> str:
    """A factor in words: "4 times too large"."""
    if factor == 0:
        return "zero"
    if not math.isfinite(factor):
        return "not a finite number"
    if factor < 0:
        return f"{factor:.3g} times what it should be"
    larger = factor >= 1
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
        return f"a {value['not data']}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {shape(value)}"
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


def brief_list(value: list[Any]) -> str:
    """A list in a few words: short lists of numbers in full, others by length."""
    if all(isinstance(v, (bool, int, float)) for v in value):
        if len(value) > 6:
            return f"{len(value)} numbers"
        return f"({', '.join(brief(v) for v in value)})"
    return f"{len(value)} of {kind_of(value[0])}"


def different_texts(one: str, other: str) -> tuple[str, str]:
    """Two texts that differ, from a little before the place where they do."""
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    start = max(0, (min(len(one), len(other)) if same is None else same) - 20)
    if start < 40:
        start = 0
    lead = "…" if start else ""
    return repr(lead + one[start : start + 60]), repr(lead + other[start : start + 60])


def shape(array: np.ndarray) -> str:
    """An array's shape as a tuple of whole numbers."""
    return str(tuple(int(n) for n in array.shape))

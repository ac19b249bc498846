"""Predictions: chosen by letter or by their words, or a number."""

from __future__ import annotations

import math
from string import ascii_uppercase
from typing import Any

from autograder.judging.exercise import Exercise, Kind


def lettered(exercise: Exercise) -> dict[str, str]:
    """The choices of a prediction by their letters, A first."""
    return dict(zip(ascii_uppercase, exercise.choices, strict=False))


def wanted(exercise: Exercise) -> str:
    """What a prediction may be set to, in words."""
    letters = list(lettered(exercise))
    if not letters:
        return "a number"
    return " or ".join([", ".join(f'"{letter}"' for letter in letters[:-1]), f'"{letters[-1]}"'])


def told(exercise: Exercise, value: str | float) -> str:
    """A prediction as people read it: a choice with its letter, a number to three digits."""
    for letter, choice in lettered(exercise).items():
        if choice == value:
            return f"{letter} · {choice}"
    return f"{value:.3g}" if isinstance(value, (int, float)) else value


def predicted(exercise: Exercise, value: Any) -> str | float | None:
    """The choice or the finite number that a value stands for; None where it is no prediction."""
    assert exercise.kind is Kind.PREDICTION
    if exercise.choices:
        if not isinstance(value, str):
            return None
        text = value.strip()
        by_letter = lettered(exercise).get(text.rstrip(".)").upper())
        return by_letter or (text if text in exercise.choices else None)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None

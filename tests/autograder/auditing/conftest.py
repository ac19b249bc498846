"""A small exercise that keeps every promise, and whose fields a test may change."""

import pytest

from autograder import probes
from autograder.judging import Alternative, Lab, Mistake
from autograder.judging.checks import matches_reference


def shifted(x, shift):
    """Shift the rows of x by their means."""
    if x.ndim != 2:
        raise ValueError("x")
    mean = x.mean(dim=1, keepdim=True)
    return x - mean * shift


def columns(x, shift):
    return x - x.mean(dim=0, keepdim=True) * shift


def by_hand(x, shift):
    return x - x.sum(1)[:, None] / x.shape[1] * shift


def inputs(rng):
    shape = rng.integers(3, 9), rng.integers(10, 15)
    return {"x": rng.normal(size=shape) + 1, "shift": float(rng.uniform(2, 3))}


@pytest.fixture
def make():
    """Make an exercise of a reference; ``shifted`` with its one mistake where nothing is said."""

    def exercise(reference=shifted, **changes):
        fields = {
            "title": "t",
            "statement": "s",
            "points": 2,
            "inputs": inputs,
            "probe": probes.call(),
            "checks": [matches_reference()],
        }
        usual = reference is shifted
        mistakes = [Mistake("columns", columns, "You average columns.")] if usual else []
        alternatives = [Alternative("by hand", by_hand)] if usual else []
        mistakes = changes.pop("mistakes", mistakes)
        alternatives = changes.pop("alternatives", alternatives)
        asked = Lab("sample", number=99, title="Sample").exercise(
            reference, **{**fields, **changes}
        )
        asked.mistakes.extend(mistakes)
        asked.alternatives.extend(alternatives)
        return asked

    return exercise

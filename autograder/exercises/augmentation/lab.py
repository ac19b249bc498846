"""The lab that the exercises of this package join, and by what its random answers are told apart."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from autograder.judging import Lab
from autograder.judging.checks import Case, Check, finding
from autograder.judging.statistics import compatible_with

lab = Lab("augmentation", number=9, title="Data augmentation")


def told_by(*hypotheses):
    """A signature: the hypotheses that what was drawn is compatible with."""
    held = compatible_with(*hypotheses)
    return lambda seen: held(Case(seen["inputs"], seen, {}))


def read_once(reading: Callable[..., Any]) -> Callable[..., Any]:
    """A reading that many checks share: of one case it is worked out once, and kept in that case."""
    name = f"{reading.__module__}.{reading.__qualname__}"

    @wraps(reading)
    def look(case, *of):
        kept = vars(case).setdefault("read_once", {})
        if (name, *of) not in kept:
            kept[(name, *of)] = reading(case, *of)
        return kept[(name, *of)]

    return look


def holds(property, condition):
    """A hypothesis that chance has no part in."""
    return Check(property, lambda case: finding(bool(condition(case))))

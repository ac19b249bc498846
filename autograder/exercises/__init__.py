"""The labs, one module each, found by name, by number or by slug (``04_initialization``)."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from autograder.judging.exercise import Exercise
from autograder.judging.lab import Lab


class UnknownName(LookupError):
    """A lab or an exercise that does not exist; the message lists those that do."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this in the place of a traceback, which would say nothing to a student.
        return [str(self)]


@functools.cache
def labs() -> tuple[Lab, ...]:
    """All labs, in course order."""
    return tuple(sorted(map(_load, _names()), key=lambda lab: lab.number))


def _names() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__) if module.ispkg]


def _load(name: str) -> Lab:
    lab: Lab = importlib.import_module(f"{__name__}.{name}").lab
    return lab


def find_lab(name: str | int) -> Lab:
    """The lab of a name, number or slug.

    Raises: UnknownName, listing the labs there are.
    """
    if name in _names():
        return _load(str(name))  # a notebook checks one lab and need not wait for the others
    for lab in labs():
        if str(name) in (lab.name, lab.slug, str(lab.number), f"{lab.number:02d}"):
            return lab
    raise UnknownName(
        f"there is no lab {name!r}; there are {', '.join(lab.slug for lab in labs())}"
    )


def find_exercise(id: str) -> Exercise:
    """The exercise of an id (``initialization/kaiming_normal``) or, if only one lab has it, a name.

    Raises: UnknownName, naming the closest ids.
    """
    lab_name, slash, name = id.rpartition("/")
    candidates = (find_lab(lab_name),) if slash else labs()
    found = [lab.exercises[name] for lab in candidates if name in lab.exercises]
    if len(found) == 1:
        return found[0]
    import difflib

    known = [exercise.id for lab in labs() for exercise in lab.exercises.values()]
    close = difflib.get_close_matches(id, known, n=3, cutoff=0.4) or known[:3]
    raise UnknownName(f"there is no exercise {id!r}; did you mean {', '.join(close)}?")

"""References that stand in for earlier answers that were not right, for one probe."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from collections.abc import Iterable, Mapping

from autograder.judging import Exercise, Verdict
from autograder.judging.source.laying import answer_source


def needed_by(exercise: Exercise, exercises: dict[str, Exercise]) -> list[Exercise]:
    """Every earlier exercise whose answer this one calls, directly or through another.

    They come in the order of the lab, in which each is defined before what is built on it.
    """
    found = set()
    waiting = list(exercise.needs)
    while waiting:
        need = exercises[waiting.pop()]
        if need.id not in found:
            found.add(need.id)
            waiting += need.needs
    return [exercises[id] for id in exercises if id in found]


def missing(
    exercise: Exercise, exercises: dict[str, Exercise], earlier: Mapping[str, Verdict]
) -> list[Exercise]:
    """What an answer needs and what earlier verdicts call wrong, in the order of the lab."""
    needed = needed_by(exercise, exercises)
    return [need for need in needed if need.id in earlier and not earlier[need.id].passed]


def sources(answers: Iterable[Exercise], exercises: dict[str, Exercise]) -> dict[str, str]:
    """What a kernel runs in the place of answers, by name.

    A reference calls the references of what it needs itself, and what its module imports.
    """
    ids = {n.id for need in answers for n in (need, *needed_by(need, exercises))}
    chosen = [exercises[id] for id in exercises if id in ids]
    return {
        e.name: f"{_imports(e.reference.__module__)}\n\n\n{answer_source(e, e.reference)}"
        for e in chosen
        if e.reference is not None
    }


@functools.cache
def _imports(module: str) -> str:
    """What a module of techniques imports from elsewhere."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return "\n".join(
        ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)
    )

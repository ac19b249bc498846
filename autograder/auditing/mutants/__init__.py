"""Mutants: small wrong changes to the lines of a reference that students write.

Each carries one change and words that say which, ``mean = x.mean(0) => mean = x.mean(1)``, so that
a survivor can be looked up and explained. The operators stand in modules by what they change; which
there are, and what each stands for, is listed in ``docs/audit.md``.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from dataclasses import dataclass
from typing import Any

from autograder.auditing.mutants import calls, numbers, shapes, statements
from autograder.auditing.mutants.operator import Operator
from autograder.auditing.mutants.tree import describe, put, walk
from autograder.judging.exercise import Exercise
from autograder.judging.source import blanked_lines
from autograder.probes.definition import definition

OPERATORS: tuple[Operator, ...] = tuple(
    operator for module in (numbers, shapes, calls, statements) for operator in module.OPERATORS
)


@dataclass(frozen=True)
class Mutant:
    """One changed reference: the operator, the change in words, and the source."""

    operator: str
    change: str
    source: str


def mutants(exercise: Exercise) -> list[Mutant]:
    """Every mutant of the lines that students write, in the order of the source."""
    tree = _tree(exercise)
    lines = set(blanked_lines(exercise))
    before = ast.unparse(tree)
    found: dict[str, Mutant] = {}
    for path, node in walk(tree):
        if getattr(node, "lineno", None) not in lines:
            continue
        for operator in OPERATORS:
            for replacement in operator.changes(node):
                changed = put(tree, path, replacement)
                source = ast.unparse(changed)
                if source not in found and source != before:
                    found[source] = Mutant(operator.name, describe(tree, changed, path), source)
    return list(found.values())


def unchanged(exercise: Exercise) -> str:
    """The reference's source as mutants are written: from its tree, and with no change."""
    return ast.unparse(_tree(exercise))


def define(source: str, exercise: Exercise, name: str = "") -> Any:
    """The object that a source defines in the namespace of the reference's module.

    It is looked for under the reference's own name, or under another one that is given.

    Raises: UndefinedAnswer where the source does not define it.
    """
    reference = exercise.reference
    assert reference is not None
    namespace = vars(sys.modules[reference.__module__])
    name = name or reference.__name__
    return definition(source, name, namespace, f"answer to {exercise.id}")


def _tree(exercise: Exercise) -> ast.Module:
    text = textwrap.dedent(inspect.getsource(exercise.reference))  # type: ignore[arg-type]
    return ast.parse(text)

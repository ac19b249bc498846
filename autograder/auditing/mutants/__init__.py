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
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autograder.auditing.mutants import (
    aggregates,
    autograd,
    calls,
    kernels,
    loops,
    numbers,
    precision,
    shapes,
    state,
    statements,
    wholes,
)
from autograder.auditing.mutants.helpers import HELPERS, Helpers
from autograder.auditing.mutants.tree import Path, altered, describe, put, walk
from autograder.judging.exercise import Exercise
from autograder.judging.source.regions import blanked_lines
from autograder.probes.definition import definition

_MODULES = (
    numbers, aggregates, shapes, loops, calls, statements, autograd, precision, state, kernels,
)  # fmt: skip
OPERATORS = tuple(operator for module in _MODULES for operator in module.OPERATORS)


@dataclass(frozen=True)
class Mutant:
    """One changed reference: the operator, the change in words, and the source."""

    operator: str
    change: str
    source: str

    @property
    def is_helped(self) -> bool:
        """Whether its source calls helpers."""
        return any(f"{name}(" in self.source for name in HELPERS)

    @property
    def is_of_python(self) -> bool:
        """Whether it does what only Python can: call helpers, or use torch."""
        return self.is_helped or "torch." in self.source


def mutants(exercise: Exercise) -> list[Mutant]:
    """Every mutant of the lines that students write: place by place, then of whole functions."""
    tree = _tree(exercise)
    lines = set(blanked_lines(exercise))
    found = {ast.unparse(tree): Mutant("", "", "")}
    for mutant in (*_of_places(tree, lines), *_of_wholes(tree, lines)):
        # In a kernel nothing can be called that is no kernel.
        if not (exercise.probe.observer.apart and mutant.is_of_python):
            found.setdefault(mutant.source, mutant)
    return list(found.values())[1:]


def unchanged(exercise: Exercise) -> str:
    """The reference's source as mutants are written: from its tree, and with no change."""
    return ast.unparse(_tree(exercise))


def define(source: str, exercise: Exercise, name: str = "", helpers: Helpers | None = None) -> Any:
    """The object that a source defines in the namespace of the reference's module.

    It is looked for under the reference's own name, or under another one that is given; it may call
    the helpers.

    Raises: UndefinedAnswer where the source does not define it.
    """
    reference = exercise.reference
    assert reference is not None
    namespace = dict(vars(sys.modules[reference.__module__]))
    if helpers is not None:
        namespace |= helpers.names()
    name = name or reference.__name__
    return definition(source, name, namespace, f"answer to {exercise.id}")


def _tree(exercise: Exercise) -> ast.Module:
    text = textwrap.dedent(inspect.getsource(exercise.reference))  # type: ignore[arg-type]
    return ast.parse(text)


def _of_places(tree: ast.Module, lines: set[int]) -> Iterator[Mutant]:
    for path, node in walk(tree):
        if _line(node) not in lines:
            continue
        for operator in OPERATORS:
            for replacement in operator.changes(node):
                changed = put(tree, path, replacement)
                change = describe(tree, changed, path)
                yield Mutant(operator.name, change, ast.unparse(changed))


def _of_wholes(tree: ast.Module, lines: set[int]) -> Iterator[Mutant]:
    functions = list(_written_functions(tree, lines))
    for path, function in functions:
        written = [statement for statement in function.body if statement.lineno in lines]
        given = [statement for statement in function.body if statement.lineno not in lines]
        for operator in wholes.OPERATORS:
            for words, body in operator.changes(function, written):
                changed = put(tree, path, altered(function, body=[*given, *body]))
                change = f"{function.name}: {words}" if len(functions) > 1 else words
                yield Mutant(operator.name, change, ast.unparse(changed))


def _written_functions(tree: ast.Module, lines: set[int]) -> Iterator[tuple[Path, ast.FunctionDef]]:
    """The functions that hold lines which students write, but none inside of those."""
    outer: list[Path] = []
    for path, node in walk(tree):
        inside = any(path[: len(known)] == known for known in outer)
        if not isinstance(node, ast.FunctionDef) or inside:
            continue
        if any(statement.lineno in lines for statement in node.body):
            outer.append(path)
            yield path, node


def _line(node: ast.AST) -> int | None:
    # A comprehension and a keyword have no line of their own.
    place = node.target if isinstance(node, ast.comprehension) else node
    return getattr(place, "lineno", None)

"""Which lines of a reference students write, and which they are given."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from autograder.judging.exercise import Exercise
from autograder.judging.source.reading import (
    Definition,
    Function,
    SourceError,
    definition_of,
    docstring_of,
    header_end,
)


@dataclass(frozen=True)
class Region:
    """The lines of one function that students write, first and last included."""

    first: int
    last: int
    indent: str


def blanked_lines(exercise: Exercise) -> list[int]:
    """The lines of ``inspect.getsource(reference)``, counted from 1, that students write."""
    lines, node = definition_of(exercise.reference)
    return [
        row
        for region in regions(exercise, lines, node)
        for row in range(region.first, region.last + 1)
    ]


def regions(exercise: Exercise, lines: list[str], node: Definition) -> list[Region]:
    """The lines of every function that students write."""
    return [_region(lines, function) for function in _written(exercise, node)]


def _written(exercise: Exercise, node: Definition) -> list[Function]:
    """The functions whose bodies students write."""
    if not isinstance(node, ast.ClassDef):
        return [node]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    methods = {method.name: method for method in node.body if isinstance(method, functions)}
    unknown = [name for name in exercise.blank if name not in methods]
    if unknown:
        raise SourceError(f"blank names {unknown[0]!r}, which is no method of {node.name}")
    return [methods[name] for name in methods if not exercise.blank or name in exercise.blank]


def _region(lines: list[str], function: Function) -> Region:
    given = _given_statements(function)
    head = header_end(lines, function)
    if function.body[0].lineno <= head:
        raise SourceError(f"write the body of {function.name} below its signature")
    above = function.body[given - 1].end_lineno if given else head
    assert above is not None and function.end_lineno is not None
    first, last = above + 1, function.end_lineno
    while not lines[first - 1].strip():
        first += 1
    indent = " " * function.body[0].col_offset
    while last < len(lines) and lines[last].startswith(f"{indent}#"):
        last += 1
    return Region(first, last, indent)


def _given_statements(function: Function) -> int:
    """How many leading statements students get: the docstring and the argument checks.

    Assignments among the checks are given too where nothing but the checks reads them.
    """
    body = function.body
    docstring = int(docstring_of(function) is not None)
    given = docstring
    for position in range(docstring, len(body)):
        if _is_argument_check(body[position]):
            given = position + 1
        elif not isinstance(body[position], (ast.Assign, ast.AnnAssign)):
            break
    for position in range(docstring, given):
        later = {n.id for s in body[given:] for n in ast.walk(s) if isinstance(n, ast.Name)}
        bound = {
            n.id
            for n in ast.walk(body[position])
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        if isinstance(body[position], (ast.Assign, ast.AnnAssign)) and bound & later:
            given = position
            break
    return docstring if given == len(body) else given


def _is_argument_check(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.If, ast.For)):
        blocks = [block for block in (statement.body, statement.orelse) if block]
        return all(map(_holds_only_checks, blocks))
    return isinstance(statement, ast.Raise)


def _holds_only_checks(block: list[ast.stmt]) -> bool:
    """Whether a block raises somewhere and otherwise only prepares what it tests and says."""
    checks = [_is_argument_check(statement) for statement in block]
    prepares = [isinstance(statement, (ast.Assign, ast.AnnAssign)) for statement in block]
    return any(checks) and all(a or b for a, b in zip(checks, prepares, strict=True))

"""Syntax trees compared, docstrings and comments aside: with the starter's, with another's."""

from __future__ import annotations

import ast
from functools import lru_cache

from autograder.judging.cells import deep_recursion, parse_cell
from autograder.judging.exercise import Exercise, Kind
from autograder.judging.source.laying import starter_source
from autograder.judging.source.reading import DEFINITIONS


def same_tree(one: str, other: str) -> bool:
    """Whether two sources have one syntax tree, docstrings and comments aside."""
    first = _statements(one)
    return first is not None and first == _statements(other)


def is_untouched(exercise: Exercise, source: str) -> bool:
    """Whether the definition of the answer in a cell's source is still the starter's."""
    starter = starter_source(exercise)
    if exercise.kind is Kind.WRITTEN:
        return source.strip() in ("", starter)
    handed_in = _last_binding(source, exercise.name)
    return handed_in is not None and handed_in == _last_binding(starter, exercise.name)


def without_docstrings(source: str) -> str:
    """A source as its syntax tree has it, without comments and docstrings; empty if it has none."""
    tree = parse_cell(source)
    if tree is None:
        return ""
    _leave_out_docstrings(tree)
    return ast.unparse(tree)


def _last_binding(source: str, name: str) -> str | None:
    """The tree, as text, of the statement that binds a name last."""
    bindings = [text for names, text in _statements(source) or () if name in names]
    return bindings[-1] if bindings else None


@lru_cache(maxsize=256)
def _statements(source: str) -> tuple[tuple[frozenset[str], str], ...] | None:
    """The top-level statements of a cell: the names each binds, and its tree as text."""
    tree = parse_cell(source)
    if tree is None:
        return None
    _leave_out_docstrings(tree)
    with deep_recursion():
        return tuple((_bound(statement), ast.dump(statement)) for statement in tree.body)


def _bound(statement: ast.stmt) -> frozenset[str]:
    if isinstance(statement, DEFINITIONS):
        return frozenset([statement.name])
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return frozenset(target.id for target in targets if isinstance(target, ast.Name))


def _leave_out_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, (*DEFINITIONS, ast.Module)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]

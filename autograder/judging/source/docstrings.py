"""Docstrings as students see them: without the sections that would give the answer away."""

from __future__ import annotations

import ast
import re

from autograder.judging.exercise import Exercise
from autograder.judging.source.reading import (
    DEFINITIONS,
    Definition,
    SourceError,
    definition_of,
    docstring_of,
)


def has_docstring(exercise: Exercise) -> bool:
    """Whether the reference says what it does."""
    return ast.get_docstring(definition_of(exercise.reference)[1]) is not None


def docstring_lines(exercise: Exercise, lines: list[str], node: Definition) -> list[str]:
    docstring = docstring_of(node)
    if docstring is None or docstring.end_lineno is None:
        return []
    hidden = hidden_rows(exercise, lines, node)
    rows = range(docstring.lineno, docstring.end_lineno + 1)
    return [line for row in rows for line in hidden.get(row, [lines[row - 1]])]


def hidden_rows(exercise: Exercise, lines: list[str], node: Definition) -> dict[int, list[str]]:
    """What stands in place of the docstring rows that would give the answer away."""
    nodes: list[Definition] = [node]
    if isinstance(node, ast.ClassDef):
        nodes += [child for child in node.body if isinstance(child, DEFINITIONS)]
    found: set[str] = set()
    rows: dict[int, list[str]] = {}
    for docstring in filter(None, map(docstring_of, nodes)):
        rows.update(_hidden_in(docstring, lines, exercise.hide, found))
    missing = [name for name in exercise.hide if name not in found]
    if missing:
        raise SourceError(f"hide names {missing[0]!r}, which no docstring has as a section")
    return rows


def _hidden_in(
    docstring: ast.Expr, lines: list[str], hide: tuple[str, ...], found: set[str]
) -> dict[int, list[str]]:
    assert docstring.end_lineno is not None
    rows: dict[int, list[str]] = {}
    hiding = False
    indent = " " * docstring.col_offset
    for row in range(docstring.lineno + 1, docstring.end_lineno + 1):
        line = lines[row - 1]
        if line.strip() and not line.startswith(indent + " "):
            name = line.strip().partition(":")[0]
            hiding = name in hide
            found |= {name} & set(hide)
        if hiding:
            quotes = re.search(r"(\"\"\"|''')\s*$", line)
            ends = row == docstring.end_lineno and quotes
            rows[row] = [indent + quotes[1]] if ends and quotes else []
    kept = [r for r in range(docstring.lineno, docstring.end_lineno) if r not in rows]
    while rows and not lines[kept[-1] - 1].strip():
        rows[kept.pop()] = []
    if rows and len(kept) == 1:
        closing = lines[docstring.end_lineno - 1].rstrip()[-3:]
        rows[kept[0]] = [lines[kept[0] - 1] + closing]
        rows[docstring.end_lineno] = []
    return rows

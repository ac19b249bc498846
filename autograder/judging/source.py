"""The source of an exercise: what the instructor reads, what the student gets, what was changed."""

from __future__ import annotations

import ast
import inspect
import io
import json
import re
import textwrap
import tokenize
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from autograder.judging.cells import bound_names, deep_recursion, free_names, parse_cell
from autograder.judging.exercise import Exercise, Kind

__all__ = [
    "SourceError",
    "answer_source",
    "blanked_lines",
    "bound_names",
    "free_names",
    "has_docstring",
    "is_untouched",
    "parse_cell",
    "same_tree",
    "solution_source",
    "starter_source",
]

STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")
TEXT_STUB = "YOUR ANSWER HERE"
NOTEBOOK_WIDTH = 88
"""Characters that a cell shows without being moved sideways."""

_starters: dict[int, tuple[Exercise, str]] = {}
"""Every submission is compared with them, and laying one out takes milliseconds."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Function = ast.FunctionDef | ast.AsyncFunctionDef
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class SourceError(ValueError):
    """A reference that cannot be laid into a notebook; the message says what to change."""


@dataclass(frozen=True)
class _Region:
    """The lines of one function that students write, first and last included."""

    first: int
    last: int
    indent: str


def solution_source(exercise: Exercise) -> str:
    """The answer as the instructor has it, what students write between solution marks."""
    if exercise.kind is Kind.WRITTEN:
        return exercise.explanation.strip() or TEXT_STUB
    if exercise.kind is Kind.PREDICTION:
        return f"{exercise.name} = {_literal(_outcome(exercise))}"
    return _lay(exercise, lambda body, indent: [
        f"{indent}### BEGIN SOLUTION", *body, f"{indent}### END SOLUTION"])  # fmt: skip


def starter_source(exercise: Exercise) -> str:
    """The answer as students get it: nbgrader's stub, or the planted mistake of a repair."""
    if exercise.kind is Kind.WRITTEN:
        return TEXT_STUB
    if exercise.kind is Kind.PREDICTION:
        wanted = [_literal(choice) for choice in exercise.choices] or ["a number"]
        line = f"{exercise.name} = None  # your prediction: {' or '.join(wanted)}"
        if len(line) <= NOTEBOOK_WIDTH:
            return line
        return "\n".join(
            ["# Your prediction:", *(f"#   {w}" for w in wanted), f"{exercise.name} = None"]
        )
    if exercise.kind is Kind.REPAIR:
        return _planted(exercise)
    known = _starters.get(id(exercise))
    if known is None or known[0] is not exercise:
        laid = _lay(exercise, lambda body, indent: [indent + line for line in STUB])
        known = _starters[id(exercise)] = (exercise, laid)
    return known[1]


def answer_source(exercise: Exercise, answer: Any) -> str:
    """The source of a reference, an alternative or a mistake, under the exercise's name.

    Raises: SourceError for an answer that is not written with ``def`` or ``class``.
    """
    lines, node = _definition(answer)
    return "\n".join(_renamed(lines, node, exercise.name)).rstrip()


def blanked_lines(exercise: Exercise) -> list[int]:
    """The lines of ``inspect.getsource(reference)``, counted from 1, that students write."""
    lines, node = _definition(exercise.reference)
    return [
        row
        for region in _regions(exercise, lines, node)
        for row in range(region.first, region.last + 1)
    ]


def has_docstring(exercise: Exercise) -> bool:
    """Whether the reference says what it does."""
    return ast.get_docstring(_definition(exercise.reference)[1]) is not None


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


@lru_cache(maxsize=4096)
def _definition(answer: Any) -> tuple[list[str], Definition]:
    """The dedented source lines of a function or class, and its node; rows as in the original."""
    try:
        text = textwrap.dedent(inspect.getsource(answer))
        node = ast.parse(text).body[0]
    except (OSError, TypeError, SyntaxError, IndexError) as error:
        raise SourceError(f"the source of {answer!r} cannot be read: {error}") from None
    if not isinstance(node, _DEFINITIONS):
        raise SourceError(f"{answer!r} is not made by a `def` or `class` of its own; write one")
    return text.rstrip("\n").split("\n"), node


def _lay(exercise: Exercise, fill: Callable[[list[str], str], list[str]]) -> str:
    lines, node = _definition(exercise.reference)
    regions = {region.first: region for region in _regions(exercise, lines, node)}
    hidden = _hidden_rows(exercise, lines, node)
    renamed = _renamed(lines, node, exercise.name)
    laid: list[str] = []
    row = 1
    while row <= len(lines):
        region = regions.get(row)
        if region:
            laid += fill(renamed[row - 1 : region.last], region.indent)
            row = region.last
        else:
            laid += hidden.get(row, [renamed[row - 1]])
        row += 1
    return "\n".join(laid)


def _planted(exercise: Exercise) -> str:
    lines, node = _definition(exercise.planted_mistake.answer)
    reference_lines, reference = _definition(exercise.reference)
    given = _docstring_lines(exercise, reference_lines, reference)
    own = _docstring(node)
    head = _header_end(lines, node)
    lines = _renamed(lines, node, exercise.name)
    rest = lines[own.end_lineno if own and own.end_lineno else head :]
    return "\n".join([*lines[:head], *given, *rest])


def _regions(exercise: Exercise, lines: list[str], node: Definition) -> list[_Region]:
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


def _region(lines: list[str], function: Function) -> _Region:
    given = _given_statements(function)
    head = _header_end(lines, function)
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
    return _Region(first, last, indent)


def _given_statements(function: Function) -> int:
    """How many leading statements students get: the docstring and the argument checks.

    Assignments among the checks are given too where nothing but the checks reads them.
    """
    body = function.body
    docstring = int(_docstring(function) is not None)
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


def _header_end(lines: list[str], node: Definition) -> int:
    """The row on which the signature ends."""
    text = "\n".join(lines[node.lineno - 1 :]) + "\n"
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NEWLINE:
            return node.lineno - 1 + token.start[0]
    raise SourceError(f"the signature of {node.name} has no end")


def _docstring(node: Definition) -> ast.Expr | None:
    first = node.body[0]
    return first if isinstance(first, ast.Expr) and ast.get_docstring(node) is not None else None


def _docstring_lines(exercise: Exercise, lines: list[str], node: Definition) -> list[str]:
    docstring = _docstring(node)
    if docstring is None or docstring.end_lineno is None:
        return []
    hidden = _hidden_rows(exercise, lines, node)
    rows = range(docstring.lineno, docstring.end_lineno + 1)
    return [line for row in rows for line in hidden.get(row, [lines[row - 1]])]


def _hidden_rows(exercise: Exercise, lines: list[str], node: Definition) -> dict[int, list[str]]:
    """What stands in place of the docstring rows that would give the answer away."""
    nodes: list[Definition] = [node]
    if isinstance(node, ast.ClassDef):
        nodes += [child for child in node.body if isinstance(child, _DEFINITIONS)]
    found: set[str] = set()
    rows: dict[int, list[str]] = {}
    for docstring in filter(None, map(_docstring, nodes)):
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


def _renamed(lines: list[str], node: Definition, name: str) -> list[str]:
    """The lines with the definition called ``name``, where it names itself too."""
    if node.name == name:
        return lines
    old = node.name
    spots = [(n.lineno, n.col_offset) for n in ast.walk(node)
             if isinstance(n, ast.Name) and n.id == old]  # fmt: skip
    head = lines[node.lineno - 1].encode()
    spots.append((node.lineno, head.index(old.encode(), head.index(b" ", node.col_offset))))
    changed = [line.encode() for line in lines]
    for row, column in sorted(spots, reverse=True):
        line = changed[row - 1]
        changed[row - 1] = line[:column] + name.encode() + line[column + len(old.encode()) :]
    return [line.decode() for line in changed]


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
    if isinstance(statement, _DEFINITIONS):
        return frozenset([statement.name])
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return frozenset(target.id for target in targets if isinstance(target, ast.Name))


def _leave_out_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, (*_DEFINITIONS, ast.Module)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]


def _outcome(exercise: Exercise) -> float | str:
    if exercise.outcome is not None:
        return exercise.outcome()
    return exercise.choices[0] if exercise.choices else 0.0


def _literal(value: float | str) -> str:
    """A prediction as a literal; a number to three digits."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else f"{value:.3g}"

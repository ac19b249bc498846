"""The source of an answer as it is read: its lines, its tree, its code without words."""

from __future__ import annotations

import ast
import inspect
import io
import textwrap
import tokenize
from functools import lru_cache
from typing import Any

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_GIVEN_TO_EXERCISES = ("mistake", "alternative")


class SourceError(ValueError):
    """A source that cannot be laid into a notebook; the message says what to change."""


@lru_cache(maxsize=4096)
def source_of(answer: Any) -> str:
    """The dedented source of a function or class, however it was made.

    The decorators by which an exercise takes an answer in are no part of it.

    Raises: SourceError for an answer that is not written with ``def`` or ``class``.
    """
    made: str | None = vars(answer).get("__source__") if hasattr(answer, "__dict__") else None
    try:
        # Of a class made of another source, inspect would give the one that has its name.
        text = made or textwrap.dedent(inspect.getsource(answer))
        node = ast.parse(text).body[0]
    except (OSError, TypeError, SyntaxError, IndexError) as error:
        raise SourceError(f"the source of {answer!r} cannot be read: {error}") from None
    if not isinstance(node, DEFINITIONS):
        raise SourceError(f"{answer!r} is not made by a `def` or `class` of its own; write one")
    lines = text.rstrip("\n").split("\n")
    ours = {
        row
        for decorator in filter(_takes_in, node.decorator_list)
        for row in range(decorator.lineno, (decorator.end_lineno or decorator.lineno) + 1)
    }
    return "\n".join(line for row, line in enumerate(lines, 1) if row not in ours)


def _takes_in(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and called.attr in _GIVEN_TO_EXERCISES


@lru_cache(maxsize=4096)
def definition_of(answer: Any) -> tuple[list[str], Definition]:
    """The lines of ``source_of`` an answer, and its node; rows count from 1.

    Raises: SourceError for an answer that is not written with ``def`` or ``class``.
    """
    text = source_of(answer)
    node = ast.parse(text).body[0]
    assert isinstance(node, DEFINITIONS)
    return text.split("\n"), node


@lru_cache(maxsize=4096)
def code_of(answer: Any) -> str:
    """The source of an answer without docstrings and comments, which speak of the right formula."""
    lines, definition = definition_of(answer)
    lines, dropped = list(lines), set()
    for node in ast.walk(definition):
        if isinstance(node, DEFINITIONS) and (text := docstring_of(node)):
            dropped |= set(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    source = "\n".join(lines) + "\n"
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
            dropped |= set() if lines[row - 1] else {row}
    return "\n".join(line for row, line in enumerate(lines, 1) if row not in dropped)


def renamed(lines: list[str], node: Definition, name: str) -> list[str]:
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


def header_end(lines: list[str], node: Definition) -> int:
    """The row on which the signature ends."""
    text = "\n".join(lines[node.lineno - 1 :]) + "\n"
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NEWLINE:
            return node.lineno - 1 + token.start[0]
    raise SourceError(f"the signature of {node.name} has no end")


def docstring_of(node: Definition) -> ast.Expr | None:
    """The statement that is a definition's docstring."""
    first = node.body[0]
    return first if isinstance(first, ast.Expr) and ast.get_docstring(node) is not None else None

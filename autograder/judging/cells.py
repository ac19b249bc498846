"""Code cells as Python: their syntax trees, and the names they read and bind."""

from __future__ import annotations

import ast
import contextlib
import re
import symtable
import sys
import textwrap
from collections.abc import Iterator
from functools import lru_cache


def parse_cell(source: str) -> ast.Module | None:
    """The syntax tree of a code cell, IPython's magics understood; None if it has none.

    Line numbers stay those of the cell. The body of ``%%time`` and its like is parsed as code.
    """
    return _parse(_read(source)[1])


def read_cell(source: str) -> ast.Module | None:
    """``parse_cell`` for those who change nothing: all of them are given the same tree.

    Every exercise of a submission looks at all of its cells.
    """
    return _read(source)[0]


@lru_cache(maxsize=256)
def _read(source: str) -> tuple[ast.Module | None, str]:
    """The tree of a cell, and the cell as plain Python."""
    text = re.sub(
        r"\A(\s*)%%(time|timeit|capture|prun|experiment)\b.*", r"\1", textwrap.dedent(source)
    )
    tree = _parse(text)
    if tree is not None:
        return tree, text
    skipped = len(text) - len(text.lstrip("\n"))
    try:
        from IPython.core.inputtransformer2 import TransformerManager

        plain = TransformerManager().transform_cell(text)
    except Exception:  # whatever a broken cell does to IPython's tokenizer, it has no tree
        return None, text
    plain = "\n" * (skipped if not plain.startswith("\n") else 0) + plain
    return _parse(plain), plain


def _parse(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@lru_cache(maxsize=256)
def is_too_deep(source: str) -> bool:
    """Whether a cell is nested so deeply that it cannot be read, which no honest one is."""
    try:
        ast.parse(textwrap.dedent(source))
    except (RecursionError, MemoryError):
        return True
    except (SyntaxError, ValueError):
        return False
    return False


@contextlib.contextmanager
def deep_recursion() -> Iterator[None]:
    """Room to walk the deepest tree that ``ast.parse`` gives: some 3000 levels of ``1 + 1 + …``.

    Not for parsing: Python's parser takes this limit as a promise about its own stack.
    """
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 30_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def free_names(source: str) -> set[str]:
    """The names that a source reads and does not bind itself, builtins included."""
    top = _table(source)
    if top is None:
        return set()
    read = {s.get_name() for s in top.get_symbols() if s.is_referenced()}
    for table in _descendants(top):
        read |= {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}
    return read - bound_names(source)


@lru_cache(maxsize=256)
def bound_names(source: str) -> frozenset[str]:
    """The names that a source binds at its top level: assigned, imported or defined."""
    top = _table(source)
    if top is None:
        return frozenset()
    return frozenset(s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported())


def _table(source: str) -> symtable.SymbolTable | None:
    """The names of a cell; None where it cannot be compiled, and so binds none."""
    tree, text = _read(source)
    if tree is None:
        return None
    try:
        return symtable.symtable(text, "<cell>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _descendants(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _descendants(child)

"""Walking through a syntax tree, changing one place of it, and saying what was changed."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Any

Path = tuple[tuple[str, int | None], ...]
"""The way from a tree's root to a node: fields, with the index where a field is a list."""


def walk(node: ast.AST, path: Path = ()) -> Iterator[tuple[Path, ast.AST]]:
    """Every node below, with the way to it, in the order of the source."""
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            here = (*path, (name, None))
            yield here, value
            yield from walk(value, here)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, ast.AST):
                    here = (*path, (name, index))
                    yield here, item
                    yield from walk(item, here)


def at(tree: ast.AST, path: Path) -> Any:
    """The node at the end of a way."""
    node: Any = tree
    for name, index in path:
        node = getattr(node, name)
        if index is not None:
            node = node[index]
    return node


def put(tree: ast.AST, path: Path, replacement: ast.AST) -> ast.AST:
    """A copy of the tree with another node at the end of a way."""
    changed = copy.deepcopy(tree)
    parent = at(changed, path[:-1])
    name, index = path[-1]
    if index is None:
        setattr(parent, name, replacement)
    else:
        getattr(parent, name)[index] = replacement
    return ast.fix_missing_locations(changed)


def altered(node: Any, **fields: Any) -> Any:
    """A copy of a node with other fields."""
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def describe(tree: ast.AST, changed: ast.AST, path: Path) -> str:
    """The smallest statement around the change, before and after, on one line.

    Of a loop or another statement that holds others, its first line is enough.
    """
    depth = len(path)
    while depth > 1 and not isinstance(at(tree, path[:depth]), ast.stmt):
        depth -= 1
    if depth < len(path) and isinstance(at(tree, path[:depth]), _HOLDS_OTHERS):
        depth += 1
    before, after = at(tree, path[:depth]), at(changed, path[:depth])
    return " => ".join(map(_said, (before, after)))


_HOLDS_OTHERS = (ast.If, ast.For, ast.While, ast.With, ast.FunctionDef)


def _said(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text.partition("\n")[0] if isinstance(node, _HOLDS_OTHERS) else " ".join(text.split())

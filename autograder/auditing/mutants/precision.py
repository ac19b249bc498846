"""Operators on dtypes and devices."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.auditing.mutants.operator import call, operator
from autograder.auditing.mutants.tree import altered

_CONVERSIONS = ("double", "float", "to", "type_as", "item", "long")


@operator("lower precision", "A value goes through float16 on the way.")
def lower(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, (ast.Assign, ast.Return)) and node.value is not None:
        yield altered(node, value=call("through_half", node.value))


@operator("lower dtype", "What is returned is float16.")
def half(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Return) and node.value is not None:
        yield altered(node, value=call("as_half", node.value))


@operator("conversion dropped", "A value keeps its own dtype: `.double()`, `.to(…)` is left out.")
def unconverted(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    if node.func.attr in _CONVERSIONS:
        yield call("unconverted", node.func.value, node)


@operator("dtype fixed", "A tensor is made in the default dtype instead of that asked for.")
def dtype(node: ast.AST) -> Iterator[ast.AST]:
    yield from without(node, "dtype")


@operator("device fixed", "A tensor is made on the CPU instead of the device asked for.")
def device(node: ast.AST) -> Iterator[ast.AST]:
    yield from without(node, "device")


def without(node: ast.AST, name: str) -> Iterator[ast.AST]:
    """A call without one of its keywords, if it has that."""
    if isinstance(node, ast.Call) and any(keyword.arg == name for keyword in node.keywords):
        yield altered(node, keywords=[k for k in node.keywords if k.arg != name])


OPERATORS = (lower, half, unconverted, dtype, device)

"""Operators on shapes: which axis, which part of an array."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.auditing.mutants.operator import operator
from autograder.auditing.mutants.tree import altered

_AXES = ("dim", "axis")


@operator("axis", "Another axis is meant, or one of several is left out.")
def axis(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Call):
        return
    for index, keyword in enumerate(node.keywords):
        if keyword.arg in _AXES:
            others = [*node.keywords[:index], *node.keywords[index + 1 :]]
            for other in _other_axes(keyword.value):
                yield altered(node, keywords=[*others, ast.keyword(keyword.arg, other)])


def _other_axes(axis: ast.expr) -> Iterator[ast.expr]:
    if isinstance(axis, ast.Constant) and type(axis.value) is int:
        yield ast.Constant(1 if axis.value == 0 else 0)
    elif isinstance(axis, ast.Tuple) and len(axis.elts) > 1:
        yield ast.Tuple(axis.elts[:-1], ast.Load())
        yield ast.Tuple(axis.elts[1:], ast.Load())


@operator("index", "One end of a slice is left out.")
def index(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        for end in ("lower", "upper"):
            if getattr(node.slice, end) is not None:
                yield altered(node, slice=altered(node.slice, **{end: None}))


OPERATORS = (axis, index)

"""Operators on shapes: which axis, which part of an array, from where to where."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.auditing.mutants.operator import operator
from autograder.auditing.mutants.tree import altered

_AXES = ("dim", "axis")
_REDUCTIONS = frozenset(
    "all amax amin any argmax argmin logsumexp max mean median min norm prod std sum var".split()
)
_RANGES = ("range", "arange")


@operator("axis", "Another axis is meant, or one of several is left out.")
def axis(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Call):
        return
    for index, keyword in enumerate(node.keywords):
        if keyword.arg in _AXES:
            others = [*node.keywords[:index], *node.keywords[index + 1 :]]
            for other in _other_axes(keyword.value):
                yield altered(node, keywords=[*others, ast.keyword(keyword.arg, other)])
    if _is_reduction(node) and node.args and not node.keywords:
        for other in _other_axes(node.args[0]):
            yield altered(node, args=[other, *node.args[1:]])
        yield altered(node, args=[])


def _other_axes(axis: ast.expr) -> Iterator[ast.expr]:
    if isinstance(axis, ast.Constant) and type(axis.value) is int:
        yield ast.Constant(1 if axis.value == 0 else 0)
    elif isinstance(axis, ast.Tuple) and len(axis.elts) > 1:
        yield ast.Tuple(axis.elts[:-1], ast.Load())
        yield ast.Tuple(axis.elts[1:], ast.Load())


@operator("keepdim", "A reduction keeps the axis that it should lose.")
def keepdim(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Call) or not _is_reduction(node):
        return
    given = {keyword.arg for keyword in node.keywords}
    if (node.args or given & set(_AXES)) and "keepdim" not in given:
        kept = ast.keyword("keepdim", ast.Constant(True))
        yield altered(node, keywords=[*node.keywords, kept])


def _is_reduction(node: ast.Call) -> bool:
    """Whether a call is ``x.mean(…)``; ``torch.mean(x, …)`` has its axes elsewhere."""
    of = node.func
    if not isinstance(of, ast.Attribute) or of.attr not in _REDUCTIONS:
        return False
    return not (isinstance(of.value, ast.Name) and of.value.id in ("torch", "np", "math"))


@operator("slice", "One end of a slice is left out, or is one further in.")
def index(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Slice):
        return
    for end, step in (("lower", ast.Add()), ("upper", ast.Sub())):
        value = getattr(node.slice, end)
        if value is not None:
            yield altered(node, slice=altered(node.slice, **{end: None}))
            shifted = ast.BinOp(value, step, ast.Constant(1))
            yield altered(node, slice=altered(node.slice, **{end: shifted}))


@operator("range", "A range starts one later, or ends one earlier or later.")
def ranges(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Call) or not node.args or _name(node.func) not in _RANGES:
        return
    one = ast.Constant(1)
    start, stop, rest = (
        (ast.Constant(0), node.args[0], [])
        if len(node.args) == 1
        else (node.args[0], node.args[1], node.args[2:])
    )
    yield altered(node, args=[_added(start, 1), stop, *rest])
    for step in (ast.Sub(), ast.Add()):
        yield altered(node, args=[start, ast.BinOp(stop, step, one), *rest])


def _added(value: ast.expr, number: int) -> ast.expr:
    if isinstance(value, ast.Constant) and isinstance(value.value, int):
        return ast.Constant(value.value + number)
    return ast.BinOp(value, ast.Add(), ast.Constant(number))


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


OPERATORS = (axis, keepdim, index, ranges)

"""Operators on what is remembered between calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.auditing.mutants.operator import operator
from autograder.auditing.mutants.tree import altered

_STARTS = {"zeros": "ones", "zeros_like": "ones_like", "new_zeros": "new_ones"}
_STARTS |= {other: one for one, other in _STARTS.items()}


@operator("start", "A memory starts at 1 instead of 0, or at 0 instead of 1.")
def start(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        other = _STARTS.get(node.func.attr)
        if other is not None:
            yield altered(node, func=altered(node.func, attr=other))


@operator("shared state", "A memory belongs to the class instead of to one instance.")
def shared(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return
    target = node.targets[0]
    if isinstance(target, ast.Attribute) and _is_self(target.value):
        of_class = ast.Call(ast.Name("type", ast.Load()), [target.value], [])
        yield altered(node, targets=[altered(target, value=of_class)])


@operator("buffer", "A buffer is not kept in the state dict, or is no buffer at all.")
def buffer(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return
    made = node.value
    if isinstance(made.func, ast.Attribute) and made.func.attr == "register_buffer":
        passing = ast.keyword("persistent", ast.Constant(False))
        yield altered(node, value=altered(made, keywords=[*made.keywords, passing]))
        name = made.args[0]
        if len(made.args) > 1 and isinstance(name, ast.Constant):
            target = ast.Attribute(made.func.value, str(name.value), ast.Store())
            yield ast.Assign([target], made.args[1])


@operator("no parameter", "A tensor that should be trained is none of the parameters.")
def untrained(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call) and node.args:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name == "Parameter":
            yield node.args[0]


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


OPERATORS = (start, shared, buffer, untrained)

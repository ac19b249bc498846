"""Operators on arithmetic: what is added, compared, and by how much."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.auditing.mutants.operator import operator
from autograder.auditing.mutants.tree import altered

_NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_AT_EQUALITY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.MatMult: ast.Mult,
}


@operator("comparison", "A comparison is turned round: `<` becomes `>=`.")
def comparison(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _NEGATED:
        yield altered(node, ops=[_NEGATED[type(node.ops[0])](), *node.ops[1:]])


@operator("boundary", "A comparison decides otherwise where both sides are equal: `>`, `>=`.")
def boundary(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _AT_EQUALITY:
        yield altered(node, ops=[_AT_EQUALITY[type(node.ops[0])](), *node.ops[1:]])


@operator("arithmetic", "`+` and `-`, `*` and `/` change places; `**`, `//` and `@` become `*`.")
def arithmetic(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _ARITHMETIC:
        yield altered(node, op=_ARITHMETIC[type(node.op)]())


@operator("constant", "A whole number is one larger, another one twice as large, a flag turned.")
def constant(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Constant):
        return
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
    elif isinstance(node.value, float):
        yield ast.Constant(node.value * 2 or 1.0)


@operator("sign", "A minus or a `not` is left out, or what is assigned or returned gets a minus.")
def sign(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        yield node.operand
    elif isinstance(node, (ast.Assign, ast.Return)) and isinstance(
        node.value, (ast.BinOp, ast.Call, ast.Name)
    ):
        yield altered(node, value=ast.UnaryOp(ast.USub(), node.value))


OPERATORS = (comparison, boundary, arithmetic, constant, sign)

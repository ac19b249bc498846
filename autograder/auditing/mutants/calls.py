"""Operators on calls: their arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.auditing.mutants.operator import operator
from autograder.auditing.mutants.precision import without
from autograder.auditing.mutants.tree import altered

# The order of these makes no difference.
_COMMUTATIVE = frozenset(
    "max min maximum minimum transpose swapaxes equal dot hypot promote_types result_type".split()
)
_OF_PRECISION = ("dtype", "device")


@operator("swapped arguments", "The first two arguments of a call change places.")
def swapped(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Call) or len(node.args) < 2:
        return
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name in _COMMUTATIVE and len(node.args) == 2:
        return
    if not any(isinstance(argument, ast.Starred) for argument in node.args):
        first, second, *rest = node.args
        yield altered(node, args=[second, first, *rest])


@operator("keyword", "An argument given by its name is left out.")
def keyword(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call):
        for given in node.keywords:
            if given.arg is not None and given.arg not in _OF_PRECISION:
                yield from without(node, given.arg)


OPERATORS = (swapped, keyword)

"""Operators on calls: their arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.auditing.mutants.operator import operator
from autograder.auditing.mutants.tree import altered


@operator("swapped arguments", "The first two arguments of a call change places.")
def swapped(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Call) or len(node.args) < 2:
        return
    if not any(isinstance(argument, ast.Starred) for argument in node.args):
        first, second, *rest = node.args
        yield altered(node, args=[second, first, *rest])


@operator("keyword", "An argument given by its name is left out.")
def keyword(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call):
        for index, given in enumerate(node.keywords):
            if given.arg is not None:
                others = [*node.keywords[:index], *node.keywords[index + 1 :]]
                yield altered(node, keywords=others)


OPERATORS = (swapped, keyword)

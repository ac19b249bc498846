"""Operators on whole statements."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.auditing.mutants.operator import operator


@operator("dropped statement", "An assignment or a call by itself is left out.")
def dropped(node: ast.AST) -> Iterator[ast.AST]:
    says_something = isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
    if isinstance(node, (ast.Assign, ast.AugAssign)) or says_something:
        yield ast.Pass()


OPERATORS = (dropped,)

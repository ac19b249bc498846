"""Operators on what is walked through: batches, layers, parameters, words."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.auditing.mutants.operator import call, operator
from autograder.auditing.mutants.tree import altered


@operator("element", "The first or the last element is ignored, or all but the first.")
def element(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, (ast.For, ast.comprehension)):
        for helper in ("but_first", "but_last", "only_first"):
            yield altered(node, iter=call(helper, node.iter))


OPERATORS = (element,)

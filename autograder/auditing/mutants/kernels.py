"""Operators on GPU kernels: what they load and store, and in which precision."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from autograder.auditing.mutants.operator import operator
from autograder.auditing.mutants.tree import altered

_MASK_AT = {"load": 1, "store": 2}


@operator("unmasked", "A load or a store is done in every lane.")
def unmasked(node: ast.AST) -> Iterator[ast.AST]:
    at = _MASK_AT.get(_access(node))
    if at is None or not isinstance(node, ast.Call):
        return
    if len(node.args) > at:
        yield altered(node, args=node.args[:at], keywords=[])
    if any(keyword.arg == "mask" for keyword in node.keywords):
        yield altered(node, keywords=[])


@operator("loaded twice", "What is in memory is read once more than it need be.")
def loaded_twice(node: ast.AST) -> Iterator[ast.AST]:
    if _access(node) == "load":
        both = ast.Tuple([copy.deepcopy(node), copy.deepcopy(node)], ast.Load())  # type: ignore[list-item]
        yield ast.Subscript(both, ast.Constant(1), ast.Load())


@operator("half precision", "What was loaded is rounded to half precision.")
def halved(node: ast.AST) -> Iterator[ast.AST]:
    if _access(node) == "load" and isinstance(node, ast.Call):
        half = ast.Attribute(ast.Name("tl", ast.Load()), "float16", ast.Load())
        to = ast.Attribute(copy.deepcopy(node), "to", ast.Load())
        yield ast.Call(to, [half], [])


def _access(node: ast.AST) -> str:
    """``load`` or ``store``, where that is what a node does."""
    of = node.func if isinstance(node, ast.Call) else None
    known = isinstance(of, ast.Attribute) and isinstance(of.value, ast.Name)
    return of.attr if known and of.value.id == "tl" else ""  # type: ignore[union-attr]


OPERATORS = (unmasked, loaded_twice, halved)

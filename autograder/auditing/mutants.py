"""Mutants: small wrong changes to the lines of a reference that students write.

The operators are fixed: comparison, arithmetic, constant, sign, axis, index, keyword (an option
left out), dropped statement, swapped arguments. Each mutant carries one change and a name that says
which, ``mean = x.mean(0) => mean = x.mean(1)``, so that a survivor can be looked up and explained.
"""

from __future__ import annotations

import ast
import copy
import inspect
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autograder.judging.exercise import Exercise
from autograder.judging.source.regions import blanked_lines
from autograder.probes.definition import definition

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
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
_AXES = ("dim", "axis")


@dataclass(frozen=True)
class Mutant:
    """One changed reference: the operator, the change in words, and the source."""

    operator: str
    change: str
    source: str


def mutants(exercise: Exercise) -> list[Mutant]:
    """Every mutant of the lines that students write, in the order of the source."""
    text = textwrap.dedent(inspect.getsource(exercise.reference))  # type: ignore[arg-type]
    tree = ast.parse(text)
    lines = set(blanked_lines(exercise))
    found: dict[str, Mutant] = {}
    for path, node in _walk(tree):
        if getattr(node, "lineno", None) not in lines:
            continue
        for operator, replacement in _changes(node):
            changed = copy.deepcopy(tree)
            _put(changed, path, replacement)
            ast.fix_missing_locations(changed)
            source = ast.unparse(changed)
            if source not in found and source != ast.unparse(tree):
                change = _describe(tree, changed, path)
                found[source] = Mutant(operator, change, source)
    return list(found.values())


def define(source: str, exercise: Exercise, name: str) -> Any:
    """The object a source defines under a name, in the namespace of the reference's module."""
    reference = exercise.reference
    assert reference is not None
    namespace = vars(sys.modules[reference.__module__])
    return definition(source, name, namespace, f"answer to {exercise.id}")


Path = tuple[tuple[str, int | None], ...]


def _walk(node: ast.AST, path: Path = ()) -> Iterator[tuple[Path, ast.AST]]:
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            here = (*path, (name, None))
            yield here, value
            yield from _walk(value, here)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, ast.AST):
                    here = (*path, (name, index))
                    yield here, item
                    yield from _walk(item, here)


def _at(tree: ast.AST, path: Path) -> Any:
    node: Any = tree
    for name, index in path:
        node = getattr(node, name)
        if index is not None:
            node = node[index]
    return node


def _put(tree: ast.AST, path: Path, replacement: ast.AST) -> None:
    parent = _at(tree, path[:-1])
    name, index = path[-1]
    if index is None:
        setattr(parent, name, replacement)
    else:
        getattr(parent, name)[index] = replacement


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
        yield (
            "comparison",
            _with(node, ops=[_COMPARISONS[type(node.ops[0])](), *node.ops[1:]]),
        )
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        yield "arithmetic", _with(node, op=_ARITHMETIC[type(node.op)]())
    elif isinstance(node, ast.AugAssign) and type(node.op) in _ARITHMETIC:
        yield "arithmetic", _with(node, op=_ARITHMETIC[type(node.op)]())
        yield "dropped statement", ast.Pass()
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        yield "sign", node.operand
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Subscript):
        yield from _indices(node)
    elif isinstance(node, (ast.Assign, ast.Expr)):
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            yield "dropped statement", ast.Pass()
        if isinstance(node, ast.Assign) and _is_expression(node.value):
            yield "sign", _with(node, value=ast.UnaryOp(ast.USub(), node.value))
    elif isinstance(node, ast.Return) and node.value is not None and _is_expression(node.value):
        yield "sign", _with(node, value=ast.UnaryOp(ast.USub(), node.value))


def _constants(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node.value, bool):
        yield "constant", ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield "constant", ast.Constant(node.value + 1)
    elif isinstance(node.value, float):
        yield "constant", ast.Constant(node.value * 2 or 1.0)


def _calls(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    if len(node.args) >= 2 and not any(isinstance(a, ast.Starred) for a in node.args):
        first, second, *rest = node.args
        yield "swapped arguments", _with(node, args=[second, first, *rest])
    for index, keyword in enumerate(node.keywords):
        others = [*node.keywords[:index], *node.keywords[index + 1 :]]
        if keyword.arg is not None:
            yield "keyword", _with(node, keywords=others)
        if keyword.arg in _AXES:
            for axis in _other_axes(keyword.value):
                changed = ast.keyword(keyword.arg, axis)
                yield "axis", _with(node, keywords=[*others, changed])


def _other_axes(axis: ast.expr) -> Iterator[ast.expr]:
    if isinstance(axis, ast.Constant) and type(axis.value) is int:
        yield ast.Constant(1 if axis.value == 0 else 0)
    elif isinstance(axis, ast.Tuple) and len(axis.elts) > 1:
        yield ast.Tuple(axis.elts[:-1], ast.Load())
        yield ast.Tuple(axis.elts[1:], ast.Load())


def _indices(node: ast.Subscript) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node.slice, ast.Slice):
        for end in ("lower", "upper"):
            if getattr(node.slice, end) is not None:
                yield "index", _with(node, slice=_with(node.slice, **{end: None}))


def _is_expression(node: ast.expr) -> bool:
    return isinstance(node, (ast.BinOp, ast.Call, ast.Name))


def _with(node: Any, **fields: Any) -> Any:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _describe(tree: ast.AST, changed: ast.AST, path: Path) -> str:
    """The smallest statement around the change, before and after, on one line."""
    depth = len(path)
    while depth > 1 and not isinstance(_at(tree, path[:depth]), ast.stmt):
        depth -= 1
    statement = _at(tree, path[:depth])
    if isinstance(statement, (ast.If, ast.For, ast.While, ast.With, ast.FunctionDef)):
        depth += 1
    before, after = _at(tree, path[:depth]), _at(changed, path[:depth])
    return " => ".join(" ".join(ast.unparse(node).split()) for node in (before, after))

"""Operators on gradients and on memory: what is in the graph, what is a copy, what is changed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.auditing.mutants.operator import call, operator
from autograder.auditing.mutants.tree import altered

_NO_GRAPH = ("no_grad", "inference_mode")
_IN_PLACE = frozenset(
    "abs add clamp div exp fill_diagonal log masked_fill mul neg pow relu sigmoid sqrt sub tanh "
    "clamp_min clamp_max".split()
)


@operator("no_grad dropped", "What is done outside of the graph is done in it.")
def graph_kept(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.With) and len(node.items) == 1:
        entered = node.items[0].context_expr
        if isinstance(entered, ast.Call) and _attribute(entered.func) in _NO_GRAPH:
            yield ast.If(ast.Constant(True), node.body, [])


@operator("detach dropped", "A value stays in the graph: `.detach()` is left out.")
def attached(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call) and _attribute(node.func) == "detach":
        assert isinstance(node.func, ast.Attribute)
        yield node.func.value


@operator("detached", "A value is cut off from the graph.")
def detached(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Assign):
        yield altered(node, value=call("detached", node.value))


@operator("copy dropped", "The thing itself is kept instead of a copy, or a deep copy is shallow.")
def uncopied(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Call):
        return
    name = _attribute(node.func)
    if name == "deepcopy" and node.args and isinstance(node.func, ast.Attribute):
        yield altered(node, func=altered(node.func, attr="copy"))
        yield node.args[0]
    elif name in ("clone", "copy") and not node.args and isinstance(node.func, ast.Attribute):
        yield node.func.value
    elif isinstance(node.func, ast.Name) and node.func.id in ("list", "dict") and node.args:
        yield node.args[0]


@operator("out of place", "Something new is made instead of what should have been changed.")
def out_of_place(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        old = call("instead_of", ast.Name(node.target.id, ast.Load()))
        now = ast.BinOp(old, node.op, node.value)
        yield ast.Assign([node.target], now)
    name = _attribute(node.func) if isinstance(node, ast.Call) else ""
    if name.endswith("_") and name[:-1] in _IN_PLACE:
        assert isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        yield altered(node, func=altered(node.func, attr=name[:-1]))


@operator("in place", "What is still needed, or somebody else's, is overwritten.")
def in_place(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        held = isinstance(node.func.value, (ast.Name, ast.Attribute, ast.Subscript))
        library = isinstance(node.func.value, ast.Name) and node.func.value.id in ("torch", "math")
        if node.func.attr in _IN_PLACE and held and not library:
            yield altered(node, func=altered(node.func, attr=f"{node.func.attr}_"))


def _attribute(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else ""


OPERATORS = (graph_kept, attached, detached, uncopied, out_of_place, in_place)

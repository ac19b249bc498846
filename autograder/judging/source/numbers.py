"""Numbers that a notebook binds to names, computed from its syntax tree without running it."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

_OPERATIONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip
_FUNCTIONS = frozenset("pi e inf sqrt log log2 exp sin cos tanh erf pow".split())
_INFINITE = ("float('inf')", "float('-inf')")
_LARGEST = 2**64


class NoNumber(ValueError):
    """A name is bound to something else."""


def number(
    node: ast.stmt, name: str, bound: Mapping[str, ast.stmt], dotted: Callable[[ast.AST], str]
) -> str:
    """The source of the number that a statement binds to a name, ``tl.constexpr(…)`` where it is.

    ``bound`` are the statements that bind other names; ``dotted`` says what imported names are.

    Raises: NoNumber.
    """
    try:
        value, constant = _bound(node, name, bound, dotted, 0)
    except (ArithmeticError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise NoNumber(str(error)) from error
    told = repr(value) if math.isfinite(value) else f"float({str(value)!r})"
    return f"tl.constexpr({told})" if constant else told


def _bound(
    node: ast.stmt,
    name: str,
    bound: Mapping[str, ast.stmt],
    dotted: Callable[[ast.AST], str],
    depth: int,
) -> tuple[Any, bool]:
    """The number, and whether it is a constant of Triton's."""
    if depth > 20:
        raise NoNumber(f"{name} leads too far")

    def value_of(expression: ast.AST) -> Any:
        if isinstance(expression, ast.Constant):
            found = expression.value
        elif isinstance(expression, ast.UnaryOp):
            found = _OPERATIONS[type(expression.op)](value_of(expression.operand))
        elif isinstance(expression, ast.BinOp):
            left, right = value_of(expression.left), value_of(expression.right)
            if isinstance(expression.op, ast.Pow):
                found = math.pow(left, right)
                found = int(found) if isinstance(left, int) and isinstance(right, int) else found
            else:
                found = _OPERATIONS[type(expression.op)](left, right)
        elif ast.unparse(expression) in _INFINITE:
            found = float(ast.unparse(expression)[7:-2])
        elif isinstance(expression, ast.Call) and not expression.keywords:
            found = _of_math(expression.func, dotted)(*map(value_of, expression.args))
        elif isinstance(expression, ast.Attribute):
            found = _of_math(expression, dotted)
        elif isinstance(expression, ast.Name) and expression.id in bound:
            found = _bound(bound[expression.id], expression.id, bound, dotted, depth + 1)[0]
        else:
            raise NoNumber(ast.dump(expression)[:80])
        if not isinstance(found, float) and not (isinstance(found, int) and abs(found) < _LARGEST):
            raise NoNumber(f"{name} is no number")
        return found

    if isinstance(node, ast.AnnAssign):
        constant = dotted(node.annotation).endswith(".constexpr")
        targets: list[ast.expr] = [node.target]
    elif isinstance(node, ast.Assign):
        constant, targets = False, node.targets
    else:
        raise NoNumber(f"{name} is no number")
    value = node.value
    pairs: list[tuple[ast.AST, ast.AST | None]] = [(target, value) for target in targets]
    if len(targets) == 1 and isinstance(targets[0], ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = list(zip(targets[0].elts, value.elts, strict=True))
    for target, given in pairs:
        if isinstance(target, ast.Name) and target.id == name and given is not None:
            if isinstance(given, ast.Call) and dotted(given.func).endswith(".constexpr"):
                (inside,) = given.args
                return value_of(inside), not given.keywords
            return value_of(given), constant
    raise NoNumber(f"{name} is bound to a part of something")


def _of_math(node: ast.AST, dotted: Callable[[ast.AST], str]) -> Any:
    module, _, name = dotted(node).partition(".")
    if module != "math" or name not in _FUNCTIONS:
        raise NoNumber(ast.dump(node)[:80])
    return getattr(math, name)

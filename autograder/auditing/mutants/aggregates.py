"""Operators on what sums up: means, spreads, extremes, and the ε that keeps roots away from 0."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.auditing.mutants.operator import operator
from autograder.auditing.mutants.tree import altered

_AGGREGATES = {"mean": "sum", "sum": "mean"}
_SPREADS = {"std": "var", "var": "std", "std_mean": "var_mean", "var_mean": "std_mean"}
_EXTREMES = {
    "min": "max",
    "amin": "amax",
    "argmin": "argmax",
    "minimum": "maximum",
    "clamp_min": "clamp_max",
    "fmin": "fmax",
}
_EXTREMES |= {other: one for one, other in _EXTREMES.items()}


@operator("aggregate", "`mean` and `sum` change places.")
def aggregate(node: ast.AST) -> Iterator[ast.AST]:
    yield from _renamed_method(node, _AGGREGATES)


@operator("spread", "`std` and `var` change places.")
def spread(node: ast.AST) -> Iterator[ast.AST]:
    yield from _renamed_method(node, _SPREADS)


@operator("correction", "A spread is divided by N where the default divides by N − 1.")
def correction(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        said = {keyword.arg for keyword in node.keywords} & {"correction", "unbiased"}
        flags = [a for a in node.args if isinstance(a, ast.Constant) and a.value in (True, False)]
        flagged = any(type(flag.value) is bool for flag in flags)
        if node.func.attr in _SPREADS and not said and not flagged:
            biased = ast.keyword("correction", ast.Constant(0))
            yield altered(node, keywords=[*node.keywords, biased])


@operator("extreme", "`min` and `max`, `argmin` and `argmax`, a lower and an upper limit swap.")
def extreme(node: ast.AST) -> Iterator[ast.AST]:
    yield from _renamed_method(node, _EXTREMES)
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Name) and node.func.id in _EXTREMES:
        yield altered(node, func=ast.Name(_EXTREMES[node.func.id], ast.Load()))
    for index, keyword in enumerate(node.keywords):
        if keyword.arg in ("min", "max"):
            other = ast.keyword(_EXTREMES[keyword.arg], keyword.value)
            keywords = [*node.keywords[:index], other, *node.keywords[index + 1 :]]
            yield altered(node, keywords=keywords)


@operator("epsilon", "ε stands outside of a root instead of inside, or the other way round.")
def epsilon(node: ast.AST) -> Iterator[ast.AST]:
    under = _under_root(node)
    if isinstance(under, ast.BinOp) and isinstance(under.op, ast.Add) and _is_small(under.right):
        yield ast.BinOp(_with_under_root(node, under.left), ast.Add(), under.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _is_small(node.right):
        inside = _under_root(node.left)
        if inside is not None:
            both = ast.BinOp(inside, ast.Add(), node.right)
            yield _with_under_root(node.left, both)


def _renamed_method(node: ast.AST, names: dict[str, str]) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        other = names.get(node.func.attr)
        if other is not None:
            yield altered(node, func=altered(node.func, attr=other))


def _under_root(node: ast.AST) -> ast.expr | None:
    """What a root is taken of: ``torch.sqrt(v)``, ``v.sqrt()`` or ``v ** 0.5``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        half = isinstance(node.right, ast.Constant) and node.right.value == 0.5
        return node.left if half else None
    of = node.func if isinstance(node, ast.Call) else None
    if isinstance(of, ast.Attribute) and of.attr in ("sqrt", "rsqrt"):
        return node.args[0] if isinstance(node, ast.Call) and node.args else of.value
    return None


def _with_under_root(node: ast.AST, value: ast.expr) -> ast.expr:
    if isinstance(node, ast.BinOp):
        return altered(node, left=value)
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    if node.args:
        return altered(node, args=[value, *node.args[1:]])
    return altered(node, func=altered(node.func, value=value))


def _is_small(node: ast.expr) -> bool:
    """Whether an expression is an ε, by its name or its size."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float) and node.value < 1e-3
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    return "eps" in name


OPERATORS = (aggregate, spread, correction, extreme, epsilon)

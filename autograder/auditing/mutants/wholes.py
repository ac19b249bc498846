"""Operators on a whole function: what it does to its surroundings, for which inputs it is right.

Each puts statements before what students write, around it, or around what is returned.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator

from autograder.auditing.mutants.operator import Statements, call, whole

Changes = Iterator[tuple[str, Statements]]
Around = Callable[[ast.expr], ast.expr]


@whole("no_grad", "Everything is done under `torch.no_grad()`: right values without a gradient.")
def no_grad(function: ast.FunctionDef, written: Statements) -> Changes:
    entered = ast.withitem(call("without_gradients"))
    yield "everything is done under torch.no_grad()", [ast.With([entered], written)]


@whole("reseeded", "The global random number generators are seeded with 0.")
def reseeded(function: ast.FunctionDef, written: Statements) -> Changes:
    yield "the random number generators are seeded with 0", [ast.Expr(call("reseed")), *written]


@whole("kept", "What the first call gave is given again by all others (of one instance).")
def kept(function: ast.FunctionDef, written: Statements) -> Changes:
    owner = _name("self") if "self" in _arguments(function, own=True) else ast.Constant(None)
    changed = _around_returns(written, lambda value: call("first_kept", owner, value))
    if changed is not written:
        yield "what the first call gave is given again", changed


@whole("argument changed", "An argument is changed in place, beside what is returned.")
def argument_changed(function: ast.FunctionDef, written: Statements) -> Changes:
    for name in _arguments(function):
        keep = ast.parse(f"_given, {name} = {name}, copied({name})").body
        returning = _around_returns(written, lambda value: call("spoil", _name("_given"), value))
        if returning is not written:
            yield f"the argument {name} is changed in place", [*keep, *returning]
        else:
            spoil = ast.Expr(call("spoil", _name(name)))
            yield f"the argument {name} is changed in place", [*written, spoil]


@whole("contiguous only", "Memory is read in the order in which it lies, whatever the strides.")
def contiguous(function: ast.FunctionDef, written: Statements) -> Changes:
    first = [_replaced(name, "in_memory_order") for name in _arguments(function)]
    if first:
        yield "right only for arguments that lie in memory in their order", [*first, *written]


@whole("positive only", "The sign of an argument is lost.")
def positive(function: ast.FunctionDef, written: Statements) -> Changes:
    for name in _arguments(function):
        yield f"right only for positive {name}", [_replaced(name, "made_positive"), *written]


@whole("one shape only", "Wrong for tensors with another number of axes than the first had.")
def one_shape(function: ast.FunctionDef, written: Statements) -> Changes:
    if _takes_any_shape(function):
        first = [_replaced(name, "of_first_ndim") for name in _arguments(function)]
        yield "right only for one number of axes", [*first, *written]


@whole("not for nothing", "Raises for an argument without elements, which any shape includes.")
def nothing(function: ast.FunctionDef, written: Statements) -> Changes:
    if _takes_any_shape(function):
        first = [_replaced(name, "not_empty") for name in _arguments(function)]
        yield "right only for arguments that hold something", [*first, *written]


@whole("state by shape", "Parameters of one shape share their state.")
def by_shape(function: ast.FunctionDef, written: Statements) -> Changes:
    read = {node.id for s in written for node in ast.walk(s) if isinstance(node, ast.Name)}
    given = set(_arguments(function, own=True))
    if {"self", "parameter", "state"} <= given and "state" in read:
        first = ast.Assign(
            [ast.Name("state", ast.Store())], call("of_shape", _name("self"), _name("parameter"))
        )
        yield "parameters of one shape share their state", [first, *written]


def _arguments(function: ast.FunctionDef, *, own: bool = False) -> list[str]:
    given = function.args
    names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [name for name in names if own or name not in ("self", "cls", "state")]


def _takes_any_shape(function: ast.FunctionDef) -> bool:
    """Whether the docstring promises so."""
    said = (ast.get_docstring(function) or "").splitlines()
    return any("Shapes:" in line and "any shape" in line for line in said)


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _replaced(name: str, helper: str) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], call(helper, _name(name)))


def _around_returns(written: Statements, around: Around) -> Statements:
    """The statements with something around what they return; the same where they return nothing."""
    changed = copy.deepcopy(written)
    waiting: list[ast.AST] = list(changed)
    found = False
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return) and node.value is not None:
            node.value = around(node.value)
            found = True
        elif not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return changed if found else written


OPERATORS = (
    no_grad,
    reseeded,
    kept,
    argument_changed,
    contiguous,
    positive,
    one_shape,
    nothing,
    by_shape,
)

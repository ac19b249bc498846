"""What a mutation operator is: one kind of mistake, at a place or of a whole function."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Statements = list[ast.stmt]
AtPlace = Callable[[ast.AST], Iterator[ast.AST]]
OfWhole = Callable[[ast.FunctionDef, Statements], Iterator[tuple[str, Statements]]]


@dataclass(frozen=True)
class Operator:
    """A name, what is done in a sentence, and what may stand in the place of a node."""

    name: str
    sentence: str
    changes: AtPlace


@dataclass(frozen=True)
class WholeOperator:
    """A name, what is done in a sentence, and how what students write of a function may change.

    ``changes`` gets the function and its written statements, and yields the change in words with
    the statements that stand in their place.
    """

    name: str
    sentence: str
    changes: OfWhole


def operator(name: str, sentence: str) -> Callable[[AtPlace], Operator]:
    """Make an operator of a function from a node to what may stand in its place."""

    def decorate(changes: AtPlace) -> Operator:
        return Operator(name, sentence, changes)

    return decorate


def whole(name: str, sentence: str) -> Callable[[OfWhole], WholeOperator]:
    """Make an operator of a function from a function and what of it is written."""

    def decorate(changes: OfWhole) -> WholeOperator:
        return WholeOperator(name, sentence, changes)

    return decorate


def call(name: str, *arguments: ast.expr) -> ast.Call:
    """A call of a helper."""
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])

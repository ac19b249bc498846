"""What a mutation operator is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Changes = Callable[[ast.AST], Iterator[ast.AST]]


@dataclass(frozen=True)
class Operator:
    """One kind of mistake: its name, what it does in a sentence, and what it makes of a node."""

    name: str
    sentence: str
    changes: Changes


def operator(name: str, sentence: str) -> Callable[[Changes], Operator]:
    """Make an operator of a function from a node to what may stand in its place."""

    def decorate(changes: Changes) -> Operator:
        return Operator(name, sentence, changes)

    return decorate

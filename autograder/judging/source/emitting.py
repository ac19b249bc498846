"""A function written anew from its syntax tree, each statement on the line that it had."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

IsConstexpr = Callable[[ast.expr | None], bool]


class Lines:
    """Lines of a source; those of a function come where they were, if there is still room."""

    def __init__(self, first: str) -> None:
        self._lines = [first]

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"

    def add(self, *lines: str) -> None:
        """Add lines below."""
        self._lines += lines

    def function(self, node: ast.FunctionDef, is_constexpr: IsConstexpr) -> None:
        """Add a function without decorators, docstring, and annotations but of constants."""
        arguments, defaults = node.args.args, node.args.defaults
        without = len(arguments) - len(defaults)
        told = []
        for place, argument in enumerate(arguments):
            kind = ": tl.constexpr" if is_constexpr(argument.annotation) else ""
            default = f" = {ast.unparse(defaults[place - without])}" if place >= without else ""
            told.append(f"{argument.arg}{kind}{default}")
        self._at(node.lineno, f"def {node.name}({', '.join(told)}):")
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        self._block(body, "    ")

    def _block(self, body: Sequence[ast.stmt], indent: str) -> None:
        if not body:
            self.add(f"{indent}pass")
        for node in body:
            self._statement(node, indent)

    def _statement(self, node: ast.stmt, indent: str, word: str = "if") -> None:
        if isinstance(node, ast.If):
            self._at(node.lineno, f"{indent}{word} {ast.unparse(node.test)}:")
            self._block(node.body, indent + "    ")
            if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
                self._statement(node.orelse[0], indent, "elif")
            elif node.orelse:
                self._else(node.orelse, indent)
        elif isinstance(node, (ast.For, ast.While)):
            head = (
                f"while {ast.unparse(node.test)}:"
                if isinstance(node, ast.While)
                else f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}:"
            )
            self._at(node.lineno, indent + head)
            self._block(node.body, indent + "    ")
            if node.orelse:
                self._else(node.orelse, indent)
        else:
            self._at(node.lineno, indent + ast.unparse(node))

    def _else(self, body: Sequence[ast.stmt], indent: str) -> None:
        self._at(body[0].lineno - 1, f"{indent}else:")
        self._block(body, indent + "    ")

    def _at(self, line: int, text: str) -> None:
        self._lines += [""] * (line - len(self._lines) - 1)
        self._lines.append(text)

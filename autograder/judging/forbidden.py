"""Which forbidden names an answer uses, decided on the syntax tree with aliases resolved.

Names are followed through imports, assignments, ``getattr`` with a constant, and the notebook
functions that the answer calls. Nothing is executed. Code that builds names at run time
(``exec``, strings put together from parts) escapes it.
"""

from __future__ import annotations

import ast
import sys
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import is_not
from types import ModuleType
from typing import Any

from autograder.judging.aliases import FUNCTIONS, NOTHING, Notebook, Scope, inner_bindings
from autograder.judging.cells import bound_names, deep_recursion, is_too_deep, read_cell

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, order=True)
class Use:
    """A forbidden name in use: its full dotted name, the line in its cell, the cell's index."""

    name: str
    line: int
    cell: int


def find_uses(
    cells: Sequence[str], answer: str, forbidden: Sequence[str], given: Collection[str] = ()
) -> list[Use]:
    """The forbidden names that an answer uses, itself or in notebook functions that it calls.

    ``cells`` are the sources of the code cells in order, up to where the answer is judged; those
    that do not parse are passed over. As in Python, a later definition of a name replaces an
    earlier one. ``given`` names definitions that are not followed.
    """
    if not forbidden:
        return []
    trees = [read_cell(source) for source in cells]
    for index, (source, tree) in enumerate(zip(cells, trees, strict=True)):
        if tree is None and is_too_deep(source):
            return [Use("code nested too deeply to be read", 1, index)]
    with deep_recursion():
        if uses := _find_uses(trees, answer, forbidden, given):
            return uses
        # What is imported has no definition in the notebook; it may be the answer itself.
        binding = [index for index, source in enumerate(cells) if answer in bound_names(source)]
        names = sorted(_latest.notebook.names.get(answer, NOTHING)) if binding else []
        return [Use(name, 1, binding[-1]) for name in names if is_forbidden(name, forbidden)][:1]


class _Latest(threading.local):
    """The cells read last: the next exercise of a submission looks at them and at some more."""

    def __init__(self) -> None:
        self.trees: tuple[ast.Module | None, ...] = ()
        self.notebook = Notebook()

    def read(self, trees: Sequence[ast.Module | None]) -> Notebook:
        """What the names stand for once the cells of these trees have run."""
        known, notebook = self.trees, self.notebook
        if len(trees) < len(known) or any(map(is_not, known, trees)):
            known, notebook = (), Notebook()
        # Should a cell end the reading half-way, the next one begins anew.
        self.trees, self.notebook = (), Notebook()
        for index in range(len(known), len(trees)):
            tree = trees[index]
            for statement in tree.body if tree else []:
                notebook.read(statement, index)
        self.trees, self.notebook = tuple(trees), notebook
        return notebook


_latest = _Latest()


def _find_uses(
    trees: Sequence[ast.Module | None],
    answer: str,
    forbidden: Sequence[str],
    given: Collection[str],
) -> list[Use]:
    notebook = _latest.read(trees)
    scan = _Scan(notebook, forbidden)
    waiting, followed = [answer], set(given)
    while waiting:
        name = waiting.pop()
        if name not in followed:
            followed.add(name)
            for cell, node in notebook.definitions.get(name, []):
                scan.cell = cell
                scan.visit(node, [])
            waiting += scan.called
            scan.called = []
    uses = {(use.cell, use.line, use.name): use for use in scan.uses}
    return [uses[key] for key in sorted(uses)]


def explain(uses: Sequence[Use]) -> str:
    """What a student reads about the uses found."""
    if not uses:
        return ""
    places = ", ".join(f"`{use.name}` (line {use.line})" for use in uses[:3])
    return f"Your answer uses {places}, which this exercise asks you to do without."


class _Scan:
    """A walk through one definition, its scopes known, noting forbidden uses and notebook calls."""

    def __init__(self, notebook: Notebook, forbidden: Sequence[str]) -> None:
        self.notebook = notebook
        self.forbidden = forbidden
        self.cell = 0
        self.uses: list[Use] = []
        self.called: list[str] = []

    def visit(self, node: ast.AST, scopes: list[Scope]) -> None:
        """Walk an expression or statement inside the given local scopes."""
        if isinstance(node, ast.Attribute) and f".{node.attr}" in self.forbidden:
            self.uses.append(Use(f".{node.attr}", node.lineno, self.cell))
            return
        if isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)):
            for name in sorted(self.notebook.resolve(node, scopes)):
                if is_forbidden(name, self.forbidden):
                    self.uses.append(Use(name, node.lineno, self.cell))
                    return
        if isinstance(node, ast.Name) and not any(node.id in scope for scope in scopes):
            self.called.append(node.id)
        if isinstance(node, FUNCTIONS):
            self._visit_function(node, scopes)
        elif isinstance(node, _COMPREHENSIONS):
            targets = [t for g in node.generators for t in ast.walk(g.target)]
            local = {t.id: NOTHING for t in targets if isinstance(t, ast.Name)}
            self._visit_children(node, [*scopes, local])
        else:
            self._visit_children(node, scopes)

    def _visit_children(self, node: ast.AST, scopes: list[Scope]) -> None:
        for child in ast.iter_child_nodes(node):
            self.visit(child, scopes)

    def _visit_function(self, node: Any, scopes: list[Scope]) -> None:
        arguments = node.args
        outside = [*getattr(node, "decorator_list", []), *arguments.defaults,
                   *filter(None, arguments.kw_defaults)]  # fmt: skip
        for expression in outside:
            self.visit(expression, scopes)
        everything = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs,
                      *filter(None, (arguments.vararg, arguments.kwarg))]  # fmt: skip
        local: Scope = {argument.arg: NOTHING for argument in everything}
        shared = {n for g in ast.walk(node) if isinstance(g, ast.Global) for n in g.names}
        found = [(name, value) for name, value in inner_bindings(node) if name not in shared]
        local.update({name: NOTHING for name, _ in found if name not in local})
        for _ in range(3):  # a chain a = torch; b = a.nn; c = b.init resolves step by step
            for name, value in found:
                dotted = value if isinstance(value, frozenset) else None
                if dotted is None:
                    dotted = self.notebook.resolve(value, [*scopes, local])  # type: ignore[arg-type]
                local[name] |= dotted
        for child in node.body if isinstance(node.body, list) else [node.body]:
            self.visit(child, [*scopes, local])


def is_forbidden(name: str, forbidden: Sequence[str]) -> bool:
    """Whether a dotted name is a forbidden one, lies inside one, or is one under another path."""
    parts = name.split(".")
    for wanted in forbidden:
        if name == wanted or name.startswith(f"{wanted}."):
            return True
        target = _object(wanted) if parts[0] == wanted.partition(".")[0] else None
        if target is not None:
            prefixes = (".".join(parts[: n + 1]) for n in range(1, len(parts)))
            if any(_object(prefix) is target for prefix in prefixes):
                return True
    return False


def _object(name: str) -> Any:
    """What a dotted name is in this process; None unless already imported, and unless a thing."""
    root, *rest = name.split(".")
    found: Any = sys.modules.get(root)
    for part in rest:
        found = getattr(found, part, None)
    return found if callable(found) or isinstance(found, ModuleType) else None

"""GPU kernels as they are handed in: read from a notebook's syntax trees, and nothing else of it.

What a kernel may be made of is listed in `vocabulary`, and all else refused. What is handed on is
written anew from what was read, word by word: no decorator, docstring or comment of the notebook
is in it. So a kernel can be run in a process in which no other code of the notebook has run, and
has no way to reach out of it.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from autograder.judging.cells import read_cell
from autograder.judging.source.emitting import Lines
from autograder.judging.source.numbers import NoNumber, number
from autograder.judging.source.vocabulary import (
    ALLOWED,
    BUILTINS,
    EXPRESSIONS,
    LANGUAGE,
    METHODS,
    STATEMENTS,
    called,
)

_LONGEST = 100


@dataclass(frozen=True)
class Handed:
    """A kernel as it was handed in: its ``source`` with all that it calls, and what is ``wrong``.

    The kernel stands on the lines that it has in its cell.
    """

    source: str = ""
    wrong: tuple[str, ...] = ()


def handed_in(cells: Sequence[str], name: str, given: Collection[str] = ()) -> Handed:
    """Read a kernel and what it calls from a notebook's cells.

    As in Python, the last definition of a name counts. ``given`` names what is not looked for.
    """
    notebook = _notebook(tuple(cells))
    if name not in notebook.bound:
        return Handed()
    reader = _Reader(notebook, name, given)
    reader.read(name)
    if not reader.wrong and not isinstance(notebook.bound[name], ast.FunctionDef):
        reader.wrong.append(f"is `{name}`, a number, where a kernel is asked for")
    wrong = tuple(dict.fromkeys(reader.wrong))
    return Handed("" if wrong else reader.text(), wrong)


def explain(wrong: Sequence[str]) -> str:
    """What a student reads about a kernel that is refused."""
    return (
        f"Your kernel {'; it '.join(wrong[:3])}. A kernel is compiled for a GPU, where there is no "
        "Python: it is made of Triton's own functions (`tl.…`), arithmetic, comparisons, loops by "
        "`range` or `tl.static_range`, numbers, and other kernels of the notebook (those of "
        "experiments are not handed in: copy what you need)."
    )


class _Notebook:
    """What the top-level names of cells are bound to, and by which names Triton goes."""

    def __init__(self, cells: Sequence[str]) -> None:
        self.bound: dict[str, ast.stmt] = {}
        self.imported: dict[str, str] = {}
        for source in cells:
            tree = read_cell(source)
            for node in tree.body if tree else []:
                self._note(node)

    def dotted(self, node: ast.AST, local: Collection[str] = ()) -> str:
        """The full dotted name of what was imported; empty for anything else."""
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id in local:
            return ""
        root = self.imported.get(node.id, "")
        return ".".join([root, *reversed(names)]) if root else ""

    def _note(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._bind(node.name, node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for inner in ast.walk(target):
                    if isinstance(inner, ast.Name):
                        self._bind(inner.id, node)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                self._import(bound, alias.name if alias.asname else bound)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                self._import(alias.asname or alias.name, f"{node.module}.{alias.name}")

    def _bind(self, name: str, node: ast.stmt) -> None:
        self.imported.pop(name, None)
        self.bound[name] = node

    def _import(self, name: str, what: str) -> None:
        self.bound.pop(name, None)
        self.imported[name] = what


_notebook = lru_cache(maxsize=4)(_Notebook)


@dataclass
class _Reader:
    """Reads one kernel after another, and what they need, into one source."""

    notebook: _Notebook
    name: str
    given: Collection[str]
    wrong: list[str] = field(default_factory=list)
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The kernel on its own lines, then all else, which is looked up only when it runs."""
        lines = Lines("from __future__ import annotations")
        lines.function(self.functions[self.name], self._is_constexpr)
        lines.add("import triton", "import triton.language as tl")
        for name, what in self.imports.items():
            module, _, last = what.rpartition(".")
            lines.add(f"from {module} import {last} as {name}" if module else f"import {what}")
        lines.add(*(f"{name} = {value}" for name, value in self.numbers.items()))
        for name, node in self.functions.items():
            if name != self.name:
                lines.add("@triton.jit")
                lines.function(node, self._is_constexpr)
        return str(lines)

    def read(self, name: str) -> None:
        """Read what a name is bound to."""
        node = self.notebook.bound[name]
        if isinstance(node, ast.FunctionDef):
            self.functions[name] = node
            self._function(node)
            return
        try:
            self.numbers[name] = number(node, name, self.notebook.bound, self.notebook.dotted)
        except NoNumber:
            self.wrong.append(f"reads `{name}`, which is neither a number nor a kernel")

    def _function(self, node: ast.FunctionDef) -> None:
        for decorator in node.decorator_list:
            if self.notebook.dotted(decorator) != "triton.jit":
                self._refuse(decorator, f"is decorated with `{ast.unparse(decorator)}`")
        arguments = node.args
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
            self._refuse(node, "takes arguments by `*` or `/`")
        for annotation in filter(None, (node.returns, *(a.annotation for a in arguments.args))):
            plain = isinstance(annotation, ast.Name) and annotation.id in ("int", "float", "bool")
            if not (plain or self._is_of_triton(annotation)):
                self._refuse(annotation, f"is annotated with `{ast.unparse(annotation)}`")
        for default in arguments.defaults:
            if not isinstance(default, ast.Constant):
                self._refuse(default, "has a default that is no number")
        stored = [n for statement in node.body for n in ast.walk(statement)]
        local = {argument.arg for argument in arguments.args}
        local |= {n.id for n in stored if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        for statement in node.body:
            self._statement(statement, local)

    def _statement(self, node: ast.stmt, local: set[str]) -> None:
        if _is_starter(node):
            return
        if not isinstance(node, STATEMENTS):
            self._refuse(node, f"uses `{called(node)}`")
            return
        targets: list[ast.AST] = []
        if isinstance(node, ast.Assign):
            targets = [*node.targets]
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.For)):
            targets = [node.target]
        for target in targets:
            self._target(target)
        if isinstance(node, ast.AnnAssign) and not self._is_of_triton(node.annotation):
            self._refuse(node, f"is annotated with `{ast.unparse(node.annotation)}`")
        apart = [*targets, *([node.annotation] if isinstance(node, ast.AnnAssign) else [])]
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self._statement(child, local)
            elif child not in apart:
                self._expression(child, local)

    def _target(self, node: ast.AST) -> None:
        names = node.elts if isinstance(node, (ast.Tuple, ast.List)) else [node]
        for name in names:
            if not isinstance(name, ast.Name):
                self._refuse(node, f"writes to `{ast.unparse(name)}`: memory, by `tl.store` alone")

    def _expression(self, node: ast.AST, local: set[str]) -> None:
        if not isinstance(node, EXPRESSIONS):
            self._refuse(node, f"uses `{called(node)}`")
        elif isinstance(node, ast.Attribute):
            self._attribute(node, local)
        elif isinstance(node, ast.Name):
            self._name(node, local)
        elif isinstance(node, ast.keyword) and not _is_open(node.arg or "_"):
            self._refuse(node.value, f"hands over `{node.arg or '**'}`")
        elif isinstance(node, ast.Call) and not isinstance(node.func, (ast.Name, ast.Attribute)):
            self._refuse(node, f"calls `{ast.unparse(node.func)}`")
        else:
            for child in ast.iter_child_nodes(node):
                self._expression(child, local)

    def _attribute(self, node: ast.Attribute, local: set[str]) -> None:
        dotted = self.notebook.dotted(node, local)
        if dotted == "triton.cdiv" or self._is_of_triton(node, local):
            self._use(node)
        elif not dotted and node.attr in METHODS:
            self._expression(node.value, local)
        else:
            self._refuse(node, f"uses `{ast.unparse(node)}`")

    def _name(self, node: ast.Name, local: set[str]) -> None:
        name = node.id
        if name in local or name in self.given or name in self.functions or name in self.numbers:
            return
        if name in self.notebook.bound:
            self.read(name)
        elif self._is_of_triton(node):
            self._use(node)
        elif name in self.notebook.imported:
            self._refuse(node, f"uses `{self.notebook.imported[name]}`")
        elif name not in BUILTINS:
            known = hasattr(builtins, name)
            told = f"uses `{name}`" if known else f"reads `{name}`, which nothing defines"
            self._refuse(node, told)

    def _use(self, node: ast.AST) -> None:
        """Note under which name what Triton has goes here."""
        while isinstance(node, ast.Attribute):
            node = node.value
        assert isinstance(node, ast.Name)
        self.imports[node.id] = self.notebook.imported[node.id]

    def _is_of_triton(self, node: ast.AST, local: Collection[str] = ()) -> bool:
        """Whether a name is one of Triton's language that kernels may use."""
        dotted = self.notebook.dotted(node, local)
        if not dotted.startswith(f"{LANGUAGE}."):
            return False
        first, *rest = dotted.removeprefix(f"{LANGUAGE}.").removeprefix("math.").split(".")
        return first in ALLOWED and all(name in METHODS for name in rest)

    def _is_constexpr(self, annotation: ast.expr | None) -> bool:
        named = annotation is not None and self.notebook.dotted(annotation)
        return named == f"{LANGUAGE}.constexpr"

    def _refuse(self, node: ast.AST, what: str) -> None:
        line = getattr(node, "lineno", None)
        what = what if len(what) <= _LONGEST else f"{what[:_LONGEST]}…`"
        self.wrong.append(f"{what} (line {line})" if line else what)


def _is_open(keyword: str) -> bool:
    """Whether a keyword is for those who write kernels, and not Triton's own."""
    return keyword != "member" and not keyword.startswith("_")


def _is_starter(node: ast.stmt) -> bool:
    """Whether a statement is what a starter ends with, which says so itself."""
    if not isinstance(node, ast.Raise) or node.cause is not None:
        return False
    raised = node.exc
    if isinstance(raised, ast.Call):
        plain = all(isinstance(argument, ast.Constant) for argument in raised.args)
        raised = raised.func if plain and not raised.keywords else None
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"

"""What the names of a notebook stand for, followed through imports and assignments.

Nothing is executed: names are resolved on the syntax trees of the cells.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator

Names = frozenset[str]
Scope = dict[str, Names]
Binding = tuple[str, "ast.AST | Names | None"]

NOTHING: Names = frozenset()
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Notebook:
    """What the names of a notebook stand for once its cells have run."""

    def __init__(self) -> None:
        self.names: Scope = {}
        self.definitions: dict[str, list[tuple[int, ast.AST]]] = {}
        self.attributes: Scope = {}
        self.stars: list[str] = []

    def read(self, node: ast.stmt, cell: int, certain: bool = True) -> None:
        """Take in a top-level statement; ``certain`` says that it runs whatever happens."""
        for name, value in _bindings(node):
            dotted = value if isinstance(value, frozenset) else self.resolve(value, [])
            earlier = NOTHING if certain else self.names.get(name, NOTHING)
            self.names[name] = dotted | earlier
            if isinstance(value, ast.AST) and not _is_self(name, value):
                kept = [] if certain else self.definitions.get(name, [])
                self.definitions[name] = [*kept, (cell, value)]
        for part in ast.walk(node):
            self._read_part(part, node, cell)
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                for child in getattr(node, block, []):
                    self.read(child, cell, certain=False)

    def _read_part(self, part: ast.AST, statement: ast.stmt, cell: int) -> None:
        if isinstance(part, ast.ImportFrom) and part.names[0].name == "*" and part.module:
            self.stars.append(part.module)
        elif isinstance(part, (ast.Assign, ast.AnnAssign)) and part.value is not None:
            targets = part.targets if isinstance(part, ast.Assign) else [part.target]
            for target in targets:
                if isinstance(target, ast.Attribute):
                    known = self.attributes.get(target.attr, NOTHING)
                    self.attributes[target.attr] = known | self.resolve(part.value, [])
                    if part is statement and isinstance(target.value, ast.Name):
                        self.definitions.setdefault(target.value.id, []).append((cell, part.value))
        elif isinstance(part, ast.ClassDef):
            for child in part.body:
                for name, value in _bindings(child):
                    dotted = value if isinstance(value, frozenset) else self.resolve(value, [])
                    self.attributes[name] = self.attributes.get(name, NOTHING) | dotted
        elif isinstance(part, ast.Global):
            for name, value in inner_bindings(statement):
                if name in part.names and isinstance(value, ast.AST):
                    self.names[name] = self.names.get(name, NOTHING) | self.resolve(value, [])
                    self.definitions.setdefault(name, []).append((cell, value))

    def resolve(self, node: ast.AST | None, scopes: list[Scope]) -> Names:
        """The dotted names that an expression may stand for; empty when it is something else."""
        if isinstance(node, ast.Name):
            for scope in reversed(scopes):
                if node.id in scope:
                    return scope[node.id]
            if node.id in self.names:
                return self.names[node.id]
            built_in = hasattr(builtins, node.id)
            stars = [m for m in self.stars if not built_in or hasattr(sys.modules.get(m), node.id)]
            return frozenset(f"{module}.{node.id}" for module in stars)
        if isinstance(node, ast.Attribute):
            owners = self.resolve(node.value, scopes)
            if not owners and isinstance(node.value, ast.Name):
                return self.attributes.get(node.attr, NOTHING)
            return frozenset(f"{owner}.{node.attr}" for owner in owners)
        if isinstance(node, ast.Call):
            return self._resolve_call(node, scopes)
        if isinstance(node, ast.Subscript):
            owners, key = self.resolve(node.value, scopes), _text(node.slice)
            if key is None:
                return NOTHING
            inside = {f"{o.removesuffix('.__dict__')}.{key}" for o in owners if "__dict__" in o}
            return frozenset(inside | ({key} if "sys.modules" in owners else set()))
        if isinstance(node, ast.IfExp):
            return self.resolve(node.body, scopes) | self.resolve(node.orelse, scopes)
        if isinstance(node, ast.BoolOp):
            return NOTHING.union(*(self.resolve(value, scopes) for value in node.values))
        return self.resolve(node.value, scopes) if isinstance(node, ast.NamedExpr) else NOTHING

    def _resolve_call(self, node: ast.Call, scopes: list[Scope]) -> Names:
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        text = [_text(argument) for argument in node.args]
        if called == "getattr" and len(node.args) > 1 and text[1] is not None:
            owners = self.resolve(node.args[0], scopes)
            return frozenset(f"{owner}.{text[1]}" for owner in owners)
        if called == "vars" and node.args:
            return frozenset(f"{o}.__dict__" for o in self.resolve(node.args[0], scopes))
        if called == "__import__" and text and text[0]:
            from_list = len(node.args) > 3 or any(k.arg == "fromlist" for k in node.keywords)
            return frozenset([text[0] if from_list else text[0].partition(".")[0]])
        importers = self.resolve(node.func, scopes)
        if text and text[0] and "importlib.import_module" in importers:
            return frozenset([text[0]])
        return NOTHING


def _bindings(node: ast.AST) -> Iterator[Binding]:
    """The names that a statement binds itself: to dotted names, or to what an expression gives."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            yield bound, frozenset([alias.name if alias.asname else bound])
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            if alias.name != "*":
                dotted = f"{node.module}.{alias.name}"
                yield alias.asname or alias.name, frozenset([dotted]) if node.module else None
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name, node
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _assigned(target, node.value)
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        yield from _assigned(node.target, node.value)
    elif isinstance(node, (ast.For, ast.AsyncFor)):
        yield from _assigned(node.target, node.iter)
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        for item in node.items:
            if item.optional_vars is not None:
                yield from _assigned(item.optional_vars, item.context_expr)
    if isinstance(node, ast.stmt) and not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        for part in _outside_functions(node):
            if isinstance(part, ast.NamedExpr):
                yield from _assigned(part.target, part.value)


def _assigned(target: ast.AST, value: ast.AST | None) -> Iterator[Binding]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, (ast.Tuple, ast.List)):
        parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
        for index, item in enumerate(target.elts):
            paired = len(parts) == len(target.elts)
            yield from _assigned(item, parts[index] if paired else value)


def inner_bindings(function: ast.AST) -> Iterator[Binding]:
    for statement in _outside_functions(function):
        if isinstance(statement, ast.stmt) and statement is not function:
            yield from _bindings(statement)


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what is in it, except the insides of functions and classes in it."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        if part is node or not isinstance(part, (*FUNCTIONS, ast.ClassDef)):
            waiting += reversed(list(ast.iter_child_nodes(part)))


def _is_self(name: str, value: ast.AST) -> bool:
    return isinstance(value, ast.Name) and value.id == name


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return left + right if left is not None and right is not None else None
    return None

"""GPU kernels as they are handed in: read from a notebook's syntax trees, and nothing else of it.

What a kernel may be made of is listed here, and all else refused: so a kernel can be run in a
process in which no other code of the notebook has run, and has no way to reach out of it.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from autograder.judging.cells import read_cell

LANGUAGE = "triton.language"

ALLOWED = frozenset(
    """
    program_id num_programs arange zeros zeros_like full load store
    atomic_add atomic_max atomic_min atomic_and atomic_or atomic_xor atomic_xchg atomic_cas
    where maximum minimum clamp abs fma cdiv exp exp2 log log2 sqrt rsqrt sqrt_rn sin cos erf
    sigmoid floor ceil sum max min argmax argmin xor_sum reduce associative_scan cumsum cumprod
    sort dot rand randn randint rand4x randn4x randint4x philox
    join split interleave reshape view ravel trans permute expand_dims broadcast broadcast_to cat
    flip histogram gather umulhi div_rn multiple_of max_contiguous max_constancy assume
    static_range range static_assert device_print static_print debug_barrier
    constexpr pointer_type float16 bfloat16 float32 float64 int1 int8 int16 int32 int64
    uint8 uint16 uint32 uint64 math
    """.split()
)
"""The names of ``triton.language`` that a kernel may use; also those in its ``math``."""

_METHODS = frozenset(
    """
    to dtype shape T type element_ty numel sum max min argmax argmin cumsum reshape trans permute
    expand_dims broadcast_to flip is_floating primitive_bitwidth value
    """.split()
)
_BUILTINS = frozenset({"range", "min", "max", "print", "abs"})
_STATEMENTS = (
    ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.If, ast.For, ast.While, ast.Return,
    ast.Pass, ast.Assert,
)  # fmt: skip
_EXPRESSIONS = (
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name, ast.Constant,
    ast.Attribute, ast.Subscript, ast.Slice, ast.Tuple, ast.List, ast.IfExp, ast.keyword,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context,
)  # fmt: skip
_NAMES = {
    ast.Break: "break", ast.Continue: "continue", ast.Import: "import", ast.ImportFrom: "import",
    ast.Try: "try", ast.With: "with", ast.Lambda: "lambda", ast.JoinedStr: "an f-string",
    ast.FunctionDef: "a function inside of it", ast.ClassDef: "class", ast.Global: "global",
    ast.ListComp: "a list comprehension", ast.GeneratorExp: "a generator", ast.Dict: "a dict",
    ast.Delete: "del", ast.NamedExpr: ":=", ast.Starred: "*",
}  # fmt: skip


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
    notebook = _Notebook(cells)
    if name not in notebook.bound:
        return Handed()
    reader = _Reader(notebook, name, given)
    reader.read(name)
    return Handed(reader.text(), tuple(dict.fromkeys(reader.wrong)))


def explain(wrong: Sequence[str]) -> str:
    """What a student reads about a kernel that is refused."""
    return (
        f"Your kernel {'; it '.join(wrong[:3])}. A kernel is compiled for a GPU, where there is no "
        "Python: it is made of Triton's own functions (`tl.…`), arithmetic, comparisons, loops by "
        "`range` or `tl.static_range`, numbers, and other kernels of the notebook."
    )


@dataclass(frozen=True)
class _Bound:
    """What a name was bound to last: the statement, and the lines of its cell."""

    node: ast.stmt
    lines: list[str]


class _Notebook:
    """What the top-level names of cells are bound to, and by which names Triton goes."""

    def __init__(self, cells: Sequence[str]) -> None:
        self.bound: dict[str, _Bound] = {}
        self.triton: dict[str, str] = {}
        for source in cells:
            tree = read_cell(source)
            for node in tree.body if tree else []:
                self._note(node, source.split("\n"))

    def _note(self, node: ast.stmt, lines: list[str]) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._bind(node.name, _Bound(node, lines))
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                for inner in ast.walk(target):
                    if isinstance(inner, ast.Name):
                        self._bind(inner.id, _Bound(node, lines))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            self._bind(node.target.id, _Bound(node, lines))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                self._import(bound, alias.name if alias.asname else bound)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                self._import(alias.asname or alias.name, f"{node.module}.{alias.name}")

    def _bind(self, name: str, bound: _Bound) -> None:
        self.triton.pop(name, None)
        self.bound[name] = bound

    def _import(self, name: str, what: str) -> None:
        self.bound.pop(name, None)
        self.triton.pop(name, None)
        if what in ("triton", LANGUAGE, "triton.jit") or what.startswith(f"{LANGUAGE}."):
            self.triton[name] = what


@dataclass
class _Reader:
    """Reads one kernel after another, and what they need, into one source."""

    notebook: _Notebook
    name: str
    given: Collection[str]
    wrong: list[str] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The kernel on its own lines, then all else, which is looked up only when it runs."""
        own, *others = self.parts.values()
        imports = [
            f"import {what} as {name}"
            if "." not in what or what == LANGUAGE
            else f"from {what.rpartition('.')[0]} import {what.rpartition('.')[2]} as {name}"
            for name, what in sorted(self.notebook.triton.items())
        ]
        return "\n".join([own, "import triton", *imports, *others]) + "\n"

    def read(self, name: str) -> None:
        """Read what a name is bound to."""
        bound = self.notebook.bound[name]
        node = bound.node
        if isinstance(node, ast.FunctionDef):
            self._function(node, bound.lines)
        elif self._is_number(node):
            self.parts[name] = ast.unparse(node)
        else:
            self.wrong.append(f"reads `{name}`, which is neither a number nor a kernel")
            self.parts[name] = ""

    def _function(self, node: ast.FunctionDef, lines: list[str]) -> None:
        bare = ast.unparse(ast.fix_missing_locations(_bare(node)))
        if node.name == self.name:
            # On its own lines, without the decorator: whoever runs it makes it a kernel.
            own = "\n".join(lines[node.lineno - 1 : node.end_lineno])
            # Its annotations are not run before what is imported below it.
            first = "from __future__ import annotations" + "\n" * max(1, node.lineno - 1)
            self.parts[node.name] = first + (own if _is(own, bare) else bare)
        else:
            self.parts[node.name] = f"@triton.jit\n{bare}"
        for decorator in node.decorator_list:
            if self._dotted(decorator) != "triton.jit":
                self._refuse(decorator, f"is decorated with `{ast.unparse(decorator)}`")
        if node.args.vararg or node.args.kwarg or node.args.kwonlyargs or node.args.posonlyargs:
            self._refuse(node, "takes arguments by `*` or `/`")
        annotations = [node.returns, *(argument.annotation for argument in node.args.args)]
        for annotation in filter(None, annotations):
            if not self._dotted(annotation).startswith(f"{LANGUAGE}."):
                self._refuse(annotation, f"is annotated with `{ast.unparse(annotation)}`")
        for default in node.args.defaults:
            if not isinstance(default, ast.Constant):
                self._refuse(default, "has a default that is no number")
        local = {argument.arg for argument in node.args.args}
        local |= {
            n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        for statement in node.body:
            self._statement(statement, local)

    def _statement(self, node: ast.stmt, local: set[str]) -> None:
        if isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node):
            return  # what a starter ends with: it says so itself
        if not isinstance(node, _STATEMENTS):
            self._refuse(node, f"uses `{_called(node)}`")
            return
        if isinstance(node, ast.AnnAssign):
            node = ast.copy_location(ast.Assign([node.target], node.value or ast.Constant(0)), node)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self._statement(child, local)
            else:
                self._expression(child, local)

    def _expression(self, node: ast.AST, local: set[str]) -> None:
        if not isinstance(node, _EXPRESSIONS):
            self._refuse(node, f"uses `{_called(node)}`")
            return
        if isinstance(node, ast.Attribute):
            self._attribute(node, local)
            return
        if isinstance(node, ast.Name):
            self._name(node, local)
            return
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            self._refuse(node, "writes to a part of a block, which only `tl.store` can")
        for child in ast.iter_child_nodes(node):
            self._expression(child, local)

    def _attribute(self, node: ast.Attribute, local: set[str]) -> None:
        dotted = self._dotted(node, local)
        if dotted.startswith(f"{LANGUAGE}."):
            rest = dotted.removeprefix(f"{LANGUAGE}.").split(".")
            if rest[0] == "math" and len(rest) > 1:
                rest = rest[1:]
            if not (rest[0] in ALLOWED and all(name in _METHODS for name in rest[1:])):
                self._refuse(node, f"uses `{ast.unparse(node)}`")
        elif dotted == "triton.cdiv" or node.attr in _METHODS:
            if dotted != "triton.cdiv":
                self._expression(node.value, local)
        else:
            self._refuse(node, f"uses `{ast.unparse(node)}`")

    def _name(self, node: ast.Name, local: set[str]) -> None:
        name = node.id
        if name in local or name in self.given or name in self.parts:
            return
        if name in self.notebook.triton:
            what = self.notebook.triton[name]
            if what not in ("triton", LANGUAGE) and what.rpartition(".")[2] not in ALLOWED:
                self._refuse(node, f"uses `{what}`")
        elif name in self.notebook.bound:
            self.read(name)
        elif name not in _BUILTINS:
            self._refuse(node, f"uses `{name}`")

    def _dotted(self, node: ast.AST, local: Collection[str] = ()) -> str:
        """The full dotted name of what Triton has; empty for anything else."""
        if isinstance(node, ast.Call):
            node = node.func
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id in local:
            return ""
        root = self.notebook.triton.get(node.id, "")
        dotted = ".".join([root, *reversed(names)]) if root else ""
        return dotted

    def _is_number(self, node: ast.stmt) -> bool:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
            return False
        value: ast.AST = node.value
        if isinstance(value, ast.Call) and self._dotted(value) == f"{LANGUAGE}.constexpr":
            value = ast.Tuple(value.args)
        numbers = (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop)
        return all(isinstance(n, (*numbers, ast.expr_context)) for n in ast.walk(value))

    def _refuse(self, node: ast.AST, what: str) -> None:
        line = getattr(node, "lineno", None)
        self.wrong.append(f"{what} (line {line})" if line else what)


def _bare(node: ast.FunctionDef) -> ast.FunctionDef:
    return ast.FunctionDef(node.name, node.args, node.body, [], node.returns, lineno=1)


def _is(text: str, bare: str) -> bool:
    """Whether a text is what was read, whatever notebook magic the cell went through."""
    try:
        return ast.dump(ast.parse(text)) == ast.dump(ast.parse(bare))
    except SyntaxError:
        return False


def _called(node: ast.AST) -> str:
    return _NAMES.get(type(node), type(node).__name__.lower())

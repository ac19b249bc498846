"""What a GPU kernel may be made of."""

from __future__ import annotations

import ast

LANGUAGE = "triton.language"

ALLOWED = frozenset(
    """
    program_id num_programs arange zeros zeros_like full load store
    atomic_add atomic_max atomic_min atomic_and atomic_or atomic_xor atomic_xchg atomic_cas
    where maximum minimum clamp abs fma cdiv exp exp2 log log2 sqrt rsqrt sqrt_rn sin cos erf
    sigmoid floor ceil sum max min argmax argmin xor_sum reduce associative_scan cumsum cumprod
    sort dot rand randn randint rand4x randn4x randint4x philox uint_to_uniform_float cast
    join split interleave reshape view ravel trans permute expand_dims broadcast broadcast_to cat
    flip histogram gather umulhi div_rn multiple_of max_contiguous max_constancy assume
    static_range range static_assert device_print static_print debug_barrier
    constexpr pointer_type float16 bfloat16 float32 float64 int1 int8 int16 int32 int64
    uint8 uint16 uint32 uint64
    """.split()
)
"""The names of ``triton.language``, and of its ``math``, that a kernel may use."""

METHODS = frozenset(
    """
    to dtype shape T type element_ty numel sum max min argmax argmin cumsum reshape trans permute
    expand_dims broadcast_to flip is_floating primitive_bitwidth value
    """.split()
)
"""What it may ask of a block or of a dtype."""

BUILTINS = frozenset({"range", "min", "max", "print", "abs", "float", "int"})
"""What it may use of Python."""

STATEMENTS = (
    ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.If, ast.For, ast.While, ast.Return,
    ast.Pass, ast.Assert,
)  # fmt: skip
EXPRESSIONS = (
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


def called(node: ast.AST) -> str:
    """What people call a piece of Python that a kernel may not have."""
    return _NAMES.get(type(node), type(node).__name__.lower())

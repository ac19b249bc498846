"""Every mutation operator: source before and after; and the page that lists them."""

import ast
import re
from pathlib import Path

import pytest

from autograder.auditing.mutants import OPERATORS, mutants, wholes
from autograder.auditing.mutants.tree import put, walk

CASES = {
    "comparison": [
        ("a < b", ["a >= b"]),
        ("a is None", ["a is not None"]),
        ("a in b", []),
    ],
    "unmasked": [
        ("tl.load(p, m)", ["tl.load(p)"]),
        ("tl.load(p, mask=m, other=0.0)", ["tl.load(p)"]),
        ("tl.store(p, v, m)", ["tl.store(p, v)"]),
        ("tl.load(p)", []),
    ],
    "loaded twice": [("tl.load(p)", ["(tl.load(p), tl.load(p))[1]"]), ("tl.store(p, v)", [])],
    "half precision": [("tl.load(p, m)", ["tl.load(p, m).to(tl.float16)"]), ("torch.load(p)", [])],
    "boundary": [("x > 0", ["x >= 0"]), ("x <= 0", ["x < 0"]), ("x == 0", [])],
    "arithmetic": [
        ("a + b / c", ["a - b / c", "a + b * c"]),
        ("a ** 2 @ b", ["a ** 2 * b", "a * 2 @ b"]),
        ("w -= g", ["w += g"]),
    ],
    "constant": [
        ("f(1, 0.5, True)", ["f(2, 0.5, True)", "f(1, 1.0, True)", "f(1, 0.5, False)"]),
        ("0.0", ["1.0"]),
        ("'text'", []),
    ],
    "sign": [("-a", ["a"]), ("not a", ["a"]), ("y = a + b", ["y = -(a + b)"])],
    "aggregate": [("x.mean(0)", ["x.sum(0)"]), ("x.sum()", ["x.mean()"])],
    "spread": [("x.std(0)", ["x.var(0)"]), ("torch.var(x)", ["torch.std(x)"])],
    "correction": [
        ("x.var(0)", ["x.var(0, correction=0)"]),
        ("x.std(dim=1, unbiased=False)", []),
        ("x.var(0, False)", []),
    ],
    "extreme": [
        ("x.amax(1)", ["x.amin(1)"]),
        ("min(a, b)", ["max(a, b)"]),
        ("x.clamp(min=0)", ["x.clamp(max=0)"]),
    ],
    "epsilon": [
        ("torch.sqrt(v + eps)", ["torch.sqrt(v) + eps"]),
        ("v.sqrt() + self.eps", ["(v + self.eps).sqrt()"]),
        ("(v + 1e-05) ** 0.5", ["v ** 0.5 + 1e-05"]),
        ("torch.sqrt(a + b)", []),
    ],
    "axis": [
        ("x.mean(dim=0)", ["x.mean(dim=1)"]),
        ("x.mean((0, 2))", ["x.mean((0,))", "x.mean((2,))", "x.mean()"]),
        ("x.sum(1)", ["x.sum(0)", "x.sum()"]),
        ("torch.stack(xs, dim=1)", ["torch.stack(xs, dim=0)"]),
        ("f.sum", []),
    ],
    "keepdim": [
        ("x.mean(dim=0)", ["x.mean(dim=0, keepdim=True)"]),
        ("x.sum(1)", ["x.sum(1, keepdim=True)"]),
        ("x.sum()", []),
        ("x.sum(1, keepdim=True)", []),
    ],
    "slice": [
        ("x[1:n]", ["x[:n]", "x[1 + 1:n]", "x[1:]", "x[1:n - 1]"]),
        ("x[::2]", []),
    ],
    "range": [
        ("range(n)", ["range(1, n)", "range(0, n - 1)", "range(0, n + 1)"]),
        (
            "torch.arange(a, b, 2)",
            [
                "torch.arange(a + 1, b, 2)",
                "torch.arange(a, b - 1, 2)",
                "torch.arange(a, b + 1, 2)",
            ],
        ),
    ],
    "element": [
        (
            "[f(x) for x in xs]",
            [f"[f(x) for x in {part}(xs)]" for part in ("but_first", "but_last", "only_first")],
        ),
        (
            "for x in xs:\n    f(x)",
            [f"for x in {part}(xs):\n    f(x)" for part in ("but_first", "but_last", "only_first")],
        ),
    ],
    "swapped arguments": [
        ("f(a, b, c)", ["f(b, a, c)"]),
        ("min(a, b)", []),
        ("x.transpose(0, 1)", []),
        ("f(*a, b)", []),
    ],
    "keyword": [("f(x, a=1, b=2)", ["f(x, b=2)", "f(x, a=1)"]), ("f(x, dtype=d)", [])],
    "dropped statement": [
        ("a = f(x)", ["pass"]),
        ("a += 1", ["pass"]),
        ("f.step()", ["pass"]),
        ("'said'", []),
    ],
    "no_grad dropped": [("with torch.no_grad():\n    f(x)", ["if True:\n    f(x)"])],
    "detach dropped": [("x.detach() + 1", ["x + 1"])],
    "detached": [("y = f(x)", ["y = detached(f(x))"])],
    "copy dropped": [
        ("copy.deepcopy(model)", ["copy.copy(model)", "model"]),
        ("x.clone()", ["x"]),
        ("list(parameters)", ["parameters"]),
    ],
    "out of place": [
        ("w -= lr * g", ["w = instead_of(w) - lr * g"]),
        ("w.mul_(a)", ["w.mul(a)"]),
        ("w.zero_()", []),
    ],
    "in place": [
        ("x.exp()", ["x.exp_()"]),
        ("(x - m).exp()", []),
        ("torch.exp(x)", []),
    ],
    "lower precision": [("y = f(x)", ["y = through_half(f(x))"])],
    "lower dtype": [("return y", ["return as_half(y)"])],
    "conversion dropped": [
        ("x.double().mean()", ["unconverted(x, x.double()).mean()"]),
        ("loss.item()", ["unconverted(loss, loss.item())"]),
    ],
    "dtype fixed": [("torch.zeros(3, dtype=x.dtype)", ["torch.zeros(3)"])],
    "device fixed": [("torch.zeros(3, device=x.device)", ["torch.zeros(3)"])],
    "start": [
        ("torch.zeros_like(w)", ["torch.ones_like(w)"]),
        ("x.new_ones(3)", ["x.new_zeros(3)"]),
    ],
    "shared state": [("self.mean = m", ["type(self).mean = m"]), ("other.mean = m", [])],
    "buffer": [
        (
            "self.register_buffer('mean', m)",
            ["self.register_buffer('mean', m, persistent=False)", "self.mean = m"],
        )
    ],
    "no parameter": [("self.w = nn.Parameter(w)", ["self.w = w"])],
}

WRITTEN = '''def f(self, x, parameter, state):
    """Do it.

    Shapes: x of any shape -> the same shape.
    """
    y = state * x
    return y
'''

WHOLES = {
    "no_grad": ["with without_gradients():\n    y = state * x\n    return y"],
    "reseeded": ["reseed()\ny = state * x\nreturn y"],
    "kept": ["y = state * x\nreturn first_kept(self, y)"],
    "argument changed": [
        "_given, x = (x, copied(x))\ny = state * x\nreturn spoil(_given, y)",
        "_given, parameter = (parameter, copied(parameter))\n"
        "y = state * x\nreturn spoil(_given, y)",
    ],
    "contiguous only": [
        "x = in_memory_order(x)\nparameter = in_memory_order(parameter)\ny = state * x\nreturn y"
    ],
    "positive only": [
        "x = made_positive(x)\ny = state * x\nreturn y",
        "parameter = made_positive(parameter)\ny = state * x\nreturn y",
    ],
    "one shape only": [
        "x = of_first_ndim(x)\nparameter = of_first_ndim(parameter)\ny = state * x\nreturn y"
    ],
    "not for nothing": [
        "x = not_empty(x)\nparameter = not_empty(parameter)\ny = state * x\nreturn y"
    ],
    "state by shape": ["state = of_shape(self, parameter)\ny = state * x\nreturn y"],
}


def written_out(statements):
    return ast.unparse(ast.fix_missing_locations(ast.Module(statements, [])))


@pytest.mark.parametrize("name", [operator.name for operator in OPERATORS])
def test_an_operator_changes_one_place(name):
    (operator,) = [operator for operator in OPERATORS if operator.name == name]
    for before, after in CASES[name]:
        tree = ast.parse(before)
        found = [ast.unparse(put(tree, path, new)) for path, node in walk(tree)
                 for new in operator.changes(node)]  # fmt: skip
        assert found == after, before
        assert ast.unparse(tree) == ast.unparse(ast.parse(before)), "the tree itself is unchanged"


@pytest.mark.parametrize("name", [operator.name for operator in wholes.OPERATORS])
def test_an_operator_changes_a_whole_function(name):
    (operator,) = [operator for operator in wholes.OPERATORS if operator.name == name]
    (function,) = ast.parse(WRITTEN).body
    changes = operator.changes(function, function.body[1:])
    assert [written_out(statements) for _, statements in changes] == WHOLES[name]
    assert ast.unparse(function) == ast.unparse(ast.parse(WRITTEN)), "the tree is unchanged"


def test_what_returns_nothing_changes_its_argument_when_all_is_done():
    (operator,) = [o for o in wholes.OPERATORS if o.name == "argument changed"]
    (function,) = ast.parse("def f(w, g):\n    w -= g").body
    changes = dict(operator.changes(function, function.body))
    assert written_out(changes["the argument g is changed in place"]) == "w -= g\nspoil(g)"


def test_a_state_that_is_not_read_is_not_shared():
    (operator,) = [o for o in wholes.OPERATORS if o.name == "state by shape"]
    (function,) = ast.parse("def update(self, parameter, state):\n    parameter -= 1").body
    assert list(operator.changes(function, function.body)) == []


def test_any_shape_is_taken_at_its_word():
    (function,) = ast.parse(WRITTEN.replace("any shape", "shape (N, D)")).body
    promised = [o for o in wholes.OPERATORS if o.name in ("one shape only", "not for nothing")]
    assert len(promised) == 2
    assert not any(list(o.changes(function, function.body[1:])) for o in promised)


def test_mutants_change_one_thing_each_in_the_lines_students_write(make):
    found = mutants(make())
    assert {m.operator for m in found} >= {"arithmetic", "axis", "keyword", "sign", "constant"}
    assert all("raise ValueError" in m.source for m in found)
    changes = [m.change for m in found]
    assert "return x - mean * shift => return x + mean * shift" in changes
    assert "everything is done under torch.no_grad()" in changes
    assert len(set(changes)) == len(changes)
    assert not any(change.startswith("if ") for change in changes)


def test_a_mutant_of_a_loop_is_told_by_its_first_line(make):
    def total(x, shift):
        """Add up."""
        result = 0
        for row in x:
            result = result + row
        return result * shift

    changes = [m.change for m in mutants(make(total))]
    assert "for row in x: => for row in but_last(x):" in changes


def test_the_page_on_the_audit_lists_every_operator_with_its_sentence():
    page = Path(__file__).parents[3] / "docs" / "audit.md"
    table = page.read_text().partition("| operator | what it does |")[2]
    listed = re.findall(r"^\| (.+?) \| (.+) \|$", table, re.MULTILINE)
    assert listed == [(o.name, o.sentence) for o in (*OPERATORS, *wholes.OPERATORS)]

"""Kernels as they are handed in: what is refused, and why; what is taken, on which lines."""

import time

import pytest

from autograder.judging.source.kernels import explain, handed_in

SETUP = "import math\nimport torch\nimport triton\nimport triton.language as tl"
SCALE = """\
@triton.jit
def scale(x_ptr, out_ptr, n, s, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n
    x = tl.load(x_ptr + i, inside)
    {line}
    tl.store(out_ptr + i, x * s, inside)"""


def wrong(line: str, *cells: str) -> tuple[str, ...]:
    return handed_in([SETUP, *cells, SCALE.format(line=line)], "scale").wrong


@pytest.mark.parametrize(
    "line",
    [
        "x = tl.where(x > 0, x, 0.0)",
        "x = x.to(tl.float32)[:, None].reshape(BLOCK)",
        "x = tl.math.exp(x)",
        "for k in tl.static_range(0, 4):\n        x += k",
        "for k in range(0, triton.cdiv(n, BLOCK)):\n        x += k",
        "if s > 1:\n        x = x * 2\n    else:\n        x = -x",
        "row: tl.constexpr = 4",
        "a, b = x, s",
        "tl.static_assert(BLOCK > 1, 'too small')",
        "x = tl.where(x > 0, x, float('-inf'))",
        "x = x.to(tl.float32)",
        "print(x)",
        "p = x_ptr.to(tl.pointer_type(tl.float32))",
        "kind = x.dtype",
    ],
)
def test_what_a_kernel_may_be_made_of(line):
    assert wrong(line) == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("x = torch.relu(x)", "uses `torch.relu` (line 6)"),
        ("x = x * math.pi", "uses `math.pi` (line 6)"),
        ("x.handle.data[:] = 0",
         "writes to `x.handle.data[:]`: memory, by `tl.store` alone (line 6)"),
        ("x[0] = 1", "writes to `x[0]`: memory, by `tl.store` alone (line 6)"),
        ("tl.sum = 6", "writes to `tl.sum`: memory, by `tl.store` alone (line 6)"),
        ("N.value += 1", "writes to `N.value`: memory, by `tl.store` alone (line 6)"),
        ("x = tl.load(x_ptr, member=x)", "hands over `member` (line 6)"),
        ("x = tl.load(x_ptr, _semantic=x)", "hands over `_semantic` (line 6)"),
        ("x = tl.load(**x)", "hands over `**` (line 6)"),
        ("x[(1,)](out_ptr)", "calls `x[1,]` (line 6)"),
        ("raise NotImplementedError(exec('1'))", "uses `raise` (line 6)"),
        ("raise NotImplementedError from x", "uses `raise` (line 6)"),
        ("zz: tl.core.builtins.exec('1') = 3",
         "is annotated with `tl.core.builtins.exec('1')` (line 6)"),
        ("zz: tl.constexpr(1) = 3", "is annotated with `tl.constexpr(1)` (line 6)"),
        ("x = mask", "reads `mask`, which nothing defines (line 6)"),
        ("import os", "uses `import` (line 6)"),
        ("try:\n        pass\n    except Exception:\n        pass", "uses `try` (line 6)"),
        ("exec('1')", "uses `exec` (line 6)"),
        ("f = lambda: 1", "uses `lambda` (line 6)"),
        ("tl.inline_asm_elementwise('', '', [], tl.float32, True, 1)",
         "uses `tl.inline_asm_elementwise` (line 6)"),
        ("x = tl.softmax(x)", "uses `tl.softmax` (line 6)"),
        ("x = tl.core.builtin", "uses `tl.core.builtin` (line 6)"),
        ("x = tl.load.__globals__", "uses `tl.load.__globals__` (line 6)"),
        ("x = tl.extra.cuda.libdevice.tanh(x)", "uses `tl.extra.cuda.libdevice.tanh` (line 6)"),
        ("x = triton.runtime", "uses `triton.runtime` (line 6)"),
        ("y = [k for k in x]", "uses `a list comprehension` (line 6)"),
        ("while n > 0:\n        break", "uses `break` (line 7)"),
        ("print(f'{x}')", "uses `an f-string` (line 6)"),
        ("global CACHE", "uses `global` (line 6)"),
        ("x = getattr(x, 'handle')", "uses `getattr` (line 6)"),
        ("x = unknown(x)", "reads `unknown`, which nothing defines (line 6)"),
        ("x = (y := s)", "uses `:=` (line 6)"),
        ("with x:\n        pass", "uses `with` (line 6)"),
        ("x = x.__class__", "uses `x.__class__` (line 6)"),
        ("x = x.data_ptr()", "uses `x.data_ptr` (line 6)"),
    ],
)  # fmt: skip
def test_what_it_may_not_be_made_of(line, told):
    assert told in wrong(line)


def test_helpers_and_numbers_of_the_notebook_come_along():
    cells = [
        SETUP,
        "SHIFT = tl.constexpr(3)\nHALF = 1 / 2",
        "@triton.jit\ndef shifted(x):\n    return (x + SHIFT) * HALF",
        SCALE.format(line="x = shifted(x)"),
    ]
    handed = handed_in(cells, "scale")
    assert handed.wrong == ()
    assert "@triton.jit\ndef shifted(x):" in handed.source
    assert "SHIFT = tl.constexpr(3)" in handed.source
    assert "HALF = 0.5" in handed.source


@pytest.mark.parametrize(
    ("cell", "source"),
    [
        ("N = 4", "N = 4"),
        ("N: tl.constexpr = 4", "N = tl.constexpr(4)"),
        ("A, N = 1, 2", "N = 2"),
        ("A = N = 3", "N = 3"),
        ("A = 8\nN = tl.constexpr(2 * A)", "N = tl.constexpr(16)"),
        ("N = tl.constexpr(float('-inf'))", "N = tl.constexpr(float('-inf'))"),
        ("N = 1 / math.sqrt(2 * math.pi)", "N = 0.3989422804014327"),
        ("N = 2**10", "N = 1024"),
    ],
)
def test_numbers_are_computed_and_not_run(cell, source):
    handed = handed_in([SETUP, cell, SCALE.format(line="x = x + N")], "scale")
    assert handed.wrong == ()
    assert source in handed.source.splitlines()


@pytest.mark.parametrize(
    "cell",
    [
        "N = tl.constexpr(value=exec('1'))",
        "N = tl.constexpr(exec('1'))",
        "N: exec('1') = exec('2')",
        "N = 9**9**9",
        "N = math.factorial(10**9)",
        "N = 'text' * 10**9",
        "N = N",
        "N += 1",
        "N = [1]",
        "N = ~4",
        "N = 1 << 10**9",
    ],
)
def test_what_is_no_number_is_refused(cell):
    wrong = handed_in([SETUP, cell, SCALE.format(line="x = x + N")], "scale").wrong
    assert "reads `N`, which is neither a number nor a kernel" in wrong


def test_an_annotation_of_a_number_is_not_run():
    for cell in ("N: exec('1') = 5", "N = {}[exec('1')] = 5"):
        handed = handed_in([SETUP, cell, SCALE.format(line="x = x + N")], "scale")
        assert "N = 5" in handed.source
        assert "exec" not in handed.source
    assert handed_in([SETUP, "scale: exec('1') = 5"], "scale").wrong


def test_nothing_but_what_was_read_is_handed_on():
    kernel = (
        '@triton.jit\ndef scale(x_ptr, BLOCK: tl.constexpr = 4):  # exec\n    """\n'
        'def scale(x_ptr):\n    exec(1)\n    """\n    tl.store(x_ptr, 1.0)  # exec'
    )
    source = handed_in([SETUP, kernel], "scale").source
    assert "exec" not in source
    assert source.count("def ") == 1
    assert source.splitlines()[1] == "def scale(x_ptr, BLOCK: tl.constexpr = 4):"
    assert source.splitlines()[6] == "    tl.store(x_ptr, 1.0)"


def test_every_kind_of_branch_stays_on_its_lines():
    line = (
        "if s > 1:\n        x = x + 1\n    elif s > 0:\n        x = x + 2\n    else:\n"
        "        x = x + 3\n    for k in range(3):\n        x += k\n"
        "    while n > 3:\n        n -= 1"
    )
    source = handed_in([SETUP, SCALE.format(line=line)], "scale").source
    ours = SCALE.format(line=line).splitlines()
    assert source.splitlines()[1 : len(ours)] == ours[1:]


def test_a_cell_of_many_lines_is_read_in_no_time():
    many = "\n".join(["0"] * 30_000)
    started = time.process_time()
    handed_in([SETUP, many, SCALE.format(line="pass")], "scale")
    assert time.process_time() - started < 10  # it took 22 seconds, and would take days


def test_imports_that_are_not_used_do_not_come_along():
    cells = [SETUP, "from triton.language import *", "from triton.language import nothing"]
    handed = handed_in([*cells, SCALE.format(line="pass")], "scale")
    assert "*" not in handed.source.splitlines()[-1]
    assert "nothing" not in handed.source


def test_what_is_refused_is_told_in_few_words():
    assert len(wrong("x = torch." + "a" * 10_000)[0]) < 200


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("def helped(x):\n    return torch.relu(x)", "uses `torch.relu` (line 2)"),
        ("helped = torch.relu", "reads `helped`, which is neither a number nor a kernel"),
        ("class helped:\n    pass", "reads `helped`, which is neither a number nor a kernel"),
        ("@torch.compile\ndef helped(x):\n    return x", "is decorated with `torch.compile`"),
        ("def helped(x, y=torch.ones(1)):\n    return x", "has a default that is no number"),
        ("helped = print", "reads `helped`, which is neither a number nor a kernel"),
    ],
)
def test_what_it_calls_is_read_too(cell, told):
    assert any(told in one for one in wrong("x = helped(x)", cell))


def test_what_is_bound_last_counts_also_for_triton_itself():
    assert wrong("pass", "tl = torch") != ()
    assert wrong("pass", "import numpy as tl") != ()
    assert wrong("pass", "class tl:\n    pass") != ()
    assert wrong("pass", "from triton import language as tl") == ()


def test_other_names_of_triton_are_understood():
    kernel = "@jit\ndef scale(x_ptr, out_ptr):\n    L.store(out_ptr, exp(L.load(x_ptr)))"
    imports = "from triton import jit\nimport triton.language as L\nfrom triton.language import exp"
    handed = handed_in([imports, kernel], "scale")
    assert handed.wrong == ()
    for line in ("from triton import language as L", "from triton.language import exp as exp"):
        assert line in handed.source


def test_a_kernel_stands_on_its_own_lines():
    source = handed_in([SETUP, "# a comment\n\n" + SCALE.format(line="pass")], "scale").source
    assert source.splitlines()[3].startswith("def scale(")
    assert source.splitlines()[:3] == ["from __future__ import annotations", "", ""]


def test_only_the_decorator_of_triton_is_taken():
    kernel = SCALE.format(line="pass").replace("@triton.jit", "@triton.autotune([], key=[])")
    assert any("decorated" in told for told in handed_in([SETUP, kernel], "scale").wrong)


@pytest.mark.parametrize("annotation", ["__import__('os').getpid()", "torch.Tensor", "int()"])
def test_annotations_are_read_for_they_are_run(annotation):
    kernel = SCALE.format(line="pass").replace("tl.constexpr", annotation)
    assert any("annotated" in told for told in handed_in([SETUP, kernel], "scale").wrong)


def test_a_starter_is_no_fault():
    kernel = "@triton.jit\ndef scale(x_ptr):\n    raise NotImplementedError()"
    assert handed_in([SETUP, kernel], "scale").wrong == ()


def test_what_is_not_defined_is_nothing():
    assert handed_in([SETUP], "scale").source == ""


def test_what_is_refused_is_explained():
    assert explain(["uses `torch.relu` (line 6)"]).startswith(
        "Your kernel uses `torch.relu` (line 6). A kernel is compiled for a GPU"
    )

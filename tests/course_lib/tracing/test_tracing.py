"""The tracer: what a kernel touches is counted, and refused where it is not its own."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("triton")

from course_lib.tracing import OutOfBounds, launch, pointer_table, watching
from course_lib.tracing.compiling import CompileError, compiled
from course_lib.tracing.language import tl, triton

_file = Path(__file__).with_name("launches.py")
_spec = importlib.util.spec_from_file_location("launches", _file)
kernels = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(kernels)
REPOSITORY = Path(__file__).parents[3]


def test_it_counts_bytes():
    seen = kernels.seen(kernels.double)
    assert (seen["loaded"], seen["stored"], seen["unwritten"]) == (4 * 37, 4 * 37, 0)
    assert seen["races"] == []
    torch.manual_seed(0)
    assert seen["out"] == (2 * torch.randint(-8, 9, (37,)).float()).tolist()


def test_what_lies_outside_is_refused_before_it_happens():
    seen = kernels.seen(kernels.unmasked)
    assert seen["raised"] == "OutOfBounds"
    assert seen["message"] == (
        "program 2 stores 11 elements beyond the end of `out_ptr`, which holds 37: the first is "
        "element 37"
    )
    assert seen["out"] == [0.0] * 37


def test_what_lies_before_the_beginning_is_refused():
    seen = kernels.seen(kernels.before_the_start)
    assert seen["message"] == "program 0 loads 1 element before the beginning of `x_ptr`"


def test_the_gaps_of_a_view_are_not_its_own():
    rows = torch.zeros(4, 6)
    with pytest.raises(OutOfBounds, match="between the elements of `x_ptr`"):
        launch(kernels.double, (1,), rows[:, :5], torch.zeros(30), 20, BLOCK=32)


def test_tensors_that_lie_side_by_side_are_told_apart():
    both = torch.zeros(32)
    with pytest.raises(OutOfBounds, match="beyond the end of `x_ptr`, which holds 16"):
        launch(kernels.double, (1,), both[:16], torch.zeros(32), 32, BLOCK=32)


def test_one_tensor_may_be_both_input_and_output():
    x = torch.arange(5.0)
    trace = launch(kernels.double, (1,), x, x, 5, BLOCK=8)
    assert x.tolist() == [0, 2, 4, 6, 8]
    assert trace.races == []


@pytest.mark.parametrize(
    ("name", "race"),
    [
        ("lost_update", "program 1 reads `out_ptr[0]`, which program 0 writes"),
        ("last_wins", "program 1 writes `out_ptr[0]`, which program 0 writes"),
        ("added_and_read", "program 1 reads `out_ptr[0]`, which program 0 updates by"),
        ("exchanged", "program 1 writes `out_ptr[0]`, which program 0 writes"),
        ("added_and_at_most", "program 1 updates by fadd `out_ptr[0]`, which program 0 updates by"),
        ("bytes_of_one_element", "program 1 writes `out_ptr[0]`, which program 0 reads"),
        ("two_values_at_once", "stores two values to `out_ptr[0]` at once"),
    ],
)
def test_races_are_told(name, race):
    races = kernels.seen(kernels.KERNELS[name])["races"]
    assert any(race in told for told in races), races


def test_atomics_do_not_race():
    assert kernels.seen(kernels.added)["races"] == []


def test_programs_run_in_the_order_asked_for():
    assert kernels.seen(kernels.last_wins)["out"][0] == 2
    assert kernels.seen(kernels.last_wins, order="backward")["out"][0] == 0
    assert (
        kernels.seen(kernels.double, order="shuffled")["out"] == kernels.seen(kernels.double)["out"]
    )


def test_masked_lanes_without_other_are_not_zero():
    out = kernels.seen(kernels.sum_without_other, outputs=3)["out"]
    assert None not in out[:2] and out[2] is None


def test_what_was_never_written_is_counted():
    assert kernels.seen(kernels.half_of_it)["unwritten"] == 37 - 18


def test_an_element_is_written_when_all_of_its_bytes_are():
    assert kernels.seen(kernels.bytes_of_one_element)["unwritten"] == 37 - 3


@triton.jit
def scaled(x_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(x_ptr + i, SCALE * tl.load(x_ptr + i))


SCALE = tl.constexpr(3.0)


def test_a_constant_of_the_module_multiplies_a_block():
    x = torch.ones(4)
    launch(scaled, (1,), x, BLOCK=4)
    assert x.tolist() == [3.0] * 4
    assert compiled(scaled, {"x_ptr": x, "BLOCK": 16})["sm_90"]["spills"] == 0


def test_a_table_reaches_its_tensors_and_no_others():
    seen = kernels.everything()["through_a_table"]
    assert seen == {"a": [2] * 5, "b": [2] * 5 + [1, 1], "loads": {"table": 2 * 8 + 2 * 5 * 4}}
    table = pointer_table([torch.zeros(3)])
    with pytest.raises(OutOfBounds, match=r"beyond the end of `table\[0\]`"):
        launch(kernels.through_a_table, (1,), table, torch.zeros(1), 8, BLOCK=8)


def test_launches_of_other_code_are_watched():
    x, out = torch.ones(20), torch.zeros(20)
    with watching() as traces:
        kernels.double[(2,)](x, out, 20, BLOCK=16)
        kernels.double[lambda meta: (2,)](out, x, 20, BLOCK=16)
    assert [trace.moved for trace in traces] == [160, 160]
    assert x.tolist() == [4.0] * 20


def test_a_kernel_keeps_its_namespace_and_its_exception():
    @triton.jit
    def starter(x_ptr):
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        launch(starter, (1,), torch.zeros(1))
    launch(kernels.double, (1,), torch.zeros(1), torch.zeros(1), 1, BLOCK=2)
    assert not {"ast", "inspect", "np"} & set(kernels.double.fn.__globals__)


def test_bfloat16_is_refused_for_the_interpreter_is_wrong_in_it():
    half = torch.zeros(4, dtype=torch.bfloat16)
    with pytest.raises(ValueError, match="`x_ptr` is of bfloat16"):
        launch(kernels.double, (1,), half, half, 4, BLOCK=4)


@pytest.mark.parametrize("shape", [(0,), (1,), (3, 5)])
def test_tensors_of_any_size_are_taken(shape):
    x = torch.ones(shape)
    out = torch.zeros(shape)
    launch(kernels.double, (2,), x, out, x.numel(), BLOCK=8)
    assert torch.equal(out, 2 * x)


def test_the_trace_is_a_table_for_people():
    trace = launch(kernels.double, (2,), torch.ones(20), torch.zeros(20), 20, BLOCK=16)
    assert repr(trace).splitlines() == [
        "double: 2 programs, 160 bytes moved",
        "               loaded        stored",
        "x_ptr              80             0",
        "out_ptr             0            80",
        "in all             80            80",
    ]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    kept = {n: v for n, v in os.environ.items() if n not in ("TRITON_INTERPRET", "PYTHONPATH")}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**kept, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_another_triton_says_the_same(tmp_path_factory):
    """Its hooks are private: two versions side by side see the same of every launch."""
    folder = REPOSITORY / "build" / "triton-3.6.0"
    if not (folder / "triton").is_dir():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps"]
        done = subprocess.run([*command, "--target", str(folder), "triton==3.6.0"])
        if done.returncode:
            assert "CI" not in os.environ, "Triton 3.6.0 could not be installed"
            pytest.skip("Triton 3.6.0 could not be installed beside this one")
    path = f"{folder}{os.pathsep}{REPOSITORY}"
    version = run("-c", "import triton; print(triton.__version__)", PYTHONPATH=path)
    assert version.stdout.strip() == "3.6.0"
    other = run(str(_file), PYTHONPATH=path)
    assert json.loads(other.stdout) == kernels.everything(), other.stderr


def test_who_comes_too_late_is_told_to_restart():
    late = "import triton; import os; os.environ['TRITON_INTERPRET'] = '1'\n"
    done = run("-c", f"{late}from course_lib.tracing import ready; ready()")
    assert "TritonError: Triton was imported before TRITON_INTERPRET was set" in done.stderr
    assert "restart the kernel" in done.stderr


def test_without_triton_kernels_can_be_imported_and_say_what_is_missing():
    without = "import sys; sys.modules['triton'] = None; sys.modules['triton.language'] = None\n"
    code = (
        "from course_lib.tracing.language import tl, triton\n"
        "@triton.jit\ndef kernel(x_ptr): pass\n"
        "print(tl, kernel.fn.__name__)\nkernel[(1,)](None)"
    )
    done = run("-c", without + code)
    assert done.stdout == "None kernel\n"
    assert "Triton is not installed here: `pip install" in done.stderr


def test_kernels_compile_for_gpus_that_are_not_there():
    x = torch.zeros(1024)
    made = compiled(kernels.double, {"x_ptr": x, "out_ptr": x, "n": 4096, "BLOCK": 1024})
    assert set(made) == {"sm_80", "sm_90"}
    for report in made.values():
        assert report["spills"] == 0
        assert report["widest"] == 16
        assert 0 < report["registers"] <= 64
    odd = compiled(kernels.double, {"x_ptr": x, "out_ptr": x, "n": 4095, "BLOCK": 1024})
    assert odd["sm_90"]["widest"] == 4  # a mask that may end anywhere takes one at a time


@triton.jit
def absolute(x_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(x_ptr + i, tl.abs(tl.load(x_ptr + i)))


def of_torch(x: torch.Tensor):
    return x


def test_what_tl_has_is_no_global_of_the_module():
    absolute.fn.__globals__["abs"] = of_torch  # which no compiler could take
    try:
        assert compiled(absolute, {"x_ptr": torch.zeros(16), "BLOCK": 16})["sm_90"]["spills"] == 0
    finally:
        del absolute.fn.__globals__["abs"]


@triton.jit
def with_break(x_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    for j in range(n):
        if j > 3:
            break
    tl.store(x_ptr + i, 1.0)


@triton.jit
def bound_in_one_branch(x_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    if n > 3:
        y = 2.0
    tl.store(x_ptr + i, y)


@pytest.mark.parametrize(
    ("kernel", "said"),
    [(with_break, "unsupported AST node type: Break"), (bound_in_one_branch, "y is not defined")],
)
def test_what_the_interpreter_takes_and_the_compiler_refuses_is_told(kernel, said):
    x = torch.zeros(16)
    launch(kernel, (1,), x, 5, BLOCK=16)
    with pytest.raises(CompileError, match=said):
        compiled(kernel, {"x_ptr": x, "n": 5, "BLOCK": 16})

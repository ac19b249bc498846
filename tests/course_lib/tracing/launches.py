"""Kernels right and wrong, and what the tracer says of them; run here and under another Triton.

Run as a program it prints what it saw as JSON.
"""

from __future__ import annotations

import json
import os

os.environ.setdefault("TRITON_INTERPRET", "1")

import torch

from course_lib.tracing import launch
from course_lib.tracing.language import tl, triton


@triton.jit
def double(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n
    tl.store(out_ptr + i, 2 * tl.load(x_ptr + i, inside), inside)


@triton.jit
def unmasked(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + i, tl.load(x_ptr + i, i < n))


@triton.jit
def before_the_start(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + i, tl.load(x_ptr + i - 1, i < n), i < n)


@triton.jit
def lost_update(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    part = tl.sum(tl.load(x_ptr + i, i < n, other=0.0))
    tl.store(out_ptr, tl.load(out_ptr) + part)


@triton.jit
def added(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.atomic_add(out_ptr, tl.sum(tl.load(x_ptr + i, i < n, other=0.0)))


@triton.jit
def added_and_read(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.atomic_add(out_ptr, tl.sum(tl.load(x_ptr + i, i < n, other=0.0)) + 0 * tl.load(out_ptr))


@triton.jit
def last_wins(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    tl.store(out_ptr, tl.program_id(0).to(tl.float32))


@triton.jit
def two_values_at_once(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(out_ptr + 0 * i, tl.load(x_ptr + i, i < n, other=0.0))


@triton.jit
def exchanged(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    tl.atomic_xchg(out_ptr.to(tl.pointer_type(tl.int32)), tl.program_id(0))


@triton.jit
def added_and_at_most(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    tl.atomic_add(out_ptr, 1.0)
    tl.atomic_max(out_ptr, 2.0)


@triton.jit
def bytes_of_one_element(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    p = out_ptr.to(tl.pointer_type(tl.int8))
    tl.store(p + tl.program_id(0), tl.full((), 1, tl.int8))
    tl.store(out_ptr + 1 + tl.program_id(0), tl.load(out_ptr))


@triton.jit
def sum_without_other(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + tl.program_id(0), tl.sum(tl.load(x_ptr + i, i < n)))


@triton.jit
def half_of_it(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n // 2
    tl.store(out_ptr + i, tl.load(x_ptr + i, inside), inside)


@triton.jit
def through_a_table(table, out_ptr, n, BLOCK: tl.constexpr):
    p = tl.load(table + tl.program_id(0)).to(tl.pointer_type(tl.float32))
    i = tl.arange(0, BLOCK)
    tl.store(p + i, 2 * tl.load(p + i, i < n), i < n)


KERNELS = {
    name: value
    for name, value in list(globals().items())
    if hasattr(value, "fn") and name not in ("tl", "triton", "through_a_table")
}


def seen(kernel, outputs: int = 37, order: str = "forward") -> dict:
    """What one launch of 4 programs of 10 elements, of which 37 count, gives."""
    torch.manual_seed(0)
    x = torch.randint(-8, 9, (37,)).float()
    out = torch.zeros(outputs)
    try:
        trace = launch(kernel, (3,), x, out, 37, BLOCK=16, order=order)
    except Exception as error:
        return {"raised": type(error).__name__, "message": str(error), "out": out.tolist()}
    return {
        "out": [None if value != value else value for value in out.tolist()],
        "loaded": trace.loaded,
        "stored": trace.stored,
        "races": trace.races,
        "unwritten": trace.unwritten("out_ptr"),
    }


def everything() -> dict:
    """What all of them give, and one that goes through a table of addresses."""
    found = {name: seen(kernel) for name, kernel in KERNELS.items()}
    a, b = torch.ones(5), torch.ones(7)
    trace = launch(through_a_table, (2,), [a, b], torch.zeros(1), 5, BLOCK=8)
    found["through_a_table"] = {"a": a.tolist(), "b": b.tolist(), "loads": dict(trace.loads)}
    return found


if __name__ == "__main__":
    print(json.dumps(everything()))

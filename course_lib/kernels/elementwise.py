"""Elementwise work: the sum of two vectors, and what all elementwise kernels share.

A program takes BLOCK neighboring elements, and a mask cuts off what lies beyond the last one.
Kernels count in int32.
"""

from __future__ import annotations

import torch

from course_lib.tracing import runs_on
from course_lib.tracing.language import tl, triton

BLOCK = 1024
"""Elements a program: with 128 threads each loads 16 bytes twice in float32, once in float16."""


@triton.jit
def wide(x):
    """Give what was loaded in float32, or as it is where it has more digits.

    Convention: arithmetic in half precision would round after every operation, and on the bits of
                bfloat16 it means nothing in the interpreter.
    """
    if x.dtype.primitive_bitwidth < 32:
        x = x.to(tl.float32)
    return x


@triton.jit
def vector_add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """Add two vectors.

    Formula: out_i = x_i + y_i.
    Shapes:  x, y and out (n,) contiguous; ⌈n / BLOCK⌉ programs.
    """
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n
    x = wide(tl.load(x_ptr + i, mask=inside))
    y = wide(tl.load(y_ptr + i, mask=inside))
    tl.store(out_ptr + i, x + y, mask=inside)


def programs(n: int, block: int) -> tuple[int]:
    """Give the grid in which every one of n elements has its program.

    Formula: ⌈n / block⌉ programs.
    Raises:  ValueError where the kernels' int32 could not count the elements.
    """
    if n > 2**31 - block:
        raise ValueError(f"n: got {n} elements, allowed is n <= 2**31 - {block}")

    return (-(-n // block),)


def rounded(p: float) -> float:
    """Round a number to float32, as a GPU does with every number that it is handed."""
    return torch.tensor(p, dtype=torch.float32).item()


def add(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Add two tensors of one shape.

    Shapes: x and y of one shape and dtype -> the same, contiguous.
    Raises: ValueError for two shapes or dtypes.
    """
    if x.shape != y.shape or x.dtype != y.dtype:
        got = f"{x.dtype} {tuple(x.shape)} and {y.dtype} {tuple(y.shape)}"
        raise ValueError(f"x and y: got {got}, allowed is one dtype and one shape")

    if not runs_on(x):
        return x + y
    x, y = x.contiguous(), y.contiguous()
    out = torch.empty_like(x)
    vector_add[programs(x.numel(), BLOCK)](x, y, out, x.numel(), BLOCK=BLOCK)
    return out


def vector_add_bytes(n: int, size: int) -> int:
    """Give the fewest bytes that add two vectors.

    Formula: 3 n s with s bytes an element: x and y are read, the sum is written.
    """
    return 3 * n * size

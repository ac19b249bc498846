"""Dropout whose mask is drawn again where it is needed, for `course_lib.regularization.dropout`.

The mask is a function of the seed and of an element's number. So the backward pass is the same
kernel on the gradient, and nothing is kept but the seed: torch's own dropout writes a mask of one
byte an element and reads it again.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from course_lib.kernels import philox
from course_lib.kernels.elementwise import BLOCK, programs, rounded, wide
from course_lib.tracing import runs_on
from course_lib.tracing.language import tl, triton


@triton.jit
def uniforms_in_fours(seed, start, BLOCK: tl.constexpr):
    """Draw a number of [0, 1) for each of the elements start … start + BLOCK − 1.

    Formula:    element 4c + k gets number k of counter c, of seven rounds.
    Convention: start is a multiple of 4. One call of Philox gives four numbers: on an H200 a call
                of ten rounds an element would take longer than memory does.
    """
    counter = start // 4 + tl.arange(0, BLOCK // 4)
    first, second, third, fourth = tl.rand4x(seed, counter, n_rounds=7)
    return tl.interleave(tl.interleave(first, third), tl.interleave(second, fourth))


@triton.jit
def seeded_dropout(x_ptr, out_ptr, n, p, seed, BLOCK: tl.constexpr):
    """Set elements to 0 at random, with a random number of its own for each.

    Formula: out_i = x_i / (1 − p) where `tl.rand(seed, i)` >= p, else 0, both of float32; p < 1.
    Shapes:  x and out (n,) contiguous; ⌈n / BLOCK⌉ programs.
    """
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n
    x = wide(tl.load(x_ptr + i, mask=inside))
    kept = tl.rand(seed, i) >= p
    tl.store(out_ptr + i, tl.where(kept, x * (1.0 / (1.0 - p)), 0.0), mask=inside)


@triton.jit
def dropout_in_fours(x_ptr, out_ptr, n, p, seed, BLOCK: tl.constexpr):
    """Set elements to 0 at random, with one call of Philox for four of them.

    Formula: out_i = x_i / (1 − p) where number i mod 4 of `tl.rand4x(seed, ⌊i / 4⌋, 7)` >= p,
             else 0, both of float32; p < 1.
    Shapes:  x and out (n,) contiguous; ⌈n / BLOCK⌉ programs, BLOCK >= 4. The mask does not depend
             on BLOCK.
    """
    start = tl.program_id(0) * BLOCK
    i = start + tl.arange(0, BLOCK)
    inside = i < n
    x = wide(tl.load(x_ptr + i, mask=inside))
    kept = uniforms_in_fours(seed, start, BLOCK) >= p
    tl.store(out_ptr + i, tl.where(kept, x * (1.0 / (1.0 - p)), 0.0), mask=inside)


def seeded_mask(n: int, p: float, seed: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Say what `seeded_dropout` keeps.

    Shapes: -> (n,) bool, True where an element is kept.
    """
    counters = torch.arange(n, device=device)
    return philox.rand(seed, counters) >= torch.tensor(p, dtype=torch.float32)


def mask_in_fours(n: int, p: float, seed: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Say what `dropout_in_fours` keeps.

    Shapes: -> (n,) bool, True where an element is kept.
    """
    counters = torch.arange(-(-n // 4), device=device)
    numbers = torch.stack(philox.rand4x(seed, counters, rounds=7), dim=1).flatten()[:n]
    return numbers >= torch.tensor(p, dtype=torch.float32)


def draw_seed() -> int:
    """Draw a seed from torch's generator, so that `torch.manual_seed` makes masks repeatable."""
    return int(torch.randint(2**31, ()))


def _drop(x: torch.Tensor, p: float, seed: int) -> torch.Tensor:
    """Apply the mask of a seed to x; forward and backward are this."""
    x, n = x.contiguous(), x.numel()
    if p == 1:
        return torch.zeros_like(x)
    if not runs_on(x):
        kept = mask_in_fours(n, p, seed, x.device).reshape(x.shape)
        wider = x.to(torch.promote_types(x.dtype, torch.float32))
        return torch.where(kept, wider * (1 / (1 - p)), 0).to(x.dtype)
    out = torch.empty_like(x)
    dropout_in_fours[programs(n, BLOCK)](x, out, n, p, seed, BLOCK=BLOCK)
    return out


class _Dropout(torch.autograd.Function):
    """Dropout that keeps p and the seed, and no tensor."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, p: float, seed: int) -> torch.Tensor:
        ctx.p, ctx.seed = p, seed
        return _drop(x, p, seed)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return _drop(grad_output, ctx.p, ctx.seed), None, None


def dropout(x: torch.Tensor, p: float, seed: int | None = None) -> torch.Tensor:
    """Set entries to 0 at random and make up for them by enlarging the others.

    Formula:    y = x m / (1 − p), with the mask m of `dropout_in_fours`; y = 0 for p = 1.
    Shapes:     x of any shape -> the same shape, contiguous.
    Convention: p, the probability of *dropping*, is rounded to float32, and so is 1 / (1 − p) on a
                GPU. The same seed gives the same mask on every device; without one, torch's
                generator gives it.
    Raises:     ValueError for p outside [0, 1] and for whole numbers.
    Source:     Srivastava et al. 2014; the mask of a seed: Triton's tutorial on dropout.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p: got {p}, allowed is 0 <= p <= 1")
    if not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype}, allowed is a floating-point dtype")

    return _Dropout.apply(x, rounded(p), draw_seed() if seed is None else seed)


def dropout_bytes(n: int, size: int) -> int:
    """Give the fewest bytes of dropout, in either direction.

    Formula: 2 n s with s bytes an element: x is read, the result is written. Elements that are
             dropped are read with their neighbors: memory comes in pieces of 32 bytes.
    """
    return 2 * n * size

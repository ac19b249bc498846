"""The end of a residual branch in one pass over memory: bias, activation, dropout, residual.

One after the other these four read and write all elements four times, and dropout a mask besides.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from course_lib.kernels.activations import ACTIVATIONS
from course_lib.kernels.dropout import draw_seed, dropout, uniforms_in_fours
from course_lib.kernels.elementwise import BLOCK, programs, rounded, wide
from course_lib.tracing import runs_on
from course_lib.tracing.language import tl, triton


@triton.jit
def bias_dropout_residual(
    x_ptr,
    bias_ptr,
    residual_ptr,
    out_ptr,
    n,
    width,
    p,
    seed,
    VALUE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Add a bias, apply a function, drop at random and add a residual.

    Formula: out_i = residual_i + dropout(VALUE(x_i + bias_{i mod width})), with the mask of
             `dropout_in_fours`; p < 1.
    Shapes:  x, residual and out (n,) contiguous, rows of width elements, bias (width,);
             ⌈n / BLOCK⌉ programs, BLOCK >= 4.
    """
    start = tl.program_id(0) * BLOCK
    i = start + tl.arange(0, BLOCK)
    inside = i < n
    x = wide(tl.load(x_ptr + i, mask=inside))
    bias = wide(tl.load(bias_ptr + i % width, mask=inside))
    residual = wide(tl.load(residual_ptr + i, mask=inside))
    kept = uniforms_in_fours(seed, start, BLOCK) >= p
    branch = tl.where(kept, VALUE(x + bias) * (1.0 / (1.0 - p)), 0.0)
    tl.store(out_ptr + i, residual + branch, mask=inside)


@triton.jit
def bias_dropout_backward(
    x_ptr, bias_ptr, grad_ptr, out_ptr, n, width, p, seed, SLOPE: tl.constexpr, BLOCK: tl.constexpr
):
    """Propagate a gradient through `bias_dropout_residual` to x, with the mask drawn again.

    Formula: out_i = dropout(grad_i) · SLOPE(x_i + bias_{i mod width}); p < 1.
    Shapes:  as in `bias_dropout_residual`, grad (n,).
    """
    start = tl.program_id(0) * BLOCK
    i = start + tl.arange(0, BLOCK)
    inside = i < n
    x = wide(tl.load(x_ptr + i, mask=inside))
    bias = wide(tl.load(bias_ptr + i % width, mask=inside))
    grad = wide(tl.load(grad_ptr + i, mask=inside))
    kept = uniforms_in_fours(seed, start, BLOCK) >= p
    through = tl.where(kept, grad * (1.0 / (1.0 - p)), 0.0)
    tl.store(out_ptr + i, through * SLOPE(x + bias), mask=inside)


class _Branch(torch.autograd.Function):
    """The four steps; x and bias are kept for the backward pass."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        bias: torch.Tensor,
        residual: torch.Tensor,
        name: str,
        p: float,
        seed: int,
    ) -> torch.Tensor:
        x, bias, residual = x.contiguous(), bias.contiguous(), residual.contiguous()
        ctx.save_for_backward(x, bias)
        ctx.settings = name, p, seed
        n, width, out = x.numel(), len(bias), torch.empty_like(x)
        bias_dropout_residual[programs(n, BLOCK)](
            x, bias, residual, out, n, width, p, seed, VALUE=ACTIVATIONS[name][0], BLOCK=BLOCK
        )
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, bias = ctx.saved_tensors
        name, p, seed = ctx.settings
        n, width, grad_x = x.numel(), len(bias), torch.empty_like(x)
        grad = grad_output.contiguous()
        bias_dropout_backward[programs(n, BLOCK)](
            x, bias, grad, grad_x, n, width, p, seed, SLOPE=ACTIVATIONS[name][1], BLOCK=BLOCK
        )
        wider = torch.promote_types(x.dtype, torch.float32)
        grad_bias = grad_x.reshape(-1, width).sum(0, dtype=wider).to(x.dtype)
        return grad_x, grad_bias, grad_output, None, None, None


def add_branch(
    residual: torch.Tensor,
    x: torch.Tensor,
    bias: torch.Tensor,
    name: str,
    p: float,
    seed: int | None = None,
) -> torch.Tensor:
    """Add a branch of a network, from its last product on, to the residual.

    Formula:    y = residual + dropout(activation(x + bias)), as `activations.activation` and
                `dropout.dropout`.
    Shapes:     residual and x (…, D), bias (D,) with D >= 1, one dtype -> (…, D), contiguous where
                the kernel runs.
    Convention: of half precision, all is computed in float32 and rounded once.
    Raises:     ValueError for other shapes, dtypes and names, and for p outside [0, 1).
    """
    if not 0 <= p < 1:
        raise ValueError(f"p: got {p}, allowed is 0 <= p < 1")
    if name not in ACTIVATIONS:
        raise ValueError(f"name: got {name!r}, allowed is one of {', '.join(ACTIVATIONS)}")
    if residual.shape != x.shape or bias.shape != x.shape[-1:] or bias.shape in ((), (0,)):
        got = f"{tuple(residual.shape)}, {tuple(x.shape)} and {tuple(bias.shape)}"
        raise ValueError(f"residual, x and bias: got {got}, allowed are (…, D) twice and (D,)")
    if not x.is_floating_point() or not residual.dtype == x.dtype == bias.dtype:
        got = f"{residual.dtype}, {x.dtype} and {bias.dtype}"
        raise ValueError(f"residual, x and bias: got {got}, allowed is one floating-point dtype")

    seed = draw_seed() if seed is None else seed
    if runs_on(x):
        return _Branch.apply(x, bias, residual, name, rounded(p), seed)
    wider = torch.promote_types(x.dtype, torch.float32)
    branch = ACTIVATIONS[name][2](x.to(wider) + bias.to(wider))
    return (residual.to(wider) + dropout(branch, p, seed)).to(x.dtype)


def add_branch_bytes(n: int, width: int, size: int) -> int:
    """Give the fewest bytes that add a branch to a residual, or propagate a gradient to its x.

    Formula:    (3 n + D) s with s bytes an element: x, the residual (or the gradient) and the bias
                of D elements are read, the result is written.
    Convention: the kernels read an element of the bias for each of x, n s bytes in all: from the
                cache, but a trace counts them.
    """
    return (3 * n + width) * size

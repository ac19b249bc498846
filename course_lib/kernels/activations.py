"""Activations and their slopes on the GPU, for `course_lib.activations`.

Each is a pair of functions on loaded values; the kernels `forward` and `backward` get them handed
over as compile-time arguments. Nothing but the input is kept for the backward pass.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from course_lib.kernels.elementwise import BLOCK, programs, wide
from course_lib.tracing import runs_on
from course_lib.tracing.language import tl, triton


@triton.jit
def negative_expm1(x):
    """Compute e^x − 1 for x ≤ 0 with all its digits.

    Formula:    e^x − 1 below −1/2. Above, where the difference loses digits, y = e^{x/8} − 1 from
                the first eight terms of its series, and three times e^{2z} − 1 = y (y + 2) for
                y = e^z − 1.
    Convention: Triton has no expm1 that the interpreter knows. The ninth term is below 1e-15 of
                the sum.
    """
    z = 0.125 * tl.where(x > -0.5, x, -0.5)
    series = 1.0 + z * (1.0 / 8.0)
    series = 1.0 + z * series * (1.0 / 7.0)
    series = 1.0 + z * series * (1.0 / 6.0)
    series = 1.0 + z * series * (1.0 / 5.0)
    series = 1.0 + z * series * (1.0 / 4.0)
    series = 1.0 + z * series * (1.0 / 3.0)
    series = 1.0 + z * series * (1.0 / 2.0)
    y = z * series
    y = y * (y + 2.0)
    y = y * (y + 2.0)
    y = y * (y + 2.0)
    return tl.where(x > -0.5, y, tl.exp(x) - 1.0)


@triton.jit
def relu(x):
    """max(0, x); what is not a number stays so."""
    return tl.where(x <= 0, 0.0, x)


@triton.jit
def relu_slope(x):
    """1[x > 0], with 0 at 0."""
    return tl.where(x > 0, 1.0, 0.0)


@triton.jit
def leaky_relu(x):
    """x for x > 0, 0.01 x otherwise."""
    return tl.where(x > 0, x, 0.01 * x)


@triton.jit
def leaky_relu_slope(x):
    """1 for x > 0, 0.01 otherwise."""
    return tl.where(x > 0, 1.0, tl.full(x.shape, 0.01, x.dtype))


@triton.jit
def elu(x):
    """x for x > 0, e^x − 1 otherwise."""
    return tl.where(x > 0, x, negative_expm1(tl.where(x > 0, 0.0, x)))


@triton.jit
def elu_slope(x):
    """1 for x > 0, e^x otherwise."""
    return tl.exp(tl.where(x > 0, 0.0, x))


@triton.jit
def sigmoid(x):
    """σ(x) = 1 / (1 + e^{−x}), by the exponential of −|x|, which cannot overflow."""
    e = tl.exp(-tl.abs(x))
    return tl.where(x >= 0, 1.0, e) / (1.0 + e)


@triton.jit
def sigmoid_slope(x):
    """σ(x) σ(−x) = e / (1 + e)² with e = e^{−|x|}."""
    e = tl.exp(-tl.abs(x))
    return e / ((1.0 + e) * (1.0 + e))


@triton.jit
def tanh(x):
    """tanh(x) = −sign(x) d / (2 + d) with d = e^{−2|x|} − 1."""
    d = negative_expm1(-2.0 * tl.abs(x))
    return tl.where(x >= 0, -d, d) / (2.0 + d)


@triton.jit
def tanh_slope(x):
    """1 − tanh²(x) = 4 e / (1 + e)² with e = e^{−2|x|}."""
    e = tl.exp(-2.0 * tl.abs(x))
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


@triton.jit
def silu(x):
    """x σ(x)."""
    return x * sigmoid(x)


@triton.jit
def silu_slope(x):
    """σ(x) (1 + x σ(−x))."""
    return sigmoid(x) * (1.0 + x * sigmoid(-x))


@triton.jit
def gelu(x):
    """x Φ(x) with Φ(x) = (1 + erf(x / √2)) / 2, exact and not by a tanh."""
    return 0.5 * x * (1.0 + tl.erf(x * 0.7071067811865476))


@triton.jit
def gelu_slope(x):
    """Φ(x) + x φ(x) with φ(x) = e^{−x²/2} / √(2π)."""
    share = 0.5 * (1.0 + tl.erf(x * 0.7071067811865476))
    return share + x * (tl.exp(-0.5 * x * x) * 0.3989422804014327)


@triton.jit
def forward(x_ptr, out_ptr, n, VALUE: tl.constexpr, BLOCK: tl.constexpr):
    """Apply a function to every element.

    Formula: out_i = VALUE(x_i).
    Shapes:  x and out (n,) contiguous; ⌈n / BLOCK⌉ programs.
    """
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n
    x = wide(tl.load(x_ptr + i, mask=inside))
    tl.store(out_ptr + i, VALUE(x), mask=inside)


@triton.jit
def backward(x_ptr, grad_ptr, out_ptr, n, SLOPE: tl.constexpr, BLOCK: tl.constexpr):
    """Propagate a gradient through a function that was applied to every element.

    Formula: out_i = grad_i · SLOPE(x_i).
    Shapes:  x, grad and out (n,) contiguous; ⌈n / BLOCK⌉ programs.
    """
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n
    x = wide(tl.load(x_ptr + i, mask=inside))
    grad = wide(tl.load(grad_ptr + i, mask=inside))
    tl.store(out_ptr + i, grad * SLOPE(x), mask=inside)


ACTIVATIONS: dict[str, tuple[Any, Any, Any]] = {
    "relu": (relu, relu_slope, F.relu),
    "leaky_relu": (leaky_relu, leaky_relu_slope, F.leaky_relu),
    "elu": (elu, elu_slope, F.elu),
    "silu": (silu, silu_slope, F.silu),
    "gelu": (gelu, gelu_slope, F.gelu),
    "tanh": (tanh, tanh_slope, torch.tanh),
    "sigmoid": (sigmoid, sigmoid_slope, torch.sigmoid),
}
"""Name to value, slope, and torch's own function."""


class _Activation(torch.autograd.Function):
    """One of the activations, with x kept for the backward pass and nothing else."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, name: str) -> torch.Tensor:
        x = x.contiguous()
        ctx.save_for_backward(x)
        ctx.name = name
        out = torch.empty_like(x)
        value = ACTIVATIONS[name][0]
        forward[programs(x.numel(), BLOCK)](x, out, x.numel(), VALUE=value, BLOCK=BLOCK)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple[torch.Tensor, None]:
        (x,) = ctx.saved_tensors
        out = torch.empty_like(x)
        grid, slope = programs(x.numel(), BLOCK), ACTIVATIONS[ctx.name][1]
        backward[grid](x, grad_output.contiguous(), out, x.numel(), SLOPE=slope, BLOCK=BLOCK)
        return out, None


def activation(x: torch.Tensor, name: str) -> torch.Tensor:
    """Apply an activation, with torch's settings, to every element.

    Formula: as the function of that name in this module: relu, leaky_relu (slope 0.01), elu
             (α = 1), silu, gelu (exact), tanh or sigmoid.
    Shapes:  x of any shape -> the same shape, contiguous where a kernel runs.
    Raises:  ValueError for another name and for whole numbers.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"name: got {name!r}, allowed is one of {', '.join(ACTIVATIONS)}")
    if not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype}, allowed is a floating-point dtype")

    if not runs_on(x):
        result: torch.Tensor = ACTIVATIONS[name][2](x)
        return result
    return _Activation.apply(x, name)


def activation_bytes(n: int, size: int) -> int:
    """Give the fewest bytes that apply a function to every element.

    Formula: 2 n s with s bytes an element: x is read, the result is written.
    """
    return 2 * n * size


def activation_backward_bytes(n: int, size: int) -> int:
    """Give the fewest bytes that propagate a gradient through such a function.

    Formula: 3 n s with s bytes an element: x and the gradient are read, the result is written.
    """
    return 3 * n * size

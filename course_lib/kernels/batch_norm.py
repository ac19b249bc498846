"""Batch normalization of images, with the reduction over a channel split among many programs.

The technique is torch's `F.batch_norm`, here with an optional ReLU in the same pass. A channel is
cut into parts, so that a network with few channels fills the device as well. Each part writes its
own statistics to memory and a small kernel merges them, in an order that is always the same: no
locks, and the same bits in every run.

All kernels see x (N, C, H, W) contiguous as (N, C, S). Program (part, channel) has one tile of
IMAGES × PIXELS elements of that channel.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from course_lib.kernels.elementwise import wide
from course_lib.tracing import runs_on
from course_lib.tracing.language import tl, triton

PARTS = 1024  # how many parts the merging kernels take at a time


@triton.jit
def tile(images, channels, size, IMAGES: tl.constexpr, PIXELS: tl.constexpr):
    """Give where this program's tile lies in x, and what of it is inside."""
    across = tl.cdiv(size, PIXELS)
    part = tl.program_id(0)
    image = part // across * IMAGES + tl.arange(0, IMAGES)
    pixel = part % across * PIXELS + tl.arange(0, PIXELS)
    start = (image.to(tl.int64) * channels + tl.program_id(1)) * size
    return start[:, None] + pixel[None, :], (image < images)[:, None] & (pixel < size)[None, :]


@triton.jit
def total(x):
    """Sum a tile."""
    return tl.sum(tl.sum(x, axis=1), axis=0)


@triton.jit
def moments(x, inside):
    """Give count, mean and M₂ = Σ (x − mean)² of the elements inside.

    Convention: what is left of Σ (x − mean) is what the mean was rounded by; it goes back into it.
                M₂ comes from differences: E[x²] − E[x]² has no digits left where the mean is large.
    """
    count = total(tl.where(inside, 1.0, 0.0))
    mean = total(tl.where(inside, x, 0.0)) / count
    difference = tl.where(inside, x - mean, 0.0)
    return count, mean + total(difference) / count, total(difference * difference)


@triton.jit
def activated(x_hat, weight, bias, RELU: tl.constexpr):
    """Give γ x̂ + β, with RELU what is positive of it."""
    y = x_hat * weight + bias
    if RELU:
        y = tl.where(y <= 0, 0.0, y)  # keeps NaN
    return y


@triton.jit
def incoming(grad, x_hat, weight, bias, RELU: tl.constexpr):
    """Give the gradient before the ReLU; its mask is computed again, not kept."""
    if RELU:
        grad = tl.where(x_hat * weight + bias <= 0, 0.0, grad)
    return grad


@triton.jit
def statistics(
    x_ptr, partials_ptr, images, channels, size, IMAGES: tl.constexpr, PIXELS: tl.constexpr
):
    """Write count, mean and M₂ of every part into partials (3, C, parts); grid (parts, C)."""
    place, inside = tile(images, channels, size, IMAGES, PIXELS)
    x = wide(tl.load(x_ptr + place, mask=inside, other=0.0))
    count, mean, m2 = moments(x, inside)
    parts = tl.num_programs(0)
    out = partials_ptr + tl.program_id(1) * parts + tl.program_id(0)
    tl.store(out, count)
    tl.store(out + channels * parts, mean)
    tl.store(out + 2 * channels * parts, m2)


@triton.jit
def merge_statistics(
    partials_ptr,
    mean_ptr,
    rstd_ptr,
    running_mean_ptr,
    running_var_ptr,
    channels,
    parts,
    momentum,
    eps,
    CHANNELS: tl.constexpr,
    PARTS: tl.constexpr,
):
    """Merge the parts; give mean and 1/√(σ² + ε), and move the running statistics.

    Formula: n = Σ nᵢ, μ = Σ nᵢ μᵢ / n, M₂ = Σ M₂ᵢ + Σ nᵢ (μᵢ − μ)²; σ² = M₂ / n. Running:
             r ← r + m (batch − r), where the batch's variance is M₂ / (n − 1).
    Shapes:  partials (3, C, parts), the others (C,); ⌈C / CHANNELS⌉ programs.
    Source:  Chan, Golub & LeVeque 1983, for many parts at once.
    """
    channel = tl.program_id(0) * CHANNELS + tl.arange(0, CHANNELS)
    exists = channel < channels
    lane = tl.arange(0, PARTS)[None, :]
    place = partials_ptr + channel[:, None] * parts + lane
    to_next = channels * parts

    here = exists[:, None] & (lane < parts)
    n = tl.load(place, mask=here, other=0.0)
    counts = n
    sums = n * tl.load(place + to_next, mask=here, other=0.0)
    for start in range(PARTS, parts, PARTS):
        here = exists[:, None] & (start + lane < parts)
        n = tl.load(place + start, mask=here, other=0.0)
        counts += n
        sums += n * tl.load(place + start + to_next, mask=here, other=0.0)
    count = tl.where(exists, tl.sum(counts, axis=1), 2.0)  # what is no channel divides nothing by 0
    mean = tl.sum(sums, axis=1) / count

    left = tl.zeros_like(sums)
    m2 = tl.zeros_like(sums)
    for start in range(0, parts, PARTS):
        here = exists[:, None] & (start + lane < parts)
        n = tl.load(place + start, mask=here, other=0.0)
        difference = tl.load(place + start + to_next, mask=here, other=0.0) - mean[:, None]
        left += n * difference
        m2 += tl.load(place + start + 2 * to_next, mask=here, other=0.0)
        m2 += n * difference * difference
    mean += tl.sum(left, axis=1) / count  # as in `moments`
    squares = tl.sum(m2, axis=1)

    tl.store(mean_ptr + channel, mean, mask=exists)
    tl.store(rstd_ptr + channel, 1.0 / tl.sqrt(squares / count + eps), mask=exists)
    old_mean = wide(tl.load(running_mean_ptr + channel, mask=exists, other=0.0))
    old_var = wide(tl.load(running_var_ptr + channel, mask=exists, other=0.0))
    new_var = old_var + momentum * (squares / (count - 1.0) - old_var)
    tl.store(running_mean_ptr + channel, old_mean + momentum * (mean - old_mean), mask=exists)
    tl.store(running_var_ptr + channel, new_var, mask=exists)


@triton.jit
def normalize(
    x_ptr,
    mean_ptr,
    rstd_ptr,
    weight_ptr,
    bias_ptr,
    out_ptr,
    images,
    channels,
    size,
    RELU: tl.constexpr,
    IMAGES: tl.constexpr,
    PIXELS: tl.constexpr,
):
    """Write y = γ (x − μ) rstd + β, with RELU what is positive of it; grid (parts, C)."""
    channel = tl.program_id(1)
    mean = tl.load(mean_ptr + channel)
    rstd = tl.load(rstd_ptr + channel)
    weight = wide(tl.load(weight_ptr + channel))
    bias = wide(tl.load(bias_ptr + channel))
    place, inside = tile(images, channels, size, IMAGES, PIXELS)
    x = wide(tl.load(x_ptr + place, mask=inside, other=0.0))
    tl.store(out_ptr + place, activated((x - mean) * rstd, weight, bias, RELU), mask=inside)


@triton.jit
def gradient_sums(
    x_ptr,
    grad_ptr,
    mean_ptr,
    rstd_ptr,
    weight_ptr,
    bias_ptr,
    partials_ptr,
    images,
    channels,
    size,
    RELU: tl.constexpr,
    IMAGES: tl.constexpr,
    PIXELS: tl.constexpr,
):
    """Write Σ dy x̂ and Σ dy of every part into partials (2, C, parts); grid (parts, C)."""
    channel = tl.program_id(1)
    mean = tl.load(mean_ptr + channel)
    rstd = tl.load(rstd_ptr + channel)
    weight = wide(tl.load(weight_ptr + channel))
    bias = wide(tl.load(bias_ptr + channel))
    place, inside = tile(images, channels, size, IMAGES, PIXELS)
    x_hat = (wide(tl.load(x_ptr + place, mask=inside, other=0.0)) - mean) * rstd
    grad = wide(tl.load(grad_ptr + place, mask=inside, other=0.0))
    grad = incoming(grad, x_hat, weight, bias, RELU)
    parts = tl.num_programs(0)
    out = partials_ptr + channel * parts + tl.program_id(0)
    tl.store(out, total(grad * x_hat))
    tl.store(out + channels * parts, total(grad))


@triton.jit
def merge_sums(partials_ptr, sums_ptr, rows, parts, ROWS: tl.constexpr, PARTS: tl.constexpr):
    """Sum the rows of partials (rows, parts) into sums (rows,); ⌈rows / ROWS⌉ programs."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    exists = row < rows
    lane = tl.arange(0, PARTS)[None, :]
    place = partials_ptr + row[:, None] * parts + lane
    sums = tl.load(place, mask=exists[:, None] & (lane < parts), other=0.0)
    for start in range(PARTS, parts, PARTS):
        here = exists[:, None] & (start + lane < parts)
        sums += tl.load(place + start, mask=here, other=0.0)
    tl.store(sums_ptr + row, tl.sum(sums, axis=1), mask=exists)


@triton.jit
def input_gradient(
    x_ptr,
    grad_ptr,
    mean_ptr,
    rstd_ptr,
    weight_ptr,
    bias_ptr,
    sums_ptr,
    out_ptr,
    images,
    channels,
    size,
    RELU: tl.constexpr,
    IMAGES: tl.constexpr,
    PIXELS: tl.constexpr,
):
    """Write dx = γ rstd (dy − mean(dy) − x̂ mean(dy x̂)); sums (2, C), grid (parts, C)."""
    channel = tl.program_id(1)
    mean = tl.load(mean_ptr + channel)
    rstd = tl.load(rstd_ptr + channel)
    weight = wide(tl.load(weight_ptr + channel))
    bias = wide(tl.load(bias_ptr + channel))
    count = images * size * 1.0
    along = tl.load(sums_ptr + channel) / count
    offset = tl.load(sums_ptr + channels + channel) / count
    place, inside = tile(images, channels, size, IMAGES, PIXELS)
    x_hat = (wide(tl.load(x_ptr + place, mask=inside, other=0.0)) - mean) * rstd
    grad = wide(tl.load(grad_ptr + place, mask=inside, other=0.0))
    grad = incoming(grad, x_hat, weight, bias, RELU)
    tl.store(out_ptr + place, weight * rstd * (grad - offset - x_hat * along), mask=inside)


def tiling(images: int, size: int) -> tuple[int, int, int]:
    """Give how many parts a channel has, and a tile's IMAGES and PIXELS: 2048 elements at most.

    Convention: of the widths of 1024, 512 and 256 pixels that which covers the least of nothing.
    """
    pixels = min((1024, 512, 256), key=lambda width: -(-size // width) * width)
    pixels = min(pixels, triton.next_power_of_2(size))
    rows = min(triton.next_power_of_2(images), 2048 // pixels)
    return triton.cdiv(images, rows) * triton.cdiv(size, pixels), rows, pixels


class _BatchNorm(torch.autograd.Function):
    """What is kept for the backward pass is x and, a channel, the mean and 1/√(σ² + ε)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor,
        running_mean: torch.Tensor,
        running_var: torch.Tensor,
        training: bool,
        momentum: float,
        eps: float,
        relu: bool,
    ) -> torch.Tensor:
        images, channels = x.shape[:2]
        size = x[0, 0].numel()
        parts, rows, pixels = tiling(images, size)
        dtype = torch.promote_types(x.dtype, torch.float32)
        shape: dict[str, int] = {"IMAGES": rows, "PIXELS": pixels}
        if training:
            partials = x.new_empty(3, channels, parts, dtype=dtype)
            mean, rstd = x.new_empty(2, channels, dtype=dtype)
            statistics[(parts, channels)](x, partials, images, channels, size, **shape)
            lanes = min(PARTS, triton.next_power_of_2(parts))
            together = PARTS // lanes
            merge_statistics[(triton.cdiv(channels, together),)](
                partials, mean, rstd, running_mean, running_var, channels, parts, momentum, eps,
                CHANNELS=together, PARTS=lanes,
            )  # fmt: skip
        else:
            mean = running_mean.to(dtype, copy=True)
            rstd = torch.rsqrt(running_var.to(dtype) + eps)
        out = torch.empty_like(x)
        normalize[(parts, channels)](
            x, mean, rstd, weight, bias, out, images, channels, size, RELU=relu, **shape
        )
        ctx.save_for_backward(x, weight, bias, mean, rstd)
        ctx.training, ctx.relu = training, relu
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight, bias, mean, rstd = ctx.saved_tensors
        grad = grad.contiguous()
        images, channels = x.shape[:2]
        size = x[0, 0].numel()
        parts, rows, pixels = tiling(images, size)
        shape: dict[str, int] = {"RELU": ctx.relu, "IMAGES": rows, "PIXELS": pixels}
        partials = mean.new_empty(2, channels, parts)
        sums = mean.new_empty(2, channels)
        known = (x, grad, mean, rstd, weight, bias)
        gradient_sums[(parts, channels)](*known, partials, images, channels, size, **shape)
        lanes = min(PARTS, triton.next_power_of_2(parts))
        together = PARTS // lanes
        merge_sums[(triton.cdiv(2 * channels, together),)](
            partials, sums, 2 * channels, parts, ROWS=together, PARTS=lanes
        )
        out = torch.empty_like(x)
        means = sums if ctx.training else torch.zeros_like(sums)  # running ones do not depend on x
        input_gradient[(parts, channels)](*known, means, out, images, channels, size, **shape)
        return out, sums[0].to(weight.dtype), sums[1].to(bias.dtype), *[None] * 6


def batch_norm(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    running_mean: torch.Tensor,
    running_var: torch.Tensor,
    *,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    relu: bool = False,
) -> torch.Tensor:
    """Normalize each channel over the batch, or by the running statistics; scale, shift, ReLU.

    Formula:    y = γ (x − μ) / √(σ² + ε) + β with the biased σ² of the batch in training and the
                running statistics otherwise; with relu max(0, y).
    Shapes:     x (N, C, …), the four others (C,) -> (N, C, …), contiguous.
    Convention: training moves the running statistics in place, r ← r + m (batch − r), where the
                batch's variance is the unbiased one. Sums are in float32 at least.
    Raises:     ValueError for other shapes, and in training for a single value a channel.
    Source:     Ioffe & Szegedy 2015; `F.batch_norm`.
    """
    if x.ndim < 2 or not x.numel() or not x.is_floating_point():
        raise ValueError(
            f"x: got {x.dtype} of shape {tuple(x.shape)}, allowed is floating-point of shape "
            "(N, C, …), not empty"
        )
    for name, value in (
        ("weight", weight),
        ("bias", bias),
        ("running_mean", running_mean),
        ("running_var", running_var),
    ):
        if value.shape != x.shape[1:2] or not value.is_contiguous():
            raise ValueError(
                f"{name}: got shape {tuple(value.shape)}, allowed is ({x.shape[1]},), contiguous"
            )
    if training and x.numel() == x.shape[1]:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is more than 1 value a channel")

    if not runs_on(x):
        y = F.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)
        return F.relu(y) if relu else y
    result: torch.Tensor = _BatchNorm.apply(
        x.contiguous(), weight, bias, running_mean, running_var, training, momentum, eps, relu
    )
    return result


def batch_norm_bytes(elements: int, channels: int, size: int) -> int:
    """Count the fewest bytes that training's forward can move in two passes.

    Formula: 3 E s + 40 C: x is read twice and y written; a channel's mean and rstd are written and
             read, γ and β read, the running statistics read and written, all in float32.
    Units:   bytes, s of them an element. A channel that stays on chip would need E s less.
    """
    return 3 * elements * size + 40 * channels


def batch_norm_backward_bytes(elements: int, channels: int, size: int) -> int:
    """Count the fewest bytes that training's backward can move in two passes.

    Formula: 5 E s + 32 C: x and dy are read twice and dx written; a channel's mean, rstd, γ and β
             are read, two sums written and read, all in float32.
    Units:   bytes, s of them an element. A channel that stays on chip would need 2 E s less.
    """
    return 5 * elements * size + 32 * channels

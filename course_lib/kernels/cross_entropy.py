"""Softmax cross-entropy whose gradient takes the place of the logits.

The technique is torch's `F.cross_entropy`. Forward and backward of that are several passes over the
logits; here the loss and its gradient come out of one, so that each logit is read and written once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from course_lib.kernels.elementwise import wide
from course_lib.tracing import runs_on
from course_lib.tracing.language import tl, triton

ON_CHIP = 16384  # classes: a row up to this long is held in registers


@triton.jit
def _gradient(x, largest, total, column, target, scale):
    """Give (softmax(x) − onehot(target)) scale; 0 in a row that does not count."""
    slope = tl.exp(x - largest) / total - tl.where(column == target, 1.0, 0.0)
    return tl.where(target >= 0, slope * scale, 0.0)


@triton.jit
def _loss(largest, total, at_target, target):
    """Give log Σ exp(x) − x[target]; 0 in a row that does not count."""
    return tl.where(target >= 0, tl.log(total) + (largest - at_target), 0.0)


@triton.jit
def cross_entropy(
    logits_ptr,
    targets_ptr,
    losses_ptr,
    rows,
    classes,
    scale,
    ROWS: tl.constexpr,
    CLASSES: tl.constexpr,
):
    """Overwrite logits by their gradient and give each row's loss; ROWS whole rows a program.

    Formula:    lossᵣ = log Σ exp(xᵣ) − xᵣ[tᵣ], and x ← (softmax(x) − onehot(t)) scale.
    Shapes:     logits (rows, classes) contiguous, targets (rows,) whole numbers, losses (rows,).
    Launch:     ⌈rows / ROWS⌉ programs; CLASSES is a power of two, CLASSES ≥ classes.
    Convention: the losses are not scaled. A row with a target below 0 does not count: its loss and
                its gradient are 0. A target that is no class makes the loss infinite.
    """
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, CLASSES)[None, :]
    inside = row < rows
    target = tl.load(targets_ptr + row, mask=inside, other=0)
    place = logits_ptr + row.to(tl.int64)[:, None] * classes + column
    mask = inside[:, None] & (column < classes)

    x = tl.where(column < classes, wide(tl.load(place, mask=mask, other=0.0)), float("-inf"))
    largest = tl.max(x, axis=1)  # exp of what is left cannot overflow
    total = tl.sum(tl.exp(x - largest[:, None]), axis=1)
    at_target = tl.max(tl.where(column == target[:, None], x, float("-inf")), axis=1)
    slope = _gradient(x, largest[:, None], total[:, None], column, target[:, None], scale)
    tl.store(losses_ptr + row, _loss(largest, total, at_target, target), mask=inside)
    tl.store(place, slope, mask=mask)


@triton.jit
def online_cross_entropy(
    logits_ptr,
    targets_ptr,
    losses_ptr,
    rows,
    classes,
    scale,
    BLOCK: tl.constexpr,
):
    """Do the same for rows of any length, one a program, with BLOCK logits at a time on chip.

    Formula:    m' = max(m, max x), s' = s exp(m − m') + Σ exp(x − m') as the blocks come by; in the
                end log Σ exp = m + log s. The gradient takes a second read of the row.
    Shapes:     as `cross_entropy`; `rows` programs.
    Source:     Milakov & Gimelshein 2018, Algorithm 3.
    """
    row = tl.program_id(0)
    target = tl.load(targets_ptr + row)
    start_of_row = logits_ptr + row.to(tl.int64) * classes
    column = tl.arange(0, BLOCK)

    # A finite start: the first block may be all −∞, and −∞ − (−∞) is NaN.
    x = wide(tl.load(start_of_row + column, mask=column < classes, other=float("-inf")))
    largest = tl.maximum(tl.max(x, axis=0), -3e38)
    total = tl.sum(tl.exp(x - largest), axis=0)
    at_target = tl.max(tl.where(column == target, x, float("-inf")), axis=0)
    for start in range(BLOCK, classes, BLOCK):
        here = start + column
        x = wide(tl.load(start_of_row + here, mask=here < classes, other=float("-inf")))
        larger = tl.maximum(largest, tl.max(x, axis=0))
        total = total * tl.exp(largest - larger) + tl.sum(tl.exp(x - larger), axis=0)
        at_target = tl.maximum(
            at_target, tl.max(tl.where(here == target, x, float("-inf")), axis=0)
        )
        largest = larger
    tl.store(losses_ptr + row, _loss(largest, total, at_target, target))

    for start in range(0, classes, BLOCK):
        here = start + column
        x = wide(tl.load(start_of_row + here, mask=here < classes, other=float("-inf")))
        slope = _gradient(x, largest, total, here, target, scale)
        tl.store(start_of_row + here, slope, mask=here < classes)


@triton.jit
def rescale(values_ptr, factor_ptr, n, BLOCK: tl.constexpr):
    """Multiply n values in place by a number on the device; where that is 1, move nothing."""
    factor = tl.load(factor_ptr)
    if factor != 1:
        i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
        x = wide(tl.load(values_ptr + i, mask=i < n, other=0))
        tl.store(values_ptr + i, x * factor, mask=i < n)


def _check(logits: torch.Tensor, targets: torch.Tensor) -> None:
    """Raise a ValueError for shapes and dtypes that are not those of a loss."""
    if logits.ndim != 2 or not logits.numel() or not logits.is_floating_point():
        raise ValueError(
            f"logits: got {logits.dtype} of shape {tuple(logits.shape)}, allowed is floating-point "
            "of shape (R, K), not empty"
        )
    if targets.shape != logits.shape[:1] or targets.dtype != torch.int64:
        raise ValueError(
            f"targets: got {targets.dtype} of shape {tuple(targets.shape)}, allowed is int64 of "
            f"shape ({len(logits)},)"
        )


def overwrite_by_gradient(
    logits: torch.Tensor, targets: torch.Tensor, scale: float = 1.0
) -> torch.Tensor:
    """Give each row's cross-entropy; the logits become its gradient times a scale.

    Formula:    lossᵣ = log Σ exp(xᵣ) − xᵣ[tᵣ], and x ← (softmax(x) − onehot(t)) scale.
    Shapes:     logits (R, K) contiguous, targets (R,) of int64 -> (R,), float32 at least.
    Convention: a row whose target is negative has loss and gradient 0; a target of K or more has an
                infinite loss. Two reads of a row longer than 16384 classes, else one.
    Raises:     ValueError for other shapes and dtypes, and where no kernel runs on the logits.
    """
    _check(logits, targets)
    if not logits.is_contiguous() or not runs_on(logits):
        raise ValueError(
            f"logits: allowed are contiguous ones where a kernel runs ({logits.device})"
        )

    rows, classes = logits.shape
    losses = logits.new_empty(rows, dtype=torch.promote_types(logits.dtype, torch.float32))
    arguments = (logits, targets.contiguous(), losses, rows, classes, scale)
    if classes > ON_CHIP:
        online_cross_entropy[(rows,)](*arguments, BLOCK=4096, num_warps=8)
    else:
        width = triton.next_power_of_2(classes)
        together = max(1, min(64, 2048 // width, triton.next_power_of_2(rows)))  # rows a program
        warps = min(16, max(4, width // 512))  # at most 32 logits a thread
        cross_entropy[(triton.cdiv(rows, together),)](
            *arguments, ROWS=together, CLASSES=width, num_warps=warps
        )
    torch.autograd.graph.increment_version(logits)  # who has saved them for later is to hear of it
    return losses


class _MeanCrossEntropy(torch.autograd.Function):
    """The mean loss, which has left its gradient in the logits."""

    @staticmethod
    def forward(
        ctx: Any, logits: torch.Tensor, targets: torch.Tensor, counted: int
    ) -> torch.Tensor:
        gradient = logits.detach()
        losses = overwrite_by_gradient(gradient, targets, 1 / max(counted, 1))
        ctx.save_for_backward(gradient)
        return losses.sum() / counted

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        n = gradient.numel()
        rescale[(triton.cdiv(n, 4096),)](gradient, grad_output, n, BLOCK=4096)
        torch.autograd.graph.increment_version(gradient)  # a second backward would rescale again
        return gradient, None, None


def mean_cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, *, ignore_index: int | None = None
) -> torch.Tensor:
    """Give the mean cross-entropy of a batch, and take the logits for its gradient.

    Formula:    L = (1/n) Σ (log Σ exp(xᵣ) − xᵣ[tᵣ]) over the n rows that count.
    Shapes:     logits (R, K), targets (R,) of int64 -> ().
    Convention: after the call the logits are used up: they hold the gradient where a kernel ran.
                Rows whose target is ignore_index do not count; to count the others means to wait
                for the device. The mean of no rows is NaN, as in torch. One backward, once.
    Raises:     ValueError for other shapes and dtypes.
    Source:     `F.cross_entropy`; the gradient in the forward pass is that of Hsu et al. 2024
                (Liger Kernel).
    """
    _check(logits, targets)
    if not runs_on(logits):
        return F.cross_entropy(
            logits, targets, ignore_index=-100 if ignore_index is None else ignore_index
        )
    counted = len(targets)
    if ignore_index is not None:
        ignored = targets == ignore_index
        counted -= int(ignored.sum())
        targets = targets.masked_fill(ignored, -1)
    loss: torch.Tensor = _MeanCrossEntropy.apply(logits.contiguous(), targets, counted)
    return loss


def cross_entropy_bytes(rows: int, classes: int, size: int, *, reads: int = 1) -> int:
    """Count the fewest bytes that loss and gradient in place can move.

    Formula:  rows (classes · s · (reads + 1) + 8 + max(s, 4)): each logit is read and
              its gradient written, a target is read and a loss written a row.
    Units:    bytes, s of them a logit. `reads` is 1 where a row stays on chip, 2 with online
              softmax.
    """
    return rows * (classes * size * (reads + 1) + 8 + max(size, 4))

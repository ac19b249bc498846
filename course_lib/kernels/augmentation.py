"""Augmentation of whole batches on the device, where the images are.

The techniques are `mixup`, `cutout` and the warps of `course_lib.augmentation`. Random numbers are
drawn by the caller and come as tensors, so that none of the kernels waits for the host. Images are
(N, C, H, W) contiguous.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from course_lib.kernels.elementwise import wide
from course_lib.tracing import runs_on
from course_lib.tracing.language import tl, triton


@triton.jit
def mixup(x_ptr, partner_ptr, weight_ptr, out_ptr, size, BLOCK: tl.constexpr):
    """Mix each image with another one of the batch.

    Formula: out[b] = w[b] x[b] + (1 − w[b]) x[partner[b]].
    Shapes:  x and out (N, size), partner (N,) whole numbers, weight (N,); grid (N, ⌈size / BLOCK⌉).
    """
    image = tl.program_id(0).to(tl.int64)
    partner = tl.load(partner_ptr + image).to(tl.int64)
    weight = wide(tl.load(weight_ptr + image))
    i = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = i < size
    x = wide(tl.load(x_ptr + image * size + i, mask=inside))
    other = wide(tl.load(x_ptr + partner * size + i, mask=inside))
    tl.store(out_ptr + image * size + i, weight * x + (1.0 - weight) * other, mask=inside)


@triton.jit
def cutout(x_ptr, boxes_ptr, channels, height, width, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Blank a box of each image in place; what is outside of the box is not touched.

    Shapes: x (N, C, H, W), boxes (N, 4) whole numbers: top, left, height, width; grid (N, C).
            A box may hang over the border, and it may be empty.
    """
    image = tl.program_id(0).to(tl.int64)
    top = tl.load(boxes_ptr + image * 4)
    left = tl.load(boxes_ptr + image * 4 + 1)
    bottom = tl.minimum(top + tl.load(boxes_ptr + image * 4 + 2), height)
    right = tl.minimum(left + tl.load(boxes_ptr + image * 4 + 3), width)
    plane = x_ptr + (image * channels + tl.program_id(1)) * height * width
    nothing = tl.zeros((ROWS, COLUMNS), dtype=tl.float32)
    for first in range(tl.maximum(top, 0), bottom, ROWS):
        row = first + tl.arange(0, ROWS)[:, None]
        for start in range(tl.maximum(left, 0), right, COLUMNS):
            column = start + tl.arange(0, COLUMNS)[None, :]
            tl.store(plane + row * width + column, nothing, mask=(row < bottom) & (column < right))


@triton.jit
def corner(plane, row, column, height, width, share):
    """Give a source pixel's share in the result; it is read only where it has one."""
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width) & (share > 0)
    return share * wide(tl.load(plane + row * width + column, mask=inside, other=0.0))


@triton.jit
def affine_warp(x_ptr, theta_ptr, out_ptr, channels, height, width, BLOCK: tl.constexpr):
    """Warp each image by its own affine map from the output to the source, bilinear.

    Formula: in pixels from the center, x' = θ₀₀ x + θ₀₁ y W / H + θ₀₂ W / 2 and
             y' = θ₁₀ x H / W + θ₁₁ y + θ₁₂ H / 2, since half a side is 1 where θ acts. No place
             is brought to that scale and back, so the identity is exact.
    Shapes:  x and out (N, C, H, W), theta (N, 2, 3); grid (N, ⌈H W / BLOCK⌉). What comes from
             outside of the image is 0.
    """
    image = tl.program_id(0).to(tl.int64)
    theta = theta_ptr + image * 6
    i = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    center_x = width * 0.5 - 0.5
    center_y = height * 0.5 - 0.5
    x = i % width - center_x
    y = i // width - center_y
    source_x = wide(tl.load(theta)) * x + wide(tl.load(theta + 1)) * y * width / height
    source_x += wide(tl.load(theta + 2)) * width * 0.5 + center_x
    source_y = wide(tl.load(theta + 3)) * x * height / width + wide(tl.load(theta + 4)) * y
    source_y += wide(tl.load(theta + 5)) * height * 0.5 + center_y

    # From −1 and from the size on all is 0; beyond, whole numbers could not hold the place.
    source_x = tl.minimum(tl.maximum(source_x, -1.0), width * 1.0)
    source_y = tl.minimum(tl.maximum(source_y, -1.0), height * 1.0)
    left = tl.floor(source_x)
    top = tl.floor(source_y)
    to_right = source_x - left
    to_bottom = source_y - top
    column = left.to(tl.int32)
    row = top.to(tl.int32)

    size = height * width
    inside = i < size
    upper = tl.where(inside, 1.0 - to_bottom, 0.0)
    lower = tl.where(inside, to_bottom, 0.0)
    for channel in range(channels):
        plane = x_ptr + (image * channels + channel) * size
        result = corner(plane, row, column, height, width, upper * (1.0 - to_right))
        result += corner(plane, row, column + 1, height, width, upper * to_right)
        result += corner(plane, row + 1, column, height, width, lower * (1.0 - to_right))
        result += corner(plane, row + 1, column + 1, height, width, lower * to_right)
        out = out_ptr + (image * channels + channel) * size
        tl.store(out + i, result, mask=inside)


def _kernel_runs(*tensors: torch.Tensor) -> bool:
    """Tell whether a kernel can do it: none of these is differentiated."""
    differentiated = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    return runs_on(tensors[0]) and not differentiated


def _check(images: torch.Tensor) -> None:
    """Raise a ValueError where these are no images."""
    if images.ndim != 4 or not images.numel() or not images.is_floating_point():
        raise ValueError(
            f"images: got {images.dtype} of shape {tuple(images.shape)}, allowed is "
            "floating-point of shape (N, C, H, W), not empty"
        )


def mix(images: torch.Tensor, partner: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Mix each image with its partner.

    Formula:    out[b] = w[b] x[b] + (1 − w[b]) x[partner[b]].
    Shapes:     images (N, C, H, W), partner (N,) of int64 in [0, N), weight (N,) -> (N, C, H, W).
    Raises:     ValueError for other shapes and dtypes.
    Source:     Zhang, Cissé, Dauphin & Lopez-Paz 2018.
    """
    _check(images)
    count = len(images)
    if partner.shape != (count,) or partner.dtype != torch.int64:
        raise ValueError(
            f"partner: got {partner.dtype} of shape {tuple(partner.shape)}, allowed is int64 of "
            f"shape ({count},)"
        )
    if weight.shape != (count,):
        raise ValueError(f"weight: got shape {tuple(weight.shape)}, allowed is ({count},)")

    if not _kernel_runs(images, weight):
        share = weight[:, None, None, None]
        return (share * images + (1 - share) * images[partner]).to(images.dtype)
    images = images.contiguous()
    out = torch.empty_like(images)
    size = images[0].numel()
    grid = (count, triton.cdiv(size, 1024))
    mixup[grid](images, partner.contiguous(), weight.contiguous(), out, size, BLOCK=1024)
    return out


def blank(images: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """Set a box of each image to 0, in place, in all of its channels.

    Shapes:     images (N, C, H, W) contiguous, boxes (N, 4) of int64, each top, left, height and
                width -> the images.
    Convention: a box counts as far as it lies inside. 0 is the mean of normalized images.
    Raises:     ValueError for other shapes and dtypes.
    Source:     DeVries & Taylor 2017.
    """
    _check(images)
    if boxes.shape != (len(images), 4) or boxes.dtype != torch.int64:
        raise ValueError(
            f"boxes: got {boxes.dtype} of shape {tuple(boxes.shape)}, allowed is int64 of shape "
            f"({len(images)}, 4)"
        )
    if not images.is_contiguous():
        raise ValueError("images: allowed are contiguous ones")

    count, channels, height, width = images.shape
    if not _kernel_runs(images):
        top, left, high, wide_ = boxes[:, :, None].unbind(1)
        row = torch.arange(height, device=images.device)
        column = torch.arange(width, device=images.device)
        rows = (row >= top) & (row < top + high)
        columns = (column >= left) & (column < left + wide_)
        return images.masked_fill_(rows[:, None, :, None] & columns[:, None, None, :], 0)
    cutout[(count, channels)](images, boxes.contiguous(), channels, height, width, 16, 32)
    torch.autograd.graph.increment_version(images)
    return images


def warp(images: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
    """Warp each image by an affine map of its own.

    Formula:    the output pixel at (x, y) shows the source at θ (x, y, 1); each side of the image
                runs from −1 to 1, edge to edge. Between pixels bilinear.
    Shapes:     images (N, C, H, W), theta (N, 2, 3) -> (N, C, H, W).
    Convention: what comes from outside of the image is 0. No grid is written to memory; where a
                gradient is wanted, torch's two steps are used.
    Raises:     ValueError for other shapes.
    Source:     Jaderberg et al. 2015; `F.affine_grid` and `F.grid_sample(align_corners=False)`.
    """
    _check(images)
    if theta.shape != (len(images), 2, 3):
        raise ValueError(f"theta: got shape {tuple(theta.shape)}, allowed is ({len(images)}, 2, 3)")

    if not _kernel_runs(images, theta):
        grid = F.affine_grid(theta, images.shape, align_corners=False)  # type: ignore[arg-type]
        return F.grid_sample(images, grid, align_corners=False)
    images = images.contiguous()
    out = torch.empty_like(images)
    count, channels, height, width = images.shape
    affine_warp[(count, triton.cdiv(height * width, 512))](
        images, theta.contiguous(), out, channels, height, width, BLOCK=512
    )
    return out


def mixup_bytes(elements: int, size: int) -> int:
    """Count the fewest bytes that mixup can move.

    Formula: 3 E s: an image, its partner and the result, s bytes an element. What is read once for
             two programs at one time (2 E s) is the cache's luck and not counted.
    """
    return 3 * elements * size


def cutout_bytes(area: int, channels: int, size: int) -> int:
    """Count the fewest bytes that cutout can move.

    Formula: A C s, with A the pixels of all boxes as far as they lie inside; nothing is read.
    """
    return area * channels * size


def affine_warp_bytes(elements: int, size: int, *, corners: float = 4) -> int:
    """Count the bytes that a warp moves which reads every source pixel that it needs.

    Formula:    (k + 1) E s: for each of E outputs its k corners, and the output, s bytes each.
    Convention: k is 4 inside of the image in general, 1 where pixels fall on pixels, 0 outside.
                Neighbors share corners: with a cache, 2 E s of them reach memory.
    """
    return round((corners + 1) * elements * size)

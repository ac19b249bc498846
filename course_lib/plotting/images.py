"""Images side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from course_lib.plotting.frame import as_array, finished, grid_of_panels, least_and_greatest


def image_grid(
    images: Any,
    labels: Sequence[Any] | None = None,
    *,
    columns: int = 8,
    size: float = 1.2,
    title: str = "",
) -> Figure:
    """Show images side by side, each under its label and `size` inches wide.

    Shapes: images (N, H, W) or (N, 1, H, W), dark where the value is high, on one scale for all;
            or (N, 3, H, W), red, green and blue in [0, 1].
    """
    pixels = as_array(images)
    if pixels.ndim == 4 and pixels.shape[1] == 1:
        pixels = pixels[:, 0]
    in_color = pixels.ndim == 4 and pixels.shape[1] == 3
    if not (pixels.ndim == 3 or in_color) or len(pixels) == 0:
        raise ValueError(
            f"images: got shape {pixels.shape}, allowed is (N, H, W), (N, 1, H, W) or "
            "(N, 3, H, W) with N >= 1"
        )
    if labels is not None and len(labels) != len(pixels):
        raise ValueError(f"labels: got {len(labels)}, allowed is one per image ({len(pixels)})")
    if not size > 0:
        raise ValueError(f"size: got {size}, allowed is size > 0")
    if columns < 1:
        raise ValueError(f"columns: got {columns}, allowed is columns >= 1")

    rows, across = pixels.shape[-2:]
    lines = (
        max((_text(label).count("\n") + 1 for label in labels), default=0)
        if labels is not None
        else 0
    )
    height = size * min(1.0, rows / across) + 0.25 * lines
    figure, panels = grid_of_panels(len(pixels), columns, width=size, height=height, balanced=False)
    low, high = least_and_greatest([pixels[np.isfinite(pixels)].ravel()])
    for number, axes in enumerate(panels):
        if in_color:
            axes.imshow(np.clip(pixels[number].transpose(1, 2, 0), 0, 1))
        else:
            axes.imshow(pixels[number], cmap="gray_r", vmin=low, vmax=high)
        axes.set_axis_off()
        if labels is not None:
            axes.set_title(_text(labels[number]), fontsize=10, loc="center")
    return finished(figure, title)


def _text(label: Any) -> str:
    return str(label.item() if isinstance(label, torch.Tensor | np.generic) else label)

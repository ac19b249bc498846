"""What every figure of the course shares: its style, its axes, its frame."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

# Okabe & Ito 2008, told apart with every common color blindness; yellow is left out, too pale.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK = "#333333"
GRID = "#E2E2E2"

Values = Sequence[float] | np.ndarray | torch.Tensor


def style() -> None:
    """Set fonts, colors and sizes for every figure that follows."""
    plt.rcParams.update(
        {
            "figure.figsize": (7.0, 4.0),
            "figure.dpi": 100,
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "savefig.facecolor": "white",
            "font.size": 11,
            "axes.titlesize": 12,
            "axes.titlelocation": "left",
            "axes.labelsize": 11,
            "axes.labelcolor": INK,
            "axes.edgecolor": "#8A8A8A",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.grid": True,
            "axes.prop_cycle": cycler(color=PALETTE),
            "grid.color": GRID,
            "grid.linewidth": 0.8,
            "xtick.color": INK,
            "ytick.color": INK,
            "xtick.labelsize": 10,
            "ytick.labelsize": 10,
            "text.color": INK,
            "lines.linewidth": 2.0,
            "lines.markersize": 5.0,
            "legend.facecolor": "white",  # a curve behind the words must not strike them through
            "legend.framealpha": 0.85,
            "legend.edgecolor": "none",
            "legend.fontsize": 10,
            "image.cmap": "gray_r",
        }
    )


def one_panel(width: float = 7.0) -> tuple[Figure, Axes]:
    return plt.subplots(figsize=(width, 4.0), layout="constrained")


def grid_of_panels(
    count: int, columns: int, *, width: float, height: float, balanced: bool = True
) -> tuple[Figure, list[Axes]]:
    """Lay out `count` panels in rows; balanced rows hold nearly equally many."""
    rows = math.ceil(count / columns)
    columns = math.ceil(count / rows) if balanced else min(columns, count)
    size = (max(2.4, width * columns), height * rows + 0.2)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    panels = list(grid.flat)
    for unused in panels[count:]:
        unused.remove()
    return figure, panels[:count]


def finished(figure: Figure, title: str) -> Figure:
    """Give the figure its title and close it, so that a notebook shows it once and not twice."""
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=13)
    plt.close(figure)
    return figure


def place_legend(axes: Axes, count: int) -> None:
    """Lay the legend where it hides least: inside for a few lines, beside the axes for many."""
    if count > 4:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    elif count:
        axes.legend(loc="best")


def not_empty(name: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(values, Mapping) or not values:
        raise ValueError(
            f"{name}: got {type(values).__name__} of {len(values)}, allowed is a dictionary "
            "from label to values with at least one entry"
        )
    return values


def as_curve(label: str, values: Any) -> np.ndarray:
    line = as_array(values)
    if line.ndim != 1 or line.size == 0:
        raise ValueError(f"{label}: got shape {line.shape}, allowed is (T,) with T >= 1")
    return line


def as_array(values: Any) -> np.ndarray:
    """Turn tensors (also with gradients, or a list of them) and sequences into float64."""
    if isinstance(values, torch.Tensor):
        return values.detach().to("cpu", torch.float64).numpy()
    if isinstance(values, list | tuple) and any(isinstance(v, torch.Tensor) for v in values):
        return np.stack([as_array(value) for value in values])
    return np.asarray(values, dtype=np.float64)


def least_and_greatest(arrays: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the least and greatest value of all, a little apart where they are equal."""
    kept = [array for array in arrays if array.size]
    if not kept:
        return -1.0, 1.0
    low, high = min(float(a.min()) for a in kept), max(float(a.max()) for a in kept)
    if low == high:
        pad = abs(low) * 0.5 or 1.0
        return low - pad, high + pad
    return low, high

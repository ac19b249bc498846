"""Functions of one number, each with its slope."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from course_lib.plotting.frame import PALETTE, as_array, finished, grid_of_panels, not_empty

_POINTS = 801
_JUMP = 0.2
_PANELS_A_ROW = 4


def functions_and_slopes(
    functions: Mapping[str, Callable[[torch.Tensor], torch.Tensor]],
    *,
    low: float = -4.0,
    high: float = 4.0,
    title: str = "",
) -> Figure:
    """Draw each function between `low` and `high`, and with it the slope that autograd finds.

    All panels share their axes, so that heights and slopes can be compared by eye.
    """
    not_empty("functions", functions)
    if not low < high:
        raise ValueError(f"low and high: got {low} and {high}, allowed is low < high")
    curves = {label: _curve(function, low, high) for label, function in functions.items()}
    heights = np.concatenate([line for _, *lines in curves.values() for line in lines])
    bottom, top = np.nanmin(heights), np.nanmax(heights)
    pad = 0.06 * (top - bottom) or 1.0

    figure, panels = grid_of_panels(len(curves), _PANELS_A_ROW, width=2.5, height=2.4)
    for axes, (label, (x, y, slope)) in zip(panels, curves.items(), strict=True):
        axes.axhline(0, color="#8A8A8A", linewidth=0.8, zorder=1)
        axes.axvline(0, color="#8A8A8A", linewidth=0.8, zorder=1)
        axes.plot(x, y, color=PALETTE[0], label="value")
        axes.plot(x, slope, color=PALETTE[1], linestyle="--", label="slope")
        axes.set_title(label, fontsize=11)
        axes.set_xlim(low, high)
        axes.set_ylim(bottom - pad, top + pad)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2)
    return finished(figure, title)


def _curve(
    function: Callable[[torch.Tensor], torch.Tensor], low: float, high: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = torch.linspace(low, high, _POINTS, dtype=torch.float64, requires_grad=True)
    y = function(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    slope = as_array(gradient).copy()
    # A jump is drawn as a gap and not as a steep line.
    slope[1:][np.abs(np.diff(slope)) > _JUMP] = np.nan
    return as_array(x), as_array(y), slope

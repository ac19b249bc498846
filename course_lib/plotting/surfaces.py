"""Paths over a loss of two weights: as a figure, and as a small film that plays in the notebook."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from course_lib.plotting.frame import (
    INK,
    MARKERS,
    PALETTE,
    as_array,
    finished,
    grid_of_panels,
    not_empty,
    one_panel,
)

Loss = Callable[[np.ndarray, np.ndarray], Any]

_POINTS = 161
_LEVELS = 14
_SIGNS = {
    "minus": "−",
    "fast-backward": "⏮",
    "step-backward": "‹",
    "play fa-flip-horizontal": "◀",
    "pause": "❚❚",
    "play": "▶",
    "step-forward": "›",
    "fast-forward": "⏭",
    "plus": "+",
}


def contour_paths(
    loss: Loss,
    paths: Mapping[str, Any],
    *,
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    log: bool = False,
    minimum: tuple[float, float] | None = None,
    xlabel: str = "first weight",
    ylabel: str = "second weight",
    title: str = "",
) -> Figure:
    """Draw the contour lines of a loss of two weights, and the paths of optimizers over them.

    `loss` takes two arrays of equal shape and returns one. With `log` the levels are equally far
    apart in the logarithm of the loss, which must be positive. Each step is a marker, the start is
    a ring, and `minimum` a cross; what leaves the window is not drawn.

    Shapes: each path (T, 2), the start included.
    """
    lines = _as_paths(paths)
    figure, axes = one_panel()
    _draw_surface(axes, loss, xlim, ylim, log=log)
    _draw_points(axes, lines, minimum)
    for number, (label, path) in enumerate(lines.items()):
        _draw_path(axes, number, label).set_data(path[:, 0], path[:, 1])
    _finish_axes(axes, xlabel, ylabel)
    return finished(figure, title)


def path_panels(
    loss: Loss,
    paths: Mapping[str, Any],
    *,
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    log: bool = False,
    minimum: tuple[float, float] | None = None,
    columns: int = 2,
    xlabel: str = "first weight",
    ylabel: str = "second weight",
    title: str = "",
) -> Figure:
    """Draw every path in a panel of its own, so that none is hidden; else as `contour_paths`."""
    if columns < 1:
        raise ValueError(f"columns: got {columns}, allowed is columns >= 1")
    lines = _as_paths(paths)
    figure, panels = grid_of_panels(len(lines), columns, width=3.6, height=2.7)
    for number, (axes, (label, path)) in enumerate(zip(panels, lines.items(), strict=True)):
        _draw_surface(axes, loss, xlim, ylim, log=log)
        _draw_points(axes, {label: path}, minimum)
        _draw_path(axes, number, label).set_data(path[:, 0], path[:, 1])
        axes.set_title(label, loc="left", fontsize=11)
    figure.supxlabel(xlabel, fontsize=11)
    figure.supylabel(ylabel, fontsize=11)
    return finished(figure, title)


def animated_paths(
    loss: Loss,
    paths: Mapping[str, Any],
    *,
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    log: bool = False,
    minimum: tuple[float, float] | None = None,
    frames: int = 15,
    xlabel: str = "first weight",
    ylabel: str = "second weight",
    title: str = "",
) -> Any:
    """Make a film of the paths that a notebook shows with buttons; it needs no other file.

    The arguments are those of `contour_paths`, which shows the last frame where no film can play.
    The paths are cut into `frames` pieces of equally many steps.

    Returns: an `IPython.display.HTML`, some 40 kB for each frame.
    """
    from IPython.display import HTML
    from matplotlib.animation import FuncAnimation

    if frames < 2:
        raise ValueError(f"frames: got {frames}, allowed is frames >= 2")
    lines = _as_paths(paths)
    steps = max(map(len, lines.values())) - 1
    with plt.rc_context({"figure.dpi": 80, "animation.frame_format": "jpeg"}):
        figure, axes = one_panel(width=6.0)
        _draw_surface(axes, loss, xlim, ylim, log=log)
        _draw_points(axes, lines, minimum)
        drawn = [_draw_path(axes, number, label) for number, label in enumerate(lines)]
        _finish_axes(axes, xlabel, ylabel)

        def show(frame: int) -> list[Line2D]:
            reached = round(frame * steps / (frames - 1))
            for line, path in zip(drawn, lines.values(), strict=True):
                line.set_data(path[: reached + 1, 0], path[: reached + 1, 1])
            axes.set_title(f"{title}: step {reached}" if title else f"step {reached}")
            return drawn

        film = FuncAnimation(figure, show, frames=frames, interval=200)
        page = film.to_jshtml(default_mode="once")
    plt.close(figure)
    return HTML(_without_network(page))


def _without_network(page: str) -> str:
    """The page with signs on its buttons, for which matplotlib would fetch pictures."""
    page = re.sub(r'<link rel="stylesheet"\s+href="http[^>]*>', "", page)
    for name, sign in _SIGNS.items():
        page = page.replace(f'<i class="fa fa-{name}"></i>', sign)
    return page


def _as_paths(paths: Mapping[str, Any]) -> dict[str, np.ndarray]:
    lines = {label: as_array(path) for label, path in not_empty("paths", paths).items()}
    for label, line in lines.items():
        if line.ndim != 2 or line.shape[1] != 2 or len(line) < 1:
            raise ValueError(f"{label}: got shape {line.shape}, allowed is (T, 2) with T >= 1")
    return lines


def _draw_surface(
    axes: Axes, loss: Loss, xlim: tuple[float, float], ylim: tuple[float, float], *, log: bool
) -> None:
    for name, (low, high) in (("xlim", xlim), ("ylim", ylim)):
        if not low < high:
            raise ValueError(f"{name}: got ({low}, {high}), allowed is low < high")
    x, y = np.meshgrid(np.linspace(*xlim, _POINTS), np.linspace(*ylim, _POINTS))
    heights = as_array(loss(x, y))
    if log:
        if not (heights >= 0).all():
            raise ValueError("loss: got a value below 0, allowed with log are values >= 0")
        heights = np.log10(np.maximum(heights, 1e-4 * heights.max()))
    axes.contour(x, y, heights, levels=_LEVELS, cmap="Greys_r", linewidths=0.9, alpha=0.7)
    axes.set_xlim(xlim)
    axes.set_ylim(ylim)
    axes.grid(False)


def _draw_points(
    axes: Axes, lines: Mapping[str, np.ndarray], minimum: tuple[float, float] | None
) -> None:
    ring: dict[str, Any] = {"marker": "o", "markersize": 11, "markerfacecolor": "none"}
    for start in {tuple(path[0]) for path in lines.values()}:
        axes.plot(*start, color=INK, linestyle="none", zorder=5, **ring)
    if minimum is not None:
        axes.plot(*minimum, marker="+", color=INK, markersize=13, markeredgewidth=2, zorder=5)


def _draw_path(axes: Axes, number: int, label: str) -> Line2D:
    (line,) = axes.plot(
        [],
        [],
        color=PALETTE[number % len(PALETTE)],
        marker=MARKERS[number % len(MARKERS)],
        markersize=3.5,
        linewidth=1.4,
        label=label,
        zorder=3,
    )
    return line


def _finish_axes(axes: Axes, xlabel: str, ylabel: str) -> None:
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    labeled = axes.get_legend_handles_labels()
    axes.figure.legend(*labeled, loc="outside lower center", ncols=min(len(labeled[0]), 4))

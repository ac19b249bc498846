"""Learning rates over the steps of a training, and what they are after its end."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from course_lib.plotting.frame import (
    PALETTE,
    Values,
    as_curve,
    finished,
    grid_of_panels,
    not_empty,
    one_panel,
    place_legend,
)

_AFTER = "#F0F0F0"


def rates_over_steps(
    rates: Mapping[str, Values],
    *,
    total_steps: int | None = None,
    every: int = 1,
    log: bool = False,
    xlabel: str = "step",
    ylabel: str = "learning rate",
    title: str = "",
) -> Figure:
    """Draw one staircase per label over the steps 0, 1, …; gray is what comes after `total_steps`.

    Each line is thinner than those before it, so that all are seen where they coincide. `every` is
    the number of steps from one rate to the next, for long trainings.
    """
    if every < 1:
        raise ValueError(f"every: got {every}, allowed is every >= 1")
    lines = {label: as_curve(label, line) for label, line in not_empty("rates", rates).items()}
    figure, axes = one_panel()
    for number, (label, line) in enumerate(lines.items()):
        axes.step(
            every * np.arange(len(line)),
            line,
            where="post",
            color=PALETTE[number % len(PALETTE)],
            linewidth=2.0 * (len(lines) - number),
            label=label,
        )
    if log:
        axes.set_yscale("log")
    _shade_the_end(axes, total_steps)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    place_legend(axes, len(lines))
    return finished(figure, title)


def rate_panels(
    rates: Mapping[str, Values],
    *,
    total_steps: int | None = None,
    columns: int = 4,
    xlabel: str = "step",
    ylabel: str = "learning rate",
    title: str = "",
) -> Figure:
    """Draw every schedule in a panel of its own, all on the same axes, the others pale behind it.

    What comes after `total_steps` lies on gray, with a dot at the first step after the last.
    """
    if columns < 1:
        raise ValueError(f"columns: got {columns}, allowed is columns >= 1")
    lines = {label: as_curve(label, line) for label, line in not_empty("rates", rates).items()}
    figure, panels = grid_of_panels(len(lines), columns, width=2.5, height=1.9)
    limits = _limits(list(lines.values()))
    for axes, (label, line) in zip(panels, lines.items(), strict=True):
        for other in lines.values():
            axes.step(np.arange(len(other)), other, where="post", color="#DDDDDD", linewidth=0.8)
        axes.step(np.arange(len(line)), line, where="post", color=PALETTE[0], zorder=3)
        if total_steps is not None and len(line) > total_steps:
            axes.plot(total_steps, line[total_steps], "o", color=PALETTE[1], zorder=4)
        _shade_the_end(axes, total_steps)
        axes.set_xlim(0, max(len(other) - 1 for other in lines.values()))
        axes.set_ylim(*limits)
        axes.set_title(label, loc="left", fontsize=10)
    figure.supxlabel(xlabel, fontsize=11)
    figure.supylabel(ylabel, fontsize=11)
    return finished(figure, title)


def _shade_the_end(axes: Axes, total_steps: int | None) -> None:
    if total_steps is not None:
        right = axes.get_xlim()[1]
        axes.axvspan(total_steps, max(right, total_steps + 1), color=_AFTER, zorder=0)
        axes.set_xlim(right=max(right, total_steps + 1))


def _limits(lines: list[np.ndarray]) -> tuple[float, float]:
    low, high = min(float(line.min()) for line in lines), max(float(line.max()) for line in lines)
    pad = 0.06 * (high - low) or 0.5
    return low - pad, high + pad

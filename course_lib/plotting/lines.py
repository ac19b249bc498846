"""Lines over depth and over the steps of training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from course_lib.plotting.frame import (
    MARKERS,
    PALETTE,
    Values,
    as_array,
    as_curve,
    finished,
    not_empty,
    one_panel,
    place_legend,
)

_DASHES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))


def lines_over_depth(
    values: Mapping[str, Values],
    *,
    log: bool = False,
    xlabel: str = "layer",
    ylabel: str = "",
    title: str = "",
    reference: float | None = None,
) -> Figure:
    """Draw one line per label over the layers 1, 2, …, with `reference` as a dashed level.

    Each line is thinner than the one before it, so that lines on top of each other are all seen.
    """
    lines = {label: as_curve(label, line) for label, line in not_empty("values", values).items()}
    figure, axes = one_panel()
    if reference is not None:
        axes.axhline(reference, color="#8A8A8A", linestyle="--", linewidth=1.2, zorder=1)
    widths = np.linspace(2.0, 3.5, len(lines))[::-1]
    for number, (label, line) in enumerate(lines.items()):
        axes.plot(
            np.arange(1, len(line) + 1),
            line,
            marker=MARKERS[number % len(MARKERS)],
            linewidth=widths[number],
            markersize=3 + widths[number],
            color=PALETTE[number % len(PALETTE)],
            label=label,
        )
    if log:
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    place_legend(axes, len(lines))
    return finished(figure, title)


def lines_over(
    x: Values,
    values: Mapping[str, Values],
    *,
    log: str = "",
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
) -> Figure:
    """Draw one line per label over the places `x`, each in its own style, so that none is hidden.

    `log` names the logarithmic axes: "x", "y" or "xy".
    """
    if log not in ("", "x", "y", "xy"):
        raise ValueError(f"log: got {log!r}, allowed are '', 'x', 'y' and 'xy'")
    places = as_curve("x", x)
    lines = {label: as_curve(label, line) for label, line in not_empty("values", values).items()}
    figure, axes = one_panel()
    for number, (label, line) in enumerate(lines.items()):
        if line.shape != places.shape:
            raise ValueError(f"{label}: got {line.size} values, allowed are {places.size}, as in x")
        axes.plot(
            places,
            line,
            color=PALETTE[number % len(PALETTE)],
            linestyle=_DASHES[number % len(_DASHES)],
            label=label,
        )
    for name in log:
        axes.set(**{f"{name}scale": "log"})
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    place_legend(axes, len(lines))
    return finished(figure, title)


def training_curves(
    curves: Mapping[str, Values],
    *,
    log: bool = False,
    xlabel: str = "step",
    ylabel: str = "loss",
    title: str = "",
    window: int | None = None,
) -> Figure:
    """Draw losses or accuracies over the steps: raw values pale, their rolling median strong.

    The median is taken over `window` steps centered on each; left out, a fortieth of the curve,
    and a curve of fewer than 80 steps is drawn as it is. Each median is thinner than the one before
    it, so that curves on top of each other are all seen.
    """
    if window is not None and window < 1:
        raise ValueError(f"window: got {window}, allowed is window >= 1")
    lines = {label: as_curve(label, line) for label, line in not_empty("curves", curves).items()}
    thickness = np.linspace(2.0 + 0.5 * (len(lines) - 1), 2.0, len(lines))
    figure, axes = one_panel()
    for number, (label, line) in enumerate(lines.items()):
        color = PALETTE[number % len(PALETTE)]
        steps = np.arange(1, len(line) + 1)
        width = max(1, len(line) // 40) if window is None else window
        if width > 1:
            axes.plot(steps, line, color=color, alpha=0.22, linewidth=0.9, zorder=1.5)
        median = rolling_median(line, width)
        axes.plot(steps, median, color=color, linewidth=thickness[number], label=label)
    if log:
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    place_legend(axes, len(lines))
    return finished(figure, title)


def rolling_median(values: Values, window: int) -> np.ndarray:
    """Return the median of the `window` values around each, of fewer at both ends."""
    line = as_array(values)
    before, after = window // 2, window - window // 2
    return np.array(
        [np.median(line[max(0, i - before) : i + after]) for i in range(len(line))], dtype=float
    )

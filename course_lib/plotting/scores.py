"""Scores of several runs, with their mean and its standard error."""

from __future__ import annotations

import math
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from course_lib.plotting.frame import (
    PALETTE,
    Values,
    as_curve,
    finished,
    not_empty,
    one_panel,
)


def scores_with_error(
    scores: Mapping[str, Values],
    *,
    ylabel: str = "",
    title: str = "",
    reference: float | None = None,
) -> Figure:
    """Draw every run as a dot, and each mean with one standard error to both sides.

    `reference` is drawn as a dashed level.
    """
    runs = {label: as_curve(label, line) for label, line in not_empty("scores", scores).items()}
    few = [label for label, line in runs.items() if len(line) < 2]
    if few:
        raise ValueError(f"{few[0]}: got a single run, allowed are two or more")
    figure, axes = one_panel(width=max(4.5, 1.1 * len(runs) + 1.5))
    if reference is not None:
        axes.axhline(reference, color="#8A8A8A", linestyle="--", linewidth=1.2, zorder=1)
    for place, line in enumerate(runs.values()):
        beside = place - 0.16 + 0.05 * np.linspace(-1, 1, len(line))
        label = "one run" if place == 0 else None
        axes.plot(beside, line, "o", color=PALETTE[5], markersize=4, alpha=0.8, label=label)
        error = line.std(ddof=1) / math.sqrt(len(line))
        axes.errorbar(
            place + 0.12,
            line.mean(),
            yerr=error,
            fmt="D",
            color=PALETTE[0],
            capsize=4,
            label="mean ± standard error" if place == 0 else None,
        )
    axes.set_xticks(range(len(runs)), list(runs))
    axes.set_xlim(-0.6, len(runs) - 0.4)
    axes.grid(False, axis="x")
    axes.set_ylabel(ylabel)
    figure.legend(loc="outside lower right", ncols=2)  # a narrow figure has no room above
    return finished(figure, title)


def ladder(
    scores: Mapping[str, Values],
    *,
    yours: float | None = None,
    cut: float = -math.inf,
    xlabel: str = "",
    title: str = "",
) -> Figure:
    """Draw a row for each step of a path: its runs, their mean, the change from the row above.

    What lies left of `cut` is told, not drawn, unless all of it does. `yours` is a run of one's
    own, in the last row.
    """
    runs = {label: as_curve(label, line) for label, line in not_empty("scores", scores).items()}
    if all(line.mean() < cut for line in runs.values()):
        cut = -math.inf
    figure, axes = plt.subplots(figsize=(7.5, 0.36 * len(runs) + 1.3), layout="constrained")
    before = None
    for row, line in enumerate(runs.values()):
        mean, told = line.mean(), f"{line.mean():.1f}"
        if before is not None:
            told += f"   {mean - before:+.1f}".replace("-", "−")
        axes.annotate(
            told, (1.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=10
        )
        before = mean
        if mean < cut:
            axes.annotate("◂", (0.01, row), xycoords=("axes fraction", "data"), va="center")
            continue
        axes.plot(line, np.full(len(line), row), "o", color=PALETTE[5], markersize=4, alpha=0.8)
        axes.plot(mean, row, "D", color=PALETTE[0])
    axes.plot([], [], "o", color=PALETTE[5], markersize=4, label="one run")
    axes.plot([], [], "D", color=PALETTE[0], label="mean")
    if yours is not None and yours >= cut:
        axes.plot(yours, len(runs) - 1, "*", color=PALETTE[1], markersize=14, label="yours")
    axes.set_yticks(range(len(runs)), list(runs))
    axes.set_ylim(len(runs) - 0.4, -0.6)
    axes.grid(False, axis="y")
    axes.set_xlabel(xlabel)
    figure.legend(loc="outside lower right", ncols=3)
    return finished(figure, title)

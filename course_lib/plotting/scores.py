"""Scores of several runs, with their mean and its standard error."""

from __future__ import annotations

import math
from collections.abc import Mapping

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

"""Bars, each beside what was predicted for it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from course_lib.plotting.frame import PALETTE, finished, not_empty, one_panel


def bars_with_prediction(
    measured: Mapping[str, float],
    predicted: Mapping[str, float],
    *,
    ylabel: str = "",
    title: str = "",
) -> Figure:
    """Draw each measured value as a bar and what was predicted for it as a level across it.

    `predicted` may leave labels of `measured` out, or all of them: nothing is drawn there.
    """
    not_empty("measured", measured)
    unknown = [label for label in predicted if label not in measured]
    if unknown:
        raise ValueError(
            f"predicted: got {', '.join(map(str, unknown))}, allowed are the labels of measured: "
            f"{', '.join(map(str, measured))}"
        )
    figure, axes = one_panel(width=max(4.5, 1.3 * len(measured) + 1.5))
    heights = [float(value) for value in measured.values()]
    axes.bar(range(len(heights)), heights, width=0.62, color=PALETTE[0], label="measured")
    levels = {n: float(predicted[label]) for n, label in enumerate(measured) if label in predicted}
    said = "measured " if levels else ""
    captions = [f"{label}\n{said}{_number(float(value))}" for label, value in measured.items()]
    if levels:
        places, heights = np.array(list(levels)), list(levels.values())
        left, right = places - 0.42, places + 0.42
        axes.hlines(heights, left, right, color="white", linewidth=5.0, zorder=3)
        axes.hlines(
            heights, left, right, color=PALETTE[1], linewidth=2.6, zorder=4, label="predicted"
        )
    for place, level in levels.items():
        captions[place] += f"\npredicted {_number(level)}"
    axes.set_xticks(range(len(captions)), captions)
    axes.axhline(0, color="#8A8A8A", linewidth=0.8)
    axes.grid(False, axis="x")
    axes.margins(y=0.12)
    axes.set_ylabel(ylabel)
    if levels:
        figure.legend(loc="outside upper right", ncols=2)
    return finished(figure, title)


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")

"""Points in the plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from course_lib.plotting.frame import PALETTE, as_array, finished, grid_of_panels, not_empty

_CLOUDS_A_ROW = 5


def point_clouds(
    clouds: Mapping[str, Any], *, xlabel: str = "", ylabel: str = "", title: str = ""
) -> Figure:
    """Draw each cloud in a panel of its own, all on one scale, with lines through zero.

    Shapes: every value (N, 2).
    """
    points = {label: as_array(cloud) for label, cloud in not_empty("clouds", clouds).items()}
    for label, cloud in points.items():
        if cloud.ndim != 2 or cloud.shape[1] != 2 or len(cloud) == 0:
            raise ValueError(f"{label}: got shape {cloud.shape}, allowed is (N, 2) with N >= 1")
    everything = np.concatenate(list(points.values()))
    everything = everything[np.isfinite(everything).all(axis=1)]
    reach = 1.05 * float(np.abs(everything).max(initial=0.0)) or 1.0

    figure, panels = grid_of_panels(len(points), _CLOUDS_A_ROW, width=2.3, height=2.5)
    for axes, (label, cloud) in zip(panels, points.items(), strict=True):
        axes.axhline(0, color="#8A8A8A", linewidth=0.8, zorder=1)
        axes.axvline(0, color="#8A8A8A", linewidth=0.8, zorder=1)
        axes.scatter(cloud[:, 0], cloud[:, 1], s=6, alpha=0.5, linewidths=0, color=PALETTE[0])
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-reach, reach)
        axes.set_aspect("equal")
        axes.set_title(label, fontsize=10, loc="center")
        axes.tick_params(labelsize=8)
        axes.set_xlabel(xlabel)
    panels[0].set_ylabel(ylabel)
    return finished(figure, title)

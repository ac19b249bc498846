"""Who works on what, and when: one row for each stage of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from course_lib.plotting.frame import (
    PALETTE,
    as_array,
    as_curve,
    finished,
    grid_of_panels,
    not_empty,
)

_IDLE = "#EFEFEF"


def timetables(
    starts: Mapping[str, Any], durations: Mapping[str, Any], *, title: str = ""
) -> Figure:
    """Draw when every stage works on each micro-batch, one panel a label; what is left is idle.

    `starts` has (p, m) starting times for each label, `durations` what each of the p stages takes.
    All panels have the same axis of time, and say which share of it their stages idle.
    """
    tables = {label: as_array(table) for label, table in not_empty("starts", starts).items()}
    taken = {label: as_curve(label, durations[label]) for label in tables}
    for label, table in tables.items():
        if table.ndim != 2 or len(table) != len(taken[label]):
            got = f"{table.shape} and {len(taken[label])} durations"
            raise ValueError(f"{label}: got starts {got}, allowed is (p, m) and p durations")
    ends = {label: (table + taken[label][:, None]).max() for label, table in tables.items()}
    figure, panels = grid_of_panels(len(tables), 1, width=7.4, height=1.7)
    for axes, (label, table) in zip(panels, tables.items(), strict=True):
        stages, count = table.shape
        took, end = taken[label], ends[label]
        for stage in range(stages):
            axes.broken_barh([(0, end)], (stage - 0.4, 0.8), color=_IDLE)
            for number, start in enumerate(table[stage]):
                color = PALETTE[number % len(PALETTE)]
                box = [(start, took[stage])]
                axes.broken_barh(box, (stage - 0.4, 0.8), color=color, edgecolor="white")
                if took[stage] > 0.03 * max(ends.values()):
                    middle = start + took[stage] / 2
                    axes.text(middle, stage, str(number), ha="center", va="center", color="white")
        idle = 1 - count * took.sum() / (stages * end)
        axes.set_title(f"{label}: {100 * idle:.0f} % idle", fontsize=11)
        axes.set_yticks(range(stages), [f"stage {stage}" for stage in range(stages)])
        axes.set_ylim(stages - 0.5, -0.5)
        axes.set_xlim(0, 1.02 * max(ends.values()))
        axes.grid(False, axis="y")
    panels[-1].set_xlabel("time")
    return finished(figure, title)

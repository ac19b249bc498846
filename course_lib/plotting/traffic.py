"""What kernels load and store, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from course_lib.plotting.frame import PALETTE, finished, not_empty, one_panel

_COLORS = {"load": PALETTE[0], "store": PALETTE[1]}


def traffic(
    rows: Mapping[str, Sequence[tuple[str, float]]], *, xlabel: str = "", title: str = ""
) -> Figure:
    """Draw what each row moves as a chain of boxes, and write the sum behind it.

    A row is a list of what is moved and how much, in the order in which it happens:
    `[("load x", 4), ("store y", 4)]`. The first word gives the color.
    """
    not_empty("rows", rows)
    for label, moves in rows.items():
        for what, _ in moves:
            if what.partition(" ")[0] not in _COLORS:
                raise ValueError(f"{label}: got {what!r}, allowed are “load …” and “store …”")
    figure, axes = one_panel(width=8.2)
    figure.set_figheight(0.7 * len(rows) + 1.3)
    totals = [sum(amount for _, amount in moves) for moves in rows.values()]
    for place, (moves, total) in enumerate(zip(rows.values(), totals, strict=True)):
        at = 0.0
        for what, amount in moves:
            does, _, tensor = what.partition(" ")
            axes.barh(place, amount, left=at, height=0.62, color=_COLORS[does], edgecolor="white")
            axes.text(
                at + amount / 2, place, tensor, ha="center", va="center", color="white", fontsize=9
            )
            at += amount
        axes.text(total, place, f" {total:g}", ha="left", va="center")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, 1.1 * max(totals))
    axes.set_xlabel(xlabel)
    axes.grid(False, axis="y")
    handles = [Patch(color=color, label=f"{does}s") for does, color in _COLORS.items()]
    figure.legend(handles=handles, loc="outside upper right", ncols=2)
    return finished(figure, title)

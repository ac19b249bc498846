"""How values are distributed: histograms of layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from course_lib.plotting.frame import (
    PALETTE,
    as_array,
    finished,
    grid_of_panels,
    least_and_greatest,
)

_HISTOGRAMS_A_ROW = 8


def layer_histograms(
    activations: Mapping[str, Any] | Sequence[Any],
    *,
    bins: int = 40,
    same_axis: bool = True,
    title: str = "",
) -> Figure:
    """Show how the values of each layer are distributed, first layer first.

    A sequence is named layer 1, layer 2, …; a mapping names its layers. Each histogram says the
    standard deviation, and how many values are infinite or not a number if any are. With
    `same_axis` all share one horizontal axis, so that shrinking and growing are seen.
    """
    named = _named(activations)
    arrays = {name: as_array(values).ravel() for name, values in named.items()}
    if any(array.size == 0 for array in arrays.values()):
        raise ValueError("activations: got a layer without values, allowed are layers with some")
    if bins < 1:
        raise ValueError(f"bins: got {bins}, allowed is bins >= 1")
    finite = {name: array[np.isfinite(array)] for name, array in arrays.items()}
    common = least_and_greatest(list(finite.values()))

    figure, panels = grid_of_panels(len(arrays), _HISTOGRAMS_A_ROW, width=1.55, height=1.75)
    for axes, (name, array) in zip(panels, arrays.items(), strict=True):
        kept = finite[name]
        low, high = common if same_axis else least_and_greatest([kept])
        axes.hist(np.clip(kept, low, high), bins=bins, range=(low, high), color=PALETTE[0])
        axes.set_xlim(low, high)
        axes.set_title(f"{name}\n{_spread(array, kept)}", fontsize=10, loc="center")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.grid(False)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=3, min_n_ticks=2))
        axes.tick_params(axis="x", labelsize=8)
    return finished(figure, title)


def _named(values: Mapping[str, Any] | Sequence[Any]) -> dict[str, Any]:
    named = (
        {str(name): value for name, value in values.items()}
        if isinstance(values, Mapping)
        else {f"layer {number}": value for number, value in enumerate(values, start=1)}
    )
    if not named:
        raise ValueError("activations: got none, allowed is at least one layer")
    return named


def _spread(array: np.ndarray, finite: np.ndarray) -> str:
    if finite.size < array.size:
        return f"{1 - finite.size / array.size:.0%} not finite"
    return f"std {array.std():.2g}"

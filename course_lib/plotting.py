"""The figures that the labs show again and again.

Each function returns a closed `Figure`: leave it as the last line of a cell, or pass it to
`display`. Its axes are in `figure.axes` for whatever a lab adds. Call `style()` once before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Okabe & Ito 2008, told apart with every common color blindness; yellow is left out, too pale.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

_INK = "#333333"
_GRID = "#E2E2E2"
_HISTOGRAMS_A_ROW = 8

Values = Sequence[float] | np.ndarray | torch.Tensor


def style() -> None:
    """Set fonts, colors and sizes for every figure that follows."""
    plt.rcParams.update(
        {
            "figure.figsize": (7.0, 4.0),
            "figure.dpi": 100,
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "savefig.facecolor": "white",
            "font.size": 11,
            "axes.titlesize": 12,
            "axes.titlelocation": "left",
            "axes.labelsize": 11,
            "axes.labelcolor": _INK,
            "axes.edgecolor": "#8A8A8A",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.grid": True,
            "axes.prop_cycle": plt.cycler(color=PALETTE),
            "grid.color": _GRID,
            "grid.linewidth": 0.8,
            "xtick.color": _INK,
            "ytick.color": _INK,
            "xtick.labelsize": 10,
            "ytick.labelsize": 10,
            "text.color": _INK,
            "lines.linewidth": 2.0,
            "lines.markersize": 5.0,
            "legend.frameon": False,
            "legend.fontsize": 10,
            "image.cmap": "gray_r",
        }
    )


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
    arrays = {name: _array(values).ravel() for name, values in named.items()}
    if any(array.size == 0 for array in arrays.values()):
        raise ValueError("activations: got a layer without values, allowed are layers with some")
    if bins < 1:
        raise ValueError(f"bins: got {bins}, allowed is bins >= 1")
    finite = {name: array[np.isfinite(array)] for name, array in arrays.items()}
    common = _limits(list(finite.values()))

    figure, panels = _panels(len(arrays), _HISTOGRAMS_A_ROW, width=1.55, height=1.75)
    for axes, (name, array) in zip(panels, arrays.items(), strict=True):
        kept = finite[name]
        low, high = common if same_axis else _limits([kept])
        axes.hist(np.clip(kept, low, high), bins=bins, range=(low, high), color=PALETTE[0])
        axes.set_xlim(low, high)
        axes.set_title(f"{name}\n{_spread(array, kept)}", fontsize=10, loc="center")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.grid(False)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=3, min_n_ticks=2))
        axes.tick_params(axis="x", labelsize=8)
    return _finish(figure, title)


def lines_over_depth(
    values: Mapping[str, Values],
    *,
    log: bool = False,
    xlabel: str = "layer",
    ylabel: str = "",
    title: str = "",
    reference: float | None = None,
) -> Figure:
    """Draw one line per label over the layers 1, 2, …, with `reference` as a dashed level."""
    lines = {label: _curve(label, line) for label, line in _some("values", values).items()}
    figure, axes = _single()
    if reference is not None:
        axes.axhline(reference, color="#8A8A8A", linestyle="--", linewidth=1.2, zorder=1)
    for number, (label, line) in enumerate(lines.items()):
        axes.plot(
            np.arange(1, len(line) + 1),
            line,
            marker=MARKERS[number % len(MARKERS)],
            color=PALETTE[number % len(PALETTE)],
            label=label,
        )
    if log:
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    _legend(axes, len(lines))
    return _finish(figure, title)


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
    and a curve of fewer than 80 steps is drawn as it is.
    """
    if window is not None and window < 1:
        raise ValueError(f"window: got {window}, allowed is window >= 1")
    lines = {label: _curve(label, line) for label, line in _some("curves", curves).items()}
    figure, axes = _single()
    for number, (label, line) in enumerate(lines.items()):
        color = PALETTE[number % len(PALETTE)]
        steps = np.arange(1, len(line) + 1)
        width = max(1, len(line) // 40) if window is None else window
        if width > 1:
            axes.plot(steps, line, color=color, alpha=0.22, linewidth=0.9, zorder=1.5)
        axes.plot(steps, rolling_median(line, width), color=color, label=label)
    if log:
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    _legend(axes, len(lines))
    return _finish(figure, title)


def rolling_median(values: Values, window: int) -> np.ndarray:
    """Return the median of the `window` values around each, of fewer at both ends."""
    line = _array(values)
    before, after = window // 2, window - window // 2
    return np.array(
        [np.median(line[max(0, i - before) : i + after]) for i in range(len(line))], dtype=float
    )


def image_grid(
    images: Any, labels: Sequence[Any] | None = None, *, columns: int = 8, title: str = ""
) -> Figure:
    """Show images side by side, each under its label.

    Shapes: images (N, H, W) or (N, 1, H, W), dark where the value is high, on one scale for all;
            or (N, 3, H, W), red, green and blue in [0, 1].
    """
    pixels = _array(images)
    if pixels.ndim == 4 and pixels.shape[1] == 1:
        pixels = pixels[:, 0]
    in_color = pixels.ndim == 4 and pixels.shape[1] == 3
    if not (pixels.ndim == 3 or in_color) or len(pixels) == 0:
        raise ValueError(
            f"images: got shape {pixels.shape}, allowed is (N, H, W), (N, 1, H, W) or "
            "(N, 3, H, W) with N >= 1"
        )
    if labels is not None and len(labels) != len(pixels):
        raise ValueError(f"labels: got {len(labels)}, allowed is one per image ({len(pixels)})")
    if columns < 1:
        raise ValueError(f"columns: got {columns}, allowed is columns >= 1")

    height = 1.2 if labels is None else 1.45
    figure, panels = _panels(len(pixels), columns, width=1.2, height=height, balanced=False)
    low, high = _limits([pixels[np.isfinite(pixels)].ravel()])
    for number, axes in enumerate(panels):
        if in_color:
            axes.imshow(np.clip(pixels[number].transpose(1, 2, 0), 0, 1))
        else:
            axes.imshow(pixels[number], cmap="gray_r", vmin=low, vmax=high)
        axes.set_axis_off()
        if labels is not None:
            axes.set_title(_text(labels[number]), fontsize=10, loc="center")
    return _finish(figure, title)


def bars_with_prediction(
    measured: Mapping[str, float],
    predicted: Mapping[str, float],
    *,
    ylabel: str = "",
    title: str = "",
) -> Figure:
    """Draw each measured value as a bar and what was predicted for it as a level across it.

    `predicted` may leave labels of `measured` out: nothing is drawn there.
    """
    _some("measured", measured)
    unknown = [label for label in predicted if label not in measured]
    if unknown:
        raise ValueError(
            f"predicted: got {', '.join(map(str, unknown))}, allowed are the labels of measured: "
            f"{', '.join(map(str, measured))}"
        )
    figure, axes = _single(width=max(4.5, 1.3 * len(measured) + 1.5))
    heights = [float(value) for value in measured.values()]
    axes.bar(range(len(heights)), heights, width=0.62, color=PALETTE[0], label="measured")
    captions = [f"{label}\nmeasured {float(value):.3g}" for label, value in measured.items()]
    levels = {n: float(predicted[label]) for n, label in enumerate(measured) if label in predicted}
    if levels:
        places, heights = np.array(list(levels)), list(levels.values())
        left, right = places - 0.42, places + 0.42
        axes.hlines(heights, left, right, color="white", linewidth=5.0, zorder=3)
        axes.hlines(
            heights, left, right, color=PALETTE[1], linewidth=2.6, zorder=4, label="predicted"
        )
    for place, level in levels.items():
        captions[place] += f"\npredicted {level:.3g}"
    axes.set_xticks(range(len(captions)), captions)
    axes.axhline(0, color="#8A8A8A", linewidth=0.8)
    axes.grid(False, axis="x")
    axes.margins(y=0.12)
    axes.set_ylabel(ylabel)
    figure.legend(loc="outside upper right", ncols=2)
    return _finish(figure, title)


def _single(width: float = 7.0) -> tuple[Figure, Axes]:
    return plt.subplots(figsize=(width, 4.0), layout="constrained")


def _panels(
    count: int, columns: int, *, width: float, height: float, balanced: bool = True
) -> tuple[Figure, list[Axes]]:
    """Lay out `count` panels in rows; balanced rows hold nearly equally many."""
    rows = math.ceil(count / columns)
    columns = math.ceil(count / rows) if balanced else min(columns, count)
    size = (max(2.4, width * columns), height * rows + 0.2)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    panels = list(grid.flat)
    for unused in panels[count:]:
        unused.remove()
    return figure, panels[:count]


def _finish(figure: Figure, title: str) -> Figure:
    """Give the figure its title and close it, so that a notebook shows it once and not twice."""
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=13)
    plt.close(figure)
    return figure


def _legend(axes: Axes, count: int) -> None:
    """Lay the legend where it hides least: inside for a few lines, beside the axes for many."""
    if count > 4:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    elif count:
        axes.legend(loc="best")


def _named(values: Mapping[str, Any] | Sequence[Any]) -> dict[str, Any]:
    named = (
        {str(name): value for name, value in values.items()}
        if isinstance(values, Mapping)
        else {f"layer {number}": value for number, value in enumerate(values, start=1)}
    )
    if not named:
        raise ValueError("activations: got none, allowed is at least one layer")
    return named


def _some(name: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(values, Mapping) or not values:
        raise ValueError(
            f"{name}: got {type(values).__name__} of {len(values)}, allowed is a dictionary "
            "from label to values with at least one entry"
        )
    return values


def _curve(label: str, values: Any) -> np.ndarray:
    line = _array(values)
    if line.ndim != 1 or line.size == 0:
        raise ValueError(f"{label}: got shape {line.shape}, allowed is (T,) with T >= 1")
    return line


def _array(values: Any) -> np.ndarray:
    """Turn tensors (also with gradients, or a list of them) and sequences into float64."""
    if isinstance(values, torch.Tensor):
        return values.detach().to("cpu", torch.float64).numpy()
    if isinstance(values, list | tuple) and any(isinstance(v, torch.Tensor) for v in values):
        return np.stack([_array(value) for value in values])
    return np.asarray(values, dtype=np.float64)


def _limits(arrays: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the least and greatest value of all, a little apart where they are equal."""
    kept = [array for array in arrays if array.size]
    if not kept:
        return -1.0, 1.0
    low, high = min(float(a.min()) for a in kept), max(float(a.max()) for a in kept)
    if low == high:
        pad = abs(low) * 0.5 or 1.0
        return low - pad, high + pad
    return low, high


def _spread(array: np.ndarray, finite: np.ndarray) -> str:
    if finite.size < array.size:
        return f"{1 - finite.size / array.size:.0%} not finite"
    return f"std {array.std():.2g}"


def _text(label: Any) -> str:
    return str(label.item() if isinstance(label, torch.Tensor | np.generic) else label)

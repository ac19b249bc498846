"""What every picture on a card shares: its paper, its colors, how far it looks."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from autograder.judging import Exercise
from autograder.judging.comparison import Tolerance, same
from autograder.judging.essence import Observation
from course_lib.plotting.frame import GRID, INK, PALETTE

WANTED, YOURS, MARK = PALETTE[0], PALETTE[1], INK

_PIXELS_PER_INCH, _SHARPER, _COLORS = 100, 1.6, 96

# A figure reads the global settings, which are the student's own.
_SETTINGS: Any = {
    "text.usetex": False,
    "text.color": INK,
    "font.size": 9.0,
    "axes.grid": False,
    "axes.titlesize": 9.0,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.unicode_minus": True,
    "legend.fontsize": 9.0,
    "savefig.dpi": "figure",
}
# Beyond so many ranges of what is wanted, nobody would see what is wanted.
_FARTHEST = 8.0


@dataclass(frozen=True)
class Picture:
    """A picture for a card, so many pixels wide, and what is to be seen on it in words."""

    png: bytes
    alt: str
    width: int

    @property
    def url(self) -> str:
        """The picture as an address that holds it, so that it shows without a kernel."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode('ascii')}"


@dataclass(frozen=True)
class Seen:
    """One case of a judgement, for drawing: what was given, seen, and wanted."""

    exercise: Exercise
    inputs: dict[str, Any]
    observed: Observation
    expected: Observation
    dtype: str
    correct: bool

    def same(self, yours: Any, wanted: Any) -> bool:
        """Whether two values are the same up to the rounding of the case."""
        return same(yours, wanted, Tolerance(dtype=self.dtype))


def panels(count: int = 1, *, width: float = 6.0, height: float = 2.5) -> tuple[Figure, list[Axes]]:
    """An empty figure with panels side by side; it is no part of pyplot."""
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(
            figsize=(width, height),
            dpi=_PIXELS_PER_INCH * _SHARPER,
            facecolor="white",
            layout="constrained",
        )
        axes = list(figure.subplots(1, count, squeeze=False)[0])
    for one in axes:
        one.set_facecolor("white")
        one.spines[["top", "right"]].set_visible(False)
        one.spines[["left", "bottom"]].set_color("#8A8A8A")
        one.tick_params(colors=INK, labelsize=8)
        one.grid(True, color=GRID, linewidth=0.8)
        one.set_axisbelow(True)
    return figure, axes


def finished(figure: Figure, alt: str) -> Picture:
    """The figure as a picture, in the few colors that it takes."""
    paper = io.BytesIO()
    with matplotlib.rc_context(_SETTINGS):
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    few = drawn.quantize(_COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(paper, "PNG")
    return Picture(paper.getvalue(), alt, round(drawn.width / _SHARPER))


def legend(axes: Axes) -> None:
    """Say which is which, where it hides least."""
    axes.legend(loc="best", facecolor="white", framealpha=0.85, edgecolor="none", labelcolor=INK)


def look_at(wanted: np.ndarray, yours: np.ndarray) -> tuple[float, float]:
    """From where to where an axis goes: all that is wanted, and of the rest what is not too far."""
    kept = wanted[np.isfinite(wanted)]
    low, high = float(kept.min()), float(kept.max())
    reach = _FARTHEST * ((high - low) or abs(high) or 1.0)
    near = yours[np.isfinite(yours)]
    near = near[(near >= low - reach) & (near <= high + reach)]
    low, high = min([low, *near]), max([high, *near])
    pad = 0.06 * ((high - low) or abs(high) or 1.0)
    return low - pad, high + pad


def number(value: float) -> str:
    """A number as it is read in a sentence."""
    return f"{value:.3g}"


def as_numbers(value: Any, shape: tuple[int, ...] | None = None) -> np.ndarray | None:
    """Plain data as an array of float64, None in it as nan; None where it is none, or of another
    ``shape``.
    """
    if isinstance(value, list):
        found = [np.asarray(np.nan) if item is None else as_numbers(item) for item in value]
        parts = [part for part in found if part is not None]
        if len(parts) < len(found) or len({part.shape for part in parts}) != 1:
            return None
        array = np.stack(parts)
    elif isinstance(value, (bool, int, float)) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
    ):
        array = np.asarray(value, dtype=np.float64)
    else:
        return None
    return array if shape is None or array.shape == shape else None

"""The figures that the labs show again and again.

Each function returns a closed `Figure`: leave it as the last line of a cell, or pass it to
`display`. Its axes are in `figure.axes` for whatever a lab adds. Call `style()` once before.
"""

from course_lib.plotting.bars import bars_with_prediction
from course_lib.plotting.distributions import layer_histograms
from course_lib.plotting.frame import MARKERS, PALETTE, style
from course_lib.plotting.images import image_grid
from course_lib.plotting.lines import lines_over_depth, rolling_median, training_curves

__all__ = [
    "MARKERS",
    "PALETTE",
    "bars_with_prediction",
    "image_grid",
    "layer_histograms",
    "lines_over_depth",
    "rolling_median",
    "style",
    "training_curves",
]

"""The figures that the labs show again and again.

Each function returns a closed `Figure`: leave it as the last line of a cell, or pass it to
`display`. Its axes are in `figure.axes` for whatever a lab adds. Call `style()` once before.
"""

from course_lib.plotting.bars import bars_with_prediction
from course_lib.plotting.distributions import layer_histograms
from course_lib.plotting.frame import MARKERS, PALETTE, style
from course_lib.plotting.functions import functions_and_slopes
from course_lib.plotting.images import image_grid
from course_lib.plotting.lines import lines_over, lines_over_depth, rolling_median, training_curves
from course_lib.plotting.points import point_clouds
from course_lib.plotting.rates import rate_panels, rates_over_steps
from course_lib.plotting.scores import ladder, scores_with_error
from course_lib.plotting.surfaces import animated_paths, contour_paths, path_panels
from course_lib.plotting.timetables import timetables
from course_lib.plotting.traffic import traffic

__all__ = [
    "MARKERS",
    "PALETTE",
    "animated_paths",
    "bars_with_prediction",
    "contour_paths",
    "functions_and_slopes",
    "image_grid",
    "ladder",
    "layer_histograms",
    "lines_over",
    "lines_over_depth",
    "path_panels",
    "point_clouds",
    "rate_panels",
    "rates_over_steps",
    "rolling_median",
    "scores_with_error",
    "style",
    "timetables",
    "traffic",
    "training_curves",
]

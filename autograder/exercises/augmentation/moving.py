"""Translation and stretching: two affine warps."""

import math

import torch
import torch.nn.functional as F

from autograder import probes
from autograder.exercises.augmentation.coordinates import (
    NO_GRADIENT,
    OF_THE_GRID,
    THE_DEFAULTS,
    WARP_CHECKS,
    coordinate_images,
    through_half,
)
from autograder.exercises.augmentation.lab import lab
from autograder.judging import edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone
from course_lib import augmentation

_CHECKS = [*WARP_CHECKS, keeps_dtype(), leaves_inputs_alone()]
_ZEROS = "theta = images.new_zeros(len(images), 2, 3)"
_EYE = "theta = torch.eye(2, 3).to(images).repeat(len(images), 1, 1)"


def _images(rng):
    height, width = int(rng.integers(22, 26)), int(rng.integers(38, 44))
    return coordinate_images(rng, 3, height, width)


def _shifted(rng):
    whole = rng.choice([-7, -5, -4, 4, 5, 7], size=(3, 2)) * [1.0, -1.0]
    whole[:, 0] += 3 * (whole[:, 0] == whole[:, 1]) + 3 * (whole[:, 0] == -whole[:, 1])
    # So far from whole that rounding, up or down or to the nearest, moves all of an image.
    between = rng.choice([0.4, 0.6], size=(3, 2)) + rng.uniform(-0.04, 0.04, (3, 2))
    return {"images": _images(rng), "shifts": whole + between}


translate = lab.exercise(
    augmentation.translate,
    title="Translate",
    statement=r"""Move the content of image n by `shifts[n]` = (dx, dy) pixels, dx to the **right**, dy
**down**; rows and columns that come in are 0. The shifts need not be whole: between pixels interpolate
bilinearly, which is the default of `F.grid_sample`. Use `F.affine_grid` and `F.grid_sample`, with
`align_corners=False`: half a side is 1 in their coordinates, and θ leads from the output to the input.""",
    points=2,
    minutes=6,
    core=False,
    syllabus=("9.4",),
    hide=("Formula",),
    inputs=_shifted,
    probe=probes.call(),
    checks=_CHECKS,
    forbidden=("torchvision",),
    equivalent_mutants={
        **NO_GRADIENT,
        **THE_DEFAULTS,
        **through_half(
            _EYE,
            "theta[:, 0, 2] = -2 * shifts[:, 0] / width",
            "theta[:, 1, 2] = -2 * shifts[:, 1] / height",
            OF_THE_GRID,
        ),
    },
    hints=(
        "The output at x shows the input at x − dx.",
        "dx pixels are 2 dx / W in the grid's coordinates.",
    ),
)

translate.mistake(
    "wrong_way",
    edit("-2 * shifts[:, 0]", "2 * shifts[:, 0]").also("-2 * shifts[:, 1]", "2 * shifts[:, 1]"),
    "Your content moves the other way. θ leads from the output to the input: a content that goes right "
    "was further *left*, so the sign is a minus.",
)
translate.mistake(
    "rows_for_columns",
    edit("shifts[:, 0] / width", "shifts[:, 1] / width").also(
        "shifts[:, 1] / height", "shifts[:, 0] / height"
    ),
    "dx and dy are exchanged: the first row of θ is for x, the columns.",
)
translate.mistake(
    "a_side_is_one",
    edit("-2 * shifts[:, 0]", "-shifts[:, 0]").also("-2 * shifts[:, 1]", "-shifts[:, 1]"),
    "You move half as far. The grid runs from −1 to 1, so *half* a side is 1: 2 dx / W.",
)
translate.mistake(
    "sides_exchanged",
    edit("shifts[:, 0] / width", "shifts[:, 0] / height").also(
        "shifts[:, 1] / height", "shifts[:, 1] / width"
    ),
    "H and W are exchanged: x is measured in half widths.",
)


translate.mistake(
    "border_repeated",
    edit("(images, grid,", '(images, grid, padding_mode="border",'),
    "What comes in repeats the border. It should be 0, grid_sample's default.",
)
translate.mistake(
    "y_up",
    edit("-2 * shifts[:, 1]", "2 * shifts[:, 1]"),
    "Your dy goes up. y points down, as the rows do: both need the minus.",
)
translate.mistake(
    "x_the_wrong_way",
    edit("-2 * shifts[:, 0]", "2 * shifts[:, 0]"),
    "Your dx goes left: both need the minus, for θ leads from the output to the input.",
)
translate.mistake(
    "pixels_in_the_grid",
    edit("-2 * shifts[:, 0] / width", "-shifts[:, 0]").also(
        "-2 * shifts[:, 1] / height", "-shifts[:, 1]"
    ),
    "You put pixels into θ. In the grid's coordinates half a side is 1: dx pixels are 2 dx / W.",
)
_CORNERS = (
    "With `align_corners=True` −1 and 1 are the centers of the outer pixels, and W − 1 pixels lie between "
    "them. Give `affine_grid` and `grid_sample` both `align_corners=False`."
)
translate.mistake(
    "corners_in_both",
    edit("images.shape, align_corners=False", "images.shape, align_corners=True").also(
        "(images, grid, align_corners=False)", "(images, grid, align_corners=True)"
    ),
    _CORNERS,
)
translate.mistake(
    "corners_in_the_grid",
    edit("images.shape, align_corners=False", "images.shape, align_corners=True"),
    _CORNERS,
)
translate.mistake(
    "corners_in_the_sample",
    edit("(images, grid, align_corners=False)", "(images, grid, align_corners=True)"),
    _CORNERS,
)
translate.mistake(
    "first_shift_for_all",
    edit("-2 * shifts[:, 0]", "-2 * shifts[0, 0]").also("-2 * shifts[:, 1]", "-2 * shifts[0, 1]"),
    "All images move by the first shift. Every image has its own.",
)
_WHOLE = (
    "You move by whole pixels, and the shifts are not whole. Between pixels interpolate bilinearly, which "
    "is the default of `F.grid_sample`."
)
translate.mistake(
    "rounded",
    edit("-2 * shifts[:, 0]", "-2 * shifts[:, 0].round()").also(
        "-2 * shifts[:, 1]", "-2 * shifts[:, 1].round()"
    ),
    _WHOLE,
)
translate.mistake(
    "rounded_down",
    edit("-2 * shifts[:, 0]", "-2 * shifts[:, 0].floor()").also(
        "-2 * shifts[:, 1]", "-2 * shifts[:, 1].floor()"
    ),
    _WHOLE,
)
translate.mistake(
    "cut_off",
    edit("-2 * shifts[:, 0]", "-2 * shifts[:, 0].trunc()").also(
        "-2 * shifts[:, 1]", "-2 * shifts[:, 1].trunc()"
    ),
    _WHOLE,
)
translate.mistake(
    "nearest",
    edit("(images, grid,", '(images, grid, mode="nearest",'),
    _WHOLE,
)


@translate.mistake(
    "`torch.roll` lets what leaves on one side come in on the other. It should be 0 there."
)
def rolled(images, shifts):
    moved = [
        image.roll((int(dy), int(dx)), (1, 2))
        for image, (dx, dy) in zip(images, shifts.tolist(), strict=True)
    ]
    return torch.stack(moved)


@translate.alternative
def by_slices(images, shifts):
    height, width = images.shape[-2:]

    def moved(image, right, down):
        padded = F.pad(image, (width, width, height, height))
        return padded[:, height - down : 2 * height - down, width - right : 2 * width - right]

    out = []
    for image, (dx, dy) in zip(images, shifts.tolist(), strict=True):
        x, y = math.floor(dx), math.floor(dy)
        a, b = dx - x, dy - y
        upper = (1 - a) * moved(image, x, y) + a * moved(image, x + 1, y)
        lower = (1 - a) * moved(image, x, y + 1) + a * moved(image, x + 1, y + 1)
        out.append((1 - b) * upper + b * lower)
    return torch.stack(out)


@translate.alternative
def by_the_grid(images, shifts):
    height, width = images.shape[-2:]
    x = (torch.arange(width).to(images) + 0.5 - shifts[:, :1]) * 2 / width - 1
    y = (torch.arange(height).to(images) + 0.5 - shifts[:, 1:]) * 2 / height - 1
    grid = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), dim=-1)
    return F.grid_sample(images, grid, align_corners=False)


def _stretched(rng):
    """Sources 1 / s pixels apart, where s is well away from 1/2, 2/3 and 2.

    There the nearest pixels of many neighbors would be off by nearly the same, to the same side, so
    that a right answer looked moved.
    """
    factors = rng.permuted([[1.65, 0.6], [0.615, 1.6], [1.37, 1.75]], axis=1)
    height, width = int(rng.integers(30, 34)), int(rng.integers(46, 52))
    return {
        "images": coordinate_images(rng, 3, height, width),
        "factors": factors * rng.uniform(0.98, 1.02, (3, 2)),
    }


stretch = lab.exercise(
    augmentation.stretch,
    title="Stretch",
    statement=r"""Make the content of image n `factors[n]` = (s_x, s_y) times as wide and as high, about the
center: with s_x = 2 a cat is twice as wide. What comes from outside is 0. `F.affine_grid` and
`F.grid_sample` with `align_corners=False`; which numbers stand in θ, which leads from the output to the
input?""",
    points=2,
    minutes=5,
    core=False,
    syllabus=("9.6",),
    hide=("Formula",),
    inputs=_stretched,
    probe=probes.call(),
    checks=_CHECKS,
    forbidden=("torchvision",),
    equivalent_mutants={
        **NO_GRADIENT,
        **THE_DEFAULTS,
        **through_half(
            _ZEROS,
            "theta[:, 0, 0] = 1 / factors[:, 0]",
            "theta[:, 1, 1] = 1 / factors[:, 1]",
            OF_THE_GRID,
        ),
        f"{_ZEROS} => {_ZEROS.replace('= ', '= -')}": "zero has no sign",
        "right only for positive factors": "factors are positive",
    },
    hints=("The output at x from the center shows the input at x / s_x.",),
)

stretch.mistake(
    "inverse",
    edit("1 / factors[:, 0]", "factors[:, 0]").also("1 / factors[:, 1]", "factors[:, 1]"),
    "You shrink where it should grow. θ leads from the output to the input: 1 / s.",
)
stretch.mistake(
    "axes_exchanged",
    edit("theta[:, 0, 0] = 1 / factors[:, 0]", "theta[:, 0, 0] = 1 / factors[:, 1]").also(
        "theta[:, 1, 1] = 1 / factors[:, 1]", "theta[:, 1, 1] = 1 / factors[:, 0]"
    ),
    "s_x and s_y are exchanged: the first row of θ is for x.",
)
stretch.mistake(
    "one_factor_for_both",
    edit("theta[:, 1, 1] = 1 / factors[:, 1]", "theta[:, 1, 1] = 1 / factors[:, 0]"),
    "You stretch both axes by s_x.",
)
stretch.mistake(
    "about_the_corner",
    edit(
        "theta[:, 1, 1] = 1 / factors[:, 1]",
        "theta[:, 1, 1] = 1 / factors[:, 1]\ntheta[:, :, 2] = 1 / factors - 1",
    ),
    "Your upper left corner stays where it is. It is the center that should, where the grid's "
    "coordinates are 0: the last column of θ is 0.",
)
stretch.mistake(
    "border_repeated",
    edit("(images, grid,", '(images, grid, padding_mode="border",'),
    "What comes from outside repeats the border. It should be 0, grid_sample's default.",
)
stretch.mistake(
    "first_factors_for_all",
    edit("1 / factors[:, 0]", "1 / factors[0, 0]").also("1 / factors[:, 1]", "1 / factors[0, 1]"),
    "All images are stretched by the first factors. Every image has its own.",
)
stretch.mistake(
    "about_the_first_center",
    edit(
        "theta[:, 1, 1] = 1 / factors[:, 1]",
        "theta[:, 1, 1] = 1 / factors[:, 1]\n"
        "theta[:, 0, 2] = (1 / factors[:, 0] - 1) * (1 - 1 / images.shape[-1])\n"
        "theta[:, 1, 2] = (1 / factors[:, 1] - 1) * (1 - 1 / images.shape[-2])",
    ),
    "Your upper left pixel stays where it is. It is the center that should, where the grid's "
    "coordinates are 0: the last column of θ is 0.",
)
stretch.mistake(
    "of_the_areas",
    edit("theta[:, 0, 0] = 1 / factors[:, 0]", "theta[:, 0, 0] = factors[:, 0] ** -0.5").also(
        "theta[:, 1, 1] = 1 / factors[:, 1]", "theta[:, 1, 1] = factors[:, 1] ** -0.5"
    ),
    "You take roots. s_x is the factor of the width itself.",
)


@stretch.alternative
def by_diagonals(images, factors):
    theta = F.pad(torch.diag_embed(factors.reciprocal()), (0, 1))
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


@stretch.alternative
def by_the_nearest(images, factors):
    n, _, h, w = images.shape
    y = (torch.arange(h).to(images) + 0.5) * 2 / h - 1
    x = (torch.arange(w).to(images) + 0.5) * 2 / w - 1
    grid = torch.empty(n, h, w, 2).to(images)
    grid[..., 0] = x / factors[:, 0, None, None]
    grid[..., 1] = y[:, None] / factors[:, 1, None, None]
    return F.grid_sample(images, grid, mode="nearest", align_corners=False)

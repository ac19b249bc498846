"""Shearing, the affine warp that keeps the rows."""

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
_EYE = "theta = torch.eye(2, 3).to(images).repeat(len(images), 1, 1)"


def _images(rng):
    height, width = int(rng.integers(22, 26)), int(rng.integers(38, 44))
    return coordinate_images(rng, 3, height, width)


def _sheared(rng):
    return {
        "images": _images(rng),
        "degrees": rng.permuted([-28.0, 22.0, 40.0]) + rng.uniform(-3, 3, 3),
    }


shear = lab.exercise(
    augmentation.shear,
    title="Shear",
    statement=r"""Push the rows of image n sideways, like a pile of cards: content at (x, y) from the center,
x right and y **down**, in pixels, goes to $(x + k y,\; y)$ with $k = \tan a$ and a = `degrees[n]`. What
comes from outside is 0. Mind that `F.affine_grid` measures x in half widths and y in half heights, and
which way θ leads.""",
    points=3,
    minutes=8,
    difficulty=2,
    core=False,
    syllabus=("9.7",),
    hide=("Formula",),
    inputs=_sheared,
    probe=probes.call(),
    checks=_CHECKS,
    forbidden=("torchvision",),
    equivalent_mutants={
        **NO_GRADIENT,
        **THE_DEFAULTS,
        **through_half(
            _EYE,
            "k = torch.tan(torch.deg2rad(degrees.to(images)))",
            "theta[:, 0, 1] = -k * height / width",
            OF_THE_GRID,
        ),
    },
    hints=(
        "The output at (x, y) shows the input at (x − k y, y).",
        "In half sides: u' = u − k v H / W.",
    ),
)

shear.mistake(
    "wrong_way",
    edit("= -k", "= k"),
    "You push the other way: the output at (x, y) shows the input at (x *minus* k y, y).",
)
shear.mistake(
    "sides_ignored",
    edit("-k * height / width", "-k"),
    "Your k is one of the grid's, whose units are half a width in x and half a height in y: multiply by "
    "H / W.",
)
shear.mistake(
    "sides_exchanged",
    edit("-k * height / width", "-k * width / height"),
    "H / W is upside down: v half heights are v H / 2 pixels, and those are v H / W half widths.",
)
shear.mistake(
    "angle_for_tangent",
    edit("torch.tan(torch.deg2rad(degrees.to(images)))", "torch.deg2rad(degrees.to(images))"),
    "You take the angle for its tangent. At 45° k is 1.",
)
shear.mistake(
    "sine_for_tangent",
    edit("torch.tan(", "torch.sin("),
    "You take the sine. At 45° k is 1: the tangent.",
)
shear.mistake(
    "radians",
    edit("torch.tan(torch.deg2rad(degrees.to(images)))", "torch.tan(degrees.to(images))"),
    "`torch.tan` takes radians, your angles are degrees: `torch.deg2rad`.",
)
shear.mistake(
    "columns_pushed",
    edit("theta[:, 0, 1] = -k * height / width", "theta[:, 1, 0] = -k * width / height"),
    "You push the columns up and down. Rows stay rows: the y of the source is y.",
)
shear.mistake(
    "border_repeated",
    edit("(images, grid,", '(images, grid, padding_mode="border",'),
    "What comes from outside repeats the border. It should be 0, grid_sample's default.",
)
shear.mistake(
    "one_angle_for_all",
    edit("degrees.to(images)", "degrees[:1].to(images)"),
    "All images are sheared by the first angle. Every image has its own.",
)
shear.mistake(
    "about_the_top",
    edit(
        "theta[:, 0, 1] = -k * height / width",
        "theta[:, 0, 1] = -k * height / width\ntheta[:, 0, 2] = -k * height / width",
    ),
    "Your upper edge stays where it is. y is measured from the center, whose row stays.",
)
shear.mistake(
    "both_pushed",
    edit(
        "theta[:, 0, 1] = -k * height / width",
        "theta[:, 0, 1] = -k * height / width\ntheta[:, 1, 0] = -k * width / height",
    ),
    "You shear both axes, which changes areas: 1 − k² instead of 1. Rows stay rows.",
)


@shear.alternative
def row_by_row(images, degrees):
    height, width = images.shape[-2:]
    y = torch.arange(height).to(images) + 0.5 - height / 2
    x = torch.arange(width).to(images) + 0.5 - width / 2
    k = torch.tan(degrees * math.pi / 180)[:, None, None]
    source = x - k * y[:, None]
    v = (y / (height / 2))[:, None].expand(source.shape)
    grid = torch.stack([source / (width / 2), v], dim=-1)
    return F.grid_sample(images, grid, align_corners=False)


@shear.alternative
def by_theta(images, degrees):
    h, w = images.shape[-2:]
    slopes = [math.tan(math.radians(a)) for a in degrees.tolist()]
    theta = torch.tensor([[[1, -k * h / w, 0], [0, 1, 0]] for k in slopes], dtype=images.dtype)
    return F.grid_sample(
        images, F.affine_grid(theta, images.shape, align_corners=False), align_corners=False
    )

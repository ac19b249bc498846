"""Turning images: about the center, in pixels, from the output to the input."""

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


WAYS = ("to the right", "to the left", "it stays: theta moves the grid, not the image")


def outcome_of_the_sign() -> str:
    """Closed form: the output at u shows the input at u + 0.25, which lies to its right."""
    return WAYS[1]


lab.prediction(
    "which_way",
    title="Predict: a positive shift",
    statement=(
        "`theta = [[1, 0, 0.25], [0, 1, 0]]` goes into `F.affine_grid`, and its grid into "
        "`F.grid_sample`. Which way does the content of the image move?"
    ),
    minutes=2,
    syllabus=("9.4",),
    choices=WAYS,
    outcome=outcome_of_the_sign,
    explanation=(
        "Theta leads from the output to the input: at u the output shows what was at u + 0.25, to its "
        "right, so the content moves to the *left*. All signs of a warp are those of its inverse."
    ),
)


def _turned(rng):
    count, height, width = 3, int(rng.integers(22, 26)), int(rng.integers(38, 44))
    angles = rng.uniform([15, -75, 100], [40, -50, 140])
    return {
        "images": coordinate_images(rng, count, height, width),
        "degrees": rng.permutation(angles),
    }


rotate = lab.exercise(
    augmentation.rotate,
    title="Rotate by θ",
    statement=r"""Turn image n by `degrees[n]` **counterclockwise** (as one sees it) about its center. Rows
and columns that come from outside are 0; between pixels interpolate bilinearly, as `F.grid_sample` does
unless told otherwise, or take the nearest one.

A warp asks for every *output* pixel where its color comes from. At (x, y) from the center, x to the
right and y **down**, in pixels, the source of a rotation by a is at
$(x\cos a - y\sin a,\; x\sin a + y\cos a)$.

`F.affine_grid(theta, images.shape, align_corners=False)` and
`F.grid_sample(images, grid, align_corners=False)` do the work; theta is (N, 2, 3), its first row for x.
But their coordinates run from −1 to 1 along *each* side: what is one pixel in x is not what it is in y.""",
    points=4,
    minutes=10,
    difficulty=3,
    syllabus=("9.5",),
    hide=("Formula",),
    inputs=_turned,
    probe=probes.call(),
    checks=[*WARP_CHECKS, keeps_dtype(), leaves_inputs_alone()],
    forbidden=("torchvision",),
    equivalent_mutants={
        **NO_GRADIENT,
        **THE_DEFAULTS,
        **through_half(
            "angle = torch.deg2rad(degrees.to(images))",
            "cos, sin, zero = (angle.cos(), angle.sin(), torch.zeros_like(angle))",
            "along_x = torch.stack([cos, -sin * height / width, zero], dim=1)",
            "along_y = torch.stack([sin * width / height, cos, zero], dim=1)",
            "theta = torch.stack([along_x, along_y], dim=1)",
            OF_THE_GRID,
        ),
    },
    hints=(
        "x in pixels is W/2 times the grid's u, y is H/2 times v. Put that into the formula and solve "
        "for the source's u and v.",
        "u' = u cos a − v sin a · H/W, v' = u sin a · W/H + v cos a.",
        "`torch.stack([cos, -sin * H / W, zero], dim=1)` is the first row of every theta.",
    ),
)  # fmt: skip


rotate.mistake(
    "clockwise",
    edit("-sin * height / width", "sin * height / width").also(
        "torch.stack([sin * width / height", "torch.stack([-sin * width / height"
    ),
    "Your images turn the other way round. Theta leads from the output to the input, and y points "
    "down: the source of (x, y) is (x cos a − y sin a, x sin a + y cos a).",
)
rotate.mistake(
    "sides_ignored",
    edit("-sin * height / width", "-sin").also("sin * width / height", "sin"),
    "You turn in the grid's coordinates, where both sides are 2 long, so that an image that is not "
    "square is sheared. Between x and y belong the factors H/W and W/H.",
)
rotate.mistake(
    "sides_exchanged",
    edit("-sin * height / width", "-sin * width / height").also(
        "torch.stack([sin * width / height", "torch.stack([sin * height / width"
    ),
    "H/W and W/H are exchanged: u' = u cos a − v sin a · H/W.",
)
rotate.mistake(
    "degrees_as_radians",
    edit("torch.deg2rad(degrees.to(images))", "degrees.to(images)"),
    "`cos` and `sin` take radians, your angles are degrees: `torch.deg2rad`.",
)
rotate.mistake(
    "about_the_corner",
    edit(
        "-sin * height / width, zero]", "-sin * height / width, cos - sin * height / width - 1]"
    ).also("cos, zero]", "cos, sin * width / height + cos - 1]"),
    "You turn about the upper left corner. In the grid's coordinates the center is (0, 0), and the "
    "third column of theta is 0.",
)
rotate.mistake(
    "rows_exchanged",
    edit("torch.stack([along_x, along_y], dim=1)", "torch.stack([along_y, along_x], dim=1)"),
    "The two rows of theta are exchanged: the first is for x, the column.",
)
rotate.mistake(
    "not_a_rotation",
    edit("-sin * height / width", "sin * height / width"),
    "One of the two sines needs a minus. With the same sign in both, theta mirrors or stretches.",
)
rotate.mistake(
    "border_repeated",
    edit("(images, grid,", '(images, grid, padding_mode="border",'),
    "What comes from outside repeats the border. It should be 0, grid_sample's default.",
)
rotate.mistake(
    "border_reflected",
    edit("(images, grid,", '(images, grid, padding_mode="reflection",'),
    "What comes from outside is mirrored at the border. It should be 0, grid_sample's default.",
)
rotate.mistake(
    "one_angle_for_all",
    edit(
        "torch.deg2rad(degrees.to(images))",
        "torch.deg2rad(degrees.to(images))[:1].expand(len(images))",
    ),
    "All images turn by the first angle. Every image has its own.",
)
rotate.mistake(
    "corners_in_one_place",
    edit("images.shape, align_corners=False", "images.shape, align_corners=True"),
    "`affine_grid` and `grid_sample` disagree about where −1 and 1 are: give both "
    "`align_corners=False`.",
)
rotate.mistake(
    "cosines_stretched",
    edit("[cos, -sin * height / width", "[cos * height / width, -sin * height / width").also(
        "height, cos, zero]", "height, cos * width / height, zero]"
    ),
    "x to x and y to y need no factor: H/W belongs only where y becomes x, W/H where x becomes y.",
)
rotate.mistake(
    "corners_in_both",
    edit("images.shape, align_corners=False", "images.shape, align_corners=True").also(
        "(images, grid, align_corners=False)", "(images, grid, align_corners=True)"
    ),
    "With `align_corners=True` −1 and 1 are the centers of the outer pixels, W − 1 pixels apart, and "
    "H/W is another ratio. Give both calls `align_corners=False`.",
)
rotate.mistake(
    "corners_in_the_other",
    edit("(images, grid, align_corners=False)", "(images, grid, align_corners=True)"),
    "`affine_grid` and `grid_sample` disagree about where −1 and 1 are: give both "
    "`align_corners=False`.",
)
rotate.mistake(
    "pi_forgotten",
    edit("torch.deg2rad(degrees.to(images))", "degrees.to(images) / 180"),
    "Your angles are in half turns. In radians they are degrees · π / 180: `torch.deg2rad`.",
)


@rotate.mistake(
    "All is half a pixel off: the center of pixel i is at i + ½, so from the center of the image it is "
    "i + ½ − W/2 away."
)
def half_a_pixel(images, degrees):
    height, width = images.shape[-2:]
    a = torch.deg2rad(degrees)[:, None, None]
    y = torch.arange(height).to(images)[:, None] - height / 2
    x = torch.arange(width).to(images) - width / 2
    u = (x * a.cos() - y * a.sin()) / (width / 2)
    v = (x * a.sin() + y * a.cos()) / (height / 2)
    return F.grid_sample(images, torch.stack([u, v], dim=-1), align_corners=False)


@rotate.mistake(
    "You put every input pixel where it belongs, so that some places stay empty. Ask for every "
    "*output* pixel where it comes from."
)
def forward(images, degrees):
    height, width = images.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height).to(images) + 0.5 - height / 2,
        torch.arange(width).to(images) + 0.5 - width / 2,
        indexing="ij",
    )
    out = torch.zeros_like(images)
    for n, a in enumerate(torch.deg2rad(degrees)):
        column = (x * a.cos() + y * a.sin() + width / 2).floor().long()
        row = (y * a.cos() - x * a.sin() + height / 2).floor().long()
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        out[n, :, row[inside], column[inside]] = images[n][:, inside]
    return out


@rotate.mistake("Nothing turns.")
def nothing(images, degrees):
    return images.clone()


@rotate.alternative
def by_pixels(images, degrees):
    height, width = images.shape[-2:]
    a = degrees * math.pi / 180
    y, x = torch.meshgrid(
        torch.arange(height).to(images) + 0.5 - height / 2,
        torch.arange(width).to(images) + 0.5 - width / 2,
        indexing="ij",
    )
    cos, sin = torch.cos(a)[:, None, None], torch.sin(a)[:, None, None]
    u, v = (x * cos - y * sin) / (width / 2), (x * sin + y * cos) / (height / 2)
    return F.grid_sample(images, torch.stack([u, v], dim=-1), align_corners=False)


@rotate.alternative
def by_the_nearest(images, degrees):
    h, w = images.shape[2], images.shape[3]
    theta = torch.zeros(len(images), 2, 3, dtype=images.dtype)
    for n, a in enumerate(torch.deg2rad(degrees).tolist()):
        theta[n, 0, :2] = torch.tensor([math.cos(a), -math.sin(a) * h / w])
        theta[n, 1, :2] = torch.tensor([math.sin(a) * w / h, math.cos(a)])
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, mode="nearest", align_corners=False)


@rotate.alternative
def corners_aligned(images, degrees):
    # Pixel centers run from −1 to 1 then, W − 1 pixels apart.
    h, w = images.shape[2] - 1, images.shape[3] - 1
    a = torch.deg2rad(degrees)
    c, s, o = torch.cos(a), torch.sin(a), 0 * a
    theta = torch.stack([c, -s * h / w, o, s * w / h, c, o], dim=1).view(-1, 2, 3)
    grid = F.affine_grid(theta, images.shape, align_corners=True)
    return F.grid_sample(images, grid, align_corners=True)

"""Translation, stretching, shearing: the other affine warps, and the lens, which is none."""

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
    return {"images": _images(rng), "shifts": whole}


translate = lab.exercise(
    augmentation.translate,
    title="Translate",
    statement=r"""Move the content of image n by `shifts[n]` = (dx, dy) pixels, dx to the **right**, dy
**down**; rows and columns that come in are 0. Use `F.affine_grid` and `F.grid_sample`, with
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
    out = []
    for image, (dx, dy) in zip(images, shifts.round().long().tolist(), strict=True):
        padded = F.pad(image, (width, width, height, height))
        out.append(padded[:, height - dy : 2 * height - dy, width - dx : 2 * width - dx])
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


def _bent(low, high, sign):
    def draw(rng):
        k1 = float(rng.uniform(low, high))
        k2 = sign * float(rng.uniform(0.28, 0.34))
        height, width = int(rng.integers(30, 34)), int(rng.integers(46, 52))
        return {"images": coordinate_images(rng, 2, height, width), "k1": k1, "k2": k2}

    return draw


_FINE = "float32 is fine enough for places"


def _unconverted(name, place, view):
    converted = f"{place}.to(images)"
    return f"{name}{converted}{view} => {name}unconverted({place[1:-1]}, {converted}){view}"


lens = lab.exercise(
    augmentation.lens,
    title="A lens",
    statement=r"""A real lens magnifies its edges otherwise than its center. The output pixel at distance r
from the center shows the input in the same direction at

$$r\,(1 + k_1 r^2 + k_2 r^4).$$

r is measured in half **diagonals**: 1 in the corners, whatever the resolution, and the same length along
x and y. For k₁ > 0 the content is pulled inward (a *barrel*), for k₁ < 0 pushed outward (a *pincushion*).
Return all images bent so, with 0 from outside. Build the grid of `F.grid_sample` yourself.""",
    points=3,
    minutes=12,
    difficulty=3,
    core=False,
    syllabus=("9.8",),
    inputs=(_bent(0.35, 0.45, -1), _bent(-0.35, -0.25, 1), _bent(0.35, 0.45, 1)),
    probe=probes.call(),
    checks=_CHECKS,
    forbidden=("torchvision",),
    equivalent_mutants={
        **NO_GRADIENT,
        "return F.grid_sample(images, grid, align_corners=False) => "
        "return F.grid_sample(images, grid)": "false is the default",
        _unconverted("y = ", "(torch.arange(height) + 0.5 - height / 2)", "[:, None]"): _FINE,
        _unconverted("x = ", "(torch.arange(width) + 0.5 - width / 2)", "[None, :]"): _FINE,
        **through_half(
            "y = (torch.arange(height) + 0.5 - height / 2).to(images)[:, None]",
            "x = (torch.arange(width) + 0.5 - width / 2).to(images)[None, :]",
            "r2 = (x ** 2 + y ** 2) / ((width / 2) ** 2 + (height / 2) ** 2)",
            "factor = 1 + k1 * r2 + k2 * r2 ** 2",
            "grid = torch.stack([x * factor / (width / 2), y * factor / (height / 2)], dim=-1)",
            "grid = grid.expand(len(images), -1, -1, -1)",
        ),
    },
    hints=(
        "x = column + ½ − W/2 and y alike; r² = (x² + y²) / ((W/2)² + (H/2)²).",
        "The source is (x, y) times 1 + k₁ r² + k₂ r⁴; grid_sample wants x / (W/2) and y / (H/2).",
    ),
)

lens.mistake(
    "pincushion_for_barrel",
    edit("1 + k1 * r2 + k2 * r2**2", "1 / (1 + k1 * r2 + k2 * r2**2)"),
    "You bend the other way, as if the formula led from the input to the output. It says where the "
    "output comes *from*.",
)
lens.mistake(
    "minus",
    edit("1 + k1 * r2 + k2 * r2**2", "1 - k1 * r2 - k2 * r2**2"),
    "Barrel and pincushion are exchanged: the factor is 1 *plus* k₁ r² + k₂ r⁴.",
)
lens.mistake(
    "each_axis_by_itself",
    edit(
        "(x**2 + y**2) / ((width / 2) ** 2 + (height / 2) ** 2)",
        "((x / width * 2) ** 2 + (y / height * 2) ** 2) / 2",
    ),
    "You measure x in half widths and y in half heights, so circles become ellipses. One length for "
    "both: the half diagonal.",
)
lens.mistake(
    "in_half_widths",
    edit("((width / 2) ** 2 + (height / 2) ** 2)", "((width / 2) ** 2)"),
    "r is 1 at the left and right edge in yours. It is measured in half *diagonals*: 1 in the corners.",
)
lens.mistake(
    "in_whole_diagonals",
    edit("((width / 2) ** 2 + (height / 2) ** 2)", "(width**2 + height**2)"),
    "r is ½ in the corners in yours. It is measured in *half* diagonals.",
)
lens.mistake(
    "r_for_its_square",
    edit("1 + k1 * r2 + k2 * r2**2", "1 + k1 * r2**0.5 + k2 * r2"),
    "You use r and r². The powers are r² and r⁴.",
)
lens.mistake(
    "second_forgotten",
    edit(" + k2 * r2**2", ""),
    "The second term is missing: k₂ r⁴.",
)
lens.mistake(
    "from_the_corner",
    edit("+ 0.5 - height / 2", "+ 0.5")
    .also("+ 0.5 - width / 2", "+ 0.5")
    .also(
        "grid = torch.stack([x * factor / (width / 2), y * factor / (height / 2)], dim=-1)",
        "grid = torch.stack([x * factor / (width / 2) - 1, y * factor / (height / 2) - 1], dim=-1)",
    ),
    "You measure r from the upper left corner. The lens is in front of the center.",
)


@lens.alternative
def in_polar_coordinates(images, k1, k2=0.0):
    h, w = images.shape[-2:]
    y, x = torch.meshgrid(
        torch.linspace(0.5 - h / 2, h / 2 - 0.5, h).to(images),
        torch.linspace(0.5 - w / 2, w / 2 - 0.5, w).to(images),
        indexing="ij",
    )
    half = math.hypot(h, w) / 2
    r, angle = torch.hypot(x, y) / half, torch.atan2(y, x)
    source = half * r * (1 + k1 * r**2 + k2 * r**4)
    grid = torch.stack([source * angle.cos() * 2 / w, source * angle.sin() * 2 / h], dim=-1)
    return F.grid_sample(images, grid.repeat(len(images), 1, 1, 1), align_corners=False)


@lens.alternative
def by_the_nearest(images, k1, k2=0.0):
    n, _, h, w = images.shape
    row, column = torch.arange(h).to(images)[:, None], torch.arange(w).to(images)
    y, x = row - (h - 1) / 2, column - (w - 1) / 2
    r2 = 4 * (y * y + x * x) / (h * h + w * w)
    bend = 1 + r2 * (k1 + k2 * r2)
    grid = torch.stack([2 * x * bend / w, 2 * y * bend / h], dim=2)
    return F.grid_sample(images, torch.stack([grid] * n), mode="nearest", align_corners=False)

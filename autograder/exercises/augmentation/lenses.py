"""The lens, a warp that is not affine."""

import math

import torch
import torch.nn.functional as F

from autograder import probes
from autograder.exercises.augmentation.coordinates import (
    NO_GRADIENT,
    WARP_CHECKS,
    coordinate_images,
    through_half,
)
from autograder.exercises.augmentation.lab import lab
from autograder.judging import edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone
from course_lib import augmentation

_CHECKS = [*WARP_CHECKS, keeps_dtype(), leaves_inputs_alone()]


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
    "one_at_the_edges",
    edit(
        "(x**2 + y**2) / ((width / 2) ** 2 + (height / 2) ** 2)",
        "(x / (width / 2)) ** 2 + (y / (height / 2)) ** 2",
    ),
    "Your r² is (x / (W/2))² + (y / (H/2))²: 2 in the corners, and of another length along x and y. It "
    "is (x² + y²) / ((W/2)² + (H/2)²).",
)
lens.mistake(
    "rows_first",
    edit(
        "[x * factor / (width / 2), y * factor / (height / 2)]",
        "[y * factor / (height / 2), x * factor / (width / 2)]",
    ),
    "Your grid says (y, x). `F.grid_sample` wants x first, the column.",
)
lens.mistake(
    "half_a_pixel",
    edit("+ 0.5 - height / 2", "- height / 2").also("+ 0.5 - width / 2", "- width / 2"),
    "All is half a pixel off: the center of pixel i is at i + ½, so from the center of the image it is "
    "i + ½ − W/2 away.",
)
lens.mistake(
    "corners_aligned",
    edit("(images, grid, align_corners=False)", "(images, grid, align_corners=True)"),
    "With `align_corners=True` −1 and 1 are the centers of the outer pixels, and not the edges, where "
    "x / (W/2) is −1 and 1. Say `align_corners=False`.",
)
lens.mistake(
    "border_repeated",
    edit("(images, grid,", '(images, grid, padding_mode="border",'),
    "What comes from outside repeats the border. It should be 0, grid_sample's default.",
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

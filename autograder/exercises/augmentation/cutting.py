"""Boxes cut out of images and brought to one size."""

import numpy as np
import torch
import torch.nn.functional as F

from autograder import probes
from autograder.exercises.augmentation.coordinates import (
    CONSTANT_STAYS,
    NO_GRADIENT,
    comes_from_the_right_place,
    coordinate_images,
    shows_the_picture,
)
from autograder.exercises.augmentation.lab import lab
from autograder.judging import edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone
from course_lib import augmentation


def _crops(grow):
    def draw(rng):
        count, height, width = (
            int(rng.integers(3, 5)),
            int(rng.integers(34, 38)),
            int(rng.integers(44, 50)),
        )
        h = rng.integers(16, 22, count)
        w = rng.integers(25, 32, count)
        # So near the corner that a slice that ends at row h and column w is not empty.
        top = rng.integers(2, np.minimum(height - h, h - 4))
        left = rng.integers(5, np.minimum(width - w, w - 6))
        small = [int(rng.integers(5, 8)), int(rng.integers(8, 11))]
        large = [int(rng.integers(40, 44)), int(rng.integers(55, 60))]
        return {
            "images": coordinate_images(rng, count, height, width),
            "boxes": torch.tensor([top.tolist(), left.tolist(), h.tolist(), w.tolist()]).T.numpy(),
            "size": large if grow else small,
        }

    return draw


crop_and_resize = lab.exercise(
    augmentation.crop_and_resize,
    title="Cut and resize",
    statement=r"""Now the pixels. Cut box n, `(top, left, height, width)`, out of image n and bring it to
`size` = (h', w'): all together (N, C, h', w').

A pixel is a small square, with its center at row i + ½ and column j + ½, and the *edges* of the box
become the edges of the output. So output pixel (i, j) shows what was at

$$\text{row } top + (i + ½)\,\frac{h}{h'}, \qquad \text{column } left + (j + ½)\,\frac{w}{w'}.$$

Between pixels interpolate as you like; `F.interpolate` may be used, with `mode="bilinear"` or
`"nearest-exact"`. Its default, `"nearest"`, looks half a step away from there and is refused.""",
    points=4,
    minutes=8,
    difficulty=2,
    syllabus=("9.3",),
    hide=("Formula", "Source"),
    inputs=(_crops(False), _crops(True), _crops(False)),
    probe=probes.call(),
    checks=[
        comes_from_the_right_place(edges=True),
        shows_the_picture,
        CONSTANT_STAYS,
        keeps_dtype(),
        leaves_inputs_alone(),
    ],
    forbidden=("torchvision",),
    equivalent_mutants=NO_GRADIENT,
    hints=(
        "Box by box: `for image, (top, left, h, w) in zip(images, boxes.tolist()): …`",
        "`image[:, top : top + h, left : left + w]` is (C, h, w); `F.interpolate` wants a batch: "
        "`[None]`.",
        "`F.interpolate(crop[None], size, mode=\"bilinear\", align_corners=False)`, and `torch.cat` at "
        "the end.",
    ),
)  # fmt: skip


crop_and_resize.mistake(
    "edges_for_sizes",
    edit("top : top + h, left : left + w", "top:h, left:w"),
    "You take the last two numbers for the lower and right edge. They are height and width: the "
    "slice ends at top + height.",
)
crop_and_resize.mistake(
    "rows_for_columns",
    edit("top : top + h, left : left + w", "left : left + w, top : top + h"),
    "Rows and columns are exchanged: the rows come first, `image[:, top : top + h, left : left + w]`.",
)
crop_and_resize.mistake(
    "places_exchanged",
    edit("top : top + h, left : left + w", "left : left + h, top : top + w"),
    "top and left are exchanged: the rows begin at `top`, the first number of a box.",
)
crop_and_resize.mistake(
    "sizes_exchanged",
    edit("top : top + h, left : left + w", "top : top + w, left : left + h"),
    "Height and width of the box are exchanged: it has `height` rows, the third number.",
)
crop_and_resize.mistake(
    "corners_aligned",
    edit('mode="bilinear"', 'mode="bilinear", align_corners=True'),
    "You put the *centers* of the corner pixels onto each other (`align_corners=True`). Here the edges "
    "of the box become the edges of the output.",
)
crop_and_resize.mistake(
    "first_box_for_all",
    edit(
        "images[n : n + 1, :, top : top + h, left : left + w]",
        "images[n : n + 1, :, boxes[0, 0] : boxes[0, 0] + boxes[0, 2], "
        "boxes[0, 1] : boxes[0, 1] + boxes[0, 3]]",
    ),
    "You cut the first image's box out of all of them. Every image has its own.",
)
crop_and_resize.mistake(
    "size_turned",
    edit("left : left + w], size,", "left : left + w], (size[1], size[0]),"),
    "`size` is (height, width), and your images are (width, height).",
)
crop_and_resize.mistake(
    "last_row_missing",
    edit("top : top + h, left : left + w", "top : top + h - 1, left : left + w - 1"),
    "You leave out the last row and column of the box: a slice ends *before* its second number.",
)
crop_and_resize.mistake(
    "padded_by_one",
    edit("top : top + h, left : left + w", "top : top + h + 1, left : left + w + 1"),
    "Your crops are one row and column too large: `top : top + h` has h rows already.",
)


@crop_and_resize.mistake(
    "You cut a piece of the size of the output and do not resize: only the place of the box counts. "
    "All of the box is to be seen."
)
def cut_only(images, boxes, size):
    crops = []
    for image, (top, left, _, _) in zip(images, boxes.tolist(), strict=True):
        crop = image[:, top : top + size[0], left : left + size[1]]
        crops.append(F.pad(crop, (0, size[1] - crop.shape[2], 0, size[0] - crop.shape[1])))
    return torch.stack(crops)


@crop_and_resize.mistake(
    "You resize the whole image. First cut: `image[:, top : top + h, left : left + w]`."
)
def resize_only(images, boxes, size):
    return F.interpolate(images, size, mode="bilinear")


@crop_and_resize.mistake(
    'The mode "nearest" of `F.interpolate` takes the upper left pixel of those it could take, half a '
    'step off. Say `mode="bilinear"`, or "nearest-exact".'
)
def upper_left_pixel(images, boxes, size):
    crops = [
        F.interpolate(image[None, :, top : top + h, left : left + w], size)
        for image, (top, left, h, w) in zip(images, boxes.tolist(), strict=True)
    ]
    return torch.cat(crops)


@crop_and_resize.mistake(
    "You resize to the size and reverse the rows. Row 0 is the upper one, before and after."
)
def upside_down(images, boxes, size):
    crops = [
        F.interpolate(image[None, :, top : top + h, left : left + w], size, mode="bilinear")
        for image, (top, left, h, w) in zip(images, boxes.tolist(), strict=True)
    ]
    return torch.cat(crops).flip(-2)


@crop_and_resize.alternative
def by_the_nearest(images, boxes, size):
    out = []
    for n in range(len(images)):
        top, left, h, w = (int(number) for number in boxes[n])
        piece = images[n : n + 1, :, top : top + h, left : left + w]
        out.append(F.interpolate(piece, size=tuple(size), mode="nearest-exact")[0])
    return torch.stack(out)


@crop_and_resize.alternative
def antialiased(images, boxes, size):
    crops = [
        F.interpolate(
            image[None, :, t : t + h, left : left + w], size, mode="bilinear", antialias=True
        )
        for image, (t, left, h, w) in zip(images, boxes.tolist(), strict=True)
    ]
    return torch.cat(crops)


@crop_and_resize.alternative
def by_grid_sample(images, boxes, size):
    height, width = images.shape[-2:]
    i = (torch.arange(size[0], dtype=images.dtype) + 0.5) / size[0]
    j = (torch.arange(size[1], dtype=images.dtype) + 0.5) / size[1]
    box = boxes.to(images.dtype)
    rows = box[:, :1] + i * box[:, 2:3]
    columns = box[:, 1:2] + j * box[:, 3:]
    grid = torch.stack(
        torch.broadcast_tensors(
            (2 * columns / width - 1)[:, None, :], (2 * rows / height - 1)[:, :, None]
        ),
        dim=-1,
    )
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


@crop_and_resize.alternative
def by_area(images, boxes, size):
    crops = []
    for image, (top, left, h, w) in zip(images, boxes.tolist(), strict=True):
        fine = F.interpolate(
            image[None, :, top : top + h, left : left + w],
            (4 * size[0], 4 * size[1]),
            mode="bilinear",
        )
        crops.append(F.avg_pool2d(fine, 4))
    return torch.cat(crops)

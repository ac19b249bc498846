"""Squares cut out of images that are nowhere 0."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.augmentation.coordinates import NO_GRADIENT
from autograder.exercises.augmentation.lab import holds, lab, read_once, told_by
from autograder.judging import Part, edit
from autograder.judging.checks import (
    Check,
    finding,
    keeps_dtype,
    leaves_inputs_alone,
)
from autograder.judging.statistics import is_equally_often
from autograder.judging.statistics.draws import numbers_of
from course_lib import augmentation


def _to_blank(rng, fewest=145, most=160):
    count, height, width = (
        int(rng.integers(fewest, most)),
        int(rng.integers(6, 8)),
        int(rng.integers(8, 10)),
    )
    return {
        "images": rng.uniform(0.5, 2, (count, 2, height, width))
        * rng.choice([-1, 1], (count, 2, height, width)),
        "size": int(rng.choice([3, 5])),
    }


def _of_even_size(rng):
    return {**_to_blank(rng), "size": 4}


def _at_test_time(rng):
    # As they come back, few images say as much as many.
    return {**_to_blank(rng, 20, 30), "training": False}


@read_once
def _holes(case):
    """What is 0, where all else is as it was: (draws, N, C, H, W)."""
    drawn, x = numbers_of(case, ""), case.inputs["images"]
    if drawn is None or drawn.shape[1:] != x.shape:
        return None
    hole = drawn == 0
    return hole if np.allclose(np.where(hole, x, drawn), x, atol=1e-5) else None


def _in_training(case):
    return case.inputs.get("training", True)


def _squares(case):
    holes = _holes(case)
    if holes is None:
        return finding(False, "0 or as it was", "other numbers", "neither 0 nor as it was")
    if not _in_training(case):
        return finding(not holes.any(), "as they were", "blanked", "blanked in evaluation too")
    same = (holes == holes[:, :, :1]).all()
    rows, columns = holes[:, :, 0].any(axis=3), holes[:, :, 0].any(axis=2)
    full = (holes[:, :, 0] == rows[..., None] & columns[:, :, None]).all()
    right = all(_as_long(lines, case.inputs["size"]) for lines in (rows, columns))
    gist = "another hole in every channel" if not same else "no square of the size"
    return finding(same and full and right, "one square in all channels", gist, gist)


def _as_long(lines, size):
    """Whether every square has ``size`` lines, or fewer and lies at the border."""
    count = lines.sum(axis=2)
    cut_off = lines[:, :, 0] | lines[:, :, -1]
    return bool(((count == size) | ((count < size) & cut_off)).all())


@read_once
def _centers(case):
    """Row and column of the center of every square, from where it begins or, cut off, ends."""
    if not _in_training(case):
        return np.zeros((1, 2), dtype=int)
    hole, size = _holes(case)[:, :, 0], case.inputs["size"]
    found = []
    for lines in (hole.any(axis=3), hole.any(axis=2)):
        first, count = lines.argmax(axis=2), lines.sum(axis=2)
        last = first + count - 1
        top = np.where(first > 0, first, last - size + 1)
        found.append(top + size // 2)
    return np.stack(found, axis=2)


def _all(axis):
    def places(images, training=True, **_):
        return range(images.shape[axis]) if training else [0]

    return places


_SQUARES = Check("one square is blank, in all channels, in training only", _squares)
_ROWS = is_equally_often(
    _all(2), "the center is in every row equally often", of=lambda case: _centers(case)[..., 0]
)
_COLUMNS = is_equally_often(
    _all(3), "the center is in every column equally often", of=lambda case: _centers(case)[..., 1]
)


@read_once
def _upper_ends(case):
    """The first and the last center of squares, as rows."""
    rows = _centers(case)[..., 0]
    return rows.min(), rows.max()


def _of_whole_squares(condition):
    """A hypothesis of squares that each image has by itself; of others it says nothing."""

    def told(case):
        right = _in_training(case) and _squares(case).passed and not _one_hole(case)
        return right and condition(*_upper_ends(case), case.inputs["images"].shape[2])

    return told


def _everything_but(case):
    """Whether what is left would be right as a hole."""
    holes = _holes(case)
    rows, columns = (~holes[:, :, 0]).any(axis=3), (~holes[:, :, 0]).any(axis=2)
    full = (~holes[:, :, 0] == rows[..., None] & columns[:, :, None]).all()
    crossed = (rows[:, :, 0] & rows[:, :, -1]).any()
    return full and not crossed and holes.any(axis=(2, 3, 4)).all()


@read_once
def _one_hole(case):
    holes = _holes(case)
    return bool((holes == holes[:, :1]).all())


cutout = lab.exercise(
    augmentation.cutout,
    title="Cut out",
    statement=r"""*Cutout* hides a square of each image, so that no network can rely on one part of the animal.
Its center is **any** pixel, all equally likely: row c of 0 … H − 1, and the square covers the rows from
c − size // 2, `size` of them, as far as they lie in the image; columns alike. What is hidden becomes 0,
the mean of normalized images, in all channels. Each image has its own square. With `training=False`
images come back as they are.""",
    parts=[
        Part("the square", 1, (_SQUARES, keeps_dtype(), leaves_inputs_alone())),
        Part("its place", 2, (_SQUARES, _ROWS, _COLUMNS)),
    ],
    minutes=8,
    difficulty=2,
    core=False,
    syllabus=("9.9",),
    hide=("Formula",),
    inputs=(_to_blank, _at_test_time, _of_even_size),
    probe=probes.draws(count=5),
    forbidden=("torchvision",),
    signature=told_by(
        _SQUARES,
        _ROWS,
        _COLUMNS,
        holds("one for all", _one_hole),
        holds("the first row", _of_whole_squares(lambda first, last, height: first == 0)),
        holds("the last row", _of_whole_squares(lambda first, last, height: last == height - 1)),
        holds("kept inside", _everything_but),
        holds(
            "in the first channel only",
            lambda case: _in_training(case) and not _holes(case)[:, :, 1:].any(),
        ),
        holds(
            "none at times",
            lambda case: (
                _in_training(case)
                and not _one_hole(case)
                and (~_holes(case).any(axis=(2, 3, 4))).any()
            ),
        ),
        holds("none", lambda case: not _holes(case).any()),
        holds("another value", lambda case: _holes(case) is None),
        holds("in each channel", lambda case: (_holes(case)[:, :, 0] == _holes(case)[:, :, 1]).all()),
        holds(
            "all inside",
            lambda case: (
                not _one_hole(case) and np.ptp(_holes(case)[:, :, 0].sum(axis=(2, 3))) == 0
            ),
        ),
        holds(
            "as large",
            lambda case: (
                not _one_hole(case)
                and _holes(case)[:, :, 0].any(axis=3).sum(axis=2).max() == case.inputs["size"]
            ),
        ),
    ),
    equivalent_mutants={
        **NO_GRADIENT,
        "return images.masked_fill(hole, 0) => return images.masked_fill_(hole, 0)": "a remark tells "
        "who changes an argument",
        "rows = torch.arange(height, device=images.device) => rows = torch.arange(height)": "images lie "
        "on the CPU here",
        "columns = torch.arange(width, device=images.device) => columns = torch.arange(width)": "images "
        "lie on the CPU here",
        "top = torch.randint(height, (count, 1), device=images.device) - size // 2 => "
        "top = torch.randint(height, (count, 1)) - size // 2": "images lie on the CPU here",
        "left = torch.randint(width, (count, 1), device=images.device) - size // 2 => "
        "left = torch.randint(width, (count, 1)) - size // 2": "images lie on the CPU here",
    },
    hints=(
        "Draw the centers of all images at once: `torch.randint(H, (N, 1))`.",
        "`rows = torch.arange(H)`; `(rows >= top) & (rows < top + size)` is (N, H), and columns alike.",
        "A pixel is hidden if its row *and* its column are: `a[:, None, :, None] & b[:, None, None, :]`.",
    ),
)  # fmt: skip

cutout.mistake(
    "fully_inside",
    edit(
        "torch.randint(height, (count, 1), device=images.device) - size // 2",
        "torch.randint(height - size + 1, (count, 1))",
    ).also(
        "torch.randint(width, (count, 1), device=images.device) - size // 2",
        "torch.randint(width - size + 1, (count, 1))",
    ),
    "Your squares lie fully inside, so the corners are hardly ever hidden. The *center* is anywhere, and "
    "the square may hang over the border.",
)
cutout.mistake(
    "center_taken_for_corner",
    edit(
        "torch.randint(height, (count, 1), device=images.device) - size // 2",
        "torch.randint(height, (count, 1))",
    ).also(
        "torch.randint(width, (count, 1), device=images.device) - size // 2",
        "torch.randint(width, (count, 1))",
    ),
    "Yours is the upper left corner, not the center: the square begins at c − size // 2.",
)
cutout.mistake(
    "one_for_all",
    edit("torch.randint(height, (count, 1)", "torch.randint(height, (1, 1)").also(
        "torch.randint(width, (count, 1)", "torch.randint(width, (1, 1)"
    ),
    "All images of a batch lose the same square. Draw a center for each.",
)
cutout.mistake(
    "ones",
    edit("masked_fill(hole, 0)", "masked_fill(hole, 1)"),
    "You fill with another value. It should be 0, the mean of normalized images.",
)
cutout.mistake(
    "in_evaluation_too",
    edit("if not training:", "if False:"),
    "You blank at test time too. With `training=False` images come back as they are.",
)
cutout.mistake(
    "rows_or_columns",
    edit("in_rows[:, None, :, None] & in", "in_rows[:, None, :, None] | in"),
    "You hide whole rows and columns, a cross. A pixel is hidden if its row *and* its column are.",
)


cutout.mistake(
    "last_center_never",
    edit("torch.randint(height, (count", "torch.randint(height - 1, (count").also(
        "torch.randint(width, (count", "torch.randint(width - 1, (count"
    ),
    "The last row and the last column are never a center: `torch.randint(n, …)` stops at n − 1 by itself.",
)
cutout.mistake(
    "kept_inside",
    edit("masked_fill(hole, 0)", "masked_fill(~hole, 0)"),
    "You keep what lies inside the square and blank all else. It is the square that is hidden.",
)
cutout.mistake(
    "first_channel_only",
    edit(
        "return images.masked_fill(hole, 0)",
        "out = images.clone()\nout[:, :1] = images[:, :1].masked_fill(hole, 0)\nreturn out",
    ),
    "Only channel 0 loses its square. What is hidden is hidden in all channels.",
)


@cutout.mistake(
    "Where the square hangs over the upper or left border, your slice begins below 0, which counts from "
    "the end, and hides nothing: `max(0, top) : top + size`."
)
def counted_from_the_end(images, size, training=True):
    if not training:
        return images
    out = images.clone()
    for image in out:
        top = int(torch.randint(image.shape[1], ())) - size // 2
        left = int(torch.randint(image.shape[2], ())) - size // 2
        image[:, top : top + size, left : left + size] = 0
    return out


@cutout.mistake(
    "Every channel loses a square of its own. One square an image, in all its channels."
)
def in_each_channel(images, size, training=True):
    if not training:
        return images
    count, channels, height, width = images.shape
    top = torch.randint(height, (count, channels, 1, 1)) - size // 2
    left = torch.randint(width, (count, channels, 1, 1)) - size // 2
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    hole = (rows >= top) & (rows < top + size) & (columns >= left) & (columns < left + size)
    return images.masked_fill(hole, 0)


@cutout.mistake("Nothing is hidden.")
def nothing(images, size, training=True):
    return images.clone()


@cutout.alternative
def by_loop(images, size, training=True):
    if not training:
        return images.clone()
    out = images.clone()
    for image in out:
        top = int(torch.randint(image.shape[1], ())) - size // 2
        left = int(torch.randint(image.shape[2], ())) - size // 2
        image[:, max(0, top) : top + size, max(0, left) : left + size] = 0
    return out

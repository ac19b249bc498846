"""Random crops of padded images, on numbered pixels."""

import numpy as np
import torch
import torch.nn.functional as F

from autograder import probes
from autograder.exercises.augmentation.coordinates import NO_GRADIENT
from autograder.exercises.augmentation.lab import holds, lab, read_once, told_by
from autograder.judging import edit
from autograder.judging.checks import (
    Check,
    finding,
    keeps_dtype,
    leaves_inputs_alone,
)
from autograder.judging.statistics import are_independent, is_equally_often
from autograder.judging.statistics.draws import numbers_of
from course_lib import augmentation


def _to_crop(padding):
    """With one padding alone, 2 · padding + 1 would be padding + 2, or another formula."""

    def draw(rng):
        # In every crop some pixel of the image is left, whose number tells the place.
        count, height, width = int(rng.integers(130, 150)), 4, int(rng.integers(5, 7))
        pixels = 1.0 + rng.permutation(2 * height * width).reshape(1, 2, height, width)
        pixels *= rng.choice([-1, 1], pixels.shape)
        return {
            "images": np.repeat(pixels * rng.uniform(0.5, 1.5), count, axis=0),
            "padding": padding,
            "fill": float(rng.uniform(0.1, 0.4)),
        }

    return draw


@read_once
def _crop_places(case):
    """Top and left of every crop, −1 where it is none: (draws, N, 2)."""
    x, padding = case.inputs["images"], case.inputs["padding"]
    drawn = numbers_of(case, "")
    if drawn is None or drawn.shape[1:] != x.shape:
        return None
    edges = ((0, 0), (padding, padding), (padding, padding))
    padded = np.pad(x[0], edges, constant_values=case.inputs["fill"])
    height, width = x.shape[2:]
    found = np.full((*drawn.shape[:2], 2), -1)
    for top in range(2 * padding + 1):
        for left in range(2 * padding + 1):
            crop = padded[:, top : top + height, left : left + width]
            same = np.abs(drawn - crop).max(axis=(2, 3, 4)) < 1e-4
            found[same] = top, left
    return found


def _is_a_crop(case):
    places = _crop_places(case)
    if places is None:
        return finding(False, "the shape of the images", "another shape", "of another shape")
    strange = float((places[..., 0] < 0).mean())
    observed = f"{strange:.0%} are no crop of the padded image"
    return finding(strange == 0, "crops of the padded images", observed, observed)


def _all_places(padding, **_):
    return range(2 * padding + 1)


def _top(case):
    return _crop_places(case)[..., 0]


def _left(case):
    return _crop_places(case)[..., 1]


def _one_place(case):
    return np.ptp(_crop_places(case), axis=1).max() == 0


_IS_A_CROP = Check("every image is a piece of its padded version", _is_a_crop)
_ROWS = is_equally_often(_all_places, "every row of places comes equally often", of=_top)
_COLUMNS = is_equally_often(_all_places, "every column of places comes equally often", of=_left)
_BY_THEMSELVES = are_independent(_top, _left, "top and left are drawn each by itself")


def _as_far_as(place):
    def reached(case):
        return not _one_place(case) and _crop_places(case).max() == place

    return holds(f"as far as {place}", reached)


random_crop = lab.repair(
    augmentation.random_crop,
    planted="last_place_never",
    title="Repair: pad and crop",
    statement=r"""The augmentation of nearly all CIFAR recipes: pad each image by `padding` pixels of value
`fill` on all sides, and cut a piece of the old size out of it. All (2 · padding + 1)² places should be
equally likely, each image with its own. In the code below some never come. Find and mend it.""",
    points=2,
    minutes=5,
    core=False,
    syllabus=("9.2",),
    inputs=(_to_crop(2), _to_crop(3), _to_crop(2)),
    probe=probes.draws(count=4),
    checks=[
        _IS_A_CROP,
        _ROWS,
        _COLUMNS,
        _BY_THEMSELVES,
        keeps_dtype(),
        leaves_inputs_alone(),
    ],
    signature=told_by(
        _IS_A_CROP,
        holds("one place", _one_place),
        *(_as_far_as(place) for place in range(7)),
        holds("first one", lambda case: _one_place(case) or _crop_places(case).min() == 0),
        holds(
            "diagonal",
            lambda case: not _one_place(case)
            and (_crop_places(case)[..., 0] == _crop_places(case)[..., 1]).all(),
        ),
    ),
    forbidden=("torchvision",),
    equivalent_mutants=NO_GRADIENT,
    hints=("How many places are there from 0 to 2 · padding? What does `torch.randint(n, …)` give?",),
)  # fmt: skip

random_crop.mistake(
    "last_place_never",
    edit("2 * padding + 1", "2 * padding"),
    "The last place never comes: `torch.randint(n, …)` stops at n − 1, and from 0 to 2 · padding there "
    "are 2 · padding + 1 places.",
)
random_crop.mistake(
    "one_place_for_all",
    edit(
        "torch.randint(2 * padding + 1, (count, 2))",
        "torch.randint(2 * padding + 1, (1, 2)).repeat(count, 1)",
    ),
    "All images of a batch are cut at the same place. Draw one for each.",
)
random_crop.mistake(
    "along_the_diagonal",
    edit(
        "torch.randint(2 * padding + 1, (count, 2))",
        "torch.randint(2 * padding + 1, (count, 1)).repeat(1, 2)",
    ),
    "One number decides for top and left. Draw both.",
)
random_crop.mistake(
    "padding_on_one_side",
    edit("2 * padding + 1", "padding + 2"),
    "You draw from 0 to padding + 1. Both sides are padded, so the places go from 0 to 2 · padding: "
    "2 · padding + 1 of them.",
)
random_crop.mistake(
    "padding_once",
    edit("2 * padding + 1", "padding + 1"),
    "You draw from 0 to padding, so what comes in comes from above and from the left only. Both sides "
    "are padded: from 0 to 2 · padding.",
)
random_crop.mistake(
    "three_places",
    edit("2 * padding + 1", "3"),
    "You draw one of three places, which is right for padding = 1 alone: there are 2 · padding + 1.",
)
_BEYOND = (
    "Some of your places lie beyond the padded image, so that the crops are too small to be stacked: the "
    "last one is 2 · padding, and `torch.randint(n, …)` stops at n − 1."
)
random_crop.mistake(
    "beyond_the_padding",
    edit("2 * padding + 1", "3 * padding"),
    _BEYOND,
    raises="RuntimeError",
)
random_crop.mistake(
    "one_place_too_many",
    edit("2 * padding + 1", "2 * padding + 2"),
    _BEYOND,
    raises="RuntimeError",
)
random_crop.mistake(
    "filled_with_zeros",
    edit("value=fill", "value=0.0"),
    "You pad with zeros. What comes in has the value `fill`.",
)


@random_crop.alternative
def by_unfold(images, padding, fill=0.0):
    n, _, h, w = images.shape
    padded = F.pad(images, (padding, padding, padding, padding), value=fill)
    tops = torch.randint(0, 2 * padding + 1, (n,))
    lefts = torch.randint(0, 2 * padding + 1, (n,))
    out = torch.empty_like(images)
    for i in range(n):
        out[i] = padded[i, :, tops[i] : tops[i] + h, lefts[i] : lefts[i] + w]
    return out

"""Random crops of padded images, on numbered pixels."""

import numpy as np
import torch
import torch.nn.functional as F

from autograder import probes
from autograder.exercises.augmentation.coordinates import NO_GRADIENT
from autograder.exercises.augmentation.lab import holds, lab, told_by
from autograder.judging import edit
from autograder.judging.checks import (
    Check,
    finding,
    keeps_dtype,
    leaves_inputs_alone,
)
from autograder.judging.statistics import is_equally_often
from autograder.judging.statistics.draws import numbers_of
from course_lib import augmentation


def _to_crop(rng):
    count, height, width = int(rng.integers(240, 270)), 3, int(rng.integers(4, 6))
    pixels = 1.0 + rng.permutation(2 * height * width).reshape(1, 2, height, width)
    pixels *= rng.choice([-1, 1], pixels.shape)
    return {
        "images": np.repeat(pixels * rng.uniform(0.5, 1.5), count, axis=0),
        "padding": 1,
        "fill": float(rng.uniform(0.1, 0.4)),
    }


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
    return [(i, j) for i in range(2 * padding + 1) for j in range(2 * padding + 1)]


def _one_place(case):
    return np.ptp(_crop_places(case), axis=1).max() == 0


_IS_A_CROP = Check("every image is a piece of its padded version", _is_a_crop)
_EVERY_PLACE = is_equally_often(_all_places, "every place comes equally often", of=_crop_places)

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
    inputs=_to_crop,
    probe=probes.draws(count=2),
    checks=[_IS_A_CROP, _EVERY_PLACE, keeps_dtype(), leaves_inputs_alone()],
    signature=told_by(
        _IS_A_CROP,
        holds("one place", _one_place),
        holds("last one", lambda case: _one_place(case) or _crop_places(case).max() == 2),
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

"""Mirrored images, and boxes that go along."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.augmentation.lab import holds, lab, read_once, told_by
from autograder.judging import Part, edit
from autograder.judging.checks import Check, finding, keeps_dtype, leaves_inputs_alone
from autograder.judging.statistics import coins_are_independent, move_together, share_is
from autograder.judging.statistics.draws import NONE_OF_THEM, numbers_of
from course_lib import augmentation


def _images(rng, fewest=80, least=0.2, most=0.24):
    count, channels, height = fewest + int(rng.integers(0, 15)), 2, 3
    width = int(rng.integers(5, 7))
    w = rng.integers(1, 4, count)
    # No box in the middle: mirrored it would be where it was.
    left = rng.integers(0, (width - w - 1) // 2 + 1)
    left = np.where(rng.random(count) < 0.3, width - w - left, left)
    h = rng.integers(1, 3, count)
    top = np.where(rng.random(count) < 0.3, height - h, 0)
    return {
        "images": rng.normal(size=(count, channels, height, width)),
        "boxes": np.stack([top, left, h, w], axis=1),
        # So small that 1 − p and ½ are other probabilities.
        "p": float(rng.uniform(least, most)),
    }


def _rarely(rng):
    """Of many coins that fall rarely, a few more are many more."""
    return _images(rng, 270, 0.02, 0.025)


def _sides(case, path, as_it_was, mirrored):
    """1 where what was drawn is mirrored, 0 where it is as it was, else neither."""
    draws = numbers_of(case, path)
    if draws is None or draws.shape[1:] != as_it_was.shape:
        return None
    axes = tuple(range(2, draws.ndim))
    near = [np.abs(draws - one).max(axis=axes) < 1e-5 for one in (as_it_was, mirrored)]
    return np.where(near[1], 1, np.where(near[0], 0, NONE_OF_THEM))


def _image_sides(case):
    x = case.inputs["images"]
    return _sides(case, "0", x, x[..., ::-1])


def _box_sides(case):
    boxes = case.inputs["boxes"]
    mirrored = boxes.copy()
    mirrored[:, 1] = case.inputs["images"].shape[-1] - boxes[:, 1] - boxes[:, 3]
    return _sides(case, "1", boxes, mirrored)


def _in_images(what, mirror):
    def condition(case):
        x = case.inputs["images"]
        sides = _sides(case, "0", x, mirror(x))
        return _one_coin(case) or ((sides != NONE_OF_THEM).all() and (sides == 1).any())

    return holds(what, condition)


def _in_boxes(what, mirror):
    def condition(case):
        boxes, shape = case.inputs["boxes"], case.inputs["images"].shape
        moved = boxes.copy()
        mirror(moved, boxes, shape)
        sides = _sides(case, "1", boxes, moved)
        return _one_coin(case) or ((sides != NONE_OF_THEM).all() and (sides == 1).any())

    return holds(what, condition)


def _column(column, value):
    def mirror(moved, boxes, shape):
        moved[:, column] = value(*boxes.T, shape)

    return mirror


@read_once
def _changed(case):
    draws = numbers_of(case, "0")
    x = case.inputs["images"]
    if draws is None or draws.shape[1:] != x.shape:
        return None
    return (np.abs(draws - x).max(axis=(2, 3, 4)) > 1e-5).astype(int)


def _often(what, low, high):
    def condition(case):
        # Of a single coin it says nothing how often it falls.
        return not _one_coin(case) and low <= _changed(case).mean() <= high

    return holds(what, condition)


def _one_coin(case):
    """Whether all images of a draw are mirrored, or none."""
    return np.ptp(_changed(case), axis=1).max() == 0


def _as_many_each_time(case):
    counts = _changed(case).sum(axis=1)
    return not _one_coin(case) and np.ptp(counts) == 0


def _fixed_number(case):
    # Few coins may well fall alike in every call.
    fixed = case.inputs["p"] > 0.1 and _as_many_each_time(case)
    observed = "the same number in every call" if fixed else "other numbers"
    return finding(not fixed, "another number in every call", observed, observed)


def _whole_boxes(case):
    kinds = {np.asarray(boxes).dtype.name for _, boxes in case.observed["result"]}
    observed = ", ".join(sorted(kinds))
    whole = all(kind.startswith(("int", "uint")) for kind in kinds)
    return finding(whole, "whole numbers", observed, "of a dtype that cuts no slice")


def _channel_by_channel(case):
    """Whether each channel is as it was or mirrored, whatever the others are."""
    draws, x = numbers_of(case, "0"), case.inputs["images"]
    near = [np.abs(draws - one).max(axis=(3, 4)) < 1e-5 for one in (x, x[..., ::-1])]
    return (near[0] | near[1]).all()


_TOLD_BY = told_by(
    _in_images("left and right", lambda x: x[..., ::-1]),
    _in_images("upside down", lambda x: x[..., ::-1, :]),
    _in_images("both axes", lambda x: x[..., ::-1, ::-1]),
    _in_images("channels", lambda x: x[:, ::-1]),
    _in_boxes("boxes", _column(1, lambda t, left, h, w, shape: shape[-1] - left - w)),
    _in_boxes("right edges", _column(1, lambda t, left, h, w, shape: shape[-1] - left)),
    _in_boxes("one too far", _column(1, lambda t, left, h, w, shape: shape[-1] - 1 - left - w)),
    _in_boxes("in the height", _column(1, lambda t, left, h, w, shape: shape[-2] - left - w)),
    _in_boxes("tops", _column(0, lambda top, left, h, w, shape: shape[-2] - top - h)),
    _in_boxes("by heights", _column(1, lambda t, left, h, w, shape: shape[-1] - left - h)),
    _in_boxes("in column 0", _column(0, lambda top, left, h, w, shape: shape[-1] - left - w)),
    holds("channel by channel", _channel_by_channel),
    holds("as many each time", _as_many_each_time),
    holds("whole boxes", lambda case: _whole_boxes(case).passed),
    _often("seldom", 1e-3, 0.35),
    _often("about half", 0.35, 0.69),
    _often("mostly", 0.69, 0.999),
    holds(
        "boxes move",
        lambda case: _one_coin(case) or (numbers_of(case, "1") != case.inputs["boxes"]).any(),
    ),
    holds(
        "all boxes mirrored",
        lambda case: not _one_coin(case) and (_box_sides(case) == 1).all(),
    ),
    holds("together", lambda case: (_image_sides(case) == _box_sides(case)).all()),
    holds("one coin", _one_coin),
    holds(
        "the same each time",
        lambda case: not _one_coin(case) and np.ptp(_changed(case), axis=0).max() == 0,
    ),
)


def _as_it_was_or_mirrored(read, what):
    def look(case):
        sides = read(case)
        if sides is None:
            return finding(False, "as many, of the same shape", "another form", "of another form")
        strange = float((sides == NONE_OF_THEM).mean())
        observed = f"{strange:.0%} are neither"
        return finding(strange == 0, "as it was or mirrored", observed, observed)

    return Check(what, look)


random_flip = lab.exercise(
    augmentation.random_flip,
    title="Flip left and right",
    statement=r"""A batch holds N images and one box each, `(top, left, height, width)` around what the
image shows. Mirror every image left to right with probability `p`, **each with a coin of its own**,
and its box with it. Return both, as new tensors; boxes stay whole numbers.""",
    parts=[
        Part(
            "the images",
            2,
            (
                _as_it_was_or_mirrored(_image_sides, "every image is as it was or mirrored"),
                share_is(
                    lambda p, **_: p, "images are mirrored with probability p", of=_image_sides
                ),
                coins_are_independent("every image has a coin of its own", of=_image_sides),
                Check("how many are mirrored is left to the coins", _fixed_number),
                keeps_dtype("result.0.0"),
                leaves_inputs_alone(),
            ),
        ),
        Part(
            "the boxes",
            2,
            (
                _as_it_was_or_mirrored(_box_sides, "every box is as it was or mirrored"),
                share_is(lambda p, **_: p, "boxes are mirrored with probability p", of=_box_sides),
                move_together(_image_sides, _box_sides, "a box goes with its image"),
                Check("boxes stay whole numbers", _whole_boxes),
            ),
        ),
    ],
    minutes=7,
    syllabus=("9.1",),
    hide=("Formula",),
    inputs=(_images, _rarely, _images),
    probe=probes.draws(count=8),
    signature=_TOLD_BY,
    equivalent_mutants={
        "flipped = torch.rand(len(images), device=images.device) < p => "
        "flipped = torch.rand(len(images), device=images.device) <= p": "exactly p is never drawn",
        "flipped = torch.rand(len(images), device=images.device) < p => "
        "flipped = torch.rand(len(images)) < p": "images lie on the CPU here",
        "everything is done under torch.no_grad()": "nobody differentiates through an augmentation",
    },
    forbidden=("torchvision",),
    hints=(
        "`images.flip(-1)` is all of them mirrored; `torch.where(coin, mirrored, images)` chooses. "
        "The coins are of shape (N,): `coin[:, None, None, None]` fits the images.",
        "A box from left to left + width in an image of width W: its mirrored left edge is as far "
        "from the left as its right edge was from the right.",
        "`mirrored[:, 1] = W - boxes[:, 1] - boxes[:, 3]`, on a clone.",
    ),
)


_ALL_OR_NONE = (
    "All images of a batch are mirrored, or none. Every image has a coin of its own: "
    "`torch.rand(N) < p`."
)
_ABOUT_HALF = (
    "You mirror about every second image, with a p that is much smaller. `torch.rand(N) < p` is true "
    "with probability p: uniform numbers, not normal ones (`randn`), compared with `p`."
)

random_flip.mistake(
    "boxes_forgotten",
    edit("torch.where(flipped[:, None], mirrored, boxes)", "boxes"),
    "The boxes stay where they were, around something else now. What is mirrored in the image is "
    "mirrored in its label.",
)
random_flip.mistake(
    "upside_down",
    edit("images.flip(-1)", "images.flip(-2)"),
    "You turn the images upside down: axis −2 holds the rows. Left and right is the last axis.",
)
random_flip.mistake(
    "both_axes",
    edit("images.flip(-1)", "images.flip(-1, -2)"),
    "You flip both axes, which turns the image by 180 degrees. Left and right is the last axis "
    "alone.",
)
random_flip.mistake(
    "channels_reversed",
    edit("images.flip(-1)", "images.flip(1)"),
    "You reverse the channels: red becomes blue. Left and right is the last axis.",
)
random_flip.mistake(
    "one_coin_for_all",
    edit("torch.rand(len(images), device=images.device)", "torch.rand(1, device=images.device)")
    .also("flipped[:, None, None, None]", "flipped.expand(len(images))[:, None, None, None]")
    .also("flipped[:, None],", "flipped.expand(len(images))[:, None],"),
    _ALL_OR_NONE,
)
random_flip.mistake(
    "p_is_keep",
    edit("device=images.device) < p", "device=images.device) >= p"),
    "You mirror with probability 1 − p: the comparison is the other way round.",
)
random_flip.mistake(
    "normal_numbers",
    edit("torch.rand(len", "torch.randn(len"),
    _ABOUT_HALF,
    origin="11 of 250 students, in dropout",
)
random_flip.mistake(
    "always_one_half",
    edit("device=images.device) < p", "device=images.device) < 0.5"),
    _ABOUT_HALF,
)
random_flip.mistake(
    "left_taken_for_right",
    edit("- boxes[:, 1] - boxes[:, 3]", "- boxes[:, 1]"),
    "Your new left is where the old left edge went, and that is the *right* edge now: "
    "left' = W − left − width.",
)
random_flip.mistake(
    "off_by_one",
    edit("- boxes[:, 1] - boxes[:, 3]", "- 1 - boxes[:, 1] - boxes[:, 3]"),
    "Your boxes are one pixel too far left. W − 1 − j is right for the *number* of a pixel; edges "
    "run from 0 to W: left' = W − left − width.",
)
random_flip.mistake(
    "height_for_width",
    edit("images.shape[-1] -", "images.shape[-2] -"),
    "You mirror the boxes in the *height* of the image. `images.shape[-1]` is its width.",
)
random_flip.mistake(
    "top_mirrored",
    edit(
        "mirrored[:, 1] = images.shape[-1] - boxes[:, 1] - boxes[:, 3]",
        "mirrored[:, 0] = images.shape[-2] - boxes[:, 0] - boxes[:, 2]",
    ),
    "Images go left to right, your boxes go upside down. It is column 1, `left`, that changes.",
)
random_flip.mistake(
    "boxes_always_mirrored",
    edit("torch.where(flipped[:, None], mirrored, boxes)", "mirrored"),
    "You mirror every box, also that of an image that stays as it is. Choose with the same coins.",
)
random_flip.mistake(
    "coins_of_their_own",
    edit(
        "torch.where(flipped[:, None], mirrored, boxes)",
        "torch.where((torch.rand(len(boxes)) < p)[:, None], mirrored, boxes)",
    ),
    "Images and boxes have *different* coins. One coin an image, for both.",
)
random_flip.mistake(
    "height_for_the_box",
    edit("- boxes[:, 1] - boxes[:, 3]", "- boxes[:, 1] - boxes[:, 2]"),
    "You take the box's height for its width: left' = W − left − width, and `width` is column 3.",
)
random_flip.mistake(
    "first_column",
    edit("mirrored[:, 1] =", "mirrored[:, 0] ="),
    "You write the new left into column 0, which is `top`. It is column 1 that changes.",
)
random_flip.mistake(
    "upside_down_with_boxes",
    edit("images.flip(-1)", "images.flip(-2)").also(
        "mirrored[:, 1] = images.shape[-1] - boxes[:, 1] - boxes[:, 3]",
        "mirrored[:, 0] = images.shape[-2] - boxes[:, 0] - boxes[:, 2]",
    ),
    "You turn images and boxes upside down. Left and right is the last axis, and column 1 of a box.",
)
random_flip.mistake(
    "coin_for_each_channel",
    edit(
        "torch.where(flipped[:, None, None, None], images.flip(-1), images)",
        "torch.where((torch.rand(images.shape[:2]) < p)[:, :, None, None], images.flip(-1), images)",
    ),
    "Every channel has a coin of its own, so that red is mirrored and green is not. One coin an image: of "
    "shape (N, 1, 1, 1).",
)
random_flip.mistake(
    "as_many_each_time",
    edit(
        "torch.rand(len(images), device=images.device) < p",
        "torch.isin(torch.arange(len(images)), torch.randperm(len(images))[: round(p * len(images))])",
    ),
    "In every call the same number of images is mirrored. With a coin for each, `torch.rand(N) < p`, how "
    "many it are is left to chance.",
)
random_flip.mistake(
    "boxes_as_floats",
    edit("boxes.clone()", "boxes.float()"),
    "Your boxes are no whole numbers any more, and cut no slices. Keep their dtype: `boxes.clone()`.",
)


@random_flip.mistake(_ALL_OR_NONE)
def never_flips(images, boxes, p=0.5):
    return images.clone(), boxes.clone()


@random_flip.mistake(
    "You flip the same images at every call. Do not seed the generator in the function."
)
def seeded(images, boxes, p=0.5):
    torch.manual_seed(0)
    flipped = torch.rand(len(images)) < p
    out, moved = images.clone(), boxes.clone()
    out[flipped] = images[flipped].flip(-1)
    moved[flipped, 1] = images.shape[-1] - boxes[flipped, 1] - boxes[flipped, 3]
    return out, moved


@random_flip.alternative
def by_mask(images, boxes, p=0.5):
    chosen = torch.bernoulli(torch.full((len(images),), p)).bool()
    out, moved = images.clone(), boxes.clone()
    out[chosen] = out[chosen].flip(-1)
    moved[chosen, 1] = images.shape[-1] - (boxes[chosen, 1] + boxes[chosen, 3])
    return out, moved


@random_flip.alternative
def by_loop(images, boxes, p=0.5):
    shown, framed = [], []
    for image, box in zip(images, boxes, strict=True):
        top, left, height, width = box.tolist()
        if torch.rand(()).item() < p:
            image = image[..., torch.arange(image.shape[-1] - 1, -1, -1)]
            left = image.shape[-1] - left - width
        shown.append(image)
        framed.append([top, left, height, width])
    return torch.stack(shown), torch.tensor(framed)


@random_flip.alternative
def by_arithmetic(images, boxes, p=0.5):
    coin = (torch.rand(len(images)) > 1 - p).to(images.dtype)[:, None, None, None]
    out = coin * torch.flip(images, dims=[3]) + (1 - coin) * images
    moved = boxes.clone()
    change = images.shape[3] - 2 * boxes[:, 1] - boxes[:, 3]
    moved[:, 1] += coin.flatten().long() * change
    return out, moved

"""Mixup on the device: a grid of two axes, and partners that a table names."""

import numpy as np

from autograder import probes
from autograder.exercises.kernels.lab import (
    LOADS_BEYOND,
    STORES_BEYOND,
    by_what_it_does,
    lab,
    numbers,
    output,
)
from autograder.judging import Part, edit
from autograder.judging.checks import matches_reference
from autograder.judging.kernels import (
    compiles,
    moves_few_bytes,
    no_races,
    same_in_any_order,
    writes_everything,
)
from course_lib.kernels import plain
from course_lib.tracing.language import tl


def _batch(rng, images, chunks):
    """Images of which each has the one before it for a partner; with three, that is not the next."""
    size = 16 * (chunks - 1) + int(rng.integers(5, 15))
    partner = np.roll(np.arange(images), 1)
    arguments = {
        "x_ptr": numbers(rng, images, size),
        "partner_ptr": partner,
        "weight_ptr": rng.uniform(0.1, 0.9, size=images),
        "out_ptr": output(images, size),
        "size": size,
        "BLOCK": 16,
    }
    return {"arguments": arguments, "grid": [images, chunks]}


def _compiled(rng):
    return _batch(rng, 2, 2) | {"gpu": {"BLOCK": 1024}}


def _fewest(inputs):
    """Two images read and one written for each; a weight and a partner for every program."""
    x = inputs["arguments"]["x_ptr"]
    images, chunks = inputs["grid"]
    return 3 * x.nbytes + images * chunks * (x.itemsize + 8)


mixup = lab.exercise(
    plain.mixup.fn,
    title="Mixup on a grid of two axes",
    statement=(
        "Mixup (lab 9) mixes each image with another of the batch. `x_ptr`: (N, size), contiguous, image b begins at element "
        "b · size; `partner_ptr`: which image is mixed in; `weight_ptr`: the share of the image itself. Write "
        "w_b x_b + (1 − w_b) x_partner to `out_ptr`.\n\n"
        "The grid has two axes: program (b, c) works on image b = `tl.program_id(0)`, on its `BLOCK` numbers from c · `BLOCK` "
        "on, c = `tl.program_id(1)`. *Judged* as in the core; 3 numbers an element are to be moved, and one weight and one "
        "partner a program. (On a GPU the partner often comes from the cache.)"
    ),
    parts=[
        Part("right", 2, (matches_reference("the mixed images", of="result.out_ptr"),)),
        Part("safe", 1, (writes_everything(), no_races(), same_in_any_order(), compiles())),
        Part("bytes", 1, (moves_few_bytes(_fewest),)),
    ],
    minutes=7,
    difficulty=2,
    core=False,
    syllabus=("13.9", "13.2"),
    hide=("Formula",),
    inputs=(lambda rng: _batch(rng, 3, 1), lambda rng: _batch(rng, 2, 2), _compiled),
    probe=probes.launched("out_ptr"),
    signature=by_what_it_does,
    hints=(
        "Weight and partner are single numbers: `tl.load(weight_ptr + image)`.",
        "Within an image i = c · BLOCK + lane, and the mask is i < size. Where does image b begin?",
        "`tl.load(x_ptr + partner * size + i, mask=inside)` is the other one.",
    ),
)

mixup.mistake(
    "weights_swapped",
    edit("weight * x + (1.0 - weight) * other", "weight * other + (1.0 - weight) * x"),
    "The weights are swapped: w is the share of the image itself, 1 − w that of its partner.",
)
mixup.mistake(
    "partner_whole",
    edit("(1.0 - weight) * other", "other"),
    "You add the partner whole. Its share is 1 − w.",
)
mixup.mistake(
    "partner_is_the_next",
    edit("tl.load(partner_ptr + image)", "(image + 1) % tl.num_programs(0)"),
    "You mix with the next image. `partner_ptr` says with which.",
)
mixup.mistake(
    "weight_of_the_partner",
    edit(
        "weight = tl.load(weight_ptr + image)\npartner = tl.load(partner_ptr + image)",
        "partner = tl.load(partner_ptr + image)\nweight = tl.load(weight_ptr + partner)",
    ),
    "You take the weight of the partner. It is that of the image which you write.",
)
mixup.mistake(
    "weight_of_the_first",
    edit("tl.load(weight_ptr + image)", "tl.load(weight_ptr)"),
    "All images have the first one's weight. Image b has its own: `weight_ptr + image`.",
)
mixup.mistake(
    "with_itself",
    edit("x_ptr + partner * size + i", "x_ptr + image * size + i"),
    "You mix each image with itself: the partner is never loaded.",
)
mixup.mistake(
    "axes_swapped",
    edit("image = tl.program_id(0)", "image = tl.program_id(1)").also(
        "tl.program_id(1) * BLOCK", "tl.program_id(0) * BLOCK"
    ),
    "The two axes are swapped: axis 0 counts images, axis 1 their pieces.",
)
mixup.mistake(
    "first_piece_only",
    edit("tl.program_id(1) * BLOCK + ", ""),
    "You work on the first `BLOCK` numbers of an image, in all of its programs. Number c begins at c · BLOCK.",
)
mixup.mistake(
    "images_a_block_apart",
    edit("x_ptr + image * size + i", "x_ptr + image * BLOCK + i"),
    "Your images begin `BLOCK` apart. Image b begins at b · size.",
)
mixup.mistake(
    "over_the_images",
    edit("out_ptr + image * size + i", "x_ptr + image * size + i"),
    "You write over x, from which other programs still have to read: what they find hangs on who comes first. Write to "
    "`out_ptr`.",
)
mixup.mistake(
    "into_the_partner",
    edit("out_ptr + image * size + i", "out_ptr + partner * size + i"),
    "You write the result to where the partner belongs. Image b goes to row b.",
)
mixup.mistake(
    "loads_without_a_mask",
    edit("x_ptr + image * size + i, mask=inside", "x_ptr + image * size + i").also(
        "x_ptr + partner * size + i, mask=inside", "x_ptr + partner * size + i"
    ),
    LOADS_BEYOND,
    raises="OutOfBounds",
)
mixup.mistake(
    "stores_without_a_mask",
    edit("(1.0 - weight) * other, mask=inside", "(1.0 - weight) * other"),
    STORES_BEYOND,
    raises="OutOfBounds",
)
mixup.mistake(
    "loads_the_weight_for_each",
    edit("tl.load(weight_ptr + image)", "tl.load(weight_ptr + image + 0 * i)"),
    "The numbers are right, and you load the weight once for every *lane*. It is one number: an address that is no block.",
)


@mixup.alternative
def by_a_difference(x_ptr, partner_ptr, weight_ptr, out_ptr, size, BLOCK: tl.constexpr):
    b, c = tl.program_id(axis=0), tl.program_id(axis=1)
    at = c * BLOCK + tl.arange(0, BLOCK)
    mine, theirs = b * size, tl.load(partner_ptr + b) * size
    second = tl.load(x_ptr + theirs + at, mask=at < size, other=0.0)
    first = tl.load(x_ptr + mine + at, mask=at < size, other=0.0)
    tl.store(
        out_ptr + mine + at, second + tl.load(weight_ptr + b) * (first - second), mask=at < size
    )

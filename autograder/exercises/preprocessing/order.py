"""Order: what comes before the normalization."""

import torch
from torch.nn import functional as F

from autograder import probes
from autograder.exercises.preprocessing.drawing import (
    LIBRARIES,
    NOT_TRAINED,
    draw_image_shape,
    draw_images,
    without,
)
from autograder.exercises.preprocessing.lab import lab
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import preprocessing
from course_lib.preprocessing import channel_statistics


def draw_mean_and_std(rng, channels):
    """The mean of the first channel is negative."""
    mean = rng.uniform(0.3, 0.7, channels)
    mean[0] *= -1
    return {"mean": mean, "std": rng.uniform(0.15, 0.35, channels)}


def draw_constants(rng):
    channels = int(rng.integers(3, 7))
    return {**draw_mean_and_std(rng, channels), "fill": float(rng.uniform(0.1, 0.25))}


padding_value = lab.value(
    preprocessing.padding_value,
    title="Black, after normalization",
    statement="""Images are normalized with `(x - mean) / std`, and shall be padded *afterwards* (many
convolutions do nothing else: they pad with zeros). With which value must each channel be padded, for
the border to be what padding the raw images with `fill` would have given? `mean` and `std` have one
entry per channel; return the same.

And what color is the border of a convolution that pads with **0**?""",
    points=2,
    minutes=3,
    core=False,
    syllabus=("3.7",),
    hide=("Formula", "Source"),
    inputs=(draw_constants, without(draw_constants, "fill"), draw_constants),
    probe=probes.call(),
    checks=[matches_reference("the padding"), leaves_inputs_alone()],
    equivalent_mutants=NOT_TRAINED,
    hints=("What does the normalization make of a pixel whose value is `fill`?",),
)


@padding_value.mistake(
    "You pad with 0. Behind the normalization that is the mean color, a gray.", origin="folklore"
)
def zero(mean, std, fill=0.0):
    return torch.zeros_like(mean)


@padding_value.mistake("This is the padding for black, −μ/σ. `fill` need not be 0.")
def always_black(mean, std, fill=0.0):
    return -mean / std


@padding_value.mistake("You subtract the mean and do not divide by σ.")
def not_divided(mean, std, fill=0.0):
    return fill - mean


@padding_value.mistake("`fill` is in the unit of raw images: normalize it.")
def fill_itself(mean, std, fill=0.0):
    return fill


@padding_value.mistake("You divide and do not subtract the mean.")
def divided_only(mean, std, fill=0.0):
    return fill / std


@padding_value.mistake("The sign is the other way round.")
def mean_minus_fill(mean, std, fill=0.0):
    return (mean - fill) / std


@padding_value.mistake("Subtract first: (fill − μ)/σ.")
def divided_first(mean, std, fill=0.0):
    return fill / std - mean


@padding_value.mistake(
    "You compute the raw color of a normalized value. Asked for is the way there."
)
def inverse(mean, std, fill=0.0):
    return fill * std + mean


@padding_value.alternative
def by_one_pixel(mean, std, fill=0.0):
    pixel = torch.full((1, len(mean), 1, 1), fill, dtype=mean.dtype)
    return ((pixel - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)).flatten()


@padding_value.alternative
def in_two_terms(mean, std, fill=0.0):
    return fill / std - mean / std


def draw_batch(rng):
    shape = draw_image_shape(rng)
    return {
        "images": draw_images(rng, shape) / 10 + 0.5,
        **draw_mean_and_std(rng, shape[1]),
        "padding": int(rng.integers(1, 4)),
    }


pad_then_normalize = lab.repair(
    preprocessing.pad_then_normalize,
    planted="normalized_first",
    title="Repair: a gray border",
    statement="""Before a random crop, images are surrounded with a **black** border (0 in the raw
images) of `padding` pixels on all four sides, and all is standardized with `mean` and `std` (C,).
Below, every step is there, and the interior of the images is right. But a human who looks at the
pictures sees that the border is not black. Mend it.

The rule behind it: change images *while they are images*, normalize last.""",
    points=2,
    minutes=4,
    core=False,
    syllabus=("3.7",),
    hide=("Formula", "Convention", "Source"),
    inputs=draw_batch,
    probe=probes.call(),
    checks=[matches_reference("the padded images"), leaves_inputs_alone(), keeps_dtype()],
    equivalent_mutants=NOT_TRAINED,
    forbidden=LIBRARIES,
    hints=("Which raw color becomes 0?", "Swap the two lines."),
)


@pad_then_normalize.mistake(
    "The border is still the mean color: after the normalization 0 means μ. Pad first, or pad "
    "with (0 − μ)/σ.",
    origin="folklore",
)
def normalized_first(images, mean, std, padding):
    images = (images - mean[:, None, None]) / std[:, None, None]
    return F.pad(images, [padding] * 4)


@pad_then_normalize.mistake(
    "You pad the normalized images with one value for all channels. Black is another number in "
    "each: (0 − μ_c)/σ_c."
)
def one_value_for_all(images, mean, std, padding):
    images = (images - mean[:, None, None]) / std[:, None, None]
    return F.pad(images, [padding] * 4, value=float((-mean / std).mean()))


@pad_then_normalize.mistake(
    "You pad with the smallest value of these images. Black is what a raw 0 becomes, in each "
    "channel: (0 − μ_c)/σ_c."
)
def darkest_for_black(images, mean, std, padding):
    images = (images - mean[:, None, None]) / std[:, None, None]
    return F.pad(images, [padding] * 4, value=float(images.min()))


@pad_then_normalize.mistake(
    "You pad with the mean color, and do not normalize. The border is to be black."
)
def padded_with_the_mean(images, mean, std, padding):
    n, c, h, w = images.shape
    padded = mean[:, None, None].expand(n, c, h + 2 * padding, w + 2 * padding).clone()
    padded[:, :, padding : padding + h, padding : padding + w] = images
    return padded


@pad_then_normalize.mistake("The normalization is gone. It comes last.")
def not_normalized(images, mean, std, padding):
    return F.pad(images, [padding] * 4)


@pad_then_normalize.mistake(
    "You pad left and right only. `F.pad` takes two numbers per axis, the last axis first."
)
def width_only(images, mean, std, padding):
    padded = F.pad(images, [padding] * 2)
    return (padded - mean[:, None, None]) / std[:, None, None]


@pad_then_normalize.mistake("You pad on the right and below only. All four sides get a border.")
def right_and_bottom_only(images, mean, std, padding):
    padded = F.pad(images, [0, padding, 0, padding])
    return (padded - mean[:, None, None]) / std[:, None, None]


@pad_then_normalize.mistake(
    "You normalize with the statistics of these images, border included. The constants are given."
)
def own_constants(images, mean, std, padding):
    padded = F.pad(images, [padding] * 4)
    own_mean, own_std = channel_statistics(padded)
    return (padded - own_mean[:, None, None]) / own_std[:, None, None]


@pad_then_normalize.mistake("You repeat the edge of the image. The border is to be black.")
def edge_repeated(images, mean, std, padding):
    padded = F.pad(images, [padding] * 4, mode="replicate")
    return (padded - mean[:, None, None]) / std[:, None, None]


@pad_then_normalize.mistake("You divide by σ without subtracting μ.")
def not_subtracted(images, mean, std, padding):
    padded = F.pad(images, [padding] * 4)
    return padded / std[:, None, None]


@pad_then_normalize.alternative
def padded_afterwards_with_black(images, mean, std, padding):
    images = (images - mean[:, None, None]) / std[:, None, None]
    n, c, h, w = images.shape
    canvas = (-mean / std)[:, None, None].expand(n, c, h + 2 * padding, w + 2 * padding).clone()
    canvas[:, :, padding : padding + h, padding : padding + w] = images
    return canvas


@pad_then_normalize.alternative
def with_new_zeros(images, mean, std, padding):
    n, c, h, w = images.shape
    canvas = images.new_zeros(n, c, h + 2 * padding, w + 2 * padding)
    canvas[..., padding:-padding, padding:-padding] = images
    return canvas.sub(mean.view(-1, 1, 1)).div(std.view(-1, 1, 1))

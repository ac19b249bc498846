"""Scaling of images: one mean and one standard deviation per channel."""

import torch

from autograder import probes
from autograder.exercises.preprocessing.drawing import (
    LIBRARIES,
    PREPARED,
    draw_bytes,
    draw_image_shape,
    draw_images,
)
from autograder.exercises.preprocessing.lab import lab
from autograder.judging import Part
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import preprocessing


def draw_float_images(rng):
    return {"images": draw_images(rng, draw_image_shape(rng))}


def draw_byte_images(rng):
    return {"images": draw_bytes(rng, draw_image_shape(rng))}


def _mean(images):
    return images.double().mean(dim=(0, 2, 3))


channel_statistics = lab.exercise(
    preprocessing.channel_statistics,
    title="Measure the constants of a set of images",
    statement="""Every published network comes with a handful of constants like
`mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225]`. Write the function that measures them:
for images (N, C, H, W), floats or bytes, return the pair `(mean, std)` of two tensors of shape
**(C,)**, over all images and all positions, in the unit of the images (bytes are not divided by
255).

*Convention:* σ is biased, divided by N·H·W, and it is the spread around the mean of *all* images:
the differences between a dark and a bright image count.""",
    parts=[
        Part(
            "the means", 1, (matches_reference("the means", of="result.0", float32_constants=True),)
        ),
        Part(
            "the standard deviations",
            2,
            (
                matches_reference("the standard deviations", of="result.1", float32_constants=True),
                leaves_inputs_alone(),
                keeps_dtype(),
            ),
        ),
    ],
    minutes=7,
    difficulty=2,
    syllabus=("3.1", "3.2"),
    inputs=(draw_float_images, draw_byte_images, draw_float_images),
    probe=probes.call(),
    forbidden=LIBRARIES,
    equivalent_mutants=PREPARED
    | {
        "values = images.movedim(1, 0).flatten(1) * 1.0 => "
        "values = images.movedim(1, 0).flatten(1) / 1.0": "both leave the numbers as they are, as "
        "floats",
        "values = images.movedim(1, 0).flatten(1) * 1.0 => "
        "values = images.movedim(0, 1).flatten(1) * 1.0": "for neighboring axes either exchanges "
        "them",
    },
    hints=(
        "Over which three of the four axes?",
        "`images * 1.0` makes floats of bytes, and leaves floats as they are.",
        "`std(dim=(0, 2, 3), unbiased=False)` divides by N·H·W.",
    ),
)


@channel_statistics.mistake(
    "You average the standard deviations of single images. That leaves out how much the images "
    "differ from one another, and is too small. (The 0.2023 that many programs use for CIFAR-10 "
    "is made so; the spread of all pixels is 0.2470.)",
    origin="published constants",
)
def averaged_over_images(images):
    return _mean(images), images.double().std(dim=(2, 3), unbiased=False).mean(dim=0)


@channel_statistics.mistake(
    "You average the standard deviations of single images. That leaves out how much the images "
    "differ from one another: one σ over all images and positions, dim=(0, 2, 3), and "
    "`unbiased=False`.",
    origin="published constants",
)
def averaged_with_bessel(images):
    return _mean(images), images.double().std(dim=(2, 3)).mean(dim=0)


@channel_statistics.mistake(
    "You average the variances of single images, each around its own mean. The spread around the "
    "mean of *all* images is larger: a dark and a bright image differ."
)
def spread_within_images(images):
    return _mean(images), images.double().var(dim=(2, 3), unbiased=False).mean(dim=0).sqrt()


@channel_statistics.mistake(
    "This is how much the images' means differ. The spread inside each image counts too."
)
def spread_of_the_mean_colors(images):
    return _mean(images), images.double().mean(dim=(2, 3)).std(dim=0, unbiased=False)


@channel_statistics.mistake(
    "Right for floats, but torch has neither `mean()` nor `std()` of bytes: turn the images into "
    "floats first."
)
def of_bytes(images):
    return images.mean(dim=(0, 2, 3)), images.std(dim=(0, 2, 3), unbiased=False)


@channel_statistics.mistake(
    "You divide by N·H·W − 1, the default of `torch.std`. Here σ is biased."
)
def bessel(images):
    return _mean(images), images.double().std(dim=(0, 2, 3))


@channel_statistics.mistake(
    "You keep the last axis. That is right for N×H×W×C; torch's channels are axis 1."
)
def last_axis(images):
    images = images.double()
    return images.mean(dim=(0, 1, 2)), images.std(dim=(0, 1, 2), unbiased=False)


@channel_statistics.mistake(
    "You average over the images alone: this is the mean image. Average over the positions too, "
    "dim=(0, 2, 3).",
    origin="lecture notes",
)
def of_every_pixel(images):
    images = images.double()
    return images.mean(dim=0), images.std(dim=0, unbiased=False)


@channel_statistics.mistake("The second tensor holds the variances: take the root.")
def variance_returned(images):
    return _mean(images), images.double().var(dim=(0, 2, 3), unbiased=False)


@channel_statistics.mistake(
    "You take the root of the mean square. Subtract the channel's mean before squaring."
)
def around_zero(images):
    return _mean(images), (images.double() ** 2).mean(dim=(0, 2, 3)).sqrt()


@channel_statistics.mistake(
    "You return one number for all channels. There is one for each: keep axis 1."
)
def for_all_channels(images):
    images = images.double()
    return images.mean(), images.std(unbiased=False)


@channel_statistics.mistake(
    "You divide by 255. The constants are asked for in the unit of the images you get."
)
def divided_by_255(images):
    images = images / 255
    return images.mean(dim=(0, 2, 3)), images.std(dim=(0, 2, 3), unbiased=False)


@channel_statistics.mistake("The order asked for is (mean, std).")
def std_before_mean(images):
    return images.double().std(dim=(0, 2, 3), unbiased=False), _mean(images)


@channel_statistics.mistake(
    "The numbers are right, the shape is (1, C, 1, 1) instead of (C,): `keepdim=True` keeps the "
    "axes that were averaged over."
)
def axes_kept(images):
    images = images.double()
    mean = images.mean(dim=(0, 2, 3), keepdim=True)
    return mean, images.std(dim=(0, 2, 3), unbiased=False, keepdim=True)


@channel_statistics.alternative
def in_single_precision(images):
    images = images.float()
    return images.mean(dim=(0, 2, 3)), images.std(dim=(0, 2, 3), unbiased=False)


@channel_statistics.alternative
def by_second_moment(images):
    images = images.double()
    mean = images.mean(dim=(0, 2, 3))
    return mean, ((images**2).mean(dim=(0, 2, 3)) - mean**2).sqrt()


@channel_statistics.alternative
def combined_from_images(images):
    images = images.double()
    means, variances = images.mean(dim=(2, 3)), images.var(dim=(2, 3), unbiased=False)
    mean = means.mean(dim=0)
    return mean, (variances.mean(dim=0) + ((means - mean) ** 2).mean(dim=0)).sqrt()


@channel_statistics.alternative
def one_at_a_time(images):
    channels = [images[:, c].flatten().tolist() for c in range(images.shape[1])]
    means = [sum(values) / len(values) for values in channels]
    stds = [
        (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5
        for values, mean in zip(channels, means, strict=True)
    ]
    return torch.tensor(means), torch.tensor(stds)

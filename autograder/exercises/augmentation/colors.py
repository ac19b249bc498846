"""Brightness, contrast and saturation."""

import torch

from autograder import probes
from autograder.exercises.augmentation.coordinates import NO_GRADIENT
from autograder.exercises.augmentation.lab import lab
from autograder.judging import edit
from autograder.judging.checks import (
    keeps_dtype,
    leaves_inputs_alone,
    matches_reference,
)
from course_lib import augmentation


def _pictures(rng):
    count, height, width = 4, int(rng.integers(5, 8)), int(rng.integers(8, 11))
    return {
        "images": rng.uniform(0, 1, (count, 3, height, width)),
        "brightness": rng.permuted([0.6, 0.8, 1.2, 1.4]),
        "contrast": rng.permuted([0.5, 0.7, 1.3, 1.6]),
        "saturation": rng.permuted([0.3, 0.6, 1.4, 1.8]),
    }


_LUMA = "torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)"

jitter_colors = lab.exercise(
    augmentation.jitter_colors,
    title="Jitter the colors",
    statement=r"""Light changes, the cat does not. Change image n, with values in [0, 1], in this order:

- **brightness**: x ← b x;
- **contrast**: x ← m + c (x − m), where m is the mean gray of the image;
- **saturation**: x ← g + s (x − g), where g is the gray of the pixel;
- what lies outside [0, 1] is cut off, once, at the end.

Gray is 0.299 R + 0.587 G + 0.114 B, of the image as it is at that step. The factors are (N,).""",
    points=3,
    minutes=10,
    difficulty=2,
    core=False,
    syllabus=("9.12",),
    hide=("Formula",),
    inputs=_pictures,
    probe=probes.call(),
    checks=[
        matches_reference("the colors", float32_constants=True),
        keeps_dtype(),
        leaves_inputs_alone(),
    ],
    forbidden=("torchvision",),
    equivalent_mutants={
        **NO_GRADIENT,
        f"luma = {_LUMA}.to(images)[:, None, None] => "
        f"luma = unconverted({_LUMA}, {_LUMA}.to(images))[:, None, None]": "float64 is finer",
        f"luma = {_LUMA}.to(images)[:, None, None] => "
        "luma = torch.tensor([0.299, 0.587, 0.114]).to(images)[:, None, None]": "as fine as a float32 "
        "constant may be",
        "return x.clamp(0, 1) => return x.clamp_(0, 1)": "x is its own by then",
        **{
            f"right only for positive {name}": "there is no negative light"
            for name in ("images", "brightness", "contrast", "saturation")
        },
    },
    hints=(
        "`b = brightness[:, None, None, None]` fits (N, 3, H, W).",
        "The gray is a weighted sum over axis 1: weights of shape (3, 1, 1), `keepdim=True`.",
    ),
)

jitter_colors.mistake(
    "plain_mean",
    edit("[0.299, 0.587, 0.114]", "[1 / 3, 1 / 3, 1 / 3]"),
    "Your gray is the plain mean of the channels. Green looks brighter than blue: 0.299, 0.587, 0.114.",
)
jitter_colors.mistake(
    "blue_first",
    edit("[0.299, 0.587, 0.114]", "[0.114, 0.587, 0.299]"),
    "Your weights of red and blue are exchanged: channel 0 is red.",
)
jitter_colors.mistake(
    "not_cut_off",
    edit("x.clamp(0, 1)", "x"),
    "Some of your values lie outside [0, 1]: cut them off at the end.",
)
jitter_colors.mistake(
    "added_brightness",
    edit("b * images", "b - 1 + images"),
    "You add the brightness. It is a factor.",
)
jitter_colors.mistake(
    "mean_of_the_batch",
    edit(".mean(dim=(2, 3), keepdim=True)", ".mean()"),
    "Your contrast turns about the mean of the whole batch. Every image has its own.",
)
jitter_colors.mistake(
    "mean_of_each_channel",
    edit("mean = (luma * x).sum(dim=1, keepdim=True).mean", "mean = x.mean"),
    "Your contrast turns about a mean of each channel. m is one number an image, its mean gray.",
)
jitter_colors.mistake(
    "cut_off_at_each_step",
    edit("b * images", "(b * images).clamp(0, 1)").also(
        "mean + c * (x - mean)", "(mean + c * (x - mean)).clamp(0, 1)"
    ),
    "You cut off after each step. It is done once, at the end: what a step takes beyond 1 the next may "
    "bring back.",
)
jitter_colors.mistake(
    "gray_of_the_original",
    edit("gray = (luma * x)", "gray = (luma * images)"),
    "Your saturation turns about the gray of the image as it came. It is the gray of the image as it is "
    "at that step.",
)
jitter_colors.mistake(
    "grays_of_the_original",
    edit("mean = (luma * x)", "mean = (luma * images)").also(
        "gray = (luma * x)", "gray = (luma * images)"
    ),
    "Both of your grays are those of the image as it came. Take the gray of the image as it is at that "
    "step.",
)
jitter_colors.mistake(
    "mean_of_the_original",
    edit("mean = (luma * x)", "mean = (luma * images)"),
    "Your mean gray is that of the image as it came. Take it after the brightness.",
)
jitter_colors.mistake(
    "saturation_reversed",
    edit("gray + s * (x - gray)", "x + s * (gray - x)"),
    "Your saturation works the other way: with s = 1 all color is gone. x ← g + s (x − g).",
)
jitter_colors.mistake(
    "contrast_forgotten",
    edit("x = mean + c * (x - mean)", ""),
    "The contrast is not changed.",
)
jitter_colors.mistake(
    "saturation_forgotten",
    edit("x = gray + s * (x - gray)", ""),
    "The saturation is not changed.",
)
jitter_colors.mistake(
    "about_a_half",
    edit("mean + c * (x - mean)", "0.5 + c * (x - 0.5)"),
    "Your contrast turns about ½. It turns about the image's own mean gray.",
)


@jitter_colors.alternative
def channel_by_channel(images, brightness, contrast, saturation):
    out = []
    for image, b, c, s in zip(images, brightness, contrast, saturation, strict=True):
        image = image * b
        m = (0.299 * image[0] + 0.587 * image[1] + 0.114 * image[2]).mean()
        image = c * image + (1 - c) * m
        g = 0.299 * image[0] + 0.587 * image[1] + 0.114 * image[2]
        out.append((s * image + (1 - s) * g).clip(0, 1))
    return torch.stack(out)

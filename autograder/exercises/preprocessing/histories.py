"""What has happened to images, seen from their statistics."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.preprocessing.drawing import LIBRARIES, draw_image_shape, draw_images
from autograder.exercises.preprocessing.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import preprocessing
from course_lib.preprocessing import channel_statistics


def _history(name):
    """Images near the constants they are compared with, raw or normalized in one of two ways."""

    def draw(rng):
        shape = draw_image_shape(rng)
        channels = shape[1]
        mean = rng.uniform(0.3, 0.7, channels)
        # No two are alike: exchanged constants show.
        std = rng.permutation(np.linspace(0.16, 0.34, channels)) * rng.uniform(0.95, 1.05)
        images = draw_images(rng, shape)
        spread = images.std(axis=(0, 2, 3), keepdims=True)
        images = (images - images.mean(axis=(0, 2, 3), keepdims=True)) / spread
        applied = slice(None, None, -1 if name == "reversed" else 1)
        m, s, a, b = (v[:, None, None] for v in (mean, std, mean[applied], std[applied]))
        images = rng.uniform(1.03, 1.1) * s * images + m + rng.uniform(0.02, 0.05)
        return {"images": images if name == "raw" else (images - a) / b, "mean": mean, "std": std}

    return draw


def _distances(images, expected):
    m, s = channel_statistics(images)
    return {
        name: (m - mean).abs().sum() + (s - std).abs().sum()
        for name, (mean, std) in expected.items()
    }


diagnose_normalization = lab.exercise(
    preprocessing.diagnose_normalization,
    title="What has happened to these images?",
    statement="""Normalizing **twice** is no error that Python reports; neither is using the constants
in the order blue-green-red on images in the order red-green-blue. Networks still learn something, a
little worse. But a batch's statistics give it away.

Raw images have channel means μ = `mean` and standard deviations σ = `std` (both (C,)). Work out
which means m' and standard deviations s' each channel has after each of four histories:

| name | what was done |
|---|---|
| `"raw"` | nothing |
| `"once"` | (x − μ)/σ |
| `"twice"` | (x − μ)/σ, and on the result the same again |
| `"reversed"` | (x − μ̃)/σ̃ with the constants in **reversed** order of the channels |

Then measure mean m and standard deviation s of each channel of `images` (use your
`channel_statistics`), and return a dict with the distance to each of the four,
$\\sum_c |m_c - m'_c| + |s_c - s'_c|$. The smallest tells what has happened.""",
    points=3,
    minutes=10,
    difficulty=2,
    core=False,
    syllabus=("3.7",),
    hide=("Formula",),
    needs=("preprocessing/channel_statistics",),
    inputs=(_history("raw"), _history("once"), _history("reversed")),
    probe=probes.call(),
    checks=[
        *(
            matches_reference(f"the distance to {name!r}", of=f"result.{name}")
            for name in ("raw", "once", "twice", "reversed")
        ),
        leaves_inputs_alone(),
    ],
    forbidden=LIBRARIES,
    hints=(
        "If x has mean m and standard deviation s, then (x − a)/b has (m − a)/b and s/b.",
        "`mean.flip(0)` is μ̃.",
        "Put the four pairs into a dict, and loop over it.",
    ),
)


@diagnose_normalization.mistake(
    "You take it that a second normalization changes nothing. It subtracts μ from data whose mean "
    "is 0 already: they end at −μ/σ, with standard deviation 1/σ.",
    origin="folklore",
)
def twice_is_once(images, mean, std):
    once = (torch.zeros_like(mean), torch.ones_like(std))
    turned = mean.flip(0), std.flip(0)
    reversed_ = ((mean - turned[0]) / turned[1], std / turned[1])
    return _distances(images, {"raw": (mean, std), "once": once, "twice": once,
                               "reversed": reversed_})  # fmt: skip


@diagnose_normalization.mistake(
    "For `reversed` you have exchanged the two: the images have μ and σ, and the constants "
    "applied are μ̃ and σ̃, so (μ − μ̃)/σ̃ and σ/σ̃."
)
def reversed_the_other_way(images, mean, std):
    once = (torch.zeros_like(mean), torch.ones_like(std))
    turned = mean.flip(0), std.flip(0)
    reversed_ = ((turned[0] - mean) / std, turned[1] / std)
    return _distances(images, {"raw": (mean, std), "once": once, "twice": (-mean / std, 1 / std),
                               "reversed": reversed_})  # fmt: skip


@diagnose_normalization.mistake(
    "After the second time the means are −μ/σ: the difference is divided too."
)
def twice_not_divided(images, mean, std):
    once = (torch.zeros_like(mean), torch.ones_like(std))
    turned = mean.flip(0), std.flip(0)
    reversed_ = ((mean - turned[0]) / turned[1], std / turned[1])
    return _distances(images, {"raw": (mean, std), "once": once, "twice": (-mean, 1 / std),
                               "reversed": reversed_})  # fmt: skip


@diagnose_normalization.mistake(
    "After the second time the standard deviation is 1/σ: after the first it was 1."
)
def twice_divides_squared(images, mean, std):
    once = (torch.zeros_like(mean), torch.ones_like(std))
    turned = mean.flip(0), std.flip(0)
    reversed_ = ((mean - turned[0]) / turned[1], std / turned[1])
    return _distances(images, {"raw": (mean, std), "once": once, "reversed": reversed_,
                               "twice": (-mean / std, 1 / std**2)})  # fmt: skip


@diagnose_normalization.mistake(
    "You reverse the means alone. The standard deviations are in the wrong order as well."
)
def only_means_reversed(images, mean, std):
    once = (torch.zeros_like(mean), torch.ones_like(std))
    reversed_ = ((mean - mean.flip(0)) / std, torch.ones_like(std))
    return _distances(images, {"raw": (mean, std), "once": once, "twice": (-mean / std, 1 / std),
                               "reversed": reversed_})  # fmt: skip


@diagnose_normalization.mistake(
    "You take the reversed constants for what comes out. They are what is *applied*: (μ − μ̃)/σ̃ "
    "and σ/σ̃."
)
def reversed_statistics(images, mean, std):
    once = (torch.zeros_like(mean), torch.ones_like(std))
    return _distances(images, {"raw": (mean, std), "once": once, "twice": (-mean / std, 1 / std),
                               "reversed": (mean.flip(0), std.flip(0))})  # fmt: skip


@diagnose_normalization.mistake("You leave out the standard deviations.")
def means_alone(images, mean, std):
    m = images.mean(dim=(0, 2, 3))
    turned = mean.flip(0), std.flip(0)
    expected = {"raw": mean, "once": torch.zeros_like(mean), "twice": -mean / std,
                "reversed": (mean - turned[0]) / turned[1]}  # fmt: skip
    return {name: (m - value).abs().sum() for name, value in expected.items()}


@diagnose_normalization.mistake(
    "You return the name of the nearest. Asked for is the dict of all four distances."
)
def name_alone(images, mean, std):
    distances = by_normalizing_the_constants(images, mean, std)
    return min(distances, key=distances.get)


@diagnose_normalization.mistake(
    "Your distances still have one entry for each channel: add them up."
)
def not_summed(images, mean, std):
    m, s = channel_statistics(images)
    turned = mean.flip(0), std.flip(0)
    expected = {"raw": (mean, std), "once": (0.0, 1.0), "twice": (-mean / std, 1 / std),
                "reversed": ((mean - turned[0]) / turned[1], std / turned[1])}  # fmt: skip
    return {name: (m - one).abs() + (s - two).abs() for name, (one, two) in expected.items()}


@diagnose_normalization.mistake("You average over the channels. Asked for is the sum.")
def averaged(images, mean, std):
    right = by_normalizing_the_constants(images, mean, std)
    return {name: value / len(mean) for name, value in right.items()}


@diagnose_normalization.mistake("You square the differences. Asked for are absolute values.")
def squared(images, mean, std):
    m, s = channel_statistics(images)
    turned = mean.flip(0), std.flip(0)
    expected = {"raw": (mean, std), "once": (0.0, 1.0), "twice": (-mean / std, 1 / std),
                "reversed": ((mean - turned[0]) / turned[1], std / turned[1])}  # fmt: skip
    return {
        name: ((m - one) ** 2).sum() + ((s - two) ** 2).sum()
        for name, (one, two) in expected.items()
    }


@diagnose_normalization.alternative
def by_normalizing_the_constants(images, mean, std):
    def after(applied, center, spread):
        return (applied[0] - center) / spread, applied[1] / spread

    raw = (mean, std)
    once = after(raw, mean, std)
    expected = {"raw": raw, "once": once, "twice": after(once, mean, std),
                "reversed": after(raw, mean.flip(0), std.flip(0))}  # fmt: skip
    return _distances(images, expected)


@diagnose_normalization.alternative
def by_loops(images, mean, std):
    found = dict.fromkeys(("raw", "once", "twice", "reversed"), 0.0)
    last = len(mean) - 1
    for c in range(len(mean)):
        m, s = float(mean[c]), float(std[c])
        m2, s2 = float(mean[last - c]), float(std[last - c])
        channel = images[:, c].double()
        here, spread = float(channel.mean()), float(channel.std(unbiased=False))
        for name, wanted, width in (
            ("raw", m, s), ("once", 0, 1), ("twice", -m / s, 1 / s), ("reversed", (m - m2) / s2, s / s2),
        ):  # fmt: skip
            found[name] += abs(here - wanted) + abs(spread - width)
    return found

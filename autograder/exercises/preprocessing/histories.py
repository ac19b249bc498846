"""What has happened to images, seen from their statistics."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.preprocessing.drawing import LIBRARIES, NOT_TRAINED, draw_image_shape
from autograder.exercises.preprocessing.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import preprocessing
from course_lib.preprocessing import channel_statistics


def draw_raw(rng):
    """Images whose statistics are nearly those they are said to have, in every channel others."""
    n, c, h, w = draw_image_shape(rng)
    mean, std = (rng.permutation(np.geomspace(*limits, c)) for limits in ((0.3, 0.7), (0.1, 0.4)))
    mean[0] *= -1
    images = rng.normal(size=(n, c, h, w)) * std[:, None, None] + mean[:, None, None]
    return {"images": images, "mean": mean, "std": std}


def after(*orders):
    """The same images, normalized with the constants in these orders, one after the other."""

    def draw(rng):
        drawn = draw_raw(rng)
        for order in orders:
            mean, std = drawn["mean"][::order], drawn["std"][::order]
            drawn["images"] = (drawn["images"] - mean[:, None, None]) / std[:, None, None]
        return drawn

    return draw


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
    inputs=(draw_raw, after(1), after(1, 1), after(-1), draw_raw),
    probe=probes.call(),
    checks=[
        *(
            matches_reference(f"the distance to {name!r}", of=f"result.{name}")
            for name in ("raw", "once", "twice", "reversed")
        ),
        leaves_inputs_alone(),
    ],
    forbidden=LIBRARIES,
    equivalent_mutants=NOT_TRAINED,
    hints=(
        "If x has mean m and standard deviation s, then (x − a)/b has (m − a)/b and s/b.",
        "`mean.flip(0)` is μ̃.",
        "Put the four pairs into a dict, and loop over it.",
    ),
)


diagnose_normalization.mistake(
    "twice_is_once",
    edit("(-mean / std, 1 / std)", "(torch.zeros_like(mean), torch.ones_like(std))"),
    "You take it that a second normalization changes nothing. It subtracts μ from data whose mean "
    "is 0 already: they end at −μ/σ, with standard deviation 1/σ.",
    origin="folklore",
)
diagnose_normalization.mistake(
    "reversed_the_other_way",
    edit(
        "((mean - other_mean) / other_std, std / other_std)",
        "((other_mean - mean) / std, other_std / std)",
    ),
    "For `reversed` you have exchanged the two: the images have μ and σ, and the constants "
    "applied are μ̃ and σ̃, so (μ − μ̃)/σ̃ and σ/σ̃.",
)
diagnose_normalization.mistake(
    "ratio_turned",
    edit("std / other_std)", "other_std / std)"),
    "For `reversed` the ratio of the standard deviations is turned: the images have σ and are "
    "divided by σ̃, which leaves σ/σ̃.",
)
diagnose_normalization.mistake(
    "twice_not_divided",
    edit("-mean / std", "-mean"),
    "After the second time the means are −μ/σ: the difference is divided too.",
)
diagnose_normalization.mistake(
    "twice_divides_squared",
    edit("1 / std", "1 / std**2"),
    "After the second time the standard deviation is 1/σ: after the first it was 1.",
)
diagnose_normalization.mistake(
    "only_means_reversed",
    edit(
        "((mean - other_mean) / other_std, std / other_std)",
        "((mean - other_mean) / std, torch.ones_like(std))",
    ),
    "You reverse the means alone. The standard deviations are in the wrong order as well.",
)
diagnose_normalization.mistake(
    "reversed_statistics",
    edit("((mean - other_mean) / other_std, std / other_std)", "(other_mean, other_std)"),
    "You take the reversed constants for what comes out. They are what is *applied*: (μ − μ̃)/σ̃ "
    "and σ/σ̃.",
)
diagnose_normalization.mistake(
    "means_alone", edit(" + (s - s2).abs().sum()", ""), "You leave out the standard deviations."
)


@diagnose_normalization.mistake(
    "You return the name of the nearest. Asked for is the dict of all four distances."
)
def name_alone(images, mean, std):
    distances = by_normalizing_the_constants(images, mean, std)
    return min(distances, key=distances.get)


diagnose_normalization.mistake(
    "not_summed",
    edit("(m - m2).abs().sum() + (s - s2).abs().sum()", "(m - m2).abs() + (s - s2).abs()"),
    "Your distances still have one entry for each channel: add them up.",
)


@diagnose_normalization.mistake("You average over the channels. Asked for is the sum.")
def averaged(images, mean, std):
    right = by_normalizing_the_constants(images, mean, std)
    return {name: value / len(mean) for name, value in right.items()}


diagnose_normalization.mistake(
    "squared",
    edit(
        "(m - m2).abs().sum() + (s - s2).abs().sum()",
        "((m - m2) ** 2).sum() + ((s - s2) ** 2).sum()",
    ),
    "You square the differences. Asked for are absolute values.",
)


@diagnose_normalization.alternative
def by_normalizing_the_constants(images, mean, std):
    def normalized(pair, center, spread):
        return (pair[0] - center) / spread, pair[1] / spread

    raw = (mean, std)
    once = normalized(raw, mean, std)
    twice, mixed = normalized(once, mean, std), normalized(raw, mean.flip(0), std.flip(0))
    found = torch.stack(channel_statistics(images))
    expected = {"raw": raw, "once": once, "twice": twice, "reversed": mixed}
    return {name: (found - torch.stack(pair)).abs().sum() for name, pair in expected.items()}


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

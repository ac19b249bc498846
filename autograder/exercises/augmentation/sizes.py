"""The size of a scaled image."""

import math

from autograder import probes
from autograder.exercises.augmentation.lab import lab
from autograder.judging.checks import check, finding
from course_lib import augmentation


def _sizes(rng):
    while True:
        height, width, shorter = (int(n) for n in rng.integers([150, 150, 40], [900, 900, 140]))
        part = max(height, width) * shorter / min(height, width) % 1
        # The shorter side comes out exactly, whatever is rounded and how.
        exact = min(height, width) * (shorter / min(height, width)) == shorter
        if exact and abs(height - width) > 40 and (0.05 < part < 0.45 or 0.55 < part < 0.95):
            return {"height": height, "width": width, "shorter": shorter}


def _standing_up(rng):
    while True:
        drawn = _sizes(rng)
        part = max(drawn["height"], drawn["width"]) * drawn["shorter"]
        if drawn["height"] > drawn["width"] and part / drawn["width"] % 1 > 0.5:
            return drawn


def _lying_down(rng):
    while True:
        drawn = _sizes(rng)
        if drawn["height"] < drawn["width"] and (
            drawn["width"] * drawn["shorter"] / drawn["height"] % 1 < 0.5
        ):
            return drawn


@check("height and width")
def height_and_width(case):
    wanted = [int(side) for side in case.expected["result"]]
    got = [float(side) for side in case.observed["result"]]
    off = [one - other for one, other in zip(got, wanted, strict=True)]
    gist = "another size"
    if any(0 < abs(each) < 1 for each in off):
        gist = "no whole numbers"
    elif max(map(abs, off)) == 1:
        gist = "one pixel too many" if max(off) == 1 else "one pixel too few"
    return finding(not any(off), f"{tuple(wanted)}", f"({got[0]:g}, {got[1]:g})", gist)


scaled_size = lab.value(
    augmentation.scaled_size,
    title="The shorter side",
    statement=r"""VGG and ResNet scale an image so that its **shorter** side has a random length from 256 to
480, and then cut 224 × 224 out. What size `(height', width')` has an image of `height` × `width` once its
shorter side is `shorter`? The ratio of the sides stays; round to the nearest whole number.""",
    points=1,
    minutes=3,
    core=False,
    syllabus=("9.3",),
    hide=("Formula",),
    inputs=(_standing_up, _lying_down, _standing_up),
    probe=probes.call(),
    checks=[height_and_width],
    equivalent_mutants={
        "factor = shorter / min(height, width) => "
        "factor = through_half(shorter / min(height, width))": "a Python number has no half",
    },
    hints=("Both sides are multiplied by the same number.",),
)


@scaled_size.mistake("You make a square of it: the ratio of the sides should stay.")
def square(height, width, shorter):
    return shorter, shorter


@scaled_size.mistake("You scale the *longer* side to that length.")
def longer_side(height, width, shorter):
    factor = shorter / max(height, width)
    return round(height * factor), round(width * factor)


@scaled_size.mistake("You always scale the height to that length. It is the shorter side.")
def always_the_height(height, width, shorter):
    return shorter, round(width * shorter / height)


@scaled_size.mistake("You always scale the width to that length. It is the shorter side.")
def always_the_width(height, width, shorter):
    return round(height * shorter / width), shorter


@scaled_size.mistake("Height and width are exchanged.")
def turned(height, width, shorter):
    factor = shorter / min(height, width)
    return round(width * factor), round(height * factor)


@scaled_size.mistake("You cut off. Round to the nearest whole number.")
def cut_off(height, width, shorter):
    factor = shorter / min(height, width)
    return int(height * factor), int(width * factor)


@scaled_size.mistake("You round up. Round to the nearest whole number.")
def rounded_up(height, width, shorter):
    factor = shorter / min(height, width)
    return math.ceil(height * factor), math.ceil(width * factor)


@scaled_size.mistake("Your sizes are no whole numbers. Round to the nearest.")
def not_rounded(height, width, shorter):
    factor = shorter / min(height, width)
    return height * factor, width * factor


@scaled_size.alternative
def by_cases(height, width, shorter):
    if height < width:
        return shorter, round(shorter * width / height)
    return round(shorter * height / width), shorter

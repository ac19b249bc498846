"""The boxes of a random resized crop: by their distribution."""

import math
from functools import cache

import numpy as np
import torch

from autograder import probes
from autograder.exercises.augmentation.lab import holds, lab, told_by
from autograder.judging import Part, edit
from autograder.judging.checks import Check, finding
from autograder.judging.statistics import follows, is_equally_often, is_uniform_on
from autograder.judging.statistics.draws import numbers_of
from course_lib import augmentation


def _wide(rng):
    # All of them fit. A range as wide as this tells uniform from log-uniform, and area from side;
    # it is not symmetric, so that width over height and height over width differ.
    return {
        "count": int(rng.integers(1500, 1700)),
        "height": int(rng.integers(3000, 3400)),
        "width": int(rng.integers(4000, 4600)),
        "scale": [0.0008, float(rng.uniform(0.12, 0.14))],
        "ratio": [0.25, float(rng.uniform(6, 7))],
    }


def _too_large(rng):
    # Of wide and large boxes many are cut down.
    return {
        "count": int(rng.integers(1500, 1700)),
        "height": int(rng.integers(3000, 3400)),
        "width": int(rng.integers(4000, 4600)),
        "scale": [0.2, float(rng.uniform(0.92, 0.98))],
        "ratio": [0.25, float(rng.uniform(3.5, 4))],
    }


def _few_places(rng):
    # One size, whose sides are rounded down, and three places for it or four.
    h, w = int(rng.integers(6, 9)), int(rng.integers(10, 14))
    return _one_box(rng, h + rng.uniform(0.1, 0.25), w + rng.uniform(0.1, 0.25))


def _thin(rng):
    # One size, whose width is rounded up, and whose height would be less than a pixel.
    return _one_box(rng, rng.uniform(0.2, 0.4), int(rng.integers(10, 14)) - rng.uniform(0.1, 0.25))


def _one_box(rng, *real):
    down, right = (int(n) for n in rng.permutation([2, 3]))
    height, width = max(1, round(real[0])) + down, round(real[1]) + right
    area, aspect = real[0] * real[1] / (height * width), real[1] / real[0]
    return {
        "count": int(rng.integers(2200, 2400)),
        "height": height,
        "width": width,
        "scale": [float(area)] * 2,
        "ratio": [float(aspect)] * 2,
    }


def _boxes(case):
    drawn = numbers_of(case, "")
    if drawn is None or drawn.ndim != 3 or drawn.shape[1:] != (case.inputs["count"], 4):
        return None
    return drawn.reshape(-1, 4).astype(np.float64)


def _of_one_size(case):
    return case.inputs["scale"][0] == case.inputs["scale"][1]


def _one_size(height, width, scale, ratio, **_):
    area = height * width * scale[0]
    sides = math.sqrt(area / ratio[0]), math.sqrt(area * ratio[0])
    return tuple(max(1, round(side)) for side in sides)


def _of_the_size(case):
    return (_boxes(case)[:, 2:] == _one_size(**case.inputs)).all(axis=1)


def _places(height, width, scale, ratio, **_):
    h, w = _one_size(height, width, scale, ratio)
    return [(top, left) for top in range(height - h + 1) for left in range(width - w + 1)]


@cache
def _cut_down(height, width, scale, ratio):
    """Areas and ratios over the whole range, on a fine grid, as far as they fit."""
    steps = (np.arange(600) + 0.5) / 600
    s, r = np.meshgrid(
        scale[0] + steps * (scale[1] - scale[0]), ratio[0] * (ratio[1] / ratio[0]) ** steps
    )
    area = s * height * width
    h, w = np.minimum(np.sqrt(area / r), height), np.minimum(np.sqrt(area * r), width)
    return np.sort((h * w / (height * width)).ravel()), np.sort((w / h).ravel())


def _share_below(of):
    def share(values, height, width, scale, ratio, **_):
        known = _cut_down(height, width, tuple(scale), tuple(ratio))[of]
        return np.searchsorted(known, values, side="right") / len(known)

    return share


def _only_where(check, relevant):
    """A check of some of the cases; the others have passed it."""

    def look(case):
        return check(case) if relevant(case) else finding(True)

    return Check(check.property, look, statistical=check.statistical)


def _of_many_sizes(case):
    return not _of_one_size(case)


def _area(case):
    b = _boxes(case)
    return b[:, 2] * b[:, 3] / (case.inputs["height"] * case.inputs["width"])


def _aspect(case):
    b = _boxes(case)
    return b[:, 3] / b[:, 2]


def _place(case, axis, side):
    # The place in the room that is left, where there is room.
    b = _boxes(case)
    room = case.inputs[side] - b[:, 2 + axis]
    return b[room > 100, axis] / room[room > 100]


def _down(case):
    return _place(case, 0, "height")


def _right(case):
    return _place(case, 1, "width")


def _inside(case):
    b = _boxes(case)
    if b is None:
        return finding(False, "(count, 4)", "another shape", "of another shape")
    whole = bool((b == np.round(b)).all())
    fits = (b[:, :2] >= 0).all(axis=1) & (b[:, 2:] >= 1).all(axis=1)
    fits &= b[:, 0] + b[:, 2] <= case.inputs["height"]
    fits &= b[:, 1] + b[:, 3] <= case.inputs["width"]
    out, empty = int((~fits).sum()), int((b[:, 2:] < 1).any(axis=1).sum())
    observed = "numbers that are not whole" if not whole else f"{out} of {len(b)} reach out"
    if whole and empty:
        observed = f"{empty} of {len(b)} have no pixel"
    return finding(whole and not out, "whole numbers, all inside", observed, observed)


def _whole_dtype(case):
    dtype = np.asarray(case.observed["result"]).dtype
    gist = "of a dtype that cuts no slice"
    return finding(dtype.kind in "iu", "whole numbers, as int64", dtype.name, gist)


def _size(case):
    if not _of_one_size(case):
        return finding(True)
    wrong = 1 - float(_of_the_size(case).mean())
    return finding(
        wrong == 0, "√(area / r) by √(area · r)", f"{wrong:.0%} are of another size", "another size"
    )


_INSIDE = Check("every box is of whole numbers and inside the image", _inside)
_WHOLE = Check("the numbers are of a whole dtype", _whole_dtype)
_SIZE = Check("a given area and ratio make the size", _size)
_AREAS = follows(_share_below(0), "the areas are uniform", of=_area, named="uniform")
_ASPECTS = follows(_share_below(1), "the ratios are log-uniform", of=_aspect, named="log-uniform")
_ZERO, _ONE = (lambda **_: 0.0), (lambda **_: 1.0)
_DOWN = is_uniform_on(_ZERO, _ONE, "the place from top to bottom is uniform", of=_down)
_RIGHT = is_uniform_on(_ZERO, _ONE, "the place from left to right is uniform", of=_right)
_EVERY_PLACE = is_equally_often(
    _places, "every place comes equally often", of=lambda case: _boxes(case)[:, :2]
)


def _uniform_between(low, high):
    def share(values, **inputs):
        first, last = low(inputs), high(inputs)
        return np.clip((values - first) / (last - first), 0, 1)

    return share


def _all_fit(case):
    return case.inputs["scale"][0] < 0.01


def _flat(share):
    return lambda values, **inputs: 1 - share(1 / values, **inputs)


def _offset(case, of):
    """How far every box is from a part of the room that is left, down and to the right."""
    b = _boxes(case)
    room = np.stack([case.inputs["height"] - b[:, 2], case.inputs["width"] - b[:, 3]], axis=1)
    return np.abs(b[:, :2] - of * room)


def _along_the_diagonal(case):
    return np.abs(_down(case) - _right(case)).max() < 0.02


def _reaches_the_last(case):
    b = _boxes(case)
    return np.ptp(b[:, 0]) > 0 and (b[:, 0] + b[:, 2]).max() == case.inputs["height"]


def _sides_in_scale(case):
    b, (low, high) = _boxes(case), case.inputs["scale"]
    sides = b[:, 2:] / [case.inputs["height"], case.inputs["width"]]
    return np.ptp(b[:, 2]) > 0 and (sides > low - 1e-3).all() and (sides < high + 1e-3).all()


def _often_cut_down(case):
    b, sides = _boxes(case), [case.inputs["height"], case.inputs["width"]]
    return np.ptp(b[:, 2]) > 0 and (b[:, 2:] == sides).any(axis=1).mean() > 0.08


def _log_uniform(values, scale, **_):
    low, high = np.log(scale)
    return np.clip((np.log(values) - low) / (high - low), 0, 1)


_SQUARE_ROOTS = _uniform_between(
    lambda inputs: math.sqrt(inputs["scale"][0]), lambda inputs: math.sqrt(inputs["scale"][1])
)
_RATIOS = _uniform_between(lambda inputs: inputs["ratio"][0], lambda inputs: inputs["ratio"][1])

_TOLD_BY = told_by(
    _INSIDE,
    *(
        _only_where(check, _all_fit)
        for check in (
            _AREAS,
            _ASPECTS,
            _DOWN,
            _RIGHT,
            follows(_SQUARE_ROOTS, "sides", of=lambda case: np.sqrt(_area(case))),
            follows(_RATIOS, "ratios", of=_aspect),
            follows(_flat(_share_below(1)), "lying for standing", of=_aspect),
        )
    ),
    _only_where(_EVERY_PLACE, _of_one_size),
    holds("of the size", lambda case: not _of_one_size(case) or _of_the_size(case).all()),
    holds("in the corner", lambda case: _all_fit(case) and (_boxes(case)[:, :2] == 0).all()),
    holds("in the middle", lambda case: _all_fit(case) and (_offset(case, 0.5) <= 1).all()),
    holds("along the diagonal", lambda case: _all_fit(case) and _along_the_diagonal(case)),
    holds("whole dtype", lambda case: _whole_dtype(case).passed),
    holds("the last place", lambda case: _of_one_size(case) and _reaches_the_last(case)),
    _only_where(follows(_log_uniform, "log-uniform areas", of=_area), _all_fit),
    holds("sides in scale", lambda case: _all_fit(case) and _sides_in_scale(case)),
    holds("one place", lambda case: _all_fit(case) and np.ptp(_down(case)) < 0.02),
    holds("of one height", lambda case: _all_fit(case) and np.ptp(_boxes(case)[:, 2]) == 0),
    holds(
        "often cut down",
        lambda case: not _of_one_size(case) and not _all_fit(case) and _often_cut_down(case),
    ),
    holds("one box", lambda case: (_boxes(case) == _boxes(case)[0]).all()),
)

random_boxes = lab.exercise(
    augmentation.random_boxes,
    title="Draw the boxes",
    statement=r"""The *random resized crop*, the augmentation of nearly all ImageNet recipes, cuts a random
box out of the image and brings it to a fixed size. First only the numbers: return `count` boxes
`(top, left, height, width)`, a tensor (count, 4) of whole numbers, for an image of `height` × `width`.

- The **area** is uniform: $s \cdot HW$ with s from `scale`.
- The **ratio** r = width / height is *log*-uniform between the ends of `ratio`: 2:1 is as likely as 1:2.
- From both follow height and width; round each to the nearest whole number. A side longer than the
  image's is cut down to it, and none is shorter than one pixel.
- The place is uniform among **all** whole-pixel places inside, the last one too.""",
    parts=[
        Part("the sizes", 2, (_INSIDE, _WHOLE, _SIZE, _only_where(_AREAS, _of_many_sizes),
                              _only_where(_ASPECTS, _of_many_sizes))),
        Part("the places", 2, (_INSIDE, _only_where(_DOWN, _of_many_sizes),
                               _only_where(_RIGHT, _of_many_sizes),
                               _only_where(_EVERY_PLACE, _of_one_size))),
    ],
    minutes=12,
    difficulty=2,
    syllabus=("9.3",),
    hide=("Formula",),
    inputs=(_wide, _too_large, _few_places, _thin),
    probe=probes.draws(count=1),
    signature=_TOLD_BY,
    equivalent_mutants={
        "w = (area * aspect).sqrt().round().clamp(1, width) => "
        "w = (area * aspect).sqrt().round().clamp(2, width)": "no box is as small as that",
        "everything is done under torch.no_grad()": "boxes are whole numbers",
        "spread = torch.rand(4, count, dtype=torch.float64) => spread = torch.rand(4, count)": "fine "
        "enough for images of these sizes",
        "spread = torch.rand(4, count, dtype=torch.float64) => "
        "spread = torch.rand(5, count, dtype=torch.float64)": "the fifth is not used",
    },
    hints=(
        "With area A and ratio r: h · w = A and w / h = r. What is h?",
        "Log-uniform: draw the logarithm uniformly and take `exp`.",
        "How many places has a box of height h in an image of height H? `(torch.rand(count) * "
        "places).floor()` are 0 … places − 1.",
    ),
)  # fmt: skip


random_boxes.mistake(
    "uniform_ratio",
    edit(
        "ratio[0] * (ratio[1] / ratio[0]) ** spread[1]",
        "ratio[0] + spread[1] * (ratio[1] - ratio[0])",
    ),
    "Your ratio is uniform, so most boxes are lying ones: from 1/4 to 4 four of five. Uniform is to "
    "be its *logarithm*; then 2:1 is as likely as 1:2.",
)
random_boxes.mistake(
    "uniform_side",
    edit(
        "(scale[0] + (scale[1] - scale[0]) * spread[0])",
        "(scale[0] ** 0.5 + (scale[1] ** 0.5 - scale[0] ** 0.5) * spread[0]) ** 2",
    ),
    "You draw the *side* uniformly (the root of the area): small boxes come too often. `scale` is "
    "for the area.",
)
random_boxes.mistake(
    "scale_of_the_side",
    edit(
        "(scale[0] + (scale[1] - scale[0]) * spread[0])",
        "(scale[0] + (scale[1] - scale[0]) * spread[0]) ** 2",
    ),
    "You multiply both sides by s, so the area is s² H W. It is the *area* that is s H W.",
)
random_boxes.mistake(
    "lying_for_standing",
    edit("(area / aspect)", "(area * aspect)").also("w = (area * aspect)", "w = (area / aspect)"),
    "Height and width are exchanged: r is width over height, so the width is √(area · r).",
)
random_boxes.mistake(
    "last_place_never",
    edit("(height - h + 1)", "(height - h)").also("(width - w + 1)", "(width - w)"),
    "The last place is never drawn. A box of height h has H − h + 1 places, from 0 to H − h, and "
    "`torch.randint(n, …)` stops at n − 1.",
)
random_boxes.mistake(
    "always_in_the_corner",
    edit("(spread[2] * (height - h + 1)).floor()", "0 * h").also(
        "(spread[3] * (width - w + 1)).floor()", "0 * w"
    ),
    "All your boxes lie in the upper left corner. Draw the place too.",
)
random_boxes.mistake(
    "centered",
    edit("(spread[2] * (height - h + 1)).floor()", "((height - h) / 2).floor()").also(
        "(spread[3] * (width - w + 1)).floor()", "((width - w) / 2).floor()"
    ),
    "All your boxes lie in the middle. Their place is uniform among all places.",
)
random_boxes.mistake(
    "one_number_for_both",
    edit("spread[3] * (width", "spread[2] * (width"),
    "Your boxes lie along the diagonal: one number decides for top and left. Draw both.",
)
random_boxes.mistake(
    "reaching_out",
    edit(".clamp(1, height)", ".clamp(min=1)").also(".clamp(1, width)", ".clamp(min=1)"),
    "Some of your boxes are larger than the image. Cut such a side down to the image's.",
)
random_boxes.mistake(
    "same_box_for_all",
    edit(
        "torch.rand(4, count, dtype=torch.float64)",
        "torch.rand(4, 1, dtype=torch.float64).expand(4, count)",
    ),
    "All images get the same box. Draw one for each.",
)
random_boxes.mistake(
    "rounded_places",
    edit("(spread[2] * (height - h + 1)).floor()", "(spread[2] * (height - h)).round()").also(
        "(spread[3] * (width - w + 1)).floor()", "(spread[3] * (width - w)).round()"
    ),
    "Your first and your last place come half as often as the others: only half an interval is rounded to "
    "each. Take `(torch.rand(count) * (H − h + 1)).floor()`.",
)
random_boxes.mistake(
    "one_place_for_all",
    edit("(spread[2] *", "(spread[2, 0] *").also("(spread[3] *", "(spread[3, 0] *"),
    "One random number decides where all boxes lie. Draw a place for each.",
)
random_boxes.mistake(
    "one_size_for_all",
    edit(
        "spread = torch.rand(4, count, dtype=torch.float64)",
        "spread = torch.rand(4, count, dtype=torch.float64)\nspread[:2] = spread[:2, :1].clone()",
    ),
    "All boxes have one area and one ratio. Draw both for each.",
)
random_boxes.mistake(
    "log_uniform_area",
    edit(
        "(scale[0] + (scale[1] - scale[0]) * spread[0])",
        "scale[0] * (scale[1] / scale[0]) ** spread[0]",
    ),
    "Your areas are log-uniform, so that small boxes come too often. It is the ratio that is log-uniform; "
    "the area is uniform.",
)
random_boxes.mistake(
    "both_sides_from_scale",
    edit(
        "(area / aspect).sqrt()", "(height * (scale[0] + (scale[1] - scale[0]) * spread[0]))"
    ).also("(area * aspect).sqrt()", "(width * (scale[0] + (scale[1] - scale[0]) * spread[1]))"),
    "You draw both sides from `scale`. It is for the area alone: with A and r, h = √(A / r) and "
    "w = √(A · r).",
)
random_boxes.mistake(
    "left_first",
    edit("[top, left, h, w]", "[left, top, h, w]"),
    "Your first two numbers are (left, top). A box is (top, left, height, width).",
)
random_boxes.mistake(
    "width_first",
    edit("[top, left, h, w]", "[top, left, w, h]"),
    "Your last two numbers are (width, height). A box is (top, left, height, width).",
)
random_boxes.mistake(
    "rounded_down",
    edit("(area / aspect).sqrt().round()", "(area / aspect).sqrt().floor()").also(
        "(area * aspect).sqrt().round()", "(area * aspect).sqrt().floor()"
    ),
    "You cut the sides off. Round them to the nearest whole number.",
)
random_boxes.mistake(
    "rounded_up",
    edit("(area / aspect).sqrt().round()", "(area / aspect).sqrt().ceil()").also(
        "(area * aspect).sqrt().round()", "(area * aspect).sqrt().ceil()"
    ),
    "You round the sides up. Round them to the nearest whole number.",
)
random_boxes.mistake(
    "without_a_pixel",
    edit(".clamp(1, height)", ".clamp(max=height)").also(".clamp(1, width)", ".clamp(max=width)"),
    "A side that is rounded to 0 leaves no pixel. None is shorter than one: `.clamp(1, height)`.",
)
random_boxes.mistake(
    "floats",
    edit("dim=1).long()", "dim=1).float()"),
    "Your boxes are floats, which cut no slices. Return whole numbers: `.long()`.",
)
random_boxes.mistake(
    "ends_for_sizes",
    edit("[top, left, h, w]", "[top, left, top + h, left + w]"),
    "Your last two numbers are the lower and right *edges*. A box is (top, left, height, width).",
)


@random_boxes.mistake(
    "A box that does not fit you draw again, as torchvision does. Then large and wide ones come too "
    "seldom; here a side longer than the image's is cut down to it."
)
def drawn_again(count, height, width, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3)):
    boxes = []
    low, high = math.log(ratio[0]), math.log(ratio[1])
    for _ in range(count):
        h, w = height, width
        for s, u in torch.rand(10, 2).tolist():
            area = height * width * (scale[0] + (scale[1] - scale[0]) * s)
            r = math.exp(low + (high - low) * u)
            one, other = round(math.sqrt(area / r)), round(math.sqrt(area * r))
            if 0 < one <= height and 0 < other <= width:
                h, w = one, other
                break
        down, right = torch.rand(2).tolist()
        boxes.append([int(down * (height - h + 1)), int(right * (width - w + 1)), h, w])
    return torch.tensor(boxes)


@random_boxes.alternative
def box_by_box(count, height, width, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3)):
    boxes = []
    for _ in range(count):
        area = float(torch.empty(1).uniform_(*scale)) * height * width
        low, high = math.log(ratio[0]), math.log(ratio[1])
        r = math.exp(low + (high - low) * torch.rand(()).item())
        w = max(1, min(width, round(math.sqrt(area * r))))
        h = max(1, min(height, round(math.sqrt(area / r))))
        left = torch.randint(0, width - w + 1, (1,)).item()
        top = torch.randint(0, height - h + 1, (1,)).item()
        boxes.append([top, left, h, w])
    return torch.tensor(boxes)


@random_boxes.alternative
def by_the_logarithm(count, height, width, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3)):
    area = torch.empty(count).uniform_(*scale) * (height * width)
    r = torch.empty(count).uniform_(math.log(ratio[0]), math.log(ratio[1])).exp()
    h = torch.sqrt(area / r).round().long().clamp(1, height)
    w = torch.sqrt(area * r).round().long().clamp(1, width)
    top = torch.tensor([int(torch.randint(height - int(n) + 1, ())) for n in h])
    left = torch.tensor([int(torch.randint(width - int(n) + 1, ())) for n in w])
    return torch.stack((top, left, h, w), dim=-1)

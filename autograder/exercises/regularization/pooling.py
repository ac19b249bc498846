"""Fractional max pooling: regions of one or two pixels."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.regularization.lab import lab
from autograder.judging import edit
from autograder.judging.checks import (
    check,
    finding,
    keeps_dtype,
    keeps_the_graph,
    leaves_inputs_alone,
    matches_reference,
)
from autograder.judging.likeness import Alike
from course_lib import regularization


def _line(rng):
    """A line of pixels, and an offset at which no boundary lies where rounding could move it."""
    size, reduction = int(rng.integers(400, 700)), float(rng.uniform(1.25, 1.7))
    regions = math.floor(size / reduction)
    while True:
        offset = float(rng.uniform(0.05, 0.95))
        for ratio in (size / regions, reduction):
            cuts = ratio * (np.arange(regions + 1) + offset)
            if np.abs(cuts - np.round(cuts)).min() < 1e-6:
                break
        else:
            return {"size": size, "reduction": reduction, "offset": offset}


def _all_whole(result):
    """Whether a result holds nothing but whole numbers, as they come or in tensors."""
    items = result if isinstance(result, list) else [result]
    return all(
        type(i) is int or (isinstance(i, np.ndarray) and i.dtype.kind in "iu") for i in items
    )


@check("the boundaries are whole numbers")
def _whole_numbers(case):
    gist = "floats, with which nothing can be sliced"
    return finding(_all_whole(case.observed["result"]), "whole numbers (int)", gist, gist)


def _numbers_and_kinds(seen):
    """The numbers, and of right ones whether they are whole."""
    numbers = np.asarray(seen["result"], dtype=float)
    right = np.array_equal(numbers, regularization.pooling_boundaries(**seen["inputs"]))
    return Alike(numbers, _all_whole(seen["result"]) or not right)


pooling_boundaries = lab.exercise(
    regularization.pooling_boundaries,
    title="Regions of one or two pixels",
    statement=r"""2 × 2 pooling throws away three quarters of the pixels. Fractional pooling reduces each side by a
factor α between 1 and 2: a line of N pixels becomes $M = \lfloor N/\alpha\rfloor$ regions of **one or two**
pixels. With $\alpha' = N/M$, which M regions have exactly, and an offset u between 0 and 1, region i begins at

$$b_i = \lceil \alpha'(i+u)\rceil - \lceil \alpha' u\rceil,\qquad i = 0, \dots, M.$$

Return the M + 1 whole numbers (`int`: they will cut slices) as a list: $b_0 = 0$, $b_M = N$. 20 pixels become 14 with α = √2, and 13 with
1.5.""",
    points=2,
    minutes=5,
    core=False,
    syllabus=("8.12",),
    inputs=_line,
    dtypes=("float64",) * 4,
    probe=probes.call(),
    signature=_numbers_and_kinds,
    checks=[matches_reference("the boundaries"), _whole_numbers],
    hints=("`math.floor(size / reduction)` regions; then α' and `math.ceil`.",),
)


@pooling_boundaries.mistake(
    "You multiply by α: the line gets longer. M = ⌊N/α⌋: 20 pixels become 14."
)
def ratio_inverted(size, reduction, offset):
    regions = math.floor(size * reduction)
    ratio = size / regions
    return [math.ceil(ratio * (i + offset)) - math.ceil(ratio * offset) for i in range(regions + 1)]


@pooling_boundaries.mistake(
    "You use α where α' = N/M belongs: M regions of mean size α do not end at N."
)
def reduction_itself(size, reduction, offset):
    regions = math.floor(size / reduction)
    first = math.ceil(reduction * offset)
    return [math.ceil(reduction * (i + offset)) - first for i in range(regions + 1)]


@pooling_boundaries.mistake(
    "Your boundaries do not begin at 0: subtract ⌈α' u⌉, and count from 0 (the paper counts from 1)."
)
def not_from_zero(size, reduction, offset):
    regions = math.floor(size / reduction)
    return [math.ceil(size / regions * (i + offset)) for i in range(regions + 1)]


@pooling_boundaries.mistake("The last boundary, N, is missing: M regions have M + 1 boundaries.")
def last_missing(size, reduction, offset):
    regions = math.floor(size / reduction)
    ratio = size / regions
    return [math.ceil(ratio * (i + offset)) - math.ceil(ratio * offset) for i in range(regions)]


@pooling_boundaries.mistake(
    "You ignore the offset, so that the regions are always the same ones: i + u, not i."
)
def offset_ignored(size, reduction, offset):
    regions = math.floor(size / reduction)
    return [math.ceil(size / regions * i) for i in range(regions + 1)]


@pooling_boundaries.mistake("You add u outside of the product with α'. It is α' (i + u).")
def offset_not_scaled(size, reduction, offset):
    regions = math.floor(size / reduction)
    ratio = size / regions
    return [math.ceil(ratio * i + offset) - math.ceil(offset) for i in range(regions + 1)]


@pooling_boundaries.mistake(
    "You return how long the regions are. Asked for is where they begin, and N at the end."
)
def lengths(size, reduction, offset):
    regions = math.floor(size / reduction)
    ratio = size / regions
    cuts = [math.ceil(ratio * (i + offset)) for i in range(regions + 1)]
    return [cuts[i + 1] - cuts[i] for i in range(regions)]


@pooling_boundaries.mistake(
    "Your boundaries do not begin at 0: subtract ⌈α' u⌉, and count from 0 (the paper counts from 1)."
)
def counted_from_one(size, reduction, offset):
    regions = math.floor(size / reduction)
    ratio = size / regions
    first = math.ceil(ratio * offset)
    return [math.ceil(ratio * (i + offset)) - first + 1 for i in range(regions + 1)]


@pooling_boundaries.mistake(
    "The numbers are right, and they are floats (`torch.ceil`, `np.ceil`): a slice takes whole numbers only. "
    "`math.ceil` gives an `int`; of a tensor take `.long().tolist()`."
)
def floats(size, reduction, offset):
    regions = math.floor(size / reduction)
    i = torch.arange(regions + 1, dtype=torch.float64)
    cuts = torch.ceil(size / regions * (i + offset))
    return (cuts - cuts[0]).tolist()


@pooling_boundaries.alternative
def by_tensors(size, reduction, offset):
    regions = int(size / reduction)
    i = torch.arange(regions + 1, dtype=torch.float64)
    cuts = torch.ceil(size / regions * (i + offset)).long()
    return (cuts - cuts[0]).tolist()


def _pictures(overlapping):
    def draw(rng):
        x = rng.permutation(2 * 3 * 7 * 9).reshape(2, 3, 7, 9) / 10.0 - 30.0  # mostly negative
        return {
            "x": x,
            "rows": [0, *(int(n) for n in np.cumsum(rng.permutation([2, 1, 1, 2, 1])))],
            "columns": [0, *(int(n) for n in np.cumsum(rng.permutation([2, 1, 2, 2, 1, 1])))],
            "overlapping": overlapping,
        }

    return draw


fractional_max_pool_2d = lab.exercise(
    regularization.fractional_max_pool_2d,
    title="The largest of every region",
    statement="""Now pool: x is (N, C, H, W), `rows` and `columns` are boundaries as above. Entry (i, j) of every
channel is the **largest** pixel of rows `rows[i]` … `rows[i+1] − 1` and columns `columns[j]` … `columns[j+1] − 1`.
With `overlapping=True` a region also takes in the first row and column of the next one, where there is one. (The
paper found that to work better.)""",
    points=3,
    minutes=6,
    core=False,
    syllabus=("8.12",),
    hide=("Formula",),
    inputs=(_pictures(False), _pictures(True), _pictures(False)),
    probe=probes.call(differentiable=True),
    checks=[
        matches_reference("the pooled images"),
        keeps_the_graph(),
        leaves_inputs_alone(),
        keeps_dtype(),
    ],
    forbidden=("torch.nn", "torch.ops"),
    hints=(
        "`x[:, :, a:b, c:d].amax(dim=(2, 3))` is one entry of every channel.",
        "A slice that ends beyond the last pixel ends there.",
    ),
)

fractional_max_pool_2d.mistake(
    "means",
    edit("region.amax(dim=(2, 3))", "region.mean(dim=(2, 3))"),
    "You take means. Max pooling gives the largest entry: every output occurs in the input.",
)
fractional_max_pool_2d.mistake(
    "first_pixels",
    edit("region.amax(dim=(2, 3))", "region[:, :, 0, 0]"),
    "You take the first pixel of every region: that is subsampling. Take the largest.",
)
fractional_max_pool_2d.mistake(
    "smallest",
    edit("amax", "amin"),
    "You take the smallest entry of every region.",
)
fractional_max_pool_2d.mistake(
    "overlap_ignored",
    edit("1 if overlapping else 0", "0"),
    "`overlapping` makes no difference in yours. A region then goes on to the first row and column of the next.",
)
fractional_max_pool_2d.mistake(
    "always_overlapping",
    edit("1 if overlapping else 0", "1"),
    "Your regions overlap always (ends that are included?). Without `overlapping` they are disjoint.",
)
fractional_max_pool_2d.mistake(
    "overlapping_rows_only",
    edit("columns[j + 1] + more", "columns[j + 1]"),
    "Your regions overlap along one axis only.",
)
fractional_max_pool_2d.mistake(
    "padded_with_zeros",
    edit("region.amax(dim=(2, 3))", "region.amax(dim=(2, 3)).clamp(min=0)"),
    "Your largest entry starts at 0: negative regions come out as 0.",
)
fractional_max_pool_2d.mistake(
    "largest_of_the_batch",
    edit("region.amax(dim=(2, 3))", "region.amax(dim=(0, 2, 3))"),
    "You take the largest over all examples as well. Every example and channel has its own.",
)
fractional_max_pool_2d.mistake(
    "absolute_values",
    edit("region.amax", "region.abs().amax"),
    "You compare absolute values. The largest entry is that with its sign.",
)
fractional_max_pool_2d.mistake(
    "overlap_to_the_region_before",
    edit("rows[i] : rows[i + 1] + more", "max(rows[i] - more, 0) : rows[i + 1]").also(
        "columns[j] : columns[j + 1] + more", "max(columns[j] - more, 0) : columns[j + 1]"
    ),
    "Your regions overlap with the one *before*: they take in its last row and column. A region goes on to the first "
    "row and column of the next one.",
)
fractional_max_pool_2d.mistake(
    "overlap_on_both_sides",
    edit("rows[i] : rows", "max(rows[i] - more, 0) : rows").also(
        "columns[j] : columns", "max(columns[j] - more, 0) : columns"
    ),
    "Your regions overlap on both sides. A region takes in the first row and column of the next one, and nothing of the "
    "one before.",
)


@fractional_max_pool_2d.alternative
def in_two_steps(x, rows, columns, overlapping=False):
    more = int(overlapping)
    tall = [x[:, :, rows[i] : rows[i + 1] + more] for i in range(len(rows) - 1)]
    x = torch.stack([part.max(dim=2).values for part in tall], dim=2)
    wide = [x[..., columns[j] : columns[j + 1] + more] for j in range(len(columns) - 1)]
    return torch.stack([part.max(dim=3).values for part in wide], dim=3)

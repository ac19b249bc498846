"""Softmax, cross-entropy and its gradient in one pass."""

import numpy as np
import torch
import torch.nn.functional as F


from autograder import probes
from autograder.exercises.kernels.lab import LOADS_BEYOND, by_what_it_does, held, lab, output
from autograder.judging import Part, edit
from autograder.judging.checks import matches_reference
from autograder.judging.kernels import (
    as_exact_as,
    compiles,
    moves_few_bytes,
    no_races,
    same_in_any_order,
    writes_everything,
)
from course_lib.kernels import plain
from course_lib.tracing.language import tl


PASSES = ("as many", "1.5 times as many", "twice as many", "4 times as many")


def outcome_of_passes() -> str:
    """Read logits, write log-probabilities; read those, write the gradient: against one of each."""
    apart, together = 2 + 2, 2
    return PASSES[2] if apart // together == 2 else PASSES[0]


lab.prediction(
    "passes_over_logits",
    title="Predict: passes over the logits",
    statement=(
        "Torch's cross-entropy of (N, V) logits: one kernel reads them and writes log-probabilities, of which the loss "
        "picks N; on the way back another reads the log-probabilities and writes the gradient. Your kernel below will read "
        "the logits and write the gradient in their place. How many bytes does torch move, compared with that (V is "
        "large)?"
    ),
    minutes=1,
    syllabus=("13.2", "13.5"),
    choices=PASSES,
    outcome=outcome_of_passes,
    explanation=(
        "4 N V numbers against 2 N V: twice. And torch holds logits, log-probabilities and gradient at the same time, three "
        "tensors where yours has one. With 50,000 classes that decides which batch fits."
    ),
)


def _logits(rng, rows, classes, together, width, offsets=0.0):
    """Rows that differ in scale; the first and the last class occur, and a very unlikely target."""
    logits = rng.normal(size=(rows, classes)) * rng.uniform(1, 4, size=(rows, 1)) + offsets
    targets = rng.integers(classes, size=rows)
    targets[:2] = 0, classes - 1
    targets = rng.permutation(targets)
    logits[0, targets[0]] -= 40
    return {
        "arguments": {
            "logits_ptr": logits,
            "targets_ptr": targets,
            "losses_ptr": output(rows),
            "rows": rows,
            "classes": classes,
            "scale": round(float(rng.uniform(0.1, 0.6)), 3),
            "ROWS": together,
            "CLASSES": width,
        },
        "grid": [-(-rows // together)],
    }


def _ragged(rng):
    """Neither rows nor classes fill their blocks."""
    return _logits(rng, 4 + int(rng.integers(1, 4)), int(rng.integers(9, 13)), 4, 16)


def _large(rng):
    """Scores whose exponentials overflow or vanish, in float64 too; in each block both."""
    rows = 2 * int(rng.integers(1, 3)) + 1
    offsets = rng.uniform(900, 1900, size=(rows, 1)) * np.where(np.arange(rows) % 2, -1, 1)[:, None]
    return _logits(rng, rows, int(rng.integers(5, 8)), 2, 8, offsets)


def _full(rng):
    """As many classes as lanes; a program for each row."""
    given = _logits(rng, int(rng.integers(3, 6)), 8, 1, 8)
    return given | {"gpu": {"ROWS": 2, "CLASSES": 1024}}


def _by_torch(inputs):
    """The gradient as autograd gives it, in the case's own precision."""
    given = inputs["arguments"]
    logits = torch.tensor(given["logits_ptr"], requires_grad=True)
    F.cross_entropy(logits, torch.tensor(given["targets_ptr"]), reduction="sum").backward()
    return given["scale"] * logits.grad.numpy()


def _fewest(inputs):
    """Every logit is read and written."""
    return held(inputs, "logits_ptr", "logits_ptr", "losses_ptr", "targets_ptr")


_TARGET = "tl.load(targets_ptr + row, mask=there, other=0)"
_ABSENT = "of rows that are not there nothing is stored"


cross_entropy = lab.exercise(
    plain.cross_entropy.fn,
    title="Softmax, loss and gradient in one pass",
    statement=(
        "A program takes `ROWS` rows, each whole, as a block of (`ROWS`, `CLASSES`). `logits_ptr`: (rows, classes), "
        "contiguous, row r begins at element r · classes; `CLASSES` ≥ classes is a power of two. `targets_ptr`: a class "
        "for each row.\n\n"
        "- `losses_ptr` gets each row's cross-entropy, −log softmax(x)ₜ, **unscaled**.\n"
        "- The **logits are overwritten by the gradient** of the losses by them, times `scale` (for a mean: 1/rows). "
        "Nobody needs logits once there is a gradient.\n\n"
        "Scores may be ±2000. *Judged* as before; each logit is read once and written once, each target read once, each "
        "loss written once."
    ),
    parts=[
        Part("losses", 1, (matches_reference("the losses", of="result.losses_ptr"),)),
        Part("gradient", 1, (as_exact_as(_by_torch, "logits_ptr", "the gradient"),)),
        Part("safe", 1, (writes_everything(), no_races(), same_in_any_order(), compiles())),
        Part("bytes", 1, (moves_few_bytes(_fewest),)),
    ],
    minutes=13,
    difficulty=3,
    syllabus=("13.5", "13.2"),
    hide=("Formula",),
    inputs=(_ragged, _large, _full),
    probe=probes.launched("losses_ptr", "logits_ptr"),
    signature=by_what_it_does,
    equivalent_mutants={
        f"target = {_TARGET} => target = {mutant}": why
        for mutant, why in {
            _TARGET.replace(", other=0", ""): _ABSENT,
            _TARGET.replace("other=0", "other=1"): _ABSENT,
            f"{_TARGET}.to(tl.float16)": "whole numbers up to 2048 are exact in half precision",
        }.items()
    }
    | {
        "x = tl.load(place, mask=inside, other=-1e+30) => x = tl.load(place, mask=inside, "
        "other=-2e+30)": "the exponential of either is 0",
        "gradient = powers / total[:, None] - tl.where(hit, 1.0, 0.0) => gradient = powers / "
        "total[:, None] - tl.where(1.0, hit, 0.0)": "a truth value counts as 1 or 0",
    },
    hints=(
        "Row and column: `row[:, None] * classes + column[None, :]` is a block of places, and the mask is one of rows "
        "*and* columns.",
        "Lanes beyond the last class must not count: load them as `other=-1e30`, whose exponential is 0. Then subtract "
        "each row's `tl.max(x, axis=1)[:, None]`.",
        "`hit = column[None, :] == target[:, None]` picks the target out of what is loaded already: "
        "`tl.sum(tl.where(hit, x, 0.0), axis=1)`. The gradient is softmax minus `tl.where(hit, 1.0, 0.0)`.",
    ),
)

cross_entropy.mistake(
    "maximum_not_subtracted",
    edit("x = x - tl.max(x, axis=1)[:, None]\n", ""),
    "You do not subtract the row's maximum, so that exp overflows (or all of them are 0): x − max x first. Softmax is the "
    "same.",
)
cross_entropy.mistake(
    "maximum_of_the_block",
    edit("tl.max(x, axis=1)[:, None]", "tl.max(tl.max(x, axis=1), axis=0)"),
    "You subtract one maximum for all rows of the block. Where a row lies far below another all its exponentials are 0: "
    "each row has its own, `axis=1`.",
)
cross_entropy.mistake(
    "padding_counts",
    edit("other=-1e30", "other=0.0"),
    "Lanes beyond the last class hold 0, and count in the sum, each with exp(0 − max). Load them as −1e30 (or −∞), whose "
    "exponential is 0.",
)
_NOT_DEFINED = (
    "Lanes beyond the last class are undefined (here they hold NaN), and your maximum and your sum see them. Say what they "
    "hold: `other=-1e30`."
)
cross_entropy.mistake("padding_undefined", edit(", other=-1e30", ""), _NOT_DEFINED)
cross_entropy.mistake(
    "loads_without_a_mask", edit("place, mask=inside, other=-1e30", "place"), LOADS_BEYOND
)
cross_entropy.mistake(
    "mask_of_columns_alone",
    edit("there[:, None] & (column < classes)", "(column < classes) & (row[:, None] >= 0)"),
    "Your mask knows the classes and not the rows: the last program has rows that are not there. `row < rows` *and* "
    "`column < classes`.",
)
cross_entropy.mistake(
    "mask_of_rows_alone",
    edit("there[:, None] & (column < classes)", "there[:, None] & (column >= 0)"),
    "Your mask knows the rows and not the classes: with `CLASSES` lanes a row reaches into the next one. `row < rows` *and* "
    "`column < classes`.",
)
cross_entropy.mistake(
    "rows_as_wide_as_the_block",
    edit("row[:, None] * classes", "row[:, None] * CLASSES"),
    "Your rows are `CLASSES` apart. In memory they are `classes` apart; only the block has more.",
)
cross_entropy.mistake(
    "targets_without_a_mask",
    edit("targets_ptr + row, mask=there, other=0", "targets_ptr + row"),
    "You load targets of rows that are not there. The last program has some: `mask=row < rows`.",
)
cross_entropy.mistake(
    "scale_missing",
    edit("gradient * scale", "gradient"),
    "Your gradient lacks `scale`: it is that of the sum of the losses, whatever is asked for.",
)
cross_entropy.mistake(
    "loss_scaled",
    edit("losses_ptr + row, loss,", "losses_ptr + row, loss * scale,"),
    "You scale the losses, too. Only the gradient is scaled; losses are for people.",
)
cross_entropy.mistake(
    "without_one_hot",
    edit(" - tl.where(hit, 1.0, 0.0)", ""),
    "You write the softmax. The gradient is softmax minus 1 at the target.",
)
cross_entropy.mistake(
    "one_hot_added",
    edit("total[:, None] - tl.where(hit, 1.0, 0.0)", "total[:, None] + tl.where(hit, 1.0, 0.0)"),
    "You *add* 1 at the target. The gradient is softmax minus one-hot.",
)
cross_entropy.mistake(
    "uphill",
    edit(
        "powers / total[:, None] - tl.where(hit, 1.0, 0.0)",
        "tl.where(hit, 1.0, 0.0) - powers / total[:, None]",
    ),
    "Your gradient has the wrong sign: it is that of the log-probability. Of the loss it is softmax minus one-hot.",
)
cross_entropy.mistake(
    "target_one_further",
    edit("column == target[:, None]", "column == target[:, None] + 1"),
    "Your target is one column off. Classes count from 0, as columns do.",
)
cross_entropy.mistake(
    "target_of_the_first_row",
    edit("column == target[:, None]", "column == tl.max(target, axis=0)"),
    "All rows of a block share one target in your kernel. `target[:, None]` gives each row its own.",
)
cross_entropy.mistake(
    "sum_not_divided",
    edit("powers / total[:, None]", "powers"),
    "Your exponentials are not divided by their sum: that is no softmax.",
)
cross_entropy.mistake(
    "without_the_logarithm",
    edit("tl.log(total)", "total"),
    "Your loss has the sum of exponentials, and not its logarithm: log Σ exp(x) − xₜ.",
)
cross_entropy.mistake(
    "loss_of_the_wrong_sign",
    edit(
        "tl.log(total) - tl.sum(tl.where(hit, x, 0.0), axis=1)",
        "tl.sum(tl.where(hit, x, 0.0), axis=1) - tl.log(total)",
    ),
    "Your losses are log-probabilities, which are negative. The loss is minus that.",
)
cross_entropy.mistake(
    "loss_without_the_target",
    edit("tl.log(total) - tl.sum(tl.where(hit, x, 0.0), axis=1)", "tl.log(total)"),
    "Your loss lacks the score of the target: log Σ exp(x) − xₜ.",
)
cross_entropy.mistake(
    "probability_of_the_target",
    edit(
        "tl.log(total) - tl.sum(tl.where(hit, x, 0.0), axis=1)",
        "tl.sum(tl.where(hit, powers, 0.0), axis=1) / total",
    ),
    "You give the probability of the target. The loss is minus its logarithm.",
)
cross_entropy.mistake(
    "logarithm_of_zero",
    edit(
        "tl.log(total) - tl.sum(tl.where(hit, x, 0.0), axis=1)",
        "-tl.log(tl.sum(tl.where(hit, powers, 0.0), axis=1) / total + 1e-9)",
    ),
    "You add a small number before the logarithm, so that losses of unlikely targets are wrong. log Σ exp(x − max) − "
    "(xₜ − max) never takes the logarithm of 0.",
)
cross_entropy.mistake(
    "logits_kept",
    edit("tl.store(place, gradient * scale, mask=inside)", "pass"),
    "The logits stay as they are: the gradient is never stored. It takes their place.",
)
cross_entropy.mistake(
    "stores_without_a_mask",
    edit("gradient * scale, mask=inside", "gradient * scale"),
    "Your gradient is stored without a mask: the lanes beyond the last class overwrite the row that comes next, or what is "
    "no longer yours. The mask is that of the load.",
)
_READS_AGAIN = (
    "The numbers are right, and you load logits twice: once for the row, and once more. The block holds the whole row: take "
    "the target's score out of it, by `tl.sum(tl.where(hit, x, 0.0), axis=1)`."
)
cross_entropy.mistake(
    "loads_the_row_twice",
    edit(
        "powers = tl.exp(x)",
        "again = tl.load(place, mask=inside, other=-1e30)\npowers = tl.exp(again - tl.max(again, axis=1)[:, None])",
    ),
    _READS_AGAIN,
)
cross_entropy.mistake(
    "loads_the_target_again",
    edit(
        "loss = tl.log(total) - tl.sum(tl.where(hit, x, 0.0), axis=1)",
        "raw = tl.load(place, mask=inside & hit, other=-1e30)\n"
        "loss = tl.log(total) - tl.sum(tl.where(hit, x, 0.0), axis=1) + 0.0 * tl.max(raw, axis=1)",
    ),
    _READS_AGAIN,
)
cross_entropy.mistake(
    "stores_twice",
    edit(
        "tl.store(place, gradient * scale, mask=inside)",
        "tl.store(place, gradient, mask=inside)\ntl.store(place, gradient * scale, mask=inside)",
    ),
    "The numbers are right, and you store the gradient twice. Compute it whole, then store it once.",
)


@cross_entropy.alternative
def by_probabilities(
    logits_ptr,
    targets_ptr,
    losses_ptr,
    rows,
    classes,
    scale,
    ROWS: tl.constexpr,
    CLASSES: tl.constexpr,
):
    r = ROWS * tl.program_id(axis=0) + tl.arange(0, ROWS)[:, None]
    k = tl.arange(0, CLASSES)[None, :]
    mask = (r < rows) & (k < classes)
    scores = tl.load(logits_ptr + (r * classes + k), mask=mask, other=float("-inf"))
    wanted = tl.load(targets_ptr + r, mask=r < rows, other=0)
    highest = tl.max(scores, 1, keep_dims=True)
    highest = tl.where(r < rows, highest, 0.0)
    e = tl.exp(scores - highest)
    share = e / tl.where(r < rows, tl.sum(e, 1, keep_dims=True), 1.0)
    sums = tl.where(r < rows, tl.sum(e, 1, keep_dims=True), 1.0)
    at_target = tl.sum(tl.where(k == wanted, scores - highest, 0.0), 1, keep_dims=True)
    tl.store(losses_ptr + r, tl.log(sums) - at_target, mask=r < rows)
    tl.store(logits_ptr + (r * classes + k), (share - (k == wanted)) * scale, mask=mask)

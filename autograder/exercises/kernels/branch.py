"""The end of a residual branch: four operations in one pass."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.kernels.lab import (
    LOADS_BEYOND,
    STORES_BEYOND,
    by_what_it_does,
    held,
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
from course_lib.kernels import philox, plain
from course_lib.tracing.language import tl


def _branch(rng, block):
    """Rows that do not end where blocks do; a function that no activation is."""
    width = int(rng.choice([3, 5, 7]))
    n = width * (-(-(block + 2) // width))
    a, b = (round(float(v), 3) for v in rng.uniform(0.5, 3, size=2))
    value = {"make": "jit", "source": f"def value(x):\n    return {a} * x + {b} * x * x + 1.5"}
    arguments = {
        "x_ptr": numbers(rng, n),
        "bias_ptr": numbers(rng, width),
        "residual_ptr": numbers(rng, n),
        "out_ptr": output(n),
        "n": n,
        "width": width,
        "p": round(float(rng.uniform(0.3, 0.4)), 3),
        "seed": int(rng.integers(1, 2**31)),
        "VALUE": value,
        "BLOCK": block,
    }
    return {"arguments": arguments, "grid": [-(-n // block)]}


def _just_kept(rng):
    """p is one of the numbers that are drawn: that element is kept."""
    given = _branch(rng, 16)
    drawn = philox.rand(given["arguments"]["seed"], torch.arange(given["arguments"]["n"])).tolist()
    given["arguments"]["p"] = min(drawn, key=lambda u: abs(u - 0.4))
    return given


def _compiled(rng):
    return _branch(rng, 16) | {"gpu": {"BLOCK": 1024}}


def _fewest(inputs):
    """An element of the bias is loaded for each of x, as a rule from the cache."""
    x = np.asarray(inputs["arguments"]["x_ptr"])
    return held(inputs, "x_ptr", "residual_ptr", "out_ptr") + x.nbytes


bias_dropout_residual = lab.exercise(
    plain.bias_dropout_residual.fn,
    title="A whole branch in one pass",
    statement=(
        "out = residual + dropout(VALUE(x + bias)): the end of many a residual block, with four operations that would load "
        "and store all elements four times. x, residual and out are n contiguous numbers, rows of `width`; the bias has "
        "`width`, and element i gets number i mod `width`. `VALUE` is a jitted function; the mask is that of "
        "`seeded_dropout`.\n\n"
        "*Judged* as in the core. An element of the bias counts for each of x that it is loaded for: 4 n numbers."
    ),
    parts=[
        Part("right", 2, (matches_reference("the sum", of="result.out_ptr", rtol=1e-5),)),
        Part("safe", 1, (writes_everything(), no_races(), same_in_any_order(), compiles())),
        Part("bytes", 1, (moves_few_bytes(_fewest),)),
    ],
    minutes=7,
    difficulty=2,
    core=False,
    syllabus=("13.8", "13.2"),
    hide=("Formula",),
    inputs=(lambda rng: _branch(rng, 8), _just_kept, _compiled),
    probe=probes.launched("out_ptr"),
    signature=by_what_it_does,
    hints=(
        "Three loads, of which one is at `i % width`; then everything happens in registers.",
        "The residual is added after dropout: it is never dropped.",
    ),
)

_BRANCH = "tl.where(tl.rand(seed, i) >= p, VALUE(x + bias) / (1.0 - p), 0.0)"

bias_dropout_residual.mistake(
    "residual_dropped",
    edit(
        _BRANCH, "tl.where(tl.rand(seed, i) >= p, (residual + VALUE(x + bias)) / (1.0 - p), 0.0)"
    ).also("residual + branch", "branch"),
    "You drop the residual, too. It is added after dropout: a dropped branch leaves the residual as it is.",
)
bias_dropout_residual.mistake(
    "residual_forgotten",
    edit("residual + branch", "branch"),
    "The residual is not added.",
)
bias_dropout_residual.mistake(
    "bias_after_the_function",
    edit("VALUE(x + bias)", "(VALUE(x) + bias)"),
    "You add the bias after the function. VALUE(x + bias).",
)
bias_dropout_residual.mistake(
    "bias_after_dropout",
    edit("VALUE(x + bias)", "VALUE(x)").also("residual + branch", "residual + branch + bias"),
    "You add the bias after dropout, with the residual. It stands inside the function: VALUE(x + bias).",
)
bias_dropout_residual.mistake(
    "function_forgotten",
    edit("VALUE(x + bias)", "(x + bias)"),
    "The function is not applied: VALUE(x + bias).",
)
bias_dropout_residual.mistake(
    "function_after_dropout",
    edit(_BRANCH, "VALUE(tl.where(tl.rand(seed, i) >= p, (x + bias) / (1.0 - p), 0.0))"),
    "You drop before the function, so that VALUE(0) stays of what is dropped. Dropout comes after it.",
)
bias_dropout_residual.mistake(
    "function_of_the_sum",
    edit("residual + branch", "VALUE(residual + branch)").also("VALUE(x + bias)", "(x + bias)"),
    "You apply the function to the sum with the residual. It belongs to the branch, before dropout.",
)
bias_dropout_residual.mistake(
    "bias_by_the_row",
    edit("i % width", "i // width"),
    "You take the bias of the *row*. It is one number for each column: i mod width.",
)
bias_dropout_residual.mistake(
    "bias_by_the_lane",
    edit("bias_ptr + i % width", "bias_ptr + tl.arange(0, BLOCK) % width"),
    "You count columns from the beginning of the block. Rows do not end where blocks do: i mod width, of the element.",
)
bias_dropout_residual.mistake(
    "bias_of_the_element",
    edit("bias_ptr + i % width", "bias_ptr + i"),
    "You load bias number i, and there are `width` of them. i mod width.",
    raises="OutOfBounds",
)
bias_dropout_residual.mistake(
    "scale_missing",
    edit("VALUE(x + bias) / (1.0 - p)", "VALUE(x + bias)"),
    "What is kept is not enlarged: divide by 1 − p.",
)
bias_dropout_residual.mistake(
    "keeps_with_p",
    edit(">= p", "< p"),
    "You keep what should be dropped. Kept is what is at least p.",
)
bias_dropout_residual.mistake(
    "above_p",
    edit(">= p", "> p"),
    "You keep what is *above* p. The rule says at least p.",
)
bias_dropout_residual.mistake(
    "loads_without_a_mask",
    edit("x_ptr + i, mask=inside", "x_ptr + i").also(
        "residual_ptr + i, mask=inside", "residual_ptr + i"
    ),
    LOADS_BEYOND,
    raises="OutOfBounds",
)
bias_dropout_residual.mistake(
    "stores_without_a_mask",
    edit("residual + branch, mask=inside", "residual + branch"),
    STORES_BEYOND,
    raises="OutOfBounds",
)
bias_dropout_residual.mistake(
    "in_two_passes",
    edit(
        f"branch = {_BRANCH}",
        "tl.store(out_ptr + i, VALUE(x + bias), mask=inside)\n"
        "y = tl.load(out_ptr + i, mask=inside)\n"
        "branch = tl.where(tl.rand(seed, i) >= p, y / (1.0 - p), 0.0)",
    ),
    "The numbers are right, and you store something on the way and load it again. Between load and store everything stays "
    "in registers.",
)


@bias_dropout_residual.alternative
def by_a_factor(
    x_ptr,
    bias_ptr,
    residual_ptr,
    out_ptr,
    n,
    width,
    p,
    seed,
    VALUE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    at = tl.arange(0, BLOCK) + BLOCK * tl.program_id(0)
    mask = at < n
    column = at - (at // width) * width
    sums = tl.load(bias_ptr + column, mask=mask, other=0.0) + tl.load(
        x_ptr + at, mask=mask, other=0.0
    )
    factor = tl.where(tl.rand(seed, at) < p, 0.0, 1.0 / (1.0 - p))
    rest = tl.load(residual_ptr + at, mask=mask, other=0.0)
    tl.store(out_ptr + at, factor * VALUE(sums) + rest, mask=mask)

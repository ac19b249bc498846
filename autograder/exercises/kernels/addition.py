"""The first kernel: blocks, programs, masks."""

from autograder import probes
from autograder.exercises.kernels.lab import (
    FIRST_BLOCK,
    LEAVES_OUT,
    LOADS_BEYOND,
    LOADS_TWICE,
    OVERLAPPING,
    STORES_BEYOND,
    WRITES_TWICE,
    by_what_it_does,
    held,
    lab,
    numbers,
    output,
    ragged,
    whole,
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
from course_lib.kernels import plain
from course_lib.tracing.language import tl


def _vectors(rng, block, n):
    arguments = {"x_ptr": numbers(rng, n), "y_ptr": numbers(rng, n), "out_ptr": output(n)}
    return {"arguments": {**arguments, "n": n, "BLOCK": block}, "grid": [3]}


def _last_block_not_full(rng):
    return _vectors(rng, *ragged(rng))


def _more_programs_than_needed(rng):
    """The last program has nothing to do at all."""
    return _vectors(rng, *ragged(rng, 2))


def _all_blocks_full(rng):
    return _vectors(rng, *whole(rng)) | {"gpu": {"BLOCK": 1024}}


def _fewest(inputs):
    return held(inputs, "x_ptr", "y_ptr", "out_ptr")


vector_add = lab.exercise(
    plain.vector_add.fn,
    title="Add two vectors",
    statement=(
        "out = x + y, for n numbers. `x_ptr`, `y_ptr` and `out_ptr` are the addresses of the first ones; the others follow "
        "without gaps. Program k takes the `BLOCK` elements from k · BLOCK on. There are enough programs, perhaps one too "
        "many; what lies at n and beyond belongs to somebody else, and is neither loaded nor stored.\n\n"
        "*Judged* are the numbers; whether each element is written by one program, whatever the order in which programs "
        "run; and the bytes loaded and stored: 3 n numbers."
    ),
    parts=[
        Part("right", 1, (matches_reference("the sum", of="result.out_ptr"),)),
        Part("safe", 1, (writes_everything(), no_races(), same_in_any_order(), compiles())),
        Part("bytes", 1, (moves_few_bytes(_fewest),)),
    ],
    minutes=8,
    syllabus=("13.1", "13.2"),
    inputs=(_last_block_not_full, _more_programs_than_needed, _all_blocks_full),
    probe=probes.launched("out_ptr"),
    signature=by_what_it_does,
    hints=(
        "A program computes which elements are its own: from `tl.program_id(0)` and `tl.arange(0, BLOCK)`.",
        "`tl.load(x_ptr + i, mask=i < n)` loads a block. Masked lanes are undefined, and nobody looks at them.",
        "Three accesses, one mask: `tl.store(out_ptr + i, x + y, mask=inside)`.",
    ),
)

vector_add.mistake(
    "loads_without_a_mask",
    edit("x_ptr + i, mask=inside", "x_ptr + i").also("y_ptr + i, mask=inside", "y_ptr + i"),
    LOADS_BEYOND,
)
vector_add.mistake(
    "no_mask_at_all",
    edit("x_ptr + i, mask=inside", "x_ptr + i")
    .also("y_ptr + i, mask=inside", "y_ptr + i")
    .also("x + y, mask=inside", "x + y"),
    LOADS_BEYOND,
)
vector_add.mistake("stores_without_a_mask", edit("x + y, mask=inside", "x + y"), STORES_BEYOND)
vector_add.mistake(
    "one_beyond_the_end",
    edit("i < n", "i <= n"),
    (
        "Your mask is true for element n, which is the first that is not yours: n elements are 0 … n − 1, so i < n."
    ),
)
vector_add.mistake("one_before_the_end", edit("i < n", "i < n - 1"), LEAVES_OUT)
vector_add.mistake("first_block_only", edit("tl.program_id(0) * BLOCK + ", ""), FIRST_BLOCK)
vector_add.mistake("begins_at_k", edit("tl.program_id(0) * BLOCK", "tl.program_id(0)"), OVERLAPPING)
vector_add.mistake(
    "mask_of_the_lane",
    edit("inside = i < n", "inside = tl.arange(0, BLOCK) < n"),
    LOADS_BEYOND,
)
vector_add.mistake(
    "mask_of_the_first_lane",
    edit("inside = i < n", "inside = (tl.program_id(0) + 1) * BLOCK <= n"),
    "You leave out a block that is not full. Its first elements are yours: the mask is one for each lane, i < n.",
)
vector_add.mistake("subtracts", edit("x + y", "x - y"), "You subtract. The sum is asked for.")
vector_add.mistake(
    "x_twice",
    edit("y_ptr + i", "x_ptr + i"),
    "You load x, and x again: y does not enter.",
)
vector_add.mistake(
    "into_x",
    edit("out_ptr + i", "x_ptr + i"),
    "You write over x, and nothing into `out_ptr`.",
)
vector_add.mistake(
    "stores_twice",
    edit("tl.store(", "tl.store(out_ptr + i, x + y, mask=inside)\ntl.store("),
    "The numbers are right, and you store them twice. Each element is written once.",
)
vector_add.mistake(
    "loads_x_twice",
    edit("x + y, mask", "tl.load(x_ptr + i, mask=inside) + y, mask"),
    LOADS_TWICE,
)


@vector_add.mistake(WRITES_TWICE)
def last_block_moved_back(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    first = tl.minimum(tl.program_id(0) * BLOCK, tl.maximum(n - BLOCK, 0))
    i = first + tl.arange(0, BLOCK)
    tl.store(
        out_ptr + i, tl.load(x_ptr + i, mask=i < n) + tl.load(y_ptr + i, mask=i < n), mask=i < n
    )


@vector_add.alternative
def by_what_is_left(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    start = tl.program_id(axis=0) * BLOCK
    lanes = tl.arange(0, BLOCK)
    mask = lanes < n - start
    total = tl.load(y_ptr + start + lanes, mask, other=0.0)
    total += tl.load(x_ptr + start + lanes, mask, other=0.0)
    tl.store(out_ptr + start + lanes, total, mask)


@vector_add.alternative
def strided(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    at = BLOCK * tl.program_id(0) + tl.arange(0, BLOCK)
    there = n > at
    sums = tl.load(at + x_ptr, mask=there) + tl.load(at + y_ptr, mask=there)
    tl.store(at + out_ptr, sums, mask=there)

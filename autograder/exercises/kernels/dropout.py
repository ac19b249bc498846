"""Dropout whose mask is a function of a seed: nothing is kept for the way back."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.kernels.lab import (
    FIRST_BLOCK,
    LOADS_BEYOND,
    LOADS_TWICE,
    OVERLAPPING,
    STORES_BEYOND,
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
from course_lib.kernels import philox, plain
from course_lib.tracing.language import tl


def _dropped(rng, block, n, p=None):
    """Elements of which none is 0; ``p`` may be said by a function of seed and length."""
    seed = int(rng.integers(1, 2**31))
    if p is None:
        p = float(rng.choice([rng.uniform(0.15, 0.35), rng.uniform(0.65, 0.8)]))
    else:
        p = p(seed, n)
    x = numbers(rng, n) + rng.choice([-1, 1], size=n)
    arguments = {"x_ptr": x, "out_ptr": output(n), "n": n, "p": p, "seed": seed, "BLOCK": block}
    return {"arguments": arguments, "grid": [-(-n // block)]}


def _last_block_not_full(rng):
    return _dropped(rng, *ragged(rng, 2))


def _just_kept(rng):
    """p is one of the numbers that are drawn: that element is kept."""

    def drawn(seed, n):
        found = philox.rand(seed, torch.arange(n)).numpy().astype(np.float64)
        return float(min(found, key=lambda u: abs(u - 0.3)))

    return _dropped(rng, *whole(rng, 2), drawn)


def _all_blocks_full(rng):
    return _dropped(rng, *whole(rng)) | {"gpu": {"BLOCK": 1024}}


seeded_dropout = lab.exercise(
    plain.seeded_dropout.fn,
    title="Dropout that remembers a seed",
    statement=(
        "`tl.rand(seed, i)` gives each i a number in [0, 1): the same seed and i, the same number, in whichever program. So "
        "the backward pass can draw the mask *again*, and nobody has to keep it.\n\n"
        "Element i of x is kept where its number, `tl.rand(seed, i)`, is **at least** p, and then enlarged by 1/(1 − p); "
        "else the result is 0. p < 1 is the probability of dropping. n contiguous numbers; program k takes those from "
        "k · `BLOCK` on.\n\n"
        "*Judged* as before, the mask element by element; 2 n numbers are to be moved."
    ),
    parts=[
        Part(
            "right",
            2,
            (matches_reference("what is kept, and how large", of="result.out_ptr", rtol=1e-5),),
        ),
        Part("safe", 1, (writes_everything(), no_races(), same_in_any_order(), compiles())),
        Part("bytes", 1, (moves_few_bytes(lambda given: held(given, "x_ptr", "out_ptr")),)),
    ],
    minutes=8,
    difficulty=2,
    syllabus=("13.4", "13.2"),
    hide=("Formula",),
    inputs=(_last_block_not_full, _just_kept, _all_blocks_full),
    probe=probes.launched("out_ptr"),
    signature=by_what_it_does,
    hints=(
        "What is the second argument of `tl.rand`, so that every element has a number of its own, and the same one if "
        "`BLOCK` is another?",
        "`tl.rand(seed, i) >= p` is a mask of what is kept; i as in your first kernel.",
        "`tl.where(kept, x / (1.0 - p), 0.0)`: also what is dropped is stored, as a 0.",
    ),
)

seeded_dropout.mistake(
    "by_the_lane",
    edit("tl.rand(seed, i)", "tl.rand(seed, tl.arange(0, BLOCK))"),
    "Your numbers depend on the lane, so that all blocks drop the same lanes. Each element has its own number: "
    "`tl.rand(seed, i)`.",
)
seeded_dropout.mistake(
    "one_number_for_a_block",
    edit("tl.rand(seed, i)", "tl.rand(seed, tl.program_id(0))"),
    "A block has one number, so that it is kept or dropped whole. Each element has its own: `tl.rand(seed, i)`.",
)
seeded_dropout.mistake(
    "seed_of_the_program",
    edit("tl.rand(seed, i)", "tl.rand(seed + tl.program_id(0), tl.arange(0, BLOCK))"),
    "You give each program a seed of its own. The mask then hangs on `BLOCK`, and a backward pass with another block size "
    "draws another one. `tl.rand(seed, i)`, with the number of the element.",
)
seeded_dropout.mistake(
    "scale_missing",
    edit("x / (1.0 - p)", "x"),
    "What is kept is not enlarged, so that the mean shrinks: divide by 1 − p.",
)
seeded_dropout.mistake(
    "divided_by_p",
    edit("x / (1.0 - p)", "x / p"),
    "You divide by p, the probability of dropping. A share of 1 − p is *kept*: divide by that.",
)
seeded_dropout.mistake(
    "scaled_down",
    edit("x / (1.0 - p)", "x * (1.0 - p)"),
    "You make what is kept smaller. It has to make up for what is dropped: divide by 1 − p.",
)
_THE_OTHERS = "You keep what should be dropped, and drop the rest: p is the probability of *dropping*, and kept is what is at least p."
seeded_dropout.mistake(
    "keeps_with_p",
    edit(">= p", "< p"),
    _THE_OTHERS,
)
seeded_dropout.mistake(
    "keeps_with_p_all_through",
    edit(">= p", "< p").also("x / (1.0 - p)", "x / p"),
    "You take p for the probability of keeping. It is that of *dropping*: kept is what is at least p, and enlarged by "
    "1/(1 − p).",
)
seeded_dropout.mistake(
    "above_p",
    edit(">= p", "> p"),
    "You keep what is *above* p. The rule says at least p; it makes a difference where a number is p, and with p = 0 for "
    "a number that is 0.",
)
seeded_dropout.mistake(
    "by_the_complement",
    edit(">= p", ">= 1.0 - p"),
    "You compare with 1 − p, and so keep with probability p. Kept is what is at least p.",
)
seeded_dropout.mistake(
    "stores_what_is_kept",
    edit(
        "tl.store(out_ptr + i, tl.where(kept, x / (1.0 - p), 0.0), mask=inside)",
        "tl.store(out_ptr + i, x / (1.0 - p), mask=inside & kept)",
    ),
    "You store only what is kept. The memory of the others holds whatever was there before: store a 0.",
)
seeded_dropout.mistake(
    "keeps_the_rest_as_it_is",
    edit("x / (1.0 - p), 0.0", "x / (1.0 - p), x"),
    "What is dropped stays as it was. It becomes 0.",
)
seeded_dropout.mistake(
    "another_seed",
    edit("tl.rand(seed, i)", "tl.rand(0, i)"),
    "Your seed is always the same, so that every step drops the same elements. It is given: `seed`.",
)
seeded_dropout.mistake(
    "seed_and_element_swapped",
    edit("tl.rand(seed, i)", "tl.rand(i, seed)"),
    "Seed and element are swapped: `tl.rand(seed, i)`.",
)
seeded_dropout.mistake(
    "loads_without_a_mask", edit("x_ptr + i, mask=inside", "x_ptr + i"), LOADS_BEYOND
)
seeded_dropout.mistake(
    "stores_without_a_mask",
    edit("0.0), mask=inside", "0.0)"),
    STORES_BEYOND,
)
seeded_dropout.mistake("first_block_only", edit("tl.program_id(0) * BLOCK + ", ""), FIRST_BLOCK)
seeded_dropout.mistake(
    "begins_at_k", edit("tl.program_id(0) * BLOCK", "tl.program_id(0)"), OVERLAPPING
)
seeded_dropout.mistake(
    "loads_x_twice",
    edit("x / (1.0 - p)", "tl.load(x_ptr + i, mask=inside & kept) / (1.0 - p) + 0.0 * x"),
    LOADS_TWICE,
)


@seeded_dropout.alternative
def by_a_product(x_ptr, out_ptr, n, p, seed, BLOCK: tl.constexpr):
    start = BLOCK * tl.program_id(axis=0)
    at = tl.arange(0, BLOCK) + start
    values = tl.load(x_ptr + at, at < n, other=0.0)
    factor = tl.where(tl.rand(seed, at) < p, 0.0, 1.0 / (1.0 - p))
    tl.store(out_ptr + at, values * factor, at < n)

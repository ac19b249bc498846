"""Dropout as fast as memory: four numbers out of one call."""

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


def _dropped(rng, block, n):
    x = numbers(rng, n) + rng.choice([-1, 1], size=n)
    arguments = {
        "x_ptr": x,
        "out_ptr": output(n),
        "n": n,
        "p": round(float(rng.uniform(0.3, 0.4)), 3),
        "seed": int(rng.integers(1, 2**31)),
        "BLOCK": block,
    }
    return {"arguments": arguments, "grid": [-(-n // block)]}


def _last_block_not_full(rng):
    return _dropped(rng, *ragged(rng, 2))


def _just_kept(rng):
    """p is one of the numbers that are drawn: that element is kept."""
    given = _dropped(rng, *ragged(rng, 2))
    counters = torch.arange(given["arguments"]["n"] // 4)
    drawn = torch.cat(philox.rand4x(given["arguments"]["seed"], counters, rounds=7)).tolist()
    given["arguments"]["p"] = min(drawn, key=lambda u: abs(u - 0.4))
    return given


def _all_blocks_full(rng):
    return _dropped(rng, *whole(rng, 2)) | {"gpu": {"BLOCK": 1024}}


dropout_in_fours = lab.exercise(
    plain.dropout_in_fours.fn,
    title="Four numbers out of one call",
    statement=(
        "One call of Philox makes four numbers, and `tl.rand` throws three of them away: 62 instructions an element, so that "
        "on an H200 dropout in half precision takes longer than its bytes. `tl.rand4x(seed, c, 7)` gives all four (and 7 "
        "rounds instead of 10): a tuple of four blocks, for a block of counters c.\n\n"
        "Element i is kept where number i mod 4 of counter ⌊i/4⌋ is at least p. Else as `seeded_dropout`; `BLOCK` ≥ 8. "
        "`tl.interleave(a, b)` is a₀ b₀ a₁ b₁ …, twice as long. *Judged* as in the core, the mask element by element."
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
    difficulty=3,
    core=False,
    syllabus=("13.4",),
    hide=("Formula",),
    inputs=(_last_block_not_full, _just_kept, _all_blocks_full),
    probe=probes.launched("out_ptr"),
    signature=by_what_it_does,
    hints=(
        "A program has `BLOCK` // 4 counters; which is its first?",
        "`tl.interleave` of a and b alternates two. To get a b c d a b c d …, which two are interleaved first?",
        "`tl.interleave(tl.interleave(a, c), tl.interleave(b, d))`.",
    ),
)

dropout_in_fours.mistake(
    "interleaved_in_order",
    edit(
        "tl.interleave(tl.interleave(a, c), tl.interleave(b, d))",
        "tl.interleave(tl.interleave(a, b), tl.interleave(c, d))",
    ),
    "Your order is a c b d: interleaving a with b and c with d, and then both, puts c between a and b. First a with c and b "
    "with d.",
)
dropout_in_fours.mistake(
    "one_after_the_other",
    edit(
        "tl.interleave(tl.interleave(a, c), tl.interleave(b, d))",
        "tl.cat(tl.cat(a, b, can_reorder=True), tl.cat(c, d, can_reorder=True), can_reorder=True)",
    ),
    "You lay the four blocks one behind the other. Neighboring elements share a counter: a₀ b₀ c₀ d₀ a₁ …",
)
dropout_in_fours.mistake(
    "one_number_for_four",
    edit(
        "tl.interleave(tl.interleave(a, c), tl.interleave(b, d))",
        "tl.interleave(tl.interleave(a, a), tl.interleave(a, a))",
    ),
    "Four neighbors share one number, so that they are kept or dropped together. Each has its own of the four.",
)
dropout_in_fours.mistake(
    "two_numbers_for_four",
    edit(
        "tl.interleave(tl.interleave(a, c), tl.interleave(b, d))",
        "tl.interleave(tl.interleave(a, a), tl.interleave(b, b))",
    ),
    "You use two of the four numbers, each twice. Each of four neighbors has its own.",
)
dropout_in_fours.mistake(
    "ten_rounds",
    edit("tl.rand4x(seed, four, 7)", "tl.rand4x(seed, four)"),
    "Your numbers are those of ten rounds, the default. Seven are asked for: `tl.rand4x(seed, c, 7)`.",
)
dropout_in_fours.mistake(
    "same_in_all_blocks",
    edit("tl.program_id(0) * (BLOCK // 4) + ", ""),
    "All programs begin with counter 0, so that all blocks have the same mask. Program k begins at counter k · BLOCK / 4.",
)
dropout_in_fours.mistake(
    "counters_of_elements",
    edit("tl.program_id(0) * (BLOCK // 4)", "tl.program_id(0) * BLOCK"),
    "Your counters begin at the number of an element. One counter serves four: program k begins at k · BLOCK / 4.",
)
dropout_in_fours.mistake(
    "keeps_with_p",
    edit("drawn >= p", "drawn < p"),
    "You keep what should be dropped. Kept is what is at least p.",
)
dropout_in_fours.mistake(
    "above_p",
    edit("drawn >= p", "drawn > p"),
    "You keep what is *above* p. The rule says at least p.",
)
dropout_in_fours.mistake(
    "scale_missing",
    edit("x / (1.0 - p)", "x"),
    "What is kept is not enlarged: divide by 1 − p.",
)
dropout_in_fours.mistake(
    "as_before",
    edit("drawn >= p", "tl.rand(seed, i) >= p"),
    "These are the numbers of `tl.rand`, one call for each element. Use all four of a call.",
)
dropout_in_fours.mistake(
    "loads_without_a_mask", edit("x_ptr + i, mask=i < n", "x_ptr + i"), LOADS_BEYOND
)
dropout_in_fours.mistake("stores_without_a_mask", edit("0.0), mask=i < n", "0.0)"), STORES_BEYOND)


@dropout_in_fours.alternative
def by_quarters(x_ptr, out_ptr, n, p, seed, BLOCK: tl.constexpr):
    c = tl.program_id(0) * (BLOCK // 4) + tl.arange(0, BLOCK // 4)
    a, b, d, e = tl.rand4x(seed, c, n_rounds=7)
    scale = 1.0 / (1.0 - p)
    tl.store(
        out_ptr + 4 * c,
        tl.where(a < p, 0.0, tl.load(x_ptr + 4 * c, mask=4 * c < n) * scale),
        mask=4 * c < n,
    )
    tl.store(
        out_ptr + 4 * c + 1,
        tl.where(b < p, 0.0, tl.load(x_ptr + 4 * c + 1, mask=4 * c + 1 < n) * scale),
        mask=4 * c + 1 < n,
    )
    tl.store(
        out_ptr + 4 * c + 2,
        tl.where(d < p, 0.0, tl.load(x_ptr + 4 * c + 2, mask=4 * c + 2 < n) * scale),
        mask=4 * c + 2 < n,
    )
    tl.store(
        out_ptr + 4 * c + 3,
        tl.where(e < p, 0.0, tl.load(x_ptr + 4 * c + 3, mask=4 * c + 3 < n) * scale),
        mask=4 * c + 3 < n,
    )

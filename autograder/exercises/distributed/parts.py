"""Every worker its part of the data: no example lost, and none twice."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.distributed.lab import lab
from autograder.judging import edit
from autograder.judging.checks import check, finding, leaves_inputs_alone
from course_lib import distributed


def _batch(rng, size):
    count = size * int(rng.integers(2, 5)) + int(rng.integers(1, size))
    rank = [int(r) for r in rng.permutation(size)]
    return {"x": rng.normal(size=(count, 2)), "rank": rank, "size": size}


@check("together the shards are the batch")
def _is_the_batch(case):
    whole = case.inputs["x"]
    parts = [np.asarray(part) for part in case.observed["result"]]
    if any(part.ndim != 2 or part.shape[1] != whole.shape[1] for part in parts):
        return finding(False, "rows of the batch", "something else", "of another shape")
    got = np.concatenate(parts)
    wanted = {tuple(row) for row in whole.tolist()}
    seen = [tuple(row) for row in got.tolist()]
    if not set(seen) <= wanted:
        return finding(False, "rows of the batch", "other numbers", "not rows of the batch")
    missing, twice = len(wanted - set(seen)), len(seen) - len(set(seen))
    gist = ", ".join(
        f"{n} of {len(wanted)} examples {what}"
        for n, what in ((missing, "are on no worker"), (twice, "are on two"))
        if n
    )
    return finding(not gist, "every example once", gist, gist)


@check("they differ in size by at most one")
def _even(case):
    sizes = [len(np.asarray(part)) for part in case.observed["result"]]
    even = max(sizes) - min(sizes) <= 1
    return finding(
        even, "equal sizes, up to one", f"{sizes}", f"sizes from {min(sizes)} to {max(sizes)}"
    )


shard = lab.exercise(
    distributed.shard,
    title="Every worker its part",
    statement=(
        "Give worker `rank` of `size` its part of the batch `x` (N, …). Every example must be on exactly **one** "
        "worker, also where N is not divisible, and the parts differ in size by at most one. Which examples go "
        "where is up to you."
    ),
    points=2,
    minutes=4,
    core=False,
    syllabus=("12.1",),
    hide=("Formula",),
    inputs=(lambda rng: _batch(rng, 3), lambda rng: _batch(rng, 5), lambda rng: _batch(rng, 4)),
    probe=probes.each("rank"),
    checks=[_is_the_batch, _even, leaves_inputs_alone()],
    forbidden=("torch.utils.data",),
    equivalent_mutants={
        "everything is done under torch.no_grad()": "examples have no graph behind them",
    },
    hints=("Slices take steps: `x[a::b]`.", "Or cut with `torch.tensor_split`."),
)

shard.mistake(
    "all_of_it",
    edit("x[rank::size]", "x"),
    "Every worker has the whole batch: p workers then compute the same gradient p times. Each needs a part of its own.",
)
_DROPS = "Your parts have ⌊N/p⌋ examples each, and the rest is on no worker. Some parts must be one larger."
shard.mistake(
    "drops_the_rest",
    edit("x[rank::size]", "x[rank * (len(x) // size) : (rank + 1) * (len(x) // size)]"),
    _DROPS,
)
shard.mistake(
    "drops_the_rest_of_every_step",
    edit("x[rank::size]", "x[rank::size][: len(x) // size]"),
    _DROPS,
)
shard.mistake(
    "pads",
    edit("x[rank::size]", "torch.cat([x, x[: -len(x) % size]])[rank::size]"),
    "You repeat examples until N can be divided (torch's DistributedSampler does): they count twice in the mean. Let some "
    "parts be smaller.",
)
shard.mistake(
    "large_chunks",
    edit("x[rank::size]", "x[rank * -(-len(x) // size) : (rank + 1) * -(-len(x) // size)]"),
    "Your parts have ⌈N/p⌉ examples and the last has what is left, which may be much less. Parts should differ in size by "
    "at most one.",
)
shard.mistake(
    "rest_to_the_last",
    edit(
        "x[rank::size]",
        "x[rank * (len(x) // size) : (rank + 1) * (len(x) // size) if rank < size - 1 else None]",
    ),
    "Your last part takes all that is left over, and is larger than the others by more than one.",
)
_FROM_ONE = (
    "Ranks count from 0: worker 0 begins with example 0, so that rank r begins with example r."
)
shard.mistake("from_one", edit("x[rank::size]", "x[rank + 1 :: size]"), _FROM_ONE)
shard.mistake("one_back", edit("x[rank::size]", "x[rank - 1 :: size]"), _FROM_ONE)
shard.mistake(
    "the_first_part_for_all",
    edit("x[rank::size]", "x[::size]"),
    "`rank` has no part in what you give: every worker has the same examples, and most are on none.",
)
shard.mistake(
    "one_too_far",
    edit("x[rank::size]", "x[rank * (len(x) // size) : (rank + 1) * (len(x) // size) + 1]"),
    "Each of your parts goes one example into the next, which is then on two workers. Let a part end where the next one "
    "begins.",
)
shard.mistake(
    "features_dealt_out",
    edit("x[rank::size]", "x[:, rank::size]"),
    "You deal out *features*. Examples are the rows of x, its first axis.",
)
shard.mistake(
    "numbers_of_examples",
    edit("x[rank::size]", "torch.arange(len(x))[rank::size]"),
    "You return the numbers of the examples. Asked for are the examples themselves, rows of x.",
)
shard.mistake(
    "all_parts",
    edit("x[rank::size]", "[x[other::size] for other in range(size)]"),
    "You return the parts of all workers. This worker needs that of `rank`.",
)


@shard.alternative
def in_a_row(x, rank, size):
    return torch.tensor_split(x, size)[rank]


@shard.alternative
def by_numbers(x, rank, size):
    return x[torch.arange(len(x)) % size == size - 1 - rank]

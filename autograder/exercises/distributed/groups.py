"""Before the first step: every worker its part of the data, and all the same weights."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.distributed.lab import WRITTEN_HERE, lab
from autograder.judging import edit
from autograder.judging.checks import check, finding, leaves_inputs_alone, matches_reference
from course_lib import distributed


def _batch(rng, size):
    count = size * int(rng.integers(2, 5)) + int(rng.integers(1, size))
    rank = [int(r) for r in rng.permutation(size)]
    return {"x": rng.normal(size=(count, 2)), "rank": rank, "size": size}


def _rows(case):
    """The first column of every shard: what tells examples apart."""
    return [np.asarray(part)[:, 0].tolist() for part in case.observed["result"]]


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
shard.mistake(
    "drops_the_rest",
    edit("x[rank::size]", "x[rank * (len(x) // size) : (rank + 1) * (len(x) // size)]"),
    "Your parts have ⌊N/p⌋ examples each, and the rest is on no worker. Some parts must be one larger.",
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
shard.mistake(
    "from_one",
    edit("x[rank::size]", "x[rank + 1 :: size]"),
    "Ranks count from 0: the first example is on no worker.",
)


@shard.alternative
def in_a_row(x, rank, size):
    return torch.tensor_split(x, size)[rank]


@shard.alternative
def by_numbers(x, rank, size):
    return x[torch.arange(len(x)) % size == size - 1 - rank]


def _held(rng, size, axes):
    shape = tuple(int(n) for n in rng.permutation([2, 3, 4])[:axes])
    root = int(rng.integers(1, max(size - 1, 2)))  # neither the first nor, of several, the last
    return {"each": [{"x": rng.normal(size=shape)} for _ in range(size)], "root": root}


@check("the messages of all workers")
def _messages(case):
    size = len(case.inputs["each"])
    sent = sum(case.observed["result"]["messages"])
    return finding(
        sent <= size - 1, f"{size - 1}", f"{sent}", f"{sent} messages where {size - 1} do"
    )


broadcast = lab.exercise(
    distributed.broadcast,
    title="Everybody begins with the same weights",
    statement=(
        "Workers draw random weights, each its own. Averaging gradients keeps *equal* networks equal; unlike ones stay "
        "unlike. So the first thing that `DistributedDataParallel` does is to send the weights of one worker to all. "
        "Write it: every worker holds an `x` of the same shape, and all return that of worker `root`. p − 1 messages "
        "in all are enough."
    ),
    points=2,
    minutes=5,
    core=False,
    syllabus=("12.1",),
    inputs=(
        lambda rng: _held(rng, 3, 1),
        lambda rng: _held(rng, 4, 2),
        lambda rng: {"each": [{"x": np.zeros((0, 3))} for _ in range(2)], "root": 1},
        lambda rng: _held(rng, 2, 3),
    ),
    probe=probes.ranks(),
    checks=[
        matches_reference("the root's tensor on every worker", of="result.returned"),
        _messages,
        leaves_inputs_alone(),
    ],
    forbidden=WRITTEN_HERE,
    equivalent_mutants={
        "return x.clone() => return x": "what the root returns is its own",
        "everything is done under torch.no_grad()": "weights that begin a training have no graph",
    },
    hints=(
        "Two roles: `if worker.rank == root`.",
        "The root sends to every other rank; the others receive from the root, once.",
    ),
)

broadcast.mistake(
    "always_from_the_first",
    edit(
        "if worker.rank != root:\n    return worker.receive(root)",
        "root = 0\nif worker.rank != root:\n    return worker.receive(root)",
    ),
    "You always send what worker 0 holds. Asked for is worker `root`.",
)
broadcast.mistake(
    "keeps_its_own",
    edit("return worker.receive(root)", "worker.receive(root)\nreturn x"),
    "The others receive, and then return their own. Return what has come.",
)


@broadcast.mistake("Each keeps its own: nothing is sent.")
def sends_nothing(worker, x, root=0):
    return x


@broadcast.mistake(
    "You give everybody the *mean* of what they hold. Weights are taken from one worker: an average of random weights is "
    "smaller than any of them."
)
def the_mean(worker, x, root=0):
    others = [r for r in range(worker.size) if r != worker.rank]
    sent = [worker.isend(x, other) for other in others]
    mean = (x + sum(worker.receive(other) for other in others)) / worker.size
    for wait in sent:
        wait()
    return mean


@broadcast.mistake(
    "The root sends to itself as well, or waits for a message of its own: it has what it needs.",
    raises="ValueError",
)
def sends_to_itself(worker, x, root=0):
    if worker.rank == root:
        for other in range(worker.size):
            worker.send(x, other)
        return x
    return worker.receive(root)


@broadcast.mistake(
    "All send to all, p(p − 1) messages, and throw most of it away. Only the root needs to send."
)
def all_to_all(worker, x, root=0):
    others = [r for r in range(worker.size) if r != worker.rank]
    sent = [worker.isend(x, other) for other in others]
    came = {other: worker.receive(other) for other in others}
    for wait in sent:
        wait()
    return x if worker.rank == root else came[root]


@broadcast.alternative
def along_a_chain(worker, x, root=0):
    place = (worker.rank - root) % worker.size
    if place > 0:
        x = worker.receive((worker.rank - 1) % worker.size)
    if place < worker.size - 1:
        worker.send(x, (worker.rank + 1) % worker.size)
    return x


@broadcast.alternative
def along_a_tree(worker, x, root=0):
    place, have, sent = (worker.rank - root) % worker.size, 1, []
    while have < worker.size:
        if place < have and place + have < worker.size:
            sent.append(worker.isend(x, (place + have + root) % worker.size))
        elif have <= place < 2 * have:
            x = worker.receive((place - have + root) % worker.size)
        have *= 2
    for wait in sent:
        wait()
    return x

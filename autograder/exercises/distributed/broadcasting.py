"""Everybody begins with the weights of one worker."""

import numpy as np

from autograder import probes
from autograder.exercises.distributed.lab import WRITTEN_HERE, lab
from autograder.judging import edit
from autograder.judging.checks import check, finding, leaves_inputs_alone, matches_reference
from course_lib import distributed
from course_lib.distributed import ring_all_reduce


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


@broadcast.mistake(
    "Everybody else sends zeros, or nothing of use, into a sum over all workers: that takes p times as many messages, and "
    "more. Only the root has something to say; p − 1 messages of it are enough."
)
def by_a_sum(worker, x, root=0):
    mine = x if worker.rank == root else 0 * x
    return ring_all_reduce(worker, mine.flatten()).reshape(x.shape)


@broadcast.mistake(
    "The root sends to its neighbor alone, and the others go on with what they had. All need it: send to every one, or let "
    "each pass it on."
)
def the_neighbor_alone(worker, x, root=0):
    if worker.rank == root:
        worker.send(x, (root + 1) % worker.size)
    elif worker.rank == (root + 1) % worker.size:
        return worker.receive(root)
    return x


@broadcast.mistake(
    "The others wait for a message of the root, which never sends: a deadlock. What is received must be sent by somebody.",
    raises="Deadlock",
)
def nobody_sends(worker, x, root=0):
    return x if worker.rank == root else worker.receive(root)


@broadcast.mistake(
    "All send first and wait to be received, and nobody receives: a deadlock. Only the root sends; the others receive.",
    raises="Deadlock",
)
def everybody_sends(worker, x, root=0):
    for other in range(worker.size):
        if other != worker.rank:
            worker.send(x, other)
    return worker.receive(root)


@broadcast.mistake(
    "The others send to the root, and nobody hears from it. It is the other way round: the root sends, the others receive."
)
def to_the_root(worker, x, root=0):
    if worker.rank != root:
        worker.send(x, root)
        return x
    came = [worker.receive(other) for other in range(worker.size) if other != root]
    return came[0]


@broadcast.mistake(
    "The root sends, and returns nothing. It needs the weights as well: all return the same tensor."
)
def nothing_on_the_root(worker, x, root=0):
    if worker.rank != root:
        return worker.receive(root)
    for other in range(worker.size):
        if other != root:
            worker.send(x, other)


@broadcast.mistake(
    "Round the ring your message comes back to the root, which needs it no more: p messages. The last in the chain passes "
    "it on to nobody."
)
def all_round(worker, x, root=0):
    after, before = (worker.rank + 1) % worker.size, (worker.rank - 1) % worker.size
    if worker.rank == root:
        sent = worker.isend(x, after)
        worker.receive(before)
        sent()
        return x
    came = worker.receive(before)
    worker.send(came, after)
    return came


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

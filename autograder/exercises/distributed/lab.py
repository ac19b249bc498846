"""The lab that the exercises of this package join, and what several of them draw and look at."""

import numpy as np

from autograder.judging import Lab
from autograder.judging.checks import check, finding
from autograder.judging.likeness import Alike

lab = Lab("distributed", number=12, title="Large batches and distributed training")

WRITTEN_HERE = ("torch.distributed", "course_lib.workers.launch", "course_lib.workers.simulate")
"""What would do an exercise's work."""


ONLY_THE_FIRST = (
    "Worker 0 alone calls `ring_all_reduce`, and waits for messages that the others never send: a deadlock. All workers "
    "call it, at the same place; who needs the sum decides afterwards."
)


def by_what_is_returned(seen):
    """What tells answers apart where it is no matter in how many messages they talk."""
    return Alike(seen["result"]["returned"])


def classified(rng, counts, features, classes):
    """One shard for each count: inputs of unlike means, and labels of every class."""
    return [
        {
            "x": rng.normal(size=(count, features)) + rng.normal(size=features),
            "target": rng.integers(classes, size=count),
        }
        for count in counts
    ]


@check("all workers have the same bits")
def same_bits(case):
    """Rounded alike on all ranks: workers whose weights differ in the last bit drift apart."""
    first, *others = case.observed["result"]["returned"]
    if not all(isinstance(one, (np.ndarray, list)) for one in (first, *others)):
        return finding(False, seen=False)  # what is equal must be there first
    alike = all(np.array_equal(first, other) for other in others)
    return finding(alike, "equal tensors", "tensors that differ", "not the same on all workers")


@check("every sending that was begun is waited for")
def waits_for_its_messages(case):
    """Nothing that `isend` gave was forgotten."""
    forgotten = max(case.observed["forgotten"])
    gist = f"{forgotten} of a worker's messages were begun by `isend` and never waited for"
    return finding(not forgotten, "no message left on its way", gist, gist)

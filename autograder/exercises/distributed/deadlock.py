"""What becomes of workers who all send first."""

import torch

from autograder.exercises.distributed.lab import lab
from course_lib.workers import Deadlock, simulate

SEND_FIRST = (
    "every worker gets its neighbor's tensor",
    "it works for an even number of workers",
    "nobody gets anything: all wait",
    "every worker gets its own tensor back",
)


def send_first(worker, x):
    """Send to the next, then receive from the one before."""
    worker.send(x, (worker.rank + 1) % worker.size)
    return worker.receive((worker.rank - 1) % worker.size)


def outcome_of_send_first() -> str:
    """Run by three workers, and by four."""
    for size in (3, 4):
        try:
            simulate(send_first, size, x=torch.ones(3))
        except Deadlock:
            continue
        return SEND_FIRST[0]
    return SEND_FIRST[2]


lab.prediction(
    "send_first",
    title="Predict: everybody sends, then receives",
    statement=(
        "Workers stand in a ring. Each runs these two lines at the same time:\n\n"
        "```python\n"
        "worker.send(x, (worker.rank + 1) % worker.size)\n"
        "return worker.receive((worker.rank - 1) % worker.size)\n"
        "```\n\n"
        "`send` returns when the other has received. What comes of it?"
    ),
    minutes=1,
    syllabus=("12.3",),
    choices=SEND_FIRST,
    outcome=outcome_of_send_first,
    explanation=(
        "Everybody waits in `send` for a neighbor to receive, who waits in `send` too: a *deadlock*, for any number "
        "of workers. Begin the sending (`isend`), receive, and wait for the sending last. With torch's own time-out it "
        "takes half an hour until somebody tells you."
    ),
)

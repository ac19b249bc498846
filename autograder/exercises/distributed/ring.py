"""All-reduce in a ring: two rounds, and nobody carries more than the others."""

import math

import torch

from autograder import probes
from autograder.exercises.distributed.lab import WRITTEN_HERE, lab, same_bits
from autograder.judging import Part, edit
from autograder.judging.checks import check, finding, leaves_inputs_alone, matches_reference
from autograder.judging.comparison import Tolerance, difference
from course_lib import distributed


def _whole(rng, workers, length):
    """Whole numbers of which the sum tells which terms arrived, and how often: digits to base 50."""
    digits = rng.integers(1, 50, size=length)
    return {"each": [{"x": (digits * 50.0**rank)} for rank in range(workers)]}


def _of_three(rng):
    return _whole(rng, 3, 3 * int(rng.integers(3, 6)) + int(rng.integers(1, 3)))


def _of_four(rng):
    """Real numbers: the order of addition is in the last bits. `chunk` makes three pieces of nine."""
    return {"each": [{"x": rng.normal(size=9)} for _ in range(4)]}


def _of_two(rng):
    return _whole(rng, 2, 2 * int(rng.integers(4, 8)))


@check("what every worker sends")
def _traffic(case):
    seen, size = case.observed["result"], len(case.inputs["each"])
    if difference(
        seen["returned"], case.expected["result"]["returned"], Tolerance(dtype=case.dtype)
    ):
        return finding(
            False, "sums that are right, first of all", "other sums", "the sums are wrong"
        )
    length = len(case.inputs["each"][0]["x"])
    most = 2 * (size - 1) * math.ceil(length / size)
    where = f"{size} workers, {length} numbers"
    if max(seen["numbers"]) > most:
        times = max(seen["numbers"]) / most
        gist = f"a worker sends {times:.2f} times as many numbers as it needs"
        return finding(False, f"at most {most}", f"{max(seen['numbers'])}", gist, where=where)
    if max(seen["messages"]) > 2 * (size - 1):
        gist = f"{max(seen['messages'])} messages of a worker where {2 * (size - 1)} do"
        return finding(False, f"at most {2 * (size - 1)}", f"{seen['messages']}", gist, where=where)
    return finding(True)


ring_all_reduce = lab.exercise(
    distributed.ring_all_reduce,
    title="All-reduce in a ring",
    statement=(
        "p workers hold a tensor `x` (N,) each, and all want the **sum**. If one collects and serves them all, it carries "
        "(p − 1) · N numbers each way. In a ring nobody is special. Cut x into p chunks (`x.tensor_split(p)`):\n\n"
        "1. *reduce-scatter*, p − 1 times: send one chunk to the next worker, receive another one from the worker "
        "before, and **add** it to your own. At the first step worker r sends chunk r. At the end each worker has "
        "one chunk with all p terms in it;\n"
        "2. *all-gather*, p − 1 times: pass finished chunks on, and **replace** your own by what comes.\n\n"
        "Every worker runs the function at the same time, with its own `worker` and `x`:\n\n"
        "| | |\n|---|---|\n"
        "| `worker.rank`, `worker.size` | who am I, of how many |\n"
        "| `worker.send(tensor, to)` | send, and wait until it is received |\n"
        "| `sent = worker.isend(tensor, to)`, then `sent()` | begin to send; wait later |\n"
        "| `worker.receive(source)` | wait for a worker's next tensor, and return it |\n\n"
        "Each worker sends at most 2(p − 1) messages of at most ⌈N/p⌉ numbers, and the sum has the same bits on "
        "all. Either direction will do."
    ),
    parts=[
        Part(
            "the sum",
            3,
            (
                matches_reference("the sum on every worker", of="result.returned"),
                leaves_inputs_alone(),
            ),
        ),
        Part("the traffic", 4, (_traffic, same_bits)),
    ],
    minutes=16,
    difficulty=3,
    syllabus=("12.3",),
    hide=("Formula",),
    inputs=(_of_three, _of_four, _of_two),
    probe=probes.ranks(),
    forbidden=WRITTEN_HERE,
    equivalent_mutants={
        "sent() => pass": "what is on its way is a copy, and arrives whether one waits for it or not",
        "everything is done under torch.no_grad()": "sums of gradients are not trained through",
    },
    hints=(
        "Write down for p = 3 who has which sums after each step. Worker r sends chunk r, then the chunk that it has "
        "just added to, and so on: chunk r − step.",
        "At step `step` of the first round you send chunk (r − step) % p and receive chunk (r − step − 1) % p. "
        "After it you have all of chunk (r + 1) % p.",
        "In the second round you send chunk (r + 1 − step) % p and receive chunk (r − step) % p. "
        "`isend`, then `receive`, then `sent()`.",
    ),
)


_DEADLOCK = (
    "All send at once and wait to be received, and nobody receives: a deadlock. Begin with `isend`, receive, and wait "
    "for the sending at the end of the step."
)
ring_all_reduce.mistake(
    "chunk_for_tensor_split",
    edit("tensor_split(", "chunk("),
    "`chunk(p)` may give fewer than p pieces: of 9 numbers for 4 workers it makes 3. `tensor_split(p)` always gives p.",
)
ring_all_reduce.mistake(
    "sends_before_it_receives",
    edit(
        "sent = worker.isend(chunks[(rank - step) % size], after)",
        "sent = lambda: None\nworker.send(chunks[(rank - step) % size], after)",
    ),
    _DEADLOCK,
    raises="Deadlock",
)


_WHOLE = (
    "Each worker sends (p − 1) times a tensor as long as x, to everybody or round the ring: (p − 1) · N numbers "
    "instead of 2(p − 1) · N/p. Cut x into p chunks, and send one at a time."
)


@ring_all_reduce.mistake(
    "Everybody receives before anybody has sent: all wait. Begin to send first (`isend`), then receive.",
    raises="Deadlock",
)
def receives_first(worker, x):
    rank, size = worker.rank, worker.size
    chunks = list(x.tensor_split(size))
    for step in range(2 * (size - 1)):
        came = worker.receive((rank - 1) % size)
        place = (rank - step - 1) % size
        chunks[place] = chunks[place] + came if step < size - 1 else came
        worker.send(chunks[place], (rank + 1) % size)
    return torch.cat(chunks)


@ring_all_reduce.mistake(_WHOLE)
def everybody_to_everybody(worker, x):
    others = [rank for rank in range(worker.size) if rank != worker.rank]
    sent = [worker.isend(x, other) for other in others]
    parts = [x if r == worker.rank else worker.receive(r) for r in range(worker.size)]
    for wait in sent:
        wait()
    return torch.stack(parts).sum(dim=0)


@ring_all_reduce.mistake(
    "Worker 0 gathers everything and sends the sum to all: it sends (p − 1) · N numbers while the others wait. In a "
    "ring of chunks everybody sends 2(p − 1) · N/p."
)
def through_one(worker, x):
    if worker.rank:
        worker.send(x, 0)
        return worker.receive(0)
    total = x.clone()
    for rank in range(1, worker.size):
        total = total + worker.receive(rank)
    for rank in range(1, worker.size):
        worker.send(total, rank)
    return total


@ring_all_reduce.mistake(_WHOLE)
def whole_tensors_go_round(worker, x):
    total = passed = x
    for _ in range(worker.size - 1):
        sent = worker.isend(passed, (worker.rank + 1) % worker.size)
        passed = worker.receive((worker.rank - 1) % worker.size)
        sent()
        total = total + passed
    return total


ring_all_reduce.mistake(
    "no_second_round",
    edit(
        "for step in range(size - 1):\n"
        "    sent = worker.isend(chunks[(rank + 1 - step) % size], after)\n"
        "    chunks[(rank - step) % size] = worker.receive(before)\n"
        "    sent()\n",
        "",
    ),
    "Your second round is missing: each worker has one chunk of the sum, and the others are only partly added. Pass the "
    "finished chunks on, p − 1 times.",
)
ring_all_reduce.mistake(
    "first_round_replaces",
    edit("chunks[place] + worker.receive(before)", "worker.receive(before)"),
    "In the first round you replace your own chunk by what comes, so that nothing is added. Add it.",
)
ring_all_reduce.mistake(
    "second_round_adds",
    edit(
        "chunks[(rank - step) % size] = worker.receive(before)",
        "chunks[(rank - step) % size] = chunks[(rank - step) % size] + worker.receive(before)",
    ),
    "In the second round you add what comes to what you have, and some terms count twice. Those chunks are finished: "
    "replace your own.",
)
ring_all_reduce.mistake(
    "adds_to_the_wrong_chunk",
    edit("place = (rank - step - 1) % size", "place = (rank - step) % size"),
    "What comes is added to the chunk that you have just sent. The worker before you sends *its* chunk r − step with "
    "r one smaller: what comes is chunk (r − step − 1) % p.",
)
ring_all_reduce.mistake(
    "passes_on_the_wrong_chunk",
    edit(
        "worker.isend(chunks[(rank + 1 - step) % size], after)",
        "worker.isend(chunks[(rank - step) % size], after)",
    ),
    "Your second round begins with chunk r. What worker r has finished in the first round is chunk (r + 1) % p: pass "
    "that one on, and put what comes where it belongs.",
)
ring_all_reduce.mistake(
    "first_round_is_too_short",
    edit(
        "for step in range(size - 1):\n"
        "    sent = worker.isend(chunks[(rank - step) % size], after)",
        "for step in range(size - 2):\n"
        "    sent = worker.isend(chunks[(rank - step) % size], after)",
    ),
    "Your first round ends one step early, so that no chunk has all p terms. It takes p − 1 steps.",
)
ring_all_reduce.mistake(
    "one_step_too_many",
    edit(
        "for step in range(size - 1):\n"
        "    sent = worker.isend(chunks[(rank - step) % size], after)",
        "for step in range(size):\n    sent = worker.isend(chunks[(rank - step) % size], after)",
    ),
    "Your first round has one step too many: a finished chunk is added to once more. It takes p − 1 steps.",
)
ring_all_reduce.mistake(
    "the_mean",
    edit("return torch.cat(chunks)", "return torch.cat(chunks) / size"),
    "You return the mean over the workers. All-reduce gives the *sum*; what it is divided by is the caller's business.",
)
ring_all_reduce.mistake(
    "one_chunk",
    edit("return torch.cat(chunks)", "return chunks[(rank + 1) % size]"),
    "You return one chunk. The sum is all of them, in their order: `torch.cat(chunks)`.",
)


@ring_all_reduce.alternative
def the_other_direction(worker, x):
    p, after, before = worker.size, (worker.rank - 1) % worker.size, (worker.rank + 1) % worker.size
    parts = [part.clone() for part in torch.tensor_split(x, p)]
    mine = worker.rank
    for turn in range(2 * (p - 1)):
        sent = worker.isend(parts[mine], after)
        mine = (mine + 1) % p
        came = worker.receive(before)
        parts[mine] = came + parts[mine] if turn < p - 1 else came
        sent()
    return torch.cat(parts)


@ring_all_reduce.alternative
def the_last_receives_first(worker, x):
    rank, size = worker.rank, worker.size
    length = -(-len(x) // size)
    total = x.clone()

    def exchange(gives, takes):
        if rank == size - 1:  # one that receives first lets all others go on
            came = worker.receive((rank - 1) % size)
            worker.send(total[gives * length : (gives + 1) * length], (rank + 1) % size)
        else:
            worker.send(total[gives * length : (gives + 1) * length], (rank + 1) % size)
            came = worker.receive((rank - 1) % size)
        return slice(takes * length, (takes + 1) * length), came

    for step in range(size - 1):
        where, came = exchange((rank - step) % size, (rank - step - 1) % size)
        total[where] = total[where] + came
    for step in range(size - 1):
        where, came = exchange((rank - step + 1) % size, (rank - step) % size)
        total[where] = came
    return total

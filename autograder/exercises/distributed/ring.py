"""All-reduce in a ring: two rounds, and nobody carries more than the others."""

from dataclasses import replace

import torch

from autograder import probes
from autograder.exercises.distributed.lab import (
    WRITTEN_HERE,
    lab,
    same_bits,
    waits_for_its_messages,
)
from autograder.exercises.distributed.traffic import of_four, of_three, of_two, traffic
from autograder.judging import Part, edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import distributed


_SUM = matches_reference("the sum on every worker", of="result.returned")

# By it no mistakes are told apart: who adds in place may make any other one as well.
_LEAVES_X_ALONE = replace(leaves_inputs_alone(stated=True), entries=())

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
        "all. Either direction will do. x stays as it is (chunks are views of it), and each `sent()` is called: torch "
        "itself takes back what nobody waits for."
    ),
    parts=[
        Part("the sum", 3, (_SUM, keeps_dtype(of="result.returned"))),
        Part("the traffic", 3, (traffic, same_bits)),
        Part("what is left behind", 1, (_SUM, _LEAVES_X_ALONE, waits_for_its_messages)),
    ],
    minutes=16,
    difficulty=3,
    syllabus=("12.3",),
    hide=("Formula",),
    inputs=(of_three, of_four, of_two),
    probe=probes.ranks(),
    forbidden=WRITTEN_HERE,
    equivalent_mutants={
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
_TOO_LONG = (
    "Of your two rounds one takes p steps, or both do: the last step passes on what is there already, or adds a finished "
    "chunk to it. Each round takes p − 1 steps."
)
ring_all_reduce.mistake(
    "second_round_is_too_long",
    edit(
        "for step in range(size - 1):\n    sent = worker.isend(chunks[(rank + 1 - step) % size]",
        "for step in range(size):\n    sent = worker.isend(chunks[(rank + 1 - step) % size]",
    ),
    _TOO_LONG,
)
ring_all_reduce.mistake(
    "both_rounds_are_too_long",
    edit(
        "for step in range(size - 1):\n    sent = worker.isend(chunks[(rank - step) % size]",
        "for step in range(size):\n    sent = worker.isend(chunks[(rank - step) % size]",
    ).also(
        "for step in range(size - 1):\n    sent = worker.isend(chunks[(rank + 1 - step) % size]",
        "for step in range(size):\n    sent = worker.isend(chunks[(rank + 1 - step) % size]",
    ),
    _TOO_LONG,
)
ring_all_reduce.mistake(
    "second_round_is_too_short",
    edit(
        "for step in range(size - 1):\n    sent = worker.isend(chunks[(rank + 1 - step) % size]",
        "for step in range(size - 2):\n    sent = worker.isend(chunks[(rank + 1 - step) % size]",
    ),
    "Your second round ends one step early, so that each worker keeps one chunk that is only partly added. It takes "
    "p − 1 steps, like the first.",
)
_WRITES_INTO_X = (
    "You write into x, which the caller still needs. The chunks of `tensor_split` are views of it, so that `+=` changes "
    "x as well: make a new tensor, `chunks[k] = chunks[k] + came`, or begin with a copy."
)
ring_all_reduce.mistake(
    "adds_in_place",
    edit(
        "chunks[place] = chunks[place] + worker.receive(before)",
        "chunks[place] += worker.receive(before)",
    ),
    _WRITES_INTO_X,
)
ring_all_reduce.mistake(
    "gives_the_sum_back_in_x",
    edit("return torch.cat(chunks)", "return x.copy_(torch.cat(chunks))"),
    _WRITES_INTO_X,
)
ring_all_reduce.mistake(
    "never_waits",
    edit("+ worker.receive(before)\nsent()", "+ worker.receive(before)").also(
        "% size] = worker.receive(before)\nsent()", "% size] = worker.receive(before)"
    ),
    "You begin to send and never wait for it. Keep what `isend` gives, and call it when you have received: `sent()`. "
    "Here a message that nobody waits for arrives all the same, with torch itself it may not.",
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

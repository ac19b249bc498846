"""A step that grew with the number of workers, to be mended."""

import torch

from autograder import probes
from autograder.exercises.distributed.lab import (
    ONLY_THE_FIRST,
    WRITTEN_HERE,
    by_what_is_returned,
    lab,
)
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import distributed
from course_lib.distributed import ring_all_reduce


def _gradients(rng, size):
    shapes = [(3, 2), (4,), (2, 1, 5)]
    return {"each": [{"gradients": [rng.normal(size=s) for s in shapes]} for _ in range(size)]}


average_gradients = lab.repair(
    distributed.average_gradients,
    planted="the_sum",
    title="Find the error in the lecture notes: exchanged gradients",
    statement=(
        "“Each worker computes its gradient; they exchange the sum of the gradients, and all take the same step.” Below "
        "is that sentence as a function, for shards of **equal size**; `gradients` holds this worker's mean gradient for "
        "every parameter. It runs, and all workers agree. With two workers one can train; with sixteen, and the same "
        "rate, the loss explodes. What should the result be? Mend it."
    ),
    points=2,
    minutes=4,
    core=False,
    syllabus=("12.1",),
    hide=("Formula", "Shapes"),
    needs=("distributed/ring_all_reduce",),
    inputs=(
        lambda rng: _gradients(rng, 3),
        lambda rng: _gradients(rng, 4),
        lambda rng: _gradients(rng, 2),
    ),
    probe=probes.ranks(),
    signature=by_what_is_returned,
    checks=[
        matches_reference("the gradients on every worker", of="result.returned"),
        leaves_inputs_alone(),
    ],
    forbidden=WRITTEN_HERE,
    equivalent_mutants={
        "return [part.reshape(g.shape) for part, g in zip(parts, gradients, strict=True)] => return "
        "[part.reshape(g.shape) for part, g in zip(parts, gradients)]": "there are as many",
        "return [part.reshape(g.shape) for part, g in zip(parts, gradients, strict=True)] => return "
        "[part.reshape(g.shape) for part, g in zip(parts, gradients, strict=False)]": "there are as many",
        "everything is done under torch.no_grad()": "gradients are not trained through",
    },
    hints=(
        "What would one process get for the whole batch, with a loss that is a mean?",
        "A mean over p equal shards is the mean of the p means.",
    ),
)

average_gradients.mistake(
    "the_sum",
    edit(" / worker.size", ""),
    "You return the sum over the workers: with p of them every step is p times as long. The mean over the whole batch is "
    "the mean of the means.",
    origin="the notes",
)
average_gradients.mistake(
    "divided_by_parameters",
    edit("/ worker.size", "/ len(gradients)"),
    "You divide by the number of parameters. Divide by the number of workers.",
)
average_gradients.mistake(
    "multiplied",
    edit("/ worker.size", "* worker.size"),
    "You multiply by the number of workers, which makes it worse. Divide.",
)
average_gradients.mistake(
    "divided_by_the_others",
    edit("/ worker.size", "/ (worker.size - 1)"),
    "You divide by p − 1, the number of the *other* workers. The sum has p terms, this worker's among them: divide by p.",
)
_OF_ITS_OWN = (
    "Nothing is exchanged: each worker returns what it came with, or a part of that. All workers need the mean over all: "
    "add up by `ring_all_reduce` first."
)
average_gradients.mistake(
    "keeps_its_own", edit("ring_all_reduce(worker, bucket)", "bucket"), _OF_ITS_OWN
)
average_gradients.mistake(
    "keeps_its_own_undivided",
    edit("ring_all_reduce(worker, bucket) / worker.size", "bucket"),
    _OF_ITS_OWN,
)
average_gradients.mistake(
    "one_long_tensor",
    edit(
        "return [part.reshape(g.shape) for part, g in zip(parts, gradients, strict=True)]",
        "return total",
    ),
    "You return the bucket, all gradients in one long tensor. Asked for is a list with one for each parameter, of its shape: "
    "`split`, then `reshape`.",
)
average_gradients.mistake(
    "not_reshaped",
    edit("part.reshape(g.shape)", "part"),
    "Your gradients have one axis each. Give each the shape of its parameter back: `part.reshape(g.shape)`.",
)


@average_gradients.mistake(ONLY_THE_FIRST, raises="Deadlock")
def only_the_first_reduces(worker, gradients):
    if worker.rank:
        return gradients
    return [ring_all_reduce(worker, g.flatten()).reshape(g.shape) / worker.size for g in gradients]


average_gradients.mistake(
    "divided_twice",
    edit("/ worker.size", "/ worker.size**2"),
    "You divide twice by the number of workers. Once.",
)


@average_gradients.alternative
def divides_first(worker, gradients):
    return [
        ring_all_reduce(worker, (gradient / worker.size).flatten()).reshape(gradient.shape)
        for gradient in gradients
    ]


@average_gradients.alternative
def divides_each(worker, gradients):
    total = ring_all_reduce(worker, torch.cat([g.reshape(-1) for g in gradients]))
    means, start = [], 0
    for gradient in gradients:
        stop = start + gradient.numel()
        means.append(total[start:stop].view(gradient.shape) / worker.size)
        start = stop
    return means

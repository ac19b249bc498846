"""Tensor parallelism: a layer cut in two directions, and where the sum belongs."""

import torch

from autograder import probes
from autograder.exercises.distributed.lab import (
    ONLY_THE_FIRST,
    WRITTEN_HERE,
    by_what_is_returned,
    lab,
)
from autograder.judging import edit
from autograder.judging.checks import check, finding, leaves_inputs_alone, matches_reference
from course_lib import distributed
from course_lib.distributed import ring_all_reduce


def _block(rng, size):
    """Unequal parts of the hidden layer; in every sum both signs."""
    n, features, out = 4, 3, 5
    each = []
    for hidden in 1 + rng.choice(5, size=size, replace=False):
        hidden = int(hidden)
        each.append(
            {
                "first": rng.normal(size=(features, hidden)),
                "first_bias": rng.normal(size=hidden),
                "second": rng.normal(size=(hidden, out)),
            }
        )
    x, bias = rng.normal(size=(n, features)), rng.normal(size=out)
    return {"each": each, "x": x, "second_bias": bias}


@check("how much is sent")
def _one_all_reduce(case):
    size = len(case.inputs["each"])
    most = 2 * (size - 1)
    sent = max(case.observed["result"]["messages"])
    gist = f"{sent} messages of a worker: more than one all-reduce"
    return finding(sent <= most, f"at most {most} messages", f"{sent}", gist)


tensor_parallel_block = lab.exercise(
    distributed.tensor_parallel_block,
    title="A block with one sum",
    statement=(
        "Two layers, Y = relu(X A + a) B + b, too large for one device. The **hidden units** are dealt out: each worker "
        "has some columns of A (`first`), the same entries of a (`first_bias`) and the same rows of B (`second`). `x` "
        "(N, D) and b (`second_bias`) are the same everywhere. Return Y, the same on all workers, with **one** "
        "all-reduce.\n\n"
        "Where may the sum stand, and how often is b added?"
    ),
    points=3,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("12.9",),
    hide=("Formula", "Convention"),
    needs=("distributed/ring_all_reduce",),
    inputs=(lambda rng: _block(rng, 3), lambda rng: _block(rng, 4), lambda rng: _block(rng, 2)),
    probe=probes.ranks(),
    signature=by_what_is_returned,
    checks=[
        matches_reference("the output on every worker", of="result.returned"),
        _one_all_reduce,
        leaves_inputs_alone(),
    ],
    forbidden=WRITTEN_HERE,
    equivalent_mutants={
        "everything is done under torch.no_grad()": "the way back needs messages of its own, and is not asked for",
    },
    hints=(
        "A hidden unit needs x, its column of A and its entry of a: all of it is here, relu included.",
        "X A B is a sum over hidden units; each worker has some of its terms.",
    ),
)

tensor_parallel_block.mistake(
    "bias_on_every_worker",
    edit("@ second", "@ second + second_bias").also(
        ".reshape(part.shape) + second_bias", ".reshape(part.shape)"
    ),
    "Every worker adds b before the sum, so that it counts p times. Add it once, after the sum.",
)
tensor_parallel_block.mistake(
    "no_sum",
    edit("ring_all_reduce(worker, part.flatten()).reshape(part.shape)", "part"),
    "Nothing is added up: each worker returns what its own hidden units contribute.",
)
tensor_parallel_block.mistake(
    "nonlinearity_after_the_sum",
    edit("torch.relu(x @ first + first_bias) @ second", "(x @ first + first_bias) @ second").also(
        "return ring_all_reduce(worker, part.flatten()).reshape(part.shape)",
        "return torch.relu(ring_all_reduce(worker, part.flatten()).reshape(part.shape))",
    ),
    "Your relu stands after the sum. It belongs to the hidden units, which are whole on their worker: before B.",
)
tensor_parallel_block.mistake(
    "nonlinearity_twice",
    edit("@ second", "@ second\npart = torch.relu(part)"),
    "You apply relu to a worker's *part* of the output as well. Parts of a sum are not what a nonlinearity is for: "
    "relu(a) + relu(b) is not relu(a + b). Here it stands between the layers only.",
)
tensor_parallel_block.mistake(
    "relu_of_the_output",
    edit(
        "return ring_all_reduce(worker, part.flatten()).reshape(part.shape) + second_bias",
        "return torch.relu(ring_all_reduce(worker, part.flatten()).reshape(part.shape) + second_bias)",
    ),
    "You apply relu to the output as well. It stands between the two layers only: Y = relu(X A + a) B + b.",
)
tensor_parallel_block.mistake(
    "relu_of_the_output_alone",
    edit("torch.relu(x @ first + first_bias)", "(x @ first + first_bias)").also(
        "return ring_all_reduce(worker, part.flatten()).reshape(part.shape) + second_bias",
        "return torch.relu(ring_all_reduce(worker, part.flatten()).reshape(part.shape) + second_bias)",
    ),
    "Your relu stands at the end, around the output. It belongs between the layers, to the hidden units, which are whole on "
    "their worker: relu(X A + a) B + b.",
)
tensor_parallel_block.mistake(
    "no_nonlinearity",
    edit("torch.relu(x @ first + first_bias)", "(x @ first + first_bias)"),
    "relu is missing: without it the two layers are one. relu(X A + a) B + b.",
)
tensor_parallel_block.mistake(
    "not_reshaped",
    edit(
        "ring_all_reduce(worker, part.flatten()).reshape(part.shape) + second_bias",
        "ring_all_reduce(worker, part.flatten())",
    ),
    "You return what comes out of `ring_all_reduce`: one axis, and without b. Give it the shape (N, E), and add b.",
)
tensor_parallel_block.mistake(
    "bias_on_the_first_after_the_sum",
    edit(
        ".reshape(part.shape) + second_bias",
        ".reshape(part.shape) + (second_bias if worker.rank == 0 else 0)",
    ),
    "Worker 0 alone adds b, after the sum, so that the others return Y without it. After the sum all workers add b; "
    "*before* it one of them does.",
)


@tensor_parallel_block.mistake(
    "You add up the *hidden units* over workers. They are other units on each worker, and of other number: nothing of them "
    "is to be added. Each worker multiplies its own by its rows of B, and those products are the terms of the sum.",
    raises="RuntimeError",
)
def sums_the_hidden_units(worker, x, first, first_bias, second, second_bias):
    hidden = x @ first + first_bias
    hidden = ring_all_reduce(worker, hidden.flatten()).reshape(hidden.shape)
    return torch.relu(hidden) @ second + second_bias


@tensor_parallel_block.mistake(
    "`ring_all_reduce` adds up tensors with *one* axis, and yours has two: `part.flatten()` before, `reshape(part.shape)` "
    "after.",
    raises="ValueError",
)
def sums_a_table(worker, x, first, first_bias, second, second_bias):
    part = torch.relu(x @ first + first_bias) @ second
    return ring_all_reduce(worker, part) + second_bias


@tensor_parallel_block.mistake(ONLY_THE_FIRST, raises="Deadlock")
def only_the_first_reduces(worker, x, first, first_bias, second, second_bias):
    part = torch.relu(x @ first + first_bias) @ second
    if worker.rank:
        return part + second_bias
    return ring_all_reduce(worker, part.flatten()).reshape(part.shape) + second_bias


@tensor_parallel_block.mistake(
    "You call `ring_all_reduce` once for every row. It is *one* sum: `part.flatten()` lays all rows into one message, "
    "`reshape` brings them back."
)
def row_by_row(worker, x, first, first_bias, second, second_bias):
    part = torch.relu(x @ first + first_bias) @ second
    return torch.stack([ring_all_reduce(worker, row) for row in part]) + second_bias


tensor_parallel_block.mistake(
    "without_the_first_bias",
    edit("x @ first + first_bias", "x @ first"),
    "The first layer has a bias, too: relu(X A + a).",
)
tensor_parallel_block.mistake(
    "without_the_second_bias",
    edit(".reshape(part.shape) + second_bias", ".reshape(part.shape)"),
    "b is missing in the output. It is added once, after the sum.",
)
tensor_parallel_block.mistake(
    "mean_of_the_parts",
    edit(".reshape(part.shape) +", ".reshape(part.shape) / worker.size +"),
    "You average the parts. They are terms of one sum: add them up.",
)


@tensor_parallel_block.alternative
def bias_on_one(worker, x, first, first_bias, second, second_bias):
    part = (x @ first + first_bias).clamp(min=0) @ second
    if worker.rank == 0:
        part = part + second_bias
    return ring_all_reduce(worker, part.reshape(-1)).view(len(x), -1)


@tensor_parallel_block.alternative
def a_share_of_the_bias(worker, x, first, first_bias, second, second_bias):
    hidden = torch.addmm(first_bias, x, first)
    part = torch.where(hidden > 0, hidden, 0) @ second + second_bias / worker.size
    return ring_all_reduce(worker, part.flatten()).reshape(part.shape)

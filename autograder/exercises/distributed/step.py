"""One data-parallel step, checked in processes that share nothing."""

import torch
import torch.nn.functional as F

from autograder import probes
from autograder.exercises.distributed.lab import (
    ONLY_THE_FIRST,
    WRITTEN_HERE,
    by_what_is_returned,
    classified,
    lab,
)
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import distributed
from course_lib.distributed import ring_all_reduce


def _step(rng, workers, features=4, classes=3):
    counts = [int(n) for n in 2 + rng.choice(9, size=workers, replace=False)]
    return {
        "each": classified(rng, counts, features, classes),
        "weight": rng.normal(size=(features, classes)),
        "lr": float(rng.uniform(0.5, 1.5)),
    }


data_parallel_step = lab.exercise(
    distributed.data_parallel_step,
    title="One step, several processes",
    statement=(
        "Every worker has the same `weight` W (D, C) of a linear classifier, and a shard of its own: `x` (n, D) and class "
        "numbers `target` (n,), with another n on each. Take **one step of SGD on the whole batch**: the loss is the "
        "mean cross-entropy of the scores x W over *all* examples of *all* workers. Return the new weight, as one process "
        "would have got it.\n\n"
        "Your `ring_all_reduce` adds up tensors with one axis. A worker does not know how many examples the others "
        "have.\n\n"
        "The check runs this in **processes** that share no variables, and talk through gloo."
    ),
    points=5,
    minutes=10,
    difficulty=3,
    syllabus=("12.1", "12.2"),
    hide=("Formula",),
    needs=("distributed/ring_all_reduce",),
    inputs=(
        lambda rng: _step(rng, 3),
        # So many weights that some show what is lost in float32.
        lambda rng: _step(rng, 2, features=16, classes=9),
        lambda rng: _step(rng, 2),
    ),
    probe=probes.forked(),
    signature=by_what_is_returned,
    checks=[
        matches_reference("the new weight on every worker", of="result.returned"),
        leaves_inputs_alone(),
    ],
    forbidden=WRITTEN_HERE,
    equivalent_mutants={
        "leaf = weight.detach().clone().requires_grad_() => leaf = weight.detach().requires_grad_()": "nothing "
        "is written into it",
        "leaf = weight.detach().clone().requires_grad_() => leaf = weight.clone().requires_grad_()": "the weight "
        "has no graph behind it",
        "sums = torch.cat([leaf.grad.flatten(), leaf.grad.new_tensor([len(x)])]) => sums = "
        "-torch.cat([leaf.grad.flatten(), leaf.grad.new_tensor([len(x)])])": "both signs cancel in the ratio",
        "total = ring_all_reduce(worker, sums) => total = -ring_all_reduce(worker, sums)": "both signs cancel in "
        "the ratio",
    },
    hints=(
        "The mean over all is (sum of all gradients) / (number of all examples). Both are sums over workers.",
        '`F.cross_entropy(…, reduction="sum")` gives the sum over a shard; or multiply the mean by n.',
        "`gradient.flatten()` has one axis. Append n to it: `torch.cat([…, gradient.new_tensor([n])])`; one "
        "all-reduce then brings both.",
    ),
)


_MEAN_OF_MEANS = (
    "You average the workers' mean gradients, or their *new weights*, each counted the same. Shards differ in size: weight "
    "each with its number of examples, or add up the gradients of sums and divide by all examples."
)
data_parallel_step.mistake(
    "mean_of_means",
    edit('reduction="sum"', 'reduction="mean"').also(
        "total[:-1] / total[-1]", "total[:-1] / worker.size"
    ),
    _MEAN_OF_MEANS,
)
data_parallel_step.mistake(
    "sum_of_means",
    edit('reduction="sum"', 'reduction="mean"').also("total[:-1] / total[-1]", "total[:-1]"),
    "You step by the *sum* of the workers' mean gradients: the step grows with the number of workers. Wanted is the "
    "mean over all examples.",
    origin="the notes",
)
data_parallel_step.mistake(
    "sum_over_all",
    edit("total[:-1] / total[-1]", "total[:-1]"),
    "You step by the sum over all examples. The loss is the *mean*: divide by how many there are on all workers.",
)
data_parallel_step.mistake(
    "by_its_own_count",
    edit("total[:-1] / total[-1]", "total[:-1] / len(x)"),
    "You divide the sum over all workers by the number of this worker's examples. It must be that of all, so the counts "
    "have to be added up as well; as it is, the workers' weights differ.",
)
data_parallel_step.mistake(
    "its_own_count_for_all",
    edit("total[:-1] / total[-1]", "total[:-1] / (len(x) * worker.size)"),
    "You take the number of all examples for p times that of this worker. Shards differ in size, so that the workers' "
    "weights differ: the counts have to be added up as well.",
)
data_parallel_step.mistake(
    "divided_twice",
    edit('reduction="sum"', 'reduction="mean"'),
    "You divide twice: the mean over a shard is divided by its n already, and then by the number of all examples. "
    "Add up *sums*.",
)
data_parallel_step.mistake(
    "by_the_workers",
    edit("total[:-1] / total[-1]", "total[:-1] / worker.size"),
    "You divide the sum over all examples by the number of *workers*. Divide by the number of examples.",
)
data_parallel_step.mistake(
    "alone",
    edit("ring_all_reduce(worker, sums)", "sums"),
    "Every worker steps by its own shard, and nobody talks: from now on the weights differ. Add up gradients and counts "
    "over all workers.",
)
data_parallel_step.mistake(
    "steps_upward",
    edit("weight - lr", "weight + lr"),
    "You step along the gradient, which makes the loss larger. W − η ḡ.",
)
data_parallel_step.mistake(
    "the_gradient",
    edit("weight - lr * (", "("),
    "You return the gradient. Asked for is the weight after the step, W − η ḡ.",
)
data_parallel_step.mistake(
    "without_the_rate",
    edit("weight - lr *", "weight -"),
    "Your step has no learning rate: W − η ḡ.",
)


@data_parallel_step.mistake(_MEAN_OF_MEANS)
def averages_weights(worker, weight, x, target, *, lr):
    leaf = weight.detach().clone().requires_grad_()
    F.cross_entropy(x @ leaf, target).backward()
    stepped = weight - lr * leaf.grad
    return (ring_all_reduce(worker, stepped.flatten()) / worker.size).reshape(weight.shape)


@data_parallel_step.mistake(
    "Only worker 0 takes the step; the others return the weight as it was. All workers must go on with the same weight.",
)
def only_the_first_steps(worker, weight, x, target, *, lr):
    leaf = weight.detach().clone().requires_grad_()
    F.cross_entropy(x @ leaf, target, reduction="sum").backward()
    sums = torch.cat([leaf.grad.flatten(), leaf.grad.new_tensor([len(x)])])
    total = ring_all_reduce(worker, sums)
    if worker.rank:
        return weight
    return weight - lr * (total[:-1] / total[-1]).reshape(weight.shape)


@data_parallel_step.mistake(ONLY_THE_FIRST, raises="Deadlock")
def only_the_first_reduces(worker, weight, x, target, *, lr):
    leaf = weight.detach().clone().requires_grad_()
    F.cross_entropy(x @ leaf, target, reduction="sum").backward()
    sums = torch.cat([leaf.grad.flatten(), leaf.grad.new_tensor([len(x)])])
    if worker.rank == 0:
        sums = ring_all_reduce(worker, sums)
    return weight - lr * (sums[:-1] / sums[-1]).reshape(weight.shape)


@data_parallel_step.mistake(
    "All workers send to the next one at once and wait to be received, and nobody receives: a deadlock. Begin with `isend`, "
    "receive, and wait for the sending last; or use your `ring_all_reduce`.",
    raises="Deadlock",
)
def sends_before_it_receives(worker, weight, x, target, *, lr):
    leaf = weight.detach().clone().requires_grad_()
    F.cross_entropy(x @ leaf, target, reduction="sum").backward()
    worker.send(leaf.grad, (worker.rank + 1) % worker.size)
    return weight - lr * worker.receive((worker.rank - 1) % worker.size)


@data_parallel_step.alternative
def in_closed_form(worker, weight, x, target, *, lr):
    scores = torch.softmax(x @ weight, dim=1) - F.one_hot(target, weight.shape[1])
    n = ring_all_reduce(worker, torch.tensor([len(x)]))
    gradient = ring_all_reduce(worker, (x.T @ scores).reshape(-1)) / n
    return weight - lr * gradient.view_as(weight)


@data_parallel_step.alternative
def weighted_weights(worker, weight, x, target, *, lr):
    w = weight.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(F.cross_entropy(x @ w, target), w)
    others = [r for r in range(worker.size) if r != worker.rank]
    mine = torch.cat(
        [(weight - lr * gradient).flatten() * len(x), torch.ones(1, dtype=x.dtype) * len(x)]
    )
    sent = [worker.isend(mine, other) for other in others]
    total = mine + sum(worker.receive(other) for other in others)
    for wait in sent:
        wait()
    return (total[:-1] / total[-1]).reshape(weight.shape)

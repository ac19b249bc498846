"""A whole data-parallel training, held against one process."""

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
from course_lib.distributed import broadcast, ring_all_reduce

STEPS = 4


def _training(rng, size):
    """Shards whose sizes change from step to step, and other weights on every worker."""
    features, classes = 4, 3
    steps = []
    for _ in range(STEPS):
        counts = [int(n) for n in 1 + rng.choice(9, size=size, replace=False)]
        steps.append(classified(rng, counts, features, classes))
    each = [
        {
            "weight": rng.normal(size=(features, classes)),
            "shards": [[step[rank]["x"], step[rank]["target"]] for step in steps],
        }
        for rank in range(size)
    ]
    return {
        "each": each,
        "lr": float(rng.uniform(0.3, 0.6)),
        "momentum": float(rng.uniform(0.6, 0.9)),
    }


train_data_parallel = lab.exercise(
    distributed.train_data_parallel,
    title="A training that one process could have done",
    statement=(
        "Several steps, with momentum: b ← μb + ḡ (b = 0 at first), W ← W − ηb, where ḡ is the gradient of the mean "
        "cross-entropy over the examples of *all* workers at that step. `shards` has one `(x, target)` for each step, "
        "whose sizes differ between workers **and from step to step**.\n\n"
        "Each worker comes with a `weight` (D, C) of its own: all begin with that of worker 0. Return the weight "
        "after the last step. Your `broadcast` and `ring_all_reduce` are there."
    ),
    points=4,
    minutes=10,
    difficulty=3,
    core=False,
    syllabus=("12.1", "12.2"),
    hide=("Formula",),
    needs=("distributed/ring_all_reduce", "distributed/broadcast"),
    inputs=(
        lambda rng: _training(rng, 3),
        lambda rng: _training(rng, 4),
        lambda rng: _training(rng, 2),
    ),
    probe=probes.ranks(),
    signature=by_what_is_returned,
    checks=[
        matches_reference("the last weight on every worker", of="result.returned"),
        leaves_inputs_alone(),
    ],
    forbidden=(*WRITTEN_HERE, "torch.optim"),
    equivalent_mutants={
        "sums = torch.cat([leaf.grad.flatten(), leaf.grad.new_tensor([len(x)])]) => sums = "
        "-torch.cat([leaf.grad.flatten(), leaf.grad.new_tensor([len(x)])])": "both signs cancel in the ratio",
        "total = ring_all_reduce(worker, sums) => total = -ring_all_reduce(worker, sums)": "both signs cancel in "
        "the ratio",
        "velocity = torch.zeros_like(weight) => velocity = -torch.zeros_like(weight)": "−0 is 0",
    },
    hints=(
        "First `weight = broadcast(worker, weight)`.",
        "At each step: the sum of the gradients over your shard, all-reduced, divided by the number of all examples.",
        "Momentum is fed with the *common* gradient, so that it is the same on all workers too.",
    ),
)

train_data_parallel.mistake(
    "weights_of_their_own",
    edit("weight = broadcast(worker, weight)\n", ""),
    "Every worker goes on from its own weight. They take the same steps from different places, and never meet: "
    "`broadcast` the weight of worker 0 first.",
)
train_data_parallel.mistake(
    "no_momentum",
    edit("velocity = momentum * velocity + ", "velocity = "),
    "There is no momentum in your steps: b ← μ b + ḡ.",
)
train_data_parallel.mistake(
    "mean_of_means",
    edit('reduction="sum"', 'reduction="mean"').also(
        "total[:-1] / total[-1]", "total[:-1] / worker.size"
    ),
    "You average the workers' mean gradients, or their momenta, each counted the same. Their shards differ in size: sum of "
    "sums, divided by the number of all examples.",
)
train_data_parallel.mistake(
    "sum_of_means",
    edit('reduction="sum"', 'reduction="mean"').also("total[:-1] / total[-1]", "total[:-1]"),
    "You step by the sum of the workers' means: the rate grows with their number. Mean over all examples.",
    origin="the notes",
)


train_data_parallel.mistake(
    "divided_twice",
    edit('reduction="sum"', 'reduction="mean"'),
    "You divide twice: the mean over a shard is divided by its n already, and then by the number of all examples. Add up "
    "*sums*.",
)
train_data_parallel.mistake(
    "by_the_workers",
    edit("total[:-1] / total[-1]", "total[:-1] / worker.size"),
    "You divide the sum over all examples by the number of *workers*. Divide by the number of examples.",
)
train_data_parallel.mistake(
    "sum_over_all",
    edit("total[:-1] / total[-1]", "total[:-1]"),
    "You step by the sum over all examples. ḡ is their *mean*: divide by how many there are on all workers at that step.",
)
train_data_parallel.mistake(
    "by_its_own_count",
    edit("total[:-1] / total[-1]", "total[:-1] / len(x)"),
    "You divide the sum over all workers by the number of this worker's examples, so that the workers' weights differ. "
    "Divide by that of all workers' examples: the counts have to be added up as well.",
)
train_data_parallel.mistake(
    "counts_once",
    edit(
        "velocity = torch.zeros_like(weight)",
        "velocity = torch.zeros_like(weight)\nn = weight.new_tensor([len(shards[0][0])])\n"
        "count = ring_all_reduce(worker, n)",
    ).also("total[:-1] / total[-1]", "total[:-1] / count"),
    "You count the examples of the first step, and divide by that at all others. Shards change in size from step to step: "
    "the counts are added up anew at each.",
)
train_data_parallel.mistake(
    "never_cleared",
    edit(
        "leaf = weight.clone().requires_grad_()",
        "leaf = weight.clone().requires_grad_()\nleaf.grad = held",
    )
    .also("velocity = torch.zeros_like(weight)", "velocity = torch.zeros_like(weight)\nheld = None")
    .also("sums = torch.cat(", "held = leaf.grad\nsums = torch.cat("),
    "`.grad` still holds the gradients of the steps before, and `backward()` adds to them. Begin every step with a leaf of "
    "its own, or clear its gradient.",
)
train_data_parallel.mistake(
    "of_another_root",
    edit("broadcast(worker, weight)", "broadcast(worker, weight, 1)"),
    "You begin with the weight of worker 1. All begin with that of worker 0.",
)
train_data_parallel.mistake(
    "a_running_mean",
    edit(
        "momentum * velocity + (total[:-1] / total[-1])",
        "momentum * velocity + (1 - momentum) * (total[:-1] / total[-1])",
    ),
    "You weight the gradient with 1 − μ, so that b is a running mean and the steps are shorter. Here b ← μ b + ḡ.",
)
train_data_parallel.mistake(
    "looks_ahead",
    edit(
        "weight = weight - lr * velocity",
        "weight = weight - lr * ((total[:-1] / total[-1]).reshape(weight.shape) + momentum * velocity)",
    ),
    "This is Nesterov's momentum: you step by ḡ + μ b. Here the step is by b itself, W ← W − η b.",
)
train_data_parallel.mistake(
    "steps_before_the_momentum",
    edit(
        "velocity = momentum * velocity + (total[:-1] / total[-1]).reshape(weight.shape)\n"
        "weight = weight - lr * velocity",
        "weight = weight - lr * velocity\n"
        "velocity = momentum * velocity + (total[:-1] / total[-1]).reshape(weight.shape)",
    ),
    "You step before b is brought up to date, by the gradients of the step before. First b ← μ b + ḡ, then the step.",
)
train_data_parallel.mistake(
    "the_momentum",
    edit("return weight", "return velocity"),
    "You return b, the momentum. Asked for is the weight after the last step.",
)
train_data_parallel.mistake(
    "alone",
    edit("ring_all_reduce(worker, sums)", "sums"),
    "After the broadcast nobody talks: each worker trains on its own shards, and their weights drift apart. Add up gradients "
    "and counts over all workers at every step.",
)


@train_data_parallel.mistake(ONLY_THE_FIRST, raises="Deadlock")
def only_the_first_reduces(worker, weight, shards, *, lr, momentum):
    weight = broadcast(worker, weight)
    velocity = torch.zeros_like(weight)
    for x, target in shards:
        leaf = weight.clone().requires_grad_()
        F.cross_entropy(x @ leaf, target, reduction="sum").backward()
        sums = torch.cat([leaf.grad.flatten(), leaf.grad.new_tensor([len(x)])])
        if worker.rank == 0:
            sums = ring_all_reduce(worker, sums)
        velocity = momentum * velocity + (sums[:-1] / sums[-1]).reshape(weight.shape)
        weight = weight - lr * velocity
    return weight


@train_data_parallel.mistake(
    "You average *weights*, and each worker's momentum sees its own gradients only. That is not the step of one process: "
    "average gradients, and keep one common momentum."
)
def averages_weights(worker, weight, shards, *, lr, momentum):
    weight = broadcast(worker, weight)
    velocity = torch.zeros_like(weight)
    for x, target in shards:
        leaf = weight.clone().requires_grad_()
        F.cross_entropy(x @ leaf, target).backward()
        velocity = momentum * velocity + leaf.grad
        stepped = (weight - lr * velocity).flatten()
        n = stepped.new_tensor([len(x)])
        total = ring_all_reduce(worker, torch.cat([n * stepped, n]))
        weight = (total[:-1] / total[-1]).reshape(weight.shape)
    return weight


@train_data_parallel.mistake(
    "You reduce once, at the end: the workers train alone and their weights are averaged afterwards. Gradients are to be "
    "averaged at every step."
)
def averages_at_the_end(worker, weight, shards, *, lr, momentum):
    weight = broadcast(worker, weight)
    velocity, examples = torch.zeros_like(weight), 0
    for x, target in shards:
        leaf = weight.clone().requires_grad_()
        F.cross_entropy(x @ leaf, target).backward()
        velocity = momentum * velocity + leaf.grad
        weight = weight - lr * velocity
        examples += len(x)
    return (ring_all_reduce(worker, weight.flatten()) / worker.size).reshape(weight.shape)


@train_data_parallel.alternative
def in_closed_form(worker, weight, shards, *, lr, momentum):
    w = broadcast(worker, weight)
    b = None
    for x, target in shards:
        scores = torch.softmax(x @ w, 1) - F.one_hot(target, w.shape[1])
        n = ring_all_reduce(worker, torch.tensor([len(x)]))
        g = ring_all_reduce(worker, (x.T @ scores).flatten()).view_as(w) / n
        b = g if b is None else momentum * b + g
        w = w - lr * b
    return w


@train_data_parallel.alternative
def momentum_of_sums(worker, weight, shards, *, lr, momentum):
    w = broadcast(worker, weight)
    history = []
    for x, target in shards:
        leaf = w.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(x @ leaf, target), leaf)
        mine = torch.cat([gradient.flatten() * len(x), gradient.new_ones(1) * len(x)])
        total = ring_all_reduce(worker, mine)
        history.append((total[:-1] / total[-1]).view_as(w))
        step = sum(g * momentum**age for age, g in enumerate(reversed(history)))
        w = w - lr * step
    return w

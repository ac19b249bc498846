"""Batch normalization where the batch lies on several workers."""

import torch

from autograder import probes
from autograder.exercises.distributed.lab import WRITTEN_HERE, by_what_is_returned, lab
from autograder.exercises.experiments import seeded
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import distributed
from course_lib.distributed import ring_all_reduce

SAME_AS_ONE = (
    "yes, up to rounding",
    "no: every worker normalizes with its own shard",
    "no: the running statistics are added up",
)


@seeded
def outcome_of_local_statistics() -> str:
    """Two halves of a batch normalized by themselves, and together."""
    x = torch.randn(8, 3)
    layer = torch.nn.BatchNorm1d(3, affine=False)
    apart = torch.cat([layer(half) for half in x.chunk(2)])
    return SAME_AS_ONE[0 if torch.allclose(apart, layer(x), atol=1e-3) else 1]


lab.prediction(
    "local_statistics",
    title="Predict: batch normalization on two workers",
    statement=(
        "A network with batch normalization is trained on two workers by `DistributedDataParallel`, with half of each "
        "batch on each. Gradients are averaged, weights stay equal. Is it the training that one process would do on the "
        "whole batch?"
    ),
    minutes=1,
    core=False,
    syllabus=("12.7",),
    choices=SAME_AS_ONE,
    outcome=outcome_of_local_statistics,
    explanation=(
        "No. Mean and variance are those of a worker's own shard; nothing in averaging gradients changes that. It is "
        "often welcome (small shards are noise), and with few examples on each worker it is ruin."
    ),
)


def _shards(rng, size):
    """Unlike means, unequal counts: the variance between workers is a large part of all."""
    features = 3
    counts = 2 + rng.choice(6, size=size, replace=False)
    each = [
        {
            "x": rng.normal(size=(int(n), features)) * rng.uniform(0.5, 2)
            + 2 * rng.normal(size=features)
        }
        for n in counts
    ]
    return {"each": each, "eps": float(rng.uniform(0.1, 0.3))}


sync_batch_norm = lab.exercise(
    distributed.sync_batch_norm,
    title="Statistics of all workers",
    statement=(
        "Normalize this worker's shard `x` (n, D) with mean and (biased) variance of the **whole** batch, that of all "
        "workers' shards together: (x − μ)/√(σ² + ε). Shards differ in size. Your `ring_all_reduce` adds up tensors "
        "with one axis."
    ),
    points=3,
    minutes=8,
    difficulty=2,
    core=False,
    syllabus=("12.7",),
    hide=("Formula", "Convention"),
    needs=("distributed/ring_all_reduce",),
    inputs=(lambda rng: _shards(rng, 3), lambda rng: _shards(rng, 4), lambda rng: _shards(rng, 2)),
    probe=probes.ranks(),
    signature=by_what_is_returned,
    checks=[
        matches_reference("the normalized shard of every worker", of="result.returned"),
        leaves_inputs_alone(),
    ],
    forbidden=(*WRITTEN_HERE, "torch.nn"),
    equivalent_mutants={
        "everything is done under torch.no_grad()": "the way back needs messages of its own, and is not asked for",
    },
    hints=(
        "Which sums over examples give the mean? Each worker has a part of them, and of the count.",
        "Then the deviations from the *common* mean: their squares are added up in a second all-reduce.",
    ),
)

_MEANS_OF_STATISTICS = (
    "You average the workers' statistics, each counted the same. Shards differ in size, and the variance of the batch is "
    "more than the mean of the shards' variances, for their means lie apart: add up sums and counts."
)
sync_batch_norm.mistake(
    "local",
    edit(
        "ring_all_reduce(worker, torch.cat([x.sum(dim=0), x.new_tensor([len(x)])]))",
        "torch.cat([x.sum(dim=0), x.new_tensor([len(x)])])",
    ).also("ring_all_reduce(worker, (x - mean).pow(2).sum(dim=0))", "(x - mean).pow(2).sum(dim=0)"),
    "You normalize with the statistics of each worker's own shard, as batch normalization does by default. Add up over all "
    "workers.",
)


@sync_batch_norm.mistake(
    "You average the workers' variances. What is missing is how far their *means* lie apart: take deviations from the "
    "common mean, or E[x²] − μ²."
)
def mean_of_variances(worker, x, eps=1e-5):
    n = ring_all_reduce(worker, torch.tensor([len(x)]))
    mean = ring_all_reduce(worker, x.sum(dim=0)) / n
    variance = ring_all_reduce(worker, len(x) * x.var(dim=0, correction=0)) / n
    return (x - mean) / torch.sqrt(variance + eps)


@sync_batch_norm.mistake(
    "You average the workers' means, each counted the same. Shards differ in size: add up sums and counts."
)
def mean_of_means(worker, x, eps=1e-5):
    p = worker.size
    mean = ring_all_reduce(worker, x.mean(dim=0)) / p
    variance = ring_all_reduce(worker, (x - mean).pow(2).mean(dim=0)) / p
    return (x - mean) / torch.sqrt(variance + eps)


sync_batch_norm.mistake(
    "unbiased",
    edit("sum(dim=0)) / count", "sum(dim=0)) / (count - 1)"),
    "You divide the variance by N − 1. Batch normalization takes the biased one, divided by N.",
)
sync_batch_norm.mistake(
    "only_the_mean",
    edit(
        "ring_all_reduce(worker, (x - mean).pow(2).sum(dim=0)) / count",
        "(x - mean).pow(2).mean(dim=0)",
    ),
    "The mean is that of all workers, the variance that of each one alone. Both are sums over the whole batch.",
)
sync_batch_norm.mistake(
    "own_count",
    edit(
        "mean, count = sums[:-1] / sums[-1], sums[-1]",
        "count = len(x) * worker.size\nmean = sums[:-1] / count",
    ),
    "You take the number of all examples for p times that of this worker. Shards differ in size: the counts have to be added "
    "up as well.",
)
sync_batch_norm.mistake(
    "squares_without_the_mean",
    edit("(x - mean).pow(2)", "x.pow(2)"),
    "You have E[x²], the mean of the squares. The variance is that of the deviations: E[(x − μ)²], or E[x²] − μ².",
)
sync_batch_norm.mistake(
    "of_all_features",
    edit(
        "mean, count = sums[:-1] / sums[-1], sums[-1]",
        "count = sums[-1]\nmean = (sums[:-1] / count).mean()",
    ).also(
        "ring_all_reduce(worker, (x - mean).pow(2).sum(dim=0)) / count",
        "(ring_all_reduce(worker, (x - mean).pow(2).sum(dim=0)) / count).mean()",
    ),
    "You take one mean and one variance for all features. Each feature, a column of x, has its own: sums over `dim=0`.",
)
sync_batch_norm.mistake(
    "without_the_root",
    edit("torch.sqrt(variance + eps)", "(variance + eps)"),
    "You divide by the variance. It is the standard deviation that a feature is divided by: √(σ² + ε).",
)
sync_batch_norm.mistake(
    "without_eps",
    edit("torch.sqrt(variance + eps)", "torch.sqrt(variance)"),
    "ε is missing: √(σ² + ε).",
)
sync_batch_norm.mistake(
    "eps_of_its_own",
    edit("torch.sqrt(variance + eps)", "torch.sqrt(variance + 1e-5)"),
    "Your ε is 1e-5 whatever is asked for. It is an argument, `eps`.",
)
sync_batch_norm.mistake(
    "centered_only",
    edit("(x - mean) / torch.sqrt(variance + eps)", "x - mean"),
    "You subtract the mean only. Divide by √(σ² + ε) as well.",
)


@sync_batch_norm.mistake(
    "You add up the workers' means, and their variances, and do not divide: statistics that grow with p. Add up *sums* over "
    "examples, and divide by the number of all examples."
)
def sum_of_statistics(worker, x, eps=1e-5):
    mean = ring_all_reduce(worker, x.mean(dim=0))
    variance = ring_all_reduce(worker, x.var(dim=0, correction=0))
    return (x - mean) / torch.sqrt(variance + eps)


@sync_batch_norm.mistake(_MEANS_OF_STATISTICS)
def mean_of_statistics(worker, x, eps=1e-5):
    mean = ring_all_reduce(worker, x.mean(dim=0)) / worker.size
    variance = ring_all_reduce(worker, x.var(dim=0, correction=0)) / worker.size
    return (x - mean) / torch.sqrt(variance + eps)


@sync_batch_norm.mistake(_MEANS_OF_STATISTICS)
def mean_of_unbiased_statistics(worker, x, eps=1e-5):
    mean = ring_all_reduce(worker, x.mean(dim=0)) / worker.size
    variance = ring_all_reduce(worker, x.var(dim=0)) / worker.size
    return (x - mean) / torch.sqrt(variance + eps)


sync_batch_norm.mistake(
    "eps_outside",
    edit("torch.sqrt(variance + eps)", "(torch.sqrt(variance) + eps)"),
    "Your ε is outside of the root: √(σ² + ε).",
)


@sync_batch_norm.alternative
def by_squares(worker, x, eps=1e-5):
    sums = torch.cat([x.sum(0), (x * x).sum(0), torch.tensor([len(x)], dtype=x.dtype)])
    total = ring_all_reduce(worker, sums)
    d, n = x.shape[1], total[-1]
    mean = total[:d] / n
    return (x - mean) * torch.rsqrt(total[d : 2 * d] / n - mean**2 + eps)


@sync_batch_norm.alternative
def by_gathering(worker, x, eps=1e-5):
    others = [r for r in range(worker.size) if r != worker.rank]
    sent = [worker.isend(x, other) for other in others]
    batch = torch.cat([x, *(worker.receive(other) for other in others)])
    for wait in sent:
        wait()
    variance, mean = torch.var_mean(batch, dim=0, correction=0)
    return (x - mean) / (variance + eps) ** 0.5

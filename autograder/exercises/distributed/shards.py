"""Unequal shards: the mean of means is not the mean."""

import torch

from autograder import probes
from autograder.exercises.distributed.lab import lab
from autograder.judging import edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import distributed


def _shards(rng, workers):
    counts = 1 + rng.choice(29, size=workers, replace=False)
    shape = tuple(int(n) for n in rng.permutation([2, 3, 5])[: int(rng.integers(1, 4))])
    return {
        "gradients": [rng.normal(size=shape) for _ in range(workers)],
        "counts": [int(count) for count in counts],
    }


def _cancelling(rng):
    """Sums that nearly cancel, so that who adds up in float32 is off in the fifth digit."""
    given = _shards(rng, 4)
    gradients, counts = [1000 * g for g in given["gradients"]], given["counts"]
    wanted = rng.uniform(1, 2, gradients[0].shape) * rng.choice([-1, 1], gradients[0].shape)
    sums = sum(n * g for n, g in zip(counts, gradients, strict=True))
    gradients[-1] = gradients[-1] + (sum(counts) * wanted - sums) / counts[-1]
    return {"gradients": gradients, "counts": counts}


mean_over_shards = lab.exercise(
    distributed.mean_over_shards,
    title="Seven examples here, three there",
    statement=(
        "A batch of 10 lies on two workers: 7 examples on one, 3 on the other. Each has computed the **mean** "
        "gradient over its own shard, as `loss.mean().backward()` does. What would one process have got for the "
        "whole batch?\n\n"
        "Write it for any number of shards: `gradients` is a list of tensors of one shape, `counts` has the number of "
        "examples behind each."
    ),
    points=2,
    minutes=4,
    syllabus=("12.2",),
    hide=("Formula",),
    inputs=(lambda rng: _shards(rng, 2), _cancelling, lambda rng: _shards(rng, 3)),
    probe=probes.call(),
    checks=[
        matches_reference("the gradient of the whole batch"),
        leaves_inputs_alone(),
        keeps_dtype(),
    ],
    equivalent_mutants={
        "sums = [n * g for n, g in zip(counts, gradients, strict=True)] => sums = [n * g for n, g in zip("
        f"{pairs})]": why
        for pairs, why in {
            "gradients, counts, strict=True": "a product does not see the order",
            "counts, gradients": "that there are as many has been checked",
            "counts, gradients, strict=False": "that there are as many has been checked",
        }.items()
    },
    hints=(
        "A mean over n examples is a sum divided by n. Sums can be added.",
        "Σ n_k ḡ_k is the sum over all examples; how many are they?",
    ),
)


mean_over_shards.mistake(
    "mean_of_means",
    edit(
        "sums = [n * g for n, g in zip(counts, gradients, strict=True)]\n"
        "return torch.stack(sums).sum(dim=0) / sum(counts)",
        "return torch.stack(list(gradients)).mean(dim=0)",
    ),
    "You average the means, so that an example of a small shard counts more than one of a large shard. Weight each "
    "with its number of examples: Σ n_k ḡ_k / Σ n_k.",
)
mean_over_shards.mistake(
    "sum_of_means",
    edit(
        "sums = [n * g for n, g in zip(counts, gradients, strict=True)]\n"
        "return torch.stack(sums).sum(dim=0) / sum(counts)",
        "return torch.stack(list(gradients)).sum(dim=0)",
    ),
    "You add the means up: K workers then take a step that is about K times too long. Wanted is the mean over all "
    "examples, Σ n_k ḡ_k / Σ n_k.",
    origin="the notes",
)
mean_over_shards.mistake(
    "not_divided",
    edit(" / sum(counts)", ""),
    "You have the *sum* over all examples. The mean is that, divided by how many they are, Σ n_k.",
)
mean_over_shards.mistake(
    "divided_by_the_shards",
    edit("/ sum(counts)", "/ len(counts)"),
    "You divide by the number of shards. The weights n_k add up to Σ n_k: divide by that.",
)
mean_over_shards.mistake(
    "divided_by_its_own_count",
    edit("n * g for", "g / n for").also(" / sum(counts)", ""),
    "You divide each mean by its count; it has been divided by it already. *Multiply* by n_k, which gives back the "
    "sum over the shard.",
)


@mean_over_shards.alternative
def by_running_mean(gradients, counts):
    seen, mean = 0, torch.zeros_like(gradients[0])
    for gradient, count in zip(gradients, counts, strict=True):
        seen = seen + count
        mean = mean + (gradient - mean) * (count / seen)
    return mean


@mean_over_shards.alternative
def by_tensordot(gradients, counts):
    weights = torch.tensor(counts, dtype=gradients[0].dtype)
    return torch.tensordot(weights / weights.sum(), torch.stack(gradients), dims=1)

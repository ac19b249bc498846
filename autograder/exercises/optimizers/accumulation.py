"""Where clipping stands when gradients are accumulated."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import optimizers
from course_lib.optimizers import clip_by_global_norm


_MEANS = (
    "means: list[torch.Tensor | None] = [torch.stack(parts).mean(dim=0) "
    "for parts in zip(*micro_batches, strict=True)]"
)


def draw_micro_batches(rng):
    """Micro-batches too long one by one and together, in different directions."""
    rows, columns, features = (int(n) for n in rng.permutation([2, 3, 4]))
    count = int(rng.integers(3, 6))
    shapes = [(rows, columns), (features,)]
    common = [rng.normal(size=shape) * 2 for shape in shapes]
    batches = [
        [(c + rng.normal(size=c.shape)) * np.exp(rng.uniform(-1, 1)) for c in common]
        for _ in range(count)
    ]
    means = [sum(parts) / count for parts in zip(*batches, strict=True)]
    norm = math.sqrt(sum((m**2).sum() for m in means))
    return {"micro_batches": batches, "max_norm": float(norm * rng.uniform(0.5, 0.8))}


def draw_within_the_limit(rng):
    """The sum is too long, the mean is not."""
    inputs = draw_micro_batches(rng)
    return {**inputs, "max_norm": inputs["max_norm"] * 2.2}


accumulated_gradient = lab.exercise(
    optimizers.accumulated_gradient,
    title="Clip when gradients are accumulated",
    statement="""A batch that does not fit into memory is cut into K equally large micro-batches, and
their gradients are accumulated before one step is taken. The step is to be the same as that of the
whole batch. Three things have to happen in the right order: add up, divide by K, clip.

`micro_batches` is a list of K lists, each with one gradient per parameter. Return the list of
gradients with which the step is taken, clipped to `max_norm`. Call your `clip_by_global_norm`.""",
    points=2,
    core=False,
    syllabus=("6.12",),
    hide=("Formula",),
    inputs=(draw_micro_batches, draw_within_the_limit, draw_micro_batches),
    probe=probes.call(),
    checks=[matches_reference("the gradient of the step", rtol=1e-6), leaves_inputs_alone()],
    forbidden=("torch.nn.utils",),
    needs=("optimizers/clip_by_global_norm",),
    equivalent_mutants={
        f"{_MEANS} => {_MEANS.replace(', strict=True', strict)}": "the lists are equally long"
        for strict in ("", ", strict=False")
    },
    hints=(
        "`zip(*micro_batches, strict=True)` pairs the gradients of one parameter.",
        "The mean over the micro-batches for each parameter, then one call of your clipping.",
    ),
)


@accumulated_gradient.mistake(
    "You clip the sum and divide by K afterwards: the steps come out up to K times too short. "
    "Divide first: the limit is for the gradient of the whole batch.",
    origin="folklore",
)
def clips_before_dividing(micro_batches, max_norm):
    sums = [sum(parts) for parts in zip(*micro_batches, strict=True)]
    return [g / len(micro_batches) for g in clip_by_global_norm(sums, max_norm)]


@accumulated_gradient.mistake(
    "You clip the sum of the micro-batches' gradients. The whole batch's mean gradient is their "
    "average: divide by K before you clip."
)
def clips_the_sum(micro_batches, max_norm):
    return clip_by_global_norm([sum(parts) for parts in zip(*micro_batches, strict=True)], max_norm)


@accumulated_gradient.mistake(
    "You clip every micro-batch by itself. Then an unusual one loses its weight in the average, "
    "and the result is not that of the whole batch. Clip once, at the end."
)
def clips_every_one(micro_batches, max_norm):
    clipped = [clip_by_global_norm(batch, max_norm) for batch in micro_batches]
    return [sum(parts) / len(clipped) for parts in zip(*clipped, strict=True)]


@accumulated_gradient.mistake(
    "You use the last micro-batch alone. Gradients are to be accumulated."
)
def last_one_only(micro_batches, max_norm):
    return clip_by_global_norm(micro_batches[-1], max_norm)


@accumulated_gradient.mistake("The average is right, but it is not clipped.")
def never_clips(micro_batches, max_norm):
    return [sum(parts) / len(micro_batches) for parts in zip(*micro_batches, strict=True)]


@accumulated_gradient.mistake("You divide by the wrong number. K is the number of micro-batches.")
def averages_over_parameters(micro_batches, max_norm):
    means = [sum(parts) / len(parts[0]) for parts in zip(*micro_batches, strict=True)]
    return clip_by_global_norm(means, max_norm)


@accumulated_gradient.mistake("You clip every parameter by itself. One norm over all of them.")
def each_parameter_by_itself(micro_batches, max_norm):
    means = [sum(parts) / len(micro_batches) for parts in zip(*micro_batches, strict=True)]
    return [clip_by_global_norm([m], max_norm)[0] for m in means]


@accumulated_gradient.alternative
def accumulates_in_a_loop(micro_batches, max_norm):
    total = [torch.zeros_like(g) for g in micro_batches[0]]
    for batch in micro_batches:
        for t, g in zip(total, batch, strict=True):
            t += g / len(micro_batches)
    return clip_by_global_norm(total, max_norm)


@accumulated_gradient.alternative
def by_hand(micro_batches, max_norm):
    means = [torch.stack(list(parts)).mean(dim=0) for parts in zip(*micro_batches, strict=True)]
    norm = torch.cat([m.flatten() for m in means]).norm()
    return tuple(m * min(1.0, max_norm / float(norm)) for m in means)

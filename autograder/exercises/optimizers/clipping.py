"""Clipping by the global norm, and where it stands when gradients are accumulated."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.judging import Alternative, Mistake, Part
from autograder.judging.checks import (
    check,
    finding,
    keeps_dtype,
    leaves_inputs_alone,
    matches_reference,
)
from course_lib import optimizers
from course_lib.optimizers import clip_by_global_norm


def _gradients(rng, length, *, frozen):
    """Gradients of very different size with a given norm together; one parameter may be frozen."""
    rows, columns, features = (int(n) for n in rng.permutation([2, 3, 4]))
    gradients = [
        rng.normal(size=(rows, columns)),
        0.05 * rng.normal(size=features),
        0.4 * rng.normal(size=(columns, features, 2)),
    ]
    norm = math.sqrt(sum((g**2).sum() for g in gradients))
    gradients = [g * length / norm for g in gradients]
    if frozen:
        gradients.insert(int(rng.integers(0, 3)), None)
    return gradients


def draw_long(rng):
    return {
        "gradients": _gradients(rng, rng.uniform(8, 20), frozen=False),
        "max_norm": float(rng.uniform(2, 4)),
    }


def draw_short(rng):
    """Shorter than allowed, although single entries are large."""
    return {
        "gradients": _gradients(rng, rng.uniform(2, 4), frozen=False),
        "max_norm": float(rng.uniform(5, 8)),
    }


def draw_frozen(rng):
    """One parameter has no gradient; the others are too long only together."""
    length = rng.uniform(8, 20)
    return {
        "gradients": _gradients(rng, length, frozen=True),
        "max_norm": float(0.95 * length),
    }


def each_by_itself(gradients, max_norm):
    clipped = []
    for g in gradients:
        if g is not None:
            g = g * min(1.0, max_norm / float(g.norm()))
        clipped.append(g)
    return clipped


def clamps_the_entries(gradients, max_norm):
    return [None if g is None else g.clamp(-max_norm, max_norm) for g in gradients]


def always_rescales(gradients, max_norm):
    norm = torch.sqrt(sum((g**2).sum() for g in gradients if g is not None))
    return [None if g is None else g * max_norm / norm for g in gradients]


def squares_not_rooted(gradients, max_norm):
    norm = sum((g**2).sum() for g in gradients if g is not None)
    factor = min(1.0, max_norm / float(norm))
    return [None if g is None else g * factor for g in gradients]


def adds_the_norms(gradients, max_norm):
    norm = sum(float(g.norm()) for g in gradients if g is not None)
    factor = min(1.0, max_norm / norm)
    return [None if g is None else g * factor for g in gradients]


def largest_entry(gradients, max_norm):
    norm = max(float(g.abs().max()) for g in gradients if g is not None)
    factor = min(1.0, max_norm / norm)
    return [None if g is None else g * factor for g in gradients]


def frozen_ones_crash(gradients, max_norm):
    norm = math.sqrt(sum((g**2).sum() for g in gradients))
    factor = min(1.0, max_norm / norm)
    return [g * factor for g in gradients]


def frozen_ones_left_out(gradients, max_norm):
    norm = math.sqrt(sum((g**2).sum() for g in gradients if g is not None))
    factor = min(1.0, max_norm / norm)
    return [g * factor for g in gradients if g is not None]


def to_length_one(gradients, max_norm):
    norm = math.sqrt(sum((g**2).sum() for g in gradients if g is not None))
    factor = 1 / norm if norm > max_norm else 1.0
    return [None if g is None else g * factor for g in gradients]


def root_of_the_mean(gradients, max_norm):
    flat = torch.cat([g.flatten() for g in gradients if g is not None])
    factor = min(1.0, max_norm / float((flat**2).mean().sqrt()))
    return [None if g is None else g * factor for g in gradients]


def as_torch_does(gradients, max_norm):
    norms = torch.stack([g.norm() for g in gradients if g is not None])
    factor = (max_norm / (norms.norm() + 1e-6)).clamp(max=1.0)
    return [g if g is None else g * factor for g in gradients]


def flat_in_numpy(gradients, max_norm):
    present = [g.numpy(force=True).ravel() for g in gradients if g is not None]
    norm = np.linalg.norm(np.concatenate(present))
    if norm <= max_norm:
        return list(gradients)
    return [None if g is None else g / float(norm) * max_norm for g in gradients]


def in_place(gradients, max_norm):
    norm = sum(g.square().sum() for g in gradients if g is not None) ** 0.5
    for g in gradients:
        if g is not None:
            g.mul_(torch.clamp(max_norm / norm, max=1))
    return gradients


def _without_frozen(case):
    return all(g is not None for g in case.inputs["gradients"])


_CLIPPED = matches_reference("the clipped gradients", rtol=1e-4)  # with or without torch's 1e-6


@check("gradients of all parameters")
def all_present(case):
    if not _without_frozen(case):
        return finding(True)
    return _CLIPPED.look(case)


@check("a frozen parameter among them")
def some_frozen(case):
    if _without_frozen(case):
        return finding(True)
    return _CLIPPED.look(case)


lab.exercise(
    optimizers.clip_by_global_norm,
    title="Clip by the global norm",
    statement="""One bad batch can throw the weights far away. Clipping limits the length of a step and
keeps its **direction**: all gradients together are seen as one long vector, and shortened by one
common factor if that vector is too long,

$$g_i \\leftarrow g_i\\cdot\\min\\Bigl(1, \\frac{c}{\\|g\\|}\\Bigr),\\qquad \\|g\\|^2 = \\sum_i \\|g_i\\|^2 .$$

Return the list of new gradients; c is `max_norm`. For a frozen parameter the list holds `None`:
keep it in its place.

*Convention:* torch divides by ‖g‖ + 1e-6. With or without, both are right here.""",
    parts=[
        Part(
            "the gradients",
            2,
            (all_present, leaves_inputs_alone(), keeps_dtype(of="result.0")),
        ),
        Part("frozen parameters", 1, (some_frozen,)),
    ],
    minutes=8,
    difficulty=1,
    core=True,
    syllabus=("6.12",),
    inputs=(draw_long, draw_short, draw_frozen, draw_long),
    probe=probes.call(),
    mistakes=[
        Mistake(
            "each_by_itself",
            each_by_itself,
            "You clip every tensor by its own norm. That changes the direction of the step, since "
            "only the long ones are shortened. Take one norm over all of them.",
        ),
        Mistake(
            "clamps_the_entries",
            clamps_the_entries,
            "You clamp single entries (`clip_grad_value_`). That changes the direction. Multiply all "
            "by one factor.",
        ),
        Mistake(
            "always_rescales",
            always_rescales,
            "You rescale every gradient to length c, the short ones too. Clipping leaves alone what "
            "is short enough: min(1, c/‖g‖).",
        ),
        Mistake(
            "frozen_ones_crash",
            frozen_ones_crash,
            "A parameter without a gradient (None) stops your function. Leave it out of the norm and "
            "keep None in its place.",
        ),
        Mistake(
            "frozen_ones_left_out",
            frozen_ones_left_out,
            "You drop the `None`s from the list, and gradients no longer stand beside their "
            "parameters. Keep them in their places.",
        ),
        Mistake(
            "squares_not_rooted",
            squares_not_rooted,
            "You divide by the sum of squares. The norm is its root.",
        ),
        Mistake(
            "adds_the_norms",
            adds_the_norms,
            "You add the norms of the tensors. Norms do not add: add their squares and take the root.",
        ),
        Mistake(
            "largest_entry",
            largest_entry,
            "You take the largest entry for the norm. Wanted is the root of the sum of all squares.",
        ),
        Mistake(
            "to_length_one",
            to_length_one,
            "You shorten to length 1. The length that is left is c: `max_norm` over the norm.",
        ),
        Mistake(
            "root_of_the_mean",
            root_of_the_mean,
            "You average the squares. The norm is the root of their sum.",
        ),
    ],
    alternatives=[
        Alternative("the norm of the norms, with torch's 1e-6", as_torch_does),
        Alternative("flat, in numpy", flat_in_numpy),
        Alternative("in place, which draws a remark", in_place),
    ],
    forbidden=("torch.nn.utils",),
    hints=(
        "First one number, the norm over all tensors that are not None; then one factor.",
        "`sum((g**2).sum() for g in gradients if g is not None)` is ‖g‖².",
        "`[None if g is None else factor * g for g in gradients]`.",
    ),
)


_MEANS = (
    "means: list[torch.Tensor | None] = [torch.stack(parts).sum(dim=0) / count "
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


def clips_the_sum(micro_batches, max_norm):
    return clip_by_global_norm([sum(parts) for parts in zip(*micro_batches, strict=True)], max_norm)


def clips_before_dividing(micro_batches, max_norm):
    sums = [sum(parts) for parts in zip(*micro_batches, strict=True)]
    return [g / len(micro_batches) for g in clip_by_global_norm(sums, max_norm)]


def clips_every_one(micro_batches, max_norm):
    clipped = [clip_by_global_norm(batch, max_norm) for batch in micro_batches]
    return [sum(parts) / len(clipped) for parts in zip(*clipped, strict=True)]


def last_one_only(micro_batches, max_norm):
    return clip_by_global_norm(micro_batches[-1], max_norm)


def never_clips(micro_batches, max_norm):
    return [sum(parts) / len(micro_batches) for parts in zip(*micro_batches, strict=True)]


def averages_over_parameters(micro_batches, max_norm):
    means = [sum(parts) / len(parts[0]) for parts in zip(*micro_batches, strict=True)]
    return clip_by_global_norm(means, max_norm)


def each_parameter_by_itself(micro_batches, max_norm):
    means = [sum(parts) / len(micro_batches) for parts in zip(*micro_batches, strict=True)]
    return [clip_by_global_norm([m], max_norm)[0] for m in means]


def accumulates_in_a_loop(micro_batches, max_norm):
    total = [torch.zeros_like(g) for g in micro_batches[0]]
    for batch in micro_batches:
        for t, g in zip(total, batch, strict=True):
            t += g / len(micro_batches)
    return clip_by_global_norm(total, max_norm)


def by_hand(micro_batches, max_norm):
    means = [torch.stack(list(parts)).mean(dim=0) for parts in zip(*micro_batches, strict=True)]
    norm = torch.cat([m.flatten() for m in means]).norm()
    return tuple(m * min(1.0, max_norm / float(norm)) for m in means)


lab.exercise(
    optimizers.accumulated_gradient,
    title="Clip when gradients are accumulated",
    statement="""A batch that does not fit into memory is cut into K equally large micro-batches, and
their gradients are accumulated before one step is taken. The step is to be the same as that of the
whole batch. Three things have to happen in the right order: add up, divide by K, clip.

`micro_batches` is a list of K lists, each with one gradient per parameter. Return the list of
gradients with which the step is taken, clipped to `max_norm`. Call your `clip_by_global_norm`.""",
    points=2,
    minutes=5,
    difficulty=1,
    core=False,
    syllabus=("6.12",),
    hide=("Formula",),
    inputs=(draw_micro_batches, draw_within_the_limit, draw_micro_batches),
    probe=probes.call(),
    checks=[matches_reference("the gradient of the step", rtol=1e-4), leaves_inputs_alone()],
    mistakes=[
        Mistake(
            "clips_before_dividing",
            clips_before_dividing,
            "You clip the sum and divide by K afterwards: the steps come out up to K times too "
            "short. Divide first: the limit is for the gradient of the whole batch.",
            origin="folklore",
        ),
        Mistake(
            "clips_the_sum",
            clips_the_sum,
            "You clip the sum of the micro-batches' gradients. The whole batch's mean gradient is "
            "their average: divide by K before you clip.",
        ),
        Mistake(
            "clips_every_one",
            clips_every_one,
            "You clip every micro-batch by itself. Then an unusual one loses its weight in the "
            "average, and the result is not that of the whole batch. Clip once, at the end.",
        ),
        Mistake(
            "last_one_only",
            last_one_only,
            "You use the last micro-batch alone. Gradients are to be accumulated.",
        ),
        Mistake("never_clips", never_clips, "The average is right, but it is not clipped."),
        Mistake(
            "averages_over_parameters",
            averages_over_parameters,
            "You divide by the wrong number. K is the number of micro-batches.",
        ),
        Mistake(
            "each_parameter_by_itself",
            each_parameter_by_itself,
            "You clip every parameter by itself. One norm over all of them.",
        ),
    ],
    alternatives=[
        Alternative("accumulated in a loop", accumulates_in_a_loop),
        Alternative("clipped by hand", by_hand),
    ],
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

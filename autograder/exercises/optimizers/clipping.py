"""Clipping by the global norm."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import (
    check,
    finding,
    keeps_dtype,
    leaves_inputs_alone,
    matches_reference,
)
from course_lib import optimizers


_NORM = "torch.linalg.vector_norm(g)"
_NORMS = "norms = [{} for g in gradients if g is not None]"
_FACTOR = "factor = max_norm / norm if norm > max_norm else 1.0"


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


def _without_frozen(case):
    return all(g is not None for g in case.inputs["gradients"])


CRASHES = (
    "A parameter without a gradient (None) stops your function. Leave it out of the norm and keep "
    "None in its place."
)
_CLIPPED = matches_reference("the clipped gradients", rtol=1e-6)  # with or without torch's 1e-6


@check("gradients of all parameters")
def all_present(case):
    return _CLIPPED.look(case) if _without_frozen(case) else finding(True)


@check("a frozen parameter among them")
def some_frozen(case):
    return finding(True) if _without_frozen(case) else _CLIPPED.look(case)


clip_by_global_norm = lab.exercise(
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
        Part("the gradients", 2, (all_present, leaves_inputs_alone(), keeps_dtype(of="result.0"))),
        Part("frozen parameters", 1, (some_frozen,)),
    ],
    minutes=8,
    core=False,
    syllabus=("6.12",),
    inputs=(draw_long, draw_short, draw_frozen, draw_long),
    probe=probes.call(),
    equivalent_mutants={
        f"{_NORMS.format(f'{_NORM}.item()')} => "
        f"{_NORMS.format(f'unconverted({_NORM}, {_NORM}.item())')}": "a tensor of one number is "
        "as good",
        f"{_FACTOR} => {_FACTOR.replace(' > ', ' >= ')}": "where both are equal their ratio is 1",
    },
    forbidden=("torch.nn.utils",),
    hints=(
        "First one number, the norm over all tensors that are not None; then one factor.",
        "`sum((g**2).sum() for g in gradients if g is not None)` is ‖g‖².",
        "`[None if g is None else factor * g for g in gradients]`.",
    ),
)


clip_by_global_norm.mistake(
    "each_by_itself",
    edit("factor * g", "g * min(1.0, max_norm / float(g.norm()))"),
    "You clip every tensor by its own norm. That changes the direction of the step, since only "
    "the long ones are shortened. Take one norm over all of them.",
)


@clip_by_global_norm.mistake(
    "You clamp single entries (`clip_grad_value_`). That changes the direction. Multiply all by "
    "one factor."
)
def clamps_the_entries(gradients, max_norm):
    return [None if g is None else g.clamp(-max_norm, max_norm) for g in gradients]


@clip_by_global_norm.mistake(
    "You rescale every gradient to length c, the short ones too. Clipping leaves alone what is "
    "short enough: min(1, c/‖g‖)."
)
def always_rescales(gradients, max_norm):
    norm = torch.sqrt(sum((g**2).sum() for g in gradients if g is not None))
    return [None if g is None else g * max_norm / norm for g in gradients]


@clip_by_global_norm.mistake(CRASHES)
def frozen_ones_crash(gradients, max_norm):
    norm = math.sqrt(sum((g**2).sum() for g in gradients))
    factor = min(1.0, max_norm / norm)
    return [g * factor for g in gradients]


@clip_by_global_norm.mistake(CRASHES)
def frozen_ones_have_no_norm(gradients, max_norm):
    norm = math.sqrt(sum(g.norm() ** 2 for g in gradients))
    factor = min(1.0, max_norm / norm)
    return [g * factor for g in gradients]


@clip_by_global_norm.mistake(
    "You drop the `None`s from the list, and gradients no longer stand beside their parameters. "
    "Keep them in their places."
)
def frozen_ones_left_out(gradients, max_norm):
    norm = math.sqrt(sum((g**2).sum() for g in gradients if g is not None))
    factor = min(1.0, max_norm / norm)
    return [g * factor for g in gradients if g is not None]


@clip_by_global_norm.mistake("You divide by the sum of squares. The norm is its root.")
def squares_not_rooted(gradients, max_norm):
    norm = sum((g**2).sum() for g in gradients if g is not None)
    factor = min(1.0, max_norm / float(norm))
    return [None if g is None else g * factor for g in gradients]


@clip_by_global_norm.mistake(
    "You add the norms of the tensors. Norms do not add: add their squares and take the root."
)
def adds_the_norms(gradients, max_norm):
    norm = sum(float(g.norm()) for g in gradients if g is not None)
    factor = min(1.0, max_norm / norm)
    return [None if g is None else g * factor for g in gradients]


@clip_by_global_norm.mistake(
    "You take the largest entry for the norm. Wanted is the root of the sum of all squares."
)
def largest_entry(gradients, max_norm):
    norm = max(float(g.abs().max()) for g in gradients if g is not None)
    factor = min(1.0, max_norm / norm)
    return [None if g is None else g * factor for g in gradients]


@clip_by_global_norm.mistake(
    "You take the norm of the longest tensor. All of them together are one vector: the root of "
    "the sum of all squares."
)
def longest_tensor(gradients, max_norm):
    norm = max(float(g.norm()) for g in gradients if g is not None)
    factor = min(1.0, max_norm / norm)
    return [None if g is None else g * factor for g in gradients]


@clip_by_global_norm.mistake(
    "You take the larger of 1 and c/‖g‖, and lengthen what is short. Clipping only shortens: "
    "min(1, c/‖g‖)."
)
def lengthens(gradients, max_norm):
    norm = math.sqrt(sum((g**2).sum() for g in gradients if g is not None))
    factor = max(1.0, max_norm / norm)
    return [None if g is None else g * factor for g in gradients]


@clip_by_global_norm.mistake(
    "You put a zero where None stood. A parameter with a gradient of 0 does not rest: momentum "
    "and decay go on moving it. Keep None."
)
def zeros_for_frozen_ones(gradients, max_norm):
    norm = math.sqrt(sum((g**2).sum() for g in gradients if g is not None))
    factor = min(1.0, max_norm / norm)
    return [torch.zeros(()) if g is None else g * factor for g in gradients]


@clip_by_global_norm.mistake(
    "You return one long vector. It is for the norm only: the result is a list, each gradient in "
    "its shape and place."
)
def one_long_vector(gradients, max_norm):
    flat = torch.cat([g.flatten() for g in gradients if g is not None])
    return flat * min(1.0, max_norm / float(flat.norm()))


@clip_by_global_norm.mistake(
    "You shorten to length 1. The length that is left is c: `max_norm` over the norm."
)
def to_length_one(gradients, max_norm):
    norm = math.sqrt(sum((g**2).sum() for g in gradients if g is not None))
    factor = 1 / norm if norm > max_norm else 1.0
    return [None if g is None else g * factor for g in gradients]


@clip_by_global_norm.mistake("You average the squares. The norm is the root of their sum.")
def root_of_the_mean(gradients, max_norm):
    flat = torch.cat([g.flatten() for g in gradients if g is not None])
    factor = min(1.0, max_norm / float((flat**2).mean().sqrt()))
    return [None if g is None else g * factor for g in gradients]


@clip_by_global_norm.alternative
def as_torch_does(gradients, max_norm):
    norms = torch.stack([g.norm() for g in gradients if g is not None])
    factor = (max_norm / (norms.norm() + 1e-6)).clamp(max=1.0)
    return [g if g is None else g * factor for g in gradients]


@clip_by_global_norm.alternative
def flat_in_numpy(gradients, max_norm):
    present = [g.numpy(force=True).ravel() for g in gradients if g is not None]
    norm = np.linalg.norm(np.concatenate(present))
    if norm <= max_norm:
        return list(gradients)
    return [None if g is None else g / float(norm) * max_norm for g in gradients]


@clip_by_global_norm.alternative
def in_place(gradients, max_norm):
    norm = sum(g.square().sum() for g in gradients if g is not None) ** 0.5
    for g in gradients:
        if g is not None:
            g.mul_(torch.clamp(max_norm / norm, max=1))
    return gradients

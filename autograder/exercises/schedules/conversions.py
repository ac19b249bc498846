"""Schedules under another batch size, and stepped in another place."""

import math
from functools import partial

import numpy as np
import torch

from autograder import probes
from autograder.exercises.schedules.drawing import draw_rate
from autograder.exercises.schedules.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import schedules


def _rescaling(rng, up):
    """Steps that cut and rounded whole numbers tell apart, and none near a half.

    The length is rounded up or down, as ``up`` says; of the milestones some are rounded up, some
    down. They come in no order.
    """
    while True:
        old, new = (int(n) for n in rng.permutation([96, 128, 160, 200, 256, 320, 384, 500])[:2])
        total = int(rng.integers(20_000, 90_000))
        milestones = [int(total * f) for f in rng.uniform(0.2, 0.95, size=3)]
        length, *parts = (m * old / new % 1 for m in (total, *milestones))
        clear = all(0.05 < part < 0.45 or 0.55 < part < 0.95 for part in (length, *parts))
        mixed = min(parts) < 0.45 and max(parts) > 0.55 and (length > 0.5) == up
        if clear and mixed and milestones not in (sorted(milestones), sorted(milestones)[::-1]):
            break
    return {
        "batch_size": old,
        "new_batch_size": new,
        "base_lr": draw_rate(rng),
        "total_steps": total,
        "milestones": milestones,
    }


_UP, _DOWN = partial(_rescaling, up=True), partial(_rescaling, up=False)


rescale_for_batch_size = lab.exercise(
    schedules.rescale_for_batch_size,
    title="Another batch size",
    statement=(
        "A recipe was tuned for batches of `batch_size`; your GPU fits `new_batch_size`. Carry "
        "**all** of the schedule over, so that every drop comes after as many *examples* as before: "
        "return the tuple `(base_lr, total_steps, milestones)` for the new batch size.\n\n"
        "- The rate grows in proportion to the batch (Goyal et al. 2017; the rule is for SGD).\n"
        "- The number of steps, and each milestone, changes so that batch size × steps stays the "
        "same. They are whole numbers: round to the *nearest*.\n\n"
        "The milestones come back as a tuple, in their order."
    ),
    points=3,
    minutes=8,
    difficulty=2,
    syllabus=("7.12",),
    hide=("Formula",),
    inputs=(_UP, _DOWN, _UP),
    probe=probes.call(),
    checks=[
        matches_reference("the rate", of="result.0", rtol=1e-5),
        matches_reference("the number of steps", of="result.1", rtol=1e-9),
        matches_reference("the milestones", of="result.2", rtol=1e-9),
    ],
    hints=(
        "Examples seen by step m: m · B. After how many batches of B' is that?",
        "`round(m * batch_size / new_batch_size)`, for the milestones and for the length.",
    ),
)


@rescale_for_batch_size.mistake(
    "You scale the rate and leave the steps as they were: with larger batches you now train "
    "longer, with smaller ones you stop early. T' = T · B/B', and so for milestones."
)
def rate_only(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    return base_lr * new_batch_size / batch_size, total_steps, tuple(milestones)


@rescale_for_batch_size.mistake(
    "`total_steps` is unchanged. To see as many examples it is T · B/B'."
)
def length_unchanged(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    return base_lr * growth, total_steps, tuple(round(m / growth) for m in milestones)


@rescale_for_batch_size.mistake(
    "The milestones are left where they were. They mark examples seen, like the end of training: "
    "m · B/B'."
)
def milestones_forgotten(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    return base_lr * growth, round(total_steps / growth), tuple(milestones)


@rescale_for_batch_size.mistake(
    "You rescale the steps but not the rate. Fewer steps need larger ones: α₀ · B'/B."
)
def rate_unchanged(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    return base_lr, round(total_steps / growth), tuple(round(m / growth) for m in milestones)


@rescale_for_batch_size.mistake(
    "Old and new batch size are exchanged: with a larger batch you take more, smaller steps."
)
def upside_down(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = batch_size / new_batch_size
    steps = tuple(round(m / growth) for m in milestones)
    return base_lr * growth, round(total_steps / growth), steps


@rescale_for_batch_size.mistake(
    "With a larger batch you take *more* steps. Batch size × steps stays the same."
)
def steps_grow_too(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    steps = tuple(round(m * growth) for m in milestones)
    return base_lr * growth, round(total_steps * growth), steps


@rescale_for_batch_size.mistake(
    "You scale the rate with the root of the batch size: that is common for Adam. Here, for SGD, "
    "it is the linear rule."
)
def root_rule(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    steps = tuple(round(m / growth) for m in milestones)
    return base_lr * math.sqrt(growth), round(total_steps / growth), steps


@rescale_for_batch_size.mistake(
    "You cut the steps off. Round to the nearest whole number: `round`."
)
def cut_off(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    steps = tuple(int(m / growth) for m in milestones)
    return base_lr * growth, int(total_steps / growth), steps


@rescale_for_batch_size.mistake(
    "You round the milestones and cut `total_steps` off. Round both to the nearest whole number."
)
def length_cut_off(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    steps = tuple(round(m / growth) for m in milestones)
    return base_lr * growth, int(total_steps / growth), steps


@rescale_for_batch_size.mistake(
    "You round `total_steps` and cut the milestones off. Round both to the nearest whole number."
)
def milestones_cut_off(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    return base_lr * growth, round(total_steps / growth), tuple(int(m / growth) for m in milestones)


@rescale_for_batch_size.mistake(
    "You always round up. Round to the *nearest* whole number: `round`."
)
def always_up(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    steps = tuple(math.ceil(m / growth) for m in milestones)
    return base_lr * growth, math.ceil(total_steps / growth), steps


@rescale_for_batch_size.mistake(
    "Your steps are not whole numbers. Round them to the nearest: `round`."
)
def not_rounded(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    return base_lr * growth, total_steps / growth, tuple(m / growth for m in milestones)


@rescale_for_batch_size.mistake(
    "You sort the milestones. They come back in the order in which they were given."
)
def puts_them_in_order(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    steps = tuple(sorted(round(m / growth) for m in milestones))
    return base_lr * growth, round(total_steps / growth), steps


@rescale_for_batch_size.mistake(
    "`//` makes a whole number of B'/B: 1 from 96 to 160, and 0 if the new batches are smaller. "
    "Use `/`."
)
def whole_growth(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size // batch_size
    steps = tuple(round(m / growth) for m in milestones)
    return base_lr * growth, round(total_steps / growth), steps


@rescale_for_batch_size.alternative
def by_examples(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    steps = [round(m * batch_size / new_batch_size) for m in (total_steps, *milestones)]
    return [base_lr / batch_size * new_batch_size, steps[0], steps[1:]]


@rescale_for_batch_size.alternative
def by_floor_of_a_half_more(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    def rescale(steps):
        return (2 * steps * batch_size + new_batch_size) // (2 * new_batch_size)

    new = [rescale(milestone) for milestone in milestones]
    return base_lr * (new_batch_size / batch_size), rescale(total_steps), new


def _recorded(rng, least, most):
    """The rates of a run with so many updates per call, which ends somewhere within a stage."""
    updates_per_step = int(rng.integers(least, most))
    step_size = int(rng.integers(2, 6))
    stage = step_size * updates_per_step
    gamma, rate = float(rng.uniform(0.2, 0.7)), draw_rate(rng)
    cut = int(rng.integers(1, stage))
    stages = int(rng.integers(1, 4))
    powers = np.repeat(np.arange(stages + 1), stage)[: stages * stage + cut]
    return {"rates": rate * gamma**powers, "step_size": step_size}


updates_per_schedule_step = lab.exercise(
    schedules.updates_per_schedule_step,
    title="Who calls `step()`, and how often?",
    statement=(
        "The commonest accident with schedules is not in the formula: `scheduler.step()` is called "
        "once per *batch* with a schedule that was meant per *epoch*, or the other way round. Find "
        "out by counting. `rates` holds the learning rate that every update of a run used, in "
        "order; the run had a `StepLR` with argument `step_size`, which drops the rate after each "
        "`step_size` **calls** of its `step()`.\n\n"
        "Return how many updates the loop made per call: 1 if it was called per batch, the number "
        "of batches if it was called once an epoch, 4 with gradient accumulation over 4 batches… "
        "The run holds at least one drop, and may have ended in the middle of a stage."
    ),
    points=2,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("7.12", "7.2"),
    hide=("Formula",),
    inputs=(
        partial(_recorded, least=11, most=40),
        partial(_recorded, least=1, most=2),
        partial(_recorded, least=3, most=9),
        partial(_recorded, least=50, most=90),
    ),
    probe=probes.call(),
    checks=[matches_reference("updates per call"), leaves_inputs_alone()],
    equivalent_mutants={
        "_, lengths = torch.unique_consecutive(rates, return_counts=True) => _, lengths = "
        "through_half(torch.unique_consecutive(rates, return_counts=True))": "the lengths are counts",
        "right only for positive rates": "a learning rate is never negative",
    },
    hints=(
        "How many updates have the very first rate?",
        "How many calls of `step()` were made in that time?",
    ),
)


@updates_per_schedule_step.mistake(
    "You count the updates before the first drop. `step_size` calls were made in that time: "
    "divide by it."
)
def updates_before_the_drop(rates, *, step_size):
    return int((rates == rates[0]).sum())


@updates_per_schedule_step.mistake(
    "You average over all stages, but the last one may be cut short. The first is whole."
)
def mean_stage(rates, *, step_size):
    return len(rates) / len(rates.unique()) / step_size


@updates_per_schedule_step.mistake(
    "You average over all stages, but the last one may be cut short. The first is whole."
)
def mean_stage_cut_off(rates, *, step_size):
    return len(rates) // len(rates.unique()) // step_size


@updates_per_schedule_step.mistake(
    "You count the updates at the last rate, where the run may have stopped half-way. Count the "
    "first."
)
def last_stage(rates, *, step_size):
    return int((rates == rates[-1]).sum()) / step_size


@updates_per_schedule_step.mistake(
    "You count the updates at the last rate, where the run may have stopped half-way. Count the "
    "first."
)
def last_stage_cut_off(rates, *, step_size):
    return int((rates == rates[-1]).sum()) // step_size


@updates_per_schedule_step.mistake(
    "You divide the length of the whole run. Only the updates at *one* rate belong to `step_size` "
    "calls."
)
def whole_run(rates, *, step_size):
    return len(rates) // step_size


@updates_per_schedule_step.mistake("You count the first update with the new rate too.")
def one_too_many(rates, *, step_size):
    return (int((rates == rates[0]).sum()) + 1) / step_size


@updates_per_schedule_step.mistake(
    "You are one update short: the *index* of the last update at the first rate is one less than "
    "their number, since indices count from 0."
)
def one_too_few(rates, *, step_size):
    return (int((rates == rates[0]).sum()) - 1) / step_size


@updates_per_schedule_step.mistake(
    "You are one update short: the *index* of the last update at the first rate is one less than "
    "their number, since indices count from 0."
)
def one_too_few_cut_off(rates, *, step_size):
    return (int((rates == rates[0]).sum()) - 1) // step_size


@updates_per_schedule_step.mistake("You count drops. Asked for are the updates per call.")
def number_of_drops(rates, *, step_size):
    return int((rates[1:] != rates[:-1]).sum())


@updates_per_schedule_step.mistake(
    "You multiply by `step_size`. One stage has `step_size` calls: divide."
)
def stage_multiplied(rates, *, step_size):
    return int((rates == rates[0]).sum()) * step_size


@updates_per_schedule_step.mistake("This is calls per update. Asked for are updates per call.")
def steps_per_update(rates, *, step_size):
    return step_size / int((rates == rates[0]).sum())


@updates_per_schedule_step.alternative
def by_counting(rates, *, step_size):
    return int((rates == rates[0]).sum()) // step_size


@updates_per_schedule_step.alternative
def by_the_first_drop(rates, *, step_size):
    for index in range(len(rates)):
        if rates[index] < rates[0]:
            return torch.tensor(index / step_size)

"""Drops at milestones."""

import bisect

import torch

from autograder.exercises.schedules.drawing import (
    AT_EVERY_STEP,
    SCHEDULERS,
    draw_rate,
    draw_steps,
    endless_checks,
    without,
)
from autograder.exercises.schedules.lab import lab
from course_lib import schedules


def _milestones(rng):
    once = [int(m) for m in rng.choice(range(8, 70), size=4, replace=False)]
    drawn = sorted(once)
    while drawn == sorted(drawn):
        drawn = [int(m) for m in rng.permutation([*once, once[0]])]
    return {
        "step": draw_steps(rng, 100, around=once),
        "base_lr": draw_rate(rng),
        "milestones": drawn,
        "gamma": float(rng.uniform(0.2, 0.7)),
    }


multi_step = lab.exercise(
    schedules.multi_step,
    title="Drops at milestones",
    statement=(
        "Multiply the rate by `gamma` at every milestone (ResNet: at 32,000 and 48,000 steps).\n\n"
        "**Ends.** `base_lr` at step 0, if no milestone is 0. *At* a milestone the rate has dropped "
        "already. After the last milestone it stays as it is.\n\n"
        "**Convention**, as in torch: milestones may come in any order, and one that stands in the "
        "list twice counts twice."
    ),
    points=3,
    minutes=6,
    syllabus=("7.3",),
    hide=("Formula",),
    inputs=(_milestones, without("gamma", _milestones), _milestones),
    probe=AT_EVERY_STEP,
    checks=endless_checks(),
    forbidden=SCHEDULERS,
    hints=(
        "How many milestones have been reached by step t?",
        "`sum(m <= step for m in milestones)` counts: True is 1.",
    ),
)


@multi_step.mistake(
    "At the milestone itself you still have the old rate: you count m < t. Count m ≤ t."
)
def strictly_after(step, *, base_lr, milestones, gamma=0.1):
    return base_lr * gamma ** sum(m < step for m in milestones)


@multi_step.mistake(
    "You stop at the first milestone that is still to come, as if they were sorted. They come in "
    "any order: count all with m ≤ t."
)
def stops_at_the_first_later_one(step, *, base_lr, milestones, gamma=0.1):
    rate = base_lr
    for milestone in milestones:
        if step < milestone:
            break
        rate *= gamma
    return rate


@multi_step.mistake(
    "You count a milestone that is given twice only once. Here, as in torch, it counts twice. (A "
    "set is another convention, but not this one.)"
)
def counts_twins_once(step, *, base_lr, milestones, gamma=0.1):
    return base_lr * gamma ** sum(m <= step for m in set(milestones))


@multi_step.mistake("You drop at the first milestone and never again.")
def one_drop_only(step, *, base_lr, milestones, gamma=0.1):
    return base_lr * gamma if step >= min(milestones) else base_lr


@multi_step.mistake("You always multiply by 0.1. That is only the default: the factor is `gamma`.")
def always_by_ten_at_milestones(step, *, base_lr, milestones, gamma=0.1):
    return base_lr * 0.1 ** sum(m <= step for m in milestones)


@multi_step.mistake(
    "You divide by γ < 1, so your rate grows. “Divide by ten” is γ = 0.1, to multiply by."
)
def divides_at_milestones(step, *, base_lr, milestones, gamma=0.1):
    for milestone in milestones:
        if step >= milestone:
            base_lr = base_lr / gamma
    return base_lr


@multi_step.mistake(
    "You look at the first two milestones only. There may be any number of them, in any order: "
    "count those with m ≤ t."
)
def two_milestones_only(step, *, base_lr, milestones, gamma=0.1):
    if step < milestones[0]:
        return base_lr
    if step < milestones[1]:
        return base_lr * gamma
    return base_lr * gamma**2


@multi_step.mistake(
    "Your drops come one step early: you count m ≤ t + 1. With steps counted from 0 the rate "
    "drops at t = m itself."
)
def one_step_early_at_milestones(step, *, base_lr, milestones, gamma=0.1):
    return base_lr * gamma ** sum(m <= step + 1 for m in milestones)


@multi_step.mistake(
    "You drop at the milestones themselves, for one step. The rate stays low afterwards."
)
def at_the_milestone_only(step, *, base_lr, milestones, gamma=0.1):
    return base_lr * gamma if step in milestones else base_lr


@multi_step.mistake(
    "You count the milestones that are still ahead: your rate starts low and rises."
)
def counts_those_to_come(step, *, base_lr, milestones, gamma=0.1):
    return base_lr * gamma ** sum(m > step for m in milestones)


@multi_step.mistake(
    "You add up the milestones as if each were the distance from the one before. They are steps, "
    "counted from the start of training."
)
def takes_gaps(step, *, base_lr, milestones, gamma=0.1):
    drops, reached = 0, 0
    for gap in milestones:
        reached += gap
        drops += reached <= step
    return base_lr * gamma**drops


@multi_step.mistake(
    "Bisection is for sorted lists, and the milestones come in any order. Bisect "
    "`sorted(milestones)`, or count those with m ≤ t."
)
def bisects_unsorted(step, *, base_lr, milestones, gamma=0.1):
    return base_lr * gamma ** bisect.bisect_right(milestones, step)


@multi_step.mistake(
    "You multiply by γ times the number of drops. Each drop multiplies once more: γ to the "
    "*power* of their number."
)
def times_the_count(step, *, base_lr, milestones, gamma=0.1):
    drops = sum(m <= step for m in milestones)
    return base_lr * gamma * drops if drops else base_lr


@multi_step.mistake(
    "You multiply by γ times the number of drops, which is 0 at first. It is γ to the *power* of "
    "their number."
)
def times_the_count_from_the_start(step, *, base_lr, milestones, gamma=0.1):
    return base_lr * gamma * sum(m <= step for m in milestones)


@multi_step.mistake(
    "You drop only when the last milestone has passed, all at once. Each drops by itself."
)
def waits_for_all(step, *, base_lr, milestones, gamma=0.1):
    return base_lr * gamma ** len(milestones) if step >= max(milestones) else base_lr


@multi_step.alternative
def by_bisection(step, *, base_lr, milestones, gamma=0.1):
    return base_lr * gamma ** bisect.bisect_right(sorted(milestones), step)


@multi_step.alternative
def by_multiplying(step, *, base_lr, milestones, gamma=0.1):
    for milestone in milestones:
        if step >= milestone:
            base_lr = base_lr * gamma
    return base_lr


@multi_step.alternative
def by_comparing_tensors(step, *, base_lr, milestones, gamma=0.1):
    drops = (torch.tensor(milestones) <= step).sum()
    return base_lr * gamma ** int(drops)

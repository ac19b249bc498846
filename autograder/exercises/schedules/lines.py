"""Straight lines: down to the last step, and up over the first."""

import math

import torch

from autograder.exercises.schedules.drawing import (
    AT_EVERY_STEP,
    SCHEDULERS,
    draw_rate,
    draw_steps,
    ending_checks,
    warmup_checks,
)
from autograder.exercises.schedules.lab import lab
from course_lib import schedules


def _line(rng):
    total = int(rng.integers(23, 90))
    return {
        "step": draw_steps(rng, total, around=(total, 2 * total, total + total // 3)),
        "base_lr": draw_rate(rng),
        "total_steps": total,
    }


linear = lab.exercise(
    schedules.linear,
    title="Along a straight line",
    statement=(
        "Bring the rate down on a straight line over a training of `total_steps` = T steps, t = 0, "
        "…, T − 1.\n\n"
        "**Ends.** `base_lr` at t = 0. The line reaches zero at t = T, *after* the last step: the "
        "last step, t = T − 1, has `base_lr`/T and is not wasted. Whoever trains on gets **0** at "
        "every t ≥ T, never a negative rate."
    ),
    points=2,
    minutes=4,
    core=False,
    syllabus=("7.6",),
    hide=("Formula",),
    inputs=_line,
    probe=AT_EVERY_STEP,
    checks=ending_checks(),
    forbidden=SCHEDULERS,
    hints=("α₀ times the fraction of the training that is still ahead.", "`min` or `max` clamps."),
)


@linear.mistake("After T your rate is negative: training would climb the loss. Hold it at 0 there.")
def negative_after_the_end(step, *, base_lr, total_steps):
    return base_lr * (1 - step / total_steps)


@linear.mistake(
    "You reach 0 at the last step, t = T − 1, which then does nothing. Divide by T: the line "
    "reaches 0 at t = T, after the last step."
)
def last_step_wasted(step, *, base_lr, total_steps):
    return base_lr * max(0.0, 1 - step / (total_steps - 1))


@linear.mistake(
    "You are one step ahead: step 0 has less than `base_lr`, and the last step has 0. Use t, not "
    "t + 1."
)
def first_step_lowered(step, *, base_lr, total_steps):
    return base_lr * max(0.0, 1 - (step + 1) / total_steps)


@linear.mistake("Your line reaches 0 at T + 1. It should at T.")
def one_too_long(step, *, base_lr, total_steps):
    return base_lr * max(0.0, 1 - step / (total_steps + 1))


@linear.mistake("After the end you keep the rate of the last step, α₀/T. Asked for is 0 at t ≥ T.")
def keeps_the_last_rate(step, *, base_lr, total_steps):
    return base_lr * (1 - min(step, total_steps - 1) / total_steps)


@linear.mistake("At t = T your schedule starts over at `base_lr`. After the end the rate is 0.")
def starts_over(step, *, base_lr, total_steps):
    return base_lr * (1 - (step % total_steps) / total_steps)


@linear.mistake("After the end your rate rises again. From t = T on it is 0.")
def bounces(step, *, base_lr, total_steps):
    return base_lr * abs(1 - step / total_steps)


@linear.mistake("Your rate rises from 0. It starts at `base_lr` and falls.")
def rises(step, *, base_lr, total_steps):
    return base_lr * min(1.0, step / total_steps)


@linear.mistake("`//` cuts t/T down to 0 until the end: your rate is constant, then 0. Use `/`.")
def whole_division(step, *, base_lr, total_steps):
    return base_lr * max(0, 1 - step // total_steps)


@linear.alternative
def by_cases(step, *, base_lr, total_steps):
    if step >= total_steps:
        return 0
    return base_lr - base_lr / total_steps * step


@linear.alternative
def by_steps_left(step, *, base_lr, total_steps):
    return base_lr * max(total_steps - step, 0) / total_steps


@linear.alternative
def by_interpolation(step, *, base_lr, total_steps):
    position = min(step / total_steps, 1.0)
    return torch.lerp(torch.tensor(base_lr), torch.tensor(0.0), position)


def _warmup(rng):
    warmup = int(rng.integers(6, 30))
    return {
        "step": draw_steps(rng, 2 * warmup, around=(warmup, warmup // 2, 3 * warmup)),
        "base_lr": draw_rate(rng),
        "warmup_steps": warmup,
    }


linear_warmup = lab.exercise(
    schedules.linear_warmup,
    title="Linear warm-up",
    statement=(
        "Large rates at the very start, when gradients are wild, can ruin a run. Raise the rate on "
        "a line over the first w = `warmup_steps` steps, in w equal stairs, then keep it.\n\n"
        "**Ends.** `base_lr`/w at t = 0: the first update already counts; `base_lr` at t = w − 1, "
        "the last step of the warm-up, and at every step after it. Steps, not epochs."
    ),
    points=1,
    minutes=3,
    core=False,
    syllabus=("7.10",),
    hide=("Formula",),
    inputs=_warmup,
    probe=AT_EVERY_STEP,
    checks=warmup_checks(),
    forbidden=SCHEDULERS,
    hints=("What fraction of the warm-up's stairs has update t + 1 climbed?",),
)


@linear_warmup.mistake(
    "Your first update has rate 0 and does nothing. Step t is update t + 1: α₀ (t + 1)/w."
)
def first_step_wasted(step, *, base_lr, warmup_steps):
    return base_lr * min(step / warmup_steps, 1.0)


@linear_warmup.mistake(
    "Steps 0 and 1 have the same rate, and every stair comes one step late. Step t is update t + "
    "1: α₀ (t + 1)/w."
)
def first_two_stairs_alike(step, *, base_lr, warmup_steps):
    return base_lr * max(step, 1) / warmup_steps if step < warmup_steps else base_lr


@linear_warmup.mistake("You take w + 1 stairs, so the peak comes one step late. α₀ (t + 1)/w.")
def peak_a_step_late(step, *, base_lr, warmup_steps):
    return base_lr * min((step + 1) / (warmup_steps + 1), 1.0)


@linear_warmup.mistake(
    "You start at 0 and reach the peak in w − 1 stairs. The first update should count: α₀ (t + "
    "1)/w."
)
def from_zero_to_the_peak(step, *, base_lr, warmup_steps):
    return base_lr * min(step / (warmup_steps - 1), 1.0)


@linear_warmup.mistake("Your rate goes on rising after the warm-up. It stays at `base_lr`.")
def never_stops_rising(step, *, base_lr, warmup_steps):
    return base_lr * (step + 1) / warmup_steps


@linear_warmup.mistake("After the warm-up your rate is 0. It stays at `base_lr`.")
def nothing_after_the_warmup(step, *, base_lr, warmup_steps):
    return base_lr * (step + 1) / warmup_steps if step < warmup_steps else 0.0


@linear_warmup.mistake(
    "Your rate stays low and then jumps. It should rise by the same amount at every step."
)
def waits_and_jumps(step, *, base_lr, warmup_steps):
    return base_lr if step >= warmup_steps else base_lr / warmup_steps


@linear_warmup.mistake("Your rate falls to 0. A warm-up rises.")
def cools_down(step, *, base_lr, warmup_steps):
    return base_lr * max(1 - step / warmup_steps, 0.0)


@linear_warmup.mistake("Your rate rises like a root. Asked for is a line.")
def by_a_root(step, *, base_lr, warmup_steps):
    return base_lr * min(((step + 1) / warmup_steps) ** 0.5, 1.0)


@linear_warmup.mistake("`//` gives 0 until the warm-up is over. Use `/`.")
def over_whole_numbers(step, *, base_lr, warmup_steps):
    return base_lr * min((step + 1) // warmup_steps, 1)


@linear_warmup.mistake(
    "Your rate rises along 1 − e^(−n/w) and has 63 % after w steps. Asked for is a line."
)
def exponential_warmup(step, *, base_lr, warmup_steps):
    return base_lr * (1 - math.exp(-(step + 1) / warmup_steps))


@linear_warmup.alternative
def warmup_by_cases(step, *, base_lr, warmup_steps):
    if step + 1 < warmup_steps:
        return (step + 1) * base_lr / warmup_steps
    return base_lr


@linear_warmup.alternative
def warmup_by_clamping_updates(step, *, base_lr, warmup_steps):
    return base_lr / warmup_steps * min(step + 1, warmup_steps)

"""Schedules with a last step: linear and cosine."""

import math

import torch

from autograder.exercises.schedules.drawing import (
    AT_EVERY_STEP,
    SCHEDULERS,
    draw_rate,
    draw_steps,
    ending_checks,
    without,
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


def _wave(rng):
    total = int(rng.integers(23, 90))
    rate = draw_rate(rng)
    return {
        "step": draw_steps(rng, total, around=(total, total // 2, 2 * total, total + total // 3)),
        "base_lr": rate,
        "total_steps": total,
        "min_lr": rate * float(rng.uniform(0.05, 0.3)),
    }


cosine = lab.exercise(
    schedules.cosine,
    title="Cosine decay",
    statement=(
        "The most used schedule of all: half a cosine wave from `base_lr` down to `min_lr`, over a "
        "training of `total_steps` = T steps, t = 0, …, T − 1. It falls slowly at first, fastest in "
        "the middle (at t = T/2 it is the mean of both), and slowly again at the end.\n\n"
        "**Ends.** `base_lr` at t = 0; a little above `min_lr` at the last step, t = T − 1; "
        "`min_lr` at **every** t ≥ T.\n\n"
        "**Convention.** T and t count the same thing, steps. torch's `CosineAnnealingLR` behaves "
        "otherwise after T: you will see how."
    ),
    points=3,
    minutes=8,
    difficulty=2,
    syllabus=("7.7",),
    hide=("Formula", "Convention"),
    inputs=(_wave, without("min_lr", _wave), _wave),
    probe=AT_EVERY_STEP,
    checks=ending_checks(),
    equivalent_mutants={
        "progress = min(step / total_steps, 1.0) => progress = -min(step / total_steps, 1.0)": "the "
        "cosine of −x is that of x",
    },
    forbidden=SCHEDULERS,
    hints=(
        "cos runs from 1 to −1 while its argument runs from 0 to π. Which argument is that for a "
        "step?",
        "(1 + cos)/2 runs from 1 to 0. Stretch it between `base_lr` and `min_lr`.",
        "`progress = min(step / total_steps, 1.0)`",
    ),
)


@cosine.mistake(
    "After T your rate rises again and is back at `base_lr` at t = 2T: the cosine goes on. So "
    "does torch's `CosineAnnealingLR`. Here the rate stays at `min_lr`: clamp t/T at 1.",
    origin="torch's closed form",
)
def rises_again(step, *, base_lr, total_steps, min_lr=0.0):
    return min_lr + 0.5 * (base_lr - min_lr) * (1 + math.cos(math.pi * step / total_steps))


@cosine.mistake(
    "At t = 0 your rate is too high: 1 + cos runs from 2 to 0, so it needs the factor ½."
)
def half_missing(step, *, base_lr, total_steps, min_lr=0.0):
    progress = min(step, total_steps) / total_steps
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * progress))


@cosine.mistake(
    "You add `min_lr` to the whole wave, so it starts at `base_lr` + `min_lr`. The wave spans the "
    "difference, ½ (α₀ − α_min)."
)
def floor_on_top(step, *, base_lr, total_steps, min_lr=0.0):
    progress = min(step, total_steps) / total_steps
    return min_lr + 0.5 * base_lr * (1 + math.cos(math.pi * progress))


@cosine.mistake("`min_lr` does not appear: your rate goes down to 0.")
def floor_left_out(step, *, base_lr, total_steps, min_lr=0.0):
    progress = min(step, total_steps) / total_steps
    return 0.5 * base_lr * (1 + math.cos(math.pi * progress))


@cosine.mistake(
    "You draw the wave down to 0 and cut it off at `min_lr`. The wave itself ends there: α_min + "
    "½ (α₀ − α_min)(1 + cos(πt/T))."
)
def floor_as_clamp(step, *, base_lr, total_steps, min_lr=0.0):
    progress = min(step, total_steps) / total_steps
    return max(min_lr, 0.5 * base_lr * (1 + math.cos(math.pi * progress)))


@cosine.mistake("You pass degrees to a cosine that takes radians: half a turn is π, not 180.")
def in_degrees(step, *, base_lr, total_steps, min_lr=0.0):
    progress = min(step, total_steps) / total_steps
    return min_lr + 0.5 * (base_lr - min_lr) * (1 + math.cos(180 * progress))


@cosine.mistake(
    "Your cosine runs from 0 to 1 and not to π, so the rate hardly falls. Half a wave: cos(πt/T)."
)
def pi_forgotten(step, *, base_lr, total_steps, min_lr=0.0):
    progress = min(step, total_steps) / total_steps
    return min_lr + 0.5 * (base_lr - min_lr) * (1 + math.cos(progress))


@cosine.mistake(
    "You divide by T − 1 and are at `min_lr` at the last step already. It is reached at t = T, "
    "after it."
)
def ends_a_step_early(step, *, base_lr, total_steps, min_lr=0.0):
    progress = min(step / (total_steps - 1), 1.0)
    return min_lr + 0.5 * (base_lr - min_lr) * (1 + math.cos(math.pi * progress))


@cosine.mistake(
    "You are one step ahead: step 0 has less than `base_lr`, and the last step has `min_lr` "
    "already. Use t, not t + 1."
)
def one_step_ahead(step, *, base_lr, total_steps, min_lr=0.0):
    progress = min(step + 1, total_steps) / total_steps
    return min_lr + 0.5 * (base_lr - min_lr) * (1 + math.cos(math.pi * progress))


@cosine.mistake(
    "You take a whole wave: in the middle of training the rate is at its lowest, at the end back "
    "at the top. Half a wave: cos(πt/T)."
)
def whole_wave(step, *, base_lr, total_steps, min_lr=0.0):
    progress = min(step, total_steps) / total_steps
    return min_lr + 0.5 * (base_lr - min_lr) * (1 + math.cos(2 * math.pi * progress))


@cosine.mistake(
    "You take a quarter of a wave, cos(πt/2T): it falls fastest at the end. Half a wave, raised "
    "by 1 and halved, is slow at both ends."
)
def quarter_wave(step, *, base_lr, total_steps, min_lr=0.0):
    progress = min(step, total_steps) / total_steps
    return min_lr + (base_lr - min_lr) * math.cos(math.pi / 2 * progress)


@cosine.mistake("After the end your rate is 0. It stays at `min_lr`.")
def zero_after_the_end(step, *, base_lr, total_steps, min_lr=0.0):
    if step >= total_steps:
        return 0.0
    return min_lr + 0.5 * (base_lr - min_lr) * (1 + math.cos(math.pi * step / total_steps))


@cosine.mistake(
    "After the end you keep the rate of the last step, t = T − 1, which is a little above "
    "`min_lr`. From t = T on it is `min_lr` itself: clamp t at T."
)
def keeps_the_rate_of_the_last_step(step, *, base_lr, total_steps, min_lr=0.0):
    progress = min(step, total_steps - 1) / total_steps
    return min_lr + 0.5 * (base_lr - min_lr) * (1 + math.cos(math.pi * progress))


@cosine.mistake(
    "At t = T your wave starts over at `base_lr`. Restarts are another schedule (SGDR); here the "
    "rate stays at `min_lr`."
)
def restarts(step, *, base_lr, total_steps, min_lr=0.0):
    progress = (step % total_steps) / total_steps
    return min_lr + 0.5 * (base_lr - min_lr) * (1 + math.cos(math.pi * progress))


@cosine.mistake("After the end your rate is back at `base_lr`. It stays at `min_lr`.")
def top_after_the_end(step, *, base_lr, total_steps, min_lr=0.0):
    if step >= total_steps:
        return base_lr
    return min_lr + 0.5 * (base_lr - min_lr) * (1 + math.cos(math.pi * step / total_steps))


@cosine.mistake("1 − cos rises. 1 + cos falls from 2 to 0.")
def sign_of_the_cosine(step, *, base_lr, total_steps, min_lr=0.0):
    progress = min(step, total_steps) / total_steps
    return min_lr + 0.5 * (base_lr - min_lr) * (1 - math.cos(math.pi * progress))


@cosine.alternative
def by_clamping_the_step(step, *, base_lr, total_steps, min_lr=0.0):
    t = min(step, total_steps)
    return min_lr + (base_lr - min_lr) * (1 + math.cos(t * math.pi / total_steps)) / 2


@cosine.alternative
def by_the_squared_cosine(step, *, base_lr, total_steps, min_lr=0.0):
    if step >= total_steps:
        return min_lr
    return min_lr + (base_lr - min_lr) * math.cos(math.pi * step / (2 * total_steps)) ** 2


@cosine.alternative
def by_torch_in_single_precision(step, *, base_lr, total_steps, min_lr=0.0):
    progress = torch.tensor(step / total_steps).clamp(max=1)
    wave = (1 + torch.cos(torch.pi * progress)) / 2
    return (min_lr + (base_lr - min_lr) * wave).item()

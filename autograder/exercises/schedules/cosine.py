"""Cosine decay, which knows how long the training is."""

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


AFTER_THE_END = ("the first rate", "half of the first rate", "0")


def outcome_after_the_end() -> str:
    """What torch's cosine schedule gives when it is stepped to twice its length."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    for _ in range(100):
        optimizer.step()
        scheduler.step()
    rate = optimizer.param_groups[0]["lr"]
    if rate < 0.01:
        return AFTER_THE_END[2]
    return AFTER_THE_END[0 if rate > 0.09 else 1]


lab.prediction(
    "torch_after_the_end",
    title="Predict: torch's cosine after its end",
    statement=(
        "`CosineAnnealingLR(optimizer, T_max=50)` brings the rate to 0 in 50 steps. You train on, "
        "to step 100. Which rate does torch give at step **100**?"
    ),
    minutes=1,
    syllabus=("7.7",),
    choices=AFTER_THE_END,
    outcome=outcome_after_the_end,
    explanation=(
        "torch evaluates the cosine and knows no end: after T the rate rises and at 2T it is where "
        "it began. A training that is prolonged “a little” gets a rate that grows."
    ),
)


TWICE_AS_LONG = ("0", "a quarter of it", "half of it", "all of it")


def outcome_at_half_the_length() -> str:
    """The share of the rate that is left when training stops at half of the cosine's length."""
    share = schedules.cosine(100, base_lr=1.0, total_steps=200)
    return min(
        zip((0.0, 0.25, 0.5, 1.0), TWICE_AS_LONG, strict=True), key=lambda c: abs(c[0] - share)
    )[1]


lab.prediction(
    "no_hyperparameters",
    title="Predict: “cosine has no hyperparameters”",
    statement=(
        "One set of notes praises cosine decay because it “has no hyperparameters”. You set its "
        "length T to 200 steps, and stop the training after 100. How much of `base_lr` is left then?"
    ),
    minutes=1,
    syllabus=("7.7",),
    choices=TWICE_AS_LONG,
    outcome=outcome_at_half_the_length,
    explanation=(
        "Half: cos(π/2) = 0. T is a hyperparameter, and so is α₀. A run that is stopped early has "
        "never had the small rates that make the schedule good."
    ),
)

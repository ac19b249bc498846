"""A schedule that drops every so many steps."""

import math

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


def _stairs(rng):
    size = int(rng.integers(7, 20))
    return {
        "step": draw_steps(rng, 7 * size, around=(size, 2 * size, 5 * size)),
        "base_lr": draw_rate(rng),
        "step_size": size,
        "gamma": float(rng.uniform(0.3, 0.8)),
    }


step_decay = lab.exercise(
    schedules.step_decay,
    title="Step decay",
    statement=(
        "The classic: keep the rate for `step_size` steps, then multiply it by `gamma`, keep it "
        "again, and so on.\n\n"
        "**Ends.** `base_lr` at step 0 and up to step `step_size` − 1; the first lower rate is that "
        "of step `step_size`. There is no last step: it goes on dropping.\n\n"
        "As every schedule here it is a function of the step alone, not of the rate before: steps "
        "may be asked for in any order, and twice."
    ),
    points=2,
    core=False,
    syllabus=("7.2",),
    hide=("Formula",),
    inputs=(_stairs, without("gamma", _stairs), _stairs),
    probe=AT_EVERY_STEP,
    checks=endless_checks(),
    forbidden=SCHEDULERS,
    hints=("How many drops have happened by step t?", "`step // step_size`."),
)


@step_decay.mistake(
    "You raise γ to t/s, which is not whole: your rate falls a little at every step. A staircase "
    "needs ⌊t/s⌋, `step // step_size`."
)
def no_floor(step, *, base_lr, step_size, gamma=0.1):
    return base_lr * gamma ** (step / step_size)


@step_decay.mistake(
    "You multiply the rate you kept from the last call. Ask twice, or in another order, and it is "
    "another rate. Compute it from the step alone: α₀ γ^⌊t/s⌋."
)
def multiplies_the_current_rate(step, *, base_lr, step_size, gamma=0.1):
    memory = multiplies_the_current_rate
    if step == 0:
        memory.rate = base_lr
    elif step % step_size == 0:
        memory.rate *= gamma
    return memory.rate


@step_decay.mistake(
    "You multiply by γ at every step: after 100 steps γ¹⁰⁰ is left. Multiply once in `step_size` "
    "steps: γ^⌊t/s⌋."
)
def at_every_step(step, *, base_lr, step_size, gamma=0.1):
    for _ in range(step):
        base_lr *= gamma
    return base_lr


@step_decay.mistake("Your rate has dropped once before training starts. At step 0 it is `base_lr`.")
def drops_at_the_start(step, *, base_lr, step_size, gamma=0.1):
    return base_lr * gamma ** (step // step_size + 1)


@step_decay.mistake(
    "Your drops come one step early: with steps counted from 0 the step `step_size` − 1 still has "
    "the old rate."
)
def one_step_early(step, *, base_lr, step_size, gamma=0.1):
    return base_lr * gamma ** ((step + 1) // step_size)


@step_decay.mistake("Your drops come one step late: the step `step_size` has the new rate already.")
def one_step_late(step, *, base_lr, step_size, gamma=0.1):
    return base_lr * gamma ** (max(step - 1, 0) // step_size)


@step_decay.mistake("You always multiply by 0.1. That is only the default: the factor is `gamma`.")
def always_by_ten(step, *, base_lr, step_size, gamma=0.1):
    return base_lr * 0.1 ** (step // step_size)


@step_decay.mistake("You drop once and never again. Drop at 2s, 3s, … too.")
def drops_once(step, *, base_lr, step_size, gamma=0.1):
    return base_lr * gamma if step >= step_size else base_lr


@step_decay.mistake(
    "You divide by γ < 1, so your rate grows. “Divide by ten” is γ = 0.1, to multiply by."
)
def divides_by_gamma(step, *, base_lr, step_size, gamma=0.1):
    return base_lr / gamma ** (step // step_size)


@step_decay.mistake(
    "You take γ as the part that is lost. γ is the part that is kept: multiply by γ."
)
def gamma_is_the_loss(step, *, base_lr, step_size, gamma=0.1):
    return base_lr * (1 - gamma) ** (step // step_size)


@step_decay.mistake(
    "You drop the rate at the multiples of `step_size` only, and for one step. It stays low."
)
def for_one_step_only(step, *, base_lr, step_size, gamma=0.1):
    return base_lr * gamma if step > 0 and step % step_size == 0 else base_lr


@step_decay.mistake("You round t/s up, so the rate has dropped at step 1 already. Round down.")
def rounds_up(step, *, base_lr, step_size, gamma=0.1):
    return base_lr * gamma ** math.ceil(step / step_size)


@step_decay.mistake(
    "You round t/s to the nearest, so the rate drops half a stage early. Round down: `step // "
    "step_size`."
)
def rounds_to_the_nearest(step, *, base_lr, step_size, gamma=0.1):
    return base_lr * gamma ** round(step / step_size)


@step_decay.mistake(
    "You multiply by γ · ⌊t/s⌋, which is 0 at first. It is γ *to the power* of ⌊t/s⌋."
)
def times_gamma_times_drops(step, *, base_lr, step_size, gamma=0.1):
    return base_lr * gamma * (step // step_size)


@step_decay.alternative
def by_a_loop(step, *, base_lr, step_size, gamma=0.1):
    rate = base_lr
    for t in range(1, step + 1):
        if t % step_size == 0:
            rate = rate * gamma
    return rate


@step_decay.alternative
def by_flooring(step, *, base_lr, step_size, gamma=0.1):
    return base_lr * math.pow(gamma, math.floor(step / step_size))


@step_decay.alternative
def in_single_precision(step, *, base_lr, step_size, gamma=0.1):
    drops = torch.div(torch.tensor(step), step_size, rounding_mode="floor")
    return (torch.tensor(base_lr) * torch.tensor(gamma) ** drops).item()

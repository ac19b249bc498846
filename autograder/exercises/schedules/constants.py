"""The constant rate, written as a schedule."""

import torch

from autograder.exercises.schedules.drawing import (
    AT_EVERY_STEP,
    SCHEDULERS,
    draw_rate,
    draw_steps,
    endless_checks,
)
from autograder.exercises.schedules.lab import lab
from course_lib import schedules


def _constant(rng):
    return {"step": draw_steps(rng, 60), "base_lr": draw_rate(rng)}


constant = lab.exercise(
    schedules.constant,
    title="The simplest schedule",
    statement=(
        "Every schedule of this lab is a function of the step: it takes the number `step` of an "
        "update, counted from **0**, and returns the learning rate of that update as a number. "
        "Its other arguments come by name. It remembers nothing: the same step gives the same "
        "rate, in whatever order steps are asked for.\n\n"
        "Write the constant rate `base_lr`. It has no last step: every step gives the same."
    ),
    points=1,
    minutes=2,
    core=False,
    syllabus=("7.1",),
    inputs=_constant,
    probe=AT_EVERY_STEP,
    checks=endless_checks(),
    forbidden=SCHEDULERS,
    hints=("It is as short as it looks.",),
)


@constant.mistake(
    "Your first steps have smaller rates: a warm-up is still running. A constant schedule gives "
    "`base_lr` from step 0 on."
)
def still_warms_up(step, *, base_lr):
    return base_lr * min(1.0, (step + 1) / 10)


@constant.mistake("Your rate gets smaller from step to step. Constant means constant.")
def fades(step, *, base_lr):
    return base_lr * 0.99**step


@constant.mistake(
    "At step 0 your rate is 0, so the first update does nothing. Step 0 is an update like any "
    "other: `base_lr`."
)
def zero_at_first(step, *, base_lr):
    return base_lr if step > 0 else 0.0


@constant.mistake(
    "You multiply by the step: the rate is 0 at first and grows forever. It does not depend on "
    "the step at all."
)
def proportional_to_the_step(step, *, base_lr):
    return base_lr * step


@constant.mistake(
    "You add up the rates of all steps so far. Asked for is the rate of this one step."
)
def sums_up(step, *, base_lr):
    return base_lr * (step + 1)


@constant.mistake("You return a rate of your own, 0.001. It is given: `base_lr`.")
def a_rate_of_its_own(step, *, base_lr):
    return 1e-3


@constant.mistake(
    "You return a list, one rate for every step so far. A schedule returns one number: the rate "
    "of the step it is asked for."
)
def all_rates_at_once(step, *, base_lr):
    return [base_lr] * (step + 1)


@constant.alternative
def as_a_tensor(step, *, base_lr):
    return torch.full((), base_lr, dtype=torch.float64)


@constant.alternative
def times_one(step, *, base_lr):
    return base_lr * 1.0**step

"""The constant rate: how a schedule is written, and what a constant rate cannot do."""

import torch

from autograder import probes
from autograder.exercises.schedules.drawing import (
    AT_EVERY_STEP,
    SCHEDULERS,
    draw_rate,
    draw_steps,
    endless_checks,
)
from autograder.exercises.schedules.lab import lab
from autograder.judging.checks import matches_reference
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
        "Start with the constant rate `base_lr`. It has no last step: every step gives the same."
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


def _noisy_parabola(rng):
    curvature = float(rng.uniform(0.3, 4))
    return {
        "base_lr": float(rng.uniform(0.3, 1.6)) / curvature,
        "curvature": curvature,
        "noise_variance": float(rng.uniform(1.5, 5)),
    }


noise_floor = lab.value(
    schedules.noise_floor,
    title="Where a constant rate stops",
    statement=(
        "Why change the rate at all? Take the simplest loss, $L(x) = \\tfrac{h}{2}x^2$ with "
        "`curvature` $h$, and gradients with noise, as a batch gives them: every step is\n\n"
        "$$x \\leftarrow x - \\alpha\\,(h x + \\xi),$$\n\n"
        "where ξ has mean 0 and variance `noise_variance`, drawn afresh at every step. After many "
        "steps at the constant rate α = `base_lr` (0 < αh < 2) the *expected* loss $E[L]$ no longer "
        "changes. Derive it.\n\n"
        "It is not zero, and how it depends on α is the reason for everything that follows."
    ),
    points=3,
    minutes=10,
    difficulty=2,
    core=False,
    syllabus=("7.1",),
    hide=("Formula", "Source"),
    inputs=_noisy_parabola,
    probe=probes.call(),
    checks=[matches_reference("the expected loss", rtol=1e-5)],
    hints=(
        "Write the new x as (1 − αh) x − α ξ. What is E[x²] after the step?",
        "ξ has mean 0 and does not depend on x: the mixed term is 0. Set the new E[x²] equal to "
        "the old one.",
        "1 − (1 − αh)² = αh (2 − αh).",
    ),
)


@noise_floor.mistake("This is E[x²]. The loss is h x²/2: multiply by h/2.")
def second_moment(base_lr, curvature, noise_variance):
    return base_lr * noise_variance / (curvature * (2 - base_lr * curvature))


@noise_floor.mistake("You have forgotten the ½ of the loss: E[L] = ½ h E[x²].")
def without_the_half(base_lr, curvature, noise_variance):
    return base_lr * noise_variance / (2 - base_lr * curvature)


@noise_floor.mistake(
    "In one step x shrinks by 1 − αh, so x² shrinks by its *square*. You solve with 1 − αh."
)
def contraction_not_squared(base_lr, curvature, noise_variance):
    return base_lr * noise_variance / 2


@noise_floor.mistake(
    "α s²/4 is right for very small rates only, where αh can be left out beside 2. Keep it."
)
def for_tiny_rates(base_lr, curvature, noise_variance):
    return base_lr * noise_variance / 4


@noise_floor.mistake("The noise reaches x as α ξ, so its variance enters with α², not with α.")
def rate_not_squared(base_lr, curvature, noise_variance):
    return noise_variance / (2 * (2 - base_lr * curvature))


@noise_floor.mistake(
    "Your noise is not multiplied by the rate. It is part of the gradient, so x moves by −α ξ: "
    "its variance enters as α² s²."
)
def noise_not_scaled(base_lr, curvature, noise_variance):
    return noise_variance / (2 * base_lr * (2 - base_lr * curvature))


@noise_floor.mistake(
    "You use the standard deviation of the noise. Variances add: s² itself belongs there."
)
def noise_not_squared(base_lr, curvature, noise_variance):
    return base_lr * noise_variance**0.5 / (2 * (2 - base_lr * curvature))


@noise_floor.mistake("`noise_variance` is a square already; you square it once more.")
def variance_squared(base_lr, curvature, noise_variance):
    return base_lr * noise_variance**2 / (2 * (2 - base_lr * curvature))


@noise_floor.mistake("An h too many: the h of the loss cancels that of the denominator of E[x²].")
def curvature_left_over(base_lr, curvature, noise_variance):
    return curvature * base_lr * noise_variance / (2 * (2 - base_lr * curvature))


@noise_floor.alternative
def by_iterating(base_lr, curvature, noise_variance):
    moment = 0.0
    for _ in range(3000):
        moment = (1 - base_lr * curvature) ** 2 * moment + base_lr**2 * noise_variance
    return curvature * moment / 2


@noise_floor.alternative
def by_the_fixed_point(base_lr, curvature, noise_variance):
    shrink = (1 - base_lr * curvature) ** 2
    return 0.5 * curvature * base_lr**2 * noise_variance / (1 - shrink)

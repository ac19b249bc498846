"""1/t decay, and how long it takes."""

import math
from functools import partial

import torch

from autograder import probes
from autograder.exercises.schedules.drawing import (
    AT_EVERY_STEP,
    FLOAT32,
    SCHEDULERS,
    draw_falling,
    endless_checks,
)
from autograder.exercises.schedules.lab import lab
from autograder.judging.checks import matches_reference
from course_lib import schedules

inverse_time = lab.exercise(
    schedules.inverse_time,
    title="1/t decay",
    statement=(
        "The oldest schedule: the rate is `base_lr` at step 0, **half** of it at step 1/k, a third "
        "at step 2/k, a quarter at step 3/k, …, and smoothly in between. It falls like 1/t and never "
        "ends; all rates are finite, also the first. `k` is per step."
    ),
    points=2,
    minutes=4,
    core=False,
    syllabus=("7.5",),
    hide=("Formula", "Ends"),
    inputs=draw_falling,
    probe=AT_EVERY_STEP,
    checks=endless_checks(),
    forbidden=SCHEDULERS,
    hints=("α₀ divided by 1, 2, 3, … at the steps 0, 1/k, 2/k, …", "The divisor is 1 + kt."),
)


WITHOUT_THE_ONE = (
    "α₀/(kt) divides by zero at step 0, and then starts far too high. The 1 in α₀/(1 + kt) makes "
    "it start at α₀."
)


@inverse_time.mistake(WITHOUT_THE_ONE, raises="ZeroDivisionError")
def without_the_one(step, *, base_lr, k):
    return base_lr / (k * step)


@inverse_time.mistake(WITHOUT_THE_ONE)
def infinite_at_first(step, *, base_lr, k):
    return base_lr / torch.tensor(k * step)


@inverse_time.mistake(
    "You patch step 0 and leave α₀/(kt) elsewhere: at step 1 your rate jumps up, to α₀/k. One "
    "formula does it all: α₀/(1 + kt)."
)
def patched_at_the_start(step, *, base_lr, k):
    return base_lr if step == 0 else base_lr / (k * step)


@inverse_time.mistake(
    "You keep α₀ until kt = 1 and then take α₀/(kt): at step 1/k that is still all of it. The law "
    "has half there: α₀/(1 + kt)."
)
def never_above_the_first(step, *, base_lr, k):
    return base_lr / max(1.0, k * step)


@inverse_time.mistake(
    "You divide by 1 + kt at *every* step, so the divisors pile up. Divide α₀ once, by the 1 + kt "
    "of this step."
)
def divided_again_and_again(step, *, base_lr, k):
    for t in range(1, step + 1):
        base_lr /= 1 + k * t
    return base_lr


@inverse_time.mistake(
    "You divide the rate kept from the last call. Ask twice for the same step and you get two "
    "rates. Divide `base_lr`, by the 1 + kt of this step."
)
def divides_the_current_rate(step, *, base_lr, k):
    memory = divides_the_current_rate
    if step == 0:
        memory.rate = base_lr
    memory.rate = memory.rate / (1 + k * step)
    return memory.rate


@inverse_time.mistake("k does not appear. It says how fast: α₀/(1 + kt).")
def k_left_out(step, *, base_lr, k):
    return base_lr / (1 + step)


@inverse_time.mistake(
    "You cut kt off, so the rate falls in stairs. It falls at every step: α₀/(1 + kt)."
)
def in_stairs(step, *, base_lr, k):
    return base_lr / (1 + int(k * step))


@inverse_time.mistake(
    "You divide the step by k: the larger k, the slower your rate falls. At step 1/k the divisor "
    "must be 2: 1 + kt."
)
def divided_by_k(step, *, base_lr, k):
    return base_lr / (1 + step / k)


@inverse_time.mistake(
    "You multiply the 1 by k as well, so that step 0 has α₀/k. It is α₀/(1 + kt)."
)
def k_outside(step, *, base_lr, k):
    return base_lr / ((1 + step) * k)


@inverse_time.mistake(
    "α₀/(k + t) is α₀/k at step 0, and k says nothing about the speed. α₀/(1 + kt)."
)
def k_for_the_one(step, *, base_lr, k):
    return base_lr / (k + step)


@inverse_time.mistake("You are one step ahead: step 0 has α₀ itself.")
def one_step_ahead(step, *, base_lr, k):
    return base_lr / (1 + k * (step + 1))


@inverse_time.mistake(
    "With the root the rate is α₀/√2 at step 1/k, not α₀/2. The root comes later in the lab."
)
def under_a_root(step, *, base_lr, k):
    return base_lr / math.sqrt(1 + k * step)


@inverse_time.mistake(
    "`base_lr / 1 + k * step` divides by 1 and adds kt. Put 1 + kt in parentheses."
)
def parentheses_lost(step, *, base_lr, k):
    return base_lr / 1 + k * step


@inverse_time.mistake("This is exponential decay: 37 % at step 1/k. The 1/t law has half there.")
def is_exponential(step, *, base_lr, k):
    return base_lr * math.exp(-k * step)


@inverse_time.alternative
def by_a_power(step, *, base_lr, k):
    return base_lr * (1 + k * step) ** -1


@inverse_time.alternative
def by_the_half_time(step, *, base_lr, k):
    half_time = 1 / k
    return base_lr * half_time / (half_time + step)


def _until(rng, up):
    """A number of steps that is clearly not whole, and rounded up or down as ``up`` says."""
    while True:
        fraction = float(rng.uniform(0.05, 0.45))
        k, steps = float(rng.uniform(0.3, 3)), int(rng.integers(20, 400))
        part = (1 / fraction - 1) * steps / k % 1
        if (0.55 if up else 0.1) < part < (0.9 if up else 0.45):
            return {"fraction": fraction, "k_per_epoch": k, "steps_per_epoch": steps}


_UP, _DOWN = partial(_until, up=True), partial(_until, up=False)


steps_until = lab.value(
    schedules.steps_until,
    title="How long until a fraction is left?",
    statement=(
        "A paper says “1/t decay with k = 0.5 per **epoch**”; an epoch has `steps_per_epoch` steps. "
        "After how many *steps* has the rate come down to `fraction` · α₀? Derive it from "
        "the law that you have just written. (It is seldom a whole number: do not round.)\n\n"
        "A k per epoch that is used per step is a schedule many times too fast."
    ),
    points=2,
    core=False,
    syllabus=("7.5",),
    hide=("Formula", "Source"),
    inputs=(_UP, _DOWN, _UP),
    probe=probes.call(),
    checks=[matches_reference("the number of steps", rtol=FLOAT32)],
    hints=("What is k per step?", "Solve 1/(1 + kt) = f for t."),
)


@steps_until.mistake(
    "You use the k per epoch as if it were per step. Per step it is k/S, so it takes S times as "
    "long."
)
def k_taken_per_step(fraction, *, k_per_epoch, steps_per_epoch):
    return (1 / fraction - 1) / k_per_epoch


@steps_until.mistake(
    "You divide by the steps per epoch where they belong on top: an epoch has many steps."
)
def in_epochs_squared(fraction, *, k_per_epoch, steps_per_epoch):
    return (1 / fraction - 1) / (k_per_epoch * steps_per_epoch)


@steps_until.mistake("This is when the rate is one *half*. For a fraction f solve 1 + kt = 1/f.")
def until_one_half(fraction, *, k_per_epoch, steps_per_epoch):
    return steps_per_epoch / k_per_epoch


@steps_until.mistake(
    "This is when the rate is one *tenth*, whatever `fraction` is. Solve 1 + kt = 1/f."
)
def until_a_tenth(fraction, *, k_per_epoch, steps_per_epoch):
    return 9 * steps_per_epoch / k_per_epoch


@steps_until.mistake("The logarithm belongs to exponential decay. Here 1 + kt = 1/f.")
def for_exponential_decay(fraction, *, k_per_epoch, steps_per_epoch):
    return -math.log(fraction) * steps_per_epoch / k_per_epoch


@steps_until.mistake("You solve 1 − kt = f, a straight line. The law is 1/(1 + kt) = f.")
def along_a_line(fraction, *, k_per_epoch, steps_per_epoch):
    return (1 - fraction) * steps_per_epoch / k_per_epoch


@steps_until.mistake("1 + kt = 1/f: the 1 must be taken away from 1/f.")
def one_forgotten(fraction, *, k_per_epoch, steps_per_epoch):
    return steps_per_epoch / (fraction * k_per_epoch)


@steps_until.mistake(
    "You round up to a whole step. Asked for is the exact t at which 1/(1 + kt) = f."
)
def rounded_up(fraction, *, k_per_epoch, steps_per_epoch):
    return math.ceil((1 / fraction - 1) * steps_per_epoch / k_per_epoch)


@steps_until.mistake("You round to a whole step. Asked for is the exact t at which 1/(1 + kt) = f.")
def rounded(fraction, *, k_per_epoch, steps_per_epoch):
    return round((1 / fraction - 1) * steps_per_epoch / k_per_epoch)


@steps_until.mistake(
    "You cut off to a whole step. Asked for is the exact t at which 1/(1 + kt) = f."
)
def rounded_down(fraction, *, k_per_epoch, steps_per_epoch):
    return int((1 / fraction - 1) * steps_per_epoch / k_per_epoch)


@steps_until.mistake("`fraction` is what is left of the rate, not what is lost.")
def part_that_is_lost(fraction, *, k_per_epoch, steps_per_epoch):
    return (1 / (1 - fraction) - 1) * steps_per_epoch / k_per_epoch


@steps_until.mistake("A larger k takes *fewer* steps: divide by it.")
def k_multiplied(fraction, *, k_per_epoch, steps_per_epoch):
    return (1 / fraction - 1) * steps_per_epoch * k_per_epoch


@steps_until.alternative
def through_epochs(fraction, *, k_per_epoch, steps_per_epoch):
    epochs = (1 - fraction) / (fraction * k_per_epoch)
    return epochs * steps_per_epoch


@steps_until.alternative
def through_halves(fraction, *, k_per_epoch, steps_per_epoch):
    steps_to_half = steps_per_epoch / k_per_epoch
    return steps_to_half / fraction - steps_to_half

"""1/t decay, and how long it takes."""

import math

from autograder import probes
from autograder.exercises.schedules.drawing import (
    AT_EVERY_STEP,
    SCHEDULERS,
    draw_rate,
    draw_steps,
    endless_checks,
)
from autograder.exercises.schedules.lab import lab
from autograder.judging import Alternative, Mistake
from autograder.judging.checks import matches_reference
from course_lib import schedules

# Near enough for an answer that computes in torch's float32 and returns a number.
FLOAT32 = 1e-5


def _falling(rng):
    return {
        "step": draw_steps(rng, 40),
        "base_lr": draw_rate(rng),
        "k": float(rng.uniform(0.02, 0.2)),
    }


def without_the_one(step, *, base_lr, k):
    return base_lr / (k * step)


def divided_again_and_again(step, *, base_lr, k):
    for t in range(1, step + 1):
        base_lr /= 1 + k * t
    return base_lr


def divides_the_current_rate(step, *, base_lr, k):
    memory = divides_the_current_rate
    if step == 0:
        memory.rate = base_lr
    memory.rate = memory.rate / (1 + k * step)
    return memory.rate


def k_outside(step, *, base_lr, k):
    return base_lr / ((1 + step) * k)


def k_for_the_one(step, *, base_lr, k):
    return base_lr / (k + step)


def k_left_out(step, *, base_lr, k):
    return base_lr / (1 + step)


def one_step_ahead(step, *, base_lr, k):
    return base_lr / (1 + k * (step + 1))


def under_a_root(step, *, base_lr, k):
    return base_lr / math.sqrt(1 + k * step)


def parentheses_lost(step, *, base_lr, k):
    return base_lr / 1 + k * step


def is_exponential(step, *, base_lr, k):
    return base_lr * math.exp(-k * step)


def patched_at_the_start(step, *, base_lr, k):
    return base_lr if step == 0 else base_lr / (k * step)


def never_above_the_first(step, *, base_lr, k):
    return base_lr / max(1.0, k * step)


def in_stairs(step, *, base_lr, k):
    return base_lr / (1 + int(k * step))


def divided_by_k(step, *, base_lr, k):
    return base_lr / (1 + step / k)


def by_a_power(step, *, base_lr, k):
    return base_lr * (1 + k * step) ** -1


def by_the_half_time(step, *, base_lr, k):
    half_time = 1 / k
    return base_lr * half_time / (half_time + step)


lab.exercise(
    schedules.inverse_time,
    title="1/t decay",
    statement=(
        "The oldest schedule: the rate is `base_lr` at step 0, **half** of it at step 1/k, a third "
        "at step 2/k, a quarter at step 3/k, …, and smoothly in between. It falls like 1/t and never "
        "ends; all rates are finite, also the first. `k` is per step."
    ),
    points=2,
    minutes=4,
    difficulty=1,
    core=False,
    syllabus=("7.5",),
    hide=("Formula", "Ends"),
    inputs=_falling,
    probe=AT_EVERY_STEP,
    checks=endless_checks(),
    mistakes=[
        Mistake(
            "without_the_one",
            without_the_one,
            "α₀/(kt) divides by zero at step 0, and then starts far too high. The 1 in "
            "α₀/(1 + kt) makes it start at α₀.",
        ),
        Mistake(
            "patched_at_the_start",
            patched_at_the_start,
            "You patch step 0 and leave α₀/(kt) elsewhere: at step 1 your rate jumps up, to "
            "α₀/k. One formula does it all: α₀/(1 + kt).",
        ),
        Mistake(
            "never_above_the_first",
            never_above_the_first,
            "You keep α₀ until kt = 1 and then take α₀/(kt): at step 1/k that is still all of "
            "it. The law has half there: α₀/(1 + kt).",
        ),
        Mistake(
            "divided_again_and_again",
            divided_again_and_again,
            "You divide by 1 + kt at *every* step, so the divisors pile up. Divide α₀ once, by the "
            "1 + kt of this step.",
        ),
        Mistake(
            "divides_the_current_rate",
            divides_the_current_rate,
            "You divide the rate kept from the last call. Ask twice for the same step and you get "
            "two rates. Divide `base_lr`, by the 1 + kt of this step.",
        ),
        Mistake("k_left_out", k_left_out, "k does not appear. It says how fast: α₀/(1 + kt)."),
        Mistake(
            "in_stairs",
            in_stairs,
            "You cut kt off, so the rate falls in stairs. It falls at every step: α₀/(1 + kt).",
        ),
        Mistake(
            "divided_by_k",
            divided_by_k,
            "You divide the step by k: the larger k, the slower your rate falls. At step 1/k "
            "the divisor must be 2: 1 + kt.",
        ),
        Mistake(
            "k_outside",
            k_outside,
            "You multiply the 1 by k as well, so that step 0 has α₀/k. It is α₀/(1 + kt).",
        ),
        Mistake(
            "k_for_the_one",
            k_for_the_one,
            "α₀/(k + t) is α₀/k at step 0, and k says nothing about the speed. α₀/(1 + kt).",
        ),
        Mistake("one_step_ahead", one_step_ahead, "You are one step ahead: step 0 has α₀ itself."),
        Mistake(
            "under_a_root",
            under_a_root,
            "With the root the rate is α₀/√2 at step 1/k, not α₀/2. The root comes later in the lab.",
        ),
        Mistake(
            "parentheses_lost",
            parentheses_lost,
            "`base_lr / 1 + k * step` divides by 1 and adds kt. Put 1 + kt in parentheses.",
        ),
        Mistake(
            "is_exponential",
            is_exponential,
            "This is exponential decay: 37 % at step 1/k. The 1/t law has half there.",
        ),
    ],
    alternatives=[
        Alternative("by_a_power", by_a_power),
        Alternative("by_the_half_time", by_the_half_time),
    ],
    forbidden=SCHEDULERS,
    hints=("α₀ divided by 1, 2, 3, … at the steps 0, 1/k, 2/k, …", "The divisor is 1 + kt."),
)


def _until(rng, up):
    """A number of steps that is clearly not whole, and rounded up or down as ``up`` says."""
    while True:
        fraction = float(rng.uniform(0.05, 0.45))
        k, steps = float(rng.uniform(0.3, 3)), int(rng.integers(20, 400))
        part = (1 / fraction - 1) * steps / k % 1
        if (0.55 if up else 0.1) < part < (0.9 if up else 0.45):
            return {"fraction": fraction, "k_per_epoch": k, "steps_per_epoch": steps}


def _until_just_before(rng):
    return _until(rng, True)


def _until_just_after(rng):
    return _until(rng, False)


def k_taken_per_step(fraction, *, k_per_epoch, steps_per_epoch):
    return (1 / fraction - 1) / k_per_epoch


def in_epochs_squared(fraction, *, k_per_epoch, steps_per_epoch):
    return (1 / fraction - 1) / (k_per_epoch * steps_per_epoch)


def until_one_half(fraction, *, k_per_epoch, steps_per_epoch):
    return steps_per_epoch / k_per_epoch


def for_exponential_decay(fraction, *, k_per_epoch, steps_per_epoch):
    return -math.log(fraction) * steps_per_epoch / k_per_epoch


def along_a_line(fraction, *, k_per_epoch, steps_per_epoch):
    return (1 - fraction) * steps_per_epoch / k_per_epoch


def one_forgotten(fraction, *, k_per_epoch, steps_per_epoch):
    return steps_per_epoch / (fraction * k_per_epoch)


def part_that_is_lost(fraction, *, k_per_epoch, steps_per_epoch):
    return (1 / (1 - fraction) - 1) * steps_per_epoch / k_per_epoch


def k_multiplied(fraction, *, k_per_epoch, steps_per_epoch):
    return (1 / fraction - 1) * steps_per_epoch * k_per_epoch


def until_a_tenth(fraction, *, k_per_epoch, steps_per_epoch):
    return 9 * steps_per_epoch / k_per_epoch


def rounded_up(fraction, *, k_per_epoch, steps_per_epoch):
    return math.ceil((1 / fraction - 1) * steps_per_epoch / k_per_epoch)


def rounded(fraction, *, k_per_epoch, steps_per_epoch):
    return round((1 / fraction - 1) * steps_per_epoch / k_per_epoch)


def rounded_down(fraction, *, k_per_epoch, steps_per_epoch):
    return int((1 / fraction - 1) * steps_per_epoch / k_per_epoch)


def through_epochs(fraction, *, k_per_epoch, steps_per_epoch):
    epochs = (1 - fraction) / (fraction * k_per_epoch)
    return epochs * steps_per_epoch


def through_halves(fraction, *, k_per_epoch, steps_per_epoch):
    steps_to_half = steps_per_epoch / k_per_epoch
    return steps_to_half / fraction - steps_to_half


lab.value(
    schedules.steps_until,
    title="How long until a fraction is left?",
    statement=(
        "A paper says “1/t decay with k = 0.5 per **epoch**”; an epoch has `steps_per_epoch` steps. "
        "After how many *steps* has the rate come down to `fraction` · α₀? Derive it from "
        "the law that you have just written. (It is seldom a whole number: do not round.)\n\n"
        "A k per epoch that is used per step is a schedule many times too fast."
    ),
    points=2,
    minutes=5,
    difficulty=1,
    core=False,
    syllabus=("7.5",),
    hide=("Formula", "Source"),
    inputs=(_until_just_before, _until_just_after, _until_just_before),
    probe=probes.call(),
    checks=[matches_reference("the number of steps", rtol=FLOAT32)],
    mistakes=[
        Mistake(
            "k_taken_per_step",
            k_taken_per_step,
            "You use the k per epoch as if it were per step. Per step it is k/S, so it takes S "
            "times as long.",
        ),
        Mistake(
            "in_epochs_squared",
            in_epochs_squared,
            "You divide by the steps per epoch where they belong on top: an epoch has many steps.",
        ),
        Mistake(
            "until_one_half",
            until_one_half,
            "This is when the rate is one *half*. For a fraction f solve 1 + kt = 1/f.",
        ),
        Mistake(
            "until_a_tenth",
            until_a_tenth,
            "This is when the rate is one *tenth*, whatever `fraction` is. Solve 1 + kt = 1/f.",
        ),
        Mistake(
            "for_exponential_decay",
            for_exponential_decay,
            "The logarithm belongs to exponential decay. Here 1 + kt = 1/f.",
        ),
        Mistake(
            "along_a_line",
            along_a_line,
            "You solve 1 − kt = f, a straight line. The law is 1/(1 + kt) = f.",
        ),
        Mistake("one_forgotten", one_forgotten, "1 + kt = 1/f: the 1 must be taken away from 1/f."),
        Mistake(
            "rounded_up",
            rounded_up,
            "You round up to a whole step. Asked for is the exact t at which 1/(1 + kt) = f.",
        ),
        Mistake(
            "rounded",
            rounded,
            "You round to a whole step. Asked for is the exact t at which 1/(1 + kt) = f.",
        ),
        Mistake(
            "rounded_down",
            rounded_down,
            "You cut off to a whole step. Asked for is the exact t at which 1/(1 + kt) = f.",
        ),
        Mistake(
            "part_that_is_lost",
            part_that_is_lost,
            "`fraction` is what is left of the rate, not what is lost.",
        ),
        Mistake("k_multiplied", k_multiplied, "A larger k takes *fewer* steps: divide by it."),
    ],
    alternatives=[
        Alternative("through_epochs", through_epochs),
        Alternative("through_halves", through_halves),
    ],
    hints=("What is k per step?", "Solve 1/(1 + kt) = f for t."),
)

"""Exponential decay: the line of the notes mended, and the half-life."""

import math

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


def typed_from_the_notes(step, *, base_lr, k):
    return base_lr * math.e * (-k * step)


def k_as_the_factor(step, *, base_lr, k):
    return base_lr * k**step


def without_the_sign(step, *, base_lr, k):
    return base_lr * math.exp(k * step)


def power_binds_first(step, *, base_lr, k):
    return base_lr * math.e**-k * step


def one_minus_k(step, *, base_lr, k):
    return base_lr * (1 - k) ** step


def first_order(step, *, base_lr, k):
    return base_lr * (1 - k * step)


def base_ten(step, *, base_lr, k):
    return base_lr * 10 ** (-k * step)


def base_two(step, *, base_lr, k):
    return base_lr * 2 ** (-k * step)


def shifted_by_one(step, *, base_lr, k):
    return base_lr * math.exp(-k * (step + 1))


def divides_by_k(step, *, base_lr, k):
    return base_lr * math.exp(-step / k)


def by_a_factor(step, *, base_lr, k):
    gamma = math.exp(-k)
    return base_lr * gamma**step


def by_torch(step, *, base_lr, k):
    return base_lr * torch.exp(torch.tensor(-k * step))


def by_powers_of_e(step, *, base_lr, k):
    return base_lr / math.e ** (k * step)


lab.repair(
    schedules.exponential,
    planted="typed_from_the_notes",
    title="Find the error in the lecture notes: exponential decay",
    statement=(
        "The lecture notes give exponential decay as `lr0 * e (-kt)`. Below is that line, as one "
        "types it. Print a few rates (you have predicted them), then mend it.\n\n"
        "**Ends.** `base_lr` at step 0. The rate falls forever, by the same factor at every step, "
        "and stays **positive**; there is no last step. `k` is per step."
    ),
    points=2,
    minutes=4,
    difficulty=1,
    syllabus=("7.4",),
    hide=("Formula", "Convention", "Raises"),
    inputs=_falling,
    probe=AT_EVERY_STEP,
    checks=endless_checks(),
    mistakes=[
        Mistake(
            "typed_from_the_notes",
            typed_from_the_notes,
            "You multiply by e and by −kt: the rate is 0 at first and negative ever after, so that "
            "training climbs. −kt is an *exponent*: α₀ e^(−kt).",
            origin="lecture notes",
        ),
        Mistake(
            "k_as_the_factor",
            k_as_the_factor,
            "You multiply by k at every step. The factor per step is γ = e^(−k), not k: for k = "
            "0.01 it is 0.99.",
        ),
        Mistake(
            "without_the_sign",
            without_the_sign,
            "Your rate grows: the exponent has lost its minus.",
        ),
        Mistake(
            "power_binds_first",
            power_binds_first,
            "`e**-k * step` is (e^(−k)) · t: the power binds before the product. Put the exponent "
            "in parentheses, or use `math.exp`.",
        ),
        Mistake(
            "one_minus_k",
            one_minus_k,
            "1 − k is only the beginning of e^(−k) = 1 − k + k²/2 − …; over many steps they part.",
        ),
        Mistake(
            "first_order",
            first_order,
            "1 − kt is a line, and negative after 1/k steps. e^(−kt) never is.",
        ),
        Mistake("base_ten", base_ten, "You use powers of 10. The base is e."),
        Mistake("base_two", base_two, "You use powers of 2. The base is e."),
        Mistake(
            "shifted_by_one",
            shifted_by_one,
            "At step 0 your rate has fallen already: you use t + 1. Steps count from 0.",
        ),
        Mistake(
            "divides_by_k",
            divides_by_k,
            "You divide by k: the larger k, the slower your rate falls. The exponent is −k·t.",
        ),
    ],
    alternatives=[
        Alternative("by_a_factor", by_a_factor),
        Alternative("by_torch", by_torch),
        Alternative("by_powers_of_e", by_powers_of_e),
    ],
    forbidden=SCHEDULERS,
    hints=("What is lost when e^(−kt) is typed on one line without its exponent?", "`math.exp`."),
)


def _half_life(rng):
    return {"half_life": float(rng.uniform(4, 60))}


def k_itself(half_life):
    return math.log(2) / half_life


def a_half(half_life):
    return 0.5


def for_one_over_e(half_life):
    return math.exp(-1 / half_life)


def one_minus(half_life):
    return 1 - math.log(2) / half_life


def half_divided(half_life):
    return 0.5 / half_life


def grows(half_life):
    return 2 ** (1 / half_life)


def other_logarithm(half_life):
    return math.exp(-math.log10(2) / half_life)


def half_a_line(half_life):
    return 1 - 0.5 / half_life


def power_for_root(half_life):
    return 0.5**half_life


def by_the_root(half_life):
    return 0.5 ** (1 / half_life)


def by_logarithms_of_two(half_life):
    return 2 ** -(1 / half_life)


lab.value(
    schedules.gamma_of_half_life,
    title="Half-life",
    statement=(
        "torch's `ExponentialLR` does not ask for k but for the factor γ of one step, and nobody "
        "can picture γ = 0.9931. Derive γ from the **half-life**: the number of steps after which "
        "the rate is half of what it was."
    ),
    points=2,
    minutes=4,
    difficulty=1,
    core=False,
    syllabus=("7.4",),
    hide=("Formula", "Source"),
    inputs=_half_life,
    probe=probes.call(),
    checks=[matches_reference("the factor per step", rtol=FLOAT32)],
    mistakes=[
        Mistake(
            "k_itself",
            k_itself,
            "This is k = ln 2 / n, the constant in e^(−kt). Asked for is the factor per step, "
            "γ = e^(−k).",
        ),
        Mistake(
            "one_minus",
            one_minus,
            "1 − k is only near e^(−k). Solve γⁿ = ½ for γ.",
        ),
        Mistake(
            "for_one_over_e",
            for_one_over_e,
            "After n steps your rate is 1/e of the first, 37 %. For one half it takes ln 2: "
            "γ = e^(−ln 2/n).",
        ),
        Mistake("a_half", a_half, "Your factor halves at every step. γⁿ = ½, so γ = 2^(−1/n)."),
        Mistake(
            "half_divided", half_divided, "½ is to be spread over n *products*: the n-th root."
        ),
        Mistake(
            "power_for_root",
            power_for_root,
            "You raise ½ to the *power* n. It is γ that is multiplied n times: γⁿ = ½, so γ is "
            "the n-th root of ½.",
        ),
        Mistake(
            "half_a_line",
            half_a_line,
            "You take away half of the rate in n equal parts, as if it fell on a line. It falls by "
            "the same *factor* at every step.",
        ),
        Mistake("grows", grows, "Your factor is above 1: the rate doubles in n steps."),
        Mistake(
            "other_logarithm",
            other_logarithm,
            "You use the logarithm to base 10 with e. The natural one belongs there.",
        ),
    ],
    alternatives=[
        Alternative("by_the_root", by_the_root),
        Alternative("by_logarithms_of_two", by_logarithms_of_two),
    ],
    hints=("After n steps the rate has been multiplied by γ n times.", "γⁿ = ½."),
)

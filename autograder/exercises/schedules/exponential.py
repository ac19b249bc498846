"""Exponential decay: the line of the notes mended, and the half-life."""

import math

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

NOTES_LINE = (
    "it falls from α₀ toward 0",
    "it is 0 at first and negative afterwards",
    "it grows",
)


def outcome_of_the_notes_line() -> str:
    """The rates of `lr0 * e * (-k * t)` at the first steps."""
    rates = [0.1 * math.e * (-0.05 * t) for t in range(4)]
    if rates[0] == 0 and max(rates[1:]) < 0:
        return NOTES_LINE[1]
    return NOTES_LINE[0] if rates[1] < rates[0] else NOTES_LINE[2]


lab.prediction(
    "the_notes_line",
    title="Predict: a line from the lecture notes",
    statement=(
        "The notes print exponential decay as `lr0 * e (-kt)`. Someone types `lr0 * math.e * (-k * "
        "t)`, and nothing raises. What will the rate do over the steps t = 0, 1, 2, …?"
    ),
    minutes=1,
    core=False,
    syllabus=("7.4",),
    choices=NOTES_LINE,
    outcome=outcome_of_the_notes_line,
    explanation=(
        "A product with −kt is 0 at t = 0 and negative ever after: the first update does nothing, "
        "and all others climb. An exponent was lost in print."
    ),
)


exponential = lab.repair(
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
    core=False,
    syllabus=("7.4",),
    hide=("Formula", "Convention", "Raises"),
    inputs=draw_falling,
    probe=AT_EVERY_STEP,
    checks=endless_checks(),
    forbidden=SCHEDULERS,
    hints=("What is lost when e^(−kt) is typed on one line without its exponent?", "`math.exp`."),
)


@exponential.mistake(
    "You multiply by e and by −kt: the rate is 0 at first and negative ever after, so that "
    "training climbs. −kt is an *exponent*: α₀ e^(−kt).",
    origin="lecture notes",
)
def typed_from_the_notes(step, *, base_lr, k):
    return base_lr * math.e * (-k * step)


@exponential.mistake(
    "You multiply by k at every step. The factor per step is γ = e^(−k), not k: for k = 0.01 it "
    "is 0.99."
)
def k_as_the_factor(step, *, base_lr, k):
    return base_lr * k**step


@exponential.mistake("Your rate grows: the exponent has lost its minus.")
def without_the_sign(step, *, base_lr, k):
    return base_lr * math.exp(k * step)


@exponential.mistake(
    "`e**-k * step` is (e^(−k)) · t: the power binds before the product. Put the exponent in "
    "parentheses, or use `math.exp`."
)
def power_binds_first(step, *, base_lr, k):
    return base_lr * math.e**-k * step


@exponential.mistake(
    "1 − k is only the beginning of e^(−k) = 1 − k + k²/2 − …; over many steps they part."
)
def one_minus_k(step, *, base_lr, k):
    return base_lr * (1 - k) ** step


@exponential.mistake("1 − kt is a line, and negative after 1/k steps. e^(−kt) never is.")
def first_order(step, *, base_lr, k):
    return base_lr * (1 - k * step)


@exponential.mistake("You use powers of 10. The base is e.")
def base_ten(step, *, base_lr, k):
    return base_lr * 10 ** (-k * step)


@exponential.mistake("You use powers of 2. The base is e.")
def base_two(step, *, base_lr, k):
    return base_lr * 2 ** (-k * step)


@exponential.mistake("At step 0 your rate has fallen already: you use t + 1. Steps count from 0.")
def shifted_by_one(step, *, base_lr, k):
    return base_lr * math.exp(-k * (step + 1))


@exponential.mistake(
    "You divide by k: the larger k, the slower your rate falls. The exponent is −k·t."
)
def divides_by_k(step, *, base_lr, k):
    return base_lr * math.exp(-step / k)


@exponential.alternative
def by_a_factor(step, *, base_lr, k):
    gamma = math.exp(-k)
    return base_lr * gamma**step


@exponential.alternative
def by_torch(step, *, base_lr, k):
    return base_lr * torch.exp(torch.tensor(-k * step))


@exponential.alternative
def by_powers_of_e(step, *, base_lr, k):
    return base_lr / math.e ** (k * step)


def _half_life(rng):
    return {"half_life": float(rng.uniform(4, 60))}


gamma_of_half_life = lab.value(
    schedules.gamma_of_half_life,
    title="Half-life",
    statement=(
        "torch's `ExponentialLR` does not ask for k but for the factor γ of one step, and nobody "
        "can picture γ = 0.9931. Derive γ from the **half-life**: the number of steps after which "
        "the rate is half of what it was."
    ),
    points=2,
    minutes=4,
    core=False,
    syllabus=("7.4",),
    hide=("Formula", "Source"),
    inputs=_half_life,
    probe=probes.call(),
    checks=[matches_reference("the factor per step", rtol=FLOAT32)],
    hints=("After n steps the rate has been multiplied by γ n times.", "γⁿ = ½."),
)


@gamma_of_half_life.mistake(
    "This is k = ln 2 / n, the constant in e^(−kt). Asked for is the factor per step, γ = e^(−k)."
)
def k_itself(half_life):
    return math.log(2) / half_life


@gamma_of_half_life.mistake("1 − k is only near e^(−k). Solve γⁿ = ½ for γ.")
def one_minus(half_life):
    return 1 - math.log(2) / half_life


@gamma_of_half_life.mistake(
    "After n steps your rate is 1/e of the first, 37 %. For one half it takes ln 2: γ = e^(−ln "
    "2/n)."
)
def for_one_over_e(half_life):
    return math.exp(-1 / half_life)


@gamma_of_half_life.mistake("Your factor halves at every step. γⁿ = ½, so γ = 2^(−1/n).")
def a_half(half_life):
    return 0.5


@gamma_of_half_life.mistake("½ is to be spread over n *products*: the n-th root.")
def half_divided(half_life):
    return 0.5 / half_life


@gamma_of_half_life.mistake(
    "You raise ½ to the *power* n. It is γ that is multiplied n times: γⁿ = ½, so γ is the n-th "
    "root of ½."
)
def power_for_root(half_life):
    return 0.5**half_life


@gamma_of_half_life.mistake(
    "You take away half of the rate in n equal parts, as if it fell on a line. It falls by the "
    "same *factor* at every step."
)
def half_a_line(half_life):
    return 1 - 0.5 / half_life


@gamma_of_half_life.mistake("Your factor is above 1: the rate doubles in n steps.")
def grows(half_life):
    return 2 ** (1 / half_life)


@gamma_of_half_life.mistake(
    "You use the logarithm to base 10 with e. The natural one belongs there."
)
def other_logarithm(half_life):
    return math.exp(-math.log10(2) / half_life)


@gamma_of_half_life.alternative
def by_the_root(half_life):
    return 0.5 ** (1 / half_life)


@gamma_of_half_life.alternative
def by_logarithms_of_two(half_life):
    return 2 ** -(1 / half_life)

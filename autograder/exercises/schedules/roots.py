"""The inverse square root: the notes' formula mended, with a warm-up, and the transformer's peak."""

import math

import torch

from autograder import probes
from autograder.exercises.schedules.drawing import (
    AT_EVERY_STEP,
    SCHEDULERS,
    draw_rate,
    draw_steps,
    endless_checks,
    warmup_checks,
)
from autograder.exercises.schedules.lab import lab
from autograder.judging.checks import matches_reference
from course_lib import schedules


def _root(rng):
    return {"step": draw_steps(rng, 400), "base_lr": draw_rate(rng)}


inverse_square_root = lab.repair(
    schedules.inverse_square_root,
    planted="divides_by_zero",
    title="Find the error in the lecture notes: α₀/√t",
    statement=(
        "Two sets of notes give “inverse square root decay” as α₀/√t. With steps counted from 0, as "
        "torch counts them, that line fails before training has begun. Mend it so that the "
        "**first** update, t = 0, has the rate `base_lr`, the second `base_lr`/√2, the third "
        "`base_lr`/√3 and so on. It never ends."
    ),
    points=1,
    minutes=3,
    core=False,
    syllabus=("7.8",),
    hide=("Formula", "Ends", "Convention", "Raises"),
    inputs=_root,
    probe=AT_EVERY_STEP,
    checks=endless_checks(),
    forbidden=SCHEDULERS,
    hints=("Which number does the first update have, if one counts from 1?",),
)


BY_ZERO = "At step 0 you divide by zero. With steps counted from 0 this is update number t + 1: α₀/√(t + 1)."


@inverse_square_root.mistake(BY_ZERO, origin="lecture notes", raises="ZeroDivisionError")
def divides_by_zero(step, *, base_lr):
    return base_lr / math.sqrt(step)


@inverse_square_root.mistake(BY_ZERO, raises="ZeroDivisionError")
def negative_power_of_zero(step, *, base_lr):
    return base_lr * step**-0.5


@inverse_square_root.mistake(BY_ZERO)
def infinite_at_first(step, *, base_lr):
    return base_lr / torch.sqrt(torch.tensor(float(step)))


@inverse_square_root.mistake(
    "Now steps 0 and 1 have the same rate. The number of the update is t + 1: α₀/√(t + 1)."
)
def first_two_alike(step, *, base_lr):
    return base_lr / math.sqrt(max(step, 1))


@inverse_square_root.mistake(
    "A tiny ε avoids the error, not the harm: at step 0 your rate is 10,000 times too large. Use "
    "t + 1."
)
def patched_with_eps(step, *, base_lr):
    return base_lr / math.sqrt(step + 1e-8)


@inverse_square_root.mistake("You add 1 to the root. It belongs under it: √(t + 1).")
def one_outside_the_root(step, *, base_lr):
    return base_lr / (1 + math.sqrt(step))


@inverse_square_root.mistake("The root is gone: this is α₀/(t + 1).")
def root_forgotten(step, *, base_lr):
    return base_lr / (step + 1)


@inverse_square_root.mistake("You take the root of α₀ too. Only t + 1 stands under it.")
def root_of_everything(step, *, base_lr):
    return math.sqrt(base_lr / (step + 1))


@inverse_square_root.mistake("A rate of 0 wastes the first update.")
def first_step_zero(step, *, base_lr):
    return 0.0 if step == 0 else base_lr / math.sqrt(step)


@inverse_square_root.mistake("Your rate grows. Divide by the root.")
def root_grows(step, *, base_lr):
    return base_lr * math.sqrt(step + 1)


@inverse_square_root.mistake("One too many: step 0 is update number 1, √1 = 1.")
def half_of_it(step, *, base_lr):
    return base_lr / math.sqrt(step + 2)


@inverse_square_root.alternative
def by_a_negative_power(step, *, base_lr):
    return base_lr * (1 + step) ** -0.5


@inverse_square_root.alternative
def by_rsqrt(step, *, base_lr):
    return base_lr * torch.rsqrt(torch.tensor(step + 1.0))


def _root_with_warmup(rng):
    warmup = int(rng.integers(9, 30))
    return {
        "step": draw_steps(rng, 12 * warmup, around=(warmup, warmup // 2, 4 * warmup)),
        "base_lr": draw_rate(rng),
        "warmup_steps": warmup,
    }


inverse_square_root_with_warmup = lab.exercise(
    schedules.inverse_square_root_with_warmup,
    title="Inverse square root with a warm-up",
    statement=(
        "The schedule of the first transformer. Over the first w = `warmup_steps` steps the rate "
        "rises on a line to the peak `base_lr`; from there on it falls like one over the root of "
        "the number of updates, t + 1, and **without a jump**: both curves meet at the peak.\n\n"
        "**Ends.** `base_lr`/w at t = 0, not 0; the peak at t = w − 1; at t + 1 = 4w half of the "
        "peak. It never ends."
    ),
    points=2,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("7.8", "7.10"),
    hide=("Formula", "Convention"),
    inputs=_root_with_warmup,
    probe=AT_EVERY_STEP,
    checks=warmup_checks(),
    forbidden=SCHEDULERS,
    hints=(
        "Let n = t + 1 be the number of the update. The line is α₀ n/w.",
        "α₀ c/√n must be α₀ at n = w: what is c?",
        "The smaller of both curves is the one in force.",
    ),
)


@inverse_square_root_with_warmup.mistake(
    "After the warm-up your rate jumps down to α₀/√(t + 1). To go on from the peak it must be α₀ "
    "√(w/(t + 1)), which is α₀ at t + 1 = w."
)
def jumps(step, *, base_lr, warmup_steps):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    return base_lr / math.sqrt(step + 1)


@inverse_square_root_with_warmup.mistake(
    "You count the decay from the end of the warm-up, so the rate drops by √2 within one step. "
    "The root is of the number of *all* updates: √(w/(t + 1))."
)
def restarts_after_warmup(step, *, base_lr, warmup_steps):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    return base_lr / math.sqrt(step - warmup_steps + 1)


@inverse_square_root_with_warmup.mistake(
    "Your first update has rate 0 and does nothing. It is update number t + 1 = 1: α₀/w."
)
def counts_from_zero(step, *, base_lr, warmup_steps):
    if step == 0:
        return 0.0
    return base_lr * min(step / warmup_steps, math.sqrt(warmup_steps / step))


@inverse_square_root_with_warmup.mistake(
    "Your decay counts updates from 0, so that the peak is held twice, at t = w − 1 and at t = w. "
    "The number of the update is t + 1: √(w/(t + 1))."
)
def tail_counts_from_zero(step, *, base_lr, warmup_steps):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    return base_lr * math.sqrt(warmup_steps / step)


@inverse_square_root_with_warmup.mistake(
    "Your peak is α₀/√w: in the paper's formula the peak comes out as (d·w)^(−½). Here `base_lr` "
    "*is* the peak. (Another convention: theirs.)"
)
def papers_peak(step, *, base_lr, warmup_steps):
    count = step + 1
    return base_lr * min(count**-0.5, count * warmup_steps**-1.5)


@inverse_square_root_with_warmup.mistake("You take the larger of the two curves. `min`.")
def larger_of_both(step, *, base_lr, warmup_steps):
    count = step + 1
    return base_lr * max(count / warmup_steps, math.sqrt(warmup_steps / count))


@inverse_square_root_with_warmup.mistake(
    "You multiply warm-up and decay. Only one of them is in force at a time."
)
def product_of_both(step, *, base_lr, warmup_steps):
    return base_lr * min((step + 1) / warmup_steps, 1) / math.sqrt(step + 1)


@inverse_square_root_with_warmup.mistake(
    "Your second curve rises. Turn the fraction around: √(w/(t + 1))."
)
def root_upside_down(step, *, base_lr, warmup_steps):
    count = step + 1
    return base_lr * min(count / warmup_steps, math.sqrt(count / warmup_steps))


@inverse_square_root_with_warmup.mistake(
    "After the warm-up you fall like 1/t. The root is missing."
)
def no_root_after_warmup(step, *, base_lr, warmup_steps):
    count = step + 1
    return base_lr * min(count / warmup_steps, warmup_steps / count)


@inverse_square_root_with_warmup.mistake("There is no warm-up: your rate starts at the peak.")
def flat_before(step, *, base_lr, warmup_steps):
    return base_lr * min(1.0, math.sqrt(warmup_steps / (step + 1)))


@inverse_square_root_with_warmup.alternative
def by_two_cases(step, *, base_lr, warmup_steps):
    if step < warmup_steps:
        return base_lr / warmup_steps * (step + 1)
    return base_lr * (warmup_steps / (step + 1)) ** 0.5


@inverse_square_root_with_warmup.alternative
def by_the_papers_formula(step, *, base_lr, warmup_steps):
    count = step + 1
    return base_lr * warmup_steps**0.5 * min(count**-0.5, count * warmup_steps**-1.5)


def _transformer(rng):
    return {"d_model": int(rng.integers(64, 900)), "warmup_steps": int(rng.integers(1000, 9000))}


transformer_peak = lab.value(
    schedules.transformer_peak,
    title="The peak that “no learning rate” has",
    statement=(
        "“Attention is all you need” names no learning rate, only\n\n"
        "$$\\alpha_s = d^{-1/2}\\cdot\\min\\left(s^{-1/2},\\; s\\cdot w^{-3/2}\\right),$$\n\n"
        "with s the number of the update from 1, width d = `d_model` and w = `warmup_steps`. What "
        "is the **highest** rate? (For d = 512 and w = 4000 the answer is what one would tune "
        "Adam's rate to.)"
    ),
    points=2,
    minutes=4,
    core=False,
    syllabus=("7.8",),
    hide=("Formula",),
    inputs=_transformer,
    probe=probes.call(),
    checks=[matches_reference("the highest rate", rtol=1e-5)],
    hints=("One curve falls, the other rises. Where do they meet?", "Put s = w."),
)


@transformer_peak.mistake("This is the factor in front of the minimum alone.")
def width_only(d_model, warmup_steps):
    return d_model**-0.5


@transformer_peak.mistake("The width is missing: d^(−½) stands before the minimum.")
def warmup_only(d_model, warmup_steps):
    return warmup_steps**-0.5


@transformer_peak.mistake(
    "This is the rate of the first update, the lowest of the warm-up. The curves meet at s = w."
)
def at_the_first_update(d_model, warmup_steps):
    return d_model**-0.5 * warmup_steps**-1.5


@transformer_peak.mistake("At s = w the minimum is w^(−½): both enter with a root.")
def no_root(d_model, warmup_steps):
    return 1 / (d_model * warmup_steps)


@transformer_peak.mistake("You use the width 512 of the example. It is given: `d_model`.")
def width_of_the_paper(d_model, warmup_steps):
    return (512 * warmup_steps) ** -0.5


@transformer_peak.mistake(
    "This is the peak for d = 512 and w = 4000 only. Both are given: `d_model`, `warmup_steps`."
)
def rate_of_the_paper(d_model, warmup_steps):
    return (512 * 4000) ** -0.5


@transformer_peak.mistake("A wider model has a *lower* rate: d^(−½).")
def width_on_top(d_model, warmup_steps):
    return math.sqrt(d_model / warmup_steps)


@transformer_peak.mistake("A longer warm-up has a *lower* peak: w^(−½).")
def warmup_on_top(d_model, warmup_steps):
    return math.sqrt(warmup_steps / d_model)


@transformer_peak.mistake("Both curves meet at s = w exactly, not one update later.")
def one_late(d_model, warmup_steps):
    return (d_model * (warmup_steps + 1)) ** -0.5


@transformer_peak.alternative
def from_the_formula(d_model, warmup_steps):
    s = warmup_steps
    return d_model**-0.5 * min(s**-0.5, s * warmup_steps**-1.5)


@transformer_peak.alternative
def by_looking(d_model, warmup_steps):
    s = torch.arange(1, 2 * warmup_steps + 1, dtype=torch.float64)
    return (d_model**-0.5 * torch.minimum(s**-0.5, s * warmup_steps**-1.5)).max()

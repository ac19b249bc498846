"""A warm-up joined to a cosine."""

import math

from autograder.exercises.schedules.drawing import (
    AT_EVERY_STEP,
    SCHEDULERS,
    draw_rate,
    draw_steps,
    follows,
    is_pure,
    without,
)
from autograder.exercises.schedules.lab import lab
from autograder.judging import edit
from course_lib import schedules
from course_lib.schedules import cosine


def _warmup_and_wave(rng):
    warmup = int(rng.integers(5, 20))
    total = warmup + int(rng.integers(25, 70))
    rate = draw_rate(rng)
    around = (warmup, total, total - warmup, total + warmup, 2 * total)
    return {
        "step": draw_steps(rng, total, around=around),
        "base_lr": rate,
        "warmup_steps": warmup,
        "total_steps": total,
        "min_lr": rate * float(rng.uniform(0.05, 0.3)),
    }


warmup_then_cosine = lab.exercise(
    schedules.warmup_then_cosine,
    title="Warm up, then decay",
    statement=(
        "The schedule that most large models are trained with: a linear warm-up of w = "
        "`warmup_steps` steps, then a **whole** cosine from `base_lr` to `min_lr` over the steps "
        "that remain. `total_steps` = T is the length of the training with the warm-up *inside*.\n\n"
        "| step | rate |\n|---|---|\n| t = 0 | `base_lr`/w |\n"
        "| t = w − 1, last of the warm-up | `base_lr` |\n"
        "| t = w, where the cosine is at its own step 0 | `base_lr` once more |\n"
        "| t = T − 1, the last step | a little above `min_lr` |\n"
        "| every t ≥ T | `min_lr` |\n\n"
        "Where two schedules are joined, two things go wrong: the second one starts at the wrong "
        "place, or it has the wrong length. Call your own `cosine`."
    ),
    points=4,
    minutes=10,
    difficulty=2,
    syllabus=("7.10", "7.7"),
    hide=("Formula",),
    inputs=(_warmup_and_wave, without("min_lr", _warmup_and_wave), _warmup_and_wave),
    probe=AT_EVERY_STEP,
    checks=[
        follows("the warm-up", lambda inputs, t: t < inputs["warmup_steps"]),
        follows("no jump after the warm-up", lambda inputs, t: t == inputs["warmup_steps"]),
        follows(
            "the rates on the way down",
            lambda inputs, t: inputs["warmup_steps"] < t < inputs["total_steps"] - 1,
        ),
        follows("the rate at the last step", lambda inputs, t: t == inputs["total_steps"] - 1),
        follows("the rates after the last step", lambda inputs, t: t >= inputs["total_steps"]),
        is_pure,
    ],
    forbidden=SCHEDULERS,
    needs=("schedules/cosine",),
    hints=(
        "Two cases: t < w, and the rest.",
        "When the warm-up is over, the cosine must be at its step 0. How many steps remain?",
        "`cosine(step - warmup_steps, …, total_steps=total_steps - warmup_steps, …)`",
    ),
)


warmup_then_cosine.mistake(
    "cosine_already_running",
    edit("cosine(step - warmup_steps", "cosine(step").also(
        "rest = total_steps - warmup_steps", "rest = total_steps"
    ),
    "When the warm-up ends, your cosine has been running for w steps and the rate jumps down. It "
    "starts then: pass it t − w, and the length T − w. (Some libraries do it your way; the peak "
    "is then never held.)",
)
warmup_then_cosine.mistake(
    "never_arrives",
    edit("rest = total_steps - warmup_steps", "rest = total_steps"),
    "Your cosine starts at t = w but still takes T steps: the training ends before the rate is "
    "down. It has T − w steps.",
)
warmup_then_cosine.mistake(
    "starts_at_zero",
    edit("(step + 1)", "step"),
    "Your first update has rate 0 and does nothing. α₀ (t + 1)/w.",
)
warmup_then_cosine.mistake(
    "ends_too_early",
    edit("cosine(step - warmup_steps", "cosine(step"),
    "You shortened the cosine but did not shift it: it starts w steps too far and is at the "
    "bottom w steps before the end. Pass it t − w.",
)


@warmup_then_cosine.mistake(
    "You multiply the warm-up with a cosine that runs from step 0: the peak is never reached. "
    "First one, then the other."
)
def multiplies_both(step, *, base_lr, warmup_steps, total_steps, min_lr=0.0):
    ramp = min((step + 1) / warmup_steps, 1.0)
    return ramp * cosine(step, base_lr=base_lr, total_steps=total_steps, min_lr=min_lr)


@warmup_then_cosine.mistake(
    "You take the smaller of two curves that both run from step 0. First the warm-up, then the "
    "cosine, on a clock of its own."
)
def smaller_of_both(step, *, base_lr, warmup_steps, total_steps, min_lr=0.0):
    ramp = base_lr * (step + 1) / warmup_steps
    return min(ramp, cosine(step, base_lr=base_lr, total_steps=total_steps, min_lr=min_lr))


warmup_then_cosine.mistake(
    "overshoots",
    edit("step < warmup_steps", "step <= warmup_steps"),
    "At t = w you are still warming up and go above `base_lr`. The warm-up is t < w.",
)
warmup_then_cosine.mistake(
    "one_step_in_advance",
    edit("cosine(step - warmup_steps", "cosine(step - warmup_steps + 1"),
    "Your cosine starts at its step 1. At t = w it is at its step 0: t − w.",
)
warmup_then_cosine.mistake(
    "peak_held_once",
    edit("cosine(step - warmup_steps", "cosine(step - warmup_steps + 1").also(
        "rest = total_steps - warmup_steps", "rest = total_steps - warmup_steps + 1"
    ),
    "Your cosine starts at t = w − 1, the last step of the warm-up, so that the peak is held for "
    "one step. Here it starts at t = w, with `base_lr` once more: t − w, and length T − w. "
    "(Another convention, not this one.)",
)
warmup_then_cosine.mistake(
    "arrives_at_the_last_step",
    edit("rest = total_steps - warmup_steps", "rest = total_steps - warmup_steps - 1"),
    "Your cosine is at `min_lr` at the last step already. It arrives at t = T, after it: its "
    "length is T − w.",
)
warmup_then_cosine.mistake(
    "forgets_the_floor",
    edit(", min_lr=min_lr", ""),
    "You do not pass `min_lr` on.",
)


@warmup_then_cosine.mistake(
    "After T your rate rises again. It stays at `min_lr`; your own `cosine` does that."
)
def wave_after_the_end(step, *, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    progress = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * progress)) / 2


warmup_then_cosine.mistake(
    "starts_at_the_floor",
    edit(
        "return base_lr * ((step + 1) / warmup_steps)",
        "return min_lr + (base_lr - min_lr) * (step + 1) / warmup_steps",
    ),
    "Your warm-up starts from `min_lr`. Here it rises from `base_lr`/w, whatever the floor. "
    "(Another convention, not this one.)",
)


@warmup_then_cosine.alternative
def by_one_formula(step, *, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step >= warmup_steps:
        progress = min(1.0, (step - warmup_steps) / (total_steps - warmup_steps))
        return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * progress)) / 2
    return base_lr / warmup_steps * (step + 1)


@warmup_then_cosine.alternative
def by_the_shifted_clock(step, *, base_lr, warmup_steps, total_steps, min_lr=0.0):
    clock = max(step - warmup_steps, 0)
    after = cosine(clock, base_lr=base_lr, total_steps=total_steps - warmup_steps, min_lr=min_lr)
    return after * min(1.0, (step + 1) / warmup_steps)

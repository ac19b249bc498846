"""A schedule carried over to another batch size."""

import math
from functools import partial


from autograder import probes
from autograder.exercises.schedules.drawing import draw_rate
from autograder.exercises.schedules.lab import lab
from autograder.judging.checks import matches_reference
from course_lib import schedules


def _rescaling(rng, up):
    """Steps that cut and rounded whole numbers tell apart, and none near a half.

    The length is rounded up or down, as ``up`` says; of the milestones some are rounded up, some
    down. They come in no order.
    """
    while True:
        old, new = (int(n) for n in rng.permutation([96, 128, 160, 200, 256, 320, 384, 500])[:2])
        total = int(rng.integers(20_000, 90_000))
        milestones = [int(total * f) for f in rng.uniform(0.2, 0.95, size=3)]
        length, *parts = (m * old / new % 1 for m in (total, *milestones))
        clear = all(0.05 < part < 0.45 or 0.55 < part < 0.95 for part in (length, *parts))
        mixed = min(parts) < 0.45 and max(parts) > 0.55 and (length > 0.5) == up
        if clear and mixed and milestones not in (sorted(milestones), sorted(milestones)[::-1]):
            break
    return {
        "batch_size": old,
        "new_batch_size": new,
        "base_lr": draw_rate(rng),
        "total_steps": total,
        "milestones": milestones,
    }


_UP, _DOWN = partial(_rescaling, up=True), partial(_rescaling, up=False)


rescale_for_batch_size = lab.exercise(
    schedules.rescale_for_batch_size,
    title="Another batch size",
    statement=(
        "A recipe was tuned for batches of `batch_size`; your GPU fits `new_batch_size`. Carry "
        "**all** of the schedule over, so that every drop comes after as many *examples* as before: "
        "return the tuple `(base_lr, total_steps, milestones)` for the new batch size.\n\n"
        "- The rate grows in proportion to the batch (Goyal et al. 2017; the rule is for SGD).\n"
        "- The number of steps, and each milestone, changes so that batch size × steps stays the "
        "same. They are whole numbers: round to the *nearest*.\n\n"
        "The milestones come back as a tuple, in their order."
    ),
    points=3,
    minutes=8,
    difficulty=2,
    syllabus=("7.12",),
    hide=("Formula",),
    inputs=(_UP, _DOWN, _UP),
    probe=probes.call(),
    checks=[
        matches_reference("the rate", of="result.0", rtol=1e-5),
        matches_reference("the number of steps", of="result.1", rtol=1e-9),
        matches_reference("the milestones", of="result.2", rtol=1e-9),
    ],
    hints=(
        "Examples seen by step m: m · B. After how many batches of B' is that?",
        "`round(m * batch_size / new_batch_size)`, for the milestones and for the length.",
    ),
)


@rescale_for_batch_size.mistake(
    "You scale the rate and leave the steps as they were: with larger batches you now train "
    "longer, with smaller ones you stop early. T' = T · B/B', and so for milestones."
)
def rate_only(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    return base_lr * new_batch_size / batch_size, total_steps, tuple(milestones)


@rescale_for_batch_size.mistake(
    "`total_steps` is unchanged. To see as many examples it is T · B/B'."
)
def length_unchanged(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    return base_lr * growth, total_steps, tuple(round(m / growth) for m in milestones)


@rescale_for_batch_size.mistake(
    "The milestones are left where they were. They mark examples seen, like the end of training: "
    "m · B/B'."
)
def milestones_forgotten(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    return base_lr * growth, round(total_steps / growth), tuple(milestones)


@rescale_for_batch_size.mistake(
    "You rescale the steps but not the rate. Fewer steps need larger ones: α₀ · B'/B."
)
def rate_unchanged(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    return base_lr, round(total_steps / growth), tuple(round(m / growth) for m in milestones)


@rescale_for_batch_size.mistake(
    "Old and new batch size are exchanged: with a larger batch you take more, smaller steps."
)
def upside_down(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = batch_size / new_batch_size
    steps = tuple(round(m / growth) for m in milestones)
    return base_lr * growth, round(total_steps / growth), steps


@rescale_for_batch_size.mistake(
    "With a larger batch you take *more* steps. Batch size × steps stays the same."
)
def steps_grow_too(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    steps = tuple(round(m * growth) for m in milestones)
    return base_lr * growth, round(total_steps * growth), steps


@rescale_for_batch_size.mistake(
    "You scale the rate with the root of the batch size: that is common for Adam. Here, for SGD, "
    "it is the linear rule."
)
def root_rule(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    steps = tuple(round(m / growth) for m in milestones)
    return base_lr * math.sqrt(growth), round(total_steps / growth), steps


@rescale_for_batch_size.mistake(
    "You cut the steps off. Round to the nearest whole number: `round`."
)
def cut_off(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    steps = tuple(int(m / growth) for m in milestones)
    return base_lr * growth, int(total_steps / growth), steps


@rescale_for_batch_size.mistake(
    "You round the milestones and cut `total_steps` off. Round both to the nearest whole number."
)
def length_cut_off(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    steps = tuple(round(m / growth) for m in milestones)
    return base_lr * growth, int(total_steps / growth), steps


@rescale_for_batch_size.mistake(
    "You round `total_steps` and cut the milestones off. Round both to the nearest whole number."
)
def milestones_cut_off(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    return base_lr * growth, round(total_steps / growth), tuple(int(m / growth) for m in milestones)


@rescale_for_batch_size.mistake(
    "You always round up. Round to the *nearest* whole number: `round`."
)
def always_up(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    steps = tuple(math.ceil(m / growth) for m in milestones)
    return base_lr * growth, math.ceil(total_steps / growth), steps


@rescale_for_batch_size.mistake(
    "Your steps are not whole numbers. Round them to the nearest: `round`."
)
def not_rounded(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    return base_lr * growth, total_steps / growth, tuple(m / growth for m in milestones)


@rescale_for_batch_size.mistake(
    "You sort the milestones. They come back in the order in which they were given."
)
def puts_them_in_order(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size / batch_size
    steps = tuple(sorted(round(m / growth) for m in milestones))
    return base_lr * growth, round(total_steps / growth), steps


@rescale_for_batch_size.mistake(
    "`//` makes a whole number of B'/B: 1 from 96 to 160, and 0 if the new batches are smaller. "
    "Use `/`."
)
def whole_growth(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    growth = new_batch_size // batch_size
    steps = tuple(round(m / growth) for m in milestones)
    return base_lr * growth, round(total_steps / growth), steps


@rescale_for_batch_size.alternative
def by_examples(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    steps = [round(m * batch_size / new_batch_size) for m in (total_steps, *milestones)]
    return [base_lr / batch_size * new_batch_size, steps[0], steps[1:]]


@rescale_for_batch_size.alternative
def by_floor_of_a_half_more(batch_size, new_batch_size, *, base_lr, total_steps, milestones):
    def rescale(steps):
        return (2 * steps * batch_size + new_batch_size) // (2 * new_batch_size)

    new = [rescale(milestone) for milestone in milestones]
    return base_lr * (new_batch_size / batch_size), rescale(total_steps), new

"""Schedules that are given in epochs: passes over the data, or a fixed number of steps."""

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
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import schedules


def _halving(rng):
    epochs, steps = int(rng.integers(2, 6)), int(rng.integers(7, 14))
    return {
        "step": draw_steps(
            rng, 5 * epochs * steps, around=(steps, epochs * steps, 2 * epochs * steps)
        ),
        "base_lr": draw_rate(rng),
        "epochs": epochs,
        "steps_per_epoch": steps,
    }


halve_every = lab.exercise(
    schedules.halve_every,
    title="Halve every few epochs",
    statement=(
        "Papers count epochs, schedules count steps. Write “halve the rate every `epochs` epochs” "
        "as a function of the step; an epoch has `steps_per_epoch` steps.\n\n"
        "**Ends.** Epochs count from 0, as steps do: step 0 has `base_lr`, and so has every step of "
        "the first `epochs` epochs. There is no last step."
    ),
    points=2,
    minutes=4,
    core=False,
    syllabus=("7.3",),
    hide=("Formula",),
    inputs=_halving,
    probe=AT_EVERY_STEP,
    checks=endless_checks(),
    forbidden=SCHEDULERS,
    hints=("In which epoch is step t?", "How many steps lie between two halvings?"),
)


@halve_every.mistake(
    "You divide the step by a number of epochs, so you halve every few *steps*. An epoch has "
    "`steps_per_epoch` of them: divide by their product."
)
def epochs_taken_for_steps(step, *, base_lr, epochs, steps_per_epoch):
    return base_lr * 0.5 ** (step // epochs)


@halve_every.mistake("You halve after every epoch. It is every `epochs` epochs.")
def after_every_epoch(step, *, base_lr, epochs, steps_per_epoch):
    return base_lr * 0.5 ** (step // steps_per_epoch)


@halve_every.mistake("Your exponent is not whole: the rate falls at every step. Use `//`.")
def never_whole(step, *, base_lr, epochs, steps_per_epoch):
    return base_lr * 0.5 ** (step / (epochs * steps_per_epoch))


@halve_every.mistake(
    "You divide whole epochs by `epochs` with `/`, so the rate falls a little after *every* "
    "epoch. It falls every `epochs` epochs, by half: `//` there too."
)
def falls_at_every_epoch(step, *, base_lr, epochs, steps_per_epoch):
    return base_lr * 0.5 ** (step // steps_per_epoch / epochs)


@halve_every.mistake("You divide by ten. Halve: the factor is ½.")
def a_tenth(step, *, base_lr, epochs, steps_per_epoch):
    return base_lr * 0.1 ** (step // (epochs * steps_per_epoch))


@halve_every.mistake(
    "Your rates are α₀/1, α₀/2, α₀/3, … To halve again and again is α₀/1, α₀/2, α₀/4, …"
)
def harmonic(step, *, base_lr, epochs, steps_per_epoch):
    return base_lr / (1 + step // (epochs * steps_per_epoch))


@halve_every.mistake(
    "You take away half of α₀ each time: after two halvings nothing is left. Halve what is there."
)
def halved_along_a_line(step, *, base_lr, epochs, steps_per_epoch):
    return max(0.0, base_lr * (1 - 0.5 * (step // (epochs * steps_per_epoch))))


@halve_every.mistake(
    "You count epochs from 1, so everything comes one epoch early. The first one is 0."
)
def epochs_from_one(step, *, base_lr, epochs, steps_per_epoch):
    epoch = step // steps_per_epoch + 1
    return base_lr * 0.5 ** (epoch // epochs)


@halve_every.mistake("You halve once and never again. Halve every `epochs` epochs.")
def halves_once(step, *, base_lr, epochs, steps_per_epoch):
    return base_lr / 2 if step >= epochs * steps_per_epoch else base_lr


@halve_every.mistake(
    "You halve one step early: the last step of the k-th epoch still has the old rate."
)
def halved_one_step_early(step, *, base_lr, epochs, steps_per_epoch):
    return base_lr * 0.5 ** ((step + 1) // (epochs * steps_per_epoch))


@halve_every.mistake(
    "You halve one step late: the first step of the next epoch, t = `epochs` · `steps_per_epoch`, "
    "has the new rate already."
)
def halved_one_step_late(step, *, base_lr, epochs, steps_per_epoch):
    return base_lr * 0.5 ** (max(step - 1, 0) // (epochs * steps_per_epoch))


@halve_every.alternative
def through_the_epoch(step, *, base_lr, epochs, steps_per_epoch):
    epoch = step // steps_per_epoch
    return base_lr / 2 ** (epoch // epochs)


@halve_every.alternative
def through_a_loop(step, *, base_lr, epochs, steps_per_epoch):
    while step >= epochs * steps_per_epoch:
        step, base_lr = step - epochs * steps_per_epoch, base_lr / 2
    return base_lr


def _epochs(rng):
    return {
        "milestones": sorted(float(m) for m in rng.uniform(5, 95, size=int(rng.integers(3, 6)))),
        "dataset_size": int(rng.integers(20_000, 90_000)),
        "batch_size": int(rng.integers(30, 300)),
        "epoch_steps": int(rng.integers(1_000, 9_000)),
    }


milestones_in_new_epochs = lab.exercise(
    schedules.milestones_in_new_epochs,
    title="Another epoch",
    statement=(
        "In the paper an epoch is one pass over the data (`dataset_size` examples), and the rate "
        "drops at the epochs in `milestones`. In your code an epoch is `epoch_steps` steps with "
        "batches of `batch_size`, whatever the data; many codes take 5000. At which of *your* "
        "epochs must the rate drop, so that as many examples have been seen before each drop?\n\n"
        "Return a tuple of numbers, not rounded."
    ),
    points=2,
    core=False,
    syllabus=("7.12",),
    hide=("Formula",),
    inputs=_epochs,
    probe=probes.call(),
    checks=[matches_reference("the milestones", rtol=1e-5), leaves_inputs_alone()],
    hints=("How many examples have been seen at milestone m?", "And in one of your epochs?"),
)


@milestones_in_new_epochs.mistake(
    "You keep the numbers: epoch 30 of theirs and epoch 30 of yours come after different numbers "
    "of examples. Convert them."
)
def left_as_they_were(milestones, *, dataset_size, batch_size, epoch_steps):
    return tuple(milestones)


@milestones_in_new_epochs.mistake(
    "You convert the other way round, from your epochs to passes over the data."
)
def the_other_way_round(milestones, *, dataset_size, batch_size, epoch_steps):
    return tuple(m * batch_size * epoch_steps / dataset_size for m in milestones)


@milestones_in_new_epochs.mistake(
    "You divide examples by steps. One of your epochs sees `epoch_steps` · `batch_size` examples."
)
def batch_size_forgotten(milestones, *, dataset_size, batch_size, epoch_steps):
    return tuple(m * dataset_size / epoch_steps for m in milestones)


@milestones_in_new_epochs.mistake(
    "You multiply by the batch size. The larger the batches, the *fewer* epochs of a fixed number "
    "of steps are needed."
)
def batch_size_on_top(milestones, *, dataset_size, batch_size, epoch_steps):
    return tuple(m * dataset_size * batch_size / epoch_steps for m in milestones)


@milestones_in_new_epochs.mistake("These are steps. Divide by the steps of one of your epochs.")
def in_steps(milestones, *, dataset_size, batch_size, epoch_steps):
    return tuple(m * dataset_size / batch_size for m in milestones)


@milestones_in_new_epochs.mistake(
    "These are examples. Divide by the examples that one of your epochs sees."
)
def in_examples(milestones, *, dataset_size, batch_size, epoch_steps):
    return tuple(m * dataset_size for m in milestones)


@milestones_in_new_epochs.mistake("You cut off to whole epochs. Asked for are the exact ones.")
def down_to_whole_epochs(milestones, *, dataset_size, batch_size, epoch_steps):
    return tuple(m * dataset_size // (batch_size * epoch_steps) for m in milestones)


@milestones_in_new_epochs.mistake("You round to whole epochs. Asked for are the exact ones.")
def to_the_nearest_epoch(milestones, *, dataset_size, batch_size, epoch_steps):
    return tuple(round(m * dataset_size / (batch_size * epoch_steps)) for m in milestones)


@milestones_in_new_epochs.mistake(
    "You count whole batches in one pass and lose the rest of the data. Count *examples*: m · N "
    "of them are seen, and B · S in one of your epochs."
)
def full_batches_only(milestones, *, dataset_size, batch_size, epoch_steps):
    return tuple(m * (dataset_size // batch_size) / epoch_steps for m in milestones)


@milestones_in_new_epochs.mistake(
    "You round the batches of one pass up, as if the last one were full. Count *examples*: m · N "
    "of them are seen, and B · S in one of your epochs."
)
def batches_rounded_up(milestones, *, dataset_size, batch_size, epoch_steps):
    return tuple(m * -(-dataset_size // batch_size) / epoch_steps for m in milestones)


@milestones_in_new_epochs.mistake(
    "`/ batch_size * epoch_steps` divides by the one and multiplies by the other. Divide by their "
    "product: put it in parentheses."
)
def parentheses_lost(milestones, *, dataset_size, batch_size, epoch_steps):
    return tuple(m * dataset_size / batch_size * epoch_steps for m in milestones)


@milestones_in_new_epochs.mistake(
    "5000 is what many codes take; here an epoch has `epoch_steps` steps."
)
def always_5000_steps(milestones, *, dataset_size, batch_size, epoch_steps):
    return tuple(m * dataset_size / (batch_size * 5000) for m in milestones)


@milestones_in_new_epochs.mistake("Milestones are stretched, not shifted: multiply.")
def added_up(milestones, *, dataset_size, batch_size, epoch_steps):
    return tuple(m + dataset_size / (batch_size * epoch_steps) for m in milestones)


@milestones_in_new_epochs.alternative
def through_steps(milestones, *, dataset_size, batch_size, epoch_steps):
    steps_per_pass = dataset_size / batch_size
    return [milestone * steps_per_pass / epoch_steps for milestone in milestones]


@milestones_in_new_epochs.alternative
def as_a_vector(milestones, *, dataset_size, batch_size, epoch_steps):
    passes = torch.tensor(milestones, dtype=torch.float64)
    return passes * dataset_size / (batch_size * epoch_steps)

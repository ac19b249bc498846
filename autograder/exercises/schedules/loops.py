"""Where a loop calls its scheduler, and how often."""

import math
from functools import partial

import numpy as np
import torch

from autograder import probes
from autograder.exercises.schedules.drawing import draw_rate
from autograder.exercises.schedules.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import schedules


PER_BATCH = ("0.1", "0.01", "0.0001", "less than 1e-20")


def outcome_per_batch() -> str:
    """The rate that StepLR gives after one epoch of 100 batches when stepped per batch."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)
    for _ in range(100):
        optimizer.step()
        scheduler.step()
    rate = optimizer.param_groups[0]["lr"]
    return next(
        (c for c in PER_BATCH[:3] if math.isclose(float(c), rate, rel_tol=0.01)), PER_BATCH[3]
    )


lab.prediction(
    "stepped_per_batch",
    title="Predict: stepped in the wrong place",
    statement=(
        "`StepLR(optimizer, step_size=30, gamma=0.1)` is meant per epoch: drop at epochs 30, 60 and "
        "90, from 0.1. By accident `scheduler.step()` stands inside the loop over the 100 *batches* "
        "of an epoch. What is the rate after the **first epoch**?"
    ),
    minutes=1,
    core=False,
    syllabus=("7.12",),
    choices=PER_BATCH,
    outcome=outcome_per_batch,
    explanation=(
        "100 calls are three drops: the whole schedule of 90 epochs is over within the first. The "
        "run does not fail; it just hardly learns any more."
    ),
)


def _recorded(rng, least, most):
    """The rates of a run with so many updates per call, which ends somewhere within a stage."""
    updates_per_step = int(rng.integers(least, most))
    step_size = int(rng.integers(2, 6))
    stage = step_size * updates_per_step
    gamma, rate = float(rng.uniform(0.2, 0.7)), draw_rate(rng)
    cut = int(rng.integers(1, stage))
    stages = int(rng.integers(1, 4))
    powers = np.repeat(np.arange(stages + 1), stage)[: stages * stage + cut]
    return {"rates": rate * gamma**powers, "step_size": step_size}


updates_per_schedule_step = lab.exercise(
    schedules.updates_per_schedule_step,
    title="Who calls `step()`, and how often?",
    statement=(
        "The commonest accident with schedules is not in the formula: `scheduler.step()` is called "
        "once per *batch* with a schedule that was meant per *epoch*, or the other way round. Find "
        "out by counting. `rates` holds the learning rate that every update of a run used, in "
        "order; the run had a `StepLR` with argument `step_size`, which drops the rate after each "
        "`step_size` **calls** of its `step()`.\n\n"
        "Return how many updates the loop made per call: 1 if it was called per batch, the number "
        "of batches if it was called once an epoch, 4 with gradient accumulation over 4 batches… "
        "The run holds at least one drop, and may have ended in the middle of a stage."
    ),
    points=2,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("7.12", "7.2"),
    hide=("Formula",),
    inputs=(
        partial(_recorded, least=11, most=40),
        partial(_recorded, least=1, most=2),
        partial(_recorded, least=3, most=9),
        partial(_recorded, least=50, most=90),
    ),
    probe=probes.call(),
    checks=[matches_reference("updates per call"), leaves_inputs_alone()],
    equivalent_mutants={
        "_, lengths = torch.unique_consecutive(rates, return_counts=True) => _, lengths = "
        "through_half(torch.unique_consecutive(rates, return_counts=True))": "the lengths are counts",
        "right only for positive rates": "a learning rate is never negative",
    },
    hints=(
        "How many updates have the very first rate?",
        "How many calls of `step()` were made in that time?",
    ),
)


@updates_per_schedule_step.mistake(
    "You count the updates before the first drop. `step_size` calls were made in that time: "
    "divide by it."
)
def updates_before_the_drop(rates, *, step_size):
    return int((rates == rates[0]).sum())


@updates_per_schedule_step.mistake(
    "You average over all stages, but the last one may be cut short. The first is whole."
)
def mean_stage(rates, *, step_size):
    return len(rates) / len(rates.unique()) / step_size


@updates_per_schedule_step.mistake(
    "You average over all stages, but the last one may be cut short. The first is whole."
)
def mean_stage_cut_off(rates, *, step_size):
    return len(rates) // len(rates.unique()) // step_size


@updates_per_schedule_step.mistake(
    "You count the updates at the last rate, where the run may have stopped half-way. Count the "
    "first."
)
def last_stage(rates, *, step_size):
    return int((rates == rates[-1]).sum()) / step_size


@updates_per_schedule_step.mistake(
    "You count the updates at the last rate, where the run may have stopped half-way. Count the "
    "first."
)
def last_stage_cut_off(rates, *, step_size):
    return int((rates == rates[-1]).sum()) // step_size


@updates_per_schedule_step.mistake(
    "You divide the length of the whole run. Only the updates at *one* rate belong to `step_size` "
    "calls."
)
def whole_run(rates, *, step_size):
    return len(rates) // step_size


@updates_per_schedule_step.mistake("You count the first update with the new rate too.")
def one_too_many(rates, *, step_size):
    return (int((rates == rates[0]).sum()) + 1) / step_size


@updates_per_schedule_step.mistake(
    "You are one update short: the *index* of the last update at the first rate is one less than "
    "their number, since indices count from 0."
)
def one_too_few(rates, *, step_size):
    return (int((rates == rates[0]).sum()) - 1) / step_size


@updates_per_schedule_step.mistake(
    "You are one update short: the *index* of the last update at the first rate is one less than "
    "their number, since indices count from 0."
)
def one_too_few_cut_off(rates, *, step_size):
    return (int((rates == rates[0]).sum()) - 1) // step_size


@updates_per_schedule_step.mistake("You count drops. Asked for are the updates per call.")
def number_of_drops(rates, *, step_size):
    return int((rates[1:] != rates[:-1]).sum())


@updates_per_schedule_step.mistake(
    "You multiply by `step_size`. One stage has `step_size` calls: divide."
)
def stage_multiplied(rates, *, step_size):
    return int((rates == rates[0]).sum()) * step_size


@updates_per_schedule_step.mistake("This is calls per update. Asked for are updates per call.")
def steps_per_update(rates, *, step_size):
    return step_size / int((rates == rates[0]).sum())


@updates_per_schedule_step.alternative
def by_counting(rates, *, step_size):
    return int((rates == rates[0]).sum()) // step_size


@updates_per_schedule_step.alternative
def by_the_first_drop(rates, *, step_size):
    for index in range(len(rates)):
        if rates[index] < rates[0]:
            return torch.tensor(index / step_size)

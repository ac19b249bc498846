"""Dead ReLU units, counted over a data set."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.activations.lab import IN_FLOAT32, lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import activations


def _batches(rng, sizes=(4, 5, 7, 9)):
    """Units that are dead everywhere, in some batches only, or nowhere; batches of other sizes."""
    sizes = rng.permutation(sizes)
    # What becomes of a unit: dead, at exactly 0 at best, active for one example (the very first,
    # one of the second batch, or the very last), throughout the third batch and much, throughout
    # the last batch and little (both also once in the first), now and then. Some examples move no
    # unit.
    counts = [*rng.permutation([2, 3, 4, 6, 9, 13, 17]), int(rng.integers(18, 30))]
    fate = rng.permutation(np.repeat(np.arange(8), counts))
    batches = [-np.abs(rng.normal(size=(int(size), len(fate)))) - 0.1 for size in sizes]
    for z in batches:
        z[0, fate == 1] = 0.0
        z[:-1, fate == 7] = rng.normal(size=(len(z) - 1, counts[7])) + 0.5
    first, second, third, last = batches
    first[0, fate == 2], second[2, fate == 3], last[-1, fate == 4] = 0.3, 0.2, 0.3
    third[:, fate == 5] *= -20
    last[:, fate == 6] *= -0.1
    first[1, (fate == 5) | (fate == 6)] = 0.05
    return {"batches": batches}


def _many(rng):
    return _batches(rng, sizes=(50, 60, 70, 90))


dead_fraction = lab.exercise(
    activations.dead_fraction,
    title="Count the dead",
    statement=r"""A ReLU unit is **dead** on a data set when its pre-activation is ≤ 0 for *every* example:
its output is always 0, its slope is always 0, and so is every gradient on its weights. A unit
that answers to a single example in ten thousand is alive.

Pre-activations come batch by batch, in a list of tensors of shape (N_b, M), with the same M units.
Return the share of units that are dead on **the whole data set**. An exact 0 counts as not active.""",
    points=3,
    minutes=7,
    difficulty=2,
    syllabus=("2.11",),
    hide=("Formula",),
    inputs=(_batches, _many, _batches),
    probe=probes.call(),
    checks=[matches_reference("the share of dead units", rtol=IN_FLOAT32), leaves_inputs_alone()],
    equivalent_mutants={
        "return (~alive).to(batches[0].dtype).mean() => "
        "return (~alive).to(batches[1].dtype).mean()": "all batches have one dtype",
    },
    hints=(
        "Over which axis must a unit be ≤ 0 throughout?",
        "`torch.cat(batches)` is the data set, or keep a running record of who was ever active.",
    ),
)


@dead_fraction.mistake(
    "You count all zeros. That a unit is off for some examples is its job; dead is a unit that is "
    "off for all of them."
)
def share_of_zeros(batches):
    everything = torch.cat(batches)
    return (everything <= 0).to(everything.dtype).mean()


@dead_fraction.mistake(
    "You average the dead shares of the batches. A unit that is silent in one batch and active in "
    "the next is alive: first put the batches together, then decide."
)
def average_over_batches(batches):
    return torch.stack([(z <= 0).all(dim=0).to(z.dtype).mean() for z in batches]).mean()


@dead_fraction.mistake(
    "You count units that are silent throughout *some* batch. It must be all of them."
)
def dead_in_any_batch(batches):
    dead = torch.stack([(z <= 0).all(dim=0) for z in batches]).any(dim=0)
    return dead.to(batches[0].dtype).mean()


@dead_fraction.mistake(
    "You count units that are off for *some* example (`any`). Dead is off for `all`."
)
def dead_for_one(batches):
    everything = torch.cat(batches)
    return (everything <= 0).any(dim=0).to(everything.dtype).mean()


@dead_fraction.mistake("You look at the last batch only.")
def last_batch_only(batches):
    return (batches[-1] <= 0).all(dim=0).to(batches[-1].dtype).mean()


@dead_fraction.mistake("You look at the first batch only. (Does a `return` stand inside the loop?)")
def first_batch_only(batches):
    for z in batches:
        return (z <= 0).all(dim=0).to(z.dtype).mean()


@dead_fraction.mistake(
    "You count units that are active for less than some share of the examples. A single example "
    "keeps a unit alive."
)
def nearly_always_off(batches):
    everything = torch.cat(batches)
    active = (everything > 0).to(everything.dtype).mean(dim=0)
    return (active < 0.01).to(everything.dtype).mean()


@dead_fraction.mistake(
    "A unit whose largest pre-activation is exactly 0 is dead too: its output is 0 and its slope "
    "(torch's convention) as well. `<= 0`, not `< 0`."
)
def strictly_below(batches):
    everything = torch.cat(batches)
    return (everything < 0).all(dim=0).to(everything.dtype).mean()


@dead_fraction.mistake(
    "You ask whether the *mean* pre-activation is ≤ 0. One positive example keeps a unit alive: "
    "the largest one counts."
)
def dead_on_average(batches):
    everything = torch.cat(batches)
    return (everything.mean(dim=0) <= 0).to(everything.dtype).mean()


@dead_fraction.mistake(
    "You count examples for which all units are off. Units are columns: reduce over the examples, "
    "axis 0."
)
def examples_not_units(batches):
    everything = torch.cat(batches)
    return (everything <= 0).all(dim=1).to(everything.dtype).mean()


@dead_fraction.mistake("You return the share that is alive.")
def alive_share(batches):
    everything = torch.cat(batches)
    return (everything > 0).any(dim=0).to(everything.dtype).mean()


@dead_fraction.mistake("Your share is in percent. A share is between 0 and 1: no factor 100.")
def percent(batches):
    return 100 * (torch.cat(batches) <= 0).all(dim=0).double().mean()


@dead_fraction.mistake(
    "You leave out the first batch. A unit that is active in it alone is alive: look at all of "
    "them."
)
def without_the_first_batch(batches):
    return (torch.cat(batches[1:]) <= 0).all(dim=0).double().mean()


@dead_fraction.mistake(
    "You leave out the last batch. A unit that is active in it alone is alive: look at all of them."
)
def without_the_last_batch(batches):
    return (torch.cat(batches[:-1]) <= 0).all(dim=0).double().mean()


@dead_fraction.mistake("You return a count. Divide by the number of units.")
def counted(batches):
    return (torch.cat(batches) <= 0).all(dim=0).sum()


@dead_fraction.alternative
def by_the_living(batches):
    return 1 - (torch.cat(batches).amax(dim=0) > 0).float().mean()


@dead_fraction.alternative
def running_maximum(batches):
    largest = batches[0].amax(dim=0)
    for z in batches[1:]:
        largest = torch.maximum(largest, z.amax(dim=0))
    return float((largest <= 0).sum()) / len(largest)

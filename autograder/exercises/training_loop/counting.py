"""Steps and epochs."""

import math

import numpy as np

from autograder import probes
from autograder.exercises.training_loop.lab import lab
from autograder.judging.checks import matches_reference
from course_lib import training_loop


def _with_a_rest(smallest, largest, drop_last):
    """The rest of the last batch lies between two shares of a whole one."""

    def draw(rng):
        batch_size = int(rng.integers(30, 130))
        rest = int(rng.integers(max(1, smallest * batch_size), largest * batch_size))
        return {
            "count": batch_size * int(rng.integers(7, 900)) + rest,
            "batch_size": batch_size,
            "drop_last": drop_last,
        }

    return draw


def _without_a_rest(drop_last):
    def draw(rng):
        batch_size = int(rng.integers(30, 130))
        count = batch_size * int(rng.integers(7, 900))
        return {"count": count, "batch_size": batch_size, "drop_last": drop_last}

    return draw


def _less_than_a_batch(drop_last):
    def draw(rng):
        count = int(rng.integers(30, 60))
        batch_size = count + int(rng.integers(3, 25))
        return {"count": count, "batch_size": batch_size, "drop_last": drop_last}

    return draw


iterations_per_epoch = lab.repair(
    training_loop.iterations_per_epoch,
    title="How many steps are an epoch?",
    statement="""N = 1003 examples in batches of 100: the line below says 10 steps, and three examples
are never seen (worse, a schedule counted in steps ends early). Repair it, for both settings of
`drop_last`, which says whether an incomplete last batch is left out.""",
    points=1,
    minutes=3,
    core=False,
    syllabus=("1.10",),
    planted="rounded_down",
    hide=("Formula", "Raises"),
    inputs=(
        _with_a_rest(0, 0.4, drop_last=False),
        _with_a_rest(0.6, 1, drop_last=False),
        _without_a_rest(drop_last=False),
        _without_a_rest(drop_last=True),
        _with_a_rest(0.6, 1, drop_last=True),
        _less_than_a_batch(drop_last=True),
    ),
    probe=probes.call(),
    checks=[matches_reference("the number of steps")],
    hints=("`divmod(count, batch_size)` gives the complete batches and what is left.",),
)


@iterations_per_epoch.mistake(
    "You round down, also where the incomplete last batch is kept: it is a step too. 1003 "
    "examples in batches of 100 are 11 steps."
)
def rounded_down(count, batch_size, *, drop_last=False):
    return count // batch_size


@iterations_per_epoch.mistake(
    "You always add one. Where the batches come out even there is no last small one."
)
def always_one_more(count, batch_size, *, drop_last=False):
    return count // batch_size if drop_last else count // batch_size + 1


@iterations_per_epoch.mistake(
    "You round to the nearest. Whatever is left over makes a batch, however small: round up."
)
def rounded_to_nearest(count, batch_size, *, drop_last=False):
    return count // batch_size if drop_last else round(count / batch_size)


@iterations_per_epoch.mistake("Steps are whole numbers.")
def not_rounded(count, batch_size, *, drop_last=False):
    return count / batch_size


@iterations_per_epoch.mistake(
    "You count the incomplete batch also where `drop_last` leaves it out."
)
def always_up(count, batch_size, *, drop_last=False):
    return math.ceil(count / batch_size)


@iterations_per_epoch.mistake(
    "`drop_last` is understood the other way round: true means that the rest is left out."
)
def drop_last_turned(count, batch_size, *, drop_last=False):
    return math.ceil(count / batch_size) if drop_last else count // batch_size


@iterations_per_epoch.mistake(
    "You count one step at least. Fewer examples than a batch, and incomplete batches left out: "
    "that is no step at all."
)
def at_least_one(count, batch_size, *, drop_last=False):
    return max(1, count // batch_size) if drop_last else math.ceil(count / batch_size)


@iterations_per_epoch.mistake(
    "With `drop_last` you always take one off. Where the batches come out even there is no "
    "incomplete one to leave out."
)
def always_one_less(count, batch_size, *, drop_last=False):
    steps = math.ceil(count / batch_size)
    return steps - 1 if drop_last else steps


@iterations_per_epoch.mistake(
    "You add the number of examples that are left over. Together they make one more step."
)
def rest_added(count, batch_size, *, drop_last=False):
    full, rest = divmod(count, batch_size)
    return full if drop_last else full + rest


@iterations_per_epoch.mistake("This is the size of what is left over.")
def the_rest(count, batch_size, *, drop_last=False):
    return count % batch_size


@iterations_per_epoch.alternative
def by_ceil(count, batch_size, *, drop_last=False):
    return math.floor(count / batch_size) if drop_last else math.ceil(count / batch_size)


@iterations_per_epoch.alternative
def by_negative_division(count, batch_size, *, drop_last=False):
    if drop_last:
        return np.int64(count) // batch_size
    return -(-count // batch_size)


def _redefined(rng):
    return {
        "epochs": int(rng.integers(3, 40)),
        "epoch_length": int(rng.integers(900, 6000)),
        "batch_size": int(rng.integers(17, 300)),
        "count": int(rng.integers(2000, 2_000_000)),
    }


passes_over_the_data = lab.value(
    training_loop.passes_over_the_data,
    title="An epoch that is none",
    statement="""Where data sets are huge, an "epoch" is often redefined as a fixed number E of
iterations (`epoch_length`), so that something is printed now and then. A paper trained for `epochs`
such epochs with batches of `batch_size` on a data set of `count` examples. How often was each example
seen, on average?""",
    points=1,
    minutes=3,
    core=False,
    syllabus=("1.10",),
    hide=("Formula", "Source"),
    inputs=_redefined,
    probe=probes.call(),
    checks=[matches_reference("the passes over the data", rtol=1e-5)],
    hints=("How many iterations were there? How many examples did each see?",),
)


@passes_over_the_data.mistake(
    "You take an epoch for a pass over the data. Here it is a number of iterations."
)
def just_epochs(epochs, epoch_length, batch_size, count):
    return epochs


@passes_over_the_data.mistake("Each iteration sees a whole batch: multiply by `batch_size`.")
def one_example_a_step(epochs, epoch_length, batch_size, count):
    return epochs * epoch_length / count


@passes_over_the_data.mistake(
    "This is how many examples were seen in all; divide by how many there are."
)
def examples_seen(epochs, epoch_length, batch_size, count):
    return epochs * epoch_length * batch_size


@passes_over_the_data.mistake("The fraction is upside down: seen over existing.")
def upside_down(epochs, epoch_length, batch_size, count):
    return count / (epochs * epoch_length * batch_size)


@passes_over_the_data.mistake("This is for one of the redefined epochs.")
def one_epoch(epochs, epoch_length, batch_size, count):
    return epoch_length * batch_size / count


@passes_over_the_data.mistake(
    "This is the number of iterations in all. Each sees `batch_size` of the `count` examples."
)
def iterations_in_all(epochs, epoch_length, batch_size, count):
    return epochs * epoch_length


@passes_over_the_data.mistake(
    "The batch size multiplies what is seen: iterations × examples in each."
)
def length_as_examples(epochs, epoch_length, batch_size, count):
    return epochs * epoch_length / (batch_size * count)


@passes_over_the_data.mistake(
    "You round down. How often, on average, need not be a whole number: `/`, not `//`."
)
def rounded_down_passes(epochs, epoch_length, batch_size, count):
    return epochs * epoch_length * batch_size // count


@passes_over_the_data.mistake(
    "You round the steps of a pass to a whole number. Here every step sees `batch_size` examples, "
    "no matter where a pass ends: multiply and divide without rounding."
)
def whole_steps_per_pass(epochs, epoch_length, batch_size, count):
    return epochs * epoch_length / math.ceil(count / batch_size)


@passes_over_the_data.mistake("Do not round: half a pass is half a pass.")
def rounded(epochs, epoch_length, batch_size, count):
    return round(epochs * epoch_length * batch_size / count)


@passes_over_the_data.alternative
def by_steps_per_pass(epochs, epoch_length, batch_size, count):
    return epochs * epoch_length / (count / batch_size)


@passes_over_the_data.alternative
def by_share(epochs, epoch_length, batch_size, count):
    share = batch_size / count
    return sum(epoch_length * share for _ in range(epochs))

"""Steps, epochs, and what memory limits."""

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


def _machine(states, bytes_each):
    def draw(rng):
        parameters = int(rng.integers(10**7, 10**8))
        activations = int(rng.integers(10**4, 10**6))
        examples = int(rng.integers(40, 900)) + float(rng.uniform(0.6, 0.95))
        numbers = parameters * (2 + states) + examples * activations
        return {
            "memory": int(numbers * bytes_each),
            "parameters": parameters,
            "activations": activations,
            "states": states,
            "bytes_each": bytes_each,
        }

    return draw


largest_batch_size = lab.value(
    training_loop.largest_batch_size,
    title="What memory limits",
    statement="""*"The size of an epoch is limited by the memory of the GPU"*, a set of notes says. Work
out what is: during training the memory holds the parameters, a gradient for each, `states` numbers of
the optimizer for each (momentum keeps 1, Adam 2), and `activations` numbers for **each example of
the batch**, kept for the backward pass. Each number takes `bytes_each` bytes. How many examples may
a batch have, at most? (A whole number. Nothing else is kept.)

Which of N, E and B stands in your formula?""",
    points=2,
    difficulty=2,
    core=False,
    syllabus=("1.10",),
    hide=("Formula", "Source"),
    inputs=(_machine(2, 2), _machine(0, 4), _machine(1, 4), _machine(2, 4)),
    probe=probes.call(),
    checks=[matches_reference("the largest batch size")],
    hints=("What is there once, what once for each example?",),
)


@largest_batch_size.mistake(
    "The gradients are missing: one number for each parameter, beside the parameters."
)
def no_gradients(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory // bytes_each - parameters * (1 + states)) // activations


@largest_batch_size.mistake("The optimizer's own numbers are missing: `states` for each parameter.")
def no_optimizer(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory // bytes_each - parameters * 2) // activations


@largest_batch_size.mistake(
    "Gradients and the optimizer's numbers are missing: each parameter takes 2 + states numbers."
)
def weights_only(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory // bytes_each - parameters) // activations


@largest_batch_size.mistake(
    "`memory` is in bytes, everything else in numbers: divide by `bytes_each` first."
)
def bytes_for_numbers(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory - parameters * (2 + states)) // activations


@largest_batch_size.mistake(
    "What is left is in bytes, and you divide it by a number of activations. Each of them takes "
    "`bytes_each` bytes too."
)
def activations_counted_as_bytes(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory - bytes_each * parameters * (2 + states)) // activations


@largest_batch_size.mistake(
    "A batch has a whole number of examples, and what is not whole does not fit: round down."
)
def not_rounded_down(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory / bytes_each - parameters * (2 + states)) / activations


@largest_batch_size.mistake("You round up: the last example would not fit.")
def rounded_up(memory, parameters, activations, *, states=1, bytes_each=4):
    return math.ceil((memory / bytes_each - parameters * (2 + states)) / activations)


@largest_batch_size.mistake(
    "You count the parameters for every example. They are there once, for the whole batch."
)
def parameters_for_each_example(memory, parameters, activations, *, states=1, bytes_each=4):
    return memory // bytes_each // (parameters * (2 + states) + activations)


@largest_batch_size.mistake(
    "The parameters, their gradients and the optimizer's numbers take their place first."
)
def nothing_but_activations(memory, parameters, activations, *, states=1, bytes_each=4):
    return memory // bytes_each // activations


@largest_batch_size.mistake("You assume momentum; `states` says how many.")
def always_momentum(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory // bytes_each - parameters * 3) // activations


@largest_batch_size.mistake("You assume float32; `bytes_each` says how many.")
def always_four_bytes(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory // 4 - parameters * (2 + states)) // activations


@largest_batch_size.alternative
def in_bytes(memory, parameters, activations, *, states=1, bytes_each=4):
    fixed = bytes_each * parameters * (2 + states)
    return (memory - fixed) // (bytes_each * activations)


@largest_batch_size.alternative
def by_floor(memory, parameters, activations, *, states=1, bytes_each=4):
    weights = gradients = parameters
    free = memory / bytes_each - weights - gradients - states * parameters
    return math.floor(free / activations)

"""Steps, epochs, and what memory limits."""

import math

import numpy as np

from autograder import probes
from autograder.exercises.training_loop.lab import lab
from autograder.judging import Alternative, Mistake
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


def rounded_down(count, batch_size, *, drop_last=False):
    return count // batch_size


def always_one_more(count, batch_size, *, drop_last=False):
    return count // batch_size if drop_last else count // batch_size + 1


def rounded_to_nearest(count, batch_size, *, drop_last=False):
    return count // batch_size if drop_last else round(count / batch_size)


def not_rounded(count, batch_size, *, drop_last=False):
    return count / batch_size


def always_up(count, batch_size, *, drop_last=False):
    return math.ceil(count / batch_size)


def drop_last_turned(count, batch_size, *, drop_last=False):
    return math.ceil(count / batch_size) if drop_last else count // batch_size


def the_rest(count, batch_size, *, drop_last=False):
    return count % batch_size


def at_least_one(count, batch_size, *, drop_last=False):
    return max(1, count // batch_size) if drop_last else math.ceil(count / batch_size)


def always_one_less(count, batch_size, *, drop_last=False):
    steps = math.ceil(count / batch_size)
    return steps - 1 if drop_last else steps


def rest_added(count, batch_size, *, drop_last=False):
    full, rest = divmod(count, batch_size)
    return full if drop_last else full + rest


def by_ceil(count, batch_size, *, drop_last=False):
    return math.floor(count / batch_size) if drop_last else math.ceil(count / batch_size)


def by_negative_division(count, batch_size, *, drop_last=False):
    if drop_last:
        return np.int64(count) // batch_size
    return -(-count // batch_size)


lab.repair(
    training_loop.iterations_per_epoch,
    title="How many steps are an epoch?",
    statement="""N = 1003 examples in batches of 100: the line below says 10 steps, and three examples
are never seen (worse, a schedule counted in steps ends early). Repair it, for both settings of
`drop_last`, which says whether an incomplete last batch is left out.""",
    points=1,
    minutes=3,
    difficulty=1,
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
    mistakes=[
        Mistake(
            "rounded_down",
            rounded_down,
            "You round down, also where the incomplete last batch is kept: it is a step too. "
            "1003 examples in batches of 100 are 11 steps.",
        ),
        Mistake(
            "always_one_more",
            always_one_more,
            "You always add one. Where the batches come out even there is no last small one.",
        ),
        Mistake(
            "rounded_to_nearest",
            rounded_to_nearest,
            "You round to the nearest. Whatever is left over makes a batch, however small: round up.",
        ),
        Mistake("not_rounded", not_rounded, "Steps are whole numbers."),
        Mistake(
            "always_up",
            always_up,
            "You count the incomplete batch also where `drop_last` leaves it out.",
        ),
        Mistake(
            "drop_last_turned",
            drop_last_turned,
            "`drop_last` is understood the other way round: true means that the rest is left out.",
        ),
        Mistake(
            "at_least_one",
            at_least_one,
            "You count one step at least. Fewer examples than a batch, and incomplete batches left "
            "out: that is no step at all.",
        ),
        Mistake(
            "always_one_less",
            always_one_less,
            "With `drop_last` you always take one off. Where the batches come out even there is no "
            "incomplete one to leave out.",
        ),
        Mistake(
            "rest_added",
            rest_added,
            "You add the number of examples that are left over. Together they make one more step.",
        ),
        Mistake("the_rest", the_rest, "This is the size of what is left over."),
    ],
    alternatives=[
        Alternative("by_ceil", by_ceil),
        Alternative("by_negative_division", by_negative_division),
    ],
    hints=("`divmod(count, batch_size)` gives the complete batches and what is left.",),
)


def _redefined(rng):
    return {
        "epochs": int(rng.integers(3, 40)),
        "epoch_length": int(rng.integers(900, 6000)),
        "batch_size": int(rng.integers(17, 300)),
        "count": int(rng.integers(2000, 2_000_000)),
    }


def just_epochs(epochs, epoch_length, batch_size, count):
    return epochs


def one_example_a_step(epochs, epoch_length, batch_size, count):
    return epochs * epoch_length / count


def examples_seen(epochs, epoch_length, batch_size, count):
    return epochs * epoch_length * batch_size


def upside_down(epochs, epoch_length, batch_size, count):
    return count / (epochs * epoch_length * batch_size)


def one_epoch(epochs, epoch_length, batch_size, count):
    return epoch_length * batch_size / count


def iterations_in_all(epochs, epoch_length, batch_size, count):
    return epochs * epoch_length


def length_as_examples(epochs, epoch_length, batch_size, count):
    return epochs * epoch_length / (batch_size * count)


def rounded(epochs, epoch_length, batch_size, count):
    return round(epochs * epoch_length * batch_size / count)


def rounded_down_passes(epochs, epoch_length, batch_size, count):
    return epochs * epoch_length * batch_size // count


def whole_steps_per_pass(epochs, epoch_length, batch_size, count):
    return epochs * epoch_length / math.ceil(count / batch_size)


def by_steps_per_pass(epochs, epoch_length, batch_size, count):
    return epochs * epoch_length / (count / batch_size)


def by_share(epochs, epoch_length, batch_size, count):
    share = batch_size / count
    return sum(epoch_length * share for _ in range(epochs))


lab.value(
    training_loop.passes_over_the_data,
    title="An epoch that is none",
    statement="""Where data sets are huge, an "epoch" is often redefined as a fixed number E of
iterations (`epoch_length`), so that something is printed now and then. A paper trained for `epochs`
such epochs with batches of `batch_size` on a data set of `count` examples. How often was each example
seen, on average?""",
    points=1,
    minutes=3,
    difficulty=1,
    core=False,
    syllabus=("1.10",),
    hide=("Formula", "Source"),
    inputs=_redefined,
    probe=probes.call(),
    checks=[matches_reference("the passes over the data", rtol=1e-5)],
    mistakes=[
        Mistake(
            "just_epochs",
            just_epochs,
            "You take an epoch for a pass over the data. Here it is a number of iterations.",
        ),
        Mistake(
            "one_example_a_step",
            one_example_a_step,
            "Each iteration sees a whole batch: multiply by `batch_size`.",
        ),
        Mistake(
            "examples_seen",
            examples_seen,
            "This is how many examples were seen in all; divide by how many there are.",
        ),
        Mistake("upside_down", upside_down, "The fraction is upside down: seen over existing."),
        Mistake("one_epoch", one_epoch, "This is for one of the redefined epochs."),
        Mistake(
            "iterations_in_all",
            iterations_in_all,
            "This is the number of iterations in all. Each sees `batch_size` of the `count` examples.",
        ),
        Mistake(
            "length_as_examples",
            length_as_examples,
            "The batch size multiplies what is seen: iterations × examples in each.",
        ),
        Mistake(
            "rounded_down_passes",
            rounded_down_passes,
            "You round down. How often, on average, need not be a whole number: `/`, not `//`.",
        ),
        Mistake(
            "whole_steps_per_pass",
            whole_steps_per_pass,
            "You round the steps of a pass to a whole number. Here every step sees `batch_size` "
            "examples, no matter where a pass ends: multiply and divide without rounding.",
        ),
        Mistake("rounded", rounded, "Do not round: half a pass is half a pass."),
    ],
    alternatives=[
        Alternative("by_steps_per_pass", by_steps_per_pass),
        Alternative("by_share", by_share),
    ],
    hints=("How many iterations were there? How many examples did each see?",),
)


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


def no_gradients(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory // bytes_each - parameters * (1 + states)) // activations


def no_optimizer(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory // bytes_each - parameters * 2) // activations


def weights_only(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory // bytes_each - parameters) // activations


def bytes_for_numbers(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory - parameters * (2 + states)) // activations


def rounded_up(memory, parameters, activations, *, states=1, bytes_each=4):
    return math.ceil((memory / bytes_each - parameters * (2 + states)) / activations)


def parameters_for_each_example(memory, parameters, activations, *, states=1, bytes_each=4):
    return memory // bytes_each // (parameters * (2 + states) + activations)


def nothing_but_activations(memory, parameters, activations, *, states=1, bytes_each=4):
    return memory // bytes_each // activations


def always_momentum(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory // bytes_each - parameters * 3) // activations


def always_four_bytes(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory // 4 - parameters * (2 + states)) // activations


def not_rounded_down(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory / bytes_each - parameters * (2 + states)) / activations


def activations_counted_as_bytes(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory - bytes_each * parameters * (2 + states)) // activations


def in_bytes(memory, parameters, activations, *, states=1, bytes_each=4):
    fixed = bytes_each * parameters * (2 + states)
    return (memory - fixed) // (bytes_each * activations)


def by_floor(memory, parameters, activations, *, states=1, bytes_each=4):
    weights = gradients = parameters
    free = memory / bytes_each - weights - gradients - states * parameters
    return math.floor(free / activations)


lab.value(
    training_loop.largest_batch_size,
    title="What memory limits",
    statement="""*"The size of an epoch is limited by the memory of the GPU"*, a set of notes says. Work
out what is: during training the memory holds the parameters, a gradient for each, `states` numbers of
the optimizer for each (momentum keeps 1, Adam 2), and `activations` numbers for **each example of
the batch**, kept for the backward pass. Each number takes `bytes_each` bytes. How many examples may
a batch have, at most? (A whole number. Nothing else is kept.)

Which of N, E and B stands in your formula?""",
    points=2,
    minutes=5,
    difficulty=2,
    core=False,
    syllabus=("1.10",),
    hide=("Formula", "Source"),
    inputs=(_machine(2, 2), _machine(0, 4), _machine(1, 4), _machine(2, 4)),
    probe=probes.call(),
    checks=[matches_reference("the largest batch size")],
    mistakes=[
        Mistake(
            "no_gradients",
            no_gradients,
            "The gradients are missing: one number for each parameter, beside the parameters.",
        ),
        Mistake(
            "no_optimizer",
            no_optimizer,
            "The optimizer's own numbers are missing: `states` for each parameter.",
        ),
        Mistake(
            "weights_only",
            weights_only,
            "Gradients and the optimizer's numbers are missing: each parameter takes 2 + states "
            "numbers.",
        ),
        Mistake(
            "bytes_for_numbers",
            bytes_for_numbers,
            "`memory` is in bytes, everything else in numbers: divide by `bytes_each` first.",
        ),
        Mistake(
            "activations_counted_as_bytes",
            activations_counted_as_bytes,
            "What is left is in bytes, and you divide it by a number of activations. Each of them "
            "takes `bytes_each` bytes too.",
        ),
        Mistake(
            "not_rounded_down",
            not_rounded_down,
            "A batch has a whole number of examples, and what is not whole does not fit: round down.",
        ),
        Mistake("rounded_up", rounded_up, "You round up: the last example would not fit."),
        Mistake(
            "parameters_for_each_example",
            parameters_for_each_example,
            "You count the parameters for every example. They are there once, for the whole batch.",
        ),
        Mistake(
            "nothing_but_activations",
            nothing_but_activations,
            "The parameters, their gradients and the optimizer's numbers take their place first.",
        ),
        Mistake("always_momentum", always_momentum, "You assume momentum; `states` says how many."),
        Mistake(
            "always_four_bytes",
            always_four_bytes,
            "You assume float32; `bytes_each` says how many.",
        ),
    ],
    alternatives=[
        Alternative("in_bytes", in_bytes),
        Alternative("by_floor", by_floor),
    ],
    hints=("What is there once, what once for each example?",),
)

"""An epoch cut into batches: in random order, every example once, pairs kept together."""

import itertools

import numpy as np
import torch

from autograder import probes
from autograder.exercises.training_loop.drawing import draw_labels
from autograder.exercises.training_loop.lab import lab
from autograder.judging.checks import check, finding, leaves_inputs_alone
from course_lib import training_loop


def _sorted_data(rng):
    """Data stored class by class, as they often are; the last batch is a lot smaller than the others."""
    batch_size = int(rng.integers(8, 12))
    count = 5 * batch_size + int(rng.integers(1, batch_size - 5))
    x = rng.normal(size=(count, 3))
    return {
        "x": x[np.argsort(x[:, 0])],
        "y": np.sort(draw_labels(rng, count, 4)),
        "batch_size": batch_size,
    }


def _rows(batch):
    """Each example of a batch as (x, y), hashable."""
    x, y = (np.asarray(part) for part in batch)
    return [(tuple(row), int(label)) for row, label in zip(x.tolist(), y.tolist(), strict=True)]


def _inputs_of(examples):
    return [x for x, _ in examples]


def _epochs_of(observation):
    return [[_rows(batch) for batch in epoch] for epoch in observation["result"]]


def _in_order(epoch):
    """The examples of an epoch as they come, batch after batch."""
    return [example for batch in epoch for example in batch]


def batch_signature(observation):
    """What of the epochs is not chance: sizes, pairs, repetition, and what the order owes to."""
    epochs = _epochs_of(observation)
    flat, again = _in_order(epochs[0]), _in_order(epochs[1])
    batches = [_inputs_of(batch) for batch in epochs[0]]
    order, ordered = _inputs_of(flat), sorted(_inputs_of(flat))
    companies = [{frozenset(_inputs_of(batch)) for batch in epoch} for epoch in epochs[:2]]
    return [
        sorted(map(len, batches)),
        len(set(order)) == len(order),
        all(len(set(_inputs_of(batch))) == len(batch) for epoch in epochs for batch in epoch),
        set(flat) == set(again),
        flat == again,
        order == ordered,
        set(flat) != set(again) and [y for _, y in flat] == [y for _, y in again],
        companies[0] == companies[1],
        all(batch == sorted(batch) for batch in batches),
        companies[0] == companies[1] and batches == sorted(batches, key=min),
        companies[0] != companies[1] and len(batches[0]) < len(batches[-1]),
    ]


def _stored(case):
    return _rows([case.inputs["x"], case.inputs["y"]])


@check("the sizes of the batches")
def sizes_of_batches(case):
    size, count = case.inputs["batch_size"], len(case.inputs["x"])
    wanted = [size] * (count // size) + [count % size]
    for epoch in _epochs_of(case.observed):
        got = list(map(len, epoch))
        if got != wanted:
            gist = f"{len(got)} batches, wanted {len(wanted)}"
            if sorted(got) == sorted(wanted):
                gist = "the smaller batch is not the last one"
            return finding(False, f"{wanted}", f"{got}", gist)
    return finding(True)


@check("every example comes once an epoch")
def every_example_once(case):
    wanted = sorted(_inputs_of(_stored(case)))
    for epoch in _epochs_of(case.observed):
        got = sorted(_inputs_of(_in_order(epoch)))
        if got != wanted:
            found = len(set(got) & set(wanted))
            share = f"{found} of {len(wanted)} examples, {len(got)} in all"
            return finding(False, f"each of {len(wanted)} once", share, "not every example once")
    return finding(True)


@check("every x keeps its own y")
def pairs_stay(case):
    known = set(_stored(case))
    for epoch in _epochs_of(case.observed):
        torn = sum(example not in known for example in _in_order(epoch))
        if torn:
            return finding(
                False, "pairs as they were", f"{torn} torn apart", "pairs are torn apart"
            )
    return finding(True)


@check("the order is random and new in every epoch")
def order_is_fresh(case):
    orders = [_in_order(epoch) for epoch in _epochs_of(case.observed)]
    if _stored(case) in orders:
        return finding(False, "a random order", "the order as stored", "the order is as stored")
    if any(one == other for one, other in itertools.pairwise(orders)):
        return finding(False, "a new order", "the same order again", "two epochs have one order")
    return finding(True)


@check("which examples share a batch is new in every epoch")
def company_is_fresh(case):
    seen = [
        {frozenset(_inputs_of(batch)) for batch in epoch} for epoch in _epochs_of(case.observed)
    ]
    shared = seen[0] & seen[1]
    # One batch may come again by chance, the last one easily; half of them never do.
    gist = "the same examples are together again"
    passed = len(shared) < len(seen[0]) / 2
    return finding(passed, "new batches", f"{len(shared)} batches as before", gist)


minibatches = lab.exercise(
    training_loop.minibatches,
    title="An epoch in batches",
    statement="""Cut the data into batches for **one epoch** and return them as a list of pairs
`(x_batch, y_batch)` (or yield them):

- in a random order, drawn **anew at every call**;
- x and y in the **same** order: an image keeps its label;
- every example **exactly once**: `batch_size` to a batch, and what is left over in the last one.""",
    points=3,
    minutes=8,
    syllabus=("1.2",),
    inputs=_sorted_data,
    probe=probes.epochs(count=3),
    signature=batch_signature,
    checks=[
        sizes_of_batches,
        every_example_once,
        pairs_stay,
        order_is_fresh,
        company_is_fresh,
        leaves_inputs_alone(),
    ],
    equivalent_mutants={
        "everything is done under torch.no_grad()": "examples are data: no gradient flows back into them",
        "order = torch.randperm(len(x)) => order = -torch.randperm(len(x))": "−π counts from the "
        "end: it is a random permutation too",
    },
    hints=(
        "`order = torch.randperm(len(x))` is a random order; `x[order]` puts x into it.",
        "`order.split(batch_size)` cuts it into pieces, the last one shorter.",
    ),
)


@minibatches.mistake(
    "You drop the incomplete last batch. Every example comes once in an epoch; the last batch is "
    "just smaller."
)
def last_batch_dropped(x, y, batch_size):
    order = torch.randperm(len(x))[: len(x) // batch_size * batch_size]
    return [(x[chosen], y[chosen]) for chosen in order.split(batch_size)]


@minibatches.mistake(
    "You do not shuffle. Data stored class by class then give batches of a single class."
)
def as_stored(x, y, batch_size):
    return list(zip(x.split(batch_size), y.split(batch_size), strict=True))


@minibatches.mistake(
    "You shuffle x and y independently, so every image gets the label of another. Draw one order "
    "and use it for both."
)
def shuffled_apart(x, y, batch_size):
    x, y = x[torch.randperm(len(x))], y[torch.randperm(len(y))]
    return list(zip(x.split(batch_size), y.split(batch_size), strict=True))


@minibatches.mistake(
    "You shuffle x but not y: every image gets the label of another. One order for both."
)
def only_x_shuffled(x, y, batch_size):
    x = x[torch.randperm(len(x))]
    return list(zip(x.split(batch_size), y.split(batch_size), strict=True))


@minibatches.mistake(
    "Every epoch has the same order: the seed is fixed inside the function. Draw a fresh "
    "permutation at every call."
)
def one_order_for_all_epochs(x, y, batch_size):
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    return [(x[chosen], y[chosen]) for chosen in order.split(batch_size)]


@minibatches.mistake(
    "You draw with replacement: some examples come twice, and about 37 % never in an epoch. Use a "
    "permutation, `torch.randperm`."
)
def with_replacement(x, y, batch_size):
    order = torch.randint(len(x), (len(x),))
    return [(x[chosen], y[chosen]) for chosen in order.split(batch_size)]


@minibatches.mistake(
    "You shuffle the batches, not the examples: the same examples are always together, and of "
    "sorted data every batch holds one class."
)
def batches_shuffled_only(x, y, batch_size):
    batches = list(zip(x.split(batch_size), y.split(batch_size), strict=True))
    return [batches[i] for i in torch.randperm(len(batches))]


@minibatches.mistake(
    "You shuffle inside each batch only. The order within a batch does not matter at all (its "
    "mean is the same); which examples are in it does."
)
def shuffled_within_batches(x, y, batch_size):
    batches = []
    for start in range(0, len(x), batch_size):
        end = min(start + batch_size, len(x))
        chosen = start + torch.randperm(end - start)
        batches.append((x[chosen], y[chosen]))
    return batches


@minibatches.mistake(
    "You fill the last batch up with examples that have been seen. Every example comes once; the "
    "last batch is just smaller."
)
def last_batch_filled_up(x, y, batch_size):
    order = torch.randperm(len(x))
    missing = -len(x) % batch_size
    order = torch.cat([order, order[:missing]])
    return [(x[chosen], y[chosen]) for chosen in order.split(batch_size)]


@minibatches.mistake(
    "You draw a new sample for every batch. Within a batch all differ, but over the epoch some "
    "come twice and others never. One permutation for the whole epoch."
)
def a_fresh_sample_for_every_batch(x, y, batch_size):
    batches = []
    for start in range(0, len(x), batch_size):
        chosen = torch.randperm(len(x))[: min(batch_size, len(x) - start)]
        batches.append((x[chosen], y[chosen]))
    return batches


@minibatches.mistake(
    "You cut into the right number of batches, all of about one size. Every batch has "
    "`batch_size` examples, only the last has fewer: `split(batch_size)`, not `chunk`."
)
def batches_of_one_size(x, y, batch_size):
    order = torch.randperm(len(x))
    return [(x[chosen], y[chosen]) for chosen in order.chunk(-(-len(x) // batch_size))]


@minibatches.mistake(
    "Your smaller batch comes first. What is left over goes into the last one: cut from the start, "
    "`order.split(batch_size)`."
)
def smaller_batch_first(x, y, batch_size):
    order, rest = torch.randperm(len(x)), len(x) % batch_size
    return [(x[chosen], y[chosen]) for chosen in (order[:rest], *order[rest:].split(batch_size))]


@minibatches.mistake(
    "You make `batch_size` batches. It is the number of examples in each: `split`, not `chunk`."
)
def number_of_batches(x, y, batch_size):
    order = torch.randperm(len(x))
    return [(x[chosen], y[chosen]) for chosen in order.chunk(batch_size)]


@minibatches.alternative
def one_generator(x, y, batch_size):
    order = torch.randperm(len(x))
    for start in range(0, len(x), batch_size):
        chosen = order[start : start + batch_size]
        yield x[chosen], y[chosen]


@minibatches.alternative
def by_random_keys(x, y, batch_size):
    order = torch.argsort(torch.rand(len(x)))
    x, y = x[order], y[order]
    return list(zip(x.split(batch_size), y.split(batch_size), strict=True))


@minibatches.alternative
def with_numpy_order(x, y, batch_size):
    order = np.random.permutation(len(x))
    return [
        (x[order[i : i + batch_size]], y[order[i : i + batch_size]])
        for i in range(0, len(x), batch_size)
    ]

"""Centering: of every feature, and of the mean image."""

import torch

from autograder import probes
from autograder.exercises.preprocessing.drawing import (
    LIBRARIES,
    PREPARED,
    draw_bytes,
    draw_image_shape,
    draw_images,
    draw_table,
)
from autograder.exercises.preprocessing.lab import lab
from autograder.judging.checks import (
    check,
    find,
    finding,
    keeps_dtype,
    leaves_inputs_alone,
)
from autograder.judging.comparison import Tolerance, difference
from autograder.judging.wording import brief
from course_lib import preprocessing


def draw_tables(rng):
    columns = int(rng.integers(6, 9))
    x = draw_table(rng, int(rng.integers(2, 4)), columns) + rng.normal(size=columns)
    return {"x_train": draw_table(rng, int(rng.integers(4, 6)), columns), "x": x}


def draw_single_row(rng):
    columns = int(rng.integers(6, 9))
    train = draw_table(rng, int(rng.integers(4, 6)), columns)
    return {"x_train": train, "x": draw_table(rng, 1, columns)}


def draw_image_tables(rng):
    shape = draw_image_shape(rng)
    return {"x_train": draw_images(rng, shape), "x": draw_images(rng, (2, *shape[1:]))}


def draw_byte_images(rng):
    shape = draw_image_shape(rng)
    return {"x_train": draw_bytes(rng, shape), "x": draw_bytes(rng, (2, *shape[1:]))}


@check("the centered data")
def centered_data(case):
    """In the precision of float32: bytes ask for floats, and `float()` serves for all cases."""
    observed, expected = find(case.observed, "result"), find(case.expected, "result")
    found = difference(observed, expected, Tolerance(dtype="float32"))
    if found is None:
        return finding(True, brief(expected), brief(observed))
    return finding(False, found.expected, found.observed, found.gist)


center = lab.exercise(
    preprocessing.center,
    title="Center every feature",
    statement="""Subtract from each feature its mean **over the training data**. The data have one
example per row: `x_train` is (N, …), `x` is (M, …), and everything behind the first axis counts as
features. `x` may be the training data themselves, other data, or a single row.

For a table (N, D) that is one mean per column. For images (N, C, H, W) every pixel of every channel
is a feature of its own, and what is subtracted is the **mean image** of shape (C, H, W).

Photographs come as bytes (`torch.uint8`). They must work too: the result holds floats, because
differences are negative half of the time and bytes cannot be; and the bytes you were given stay as
they are. (torch refuses `mean()` of bytes. A sum of bytes it computes as int64.)""",
    points=3,
    minutes=7,
    syllabus=("3.1", "3.5"),
    inputs=(draw_tables, draw_image_tables, draw_single_row, draw_byte_images),
    probe=probes.call(),
    checks=[centered_data, leaves_inputs_alone(stated=True), keeps_dtype()],
    equivalent_mutants=PREPARED
    | {
        "mean = (x_train * 1.0).mean(dim=0) => mean = (x_train / 1.0).mean(dim=0)": "both leave "
        "the numbers as they are, as floats"
    },
    forbidden=LIBRARIES,
    hints=(
        "Which axis holds the examples? The mean has the shape of one example.",
        "`x_train.sum(dim=0) / len(x_train)` is a float whatever `x_train` holds.",
        "torch broadcasts from the right: a mean of shape (C, H, W) fits images (M, C, H, W).",
    ),
)


@center.mistake(
    "You subtract the mean of `x` itself. A single row then becomes all zeros, whatever it is: "
    "the mean is that of `x_train`.",
    origin="folklore",
)
def own_mean(x_train, x):
    return x - x.sum(dim=0) / len(x)


@center.mistake(
    "You subtract the mean of `x` itself. A single row then becomes all zeros, whatever it is: "
    "the mean is that of `x_train`. (And torch has no `mean()` of bytes: add them up and divide.)"
)
def own_mean_not_of_bytes(x_train, x):
    return x - x.mean(dim=0)


@center.mistake(
    "You subtract one number from everything. Each feature has a mean of its own: average over "
    "the examples only, dim=0. (And torch has no `mean()` of bytes: add them up and divide.)"
)
def one_mean_not_of_bytes(x_train, x):
    return x - x_train.mean()


@center.mistake(
    "Right for floats, but torch has no `mean()` of bytes: add them up and divide, or turn them "
    "into floats first."
)
def mean_of_bytes(x_train, x):
    return x - x_train.mean(dim=0)


@center.mistake(
    "`x -= …` writes the differences into `x`. Bytes cannot hold them, and whoever gave you `x` "
    "loses it: write `x - mean`.",
    origin="lecture notes",
)
def in_place(x_train, x):
    x -= x_train.sum(dim=0) / len(x_train)
    return x


@center.mistake(
    "You subtract from every example its own mean. Then a bright and a dark copy of a picture "
    "become the same. The mean of a *feature* goes over the examples, dim=0."
)
def mean_of_each_row(x_train, x):
    means = x.double().flatten(1).mean(dim=1)
    return x - means.reshape(-1, *[1] * (x.ndim - 1))


@center.mistake(
    "You subtract one number from everything. Each feature has a mean of its own: average over "
    "the examples only, dim=0."
)
def one_mean_for_all(x_train, x):
    return x - x_train.double().mean()


@center.mistake(
    "Your mean includes the rows of `x`. What a row becomes then depends on which other rows came "
    "with it: use `x_train` alone."
)
def training_and_other_data(x_train, x):
    everything = torch.cat([x_train, x])
    return x - everything.sum(dim=0) / len(everything)


@center.mistake(
    "You round the mean to the type of `x`. For bytes the differences below zero wrap around to "
    "255: keep the mean, and the result, as floats."
)
def whole_number_mean(x_train, x):
    mean = (x_train.sum(dim=0) / len(x_train)).to(x.dtype)
    return x - mean


@center.mistake(
    "Your differences are right until you give them the type of `x`. Bytes hold neither a "
    "fraction nor a minus, so that −1 becomes 255: leave them floats."
)
def written_back_as_bytes(x_train, x):
    return (x - x_train.sum(dim=0) / len(x_train)).to(x.dtype)


@center.mistake(
    "For images you subtract one number per channel. That is a good choice too (the next "
    "exercise), but here every pixel has a mean of its own: dim=0 alone."
)
def per_channel(x_train, x):
    if x.ndim == 4:
        means = x_train.double().mean(dim=(0, 2, 3))
        return x - means[:, None, None]
    return x - x_train.mean(dim=0)


@center.mistake("You also divide by the standard deviation. Here only the mean is taken off.")
def standardized(x_train, x):
    x_train = x_train.double()
    return (x - x_train.mean(dim=0)) / x_train.std(dim=0, unbiased=False)


@center.mistake(
    "You return the centered training data. Asked for is `x`, with the mean of `x_train`."
)
def training_data_returned(x_train, x):
    return x_train - x_train.sum(dim=0) / len(x_train)


@center.mistake("You add the mean. Centering subtracts it.")
def mean_added(x_train, x):
    return x + x_train.sum(dim=0) / len(x_train)


@center.alternative
def with_float(x_train, x):
    if not x_train.is_floating_point():
        x_train, x = x_train.float(), x.float()
    return x - x_train.mean(dim=0, keepdim=True)


@center.alternative
def mean_in_single_precision(x_train, x):
    return x - x_train.float().mean(dim=0)


@center.alternative
def in_numpy(x_train, x):
    mean = x_train.numpy().mean(axis=0)
    return torch.from_numpy(x.numpy() - mean)


@center.alternative
def row_by_row(x_train, x):
    mean = torch.zeros(x_train.shape[1:], dtype=torch.float64)
    for row in x_train:
        mean += row / len(x_train)
    return torch.stack([row - mean for row in x])

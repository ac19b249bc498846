"""Scaling: every feature to mean 0 and standard deviation 1."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.preprocessing.drawing import LIBRARIES, NOT_TRAINED
from autograder.exercises.preprocessing.lab import lab
from autograder.judging.checks import (
    check,
    find,
    finding,
    keeps_dtype,
    leaves_inputs_alone,
    matches_reference,
)
from autograder.judging.comparison import Tolerance, difference
from course_lib import preprocessing


def draw_scales(rng):
    """Features on scales from a ten-thousandth to 1000, and one that never varies."""
    rows, columns = int(rng.integers(4, 6)), int(rng.integers(6, 9))
    scale = rng.permutation(np.geomspace(1e-4, 1000, columns))
    mean = rng.choice([-1, 1], columns) * rng.uniform(1, 5, columns) * scale
    x_train = mean + scale * rng.normal(size=(rows, columns))
    x = mean + scale * rng.normal(size=(rows - 2, columns)) + scale
    # So round that its mean is exact and 0/0 is 0/0.
    constant = rng.integers(0, columns)
    x_train[:, constant] = x[:, constant] = rng.choice([-1, 1]) * rng.integers(2, 9) / 4
    return {"x_train": x_train, "x": x}


def draw_one_row(rng):
    """A single row, in which the feature that never varied in training does."""
    drawn = draw_scales(rng)
    constant = int(drawn["x_train"].std(axis=0).argmin())
    row = drawn["x"][:1].copy()
    row[:, constant] += rng.uniform(0.5, 2)
    return {**drawn, "x": row}


@check("what is constant in `x_train` is centered and divided by 1")
def constant_feature(case):
    """By itself, since what guards against σ = 0 comes in more ways than can be listed."""
    column = int(case.inputs["x_train"].std(axis=0).argmin())
    found, wanted = (np.asarray(find(o, "result")) for o in (case.observed, case.expected))
    if found.shape != wanted.shape:
        return finding(False, f"shape {wanted.shape}", f"shape {found.shape}", "another shape")
    unlike = difference(found[:, column], wanted[:, column], Tolerance(dtype=case.dtype))
    if unlike is None:
        return finding(True)
    gist = "a feature that did not vary in training is treated otherwise"
    return finding(False, unlike.expected, unlike.observed, gist)


standardize = lab.exercise(
    preprocessing.standardize,
    title="Standardize every feature",
    statement="""Bring each feature to mean 0 and standard deviation 1 **of the training data**:

$$z_{ij} = \\frac{x_{ij}-\\mu_j}{\\sigma_j},\\qquad
\\mu_j = \\frac1N\\sum_i x^{\\text{train}}_{ij},\\qquad
\\sigma_j^2 = \\frac1N\\sum_i \\big(x^{\\text{train}}_{ij}-\\mu_j\\big)^2 .$$

`x_train` is (N, D); return `x` (M, D), transformed. `x` may be a single row.

*Conventions:* σ divides by **N**, as in scikit-learn's `StandardScaler` and `np.std` (`torch.std`
divides by N − 1). A feature that is **constant** in `x_train` has σ = 0: it is centered and divided
by **1**, so that it becomes 0 and not NaN, and stays of reasonable size if it varies in `x` after
all. All others are divided by exactly σ.""",
    points=4,
    minutes=8,
    difficulty=2,
    syllabus=("3.2", "3.5"),
    inputs=(draw_scales, draw_one_row, draw_scales),
    probe=probes.call(),
    checks=[
        matches_reference("the standardized data"),
        constant_feature,
        leaves_inputs_alone(),
        keeps_dtype(),
    ],
    forbidden=LIBRARIES,
    equivalent_mutants={
        **NOT_TRAINED,
        "return (x - mean) / std.masked_fill(constant, 1) => "
        "return (x - mean) / std.masked_fill_(constant, 1)": "nobody else holds the std",
        "constant = (x_train == x_train[0]).all(dim=0) => "
        "constant = (x_train == x_train[1]).all(dim=0)": "where all rows are equal, any of them "
        "will do",
    },
    hints=(
        "Compute both constants from `x_train`, and only then touch `x`.",
        "`x_train.std(dim=0, unbiased=False)`, or the root of the mean of the squared differences.",
        "`std.masked_fill(std == 0, 1)` replaces the zeros.",
    ),
)


@standardize.mistake(
    "A feature that never varies gives 0/0 = NaN, and one NaN spoils a whole network. Divide such "
    "a feature by 1.",
    origin="folklore",
)
def no_guard(x_train, x):
    return (x - x_train.mean(dim=0)) / x_train.std(dim=0, unbiased=False)


@standardize.mistake(
    "You divide the sum of squares by N − 1, the default of `torch.std`. That is another "
    "convention; here, as in `StandardScaler`, it is N: `unbiased=False`.",
    origin="folklore",
)
def unbiased(x_train, x):
    std = x_train.std(dim=0)
    return (x - x_train.mean(dim=0)) / torch.where(std > 0, std, torch.ones_like(std))


@standardize.mistake(
    "You use mean and standard deviation of `x` itself. A single row then becomes all zeros: both "
    "constants come from `x_train`.",
    origin="folklore",
)
def own_statistics(x_train, x):
    std = x.std(dim=0, unbiased=False)
    return (x - x.mean(dim=0)) / torch.where(std > 0, std, torch.ones_like(std))


@standardize.mistake(
    "Your constants include the rows of `x`. What a row becomes must not depend on its "
    "companions: use `x_train` alone."
)
def both_together(x_train, x):
    everything = torch.cat([x_train, x])
    std = everything.std(dim=0, unbiased=False)
    return (x - everything.mean(dim=0)) / torch.where(std > 0, std, torch.ones_like(std))


@standardize.mistake(
    "You divide by the variance. A feature in millimeters would come out a thousand times smaller "
    "than in meters: divide by its root, which has the feature's unit."
)
def by_the_variance(x_train, x):
    variance = x_train.var(dim=0, unbiased=False)
    return (x - x_train.mean(dim=0)) / torch.where(variance > 0, variance, 1.0)


@standardize.mistake(
    "You divide first and then subtract the mean of the undivided feature. Subtract first: (x − "
    "μ)/σ."
)
def divided_before_centering(x_train, x):
    std = x_train.std(dim=0, unbiased=False)
    return x / torch.where(std > 0, std, torch.ones_like(std)) - x_train.mean(dim=0)


@standardize.mistake(
    "You divide everything by one standard deviation, that of all entries. The feature on the "
    "largest scale decides it. Each feature has its own: dim=0."
)
def one_std_for_all(x_train, x):
    return (x - x_train.mean(dim=0)) / x_train.std(unbiased=False)


@standardize.mistake(
    "You use one mean and one standard deviation for the whole table. Each feature has its own: "
    "dim=0."
)
def one_of_each_for_all(x_train, x):
    return (x - x_train.mean()) / x_train.std(unbiased=False)


@standardize.mistake("You divide by σ without subtracting the mean.")
def not_centered(x_train, x):
    std = x_train.std(dim=0, unbiased=False)
    return x / torch.where(std > 0, std, torch.ones_like(std))


@standardize.mistake(
    "You add a tiny number to σ. On the training data that works: 0/1e-8 = 0. But a feature that "
    "never varied there may vary later (a border pixel with a little ink), and 0.1/1e-8 is ten "
    "million. Divide such a feature by 1.",
    origin="folklore",
)
def tiny_number_added(x_train, x):
    variance, mean = torch.var_mean(x_train, dim=0, correction=0)
    return (x - mean) / (variance.sqrt() + 1e-8)


@standardize.mistake(
    "You raise σ = 0 to a tiny number. On the training data that works: 0/1e-8 = 0. But a feature "
    "that never varied there may vary later (a border pixel with a little ink), and 0.1/1e-8 is "
    "ten million. Divide such a feature by 1."
)
def small_ones_raised(x_train, x):
    return (x - x_train.mean(dim=0)) / x_train.std(dim=0, unbiased=False).clamp(min=1e-8)


@standardize.mistake(
    "You turn NaN into 0 afterwards. When the feature that never varied in training does vary "
    "later, the result is not NaN but infinite. Divide such a feature by 1."
)
def nan_to_num(x_train, x):
    z = (x - x_train.mean(0)) / x_train.var(0, correction=0) ** 0.5
    return torch.nan_to_num(z, nan=0.0)


@standardize.mistake(
    "You set a constant feature to 0 whatever comes. In `x` it may vary after all: center it with "
    "the training data's mean and divide by 1."
)
def constant_zeroed(x_train, x):
    std = x_train.std(dim=0, unbiased=False)
    z = (x - x_train.mean(dim=0)) / torch.where(std > 0, std, torch.ones_like(std))
    return torch.where(std > 0, z, torch.zeros_like(z))


@standardize.mistake(
    "You take a small σ for 0. A length of some millimeters, written in meters, varies too: only "
    "a feature that is constant is divided by 1."
)
def small_ones_left_alone(x_train, x):
    std = x_train.std(dim=0, unbiased=False)
    return (x - x_train.mean(dim=0)) / torch.where(std > 1e-2, std, torch.ones_like(std))


@standardize.mistake(
    "A constant feature comes back as it was. Center it like the others: it becomes 0."
)
def constant_left_alone(x_train, x):
    mean, std = x_train.mean(dim=0), x_train.std(dim=0, unbiased=False)
    return torch.where(std > 0, (x - mean) / std, x)


@standardize.mistake(
    "You add a small number to every σ. It saves the constant feature, but changes the others: "
    "they no longer have standard deviation 1."
)
def added_to_every_std(x_train, x):
    std = x_train.std(dim=0, unbiased=False)
    return (x - x_train.mean(dim=0)) / (std + 0.01)


@standardize.mistake(
    "You divide by √(σ² + ε), as batch normalization does. Here a constant feature is divided by "
    "1, and all others by exactly σ."
)
def added_to_every_variance(x_train, x):
    variance = x_train.var(dim=0, unbiased=False)
    return (x - x_train.mean(dim=0)) / torch.sqrt(variance + 1e-5)


@standardize.mistake(
    "You standardize each row over its features. That mixes millimeters and kilograms; a "
    "*feature* is standardized over the examples."
)
def over_the_features(x_train, x):
    mean, std = x.mean(dim=1, keepdim=True), x.std(dim=1, unbiased=False, keepdim=True)
    return (x - mean) / std


@standardize.mistake(
    "You divide by the range, largest minus smallest. Asked for is the standard deviation."
)
def range_for_std(x_train, x):
    spread = x_train.max(dim=0).values - x_train.min(dim=0).values
    return (x - x_train.mean(dim=0)) / torch.where(spread > 0, spread, 1.0)


@standardize.alternative
def with_where(x_train, x):
    mean, std = x_train.mean(dim=0), x_train.std(dim=0, unbiased=False)
    std[std == 0] = 1.0
    return (x - mean) / std


@standardize.alternative
def with_var_mean(x_train, x):
    variance, mean = torch.var_mean(x_train, dim=0, correction=0)
    variance = variance + (variance == 0)
    return (x - mean) * variance.rsqrt()


@standardize.alternative
def in_numpy(x_train, x):
    x_train = x_train.numpy()
    mean, std = np.mean(x_train, axis=0), np.std(x_train, axis=0)
    return torch.from_numpy((x.numpy() - mean) / np.where(std == 0, 1, std).astype(std.dtype))

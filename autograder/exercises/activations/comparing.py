"""Comparing activations: over seeds, in pairs."""

import math
import statistics

import torch

from autograder import probes
from autograder.exercises.activations.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import activations


OF_ACCURACIES = {
    "everything is done under torch.no_grad()": "accuracies are counts, through which no gradient "
    "leads"
}
NEVER_NEGATIVE = "neither accuracies nor learning rates are ever negative"


def _seeds(rng):
    """Scores that go up and down with the seed together: pairs tell more than means."""
    seeds = int(rng.integers(5, 9))
    second = rng.normal(size=seeds) * 0.03 + 0.6
    gains = rng.normal(size=seeds) * 0.008 + 0.004
    # Of two seeds, the one that is better for the first is worse for the second.
    second[1] = second[0] + 0.002
    gains[:2] = rng.uniform(0.004, 0.012, size=2) * [1, -1]
    order = rng.permutation(seeds)
    return {"first": (second + gains)[order], "second": second[order]}


def _summary(values):
    return values.mean(), values.std() / math.sqrt(len(values))


compare_paired = lab.exercise(
    activations.compare_paired,
    title="Better, or lucky?",
    statement=r"""Two activations were trained on the same seeds: entry i of `first` and entry i of
`second` are accuracies of networks with the same starting weights and the same batches. Return a
dict with three pairs (mean, standard error):

- `"first"` and `"second"`: of each by itself,
- `"difference"`: of `first` − `second`, **paired**, seed by seed.

The standard error of a mean of n values is $s/\sqrt n$, where s is their *unbiased* standard deviation
(divided by n − 1, torch's default): how far the mean would move with other seeds. A difference of
less than about two or three of its standard errors may be luck.

Why paired? Some seeds are good for both. The subtraction removes what they have in common.""",
    parts=[
        Part(
            "each by itself",
            1,
            (
                matches_reference("mean and error of the first", of="result.first"),
                matches_reference("mean and error of the second", of="result.second"),
                leaves_inputs_alone(),
            ),
        ),
        Part(
            "the difference",
            2,
            (
                # In float32 a difference of scores has lost two digits.
                matches_reference("mean and error of the difference", of="result.difference"),
            ),
        ),
    ],
    minutes=8,
    difficulty=2,
    syllabus=("2.12",),
    hide=("Formula",),
    dtypes=("float64", "float64", "float64"),
    inputs=_seeds,
    probe=probes.call(),
    equivalent_mutants=OF_ACCURACIES
    | {f"right only for positive {name}": NEVER_NEGATIVE for name in ("first", "second")},
    hints=(
        "Write a small function for (mean, s/√n) and call it three times.",
        "For the difference, first subtract: `first - second` is one number for each seed.",
    ),
)


compare_paired.mistake(
    "deviation_for_error",
    edit(" / math.sqrt(len(values))", ""),
    "You return the standard deviation: how far *one* run lies from the mean. The error of the "
    "mean is smaller by √n.",
)


@compare_paired.mistake(
    "Your error of the difference is √(e₁² + e₂²), that of two independent samples. These are "
    "pairs: take the standard error of the differences, seed by seed."
)
def unpaired(first, second):
    a, b = _summary(first), _summary(second)
    return {"first": a, "second": b, "difference": (a[0] - b[0], torch.hypot(a[1], b[1]))}


compare_paired.mistake(
    "biased_deviation",
    edit("values.std()", "values.std(unbiased=False)"),
    "You divide by n under the root. With so few seeds that is too optimistic: n − 1.",
)
compare_paired.mistake(
    "divided_by_n",
    edit("math.sqrt(len(values))", "len(values)"),
    "You divide s by n. It is s/√n.",
)
compare_paired.mistake(
    "variance_over_root",
    edit("values.std()", "values.var()"),
    "You divide the variance by √n: take its root.",
)
compare_paired.mistake(
    "variance_over_n",
    edit("values.std() / math.sqrt(len(values))", "values.var() / len(values)"),
    "You return the square of the standard error, s²/n: take its root.",
)
compare_paired.mistake(
    "corrected_twice",
    edit("len(values)", "len(values) - 1"),
    "You divide s by √(n − 1). The n − 1 is in the unbiased s already: s/√n.",
)


@compare_paired.mistake(
    "You add the two errors. Take the standard error of the differences, seed by seed."
)
def errors_added(first, second):
    a, b = _summary(first), _summary(second)
    return {"first": a, "second": b, "difference": (a[0] - b[0], a[1] + b[1])}


@compare_paired.mistake(
    "You subtract the two errors; this can even be negative. Take the standard error of the "
    "differences, seed by seed."
)
def errors_subtracted(first, second):
    a, b = _summary(first), _summary(second)
    return {"first": a, "second": b, "difference": (a[0] - b[0], a[1] - b[1])}


compare_paired.mistake(
    "second_minus_first",
    edit("first - second", "second - first"),
    "Your difference is second − first. It is first − second.",
)
compare_paired.mistake(
    "sorted_first",
    edit("samples = {", "first, second = first.sort().values, second.sort().values\nsamples = {"),
    "You sort the scores, so that the best seed of one is paired with the best of the other. "
    "Pairs are made by the seed.",
)
compare_paired.mistake(
    "absolute_differences",
    edit("first - second}", "(first - second).abs()}"),
    "You take absolute differences: their mean is positive even for two equal methods.",
)
compare_paired.mistake(
    "one_seed",
    edit(
        "values.mean(), values.std() / math.sqrt(len(values))",
        "values[0], torch.zeros_like(values[0])",
    ),
    "You use the first seed only. One seed says nothing about what another would do.",
)


@compare_paired.alternative
def with_statistics(first, second):
    def summary(values):
        numbers = values.tolist()
        return statistics.mean(numbers), statistics.stdev(numbers) / len(numbers) ** 0.5

    pairs = zip(first.tolist(), second.tolist(), strict=True)
    differences = torch.tensor([a - b for a, b in pairs], dtype=torch.float64)
    return {"first": summary(first), "second": summary(second), "difference": summary(differences)}


@compare_paired.alternative
def with_covariance(first, second):
    n = len(first)
    c = torch.cov(torch.stack([first, second]))
    return {
        "first": [first.mean(), (c[0, 0] / n) ** 0.5],
        "second": [second.mean(), (c[1, 1] / n) ** 0.5],
        "difference": [
            first.mean() - second.mean(),
            ((c[0, 0] + c[1, 1] - 2 * c[0, 1]) / n) ** 0.5,
        ],
    }

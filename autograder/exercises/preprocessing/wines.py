"""Least squares on the wines: predictions about the way to the optimum, and about the optimum."""

import functools

import torch

from autograder.exercises.preprocessing.lab import lab
from course_lib import data
from course_lib.preprocessing import gradient_descent_steps, largest_stable_rate, standardize

STEPS = ("about as many", "ten times as many", "a hundred times as many", "more than a thousand times as many")  # fmt: skip


@functools.cache
def _steps_on_raw_features():
    wine = data.wine()
    x, y = wine.x_train.double(), (wine.y_train == 0).double()
    counts = []
    for features in (x, standardize(x, x)):
        features = torch.cat([features, torch.ones(len(x), 1, dtype=x.dtype)], dim=1)
        rate = float(largest_stable_rate(features)) / 2
        found = gradient_descent_steps(features, y, rate, tolerance=0.01, max_steps=20_000)
        counts.append(found)
    ratio = counts[0] / counts[1]
    return STEPS[sum(ratio > limit for limit in (3, 30, 1000))]


lab.prediction(
    "steps_on_raw_features",
    title="Predict: how much longer?",
    statement="""Least squares on the 13 measurements of the wines (and an intercept), by gradient
descent from zero, once on raw and once on standardized features, each at half of *its own* largest
stable rate. Until 1 % of the excess over the optimal loss is left, how many steps do the raw features
need, compared with the standardized ones?""",
    minutes=2,
    syllabus=("3.6",),
    choices=STEPS,
    outcome=_steps_on_raw_features,
    explanation="""The number of steps grows like the condition number of the Hessian, which is in
the hundreds of millions for the raw features and below a hundred for the standardized ones.""",
)


OPTIMA = (
    "clearly better on the training data",
    "the same, up to rounding",
    "clearly worse on the training data",
)


@functools.cache
def _optimum_of_standardized():
    wine = data.wine()
    x, y = wine.x_train.double(), (wine.y_train == 0).double()

    def fitted(features):
        features = torch.cat([features, torch.ones(len(x), 1, dtype=x.dtype)], dim=1)
        return features @ torch.linalg.lstsq(features, y[:, None], driver="gelsd").solution

    before, after = fitted(x), fitted(standardize(x, x))
    return OPTIMA[1] if (before - after).abs().max() < 1e-6 else OPTIMA[0]


lab.prediction(
    "optimum_of_standardized",
    title="Predict: what a linear model can express",
    statement="""A linear model *with an intercept* is fitted by least squares, once to the raw
features of the wines and once to the standardized ones, both times exactly (not by gradient
descent). The predictions of the second are …""",
    minutes=1,
    syllabus=("3.6",),
    choices=OPTIMA,
    outcome=_optimum_of_standardized,
    explanation="""Every linear function of the standardized features is one of the raw features
with other weights. What changes is the way there, not what can be reached.""",
)

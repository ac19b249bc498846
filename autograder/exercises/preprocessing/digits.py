"""Standardized digits: a prediction about what standardization does to pixels."""

import functools

import torch

from autograder.exercises.preprocessing.lab import lab
from course_lib import data
from course_lib.preprocessing import standardize

DIGITS = (
    "it gets better, as with the wines",
    "it stays the same, to within half a percent",
    "it gets worse",
)


def _neighbors(x_train, y_train, x_test, y_test, k=5):
    nearest = torch.cdist(x_test, x_train).topk(k, largest=False).indices
    return float((y_train[nearest].mode(dim=1).values == y_test).float().mean())


@functools.cache
def _digits_by_their_neighbors():
    digits = data.digits()
    x_train, x_test = digits.x_train.flatten(1), digits.x_test.flatten(1)
    raw = _neighbors(x_train, digits.y_train, x_test, digits.y_test)
    scaled = _neighbors(
        standardize(x_train, x_train), digits.y_train, standardize(x_train, x_test), digits.y_test
    )
    if abs(scaled - raw) < 0.005:
        return DIGITS[1]
    return DIGITS[0] if scaled > raw else DIGITS[2]


lab.prediction(
    "standardized_digits",
    title="Predict: does standardization always help?",
    statement="""Classifying wines by their five nearest neighbors, standardization raised the test
accuracy from 74 % to 97 %. Now the same classifier on the digits of scikit-learn: 64 features, the
gray values of 8×8 pixels. Some pixels at the edges hardly ever have any ink. What does
standardizing the 64 pixels do to the test accuracy?""",
    minutes=2,
    syllabus=("3.2",),
    choices=DIGITS,
    outcome=_digits_by_their_neighbors,
    explanation="""All pixels share one scale already. Standardization gives a pixel at the edge
that is nearly always empty the same weight as one in the middle: a speck of ink there becomes a value
of up to 38, and decides who is near to whom.""",
)

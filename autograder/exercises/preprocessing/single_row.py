"""A single row: a prediction about constants that come from the data at hand."""

import torch

from autograder.exercises.preprocessing.lab import lab
from course_lib.preprocessing import standardize

SINGLE_ROW = (
    "the same as with the training data's constants",
    "zeros (or NaN), whatever the row is",
    "ones, whatever the row is",
)


def _row_by_itself():
    row = torch.tensor([[3.0, -1.0, 700.0]])
    return SINGLE_ROW[1] if not standardize(row, row).any() else SINGLE_ROW[0]


lab.prediction(
    "one_test_row",
    title="Predict: a single test example",
    statement="""Your program standardizes each feature of whatever table it is given *with the mean
and standard deviation of what it is given*. On tables of a thousand test examples nobody noticed.
Now a user sends **one** row. What does the network get to see?""",
    minutes=1,
    syllabus=("3.5",),
    choices=SINGLE_ROW,
    outcome=_row_by_itself,
    explanation="""The mean of one row is the row itself. The less there is in a batch, the more of
its content goes with its mean; with the training data's constants the size of the batch does not
matter.""",
)

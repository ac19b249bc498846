"""A batch of one: a prediction about both modes of the layer."""

import torch

from autograder.exercises.normalization.lab import lab
from course_lib.normalization import BatchNorm1d

ONE_EXAMPLE = (
    "both modes return a result",
    "only train mode returns a result",
    "only eval mode returns a result",
    "neither mode returns a result",
)


def outcome_for_one_example() -> str:
    """What the layer does with a batch of one, in both modes."""
    layer, x = BatchNorm1d(3), torch.tensor([[1.0, 2.0, 3.0]])
    works = {}
    for training in (True, False):
        layer.train(training)
        try:
            layer(x)
            works[training] = True
        except ValueError:
            works[training] = False
    if works[True]:
        return ONE_EXAMPLE[0] if works[False] else ONE_EXAMPLE[1]
    return ONE_EXAMPLE[2] if works[False] else ONE_EXAMPLE[3]


lab.prediction(
    "batch_of_one",
    title="Predict: a batch of one",
    statement="""A trained `BatchNorm1d` gets a batch of a **single example**, shape (1, C), once in
train mode and once in eval mode. What will happen?""",
    minutes=1,
    syllabus=("5.2", "5.7"),
    choices=ONE_EXAMPLE,
    outcome=outcome_for_one_example,
    explanation="""In train mode the mean of one example is the example itself: every feature would
become (x − x)/√ε · γ + β = β, whatever x is. The layer raises an error rather than do that in
silence (as torch's does). In eval mode the running statistics are used, and one example is as good
as a hundred. So a model that is put to use without `model.eval()` fails on single examples, and on
small batches gives answers that depend on the neighbors.""",
)

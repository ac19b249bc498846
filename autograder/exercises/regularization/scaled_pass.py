"""For which functions one pass without dropout is the average over all masks."""

import torch

from autograder.exercises.regularization.lab import lab
from course_lib import regularization

EXACT = (
    "for none of them",
    "for the first",
    "for the first two",
    "for all three",
)


def outcome_exact() -> str:
    """For how many functions the scaled pass is the average over the masks, in this order."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(8, generator=generator, dtype=torch.float64)
    weight = torch.randn(5, 8, generator=generator, dtype=torch.float64)
    functions = (
        lambda z: weight @ z,
        lambda z: torch.softmax(weight @ z, dim=0),
        lambda z: torch.relu(weight @ z),
    )
    off = [
        bool((regularization.average_over_masks(f, x, 0.3) - f(x)).abs().max() > 1e-6)
        for f in functions
    ]
    assert off == sorted(off)
    return EXACT[off.count(False)]


lab.prediction(
    "where_it_is_exact",
    title="Predict: one pass in the place of 256",
    statement=(
        "At test time one runs the network once, without dropout: the *scaled pass*. Dropout acts on 8 "
        "units z; then comes **(1)** a linear layer W z, **(2)** the probabilities softmax(W z), or **(3)** relu(W z). "
        "For which of these functions is the scaled pass equal to the average over all masks?"
    ),
    minutes=2,
    syllabus=("8.7",),
    choices=EXACT,
    outcome=outcome_exact,
    explanation=(
        "A mean can be pulled through a linear function only. For softmax the scaled pass is exact for another "
        "average, the geometric one (see *Further*); for ReLU it is an approximation that works well."
    ),
)

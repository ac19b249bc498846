"""What a mean does not see of dropout."""

import torch

from autograder.exercises.experiments import seeded
from autograder.exercises.regularization.lab import lab

SEEN_BY_THE_MEAN = ("none of the three", "one of them", "two of them", "all three")

WRONG_DROPOUTS = (
    lambda x, p: x * (torch.rand(x.shape) < p) / p,
    lambda x, p: x * (torch.rand(x.shape) < p / p),
    lambda x, p: x * (torch.rand(x.shape[1:]) >= p) / (1 - p),
)


@seeded
def outcome_seen_by_the_mean() -> str:
    """How many of the three are off in their mean by more than 3 %, over 20 calls."""
    x = 10 + torch.randn(500, 400)
    means = [sum(f(x, 0.25).mean().item() for _ in range(20)) / 20 for f in WRONG_DROPOUTS]
    return SEEN_BY_THE_MEAN[sum(abs(mean - 10) > 0.3 for mean in means)]


lab.prediction(
    "seen_by_the_mean",
    title="Predict: three students print a mean",
    statement="""Every entry of x shall be set to 0 with probability p = 0.25, and the others enlarged so that the mean
stays. x has 500 rows, 400 columns and the mean 10. Three students write, and print the mean of the output:

1. `x * (torch.rand(x.shape) < p) / p`
2. `x * (torch.rand(x.shape) < p / p)`
3. `x * (torch.rand(x.shape[1:]) >= p) / (1 - p)`

None of the three is right. For how many does the mean give it away?""",
    minutes=2,
    syllabus=("8.6",),
    choices=SEEN_BY_THE_MEAN,
    outcome=outcome_seen_by_the_mean,
    explanation=(
        "All three have the mean 10 (the third one's scatters a little). The first drops 75 %, the second nothing (a "
        "division comes before a comparison), the third whole columns. A test that looks at one number sees one number."
    ),
)

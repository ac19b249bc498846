"""The noise of batch normalization: what the company does to an example."""

import torch
from torch.nn import functional as F

from autograder.exercises.experiments import seeded
from autograder.exercises.regularization.lab import lab

COMPANY = (
    "it stays the same",
    "about half of it is left",
    "about a quarter of it is left",
    "it doubles: more companions, more noise",
)


@seeded
def outcome_company() -> str:
    """How an example's output scatters over random companions, for batches of 8 and of 32."""
    example, others = torch.randn(1, 20), torch.randn(4000, 20)
    scatter = []
    for size in (8, 32):
        outputs = [
            F.batch_norm(
                torch.cat([example, others[torch.randperm(4000)[: size - 1]]]),
                None,
                None,
                training=True,
            )[0]
            for _ in range(400)
        ]
        scatter.append(float(torch.stack(outputs).std(dim=0).mean()))
    ratio = scatter[1] / scatter[0]
    return COMPANY[3 if ratio > 1.4 else 0 if ratio > 0.75 else 1 if ratio > 0.35 else 2]


lab.prediction(
    "noise_of_company",
    title="Predict: four times the company",
    statement=(
        "In training, batch normalization makes an example's output depend on who else is in the batch, "
        "by chance: noise, as in dropout. How much of that noise is left when batches of 8 become batches of 32?"
    ),
    minutes=2,
    core=False,
    syllabus=("8.14",),
    choices=COMPANY,
    outcome=outcome_company,
    explanation=(
        "Mean and deviation of a batch scatter like 1/√B: four times the batch, half of the noise. In evaluation "
        "there is none, for the running statistics have no company."
    ),
)

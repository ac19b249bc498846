"""The noise of batch normalization: what the company does to an example."""

import torch

from autograder import probes
from autograder.exercises.experiments import seeded
from autograder.exercises.regularization.lab import lab
from autograder.judging import edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import regularization


def _companies(rng):
    count, others, features = int(rng.integers(5, 8)), int(rng.integers(3, 5)), 9
    spread = rng.uniform(0.5, 2.0, size=features)
    return {
        "example": rng.normal(size=features) * spread + 0.5,
        "companies": rng.normal(size=(count, others, features)) * spread + 0.8,
        "eps": 0.3,
    }


scatter_in_company = lab.exercise(
    regularization.scatter_in_company,
    title="What the company does to an example",
    statement=r"""In training, batch normalization makes an example's output depend on who else is in the batch:
noise, though no coin is thrown. Measure it. `example` (D,) is put into T batches, one with each of the `companies`
(T, B − 1, D), and normalized with mean and *biased* variance of that batch of B,
$\hat x_t = (x - \mu_t)/\sqrt{\sigma_t^2 + \varepsilon}$. Return the standard deviation (÷ T) of
$\hat x_1, \dots, \hat x_T$ for every feature, (D,).""",
    points=2,
    minutes=5,
    core=False,
    syllabus=("8.14",),
    hide=("Formula",),
    inputs=_companies,
    probe=probes.call(),
    checks=[matches_reference("the scatter"), leaves_inputs_alone(), keeps_dtype()],
    forbidden=("torch.nn", "torch.batch_norm"),
    equivalent_mutants={
        "everything is done under torch.no_grad()": "the scatter is looked at, not trained through",
        "normalized = (example - mean) / torch.sqrt(variance + eps) => normalized = -((example - mean) / "
        "torch.sqrt(variance + eps))": "a deviation does not see the sign",
    },
    hints=(
        "`torch.cat([example.expand(T, 1, -1), companies], dim=1)` has all T batches, (T, B, D).",
        "Statistics along axis 1; then the deviation along axis 0.",
    ),
)

scatter_in_company.mistake(
    "without_the_example",
    edit("torch.cat([example.expand(count, 1, -1), companies], dim=1)", "companies"),
    "Your statistics are those of the company alone. The example is in the batch, too.",
)
scatter_in_company.mistake(
    "one_statistic_for_all",
    edit("batches.mean(dim=1)", "batches.mean(dim=(0, 1))").also(
        "batches.var(dim=1, correction=0)", "batches.var(dim=(0, 1), correction=0)"
    ),
    "You normalize with the statistics of all companies together, so that nothing scatters: that is evaluation, with "
    "running statistics. In training every batch has its own.",
)
scatter_in_company.mistake(
    "unbiased_variance",
    edit("batches.var(dim=1, correction=0)", "batches.var(dim=1)"),
    "You divide the variance by B − 1. Batch normalization takes the biased one, divided by B.",
)
scatter_in_company.mistake(
    "over_features",
    edit("batches.mean(dim=1)", "batches.mean(dim=2)[:, :1]").also(
        "batches.var(dim=1, correction=0)", "batches.var(dim=2, correction=0)[:, :1]"
    ),
    "You take the statistics over the features of an example: that is layer normalization, where the company has no "
    "part. Batch normalization takes them over the batch.",
)
scatter_in_company.mistake(
    "divided_by_one_less",
    edit("normalized.std(dim=0, correction=0)", "normalized.std(dim=0)"),
    "Your deviation is divided by T − 1. Asked for is ÷ T.",
)
scatter_in_company.mistake(
    "variance_of_it",
    edit("normalized.std(dim=0, correction=0)", "normalized.var(dim=0, correction=0)"),
    "You return the variance. Take its root.",
)
scatter_in_company.mistake(
    "eps_outside",
    edit("torch.sqrt(variance + eps)", "(torch.sqrt(variance) + eps)"),
    "Your ε is outside of the root. It belongs inside.",
)
scatter_in_company.mistake(
    "centered_only",
    edit(" / torch.sqrt(variance + eps)", ""),
    "You subtract the mean and do not divide by the deviation.",
)


@scatter_in_company.alternative
def one_batch_after_the_other(example, companies, *, eps=1e-5):
    outputs = []
    for company in companies:
        batch = torch.cat([example[None], company])
        centered = batch - batch.mean(0)
        outputs.append((centered / (centered.pow(2).mean(0) + eps).sqrt())[0])
    outputs = torch.stack(outputs)
    return (outputs - outputs.mean(0)).pow(2).mean(0).sqrt()


COMPANY = (
    "it stays the same",
    "about half of it is left",
    "about a quarter of it is left",
    "it doubles: more companions, more noise",
)


@seeded
def outcome_company() -> str:
    """How an example's output scatters over random companions, for batches of 8 and of 32."""
    example, scatter = torch.randn(20), []
    for size in (8, 32):
        companies = torch.randn(400, size - 1, 20)
        scatter.append(float(regularization.scatter_in_company(example, companies).mean()))
    ratio = scatter[1] / scatter[0]
    return COMPANY[3 if ratio > 1.4 else 0 if ratio > 0.75 else 1 if ratio > 0.35 else 2]


lab.prediction(
    "noise_of_company",
    title="Predict: four times the company",
    statement=("How much of the scatter is left when batches of 8 become batches of 32?"),
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

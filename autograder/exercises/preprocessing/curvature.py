"""What the mean of the features does to the curvature of a loss."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.preprocessing.drawing import (
    LIBRARIES,
    READ,
    draw_correlated,
    draw_rows_and_columns,
)
from autograder.exercises.preprocessing.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import preprocessing


def draw_moments(rng):
    x = draw_correlated(rng, *draw_rows_and_columns(rng)) / 2
    return {"mean": x.mean(axis=0), "covariance": np.cov(x, rowvar=False, bias=True)}


curvature_along_mean = lab.value(
    preprocessing.curvature_along_mean,
    title="What the mean does to the loss",
    statement="""The features have the mean μ = `mean` (D,) and the covariance C = `covariance`
(D, D), divided by **n**. How strongly does the least-squares loss curve **along the mean**? That is,
compute

$$m^T H\\, m ,\\qquad H = \\tfrac1n X^TX ,\\qquad m = \\mu/\\lVert\\mu\\rVert ,$$

from μ and C alone. (Write each row as $x_i = \\mu + \\tilde x_i$ and multiply out.) What is left of
it when the features are centered?""",
    points=3,
    minutes=8,
    difficulty=3,
    core=False,
    syllabus=("3.6",),
    hide=("Formula", "Convention", "Source"),
    inputs=draw_moments,
    probe=probes.call(),
    checks=[matches_reference("the curvature along the mean", rtol=1e-4), leaves_inputs_alone()],
    equivalent_mutants=READ,
    forbidden=LIBRARIES,
    hints=(
        "(1/n) Σ (μ + x̃)(μ + x̃)ᵀ has four terms; two of them vanish, because Σ x̃ = 0.",
        "H = C + μμᵀ. What is mᵀ μμᵀ m?",
    ),
)


@curvature_along_mean.mistake(
    "This is the part that the mean brings, ‖μ‖². The data also vary along the mean, which adds "
    "mᵀ C m."
)
def mean_alone(mean, covariance):
    return mean @ mean


@curvature_along_mean.mistake(
    "This is what is left after centering. With the mean in the data, ‖μ‖² comes on top: XᵀX/n = "
    "C + μμᵀ."
)
def spread_alone(mean, covariance):
    return mean @ covariance @ mean / (mean @ mean)


@curvature_along_mean.mistake("You use μ where the unit vector m = μ/‖μ‖ is meant: divide by ‖μ‖².")
def direction_not_normalized(mean, covariance):
    return mean @ covariance @ mean + (mean @ mean) ** 2


@curvature_along_mean.mistake(
    "‖μ‖² is right. In mᵀ C m you use μ where the unit vector m = μ/‖μ‖ is meant."
)
def spread_not_normalized(mean, covariance):
    return mean @ covariance @ mean + mean @ mean


@curvature_along_mean.mistake("You take mᵀ μμᵀ m for 1, as if μ were m. It is (mᵀμ)² = ‖μ‖².")
def one_for_the_mean(mean, covariance):
    return mean @ covariance @ mean / (mean @ mean) + 1


@curvature_along_mean.mistake(
    "This is the largest curvature there is, λ_max of H. Asked for is the one along the mean, "
    "which is a little smaller."
)
def steepest_of_all(mean, covariance):
    return torch.linalg.eigvalsh(covariance + torch.outer(mean, mean))[-1]


@curvature_along_mean.mistake("mᵀ μμᵀ m = (mᵀμ)² = ‖μ‖²: the length enters squared.")
def length_not_squared(mean, covariance):
    direction = mean / mean.norm()
    return direction @ covariance @ direction + mean.norm()


@curvature_along_mean.mistake(
    "The sign is the other way round: C = XᵀX/n − μμᵀ, so XᵀX/n = C + μμᵀ."
)
def subtracted(mean, covariance):
    return mean @ covariance @ mean / (mean @ mean) - mean @ mean


@curvature_along_mean.mistake(
    "You add up all variances. Only the one along the mean counts, mᵀ C m."
)
def trace_for_direction(mean, covariance):
    return torch.trace(covariance) + mean @ mean


@curvature_along_mean.mistake(
    "You take the largest variance there is. Along the mean it is mᵀ C m, which may be smaller."
)
def steepest_added(mean, covariance):
    return torch.linalg.eigvalsh(covariance)[-1] + mean @ mean


@curvature_along_mean.alternative
def by_the_hessian(mean, covariance):
    hessian = covariance + torch.outer(mean, mean)
    direction = mean / torch.linalg.vector_norm(mean)
    return direction @ hessian @ direction


@curvature_along_mean.alternative
def by_sums(mean, covariance):
    m = mean.tolist()
    squared = sum(value**2 for value in m)
    spread = sum(
        m[i] * m[j] * float(covariance[i, j]) for i in range(len(m)) for j in range(len(m))
    )
    return spread / squared + squared

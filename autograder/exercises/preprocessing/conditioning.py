"""Conditioning: how steep and how flat a least-squares loss is."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.preprocessing.drawing import (
    LIBRARIES,
    READ,
    draw_rows_and_columns,
    draw_table,
)
from autograder.exercises.preprocessing.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import preprocessing

FLOAT64 = ("float64", "float64", "float64")
"""The smallest eigenvalue has too few digits in float32."""


def draw_features(rng):
    """Features for which `eigvals`, which does not sort, does not end with the smallest."""
    while True:
        x = draw_table(rng, *draw_rows_and_columns(rng))
        curvatures = np.linalg.eigvals(x.T @ x).real
        both_signs = (x.min(axis=0) < -0.3) & (x.max(axis=0) > 0.3)
        if curvatures[-1] > 1.5 * curvatures.min() and both_signs.any():
            return {"x": x}


def draw_two_features(rng):
    """The larger one stands second, and so does its curvature among `eigvals`."""
    x = draw_table(rng, draw_rows_and_columns(rng)[0], 2)
    return {"x": x[:, np.argsort((x**2).sum(axis=0))]}


def _hessian(x):
    return x.T @ x / len(x)


condition_number = lab.exercise(
    preprocessing.condition_number,
    title="How long is the valley?",
    statement="""The loss of least squares, $L(w) = \\frac{1}{2n}\\lVert Xw-y\\rVert^2$, is a bowl
with the Hessian $H = X^T X/n$: along an eigenvector of H it curves like its eigenvalue. Return the
**condition number** κ = λ_max / λ_min of H for `x` (n, D), as the features are given: do not center
them.

(`np.linalg.cond(x)` is the condition number of X, whose square this is.)""",
    points=2,
    syllabus=("3.6",),
    hide=("Convention",),
    dtypes=FLOAT64,
    inputs=draw_features,
    probe=probes.call(),
    checks=[matches_reference("the condition number", rtol=1e-5), leaves_inputs_alone()],
    forbidden=LIBRARIES,
    equivalent_mutants=READ
    | {
        "stretches = torch.linalg.svdvals(x) => stretches = -torch.linalg.svdvals(x)": "a common "
        "sign leaves the ratio as it is",
    },
    hints=(
        "`torch.linalg.eigvalsh` returns the eigenvalues of a symmetric matrix, smallest first.",
    ),
)


@condition_number.mistake(
    "This is the condition number of X. That of the Hessian XᵀX/n is its square."
)
def of_the_data(x):
    return torch.linalg.cond(x)


@condition_number.mistake(
    "You center the features first. Whether centering helps is the question: take XᵀX as it is."
)
def of_the_covariance(x):
    return torch.linalg.cond(torch.cov(x.T))


@condition_number.mistake("You standardize the features first. Take XᵀX as it is.")
def of_standardized(x):
    return torch.linalg.cond(torch.corrcoef(x.T))


@condition_number.mistake(
    "You square the condition number of H. It is that of X whose square is asked for."
)
def squared_twice(x):
    return torch.linalg.cond(_hessian(x)) ** 2


UNSORTED = (
    "`eigvals` and `eig` return the eigenvalues in no order: the first need not be the largest, nor "
    "the last the smallest. `eigvalsh` sorts those of a symmetric matrix, smallest first."
)


@condition_number.mistake(UNSORTED)
def unsorted(x):
    curvatures = torch.linalg.eigvals(_hessian(x)).real
    return curvatures[0] / curvatures[-1]


@condition_number.mistake("It is the largest over the smallest.")
def upside_down(x):
    curvatures = torch.linalg.eigvalsh(_hessian(x))
    return curvatures[0] / curvatures[-1]


@condition_number.mistake(
    "This is the largest curvature. The condition number divides it by the smallest."
)
def largest_alone(x):
    return torch.linalg.eigvalsh(_hessian(x))[-1]


@condition_number.mistake(
    "You compare the two largest. The slowest direction is the one of the *smallest* eigenvalue."
)
def first_two(x):
    curvatures = torch.linalg.eigvalsh(_hessian(x))
    return curvatures[-1] / curvatures[-2]


@condition_number.mistake(
    "The diagonal of H holds the curvatures along the axes. The eigenvalues are those along the "
    "axes of the bowl, and can lie further apart by far."
)
def over_the_diagonal(x):
    diagonal = torch.diag(_hessian(x))
    return diagonal.max() / diagonal.min()


@condition_number.mistake("You subtract. A condition number is a ratio, without a unit.")
def difference_of_curvatures(x):
    curvatures = torch.linalg.eigvalsh(_hessian(x))
    return curvatures[-1] - curvatures[0]


@condition_number.alternative
def squared_cond(x):
    return torch.linalg.cond(x) ** 2


@condition_number.alternative
def by_singular_values(x):
    values = torch.linalg.svdvals(x)
    return float((values.max() / values.min()) ** 2)


@condition_number.alternative
def cond_of_the_gram_matrix(x):
    return np.linalg.cond(x.numpy().T @ x.numpy())


largest_stable_rate = lab.value(
    preprocessing.largest_stable_rate,
    title="The largest learning rate that works",
    statement="""Gradient descent on $L(w) = \\frac{1}{2n}\\lVert Xw-y\\rVert^2$ takes steps
$w \\leftarrow w - \\eta\\,\\nabla L(w)$. With the Hessian $H = X^TX/n$ and the optimum $w^*$ the
gradient is $H\\,(w-w^*)$.

Write the error $w-w^*$ in the eigenvectors of H. By which factor does one step multiply its part
along the eigenvector of eigenvalue λ? From which learning rate on does *some* part grow? Return this
rate, as a function of the features `x` (n, D).""",
    points=3,
    minutes=8,
    difficulty=2,
    syllabus=("3.6",),
    hide=("Formula", "Convention", "Source"),
    inputs=(draw_features, draw_two_features, draw_features),
    probe=probes.call(),
    # Near enough for an answer that computes in torch's float32 and returns a number.
    checks=[matches_reference("the largest stable rate", rtol=1e-5), leaves_inputs_alone()],
    equivalent_mutants=READ,
    forbidden=LIBRARIES,
    hints=(
        "w − ηH(w − w*) − w* = (I − ηH)(w − w*).",
        "Along an eigenvector the factor is 1 − ηλ. When is |1 − ηλ| < 1?",
        "`torch.linalg.eigvalsh` returns the eigenvalues of a symmetric matrix, smallest first.",
    ),
)


@largest_stable_rate.mistake(
    "This is 1/λ_max. At this rate the steepest part of the error is gone in one step. Beyond it "
    "the part changes its sign at every step, but still shrinks until |1 − ηλ| reaches 1. (It "
    "would be the limit for a loss without the ½.)",
    origin="folklore",
)
def one_over(x):
    return 1 / torch.linalg.eigvalsh(_hessian(x))[-1]


@largest_stable_rate.mistake(
    "You use the smallest eigenvalue. Every part has to shrink, and the part that grows first is "
    "that of the *largest*."
)
def over_the_smallest(x):
    return 2 / torch.linalg.eigvalsh(_hessian(x))[0]


@largest_stable_rate.mistake(UNSORTED)
def over_the_first(x):
    return 2 / torch.linalg.eigvals(_hessian(x)).real[0]


@largest_stable_rate.mistake("You left out the 1/n of the mean: H = XᵀX/n.")
def rows_not_counted(x):
    return 2 / torch.linalg.eigvalsh(x.T @ x)[-1]


@largest_stable_rate.mistake(
    "You divide by the sum of all eigenvalues. That is safe, but smaller than need be."
)
def over_the_trace(x):
    return 2 / torch.trace(_hessian(x))


@largest_stable_rate.mistake(
    "You take the root of the eigenvalue. The curvature is the eigenvalue itself."
)
def over_the_singular_value(x):
    return 2 / torch.linalg.eigvalsh(_hessian(x))[-1].sqrt()


@largest_stable_rate.mistake(
    "You divide by the largest singular value of X. The eigenvalues of H = XᵀX/n are the squares "
    "of the singular values, divided by n."
)
def over_that_of_the_data(x):
    return 2 / torch.linalg.svdvals(x)[0]


@largest_stable_rate.mistake(
    "You take the covariance for H: it centers the features first (and divides by n − 1). H = "
    "XᵀX/n takes `x` as it is; that centering raises the rate is the point."
)
def over_the_covariance(x):
    return 2 / torch.linalg.eigvalsh(torch.cov(x.T))[-1]


@largest_stable_rate.mistake(
    "You center the features first. Asked for is the rate for `x` as it is; that centering raises "
    "it is the point."
)
def of_centered_features(x):
    return 2 / torch.linalg.eigvalsh(_hessian(x - x.mean(dim=0)))[-1]


@largest_stable_rate.mistake(
    "2/(λ_max + λ_min) is the rate at which the slowest part shrinks fastest. It is not the limit "
    "of stability."
)
def over_both(x):
    curvatures = torch.linalg.eigvalsh(_hessian(x))
    return 2 / (curvatures[-1] + curvatures[0])


@largest_stable_rate.mistake(
    "You take the largest curvature along the axes. Along an eigenvector it is larger."
)
def over_the_largest_diagonal(x):
    return 2 / torch.diag(_hessian(x)).max()


@largest_stable_rate.alternative
def by_spectral_norm(x):
    return 2 * len(x) / torch.linalg.matrix_norm(x, ord=2) ** 2


@largest_stable_rate.alternative
def by_power_iteration(x):
    hessian, v = _hessian(x.double()), torch.ones(x.shape[1], dtype=torch.float64)
    for _ in range(500):
        v = hessian @ v
        v = v / v.norm()
    return 2 / float(v @ hessian @ v)

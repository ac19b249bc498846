"""Principal components: the directions in which the data vary."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.preprocessing.drawing import (
    PREPARED,
    PRINCIPAL_COMPONENTS,
    draw_correlated,
    draw_rows_and_columns,
    without_signs,
)
from autograder.exercises.preprocessing.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import (
    check,
    find,
    finding,
    keeps_dtype,
    leaves_inputs_alone,
    matches_reference,
)
from course_lib import preprocessing
from course_lib.preprocessing import pca as right_pca


def draw_data(rng):
    return {"x": draw_correlated(rng, *draw_rows_and_columns(rng))}


def _precision(case):
    return 1e-8 if case.dtype == "float64" else 1e-3


@check("the components are columns of length 1 at right angles")
def orthonormal(case):
    found, wanted = (np.asarray(find(o, "result.2"), float) for o in (case.observed, case.expected))
    if found.shape != wanted.shape:
        got = tuple(int(n) for n in found.shape)
        return finding(
            False, f"shape {wanted.shape}", f"shape {got}", "wanted is one column per feature"
        )
    gap = float(np.abs(found.T @ found - np.eye(len(found))).max())
    return finding(gap <= _precision(case), "Uᵀ U = I", f"off by {gap:.2g}", "not orthonormal")


@check("each column is the direction of its variance, up to sign")
def directions_of_their_variances(case):
    x = np.asarray(case.inputs["x"], float)
    covariance = np.cov(x, rowvar=False)
    variances = np.asarray(find(case.expected, "result.1"), float)
    found = np.asarray(find(case.observed, "result.2"), float)
    gap = float(np.abs(covariance @ found - found * variances).max() / variances[0])
    gist = "a column is no eigenvector, or stands at the place of another"
    return finding(gap <= _precision(case), "C U = U Λ", f"off by {gap:.2g}", gist)


RETURNED = (
    "return (mean, variances.clamp(min=0).flip(0).to(x.dtype), components.flip(1).to(x.dtype))"
)
ANOTHER_DTYPE = "a result of another dtype is remarked upon"

pca = lab.exercise(
    preprocessing.pca,
    title="Principal components",
    statement="""Find the directions in which the data vary, the one of largest variance first. With
$X_c = X - \\mu$ and its covariance

$$C = \\frac{1}{n-1}\\, X_c^T X_c = U \\Lambda U^T$$

return the triple `(mean, variances, components)`: μ of shape (D,), the diagonal of Λ of shape (D,)
in **descending** order, and U of shape (D, D) with one component per **column**, in the order of
the variances. `(x - mean) @ components` then are the data in uncorrelated coordinates.

*Conventions:* the covariance divides by **n − 1**. The *sign* of a component means nothing (−u spans
the same direction as u), and either is accepted. `torch.linalg.eigh` decomposes a symmetric matrix;
note in which order.""",
    parts=[
        Part(
            "mean and variances",
            2,
            (
                matches_reference("the mean", of="result.0"),
                matches_reference("the variances, largest first", of="result.1"),
            ),
        ),
        Part(
            "components",
            2,
            (orthonormal, directions_of_their_variances, leaves_inputs_alone(), keeps_dtype()),
        ),
    ],
    minutes=12,
    difficulty=2,
    core=False,
    syllabus=("3.3",),
    inputs=draw_data,
    probe=probes.call(),
    signature=without_signs,
    forbidden=PRINCIPAL_COMPONENTS,
    equivalent_mutants=PREPARED
    | {
        "centered = (x - mean).double() => centered = -(x - mean).double()": "the covariance "
        "multiplies it by itself",
        "centered = (x - mean).double() => centered = unconverted(x - mean, (x - mean).double())": "spreads that differ by little keep "
        "their digits in float32, too",
        f"{RETURNED} => {RETURNED.replace('clamp', 'clamp_')}": "it is the answer's own tensor",
        **{
            f"{RETURNED} => {RETURNED.replace(f'{part}.to(x.dtype)', f'unconverted({part}, {part}.to(x.dtype))')}": ANOTHER_DTYPE
            for part in ("variances.clamp(min=0).flip(0)", "components.flip(1)")
        },
    },
    hints=(
        "Center, multiply, divide, decompose, reverse: five lines.",
        "`centered.T @ centered` is (D, D). What is the shape of `centered @ centered.T`?",
        "`torch.linalg.eigh` sorts ascending: `variances.flip(0)`, `components.flip(1)`.",
    ),
)


pca.mistake(
    "ascending",
    edit(".flip(0)", "").also("components.flip(1)", "components"),
    "Your variances ascend: that is the order in which `eigh` returns them. Reverse them, and the "
    "columns of U with them.",
    origin="folklore",
)


@pca.mistake(
    "You do not center before the covariance. Your first component points at the mean of the "
    "data, not where they vary.",
    origin="folklore",
)
def not_centered(x):
    variances, components = torch.linalg.eigh(x.T @ x / (len(x) - 1))
    return x.mean(dim=0), variances.flip(0), components.flip(1)


pca.mistake(
    "only_variances_reversed",
    edit("components.flip(1)", "components"),
    "You reverse the variances and leave the components in the old order, so that each stands "
    "beside the variance of another: `components.flip(1)`.",
)


IN_ROWS = (
    "Your components are rows, as scikit-learn has them and as `torch.linalg.svd` returns them (its "
    "third result). Here each is a column: transpose."
)


@pca.mistake(IN_ROWS)
def components_in_rows(x):
    mean, variances, components = right_pca(x)
    return mean, variances, components.T


@pca.mistake(IN_ROWS)
def svd_without_transpose(x):
    mean = x.mean(dim=0)
    _, values, rows = torch.linalg.svd(x - mean, full_matrices=False)
    return mean, values**2 / (len(x) - 1), rows


@pca.mistake("You divide the covariance by n. Here, as in `np.cov` and scikit-learn, it is n − 1.")
def divided_by_n(x):
    mean, variances, components = right_pca(x)
    return mean, variances * (len(x) - 1) / len(x), components


@pca.mistake("You do not divide by n − 1: these are sums of squares, not variances.")
def not_divided(x):
    mean, variances, components = right_pca(x)
    return mean, variances * (len(x) - 1), components


@pca.mistake(
    "You multiply the rows with one another, X_c X_cᵀ, an n×n matrix. The covariance of the "
    "features is X_cᵀ X_c, of shape (D, D)."
)
def rows_for_features(x):
    mean = x.mean(dim=0)
    covariance = (x - mean) @ (x - mean).T / (len(x) - 1)
    variances, components = torch.linalg.eigh(covariance)
    return mean, variances.flip(0), components.flip(1)


@pca.mistake(
    "`torch.cov(x)` takes rows for features and returns an n×n matrix. Ours are columns: "
    "`torch.cov(x.T)`, of shape (D, D)."
)
def covariance_of_the_rows(x):
    variances, components = torch.linalg.eigh(torch.cov(x))
    return x.mean(dim=0), variances.flip(0), components.flip(1)


@pca.mistake(
    "You reverse the rows of U as well. The components are its columns, and each stays as it is: "
    "`flip(1)`."
)
def reversed_both_ways(x):
    mean, variances, components = right_pca(x)
    return mean, variances, components.flip(0)


@pca.mistake("You reverse the rows of U. The components are its columns: `flip(1)`.")
def rows_reversed(x):
    mean, variances, components = right_pca(x)
    return mean, variances, components.flip(1).flip(0)


@pca.mistake(
    "You decompose the correlations, as if every feature had been standardized. Here it is the "
    "covariance."
)
def standardized_first(x):
    mean = x.mean(dim=0)
    variances, components = torch.linalg.eigh(torch.corrcoef(x.T))
    return mean, variances.flip(0), components.flip(1)


@pca.mistake("You return the singular values s of X_c. The variances are s²/(n − 1).")
def singular_values(x):
    mean = x.mean(dim=0)
    _, values, rows = torch.linalg.svd(x - mean, full_matrices=False)
    return mean, values, rows.T


@pca.mistake("You return standard deviations. Asked for are the variances.")
def standard_deviations(x):
    mean, variances, components = right_pca(x)
    return mean, variances.sqrt(), components


@pca.alternative
def by_svd(x):
    mean = x.mean(dim=0)
    _, values, rows = torch.linalg.svd(x - mean, full_matrices=False)
    return mean, values**2 / (len(x) - 1), rows.T


@pca.alternative
def by_cov_and_argsort(x):
    values, vectors = torch.linalg.eigh(torch.cov(x.T))
    order = torch.argsort(values, descending=True)
    return [x.mean(0), values[order], -vectors[:, order]]


@pca.alternative
def in_numpy(x):
    x = x.numpy().astype(np.float64)
    values, vectors = np.linalg.eig(np.cov(x, rowvar=False))
    order = np.argsort(-values.real)
    found = (x.mean(axis=0), values.real[order], vectors.real[:, order])
    return tuple(torch.from_numpy(np.ascontiguousarray(array)) for array in found)

"""PCA whitening: uncorrelated features of variance 1."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.preprocessing.drawing import (
    PREPARED,
    PRINCIPAL_COMPONENTS,
    draw_correlated,
    draw_rows_and_columns,
    without,
    without_signs,
)
from autograder.exercises.preprocessing.lab import lab
from autograder.judging import Part
from autograder.judging.checks import (
    check,
    find,
    finding,
    keeps_dtype,
    leaves_inputs_alone,
    matches_reference,
)
from autograder.judging.comparison import Tolerance, difference
from course_lib import preprocessing
from course_lib.preprocessing import pca, standardize


CORRELATIONS = ("0", "somewhere between 0 and 0.9", "0.9, as before", "more than 0.9")


def _correlation_of_standardized():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4000, 2, generator=generator)
    x[:, 1] = 30 * (0.9 * x[:, 0] + (1 - 0.81) ** 0.5 * x[:, 1]) + 5
    before, after = torch.corrcoef(x.T)[0, 1], torch.corrcoef(standardize(x, x).T)[0, 1]
    if abs(after) < 0.05:
        return CORRELATIONS[0]
    if abs(after - before) < 1e-3:
        return CORRELATIONS[2]
    return CORRELATIONS[1] if after < before else CORRELATIONS[3]


lab.prediction(
    "correlation_of_standardized",
    title="Predict: standardized and correlated",
    statement="""Two features have a correlation of 0.9. Both are standardized. What is their
correlation now?""",
    minutes=1,
    core=False,
    syllabus=("3.4",),
    choices=CORRELATIONS,
    outcome=_correlation_of_standardized,
    explanation="""A correlation *is* the covariance of standardized features. Standardization works
on each feature by itself and cannot know how two of them move together. For that, one has to
rotate.""",
)


def near(case):
    """Small eigenvalues lose digits in float32, and their roots are divided by."""
    return Tolerance(1e-3 if case.dtype == "float32" else None, case.dtype)


def draw_data(rng):
    """ε is as large as the smaller variances: where it stands is seen."""
    x = draw_correlated(rng, *draw_rows_and_columns(rng))
    return {"x": x, "eps": float(rng.uniform(0.1, 0.5))}


def draw_duplicated(rng):
    """A feature that comes twice: one direction has no variance at all."""
    drawn = draw_data(rng)
    return {**drawn, "x": np.concatenate([drawn["x"], drawn["x"][:, :1]], axis=1)}


draw_duplicated_by_default = without(draw_duplicated, "eps")
"""The default of ε is seen where nothing else is under the root."""


@check("a direction without variance is divided by √ε")
def direction_without_variance(case):
    """By itself: what stands there without ε is a rounding error, another one for every `pca`."""
    x, eps = case.inputs["x"], case.inputs.get("eps", 1e-5)
    if not np.array_equal(x[:, 0], x[:, -1]):
        return finding(True)
    found, wanted = _matrices(case)
    if found.shape != wanted.shape:
        return finding(False, f"shape {wanted.shape}", f"shape {found.shape}", "another shape")
    scale = float(np.linalg.norm(found[0] - found[-1])) / 2**0.5
    gist = "a feature came twice, and the difference of the two has no variance"
    return finding(
        abs(scale * eps**0.5 - 1) <= 1e-2, f"1/√ε = {eps**-0.5:.4g}", f"{scale:.4g}", gist
    )


def _matrices(case):
    return (np.asarray(find(o, "result.1"), float) for o in (case.observed, case.expected))


def compared(found, wanted, case):
    unlike = difference(found, wanted, near(case))
    if unlike is None:
        return finding(True)
    return finding(False, unlike.expected, unlike.observed, unlike.gist)


@check("its columns are scaled components: W Wᵀ = U (Λ + ε)⁻¹ Uᵀ")
def scaled_components(case):
    found, wanted = _matrices(case)
    if found.shape != wanted.shape:
        return finding(False, f"shape {wanted.shape}", f"shape {found.shape}", "another shape")
    return compared(found @ found.T, wanted @ wanted.T, case)


@check("its columns are at right angles, the largest variance first: WᵀW = (Λ + ε)⁻¹")
def ordered_columns(case):
    found, wanted = _matrices(case)
    return compared(found.T @ found, wanted.T @ wanted, case)


pca_whitening = lab.exercise(
    preprocessing.pca_whitening,
    title="PCA whitening",
    statement="""Standardization gives every *feature* variance 1. Whitening gives variance 1 to
every *direction*: rotate to the principal components, and divide each by its standard deviation,

$$Z = (X-\\mu)\\,W,\\qquad W = U\\,(\\Lambda+\\varepsilon)^{-1/2} .$$

Return the pair `(mean, W)`, fitted on `x` (n, D). They are the constants of this preprocessing:
with `z = (x - mean) @ W` they are applied to any data. Use your `pca`.

*Conventions:* Λ holds the variances with n − 1, as `pca` returns them. ε stands **inside** the root
(default 1e-5): a direction without any variance (say, from a feature that comes twice) is divided by
√ε and not by 0. The sign of a column means nothing.""",
    parts=[
        Part(
            "mean and matrix",
            4,
            (
                matches_reference("the mean", of="result.0"),
                scaled_components,
                ordered_columns,
                direction_without_variance,
                leaves_inputs_alone(),
                keeps_dtype(),
            ),
        )
    ],
    minutes=8,
    difficulty=2,
    core=False,
    syllabus=("3.4",),
    needs=("preprocessing/pca",),
    inputs=(draw_data, without(draw_data, "eps"), draw_duplicated_by_default, draw_duplicated),
    probe=probes.call(),
    signature=without_signs,
    forbidden=PRINCIPAL_COMPONENTS,
    equivalent_mutants=PREPARED
    | {
        "matrix = components / torch.sqrt(variances + eps) => "
        "matrix = -(components / torch.sqrt(variances + eps))": "the signs of the columns are free"
    },
    hints=(
        "Two lines: call `pca`, and divide the components.",
        "`components / v` divides column j by `v[j]`.",
    ),
)


@pca_whitening.mistake(
    "You divide by Λ + ε. Variances are squares: to bring them to 1 the data are divided by the "
    "root. With yours the covariance becomes Λ⁻¹.",
    origin="folklore",
)
def by_the_variance(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components / (variances + eps)


@pca_whitening.mistake("You add ε after the root. It belongs inside, √(Λ + ε).", origin="folklore")
def eps_outside(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components / (torch.sqrt(variances.clamp(min=0)) + eps)


@pca_whitening.mistake(
    "ε is missing. A direction without variance is then divided by 0, or by a rounding error, "
    "which is worse."
)
def no_eps(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components / torch.sqrt(variances)


@pca_whitening.mistake(
    "This is standardization: every feature is divided by its own standard deviation, and the "
    "features stay as correlated as they were. Rotate to the components first."
)
def only_scaled(x, *, eps=1e-5):
    variances = x.var(dim=0)
    return x.mean(dim=0), torch.diag(1 / torch.sqrt(variances + eps))


@pca_whitening.mistake(
    "You rotate and do not divide: this is PCA. Uncorrelated, but not of variance 1."
)
def only_rotated(x, *, eps=1e-5):
    mean, _, components = pca(x)
    return mean, components


@pca_whitening.mistake(
    "You return the whitened data. Asked for is W, the matrix that whitens them: with `(x - mean) "
    "@ W` it serves for other data too."
)
def data_returned(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, (x - mean) @ (components / torch.sqrt(variances + eps))


@pca_whitening.mistake("You add 1e-5 whatever `eps` is. That is its default: add `eps`.")
def eps_not_used(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components / torch.sqrt(variances + 1e-5)


@pca_whitening.mistake("You raise small variances to ε. It is added to all of them: √(Λ + ε).")
def raised_to_eps(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components / torch.sqrt(variances.clamp(min=eps))


@pca_whitening.mistake(
    "Your columns begin with the smallest variance, as `eigh` returns them. Here, as in your "
    "`pca`, the largest comes first."
)
def smallest_first(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, (components / torch.sqrt(variances + eps)).flip(1)


@pca_whitening.mistake("You multiply by √(Λ + ε). Divide.")
def multiplied(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components * torch.sqrt(variances + eps)


@pca_whitening.mistake(
    "You divide the rows of U. Each component is a column, so column j is divided by √(λ_j + ε); "
    "broadcasting does that without a new axis."
)
def rows_scaled(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components / torch.sqrt(variances + eps)[:, None]


@pca_whitening.mistake(
    "You multiply by Uᵀ at the end. That is ZCA whitening, which is also white; PCA whitening "
    "stays in the coordinates of the components."
)
def rotated_back(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components / torch.sqrt(variances + eps) @ components.T


@pca_whitening.mistake(
    "Your matrix is the transpose. It is applied from the right, `(x - mean) @ W`, so the "
    "components are columns."
)
def transposed(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, (components / torch.sqrt(variances + eps)).T


@pca_whitening.mistake("Your variances divide by n. Use those of `pca`, with n − 1.")
def divided_by_n(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components / torch.sqrt(variances * (len(x) - 1) / len(x) + eps)


@pca_whitening.mistake("You changed the default of `eps`. It is 1e-5.")
def another_default(x, *, eps=1e-1):
    mean, variances, components = pca(x)
    return mean, components / torch.sqrt(variances + eps)


@pca_whitening.alternative
def by_svd(x, *, eps=1e-5):
    mean = x.mean(dim=0)
    _, values, rows = torch.linalg.svd(x - mean, full_matrices=False)
    return mean, rows.T / (values**2 / (len(x) - 1) + eps) ** 0.5


@pca_whitening.alternative
def by_diagonal_matrix(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components @ torch.diag((variances + eps).rsqrt())

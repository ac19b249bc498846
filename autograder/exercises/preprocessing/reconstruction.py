"""Reconstruction: what is left of data when few components are kept."""

import torch

from autograder import probes
from autograder.exercises.preprocessing.drawing import (
    PREPARED,
    PRINCIPAL_COMPONENTS,
    draw_correlated,
    draw_rows_and_columns,
)
from autograder.exercises.preprocessing.lab import lab
from autograder.judging.checks import (
    keeps_dtype,
    leaves_inputs_alone,
    matches_reference,
)
from course_lib import preprocessing
from course_lib.preprocessing import pca as right_pca


def draw_reconstruction(rng):
    rows, columns = draw_rows_and_columns(rng)
    data = draw_correlated(rng, rows + 3, columns)
    return {"x_train": data[:rows], "x": data[rows:] + 0.5, "k": int(rng.integers(1, 3))}


def draw_everything_kept(rng):
    drawn = draw_reconstruction(rng)
    return {**drawn, "k": drawn["x"].shape[1]}


def draw_nothing_kept(rng):
    return {**draw_reconstruction(rng), "k": 0}


reconstruct = lab.exercise(
    preprocessing.reconstruct,
    title="What k components keep",
    statement="""With the `k` most important components of the **training data**, a row of D numbers
is kept as only k coordinates. Compress `x` (M, D) so, and return what can be rebuilt from the
coordinates, again of shape (M, D):

$$\\hat x = \\mu + (x-\\mu)\\,U_k U_k^T ,$$

where $U_k$ holds the first k columns; k goes from 0 (nothing is kept but the mean) to D (everything
is). Use your `pca`.""",
    points=3,
    minutes=7,
    difficulty=2,
    core=False,
    syllabus=("3.3", "3.5"),
    needs=("preprocessing/pca",),
    inputs=(draw_reconstruction, draw_everything_kept, draw_nothing_kept, draw_reconstruction),
    probe=probes.call(),
    # In float32 the directions themselves are off by some millionths.
    checks=[
        matches_reference("the reconstruction", rtol=1e-4),
        leaves_inputs_alone(),
        keeps_dtype(),
    ],
    equivalent_mutants=PREPARED,
    forbidden=PRINCIPAL_COMPONENTS,
    hints=(
        "`(x - mean) @ components[:, :k]` are the coordinates, of shape (M, k).",
        "The columns are orthonormal, so the way back is multiplication by the transpose.",
    ),
)


@reconstruct.mistake(
    "You take the mean off and do not add it again: the result is centered at zero."
)
def mean_forgotten(x_train, x, k):
    mean, _, components = right_pca(x_train)
    return (x - mean) @ components[:, :k] @ components[:, :k].T


@reconstruct.mistake(
    "These are the k coordinates. Multiply by U_kᵀ to get back to D features, and add the mean."
)
def coordinates_only(x_train, x, k):
    mean, _, components = right_pca(x_train)
    return (x - mean) @ components[:, :k]


@reconstruct.mistake(
    "You project the raw data. The components describe differences from the mean: subtract it "
    "first and add it at the end."
)
def never_centered(x_train, x, k):
    _, _, components = right_pca(x_train)
    return x @ components[:, :k] @ components[:, :k].T


@reconstruct.mistake(
    "You add the mean at the end without having taken it off: the components describe differences "
    "from the mean, (x − μ) U_k U_kᵀ."
)
def not_centered_before(x_train, x, k):
    mean, _, components = right_pca(x_train)
    return mean + x @ components[:, :k] @ components[:, :k].T


@reconstruct.mistake(
    "You count the dropped columns from the end. For k = D that is `[:, :-0]`, which is empty: "
    "keep the first k with `[:, :k]`."
)
def dropped_from_the_end(x_train, x, k):
    mean, _, components = right_pca(x_train)
    kept = components[:, : -(components.shape[1] - k)]
    return mean + (x - mean) @ kept @ kept.T


@reconstruct.mistake("You keep the last k components, those of least variance.")
def least_important(x_train, x, k):
    mean, _, components = right_pca(x_train)
    return mean + (x - mean) @ components[:, -k:] @ components[:, -k:].T


@reconstruct.mistake("You keep all components but the first k: this is what the compression loses.")
def what_is_lost(x_train, x, k):
    mean, _, components = right_pca(x_train)
    return mean + (x - mean) @ components[:, k:] @ components[:, k:].T


@reconstruct.mistake("You fit mean and components on `x`. Both come from the training data.")
def fitted_on_x(x_train, x, k):
    mean, _, components = right_pca(x)
    return mean + (x - mean) @ components[:, :k] @ components[:, :k].T


@reconstruct.mistake(
    "The components are those of the training data, the mean is that of `x`. It comes from the "
    "training data too."
)
def mean_of_x(x_train, x, k):
    _, _, components = right_pca(x_train)
    mean = x.mean(dim=0)
    return mean + (x - mean) @ components[:, :k] @ components[:, :k].T


@reconstruct.mistake(
    "You take the first k rows of U. The components are its columns: `components[:, :k]`."
)
def first_features(x_train, x, k):
    mean, _, components = right_pca(x_train)
    return mean + (x - mean) @ components[:k, :].T @ components[:k, :]


@reconstruct.mistake("You keep k + 1 components.")
def one_more(x_train, x, k):
    mean, _, components = right_pca(x_train)
    return mean + (x - mean) @ components[:, : k + 1] @ components[:, : k + 1].T


@reconstruct.alternative
def by_projector(x_train, x, k):
    mean, _, components = right_pca(x_train)
    projector = components[:, :k] @ components[:, :k].mT
    return (x - mean) @ projector + mean


@reconstruct.alternative
def by_taking_away(x_train, x, k):
    mean, _, components = right_pca(x_train)
    rest = x - mean
    for j in range(k, components.shape[1]):
        u = components[:, j]
        rest = rest - torch.outer(rest @ u, u)
    return mean + rest

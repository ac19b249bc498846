"""Whitening that turns back, and what ε does to noise."""

import torch

from autograder import probes
from autograder.exercises.preprocessing.drawing import (
    NOT_TRAINED,
    PRINCIPAL_COMPONENTS,
    without,
    without_signs,
)
from autograder.exercises.preprocessing.lab import lab
from autograder.exercises.preprocessing.whitening import (
    compared,
    direction_without_variance,
    draw_data,
    draw_duplicated,
    draw_duplicated_by_default,
    matrices,
)
from autograder.judging import Part
from autograder.judging.checks import check, keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import preprocessing
from course_lib.preprocessing import pca, pca_whitening


@check("the matrix")
def matrix(case):
    return compared(*matrices(case), case)


zca_whitening = lab.exercise(
    preprocessing.zca_whitening,
    title="ZCA whitening: white, and still an image",
    statement="""Any rotation of white data is white. PCA whitening leaves images in the coordinates
of the components, where nothing looks like an image. ZCA whitening turns back:

$$Z = (X-\\mu)\\,W,\\qquad W = U\\,(\\Lambda+\\varepsilon)^{-1/2}\\,U^T .$$

Of all whitenings it changes the data least, so that a whitened image is still one. Return
`(mean, W)`, with the conventions of `pca_whitening`. Use your `pca`.""",
    parts=[
        Part(
            "mean and matrix",
            3,
            (
                matches_reference("the mean", of="result.0"),
                matrix,
                direction_without_variance,
                leaves_inputs_alone(),
                keeps_dtype(),
            ),
        )
    ],
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("3.4",),
    needs=("preprocessing/pca",),
    inputs=(draw_data, without(draw_data, "eps"), draw_duplicated_by_default, draw_duplicated),
    probe=probes.call(),
    signature=without_signs,
    equivalent_mutants=NOT_TRAINED,
    forbidden=PRINCIPAL_COMPONENTS,
    hints=("`pca_whitening` and one more factor.", "The way back from `@ U` is `@ U.T`."),
)


@zca_whitening.mistake("This is PCA whitening. Multiply by Uᵀ from the right to turn back.")
def not_rotated_back(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components / torch.sqrt(variances + eps)


DIVIDED_TWICE = (
    "You divide by Λ + ε, which is once too often: it is the root that makes the variances 1. (The "
    "PCA whitening times its own transpose divides twice as well. The way back is Uᵀ alone.)"
)
EPS_ON_THE_ROOT = (
    "You add ε to a root, that of the variances or of the whole covariance. It belongs inside, to "
    "the variances: √(Λ + ε)."
)


@zca_whitening.mistake(DIVIDED_TWICE, origin="folklore")
def zca_by_the_variance(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components / (variances + eps) @ components.T


@zca_whitening.mistake(EPS_ON_THE_ROOT)
def zca_eps_outside(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components / (torch.sqrt(variances.clamp(min=0)) + eps) @ components.T


@zca_whitening.mistake(
    "ε is missing: a direction without variance is divided by 0, or by a rounding error."
)
def zca_no_eps(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components / torch.sqrt(variances) @ components.T


@zca_whitening.mistake(
    "You compute Uᵀ (Λ + ε)^(−1/2) U. The components are columns, so the data meet U first: U (Λ "
    "+ ε)^(−1/2) Uᵀ."
)
def rotated_the_wrong_way(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, (components.T / torch.sqrt(variances + eps)) @ components


@zca_whitening.mistake(DIVIDED_TWICE)
def scaled_twice(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    whitening = components / torch.sqrt(variances + eps)
    return mean, whitening @ whitening.T


@zca_whitening.mistake("ε is always 1e-5: you call `pca_whitening(x)` and do not pass `eps` on.")
def eps_not_passed_on(x, *, eps=1e-5):
    mean, whitening = pca_whitening(x)
    return mean, whitening @ pca(x)[2].T


@zca_whitening.mistake("You multiply by U once more, which rotates on. The way back is Uᵀ.")
def rotated_on(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components / torch.sqrt(variances + eps) @ components


@zca_whitening.mistake(
    "You return the whitened data. Asked for is W, the matrix that whitens them."
)
def zca_data_returned(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, (x - mean) @ (components / torch.sqrt(variances + eps) @ components.T)


@zca_whitening.mistake("You multiply by √(Λ + ε): this undoes a whitening. Divide.")
def colored(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    return mean, components * torch.sqrt(variances + eps) @ components.T


@zca_whitening.mistake(
    "Your data are white, but this is Cholesky whitening. ZCA is the one whose matrix is symmetric."
)
def by_cholesky(x, *, eps=1e-5):
    mean = x.mean(dim=0)
    covariance = torch.cov(x.T) + eps * torch.eye(x.shape[1], dtype=x.dtype)
    return mean, torch.linalg.inv(torch.linalg.cholesky(covariance)).T


@zca_whitening.mistake(EPS_ON_THE_ROOT)
def eps_on_the_matrix(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    root = components * torch.sqrt(variances.clamp(min=0)) @ components.T
    return mean, torch.linalg.inv(root + eps * torch.eye(len(mean), dtype=x.dtype))


@zca_whitening.mistake("Your variances divide by n. Use those of `pca`, with n − 1.")
def zca_divided_by_n(x, *, eps=1e-5):
    mean, variances, components = pca(x)
    variances = variances * (len(x) - 1) / len(x)
    return mean, components / torch.sqrt(variances + eps) @ components.T


@zca_whitening.alternative
def zca_by_svd(x, *, eps=1e-5):
    covariance = torch.cov(x.T)
    left, values, _ = torch.linalg.svd(covariance)
    return x.mean(0), left @ torch.diag(1 / torch.sqrt(values + eps)) @ left.T


@zca_whitening.alternative
def inverse_root(x, *, eps=1e-5):
    regular = torch.cov(x.T) + eps * torch.eye(x.shape[1], dtype=x.dtype)
    values, vectors = torch.linalg.eigh(regular)
    return x.mean(0), torch.einsum("ij,j,kj->ik", vectors, values**-0.5, vectors)


def draw_direction(rng):
    variance = float(rng.uniform(0.5, 4))
    return {
        "variance": variance,
        "noise": variance * float(rng.uniform(0.1, 0.8)),
        "eps": float(rng.uniform(0.3, 3)),
    }


whitened_variance = lab.value(
    preprocessing.whitened_variance,
    title="What whitening does to noise",
    statement="""The covariance of the data has a direction of variance λ = `variance`, of which the
part ν = `noise` is measurement noise (so ν ≤ λ). The data are whitened with ε = `eps` inside the root.
Return the pair: the variance of the whitened data in this direction, and how much of it is noise, as
a variance too and not as a share.

For a direction that is nearly pure noise (ν ≈ λ) and nearly constant (λ ≪ 1): what does ε = 0 make
of it, and what an ε ≫ λ?""",
    points=2,
    difficulty=2,
    core=False,
    syllabus=("3.2", "3.4"),
    hide=("Formula", "Source"),
    inputs=draw_direction,
    probe=probes.call(),
    # Near enough for an answer that computes in torch's float32 and returns a number.
    checks=[matches_reference("the two variances", rtol=1e-5)],
    hints=("By which number are the data divided?", "Var(a x) = a² Var(x)."),
)


@whitened_variance.mistake(
    "You leave ε out. Then every direction, noise or not, gets variance 1. With ε inside the root "
    "the data are divided by √(λ + ε)."
)
def without_eps(variance, noise, eps):
    return 1.0, noise / variance


@whitened_variance.mistake(
    "You scale the noise by its own variance. The whole direction is divided by one number, √(λ + "
    "ε), and the noise with it."
)
def noise_by_itself(variance, noise, eps):
    return variance / (variance + eps), noise / (noise + eps)


@whitened_variance.mistake(
    "ν/λ is the share of the noise, which no scaling changes. Asked for is its variance in the "
    "whitened data."
)
def share_of_noise(variance, noise, eps):
    return variance / (variance + eps), noise / variance


@whitened_variance.mistake(
    "The first would be 1 for ε = 0. Divided by √(λ + ε), a direction of variance λ keeps a "
    "little less."
)
def one_whatever_eps(variance, noise, eps):
    return 1.0, noise / (variance + eps)


@whitened_variance.mistake(
    "Your first number is the signal alone. Asked for is the variance of the direction, noise "
    "included."
)
def signal_first(variance, noise, eps):
    return (variance - noise) / (variance + eps), noise / (variance + eps)


@whitened_variance.mistake(
    "You add ν to λ. The noise is part of λ, the variance that was measured."
)
def noise_on_top(variance, noise, eps):
    total = variance + noise
    return total / (total + eps), noise / (total + eps)


@whitened_variance.mistake("Dividing *data* by a divides their variance by a².")
def divided_by_the_root(variance, noise, eps):
    scale = (variance + eps) ** 0.5
    return variance / scale, noise / scale


@whitened_variance.mistake("These are standard deviations. Asked for are variances.")
def standard_deviations(variance, noise, eps):
    scale = (variance + eps) ** 0.5
    return variance**0.5 / scale, noise**0.5 / scale


@whitened_variance.mistake("The noise is divided as well: it is part of the data.")
def noise_untouched(variance, noise, eps):
    return variance / (variance + eps), noise


@whitened_variance.mistake("Your ε stands outside the root: √λ + ε.")
def outside_the_root(variance, noise, eps):
    scale = (variance**0.5 + eps) ** 2
    return variance / scale, noise / scale


@whitened_variance.mistake("You divide the data by λ + ε. Whitening divides by the root.")
def scaled_by_lambda(variance, noise, eps):
    scale = (variance + eps) ** 2
    return variance / scale, noise / scale


@whitened_variance.alternative
def by_simulation_of_two_points(variance, noise, eps):
    rows = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    scaled = rows * variance**0.5 / (variance + eps) ** 0.5
    whitened = scaled.var(unbiased=False)
    return whitened, whitened * noise / variance


@whitened_variance.alternative
def as_share(variance, noise, eps):
    kept = 1 / (1 + eps / variance)
    return kept, kept * (noise / variance)

"""Preprocessing against numpy, scikit-learn, closed forms and gradient descent itself."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F

from course_lib import data
from course_lib.preprocessing import (
    ImageNormalizer,
    center,
    center_channels,
    channel_statistics,
    condition_number,
    curvature_along_mean,
    diagnose_normalization,
    fold_standardization,
    gradient_descent_steps,
    largest_stable_rate,
    pad_then_normalize,
    padding_value,
    pca,
    pca_whitening,
    reconstruct,
    standardize,
    whitened_variance,
    zca_whitening,
)

TOLERANCE = {torch.float64: (1e-9, 1e-11), torch.float32: (1e-4, 2e-4)}  # relative, absolute


Draw = Callable[..., torch.Tensor]


@pytest.fixture
def draw(device: str, dtype: torch.dtype) -> Draw:
    """Normal numbers on the device and in the precision under test."""

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=dtype).to(device)

    return normal


@pytest.fixture
def table(draw: Draw) -> torch.Tensor:
    """Correlated features on different scales, far from centered, with variances far apart."""
    scores = draw(40, 5) * torch.tensor([4.0, 2.0, 1.0, 0.5, 0.25]).to(draw(1))
    directions = torch.linalg.qr(draw(5, 5)).Q
    return scores @ directions + torch.tensor([3.0, -5.0, 0.0, 8.0, 1.0]).to(scores)


@pytest.fixture
def images(draw: Draw) -> torch.Tensor:
    """Images whose channels, positions and examples differ in brightness."""
    x = draw(6, 3, 4, 5) * torch.tensor([0.5, 1.0, 2.0]).to(draw(1))[:, None, None]
    return x + draw(6, 1, 1, 1) + torch.tensor([1.0, -2.0, 0.5]).to(x)[:, None, None]


def as_numpy(x: torch.Tensor) -> np.ndarray:
    """The same numbers in float64."""
    return x.cpu().double().numpy()


def assert_close(actual: torch.Tensor, expected: Any) -> None:
    """Compare as tightly as the precision allows."""
    rtol, atol = TOLERANCE[actual.dtype]
    wanted = torch.as_tensor(expected).to(actual)
    torch.testing.assert_close(actual, wanted, rtol=rtol, atol=atol)


# --- centering


def test_centering_subtracts_the_means_of_numpy(table: torch.Tensor) -> None:
    train, test = table[:30], table[30:]
    assert_close(center(train, test), as_numpy(test) - as_numpy(train).mean(axis=0))


def test_centering_images_subtracts_the_mean_image(images: torch.Tensor) -> None:
    assert_close(center(images[:4], images[4:]), images[4:] - images[:4].mean(dim=0))


def test_centering_keeps_the_shift_of_a_brighter_image(images: torch.Tensor) -> None:
    brighter = images[:1] + 7
    shift = center(images, brighter) - center(images, images[:1])
    assert_close(shift, torch.full_like(shift, 7))


def test_centering_bytes_gives_floats_and_leaves_the_bytes_alone(device: str) -> None:
    x = torch.randint(100, 256, (7, 3, 2, 4), dtype=torch.uint8, device=device)
    kept = x.clone()
    centered = center(x, x[:2])
    assert centered.dtype == torch.get_default_dtype()
    assert_close(centered, as_numpy(x)[:2] - as_numpy(x).mean(axis=0))
    assert torch.equal(x, kept)


def test_channels_are_centered_by_one_number_each(images: torch.Tensor) -> None:
    centered = center_channels(images[:4], images[4:])
    means = as_numpy(images[:4]).mean(axis=(0, 2, 3))
    assert_close(centered, as_numpy(images[4:]) - means[:, None, None])
    assert_close(center_channels(images, images).mean(dim=(0, 2, 3)), torch.zeros(3))


def test_channels_of_images_of_another_size_are_centered_by_the_same_numbers(
    images: torch.Tensor, draw: Draw
) -> None:
    larger = draw(2, 3, 9, 7)
    shift = larger - center_channels(images, larger)
    assert_close(shift, images.mean(dim=(0, 2, 3))[:, None, None].expand_as(larger))


# --- scaling


def test_standardizing_is_that_of_scikit_learn(table: torch.Tensor) -> None:
    train, test = table[:30] * 1000, table[30:] * 1000
    train[:, 2] = test[:, 2] = 0.75
    scaler = StandardScaler().fit(as_numpy(train))
    assert_close(standardize(train, test), scaler.transform(as_numpy(test)))


def test_standardized_training_data_have_mean_0_and_std_1(table: torch.Tensor) -> None:
    z = standardize(table, table)
    assert_close(z.mean(dim=0), torch.zeros(5))
    assert_close(z.std(dim=0, unbiased=False), torch.ones(5))


def test_a_feature_that_never_varies_becomes_zero_whatever_its_value() -> None:
    x = torch.randn(1437, 3)
    x[:, 1] = 0.1  # in float32 the mean of 1437 of these is not 0.1
    assert standardize(x, x)[:, 1].abs().max() < 1e-6


def test_a_feature_that_varies_later_only_stays_of_reasonable_size(table: torch.Tensor) -> None:
    train, test = table[:30].clone(), table[30:].clone()
    train[:, 1] = 0.5
    assert_close(standardize(train, test)[:, 1], test[:, 1] - 0.5)


def test_digits_have_constant_pixels_and_stay_finite() -> None:
    digits = data.digits()
    x = digits.x_train.flatten(1)
    assert standardize(x, digits.x_test.flatten(1)).isfinite().all()


def test_channel_statistics_are_those_of_numpy(images: torch.Tensor) -> None:
    mean, std = channel_statistics(images)
    assert mean.shape == std.shape == (3,)
    assert_close(mean, as_numpy(images).mean(axis=(0, 2, 3)))
    assert_close(std, as_numpy(images).std(axis=(0, 2, 3)))


def test_channel_statistics_of_bytes_are_in_bytes() -> None:
    photographs = data.photographs()
    mean, std = channel_statistics(photographs)
    torch.testing.assert_close(mean, photographs.double().mean(dim=(0, 2, 3)).float())
    torch.testing.assert_close(std, photographs.double().std(dim=(0, 2, 3), correction=0).float())


# --- principal components and whitening


def test_the_components_are_those_of_scikit_learn_up_to_sign(table: torch.Tensor) -> None:
    mean, variances, components = pca(table)
    oracle = PCA().fit(as_numpy(table))
    assert_close(mean, oracle.mean_)
    assert_close(variances, oracle.explained_variance_)
    assert_close(components.abs(), np.abs(oracle.components_.T))


def test_the_components_decompose_the_covariance(table: torch.Tensor) -> None:
    _, variances, components = pca(table)
    assert (variances[:-1] >= variances[1:]).all()
    assert_close(components.T @ components, torch.eye(5))
    assert_close(components * variances @ components.T, np.cov(as_numpy(table), rowvar=False))


def test_the_first_component_is_not_the_direction_of_a_large_mean() -> None:
    x = torch.randn(200, 3, dtype=torch.float64) * torch.tensor([0.1, 3.0, 0.1]) + 100
    assert abs(float(pca(x)[2][1, 0])) > 0.99


@pytest.mark.parametrize("k", [0, 1, 3, 5])
def test_a_reconstruction_is_that_of_scikit_learn(table: torch.Tensor, k: int) -> None:
    train, test = table[:30], table[30:]
    rebuilt = reconstruct(train, test, k)
    if k == 0:
        assert_close(rebuilt, train.mean(dim=0).expand_as(test))
        return
    oracle = PCA(n_components=k).fit(as_numpy(train))
    assert_close(rebuilt, oracle.inverse_transform(oracle.transform(as_numpy(test))))


def test_pca_whitening_without_eps_is_that_of_scikit_learn_up_to_sign(table: torch.Tensor) -> None:
    mean, matrix = pca_whitening(table, eps=0.0)
    oracle = PCA(whiten=True).fit(as_numpy(table))
    assert_close(((table - mean) @ matrix).abs(), np.abs(oracle.transform(as_numpy(table))))


@pytest.mark.parametrize("whitening", [pca_whitening, zca_whitening])
def test_whitened_data_have_the_identity_as_covariance(
    whitening: Callable[..., Any], table: torch.Tensor
) -> None:
    mean, matrix = whitening(table, eps=0.0)
    assert_close(torch.cov(((table - mean) @ matrix).T), torch.eye(5))


def test_zca_is_the_inverse_root_of_the_covariance(table: torch.Tensor) -> None:
    _, matrix = zca_whitening(table, eps=0.3)
    regular = torch.cov(table.T) + 0.3 * torch.eye(5).to(table)
    assert_close(matrix, matrix.T)
    assert_close(matrix @ regular @ matrix, torch.eye(5))


def test_zca_moves_the_data_least_of_all_whitenings(table: torch.Tensor) -> None:
    mean, zca = zca_whitening(table, eps=0.0)
    _, rotated = pca_whitening(table, eps=0.0)
    centered = table - mean
    moved = [((centered @ matrix - centered) ** 2).sum() for matrix in (zca, rotated, -zca)]
    assert moved[0] < min(moved[1:])


@pytest.mark.parametrize("whitening", [pca_whitening, zca_whitening])
def test_a_duplicated_feature_is_whitened_to_finite_numbers(
    whitening: Callable[..., Any], table: torch.Tensor
) -> None:
    twice = torch.cat([table, table[:, :1]], dim=1)
    mean, matrix = whitening(twice, eps=1e-2)
    variances = pca((twice - mean) @ matrix)[1]
    assert matrix.isfinite().all() and variances.max() < 1.01


def test_eps_leaves_each_direction_the_variance_that_the_formula_says(table: torch.Tensor) -> None:
    _, variances, _ = pca(table)
    mean, matrix = pca_whitening(table, eps=0.5)
    found = ((table - mean) @ matrix).var(dim=0)
    whole, noise = whitened_variance(variances, 0.1 * variances, 0.5)
    assert_close(found, whole)
    assert_close(torch.as_tensor(noise), 0.1 * found)


def test_standardizing_leaves_correlations_as_they_are(table: torch.Tensor) -> None:
    before, after = torch.corrcoef(table.T), torch.corrcoef(standardize(table, table).T)
    assert_close(after, before)


# --- statistics of the training split


Apply = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
TRANSFORMS: dict[str, Apply] = {
    "center": center,
    "standardize": standardize,
    "reconstruct": lambda train, x: reconstruct(train, x, 2),
}


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_a_row_alone_and_in_two_batches_becomes_the_same(
    transform: Apply, table: torch.Tensor
) -> None:
    train, row = table[:30], table[30:31]
    alone = transform(train, row)
    assert_close(transform(train, table[30:35])[:1], alone)
    assert_close(transform(train, torch.cat([100 + table[35:], row]))[-1:], alone)


def test_the_normalizer_gives_its_training_images_mean_0_and_std_1(images: torch.Tensor) -> None:
    mean, std = channel_statistics(ImageNormalizer(images)(images))
    assert_close(mean, torch.zeros(3))
    assert_close(std, torch.ones(3))


def test_the_normalizer_keeps_its_constants_in_both_modes_and_saves_them(
    images: torch.Tensor,
) -> None:
    layer = ImageNormalizer(images)
    alone = layer(images[:1])
    assert_close(layer.train()(images[:3] + 0)[:1], alone)
    assert_close(layer.eval()(images)[:1], alone)
    assert set(layer.state_dict()) == {"mean", "std"}
    assert not list(layer.parameters())
    restored = ImageNormalizer(images + 5)
    restored.load_state_dict(layer.state_dict())
    assert_close(restored(images[:1]), alone)


# --- conditioning


def test_the_condition_number_is_the_square_of_that_of_numpy(table: torch.Tensor) -> None:
    found = float(condition_number(table))
    assert found == pytest.approx(np.linalg.cond(as_numpy(table)) ** 2, rel=2e-2)
    if table.dtype == torch.float64:
        assert found == pytest.approx(np.linalg.cond(as_numpy(table)) ** 2, rel=1e-9)


def test_centering_scaling_and_whitening_each_improve_the_condition_of_the_wines() -> None:
    wine = data.wine().x_train.double()
    mean, matrix = pca_whitening(wine, eps=0.0)
    versions = [wine, center(wine, wine), standardize(wine, wine), (wine - mean) @ matrix]
    ones = torch.ones(len(wine), 1, dtype=wine.dtype)  # an intercept
    numbers = [float(condition_number(torch.cat([x, ones], dim=1))) for x in versions]
    assert all(after < before / 10 for before, after in itertools.pairwise(numbers))
    assert numbers[-1] == pytest.approx(1, abs=0.02)


def walk(x: torch.Tensor, rate: float, steps: int = 400) -> float:
    """Distance from the optimum, compared with that at the start, by autograd."""
    best = torch.linspace(-1, 1, x.shape[1]).to(x)
    w = torch.zeros_like(best, requires_grad=True)
    for _ in range(steps):
        loss = ((x @ w - x @ best) ** 2).mean() / 2
        (gradient,) = torch.autograd.grad(loss, w)
        w = (w - rate * gradient).detach().requires_grad_()
    return float((w.detach() - best).norm() / best.norm())


def test_gradient_descent_is_stable_below_the_largest_rate_and_not_above(draw: Draw) -> None:
    x = draw(30, 4) + 2
    rate = float(largest_stable_rate(x))
    assert walk(x, 0.97 * rate) <= 1
    assert walk(x, 1.03 * rate) > 100


def test_the_steps_are_those_of_the_closed_form(draw: Draw, dtype: torch.dtype) -> None:
    x, noise = draw(50, 3) + 1, draw(50)
    y = x @ torch.tensor([1.0, -2.0, 0.5]).to(x) + noise
    rate = float(largest_stable_rate(x)) / 3
    steps = gradient_descent_steps(x, y, rate, tolerance=1e-2)

    exact_x, exact_y = as_numpy(x), as_numpy(y)
    curvatures, axes = np.linalg.eigh(exact_x.T @ exact_x / 50)
    parts = curvatures * (axes.T @ np.linalg.lstsq(exact_x, exact_y, rcond=None)[0]) ** 2
    shares = [(parts * (1 - rate * curvatures) ** (2 * t)).sum() / parts.sum() for t in range(2000)]
    assert abs(steps - int(np.argmax(np.array(shares) <= 1e-2))) <= (dtype == torch.float32)


def test_the_steps_end_at_their_limit_also_where_descent_diverges(draw: Draw) -> None:
    x, y = draw(20, 3) + 1, draw(20)
    rate = float(largest_stable_rate(x))
    assert gradient_descent_steps(x, y, rate * 1e-6, max_steps=9) == 9
    assert gradient_descent_steps(x, y, rate * 3, max_steps=700) == 700


def test_the_curvature_along_the_mean_is_that_of_the_hessian(table: torch.Tensor) -> None:
    mean = table.mean(dim=0)
    direction = mean / mean.norm()
    hessian = table.T @ table / len(table)
    found = curvature_along_mean(mean, torch.cov(table.T, correction=0))
    assert_close(found, direction @ hessian @ direction)
    assert found <= torch.linalg.eigvalsh(hessian)[-1] * 1.0001


def test_a_folded_layer_gives_on_raw_features_what_the_other_gives_on_scaled_ones(
    table: torch.Tensor, draw: Draw
) -> None:
    weight, bias = draw(3, 5), draw(3)
    mean, std = table.mean(dim=0), table.std(dim=0)
    folded = fold_standardization(weight, bias, mean, std)
    assert_close(F.linear(table, *folded), F.linear((table - mean) / std, weight, bias))


# --- order


def test_padding_behind_the_normalization_gives_what_padding_before_it_gives(
    images: torch.Tensor,
) -> None:
    mean, std = channel_statistics(images)
    padded = F.pad(images, [2] * 4, value=0.3)
    black_outside = (padded - mean[:, None, None]) / std[:, None, None]
    assert_close(padding_value(mean, std, 0.3), black_outside[0, :, 0, 0])
    assert padding_value(0.5, 0.25) == -2


def test_padded_and_normalized_images_are_black_outside_and_normalized_inside(
    images: torch.Tensor,
) -> None:
    mean, std = channel_statistics(images)
    result = pad_then_normalize(images, mean, std, 2)
    assert result.shape == (6, 3, 8, 9)
    inside = (images - mean[:, None, None]) / std[:, None, None]
    assert_close(result[:, :, 2:-2, 2:-2], inside)
    assert_close(result[:, :, -1, -1], (-mean / std).expand(6, 3))
    assert_close(pad_then_normalize(images, mean, std, 0), inside)


def test_the_history_of_images_is_the_one_at_distance_zero(images: torch.Tensor) -> None:
    mean, std = channel_statistics(images)

    def normalized(x: torch.Tensor, m: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        return (x - m[:, None, None]) / s[:, None, None]

    once = normalized(images, mean, std)
    histories = {
        "raw": images,
        "once": once,
        "twice": normalized(once, mean, std),
        "reversed": normalized(images, mean.flip(0), std.flip(0)),
    }
    for name, x in histories.items():
        distances = diagnose_normalization(x, mean, std)
        assert set(distances) == set(histories)
        assert float(distances[name]) < 1e-4
        assert min(float(d) for other, d in distances.items() if other != name) > 0.1


# --- refusals

ROWS, IMAGES = torch.ones(4, 3), torch.rand(2, 3, 4, 5)
THREE, FOUR = torch.ones(3), torch.ones(4)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: center(torch.ones(3), ROWS), "x_train"),
        (lambda: center(torch.ones(0, 3), ROWS), "x_train"),
        (lambda: center(ROWS, torch.ones(4, 2)), "x"),
        (lambda: center_channels(ROWS, IMAGES), "train_images"),
        (lambda: center_channels(IMAGES, IMAGES[:, :2]), "images"),
        (lambda: standardize(IMAGES, IMAGES), "x_train"),
        (lambda: standardize(ROWS, torch.ones(2, 4)), "x"),
        (lambda: channel_statistics(ROWS), "images"),
        (lambda: channel_statistics(IMAGES[:0]), "images"),
        (lambda: pca(ROWS[:1]), "x"),
        (lambda: pca(THREE), "x"),
        (lambda: reconstruct(ROWS[:1], ROWS, 1), "x_train"),
        (lambda: reconstruct(ROWS, torch.ones(2, 4), 1), "x"),
        (lambda: reconstruct(ROWS, ROWS, 4), "k"),
        (lambda: pca_whitening(ROWS, eps=-1e-9), "eps"),
        (lambda: zca_whitening(ROWS, eps=math.nan), "eps"),
        (lambda: zca_whitening(THREE), "x"),
        (lambda: whitened_variance(-1.0, 0.0, 1.0), "variance"),
        (lambda: whitened_variance(1.0, -1.0, 1.0), "noise"),
        (lambda: whitened_variance(1.0, 1.0, -0.5), "eps"),
        (lambda: whitened_variance(0.0, 0.0, 0.0), "eps"),
        (lambda: ImageNormalizer(ROWS), "train_images"),
        (lambda: ImageNormalizer(torch.ones(2, 3, 4, 5)), "train_images"),
        (lambda: ImageNormalizer(IMAGES)(IMAGES[:, :2]), "images"),
        (lambda: condition_number(THREE), "x"),
        (lambda: largest_stable_rate(THREE), "x"),
        (lambda: gradient_descent_steps(THREE, FOUR, 0.1), "x"),
        (lambda: gradient_descent_steps(ROWS, THREE, 0.1), "y"),
        (lambda: gradient_descent_steps(ROWS, FOUR, 0.0), "learning_rate"),
        (lambda: gradient_descent_steps(ROWS, FOUR, 0.1, tolerance=-1.0), "tolerance"),
        (lambda: gradient_descent_steps(ROWS, FOUR, 0.1, max_steps=0), "max_steps"),
        (lambda: curvature_along_mean(THREE, torch.eye(4)), "mean, covariance"),
        (lambda: curvature_along_mean(0 * THREE, torch.eye(3)), "mean"),
        (lambda: fold_standardization(ROWS, THREE, THREE, THREE), "weight, bias"),
        (lambda: fold_standardization(ROWS, FOUR, FOUR, THREE), "mean"),
        (lambda: fold_standardization(ROWS, FOUR, THREE, FOUR), "std"),
        (lambda: fold_standardization(ROWS, FOUR, THREE, 0 * THREE), "std"),
        (lambda: padding_value(0.5, 0.0), "std"),
        (lambda: padding_value(THREE, math.inf * THREE), "std"),
        (lambda: pad_then_normalize(ROWS, THREE, THREE, 1), "images"),
        (lambda: pad_then_normalize(IMAGES, FOUR, THREE, 1), "mean"),
        (lambda: pad_then_normalize(IMAGES, THREE, -THREE, 1), "std"),
        (lambda: pad_then_normalize(IMAGES, THREE, THREE, -1), "padding"),
        (lambda: diagnose_normalization(ROWS, THREE, THREE), "images"),
        (lambda: diagnose_normalization(IMAGES, THREE, FOUR), "std"),
        (lambda: diagnose_normalization(IMAGES, THREE, 0 * THREE), "std"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call: Callable[[], Any], argument: str) -> None:
    with pytest.raises(ValueError, match=f"^{argument}: got"):
        call()

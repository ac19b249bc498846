"""What comes out at the edges of a reference's inputs, and what it refuses by name."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from course_lib.activations import alpha_dropout, elu_mean, sigmoid, tanh
from course_lib.normalization import (
    batch_norm,
    batch_norm_backward,
    group_norm,
    identity_parameters,
    layer_norm,
    layer_norm_backward,
    update_running_statistics,
)
from course_lib.optimizers import accumulated_gradient
from course_lib.preprocessing import (
    center_channels,
    condition_number,
    gradient_descent_steps,
    largest_stable_rate,
    pca,
    pca_whitening,
    reconstruct,
    standardize,
    zca_whitening,
)
from course_lib.schedules import (
    rescale_for_batch_size,
    token_fraction_decay,
    warmup_then_cosine,
)
from course_lib.training_loop import (
    evaluate,
    hinge_loss,
    hinge_loss_gradient,
    largest_batch_size,
    neighbor_agreement,
    numeric_gradient,
    one_hot_squared_error,
    precision_recall_f1,
    small_sample,
    softmax_cross_entropy,
    softmax_cross_entropy_gradient,
    squared_error,
    train_epoch,
)

PRECISIONS = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


@pytest.mark.parametrize("scale", [1, 30, 1e3])
@pytest.mark.parametrize("precision", PRECISIONS, ids=str)
def test_whitening_divides_what_a_feature_that_comes_twice_leaves_empty_by_the_root_of_eps(
    precision: torch.dtype, scale: float
) -> None:
    x = (scale * torch.randn(50, 4, dtype=torch.float64)).to(precision)
    x = torch.cat([x, x[:, :1]], dim=1)
    empty = torch.tensor([1, 0, 0, 0, -1]) / 2**0.5
    for whitening in (pca_whitening, zca_whitening):
        _, matrix = whitening(x)
        assert matrix.isfinite().all()
        length = torch.linalg.vector_norm(empty.double() @ matrix.double())
        assert length == pytest.approx(1e-5**-0.5, rel=0.02)


@pytest.mark.parametrize("precision", PRECISIONS, ids=str)
def test_no_variance_is_negative(precision: torch.dtype) -> None:
    x = torch.randn(30, 3).to(precision)
    for repeated in (x, 1e4 * x):
        _, variances, _ = pca(repeated[:, [0, 1, 2, 0, 1, 2]])
        assert (variances >= 0).all()


def test_a_condition_number_in_float32_has_its_sign_and_its_size() -> None:
    x = torch.randn(40, 3, dtype=torch.float64) * torch.tensor([1, 1e-2, 1e-5])
    exact = torch.linalg.cond(x) ** 2
    assert condition_number(x.float()).item() == pytest.approx(exact.item(), rel=0.1)
    assert condition_number(x.float()[:, [0, 1, 0]]) > 1e12


def test_a_condition_number_needs_as_many_rows_as_features() -> None:
    with pytest.raises(ValueError, match=r"x: got shape \(3, 5\), allowed is \(n, D\) with n >= D"):
        condition_number(torch.randn(3, 5))


def test_numeric_gradient_does_not_care_how_its_input_lies_in_memory() -> None:
    weight = torch.randn(4, 3, dtype=torch.float64)
    x = torch.randn(3, 4, dtype=torch.float64)
    for laid in (x.T, x.T.contiguous(), torch.randn(1, 3, dtype=torch.float64).expand(4, 3)):
        gradient = numeric_gradient(lambda v: (weight * v).sum(), laid)
        torch.testing.assert_close(gradient, weight, rtol=1e-6, atol=1e-9)


def test_a_rate_drops_in_the_very_step_at_which_its_fraction_of_the_tokens_was_seen() -> None:
    drops = {}
    for percent in range(1, 100):
        rates = [
            token_fraction_decay(
                step, batch_tokens=[7] * 100, warmup_steps=1, fractions=[percent / 100]
            )
            for step in range(101)
        ]
        drops[percent] = sum(rate == rates[0] for rate in rates)
    assert drops == {percent: percent for percent in drops}


@pytest.mark.parametrize(
    ("old", "new", "steps", "rescaled"), [(25, 28, 42, 38), (5, 14, 175, 62), (3, 14, 35, 8)]
)
def test_steps_that_fall_halfway_between_two_are_rounded_to_the_even_one(
    old: int, new: int, steps: int, rescaled: int
) -> None:
    assert steps * old / new % 1 == 0.5
    _, total, milestones = rescale_for_batch_size(
        old, new, base_lr=0.1, total_steps=steps, milestones=[steps]
    )
    assert (total, milestones) == (rescaled, (rescaled,))


def test_a_warmup_ends_at_its_peak_exactly() -> None:
    for warmup in range(1, 60):
        peak = warmup_then_cosine(warmup - 1, base_lr=0.1, warmup_steps=warmup, total_steps=100)
        assert peak == 0.1


def test_equal_gradients_in_float16_have_that_average() -> None:
    gradient = torch.full((3,), 3e4, dtype=torch.float16)
    (average,) = accumulated_gradient([[gradient], [gradient], [gradient]], max_norm=1e5)
    assert average is not None and torch.equal(average, gradient)


@pytest.mark.parametrize("precision", PRECISIONS, ids=str)
def test_alpha_dropout_drops_as_often_in_every_precision(precision: torch.dtype) -> None:
    x = torch.ones(200_000, dtype=precision)
    dropped = (alpha_dropout(x, 0.001) < 0).double().mean().item()
    assert dropped == pytest.approx(0.001, abs=4 * (0.001 / 200_000) ** 0.5)


def test_neighbors_far_from_zero_are_those_near_zero() -> None:
    x = torch.randn(60, 3)
    target = (x[:, 0] > 0).long()
    near = neighbor_agreement(x.round(decimals=1), target)
    far = neighbor_agreement(x.round(decimals=1) + 4096, target)
    assert far == pytest.approx(near, abs=0.05)


SCORES = torch.randn(4, 3)
ROUNDED = torch.randint(0, 200, (6, 3), dtype=torch.uint8)
PICTURES = torch.randint(0, 200, (2, 4, 3, 3), dtype=torch.uint8)
ONES, ZEROS = torch.ones(3), torch.zeros(3)
LOSSES = (
    softmax_cross_entropy,
    softmax_cross_entropy_gradient,
    hinge_loss,
    hinge_loss_gradient,
    one_hot_squared_error,
)


@pytest.mark.parametrize(
    "labels",
    [
        torch.tensor([0, 1, 2, 0], dtype=torch.uint8),
        torch.tensor([0, 1, -1, 0]),
        torch.tensor([0, 1, 3, 0]),
        torch.tensor([0.0, 1.0, 2.0, 0.0]),
        torch.tensor([True, False, True, False]),
    ],
    ids=["bytes", "minus one", "too large", "floats", "booleans"],
)
@pytest.mark.parametrize("loss", LOSSES, ids=lambda f: f.__name__)
def test_a_loss_refuses_what_is_no_class_number(
    loss: Callable[..., torch.Tensor], labels: torch.Tensor
) -> None:
    with pytest.raises(ValueError, match=r"^target: got .*, allowed is (torch.int64|0 to 2)"):
        loss(SCORES, labels)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: train_epoch(nn.Linear(2, 2), None, []), "batches"),  # type: ignore[arg-type]
        (lambda: evaluate(nn.Linear(2, 2), []), "batches"),
        (lambda: precision_recall_f1(torch.tensor([0, -1]), torch.tensor([0, 1]), 2), "predicted"),
        (lambda: precision_recall_f1(torch.tensor([0, 1]), torch.tensor([0, 2]), 2), "target"),
        (lambda: small_sample(torch.tensor([], dtype=torch.int64), 1), "target"),
        (lambda: largest_batch_size(100, 10, 0), "activations"),
        (lambda: elu_mean(40.0, 1.0), "std"),
        (lambda: sigmoid(ROUNDED), "x"),
        (lambda: tanh(ROUNDED), "x"),
        (lambda: squared_error(ROUNDED, ROUNDED), "prediction"),
        (lambda: neighbor_agreement(ROUNDED, torch.arange(6)), "x"),
        (lambda: center_channels(PICTURES, PICTURES), "train_images"),
        (lambda: standardize(ROUNDED, ROUNDED), "x_train"),
        (lambda: pca(ROUNDED), "x"),
        (lambda: pca_whitening(ROUNDED), "x"),
        (lambda: zca_whitening(ROUNDED), "x"),
        (lambda: reconstruct(ROUNDED, ROUNDED, 2), "x_train"),
        (lambda: condition_number(ROUNDED), "x"),
        (lambda: largest_stable_rate(ROUNDED), "x"),
        (lambda: gradient_descent_steps(ROUNDED, torch.ones(6), 0.1), "x"),
        (lambda: gradient_descent_steps(torch.randn(6, 3), ROUNDED[:, 0], 0.1), "y"),
        (lambda: batch_norm(ROUNDED, ONES, ZEROS), "x"),
        (lambda: batch_norm_backward(torch.ones(6, 3), ROUNDED, ONES), "x"),
        (lambda: update_running_statistics(ZEROS, ONES, ROUNDED), "x"),
        (lambda: identity_parameters(ROUNDED), "x"),
        (lambda: layer_norm(ROUNDED, ONES, ZEROS), "x"),
        (lambda: layer_norm_backward(torch.ones(6, 3), ROUNDED, ONES), "x"),
        (lambda: group_norm(PICTURES, 2, torch.ones(4), torch.zeros(4)), "x"),
    ],
)
def test_what_is_empty_or_made_of_whole_numbers_is_refused_by_name(
    call: Callable[[], Any], argument: str
) -> None:
    with pytest.raises(ValueError, match=rf"^{argument}: got .*, allowed is "):
        call()

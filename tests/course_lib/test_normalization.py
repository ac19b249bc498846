"""The normalization functions against torch's own layers, autograd and closed forms."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    batch_norm,
    batch_norm_2d,
    batch_norm_backward,
    batch_norm_inference,
    batch_norm_inference_backward,
    effective_learning_rate,
    fold_batch_norm,
    group_norm,
    identity_parameters,
    layer_norm,
    layer_norm_backward,
    update_running_statistics,
)
from tests.support.closeness import assert_close

EPS = 0.1  # large enough to tell inside the root from outside, and kept from forgotten
ROWS = (4, 3)  # N = 4 tells the biased from the unbiased variance; N != C
IMAGES = (2, 6, 3, 5)  # N, C, H and W all differ


def draw(
    *shape: int, seed: int = 0, device: str = "cpu", dtype: torch.dtype = torch.float64
) -> torch.Tensor:
    """Draw numbers whose mean and spread differ along every axis; equal on every device."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    for axis, length in enumerate(shape):
        ramp = torch.linspace(-1, 1, length, dtype=torch.float64)
        ramp = ramp.reshape([-1 if i == axis else 1 for i in range(len(shape))])
        x = x * torch.exp(0.5 * ramp) + ramp * (axis + 1)
    return x.to(device, dtype)


def positive(*shape: int, **kwargs: Any) -> torch.Tensor:
    """Draw numbers between 0.2 and 2.2, to serve as variances."""
    return torch.sigmoid(draw(*shape, **kwargs)) * 2 + 0.2


def autograd(
    forward: Callable[..., torch.Tensor], grad_output: torch.Tensor, *inputs: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Return the gradient of every input by torch's automatic differentiation."""
    leaves = [value.detach().clone().requires_grad_() for value in inputs]
    return torch.autograd.grad(forward(*leaves), leaves, grad_output)


def with_formula(
    forward: Callable[..., torch.Tensor], backward: Callable[..., tuple[torch.Tensor, ...]]
) -> Callable[..., torch.Tensor]:
    """Make a differentiable function of (x, weight, bias) whose gradient is the given formula."""

    class Formula(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(*inputs[:2])
            return forward(*inputs, eps=EPS)

        @staticmethod
        def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return backward(grad_outputs[0], *ctx.saved_tensors, eps=EPS)

    def apply(*inputs: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = Formula.apply(*inputs)  # type: ignore[no-untyped-call]
        return result

    return apply


# ---------------------------------------------------------------- batch_norm


@pytest.mark.parametrize("shape", [(4, 3), (2, 5), (7, 1)])
def test_batch_norm_equals_torch_in_train_mode(
    shape: tuple[int, int], device: str, dtype: torch.dtype
) -> None:
    x = draw(*shape, device=device, dtype=dtype)
    weight, bias = draw(2, shape[1], seed=1, device=device, dtype=dtype)
    expected = F.batch_norm(x, None, None, weight, bias, training=True, eps=EPS)
    assert_close(batch_norm(x, weight, bias, eps=EPS), expected)


def test_batch_norm_uses_torchs_eps_unless_told_otherwise() -> None:
    x = draw(*ROWS) * 1e-3
    weight, bias = draw(2, ROWS[1], seed=1)
    expected = F.batch_norm(x, None, None, weight, bias, training=True)
    assert_close(batch_norm(x, weight, bias), expected)


def test_batch_norm_gives_each_feature_the_bias_as_mean_and_the_weight_as_spread() -> None:
    weight, bias = draw(2, 3, seed=1)
    y = batch_norm(draw(4, 3), weight, bias, eps=0.0)
    assert_close(y.mean(dim=0), bias)
    assert_close(y.std(dim=0, correction=0), weight.abs())


def test_batch_norm_of_permuted_examples_is_the_permuted_batch_norm() -> None:
    x, (weight, bias), order = draw(*ROWS), draw(2, ROWS[1], seed=1), torch.tensor([2, 0, 3, 1])
    assert_close(batch_norm(x[order], weight, bias), batch_norm(x, weight, bias)[order])


def test_batch_norm_of_a_constant_feature_is_its_bias(device: str, dtype: torch.dtype) -> None:
    x = draw(*ROWS, device=device, dtype=dtype)
    x[:, 1] = 0.5
    weight, bias = draw(2, ROWS[1], seed=1, device=device, dtype=dtype)
    y = batch_norm(x, weight, bias)
    assert torch.isfinite(y).all()
    assert_close(y[:, 1], bias[1].expand(4))


def test_batch_norm_stays_accurate_in_float32_far_from_zero() -> None:
    x = draw(*ROWS, dtype=torch.float32) + 1e4
    weight, bias = draw(2, ROWS[1], seed=1, dtype=torch.float32)
    expected = F.batch_norm(x.double(), None, None, weight.double(), bias.double(), True)
    torch.testing.assert_close(batch_norm(x, weight, bias).double(), expected, rtol=1e-2, atol=1e-2)


def test_batch_norm_is_differentiable() -> None:
    inputs = [draw(*ROWS), *draw(2, ROWS[1], seed=1)]
    leaves = [value.clone().requires_grad_() for value in inputs]
    assert torch.autograd.gradcheck(lambda *v: batch_norm(*v, eps=EPS), leaves)


# ------------------------------------------------ statistics and evaluation


@pytest.mark.parametrize("momentum", [0.1, 0.3, 1.0])
def test_running_statistics_follow_torch_over_batches_of_different_variance(
    momentum: float, device: str, dtype: torch.dtype
) -> None:
    oracle = nn.BatchNorm1d(3, momentum=momentum, device=device, dtype=dtype)
    mean, var = torch.zeros(3).to(oracle.weight), torch.ones(3).to(oracle.weight)
    for step, spread in enumerate((1.0, 5.0, 0.2)):
        x = draw(*ROWS, seed=step, device=device, dtype=dtype) * spread
        oracle(x)
        mean, var = update_running_statistics(mean, var, x, momentum=momentum)
        assert_close(mean, torch.as_tensor(oracle.running_mean))
        assert_close(var, torch.as_tensor(oracle.running_var))


def test_the_first_batch_weighs_one_tenth_in_the_running_mean() -> None:
    x = draw(*ROWS)
    zeros, ones = torch.zeros(3, dtype=x.dtype), torch.ones(3, dtype=x.dtype)
    mean, _ = update_running_statistics(zeros, ones, x)
    assert_close(mean, 0.1 * x.mean(dim=0))


def test_updating_running_statistics_leaves_the_arguments_alone() -> None:
    mean, var, x = draw(3), positive(3), draw(*ROWS)
    before = [value.clone() for value in (mean, var, x)]
    new_mean, new_var = update_running_statistics(mean, var, x)
    for value, original in zip((mean, var, x), before, strict=True):
        assert torch.equal(value, original)
    assert new_mean is not mean and new_var is not var


def test_inference_equals_torch_in_eval_mode(device: str, dtype: torch.dtype) -> None:
    x, mean = (draw(*s, device=device, dtype=dtype) for s in (ROWS, (3,)))
    var = positive(3, seed=2, device=device, dtype=dtype)
    weight, bias = draw(2, 3, seed=1, device=device, dtype=dtype)
    expected = F.batch_norm(x, mean, var, weight, bias, training=False, eps=EPS)
    assert_close(batch_norm_inference(x, mean, var, weight, bias, eps=EPS), expected)
    expected = F.batch_norm(x, mean, var, weight, bias, training=False)
    assert_close(batch_norm_inference(x, mean, var, weight, bias), expected)


def test_inference_on_one_example_does_not_depend_on_its_companions() -> None:
    x, mean, var, (weight, bias) = draw(*ROWS), draw(3), positive(3), draw(2, 3, seed=1)
    together = batch_norm_inference(x, mean, var, weight, bias)
    alone = batch_norm_inference(x[:1], mean, var, weight, bias)
    assert_close(alone, together[:1])


def test_inference_is_differentiable() -> None:
    inputs = (draw(*ROWS), draw(3), positive(3), *draw(2, 3, seed=1))
    leaves = [value.clone().requires_grad_() for value in inputs]
    assert torch.autograd.gradcheck(lambda *v: batch_norm_inference(*v, eps=EPS), leaves)


# ------------------------------------------------------------------ backward


@pytest.mark.parametrize("shape", [(4, 3), (2, 5), (7, 1)])
def test_batch_norm_backward_equals_autograd_through_torch(
    shape: tuple[int, int], device: str, dtype: torch.dtype
) -> None:
    x, grad = (draw(*shape, seed=s, device=device, dtype=dtype) for s in (0, 7))
    weight, bias = draw(2, shape[1], seed=1, device=device, dtype=dtype)

    def oracle(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return F.batch_norm(x, None, None, weight, bias, training=True, eps=EPS)

    expected = autograd(oracle, grad, x, weight, bias)
    for actual, wanted in zip(batch_norm_backward(grad, x, weight, eps=EPS), expected, strict=True):
        assert_close(actual, wanted)


def test_batch_norm_backward_scales_with_the_weight_once_and_keeps_its_sign() -> None:
    x, grad, weight = draw(*ROWS), draw(*ROWS, seed=7), torch.tensor([0.5, 2.0, -1.0]).double()
    bare = batch_norm_backward(grad, x, torch.ones_like(weight), eps=EPS)
    scaled = batch_norm_backward(grad, x, weight, eps=EPS)
    assert_close(scaled[0], weight * bare[0])
    assert_close(scaled[1], bare[1])
    assert_close(scaled[2], bare[2])


def test_batch_norm_backward_is_orthogonal_to_shift_and_scale_of_each_feature() -> None:
    x, grad, weight = draw(*ROWS), draw(*ROWS, seed=7), draw(3, seed=1)
    grad_x, _, _ = batch_norm_backward(grad, x, weight, eps=0.0)
    zero = torch.zeros(3, dtype=x.dtype)
    assert_close(grad_x.sum(dim=0), zero)
    assert_close((grad_x * (x - x.mean(dim=0))).sum(dim=0), zero)
    with_eps, _, _ = batch_norm_backward(grad, x, weight, eps=EPS)
    assert_close(with_eps.sum(dim=0), zero)


def test_batch_norm_backward_of_a_constant_feature_is_finite() -> None:
    x = draw(*ROWS)
    x[:, 1] = 0.5
    for gradient in batch_norm_backward(draw(*ROWS, seed=7), x, draw(3, seed=1)):
        assert torch.isfinite(gradient).all()


def test_inference_backward_equals_autograd_through_torch(device: str, dtype: torch.dtype) -> None:
    x, grad = (draw(*ROWS, seed=s, device=device, dtype=dtype) for s in (0, 7))
    mean = draw(3, seed=3, device=device, dtype=dtype)
    var = positive(3, seed=2, device=device, dtype=dtype)
    weight, bias = draw(2, 3, seed=1, device=device, dtype=dtype)

    def oracle(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return F.batch_norm(x, mean, var, weight, bias, training=False, eps=EPS)

    actual = batch_norm_inference_backward(grad, x, mean, var, weight, eps=EPS)
    for ours, wanted in zip(actual, autograd(oracle, grad, x, weight, bias), strict=True):
        assert_close(ours, wanted)


def test_inference_backward_works_on_a_single_example() -> None:
    grad, x, mean, var, weight = draw(1, 3, seed=7), draw(1, 3), draw(3), positive(3), draw(3)
    grad_x, _, grad_bias = batch_norm_inference_backward(grad, x, mean, var, weight, eps=EPS)
    assert_close(grad_x, grad * weight / (var + EPS).sqrt())
    assert_close(grad_bias, grad[0])


@pytest.mark.parametrize(
    ("forward", "backward"),
    [(batch_norm, batch_norm_backward), (layer_norm, layer_norm_backward)],
    ids=["batch", "layer"],
)
def test_backward_formulas_agree_with_numeric_differences(
    forward: Callable[..., torch.Tensor], backward: Callable[..., tuple[torch.Tensor, ...]]
) -> None:
    inputs = [value.clone().requires_grad_() for value in (draw(4, 3), *draw(2, 3, seed=1))]
    assert torch.autograd.gradcheck(with_formula(forward, backward), inputs)


# ------------------------------------------------------------------- modules

MODULES = [
    pytest.param(BatchNorm1d, nn.BatchNorm1d, (4, 3), id="1d"),
    pytest.param(BatchNorm2d, nn.BatchNorm2d, IMAGES, id="2d"),
    pytest.param(BatchNorm2d, nn.BatchNorm2d, (2, 5, 2, 3), id="2d-few-positions"),
]
OWN_MODULES = [
    pytest.param(BatchNorm1d, ROWS, id="1d"),
    pytest.param(BatchNorm2d, IMAGES, id="2d"),
]


@pytest.mark.parametrize(("ours", "torchs", "shape"), MODULES)
def test_modules_follow_torch_through_training_and_evaluation(
    ours: type[BatchNorm1d],
    torchs: type[nn.BatchNorm1d] | type[nn.BatchNorm2d],
    shape: tuple[int, ...],
    device: str,
    dtype: torch.dtype,
) -> None:
    module = ours(shape[1], eps=EPS, momentum=0.3).to(device, dtype)
    oracle = torchs(shape[1], eps=EPS, momentum=0.3).to(device, dtype)
    weight, bias = draw(2, shape[1], seed=1, device=device, dtype=dtype)
    for layer in (module, oracle):
        layer.load_state_dict({"weight": weight, "bias": bias}, strict=False)

    for step, spread in enumerate((1.0, 5.0, 0.2)):
        x, grad = (draw(*shape, seed=s, device=device, dtype=dtype) for s in (step, step + 7))
        leaves = [(x * spread).requires_grad_() for _ in range(2)]
        for layer, leaf in zip((module, oracle), leaves, strict=True):
            layer.zero_grad()
            layer(leaf).backward(grad)
        assert_close(module(x), oracle(x))
        for value, wanted in zip(
            (leaves[0].grad, module.weight.grad, module.bias.grad),
            (leaves[1].grad, oracle.weight.grad, oracle.bias.grad),
            strict=True,
        ):
            assert value is not None and wanted is not None
            assert_close(value, wanted)
        for name in ("running_mean", "running_var"):
            assert_close(getattr(module, name), getattr(oracle, name))

    x = draw(*shape, seed=5, device=device, dtype=dtype)
    assert_close(module.eval()(x), oracle.eval()(x))


@pytest.mark.parametrize(("ours", "torchs", "shape"), MODULES)
def test_modules_start_as_torchs_do(
    ours: type[BatchNorm1d],
    torchs: type[nn.BatchNorm1d] | type[nn.BatchNorm2d],
    shape: tuple[int, ...],
) -> None:
    module, oracle = ours(shape[1]), torchs(shape[1])
    expected = {k: v for k, v in oracle.state_dict().items() if k != "num_batches_tracked"}
    assert module.state_dict().keys() == expected.keys()
    for name, value in module.state_dict().items():
        assert torch.equal(value, expected[name])
    assert {name for name, _ in module.named_parameters()} == {"weight", "bias"}
    assert (module.eps, module.momentum) == (oracle.eps, oracle.momentum)


@pytest.mark.parametrize(("ours", "shape"), OWN_MODULES)
def test_evaluation_leaves_the_buffers_unchanged(
    ours: type[BatchNorm1d], shape: tuple[int, ...]
) -> None:
    module = ours(shape[1]).double()
    module(draw(*shape))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module.eval()(draw(*shape, seed=1) * 5)
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize(("ours", "shape"), OWN_MODULES)
def test_buffers_are_not_part_of_the_graph(ours: type[BatchNorm1d], shape: tuple[int, ...]) -> None:
    module = ours(shape[1]).double()
    module(draw(*shape).requires_grad_()).sum().backward()
    for buffer in (module.running_mean, module.running_var):
        assert not buffer.requires_grad
        assert buffer.grad_fn is None


@pytest.mark.parametrize(("ours", "shape"), OWN_MODULES)
def test_train_mode_under_no_grad_still_uses_batch_statistics(
    ours: type[BatchNorm1d], shape: tuple[int, ...]
) -> None:
    modules = [ours(shape[1]).double() for _ in range(2)]
    x = draw(*shape)
    with torch.no_grad():
        without_graph = modules[0](x)
    assert_close(without_graph, modules[1](x).detach())
    assert_close(modules[0].running_var, modules[1].running_var)


@pytest.mark.parametrize(("ours", "shape"), OWN_MODULES)
def test_eval_mode_with_a_graph_still_uses_running_statistics(
    ours: type[BatchNorm1d], shape: tuple[int, ...]
) -> None:
    module = ours(shape[1], eps=EPS).double().eval()
    x = draw(*shape).requires_grad_()
    assert_close(module(x), x / math.sqrt(1 + EPS))


@pytest.mark.parametrize(("ours", "shape"), [(BatchNorm1d, (1, 3)), (BatchNorm2d, (1, 3, 1, 1))])
def test_a_batch_of_one_works_in_eval_mode_and_says_why_not_in_train_mode(
    ours: type[BatchNorm1d], shape: tuple[int, ...]
) -> None:
    module = ours(3).double()
    with pytest.raises(ValueError, match=r"x: got 1 value.*no spread"):
        module(draw(*shape))
    assert torch.equal(module.running_mean, torch.zeros(3).double())
    assert torch.isfinite(module.eval()(draw(*shape))).all()


def test_one_image_of_several_pixels_is_batch_enough() -> None:
    x = draw(1, 3, 2, 4)
    assert_close(BatchNorm2d(3).double()(x), nn.BatchNorm2d(3).double()(x))


# ------------------------------------------------------- channels and groups


@pytest.mark.parametrize("shape", [IMAGES, (1, 2, 1, 3), (5, 3, 4, 2)])
def test_batch_norm_2d_equals_torch_in_train_mode(
    shape: tuple[int, ...], device: str, dtype: torch.dtype
) -> None:
    x = draw(*shape, device=device, dtype=dtype)
    weight, bias = draw(2, shape[1], seed=1, device=device, dtype=dtype)
    expected = F.batch_norm(x, None, None, weight, bias, training=True, eps=EPS)
    assert_close(batch_norm_2d(x, weight, bias, eps=EPS), expected)


def test_batch_norm_2d_accepts_an_input_that_is_not_contiguous() -> None:
    x = draw(2, 5, 6, 3).permute(0, 2, 3, 1)
    weight, bias = draw(2, 6, seed=1)
    expected = F.batch_norm(x, None, None, weight, bias, training=True)
    assert_close(batch_norm_2d(x, weight, bias), expected)


def test_batch_norm_2d_is_differentiable() -> None:
    leaves = [value.clone().requires_grad_() for value in (draw(2, 3, 1, 4), *draw(2, 3, seed=1))]
    assert torch.autograd.gradcheck(lambda *v: batch_norm_2d(*v, eps=EPS), leaves)


@pytest.mark.parametrize("shape", [(4, 3), (3, 7), (1, 5)])
def test_layer_norm_equals_torch(shape: tuple[int, int], device: str, dtype: torch.dtype) -> None:
    x = draw(*shape, device=device, dtype=dtype)
    weight, bias = draw(2, shape[1], seed=1, device=device, dtype=dtype)
    expected = F.layer_norm(x, shape[1:], weight, bias, eps=EPS)
    assert_close(layer_norm(x, weight, bias, eps=EPS), expected)
    assert_close(layer_norm(x, weight, bias), F.layer_norm(x, shape[1:], weight, bias))


def test_layer_norm_of_one_example_does_not_depend_on_its_companions() -> None:
    x, (weight, bias) = draw(*ROWS), draw(2, 3, seed=1)
    assert_close(layer_norm(x[:1], weight, bias), layer_norm(x, weight, bias)[:1])


def test_layer_norm_of_a_constant_example_is_the_bias() -> None:
    x, (weight, bias) = draw(*ROWS), draw(2, 3, seed=1)
    x[1] = 0.5
    assert_close(layer_norm(x, weight, bias)[1], bias)


@pytest.mark.parametrize("shape", [(4, 3), (3, 7), (1, 5)])
def test_layer_norm_backward_equals_autograd_through_torch(
    shape: tuple[int, int], device: str, dtype: torch.dtype
) -> None:
    x, grad = (draw(*shape, seed=s, device=device, dtype=dtype) for s in (0, 7))
    weight, bias = draw(2, shape[1], seed=1, device=device, dtype=dtype)

    def oracle(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, shape[1:], weight, bias, eps=EPS)

    actual = layer_norm_backward(grad, x, weight, eps=EPS)
    for ours, wanted in zip(actual, autograd(oracle, grad, x, weight, bias), strict=True):
        assert_close(ours, wanted)


def test_layer_norm_backward_is_orthogonal_to_shift_and_scale_of_each_example() -> None:
    x, grad, weight = draw(*ROWS), draw(*ROWS, seed=7), draw(3, seed=1)
    grad_x, _, _ = layer_norm_backward(grad, x, weight, eps=0.0)
    zero = torch.zeros(4, dtype=x.dtype)
    assert_close(grad_x.sum(dim=1), zero)
    assert_close((grad_x * (x - x.mean(dim=1, keepdim=True))).sum(dim=1), zero)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm_equals_torch(groups: int, device: str, dtype: torch.dtype) -> None:
    x = draw(*IMAGES, device=device, dtype=dtype)
    weight, bias = draw(2, IMAGES[1], seed=1, device=device, dtype=dtype)
    expected = F.group_norm(x, groups, weight, bias, eps=EPS)
    assert_close(group_norm(x, groups, weight, bias, eps=EPS), expected)
    assert_close(group_norm(x, groups, weight, bias), F.group_norm(x, groups, weight, bias))


def test_group_norm_with_one_channel_per_group_is_instance_norm() -> None:
    x, (weight, bias) = draw(*IMAGES), draw(2, IMAGES[1], seed=1)
    assert_close(
        group_norm(x, IMAGES[1], weight, bias), F.instance_norm(x, weight=weight, bias=bias)
    )


def test_group_norm_of_a_constant_group_is_the_bias() -> None:
    x, (weight, bias) = draw(*IMAGES), draw(2, IMAGES[1], seed=1)
    x[0, :3] = 0.5
    y = group_norm(x, 2, weight, bias)
    assert_close(y[0, :3], bias[:3, None, None].expand(3, 3, 5))


def test_group_norm_is_differentiable() -> None:
    leaves = [value.clone().requires_grad_() for value in (draw(2, 4, 1, 3), *draw(2, 4, seed=1))]
    assert torch.autograd.gradcheck(lambda x, w, b: group_norm(x, 2, w, b, eps=EPS), leaves)


# -------------------------------------------------------------- consequences


def test_identity_parameters_make_batch_norm_the_identity(device: str, dtype: torch.dtype) -> None:
    x = draw(*ROWS, device=device, dtype=dtype)
    x[:, 1] = 0.5
    weight, bias = identity_parameters(x, eps=EPS)
    assert_close(batch_norm(x, weight, bias, eps=EPS), x)
    assert_close(batch_norm(x, *identity_parameters(x)), x)


def test_identity_parameters_are_the_moments_of_the_batch() -> None:
    x = draw(*ROWS)
    weight, bias = identity_parameters(x, eps=EPS)
    assert_close(weight, (x.var(dim=0, correction=0) + EPS).sqrt())
    assert_close(bias, x.mean(dim=0))


def test_a_folded_layer_equals_the_linear_layer_and_torchs_batch_norm_after_it(
    device: str, dtype: torch.dtype
) -> None:
    x, linear_weight = (draw(*s, device=device, dtype=dtype) for s in ((4, 5), (3, 5)))
    linear_bias, mean, weight, bias = draw(4, 3, seed=1, device=device, dtype=dtype)
    var = positive(3, seed=2, device=device, dtype=dtype)
    hidden = F.linear(x, linear_weight, linear_bias)
    expected = F.batch_norm(hidden, mean, var, weight, bias, training=False, eps=EPS)
    folded = fold_batch_norm(linear_weight, linear_bias, mean, var, weight, bias, eps=EPS)
    assert_close(F.linear(x, *folded), expected)
    expected = F.batch_norm(hidden, mean, var, weight, bias, training=False)
    folded = fold_batch_norm(linear_weight, linear_bias, mean, var, weight, bias)
    assert_close(F.linear(x, *folded), expected)


def test_folding_a_shifted_bias_with_its_shifted_running_mean_changes_nothing() -> None:
    linear_weight, (b, mean, weight, bias), shift = draw(3, 5), draw(4, 3, seed=1), draw(3, seed=2)
    plain = fold_batch_norm(linear_weight, b, mean, positive(3), weight, bias)
    moved = fold_batch_norm(linear_weight, b + shift, mean + shift, positive(3), weight, bias)
    for ours, wanted in zip(moved, plain, strict=True):
        assert_close(ours, wanted)


def test_a_bias_before_batch_norm_has_zero_gradient_and_no_effect() -> None:
    x, linear_weight, grad = draw(4, 5), draw(3, 5, seed=1), draw(4, 3, seed=7)
    weight, bias = draw(2, 3, seed=2)

    def network(linear_weight: torch.Tensor, linear_bias: torch.Tensor) -> torch.Tensor:
        return batch_norm(F.linear(x, linear_weight, linear_bias), weight, bias)

    linear_bias = draw(3, seed=3)
    weight_grad, bias_grad = autograd(network, grad, linear_weight, linear_bias)
    assert weight_grad.abs().max() > 1e-3
    assert_close(bias_grad, torch.zeros(3, dtype=x.dtype))
    assert_close(
        network(linear_weight, linear_bias), network(linear_weight, torch.zeros_like(linear_bias))
    )


def test_scaling_the_layer_before_batch_norm_changes_neither_output_nor_loss_slope() -> None:
    x, linear_weight, grad = draw(4, 5), draw(3, 5, seed=1), draw(4, 3, seed=7)
    weight, bias = draw(2, 3, seed=2)

    def network(scale: torch.Tensor) -> torch.Tensor:
        return batch_norm(F.linear(x, scale * linear_weight), weight, bias, eps=0.0)

    one, half = torch.tensor(1.0).double(), torch.tensor(0.5).double()
    assert_close(network(half), network(one))
    (slope,) = autograd(network, grad, half)
    assert_close(slope, torch.zeros_like(half))


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_a_step_at_scaled_weights_is_the_step_at_the_effective_learning_rate(
    scale: float,
) -> None:
    x, w, grad, (weight, bias) = draw(4, 5), draw(3, 5, seed=1), draw(4, 3, seed=7), draw(2, 3)

    def network(w: torch.Tensor) -> torch.Tensor:
        return batch_norm(F.linear(x, w), weight, bias, eps=0.0)

    after_step = scale * w - 0.2 * autograd(network, grad, scale * w)[0]
    rate = effective_learning_rate(0.2, scale)
    assert_close(after_step / scale, w - rate * autograd(network, grad, w)[0])


def test_halving_the_weights_makes_the_effective_learning_rate_four_times_larger() -> None:
    assert effective_learning_rate(0.1, 0.5) == pytest.approx(0.4)
    assert effective_learning_rate(0.0, 0.5) == 0.0


# -------------------------------------------------------------- invalid input

X, IMAGE, V, LONG = torch.ones(4, 3), torch.ones(2, 3, 4, 5), torch.ones(3), torch.ones(4)

INVALID = [
    (batch_norm, (torch.ones(1, 3), V, V), {}, "x"),
    (batch_norm, (IMAGE, V, V), {}, "x"),
    (batch_norm, (X, LONG, V), {}, "weight"),
    (batch_norm, (X, V, LONG), {}, "bias"),
    (batch_norm, (X, V, V), {"eps": -1.0}, "eps"),
    (batch_norm, (X, V, V), {"eps": math.nan}, "eps"),
    (update_running_statistics, (V, V, torch.ones(1, 3)), {}, "x"),
    (update_running_statistics, (LONG, V, X), {}, "running_mean"),
    (update_running_statistics, (V, V[None], X), {}, "running_var"),
    (update_running_statistics, (V, V, X), {"momentum": 1.5}, "momentum"),
    (update_running_statistics, (V, V, X), {"momentum": math.nan}, "momentum"),
    (batch_norm_inference, (IMAGE, V, V, V, V), {}, "x"),
    (batch_norm_inference, (X, LONG, V, V, V), {}, "running_mean"),
    (batch_norm_inference, (X, V, LONG, V, V), {}, "running_var"),
    (batch_norm_inference, (X, V, V, LONG, V), {}, "weight"),
    (batch_norm_inference, (X, V, V, V, LONG), {}, "bias"),
    (batch_norm_inference, (X, V, V, V, V), {"eps": -1.0}, "eps"),
    (batch_norm_backward, (X, V, V), {}, "x"),
    (batch_norm_backward, (X[:2], X, V), {}, "grad_output"),
    (batch_norm_backward, (X, X, LONG), {}, "weight"),
    (batch_norm_backward, (X, X, V), {"eps": -1.0}, "eps"),
    (batch_norm_inference_backward, (V, V, V, V, V), {}, "x"),
    (batch_norm_inference_backward, (X[:2], X, V, V, V), {}, "grad_output"),
    (batch_norm_inference_backward, (X, X, LONG, V, V), {}, "running_mean"),
    (batch_norm_inference_backward, (X, X, V, LONG, V), {}, "running_var"),
    (batch_norm_inference_backward, (X, X, V, V, LONG), {}, "weight"),
    (batch_norm_inference_backward, (X, X, V, V, V), {"eps": -1.0}, "eps"),
    (BatchNorm1d, (0,), {}, "num_features"),
    (BatchNorm1d, (3,), {"eps": -1.0}, "eps"),
    (BatchNorm2d, (3,), {"momentum": -0.1}, "momentum"),
    (BatchNorm1d(3), (IMAGE,), {}, "x"),
    (BatchNorm1d(3), (torch.ones(4, 5),), {}, "x"),
    (BatchNorm2d(3), (X,), {}, "x"),
    (BatchNorm2d(4), (IMAGE,), {}, "x"),
    (batch_norm_2d, (X, V, V), {}, "x"),
    (batch_norm_2d, (torch.ones(1, 3, 1, 1), V, V), {}, "x"),
    (batch_norm_2d, (IMAGE, LONG, V), {}, "weight"),
    (batch_norm_2d, (IMAGE, V, LONG), {}, "bias"),
    (batch_norm_2d, (IMAGE, V, V), {"eps": -1.0}, "eps"),
    (identity_parameters, (torch.ones(1, 3),), {}, "x"),
    (identity_parameters, (X,), {"eps": -1.0}, "eps"),
    (fold_batch_norm, (V, V, V, V, V, V), {}, "linear_weight"),
    (fold_batch_norm, (X, V, LONG, LONG, LONG, LONG), {}, "linear_bias"),
    (fold_batch_norm, (X, LONG, V, LONG, LONG, LONG), {}, "running_mean"),
    (fold_batch_norm, (X, LONG, LONG, V, LONG, LONG), {}, "running_var"),
    (fold_batch_norm, (X, LONG, LONG, LONG, V, LONG), {}, "weight"),
    (fold_batch_norm, (X, LONG, LONG, LONG, LONG, V), {}, "bias"),
    (fold_batch_norm, (X, LONG, LONG, LONG, LONG, LONG), {"eps": -1.0}, "eps"),
    (effective_learning_rate, (-0.1, 1.0), {}, "learning_rate"),
    (effective_learning_rate, (math.inf, 1.0), {}, "learning_rate"),
    (effective_learning_rate, (0.1, 0.0), {}, "weight_scale"),
    (effective_learning_rate, (0.1, math.nan), {}, "weight_scale"),
    (layer_norm, (V, V, V), {}, "x"),
    (layer_norm, (X, LONG, V), {}, "weight"),
    (layer_norm, (X, V, LONG), {}, "bias"),
    (layer_norm, (X, V, V), {"eps": -1.0}, "eps"),
    (layer_norm_backward, (V, V, V), {}, "x"),
    (layer_norm_backward, (X[:2], X, V), {}, "grad_output"),
    (layer_norm_backward, (X, X, LONG), {}, "weight"),
    (layer_norm_backward, (X, X, V), {"eps": -1.0}, "eps"),
    (group_norm, (X, 3, V, V), {}, "x"),
    (group_norm, (IMAGE, 2, V, V), {}, "groups"),
    (group_norm, (IMAGE, 0, V, V), {}, "groups"),
    (group_norm, (IMAGE, 3, LONG, V), {}, "weight"),
    (group_norm, (IMAGE, 3, V, LONG), {}, "bias"),
    (group_norm, (IMAGE, 3, V, V), {"eps": -1.0}, "eps"),
]


@pytest.mark.parametrize(("function", "args", "kwargs", "argument"), INVALID)
def test_invalid_input_raises_an_error_that_names_the_argument_what_came_and_what_is_allowed(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, float], argument: str
) -> None:
    with pytest.raises(ValueError, match=rf"^{argument}: got .+, allowed is "):
        function(*args, **kwargs)

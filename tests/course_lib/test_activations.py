"""Activations against torch's own functions, autograd, scipy, quadrature and closed forms."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats
from torch import nn
from torch.nn import functional as F

from course_lib.activations import (
    PReLU,
    active_probability,
    alpha_dropout,
    backward_bound,
    compare_paired,
    dead_fraction,
    elu,
    elu_backward,
    elu_mean,
    gradients_over_depth,
    leaky_relu,
    leaky_relu_as_maxout,
    leaky_relu_backward,
    maxout,
    maxout_backward,
    maxout_parameters,
    one_sided_fractions,
    prelu_backward,
    relu,
    relu_backward,
    saturated_fraction,
    selu,
    selu_weights,
    sigmoid,
    sigmoid_backward,
    tanh,
    tanh_backward,
    tuned_rates,
)
from tests.support.closeness import assert_close

Function = Callable[..., Any]


def signed(*shape: int, dtype: torch.dtype, device: str) -> torch.Tensor:
    """Numbers of both signs, none of them at 0."""
    x = torch.randn(*shape, dtype=dtype, device=device)
    return x + 0.05 * torch.sign(x)


# --- values and slopes

VALUES: list[Any] = [
    pytest.param(sigmoid, torch.sigmoid, {}, id="sigmoid"),
    pytest.param(tanh, torch.tanh, {}, id="tanh"),
    pytest.param(relu, F.relu, {}, id="relu"),
    pytest.param(leaky_relu, F.leaky_relu, {}, id="leaky_relu"),
    pytest.param(leaky_relu, F.leaky_relu, {"negative_slope": 0.3}, id="leaky_relu, 0.3"),
    pytest.param(leaky_relu, F.leaky_relu, {"negative_slope": 2.5}, id="leaky_relu, 2.5"),
    pytest.param(elu, F.elu, {}, id="elu"),
    pytest.param(elu, F.elu, {"alpha": 1.7}, id="elu, 1.7"),
    pytest.param(selu, F.selu, {}, id="selu"),
]
BACKWARDS: list[Any] = [
    pytest.param(sigmoid_backward, torch.sigmoid, {}, id="sigmoid"),
    pytest.param(tanh_backward, torch.tanh, {}, id="tanh"),
    pytest.param(relu_backward, F.relu, {}, id="relu"),
    pytest.param(leaky_relu_backward, F.leaky_relu, {}, id="leaky_relu"),
    pytest.param(leaky_relu_backward, F.leaky_relu, {"negative_slope": 1.4}, id="leaky_relu, 1.4"),
    pytest.param(elu_backward, F.elu, {}, id="elu"),
    pytest.param(elu_backward, F.elu, {"alpha": 0.6}, id="elu, 0.6"),
]


@pytest.mark.parametrize(("ours", "theirs", "options"), VALUES)
def test_the_values_and_their_gradients_are_those_of_torch(
    ours: Function, theirs: Function, options: dict[str, Any], device: str, dtype: torch.dtype
) -> None:
    x = 3 * signed(5, 7, dtype=dtype, device=device)
    before = x.clone()
    one, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    upstream = torch.randn_like(x)
    y, expected = ours(one, **options), theirs(other, **options)
    assert_close(y, expected)
    assert_close(
        torch.autograd.grad(y, one, upstream)[0], torch.autograd.grad(expected, other, upstream)[0]
    )
    assert torch.equal(one, before)
    assert (y.dtype, y.device.type) == (dtype, device)


@pytest.mark.parametrize(("ours", "theirs", "options"), BACKWARDS)
def test_a_gradient_by_hand_is_that_of_autograd(
    ours: Function, theirs: Function, options: dict[str, Any], device: str, dtype: torch.dtype
) -> None:
    x = 3 * signed(4, 6, dtype=dtype, device=device)
    upstream = torch.randn_like(x)
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(theirs(leaf, **options), leaf, upstream)
    assert_close(ours(upstream, x, **options), expected)


@pytest.mark.parametrize(("ours", "theirs", "options"), BACKWARDS)
def test_a_gradient_of_another_shape_is_refused(
    ours: Function, theirs: Function, options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"^grad_output: got shape \(3,\)"):
        ours(torch.ones(3), torch.ones(4), **options)


@pytest.mark.parametrize("function", [sigmoid, tanh, elu, selu])
def test_neither_value_nor_gradient_overflows(function: Function, dtype: torch.dtype) -> None:
    x = torch.tensor([-1e4, -800, -90, 90, 800, 1e4], dtype=dtype, requires_grad=True)
    y = function(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert y.isfinite().all() and gradient.isfinite().all()


def test_the_sigmoid_is_exact_far_from_zero() -> None:
    x = torch.linspace(-700, 30, 1000, dtype=torch.float64)
    np.testing.assert_allclose(sigmoid(x).numpy(), special.expit(x.numpy()), rtol=1e-12)


def test_a_sigmoid_and_its_mirror_image_add_up_to_one() -> None:
    x = torch.linspace(-50, 50, 201, dtype=torch.float64)
    assert_close(sigmoid(x) + sigmoid(-x), torch.ones_like(x))


def test_the_slope_of_the_sigmoid_at_zero_is_a_quarter_and_that_of_tanh_one() -> None:
    zero, one = torch.zeros(1), torch.ones(1)
    assert sigmoid_backward(one, zero).item() == 0.25
    assert tanh_backward(one, zero).item() == 1
    x = torch.zeros(1, requires_grad=True)
    assert torch.autograd.grad(sigmoid(x), x)[0].item() == 0.25


def test_nothing_passes_a_relu_at_exactly_zero() -> None:
    zero = torch.zeros(1, requires_grad=True)
    assert relu_backward(torch.ones(1), zero.detach()).item() == 0
    assert torch.autograd.grad(relu(zero), zero)[0].item() == 0


def test_a_leaky_relu_lets_its_share_through_however_far_left() -> None:
    x = torch.tensor([-1e6])
    assert leaky_relu_backward(torch.ones(1), x).item() == pytest.approx(0.01)
    assert leaky_relu(torch.tensor([-100.0])).item() == pytest.approx(-1)


def test_the_gradient_of_elu_is_finite_where_its_exponential_is_not() -> None:
    x = torch.tensor([-1000.0, 1000.0])
    assert torch.equal(elu_backward(torch.ones(2), x), torch.tensor([0.0, 1.0]))


# --- PReLU


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("slopes", [1, 3])
def test_prelu_and_its_gradients_are_those_of_torch(
    shape: tuple[int, ...], slopes: int, device: str, dtype: torch.dtype
) -> None:
    ours = PReLU(slopes, init=0.5).to(device, dtype)
    theirs = nn.PReLU(slopes, init=0.5, device=device, dtype=dtype)
    with torch.no_grad():
        for layer in (ours, theirs):
            layer.weight += torch.linspace(-1, 2, slopes, dtype=dtype, device=device)
    x = signed(*shape, dtype=dtype, device=device)
    upstream = torch.randn_like(x)
    leaf = x.clone().requires_grad_()
    y = theirs(leaf)
    assert_close(ours(x), y)
    expected = torch.autograd.grad(y, (leaf, theirs.weight), upstream)
    by_hand = prelu_backward(upstream, x, ours.weight.detach())
    by_autograd = torch.autograd.grad(ours(x), ours.weight, upstream)
    for actual, wanted in zip((*by_hand, *by_autograd), (*expected, expected[1]), strict=True):
        assert_close(actual, wanted)


def test_prelu_has_one_parameter_that_starts_at_a_quarter() -> None:
    parameters = dict(PReLU(5).named_parameters())
    assert {name: tuple(p.shape) for name, p in parameters.items()} == {"weight": (5,)}
    assert torch.equal(parameters["weight"], torch.full((5,), 0.25))
    assert PReLU().weight.shape == (1,)


def test_prelu_with_one_slope_takes_an_input_of_any_shape() -> None:
    assert PReLU()(torch.tensor([-4.0])).item() == -1


def test_prelu_refuses_no_slopes_and_other_channels() -> None:
    with pytest.raises(ValueError, match="^num_parameters: got 0"):
        PReLU(0)
    with pytest.raises(ValueError, match=r"^x: got shape \(2, 4\), allowed is \(N, 3, …\)"):
        PReLU(3)(torch.ones(2, 4))
    with pytest.raises(ValueError, match=r"^weight: got shape \(3,\)"):
        prelu_backward(torch.ones(2, 4), torch.ones(2, 4), torch.ones(3))
    with pytest.raises(ValueError, match=r"^grad_output: got shape \(2, 3\)"):
        prelu_backward(torch.ones(2, 3), torch.ones(2, 4), torch.ones(4))


# --- means and self-normalization


@pytest.mark.parametrize("std", [0.0, 0.3, 1.0, 2.5])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 1.67])
def test_the_mean_behind_an_elu_is_the_integral(std: float, alpha: float) -> None:
    def weighted(z: float) -> float:
        y = std * z
        return (y if y > 0 else alpha * math.expm1(y)) * stats.norm.pdf(z)

    halves = (integrate.quad(weighted, *limits)[0] for limits in ((-12, 0), (0, 12)))
    assert elu_mean(std, alpha) == pytest.approx(sum(halves), rel=1e-7, abs=1e-9)


def test_the_mean_behind_an_elu_is_small_but_not_zero() -> None:
    assert elu_mean(1.0, 1.0) == pytest.approx(0.1605, abs=1e-4)
    assert elu_mean(1.0, 0.0) == pytest.approx(1 / math.sqrt(2 * math.pi))
    with pytest.raises(ValueError, match="^std: got -1"):
        elu_mean(-1, 1)


def test_selu_keeps_mean_zero_and_variance_one() -> None:
    def moment(power: int) -> float:
        def weighted(z: float) -> float:
            y = selu(torch.tensor(z, dtype=torch.float64)).item()
            return y**power * float(stats.norm.pdf(z))

        halves = (integrate.quad(weighted, *limits)[0] for limits in ((-12, 0), (0, 12)))
        return float(sum(halves))

    assert moment(1) == pytest.approx(0, abs=1e-7)
    assert moment(2) == pytest.approx(1, abs=1e-7)


def test_selu_levels_off_at_minus_lambda_alpha() -> None:
    assert selu(torch.tensor(-1e3)).item() == pytest.approx(-1.7581, abs=1e-4)


def test_the_weights_for_selu_are_normal_of_variance_one_over_fan_in(
    device: str, dtype: torch.dtype
) -> None:
    weight = selu_weights(300, 200, dtype=dtype, device=device)
    assert (tuple(weight.shape), weight.dtype, weight.device.type) == ((200, 300), dtype, device)
    scaled = weight.double().cpu().flatten().numpy() * math.sqrt(300)
    assert stats.kstest(scaled, "norm").pvalue > 1e-6
    assert not torch.equal(selu_weights(3, 2), selu_weights(3, 2))
    with pytest.raises(ValueError, match="^fan_out: got 0"):
        selu_weights(3, 0)


def test_a_hundred_selu_layers_keep_the_variance_and_others_do_not() -> None:
    def last_variance(activation: Function, gain: float) -> float:
        x = torch.randn(256, 256)
        for _ in range(100):
            x = activation(x @ (gain * selu_weights(256, 256)).T)
        return float(x.var())

    assert 0.8 < last_variance(selu, 1) < 1.25
    assert last_variance(selu, math.sqrt(2)) > 100
    assert last_variance(elu, 1) < 0.01


@pytest.mark.parametrize("p", [0.0, 0.1, 0.4, 0.8])
def test_alpha_dropout_keeps_mean_and_variance(p: float, device: str, dtype: torch.dtype) -> None:
    x = torch.randn(1000, 400, dtype=dtype, device=device)
    y = alpha_dropout(x, p)
    assert (y.dtype, y.device.type) == (dtype, device)
    assert abs(float(y.mean())) < 0.02
    assert abs(float(y.var()) - 1) < 0.04


@pytest.mark.parametrize("p", [0.15, 0.7])
def test_alpha_dropout_drops_and_scales_as_torch_does(p: float) -> None:
    x = torch.randn(500, 400, dtype=torch.float64) + 5  # kept entries are told from dropped ones
    ours, theirs = alpha_dropout(x, p), F.alpha_dropout(x, p, training=True)
    dropped = ours == ours.min()
    assert float(dropped.double().mean()) == pytest.approx(p, abs=0.006)
    assert ours.min().item() == pytest.approx(theirs.min().item(), rel=1e-9)
    kept = ~dropped & (theirs != theirs.min())
    assert_close(ours[kept], theirs[kept])


def test_alpha_dropout_rests_in_evaluation_and_refuses_to_drop_everything() -> None:
    x = torch.randn(3, 4)
    assert torch.equal(alpha_dropout(x, 0.5, training=False), x)
    for p in (-0.1, 1.0):
        with pytest.raises(ValueError, match=f"^p: got {p}"):
            alpha_dropout(x, p)


# --- maxout


def layer(device: str, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """An input (6, 5), weights (3, 4, 5) and biases (3, 4)."""
    shapes = ((6, 5), (3, 4, 5), (3, 4))
    x, weight, bias = (torch.randn(*s, dtype=dtype, device=device) for s in shapes)
    return x, weight, bias


def test_maxout_is_the_largest_of_its_pieces(device: str, dtype: torch.dtype) -> None:
    x, weight, bias = layer(device, dtype)
    expected = x.new_empty(6, 4)
    for n, m in itertools.product(range(6), range(4)):
        expected[n, m] = max(weight[i, m] @ x[n] + bias[i, m] for i in range(3))
    assert_close(maxout(x, weight, bias), expected)


def test_the_gradient_of_maxout_goes_to_the_winner(device: str, dtype: torch.dtype) -> None:
    x, weight, bias = layer(device, dtype)
    leaves = [t.clone().requires_grad_() for t in (x, weight, bias)]
    upstream = torch.randn(6, 4, dtype=dtype, device=device)
    expected = torch.autograd.grad(maxout(*leaves), leaves, upstream)
    for actual, wanted in zip(maxout_backward(upstream, x, weight, bias), expected, strict=True):
        assert_close(actual, wanted)
    one_example = maxout_backward(upstream[:1], x[:1], weight, bias)[2]
    assert torch.equal((one_example != 0).sum(dim=0), torch.ones(4, dtype=torch.long).to(device))


def test_maxout_has_the_parameters_of_k_linear_layers() -> None:
    layers = [nn.Linear(20, 7) for _ in range(3)]
    assert maxout_parameters(20, 7, 3) == sum(
        p.numel() for linear in layers for p in linear.parameters()
    )
    with pytest.raises(ValueError, match="^pieces: got 0"):
        maxout_parameters(2, 3, 0)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.6, 1.0])
def test_maxout_becomes_a_leaky_relu(slope: float, device: str, dtype: torch.dtype) -> None:
    x, weight, bias = layer(device, dtype)
    pieces = leaky_relu_as_maxout(weight[0], bias[0], slope)
    z = x @ weight[0].T + bias[0]
    assert_close(maxout(x, *pieces), F.leaky_relu(z, slope))


def test_maxout_refuses_shapes_that_do_not_fit() -> None:
    x, weight, bias = layer("cpu", torch.float32)
    with pytest.raises(ValueError, match=r"^x and weight: got shapes \(6, 4\)"):
        maxout(x[:, :4], weight, bias)
    with pytest.raises(ValueError, match=r"^bias: got shape \(4,\)"):
        maxout(x, weight, bias[0])
    with pytest.raises(ValueError, match=r"^grad_output: got shape \(6, 3\)"):
        maxout_backward(torch.ones(6, 3), x, weight, bias)
    with pytest.raises(ValueError, match=r"^negative_slope: got 1\.5"):
        leaky_relu_as_maxout(weight[0], bias[0], 1.5)


# --- signals, gradients, units


def test_saturation_is_counted_at_both_ends(device: str, dtype: torch.dtype) -> None:
    h = torch.tensor([-1.0, -0.88, -0.7, 0.0, 0.75, 0.95], dtype=dtype, device=device)
    # A tenth of the range from -1 to 1 is 0.2: -1, -0.88 and 0.95 lie within.
    assert_close(saturated_fraction(h, -1, 1, margin=0.1), h.new_tensor(0.5))
    # Of the absolute values 1, 0.95 and 0 lie within a tenth of 0 or 1.
    assert_close(saturated_fraction(h.abs(), 0, 1, margin=0.1), h.new_tensor(0.5))


def test_saturation_refuses_limits_and_margins_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="^low and high: got 1 and 0"):
        saturated_fraction(torch.zeros(2), 1, 0)
    with pytest.raises(ValueError, match=r"^margin: got 0\.7"):
        saturated_fraction(torch.zeros(2), 0, 1, margin=0.7)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu"])
def test_no_gradient_grows_beyond_the_bound(name: str) -> None:
    function = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}[name]
    weights = [torch.randn(8, 8, dtype=torch.float64) for _ in range(5)]
    weights = [1.5 * weight / torch.linalg.matrix_norm(weight, ord=2) for weight in weights]

    def network(x: torch.Tensor) -> torch.Tensor:
        for weight in weights:
            x = function(x @ weight.T)
        return x

    bound = backward_bound(name, 5, 1.5)
    for scale in (1e-3, 1.0):
        x = scale * torch.randn(8, dtype=torch.float64)
        jacobian = torch.autograd.functional.jacobian(network, x)
        assert torch.linalg.matrix_norm(jacobian, ord=2) <= bound * (1 + 1e-9)


def test_the_bound_is_reached_at_the_steepest_point() -> None:
    assert backward_bound("sigmoid", 10, 1.0) == pytest.approx(0.25**10)
    assert backward_bound("tanh", 3, 2.0) == 8
    with pytest.raises(ValueError, match="^activation: got 'elu'"):
        backward_bound("elu", 3, 1.0)
    with pytest.raises(ValueError, match="^weight_norm: got -1"):
        backward_bound("relu", 3, -1)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu"])
def test_the_gradients_over_depth_are_those_of_autograd(
    name: str, device: str, dtype: torch.dtype
) -> None:
    function = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}[name]
    widths = (9, 12, 7, 10)
    weights = [
        torch.randn(after, before, dtype=dtype, device=device).requires_grad_()
        for before, after in itertools.pairwise(widths)
    ]
    x = torch.randn(11, 9, dtype=dtype, device=device)
    upstream = torch.randn(11, 10, dtype=dtype, device=device)
    outputs = [x]
    for weight in weights:
        outputs.append(function(outputs[-1] @ weight.T))
    gradients = torch.autograd.grad(outputs[-1], [*outputs[1:], *weights], upstream)
    plain = [weight.detach() for weight in weights]
    found = gradients_over_depth(x, plain, name, upstream)
    stds = torch.stack([gradient.std() for gradient in gradients])
    assert_close(found["activations"], stds[:3])
    assert_close(found["weights"], stds[3:])


def test_the_gradients_over_depth_refuse_an_unknown_activation_and_no_layers() -> None:
    x = torch.ones(2, 3)
    with pytest.raises(ValueError, match="^activation: got 'gelu'"):
        gradients_over_depth(x, [torch.ones(3, 3)], "gelu", x)
    with pytest.raises(ValueError, match="^weights: got none"):
        gradients_over_depth(x, [], "tanh", x)


def test_one_sided_gradients_are_counted_sign_by_sign(device: str, dtype: torch.dtype) -> None:
    x = torch.randn(12, 3, dtype=dtype, device=device)
    x[::2] = x[::2].abs()
    x[3] = 0.0
    delta = torch.randn(12, 20, dtype=dtype, device=device)
    pairs, units = 0, 0
    for m in range(20):
        total = torch.zeros_like(x[0])
        for n in range(12):
            gradient = delta[n, m] * x[n]
            total += gradient
            pairs += set(torch.sign(gradient).tolist()) - {0.0} != {1.0, -1.0}
        units += set(torch.sign(total).tolist()) - {0.0} != {1.0, -1.0}
    example, batch = one_sided_fractions(delta, x)
    assert_close(example, x.new_tensor(pairs / 240))
    assert_close(batch, x.new_tensor(units / 20))


def test_positive_inputs_are_one_sided_for_every_example_and_not_for_a_batch() -> None:
    x, delta = torch.rand(64, 50), torch.randn(64, 100)
    example, batch = one_sided_fractions(delta, x)
    assert example == 1 and batch < 0.5
    with pytest.raises(ValueError, match="^grad_output and x: got shapes"):
        one_sided_fractions(delta[:3], x)


def test_a_unit_that_answers_to_one_example_of_one_batch_is_alive(
    device: str, dtype: torch.dtype
) -> None:
    first = -torch.ones(3, 4, dtype=dtype, device=device)
    second = -torch.ones(5, 4, dtype=dtype, device=device)
    first[0, 1], second[4, 2], second[1, 3] = 0.5, 0.1, 0.0
    assert_close(dead_fraction([first, second]), first.new_tensor(0.5))
    assert_close(dead_fraction([first]), first.new_tensor(0.75))
    with pytest.raises(ValueError, match="^batches: got none"):
        dead_fraction([])


def test_a_dead_unit_gets_no_gradient() -> None:
    x = torch.rand(30, 6)
    weight, bias = (-torch.rand(4, 6)).requires_grad_(), torch.zeros(4, requires_grad=True)
    z = x @ weight.T + bias
    assert dead_fraction([z.detach()]) == 1
    for gradient in torch.autograd.grad(relu(z).sum(), (weight, bias)):
        assert not gradient.any()


@pytest.mark.parametrize("bias", [-1.3, 0.0, 0.01, 2.0])
@pytest.mark.parametrize("std", [0.4, 1.0, 3.0])
def test_a_unit_is_active_as_often_as_the_normal_distribution_says(bias: float, std: float) -> None:
    expected = stats.norm.cdf(bias / std)
    assert active_probability(bias, std) == pytest.approx(expected, rel=1e-12)


def test_no_unit_has_a_spread_of_zero() -> None:
    with pytest.raises(ValueError, match="^std: got 0"):
        active_probability(1.0, 0.0)


# --- comparing


def test_paired_scores_are_summarized_as_scipy_does(device: str, dtype: torch.dtype) -> None:
    first = torch.rand(7, dtype=dtype, device=device)
    second = first + 0.1 * torch.rand(7, dtype=dtype, device=device)
    found = compare_paired(first, second)
    samples = {"first": first, "second": second, "difference": first - second}
    for name, values in samples.items():
        mean, error = (float(v) for v in found[name])
        assert mean == pytest.approx(float(values.double().mean()), rel=1e-5)
        assert error == pytest.approx(float(stats.sem(values.double().cpu())), rel=1e-4)
    mean, error = (float(v) for v in found["difference"])
    t = stats.ttest_rel(first.double().cpu(), second.double().cpu()).statistic
    assert mean / error == pytest.approx(float(t), rel=1e-3)


def test_a_comparison_needs_pairs_and_at_least_two_of_them() -> None:
    for first, second in ((torch.ones(3), torch.ones(4)), (torch.ones(1), torch.ones(1))):
        with pytest.raises(ValueError, match="^first and second: got shapes"):
            compare_paired(first, second)


def test_every_method_gets_the_rate_with_its_best_mean(device: str, dtype: torch.dtype) -> None:
    validation = torch.rand(4, 5, 6, dtype=dtype, device=device)
    rates = torch.tensor([0.01, 0.03, 0.1, 0.3, 1.0], dtype=dtype, device=device)
    chosen = tuned_rates(validation, rates)
    for scores, rate in zip(validation.double().cpu().numpy(), chosen, strict=True):
        assert float(rate) == float(rates[int(np.argmax(scores.mean(axis=1)))])


def test_one_lucky_run_does_not_choose_the_rate() -> None:
    validation = torch.tensor([[[0.8, 0.8, 0.8], [0.99, 0.5, 0.5]]])
    assert tuned_rates(validation, torch.tensor([0.1, 1.0])).item() == pytest.approx(0.1)
    with pytest.raises(ValueError, match="^validation and rates: got shapes"):
        tuned_rates(validation, torch.ones(3))

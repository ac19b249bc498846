"""Initialization against torch's own functions, autograd, quadrature and closed forms."""

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.nn import functional as F

from course_lib.initialization import (
    ResidualBlock,
    default_linear_std,
    distinct_units,
    fan_in_and_fan_out,
    gain,
    gaussian,
    kaiming_normal,
    kaiming_uniform,
    layer_statistics,
    lecun_normal,
    linear_output_variance,
    output_bias_gradient_at_zero,
    relu_second_moment,
    residual_variance,
    weight_gradient_stds,
    xavier_normal,
    xavier_uniform,
)
from tests.support.closeness import assert_close

SHAPES = [(400, 100), (30, 50, 5), (48, 32, 3, 3), (96, 1, 3, 3), (6, 8, 2, 3, 5)]
DRAWS = 16  # draws of the weights: one draw says little about the next


def assert_mean(samples: torch.Tensor, expected: float) -> None:
    """Hold the mean of independent samples within five standard errors of what is expected."""
    samples = samples.double().flatten()
    error = 5 * float(samples.std()) / math.sqrt(len(samples))
    assert abs(float(samples.mean()) - expected) <= error


def assert_spread(weight: torch.Tensor, std: float) -> None:
    """Hold mean and standard deviation of n draws within five standard errors."""
    n = weight.numel()
    assert abs(float(weight.double().mean())) <= 5 * std / math.sqrt(n)
    assert abs(float(weight.double().std()) / std - 1) <= 5 / math.sqrt(2 * n)


def kinds(weight: torch.Tensor, std: float) -> dict[str, float]:
    """Give the probability of so large a deviation from a normal and a uniform distribution."""
    values = (weight.double().cpu().flatten() / std).numpy()
    bound = math.sqrt(3)
    return {
        "normal": float(stats.kstest(values, "norm").pvalue),
        "uniform": float(stats.kstest(values, "uniform", args=(-bound, 2 * bound)).pvalue),
    }


# --- fans and gains


@pytest.mark.parametrize("shape", [*SHAPES, (1, 7), (7, 1)])
def test_the_fans_are_those_of_torch(shape: tuple[int, ...]) -> None:
    assert fan_in_and_fan_out(shape) == nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))


def test_the_fans_of_a_linear_layer_are_its_inputs_and_its_outputs() -> None:
    layer = nn.Linear(in_features=100, out_features=400)
    assert fan_in_and_fan_out(tuple(layer.weight.shape)) == (100, 400)


@pytest.mark.parametrize(("groups", "fan_in"), [(1, 9 * 32), (4, 9 * 8), (32, 9)])
def test_the_groups_of_a_convolution_divide_its_fan_in_once(groups: int, fan_in: int) -> None:
    layer = nn.Conv2d(32, 64, 3, groups=groups)
    assert fan_in_and_fan_out(layer.weight.shape) == (fan_in, 9 * 64)


@pytest.mark.parametrize("shape", [(), (5,), (0, 3), (3, 2, 0)])
def test_the_fans_refuse_a_shape_without_two_positive_sizes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="^shape: got"):
        fan_in_and_fan_out(shape)


@pytest.mark.parametrize("name", ["linear", "tanh", "relu", "leaky_relu"])
@pytest.mark.parametrize("slope", [0.01, 0.3, 0.0, 2.0])
def test_the_gains_are_those_of_torch(name: Any, slope: float) -> None:
    param = slope if name == "leaky_relu" else None
    assert gain(name, slope) == pytest.approx(nn.init.calculate_gain(name, param), rel=1e-12)


def test_the_gain_keeps_the_second_moment_through_a_leaky_relu() -> None:
    x = gain("leaky_relu", 0.3) * torch.randn(100_000, dtype=torch.float64)
    assert_mean(F.leaky_relu(x, 0.3) ** 2, 1.0)


def test_the_gain_refuses_what_it_has_no_formula_for() -> None:
    with pytest.raises(ValueError, match="^nonlinearity: got 'gelu'"):
        gain("gelu")
    with pytest.raises(ValueError, match="^negative_slope: got nan"):
        gain("leaky_relu", math.nan)


# --- distributions

Draw = Callable[..., torch.Tensor]


def torch_std(method: str, shape: tuple[int, ...], **options: Any) -> float:
    """Read the standard deviation that torch's own initializer uses, from what it draws."""
    probe = torch.empty(shape, dtype=torch.float64)
    probe = getattr(nn.init, method)(probe, **options)
    if "uniform" in method:  # the bound is seen in the largest weight
        return float(probe.abs().max()) / math.sqrt(3)
    return float(probe.std())


RULES: list[Any] = [
    pytest.param(lecun_normal, {}, "kaiming_normal_", {"nonlinearity": "linear"}, id="lecun"),
    pytest.param(xavier_normal, {}, "xavier_normal_", {}, id="xavier-normal"),
    pytest.param(xavier_normal, {"scale": 5 / 3}, "xavier_normal_", {"gain": 5 / 3}, id="xavier-n"),
    pytest.param(xavier_uniform, {}, "xavier_uniform_", {}, id="xavier-uniform"),
    pytest.param(xavier_uniform, {"scale": 0.4}, "xavier_uniform_", {"gain": 0.4}, id="xavier-u"),
]
for function, method in (
    (kaiming_normal, "kaiming_normal_"),
    (kaiming_uniform, "kaiming_uniform_"),
):
    RULES.append(pytest.param(function, {}, method, {"nonlinearity": "relu"}, id=f"{method}relu"))
    for name in ("linear", "tanh"):
        options: dict[str, Any] = {"nonlinearity": name}
        RULES.append(pytest.param(function, options, method, options, id=f"{method}{name}"))
    RULES.append(
        pytest.param(
            function,
            {"nonlinearity": "leaky_relu", "negative_slope": 0.5},
            method,
            {"nonlinearity": "leaky_relu", "a": 0.5},
            id=f"{method}leaky",
        )
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("function", "arguments", "method", "options"), RULES)
def test_the_spread_of_the_weights_is_that_of_torch(
    function: Draw,
    arguments: dict[str, Any],
    method: str,
    options: dict[str, Any],
    shape: tuple[int, ...],
    device: str,
    dtype: torch.dtype,
) -> None:
    weight = function(shape, **arguments, dtype=dtype, device=device)
    assert (tuple(weight.shape), weight.dtype, weight.device.type) == (shape, dtype, device)
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    factor = options.get("gain", 1.0)
    if method.startswith("xavier"):
        std = factor * math.sqrt(2 / (fan_in + fan_out))
    else:
        std = nn.init.calculate_gain(options["nonlinearity"], options.get("a")) / fan_in**0.5
    n = weight.numel()
    # The closed form is torch's: its own draw has this spread too.
    assert torch_std(method, shape, **options) == pytest.approx(std, rel=max(5 / n**0.5, 0.02))
    assert_spread(weight, std)
    fits = kinds(weight, std)
    kind = "uniform" if "uniform" in method else "normal"
    assert fits[kind] > 1e-6
    if n > 5000:  # too few draws cannot tell the two apart
        assert fits["normal" if kind == "uniform" else "uniform"] < 1e-6


@pytest.mark.parametrize("shape", SHAPES)
def test_uniform_weights_fill_the_interval_up_to_the_bound(shape: tuple[int, ...]) -> None:
    fan_in, fan_out = fan_in_and_fan_out(shape)
    for function, bound in (
        (xavier_uniform, math.sqrt(6 / (fan_in + fan_out))),
        (kaiming_uniform, math.sqrt(6 / fan_in)),
    ):
        largest = float(function(shape, dtype=torch.float64).abs().max()) / bound
        assert 1 - 15 / math.prod(shape) <= largest <= 1


@pytest.mark.parametrize("std", [0.01, 0.05, 3.0])
def test_gaussian_weights_have_the_std_that_is_given(
    std: float, device: str, dtype: torch.dtype
) -> None:
    weight = gaussian((300, 200), std, dtype=dtype, device=device)
    assert (weight.dtype, weight.device.type) == (dtype, device)
    assert_spread(weight, std)
    assert kinds(weight, std)["normal"] > 1e-6


def test_a_gaussian_without_width_is_zero() -> None:
    assert torch.equal(gaussian((3, 4), 0.0), torch.zeros(3, 4))


def test_glorot_and_lecun_differ_for_a_layer_that_is_not_square() -> None:
    assert_spread(xavier_normal((400, 100)), 0.0632455532)
    assert_spread(lecun_normal((400, 100)), 0.1)


@pytest.mark.parametrize(
    "function", [gaussian, lecun_normal, xavier_normal, xavier_uniform, kaiming_normal]
)
def test_weights_take_the_default_dtype_and_new_values_at_every_call(function: Draw) -> None:
    arguments = (0.1,) if function is gaussian else ()
    first, second = function((5, 4), *arguments), function((5, 4), *arguments)
    assert first.dtype == torch.get_default_dtype()
    assert not torch.equal(first, second)


def test_the_weights_repeat_when_the_seed_does() -> None:
    draws = []
    for _ in range(2):
        torch.manual_seed(7)
        draws.append(kaiming_uniform((5, 4)))
    assert torch.equal(*draws)


@pytest.mark.parametrize(
    "function", [lecun_normal, xavier_normal, xavier_uniform, kaiming_normal, kaiming_uniform]
)
def test_weights_refuse_a_shape_without_fans(function: Draw) -> None:
    with pytest.raises(ValueError, match=r"^shape: got \(5,\)"):
        function((5,))


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_weights_refuse_an_impossible_width(bad: float) -> None:
    with pytest.raises(ValueError, match="^std: got"):
        gaussian((3, 2), bad)
    with pytest.raises(ValueError, match="^scale: got"):
        xavier_normal((3, 2), bad)
    with pytest.raises(ValueError, match="^scale: got"):
        xavier_uniform((3, 2), bad)


def test_weights_refuse_an_empty_shape_and_an_unknown_nonlinearity() -> None:
    with pytest.raises(ValueError, match="^shape: got"):
        gaussian((3, 0), 1.0)
    for function in (kaiming_normal, kaiming_uniform):
        with pytest.raises(ValueError, match="^nonlinearity: got 'gelu'"):
            function((3, 2), "gelu")


@pytest.mark.parametrize("fan_in", [1, 40, 1000])
def test_a_fresh_linear_layer_has_the_default_std(fan_in: int) -> None:
    weight = nn.Linear(fan_in, 200_000 // fan_in).weight.detach()
    assert_spread(weight, default_linear_std(fan_in))


def test_the_default_std_of_a_linear_layer_is_not_kaiming() -> None:
    assert default_linear_std(1000) == pytest.approx(0.018257, rel=1e-4)
    assert default_linear_std(1000) * math.sqrt(6) == pytest.approx(math.sqrt(2 / 1000))


# --- the variance of a signal


@pytest.mark.parametrize(("mean", "variance"), [(0.0, 1.0), (2.0, 0.5), (-1.0, 3.0)])
def test_a_linear_layer_has_the_predicted_output_variance(mean: float, variance: float) -> None:
    fan_in, weight_variance = 30, 0.2
    x = mean + math.sqrt(variance) * torch.randn(20_000, fan_in, dtype=torch.float64)
    w = math.sqrt(weight_variance) * torch.randn(20_000, fan_in, dtype=torch.float64)
    predicted = linear_output_variance(fan_in, weight_variance, mean, variance)
    assert_mean((w * x).sum(dim=1) ** 2, float(predicted))  # y has mean zero


def test_the_scalar_formulas_accept_tensors(device: str, dtype: torch.dtype) -> None:
    values = torch.tensor([0.5, 2.0, 0.0], dtype=dtype, device=device)
    fans = torch.tensor([3, 40, 7], device=device)
    predicted = linear_output_variance(fans, values, -values, values)
    assert isinstance(predicted, torch.Tensor)
    expected = [3 * 0.5 * 0.75, 40 * 2.0 * 6.0, 0.0]
    assert_close(predicted, torch.tensor(expected, dtype=dtype, device=device))
    halves = relu_second_moment(values)
    assert isinstance(halves, torch.Tensor)
    assert_close(halves, torch.tensor([0.25, 1.0, 0.0], dtype=dtype, device=device))
    grown = residual_variance(3, values, values)
    assert isinstance(grown, torch.Tensor)
    assert_close(grown, torch.tensor([1.6875, 54.0, 0.0], dtype=dtype, device=device))


@pytest.mark.parametrize("variance", [1.0, 0.09, 16.0])
def test_a_relu_leaves_half_of_the_second_moment_and_a_third_of_the_variance(
    variance: float,
) -> None:
    h = F.relu(math.sqrt(variance) * torch.randn(200_000, dtype=torch.float64))
    assert_mean(h**2, float(relu_second_moment(variance)))
    assert float(h.var()) / variance == pytest.approx(0.5 - 0.5 / math.pi, rel=0.02)


def test_the_prediction_ends_when_the_weights_have_seen_the_data() -> None:
    x = torch.randn(2000, 30, dtype=torch.float64)
    weight = (x[:100].mean(dim=0) + 0.1 * x[0]).reshape(1, -1)  # depends on x[0]
    predicted = linear_output_variance(30, float(weight.square().mean()), 0.0, 1.0)
    assert float((x[0] @ weight.T) ** 2) > 5 * float(predicted)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: default_linear_std(0), "fan_in"),
        (lambda: linear_output_variance(0, 1.0, 0.0, 1.0), "fan_in"),
        (lambda: linear_output_variance(3, -1.0, 0.0, 1.0), "weight_variance"),
        (lambda: linear_output_variance(3, 1.0, 0.0, -1.0), "input_variance"),
        (lambda: linear_output_variance(3, 1.0, 0.0, torch.tensor([1.0, -1.0])), "input_variance"),
        (lambda: relu_second_moment(-0.1), "variance"),
        (lambda: relu_second_moment(math.nan), "variance"),
        (lambda: residual_variance(-1, 1.0), "blocks"),
        (lambda: residual_variance(1.5, 1.0), "blocks"),  # type: ignore[arg-type]
        (lambda: residual_variance(2, -0.5), "branch_gain"),
        (lambda: residual_variance(2, 1.0, -1.0), "input_variance"),
    ],
)
def test_the_scalar_formulas_refuse_impossible_values(
    call: Callable[[], object], name: str
) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got"):
        call()


# --- residual blocks


def second_moments(
    blocks: int, first_std: float, last_std: float, width: int = 64, draws: int = 60
) -> torch.Tensor:
    """Measure E[x²] before and after every block x + W₂ relu(W₁ x), for each draw of weights."""
    rows = []
    for _ in range(draws):
        x = torch.randn(32, width, dtype=torch.float64)
        row = [x.square().mean()]
        for _ in range(blocks):
            first = gaussian((width, width), first_std, dtype=torch.float64)
            last = gaussian((width, width), last_std, dtype=torch.float64)
            x = x + F.relu(x @ first.T) @ last.T
            row.append(x.square().mean())
        rows.append(torch.stack(row))
    return torch.stack(rows)


@pytest.mark.parametrize("branch_gain", [0.0, 0.5, 1.0, 2.0])
def test_residual_blocks_grow_by_one_plus_the_gain_of_the_branch(branch_gain: float) -> None:
    kaiming = math.sqrt(2 / 64)
    # Kaiming in both layers doubles the second moment; the last layer scales it from there.
    measured = second_moments(4, kaiming, kaiming * math.sqrt(branch_gain / 2))
    assert_mean(measured[:, 0], 1.0)
    for blocks in range(1, 5):
        ratio = measured[:, blocks] / measured[:, 0]
        if branch_gain == 0:
            assert torch.equal(ratio, torch.ones_like(ratio))
        else:
            assert_mean(ratio, float(residual_variance(blocks, branch_gain)))


def test_no_blocks_leave_the_variance_as_it_is() -> None:
    assert residual_variance(0, 2.0, 0.7) == 0.7
    assert residual_variance(3, 2.0) == 27.0


def test_a_residual_block_starts_as_the_identity_with_kaiming_weights_in_front() -> None:
    block = ResidualBlock(300)
    x = torch.randn(3, 5, 300)
    assert torch.equal(block(x), x)
    assert_spread(block.first.weight.detach(), math.sqrt(2 / 300))
    assert not block.second.weight.any()
    assert block.first.bias is None and block.second.bias is None


def test_a_residual_block_adds_its_branch(device: str, dtype: torch.dtype) -> None:
    block = ResidualBlock(6).to(device=device, dtype=dtype)
    for parameter in block.parameters():
        nn.init.normal_(parameter)
    x = torch.randn(4, 6, device=device, dtype=dtype)
    branch = nn.Sequential(block.first, nn.ReLU(), block.second)
    assert_close(block(x), x + branch(x))


@pytest.mark.parametrize("zero_both", [False, True])
def test_the_first_layer_of_a_block_learns_from_the_second_step_unless_both_are_zero(
    zero_both: bool,
) -> None:
    block = ResidualBlock(10)
    if zero_both:
        nn.init.zeros_(block.first.weight)
    optimizer = torch.optim.SGD(block.parameters(), lr=0.1)
    x, target = torch.randn(32, 10), torch.randn(32, 10)
    moved = []
    for _ in range(3):
        optimizer.zero_grad()
        torch.autograd.backward(F.mse_loss(block(x), target))
        assert block.first.weight.grad is not None and block.second.weight.grad is not None
        moved.append(bool(block.first.weight.grad.any()))
        assert block.second.weight.grad.any() != zero_both
        optimizer.step()
    assert moved == ([False, False, False] if zero_both else [False, True, True])


def test_a_residual_block_refuses_another_width() -> None:
    with pytest.raises(ValueError, match="^width: got 0"):
        ResidualBlock(0)
    with pytest.raises(ValueError, match=r"^x: got shape \(2, 4\)"):
        ResidualBlock(5)(torch.zeros(2, 4))


# --- activations and gradients through depth


def chain(*widths: int, dtype: torch.dtype, device: str, std: float = 0.5) -> list[torch.Tensor]:
    """Draw the weights of a network with these widths."""
    pairs = zip(widths[1:], widths[:-1], strict=True)
    return [gaussian(pair, std, dtype=dtype, device=device) for pair in pairs]


def network(weights: list[torch.Tensor], activation: type[nn.Module]) -> nn.Sequential:
    """Build the same network from torch's own layers."""
    modules: list[nn.Module] = []
    for weight in weights:
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        layer.weight = nn.Parameter(weight.clone())
        modules += [layer, activation()]
    return nn.Sequential(*modules)


@pytest.mark.parametrize(("name", "activation"), [("tanh", nn.Tanh), ("relu", nn.ReLU)])
def test_the_layer_statistics_are_those_of_the_same_torch_network(
    name: str, activation: type[nn.Module], device: str, dtype: torch.dtype
) -> None:
    weights = chain(7, 13, 5, 9, dtype=dtype, device=device, std=1.0)
    x = torch.randn(11, 7, dtype=dtype, device=device)
    actual = layer_statistics(x, weights, name)
    assert sorted(actual) == ["mean", "saturated", "std", "zero"]
    h = x
    for index, module in enumerate(network(weights, activation)):
        h = module(h)
        if index % 2 == 0:
            continue  # before the activation
        values = h.detach().double().cpu().numpy()
        expected = {
            "mean": values.mean(),
            "std": values.std(ddof=1),
            "saturated": np.mean(np.abs(values) > 0.97),
            "zero": np.mean(values == 0),
        }
        for key, value in expected.items():
            assert actual[key].shape == (3,)
            assert actual[key].dtype == dtype and actual[key].device.type == device
            assert_close(actual[key][index // 2], torch.tensor(value, dtype=dtype, device=device))


def averages(
    activation: str, make: Callable[[], torch.Tensor], layers: int = 6
) -> dict[str, torch.Tensor]:
    """Collect layer statistics of several draws, each (DRAWS, L), for inputs N(0, 1)."""
    rows = []
    for _ in range(DRAWS):
        weights = [make() for _ in range(layers)]
        x = torch.randn(64, weights[0].shape[1], dtype=torch.float64)
        rows.append(layer_statistics(x, weights, activation))
    return {key: torch.stack([row[key] for row in rows]) for key in rows[0]}


def tanh_stds(weight_std: float, width: int, layers: int) -> list[float]:
    """Predict the std of every layer for infinite width, by Gauss-Hermite quadrature."""
    nodes, masses = np.polynomial.hermite_e.hermegauss(120)
    masses = masses / masses.sum()
    result, second = [], 1.0
    for _ in range(layers):
        second = float(masses @ np.tanh(weight_std * math.sqrt(width * second) * nodes) ** 2)
        result.append(math.sqrt(second))
    return result


WIDTH = 256


@pytest.mark.parametrize(("std_at_4096", "last"), [(0.01, 0.05), (0.05, 0.85)])
def test_small_weights_let_a_tanh_signal_die_and_large_ones_saturate_it(
    std_at_4096: float, last: float
) -> None:
    std = std_at_4096 * math.sqrt(4096 / WIDTH)  # the same std · √width in a smaller network
    found = averages("tanh", lambda: gaussian((WIDTH, WIDTH), std, dtype=torch.float64))
    predicted = tanh_stds(std, WIDTH, 6)
    assert predicted[-1] == pytest.approx(last, abs=0.005)
    torch.testing.assert_close(
        found["std"].mean(dim=0), torch.tensor(predicted, dtype=torch.float64), rtol=0.03, atol=0.0
    )
    saturated = float(found["saturated"].mean(dim=0)[-1])
    assert saturated == 0 if std_at_4096 == 0.01 else saturated > 0.3


def test_one_std_does_not_fit_every_width() -> None:
    narrow = averages("tanh", lambda: gaussian((100, 100), 0.01, dtype=torch.float64), layers=3)
    per_layer = (narrow["std"][:, 2] / narrow["std"][:, 1]).mean()
    wide = tanh_stds(0.01, 4096, 3)
    assert float(per_layer) == pytest.approx(0.1, rel=0.03)  # std · √width = 0.01 · 10
    assert wide[2] / wide[1] > 6 * float(per_layer)


def second_moment(found: dict[str, torch.Tensor]) -> torch.Tensor:
    """Recover E[h²] of every draw and layer; n − 1 instead of n does not matter here."""
    return found["std"] ** 2 + found["mean"] ** 2


def test_kaiming_keeps_the_signal_of_six_relu_layers() -> None:
    found = averages("relu", lambda: kaiming_normal((WIDTH, WIDTH), dtype=torch.float64))
    for layer in range(6):
        assert_mean(second_moment(found)[:, layer], 1.0)
        # E[h²] = 1 and E[h] = 1/√π leave the std √(1 − 1/π), at every layer.
        std = float(found["std"][:, layer].mean())
        assert std == pytest.approx(math.sqrt(1 - 1 / math.pi), rel=0.1)
        assert float(found["zero"][:, layer].mean()) == pytest.approx(0.5, abs=0.05)


def test_dividing_by_the_kaiming_std_blows_the_signal_up() -> None:
    def divided() -> torch.Tensor:
        weight = torch.randn(WIDTH, WIDTH, dtype=torch.float64)
        return weight / math.sqrt(2 / WIDTH)

    measured = second_moment(averages("relu", divided))
    for layer in range(6):
        factor = (WIDTH / 2) ** 2  # Var(w) = D/2, times D inputs, times one half
        assert_mean(measured[:, layer] / factor ** (layer + 1), 1.0)


def test_each_relu_layer_without_its_gain_halves_the_second_moment() -> None:
    measured = second_moment(
        averages("relu", lambda: lecun_normal((WIDTH, WIDTH), dtype=torch.float64))
    )
    for layer in range(6):
        assert_mean(measured[:, layer] * 2 ** (layer + 1), 1.0)


@pytest.mark.parametrize("shape", [(300, 75), (75, 300)])
def test_only_the_fan_in_decides_about_the_forward_variance(shape: tuple[int, int]) -> None:
    found = averages("relu", lambda: kaiming_normal(shape, dtype=torch.float64), layers=1)
    assert_mean(second_moment(found), 1.0)


@pytest.mark.parametrize("groups", [1, 4, 12])
def test_the_fan_in_of_a_convolution_keeps_the_variance_of_a_signal(groups: int) -> None:
    moments = []
    for _ in range(40):
        x = torch.randn(2, 12, 9, 7, dtype=torch.float64)
        weight = lecun_normal((24, 12 // groups, 3, 3), dtype=torch.float64)
        moments.append(F.conv2d(x, weight, groups=groups).square().mean())
    assert_mean(torch.stack(moments), 1.0)


def test_the_weight_gradients_are_those_of_autograd(device: str, dtype: torch.dtype) -> None:
    weights = chain(7, 13, 5, 9, dtype=dtype, device=device)
    x = torch.randn(11, 7, dtype=dtype, device=device)
    gradient = torch.randn(11, 9, dtype=dtype, device=device)
    model = network(weights, nn.Tanh)
    grads = torch.autograd.grad(model(x), list(model.parameters()), gradient)
    expected = torch.stack([grad.std() for grad in grads])
    actual = weight_gradient_stds(x, weights, gradient)
    assert actual.shape == (3,) and actual.dtype == dtype and actual.device.type == device
    assert_close(actual, expected)


def test_weight_gradients_are_equal_in_all_layers_while_the_activations_die() -> None:
    width, layers = 512, 8
    x = torch.randn(64, width)
    gradient = torch.randn(64, width) / 64
    found = {}
    for name in ("small", "xavier"):
        weights = [
            gaussian((width, width), 0.01) if name == "small" else xavier_normal((width, width))
            for _ in range(layers)
        ]
        found[name] = weight_gradient_stds(x, weights, gradient)
        if name == "small":
            stds = layer_statistics(x, weights, "tanh")["std"]
            assert float(stds[0] / stds[-1]) > 1e4
    assert float(found["small"].max() / found["small"].min()) < 1.5
    ratio = found["xavier"].mean() / found["small"].mean()
    assert 1e3 < float(ratio) < 1e6  # equal gradients are not yet useful gradients


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x, w, g: layer_statistics(x, w, "sigmoid"), "activation"),
        (lambda x, w, g: layer_statistics(x[:1], w, "tanh"), "x"),
        (lambda x, w, g: layer_statistics(x[0], w, "tanh"), "x"),
        (lambda x, w, g: layer_statistics(x, [], "tanh"), "weights"),
        (lambda x, w, g: layer_statistics(x, [w[0].T], "tanh"), r"weights\[0\]"),
        (lambda x, w, g: layer_statistics(x, [w[0], w[0]], "relu"), r"weights\[1\]"),
        (lambda x, w, g: weight_gradient_stds(x[0], w, g), "x"),
        (lambda x, w, g: weight_gradient_stds(x, [], g), "weights"),
        (lambda x, w, g: weight_gradient_stds(x, [w[0], w[0]], g), r"weights\[1\]"),
        (lambda x, w, g: weight_gradient_stds(x[:, :1], [w[0][:1, :1]], g), r"weights\[0\]"),
        (lambda x, w, g: weight_gradient_stds(x, w, g.T), "output_gradient"),
    ],
)
def test_depth_measurements_refuse_what_does_not_fit(
    call: Callable[..., object], name: str
) -> None:
    weights = chain(7, 13, 5, dtype=torch.float64, device="cpu")
    with pytest.raises(ValueError, match=f"^{name}: got"):
        call(torch.zeros(4, 7).double(), weights, torch.zeros(4, 5).double())


# --- symmetry


def test_the_last_bias_is_the_only_gradient_of_a_network_of_zeros(device: str) -> None:
    labels = torch.tensor([2, 0, 2, 2, 1, 2, 0], device=device)
    for activation in (nn.Tanh, nn.ReLU):
        model = nn.Sequential(nn.Linear(3, 6), activation(), nn.Linear(6, 4)).to(device)
        for parameter in model.parameters():
            nn.init.zeros_(parameter)
        loss = F.cross_entropy(model(torch.randn(7, 3, device=device)), labels)
        *others, last = torch.autograd.grad(loss, list(model.parameters()))
        assert not any(grad.any() for grad in others)
        assert last.any()
        assert_close(output_bias_gradient_at_zero(labels, 4), last)


def test_the_output_bias_gradient_sums_to_zero_and_vanishes_for_equal_classes() -> None:
    labels = torch.randint(5, (40,))
    assert float(output_bias_gradient_at_zero(labels, 7).sum()) == pytest.approx(0, abs=1e-6)
    balanced = output_bias_gradient_at_zero(torch.arange(4).repeat(3), 4)
    assert_close(balanced, torch.zeros(4))


@pytest.mark.parametrize(
    ("labels", "classes", "name"),
    [
        (torch.tensor([0, 1]), 0, "classes"),
        (torch.tensor([], dtype=torch.int64), 3, "labels"),
        (torch.zeros(2, 2, dtype=torch.int64), 3, "labels"),
        (torch.tensor([0.0, 1.0]), 3, "labels"),
        (torch.tensor([True, False]), 3, "labels"),
        (torch.tensor([0, 3]), 3, "labels"),
        (torch.tensor([-1, 2]), 3, "labels"),
    ],
)
def test_the_output_bias_gradient_refuses_wrong_labels(
    labels: torch.Tensor, classes: int, name: str
) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got"):
        output_bias_gradient_at_zero(labels, classes)


@pytest.mark.parametrize("constant", [True, False])
def test_constant_units_stay_equal_in_training_and_random_ones_differ(constant: bool) -> None:
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))
    first, last = model[0], model[2]
    assert isinstance(first, nn.Linear) and isinstance(last, nn.Linear)
    with torch.no_grad():
        for layer in (first, last):
            layer.bias.zero_()  # zero biases do not stop the training
            layer.weight.copy_(
                torch.full_like(layer.weight, 0.3)
                if constant
                else xavier_normal(layer.weight.shape)
            )
    x, labels = torch.randn(64, 5), torch.randint(3, (64,))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    losses, before = [], first.weight.detach().clone()
    for _ in range(10):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    assert float((first.weight.detach() - before).abs().max()) > 1e-3
    assert distinct_units(first.weight.detach()) == (1 if constant else 8)


def test_distinct_units_counts_rows_within_the_tolerance(device: str, dtype: torch.dtype) -> None:
    rows = [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [1.0, 2.01], [2.0, 1.0]]
    weight = torch.tensor(rows, dtype=dtype, device=device)
    assert distinct_units(weight) == 4
    assert distinct_units(weight, tolerance=0.1) == 3
    assert distinct_units(weight, tolerance=0.0) == 4
    assert distinct_units(weight.T) == 2
    assert distinct_units(torch.zeros(600, 3, dtype=dtype, device=device)) == 1
    assert distinct_units(torch.randn(600, 3, dtype=dtype, device=device)) == 600


def test_distinct_units_refuses_what_is_no_weight_matrix() -> None:
    for weight in (torch.zeros(3), torch.zeros(0, 3), torch.zeros(3, 0)):
        with pytest.raises(ValueError, match="^weight: got shape"):
            distinct_units(weight)
    with pytest.raises(ValueError, match="^tolerance: got -1"):
        distinct_units(torch.zeros(2, 2), -1.0)


# --- one rule for all


def test_every_function_says_where_it_comes_from_and_what_it_refuses() -> None:
    import course_lib.initialization as module

    public = [
        value
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
    ]
    assert len(public) == 17
    for value in public:
        text = inspect.getdoc(value) or ""
        order = [text.index(heading) for heading in ("Formula:", "Raises:", "Source:")]
        assert order == sorted(order), value.__name__

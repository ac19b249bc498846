"""Regularization against torch, scikit-learn, enumeration and closed forms."""

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from sklearn.linear_model import ElasticNet, Ridge
from torch import nn
from torch.nn import functional as F

from course_lib.regularization import (
    EarlyStopping,
    average_over_masks,
    channel_dropout,
    drop_connect,
    drop_connect_inference,
    dropout,
    dropout_backward,
    elastic_net,
    ensemble_averages,
    fractional_max_pool_2d,
    l2_step,
    original_dropout,
    pooling_boundaries,
    proximal_step,
    scatter_in_company,
    sklearn_settings,
    soft_threshold,
    stochastic_depth,
    survival_probabilities,
)
from tests.support.closeness import assert_close

P = 0.2  # never one half, where keeping and dropping look alike
DROPOUTS = (dropout, original_dropout, channel_dropout)


def far(share: float, wanted: float, count: int) -> float:
    """How many standard errors a share of so many coins is from what is wanted."""
    return abs(share - wanted) / math.sqrt(wanted * (1 - wanted) / count)


def test_an_l2_step_is_that_of_sgd_with_weight_decay(device: str, dtype: torch.dtype) -> None:
    weights = [
        torch.randn(3, 5, device=device, dtype=dtype),
        torch.randn(4, device=device).to(dtype),
    ]
    gradients = [torch.randn_like(w) for w in weights]
    parameters = [nn.Parameter(w.clone()) for w in weights]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    torch.optim.SGD(parameters, lr=0.3, weight_decay=0.7).step()
    penalty, stepped = l2_step(weights, gradients, lr=0.3, weight_decay=0.7)
    for ours, theirs in zip(stepped, parameters, strict=True):
        assert_close(ours, theirs.detach())
    assert_close(penalty, 0.35 * sum((w**2).sum() for w in weights))


def test_the_step_follows_the_gradient_of_the_penalty_that_is_returned() -> None:
    leaves = [torch.randn(3, 5, requires_grad=True), torch.randn(4, requires_grad=True)]
    zeros = [torch.zeros_like(leaf) for leaf in leaves]
    penalty, stepped = l2_step(leaves, zeros, lr=0.3, weight_decay=0.7)
    for leaf, after, g in zip(leaves, stepped, torch.autograd.grad(penalty, leaves), strict=True):
        assert_close(after, leaf - 0.3 * g)


def test_a_penalty_and_decay_part_ways_under_adam() -> None:
    """The entries with large gradients decay less under a penalty, and all alike under AdamW."""
    start = torch.tensor([2.0, 2.0])
    ends = {}
    for decoupled in (False, True):
        w = nn.Parameter(start.clone())
        adam = torch.optim.AdamW if decoupled else torch.optim.Adam
        optimizer = adam([w], lr=0.01, weight_decay=0.1)
        torch.manual_seed(0)
        for _ in range(300):
            w.grad = torch.tensor([10.0, 0.1]) * torch.randn(1)
            optimizer.step()
        ends[decoupled] = w.detach()
    assert ends[True][0] - ends[True][1] == pytest.approx(0, abs=0.02)
    assert ends[False][0] - ends[False][1] > 0.5


@pytest.mark.parametrize("p", [0.1, 0.7])
def test_dropout_drops_with_p_and_enlarges_the_rest(
    p: float, device: str, dtype: torch.dtype
) -> None:
    x = torch.randn(300, 70, device=device, dtype=dtype) + 3
    y = dropout(x, p)
    dropped = y == 0
    assert y.dtype == dtype and y.device == x.device
    assert far(dropped.double().mean().item(), p, x.numel()) < 5
    assert_close(y[~dropped], x[~dropped] / (1 - p))


def test_dropout_keeps_the_mean_and_has_the_variance_it_says() -> None:
    x = torch.tensor([1.5, -0.5], dtype=torch.float64).expand(200_000, 2)
    y = dropout(x, P)
    torch.testing.assert_close(y.mean(0), x[0], rtol=0.02, atol=0)
    torch.testing.assert_close(y.var(0), x[0] ** 2 * P / (1 - P), rtol=0.02, atol=0)


def test_original_dropout_scales_when_it_is_over() -> None:
    x = torch.randn(300, 70) + 3
    y = original_dropout(x, P)
    assert far((y == 0).double().mean().item(), P, x.numel()) < 5
    assert torch.equal(y[y != 0], x[y != 0])
    assert_close(original_dropout(x, P, training=False), 0.8 * x)


def test_channel_dropout_drops_whole_maps_each_by_itself() -> None:
    x = torch.rand(90, 40, 3, 5) + 1
    y = channel_dropout(x, P)
    dropped = (y == 0).all(dim=(2, 3))
    assert torch.equal(dropped, (y == 0).any(dim=(2, 3)))
    assert far(dropped.double().mean().item(), P, dropped.numel()) < 5
    assert len({tuple(row) for row in dropped.tolist()}) == 90
    assert_close(y[~dropped], x[~dropped] / 0.8)


@pytest.mark.parametrize("drop", DROPOUTS, ids=lambda f: f.__name__)
def test_dropping_has_nothing_to_do_where_p_is_0_and_leaves_x_alone(
    drop: Callable[..., torch.Tensor],
) -> None:
    x = torch.randn(6, 5, 4)
    kept = x.clone()
    assert torch.equal(drop(x, 0.0), x)
    drop(x, 0.7)
    assert torch.equal(x, kept)
    assert drop(torch.zeros(0, 3, 2), P).shape == (0, 3, 2)


@pytest.mark.parametrize("drop", DROPOUTS, ids=lambda f: f.__name__)
def test_two_calls_drop_other_units_and_half_precision_drops_as_often(
    drop: Callable[..., torch.Tensor],
) -> None:
    x = torch.ones(400, 500, dtype=torch.bfloat16)
    one, other = drop(x, 0.002) == 0, drop(x, 0.002) == 0
    assert not torch.equal(one, other)
    assert far(one.double().mean().item(), 0.002, x.numel()) < 5


def test_dropouts_backward_is_autograds_for_the_mask_that_was_drawn(dtype: torch.dtype) -> None:
    x = (torch.rand(6, 7, dtype=dtype) + 1).requires_grad_()
    y = dropout(x, P)
    grad_output = torch.randn(6, 7, dtype=dtype)
    (wanted,) = torch.autograd.grad(y, x, grad_output)
    assert_close(dropout_backward(grad_output, y != 0, P), wanted)


def relu_net(x: torch.Tensor) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    first = torch.randn(4, 5, generator=generator, dtype=torch.float64)
    second = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    return second @ torch.relu(first @ x - 0.5)


def test_the_exact_average_is_what_many_draws_come_to() -> None:
    x = torch.randn(5, dtype=torch.float64)
    exact = average_over_masks(relu_net, x, P)
    drawn = torch.stack([relu_net(dropout(x, P)) for _ in range(20_000)])
    error = drawn.std(0) / math.sqrt(len(drawn))
    assert ((drawn.mean(0) - exact).abs() < 5 * error).all()


def test_the_scaled_pass_is_exact_for_a_linear_function_and_for_no_relu_net() -> None:
    x = torch.randn(6, dtype=torch.float64)
    weight = torch.randn(3, 6, dtype=torch.float64)
    assert_close(average_over_masks(lambda z: weight @ z + 2, x, P), weight @ x + 2)
    assert (average_over_masks(relu_net, x[:5], P) - relu_net(x[:5])).abs().max() > 0.01


def test_four_units_have_sixteen_masks_and_the_probabilities_sum_to_one() -> None:
    seen = []

    def note(z: torch.Tensor) -> torch.Tensor:
        seen.append(tuple((z != 0).tolist()))
        return torch.ones(2)

    assert_close(average_over_masks(note, torch.randn(4), P), torch.ones(2))
    assert len(seen) == len(set(seen)) == 16


def test_geometric_averages_of_softmax_regression_are_the_scaled_pass() -> None:
    x, weight = torch.randn(5, dtype=torch.float64), torch.randn(3, 5, dtype=torch.float64)
    masks = torch.tensor(list(itertools.product((0, 1), repeat=5)), dtype=torch.float64)
    kept = masks.sum(1)
    probabilities = (1 - P) ** kept * P ** (5 - kept)
    arithmetic, geometric = ensemble_averages(masks * x / (1 - P) @ weight.T, probabilities)
    assert_close(geometric, torch.softmax(weight @ x, 0))
    assert_close(arithmetic, average_over_masks(lambda z: torch.softmax(weight @ z, 0), x, P))
    assert (arithmetic - geometric).abs().max() > 1e-3


def test_a_layer_whose_weights_drop_out_has_the_moments_that_inference_takes() -> None:
    x, weight, bias = torch.randn(1, 9), torch.randn(4, 9), torch.randn(4)
    u = drop_connect(x.expand(100_000, 9), weight, bias, P)
    mean = (1 - P) * x[0] @ weight.T + bias
    std = torch.sqrt(P * (1 - P) * weight**2 @ x[0] ** 2)
    assert ((u.mean(0) - mean).abs() < 5 * std / math.sqrt(len(u))).all()
    torch.testing.assert_close(u.std(0), std, rtol=0.03, atol=0)
    assert len(u[:20, 0].unique()) > 15  # equal examples have masks of their own


def test_drop_connects_inference_is_the_mean_of_relu_under_a_normal_law(dtype: torch.dtype) -> None:
    x, weight, bias = torch.randn(3, 9), torch.randn(4, 9), torch.randn(4)
    found = drop_connect_inference(x.to(dtype), weight.to(dtype), bias.to(dtype), P)
    mean = (1 - P) * x @ weight.T + bias
    std = torch.sqrt(P * (1 - P) * x**2 @ weight.T**2)
    drawn = torch.relu(mean + std * torch.randn(100_000, 3, 4))
    assert ((drawn.mean(0) - found).abs() < 5 * drawn.std(0) / math.sqrt(len(drawn)) + 1e-6).all()


@pytest.mark.parametrize(("x", "p"), [(torch.zeros(2, 9), P), (torch.ones(2, 9), 0.0)])
def test_without_variance_the_mean_of_relu_is_relu_of_the_mean(x: torch.Tensor, p: float) -> None:
    weight, bias = torch.randn(4, 9), torch.tensor([1.0, -1.0, 0.0, 2.0])
    assert_close(drop_connect_inference(x, weight, bias, p), torch.relu(x @ weight.T + bias))


def test_stochastic_depth_keeps_or_drops_whole_branches_of_single_examples(
    device: str, dtype: torch.dtype
) -> None:
    x = torch.randn(4000, 3, 2, device=device, dtype=dtype)
    branch = torch.randn_like(x)
    y = stochastic_depth(x, branch, 0.8)
    kept = ((y - x).abs() > 1e-9).any(dim=(1, 2))
    assert far(kept.double().mean().item(), 0.8, len(kept)) < 5
    assert torch.equal(y[~kept], x[~kept])
    assert_close(y[kept], (x + branch)[kept])
    assert_close(stochastic_depth(x, branch, 0.8, training=False), x + 0.8 * branch)


def test_survival_falls_from_nearly_one_to_the_last_blocks() -> None:
    found = survival_probabilities(54, 0.5)
    assert found[-1] == 0.5 and found == sorted(found, reverse=True)
    assert sum(found) == pytest.approx(40.25)  # the paper's ResNet of 110 layers: about 40 of 54
    assert survival_probabilities(3, 1.0) == [1, 1, 1]


def test_an_elastic_net_has_the_gradient_of_its_penalty_and_zero_at_zero() -> None:
    leaves = [torch.randn(3, 5, requires_grad=True), torch.zeros(2, requires_grad=True)]
    penalty, gradients = elastic_net(leaves, l1=0.3, l2=0.7)
    for ours, theirs in zip(gradients, torch.autograd.grad(penalty, leaves), strict=True):
        assert_close(ours, theirs)
    assert not gradients[1].any()


def test_a_soft_threshold_solves_its_little_problem(dtype: torch.dtype) -> None:
    w = torch.tensor([-2.0, -0.3, 0.0, 0.3, 0.30001, 1.0], dtype=dtype)
    found = soft_threshold(w, 0.3)
    assert_close(found, F.softshrink(w, 0.3))
    grid = torch.linspace(-3, 3, 60_001, dtype=dtype)[:, None]
    best = ((grid - w) ** 2 / 2 + 0.3 * grid.abs()).argmin(dim=0)
    torch.testing.assert_close(found, grid[best, 0], rtol=0, atol=2e-4)


@pytest.mark.parametrize(("l1", "l2"), [(0.1, 0.0), (0.05, 0.4), (0.0, 0.3)])
def test_proximal_steps_find_scikit_learns_minimum(l1: float, l2: float) -> None:
    x = torch.randn(40, 6, dtype=torch.float64)
    true = torch.tensor([2, -1, 0.5, 0, 0, 0], dtype=torch.float64)
    y = x @ true + 0.1 * torch.randn(40, dtype=torch.float64)
    w = torch.zeros(6, dtype=torch.float64)
    for _ in range(3000):
        w = proximal_step(w, x.T @ (x @ w - y) / len(x), lr=0.2, l1=l1, l2=l2)
    if l1:
        alpha, ratio = sklearn_settings(l1, l2)
        theirs = ElasticNet(alpha=alpha, l1_ratio=ratio, fit_intercept=False, tol=1e-12)
    else:
        theirs = Ridge(alpha=l2 * len(x), fit_intercept=False)
    wanted = torch.from_numpy(theirs.fit(x.numpy(), y.numpy()).coef_)
    torch.testing.assert_close(w, wanted, rtol=0, atol=1e-6)
    assert torch.equal(w == 0, wanted == 0)


@pytest.mark.parametrize("size", [7, 20, 25, 36])
@pytest.mark.parametrize("reduction", [1.2, math.sqrt(2), 1.6])
def test_pooling_regions_hold_one_or_two_pixels_and_all_of_them(
    size: int, reduction: float
) -> None:
    for offset in torch.rand(50).clamp(1e-6, 1 - 1e-6).tolist():
        found = pooling_boundaries(size, reduction, offset)
        steps = {after - before for before, after in itertools.pairwise(found)}
        assert (found[0], found[-1], len(found)) == (0, size, int(size / reduction) + 1)
        assert steps <= {1, 2}


def test_twenty_pixels_become_fourteen() -> None:
    assert len(pooling_boundaries(20, 20 / 14, 0.3)) == 15


@pytest.mark.parametrize("overlapping", [False, True])
def test_fractional_pooling_takes_the_largest_of_every_region(overlapping: bool) -> None:
    x = torch.randn(2, 3, 7, 9)
    rows, columns = pooling_boundaries(7, 1.4, 0.4), pooling_boundaries(9, 1.6, 0.7)
    y = fractional_max_pool_2d(x, rows, columns, overlapping)
    assert y.shape == (2, 3, 5, 5)
    for i, j in itertools.product(range(5), range(5)):
        more = int(overlapping)
        region = x[:, :, rows[i] : rows[i + 1] + more, columns[j] : columns[j + 1] + more]
        assert torch.equal(y[:, :, i, j], region.flatten(2).max(dim=2).values)


def test_regions_of_two_are_ordinary_pooling() -> None:
    x = torch.randn(2, 3, 6, 8)
    assert torch.equal(fractional_max_pool_2d(x, (0, 2, 4, 6), (0, 2, 4, 6, 8)), F.max_pool2d(x, 2))


@pytest.mark.parametrize("size", [4, 9])
def test_an_example_scatters_as_in_torchs_batch_normalization(
    size: int, dtype: torch.dtype
) -> None:
    example, companies = torch.randn(5, dtype=dtype), torch.randn(30, size - 1, 5, dtype=dtype)
    layer = nn.BatchNorm1d(5, eps=0.1, affine=False).to(dtype)
    outputs = [layer(torch.cat([example[None], company]))[0] for company in companies]
    wanted = torch.stack(outputs).std(dim=0, correction=0)
    assert_close(scatter_in_company(example, companies, eps=0.1), wanted)
    with torch.no_grad():
        layer.eval()
        alone = [layer(torch.cat([example[None], company]))[0] for company in companies]
    assert torch.equal(alone[0], alone[-1])  # in evaluation nobody's company counts


def test_the_scatter_falls_with_the_root_of_the_batch() -> None:
    example = torch.randn(50)
    small, large = (scatter_in_company(example, torch.randn(400, b - 1, 50)) for b in (16, 256))
    assert (small / large).mean().item() == pytest.approx(4, rel=0.1)


def fill(model: nn.Module, value: float) -> None:
    for tensor in model.state_dict().values():
        tensor.fill_(value)


@pytest.mark.parametrize(
    ("losses", "patience", "min_delta", "stops", "best"),
    [
        ([3, 2, 1, 2, 3, 0], 2, 0.0, 4, 2),
        ([3, 2, 2, 2, 1], 2, 0.0, 3, 1),  # as good is not better
        ([3, 2, 1.9, 1.8, 1.4, 1.4, 1.4, 1.4], 3, 0.5, 7, 4),  # creeping adds up
        ([3, 4, 2, 4, 1, 4, 4], 2, 0.0, 6, 4),  # in a row
        ([math.nan, 2, math.nan, 3], 2, 0.0, 3, 1),
        ([3, 2, 1], 1, 0.0, None, 2),
    ],
)
def test_training_stops_in_time_and_goes_back_to_its_best(
    losses: list[float], patience: int, min_delta: float, stops: int | None, best: int
) -> None:
    model = nn.BatchNorm1d(3)
    stopper = EarlyStopping(patience, min_delta)
    stopped = None
    for evaluation, loss in enumerate(losses):
        fill(model, evaluation)
        if stopper.step(loss, model):
            stopped = evaluation
            break
    assert stopped == stops
    fill(model, -1)
    stopper.restore(model)
    assert all((tensor == best).all() for tensor in model.state_dict().values())
    fill(model, -2)  # what was restored is no part of what is kept
    stopper.restore(model)
    assert all((tensor == best).all() for tensor in model.state_dict().values())


def test_nothing_can_be_restored_before_an_evaluation() -> None:
    with pytest.raises(RuntimeError, match="nothing was evaluated"):
        EarlyStopping(1).restore(nn.Linear(2, 2))


ROW, TABLE, IMAGE = torch.ones(3), torch.ones(4, 3), torch.ones(1, 1, 4, 4)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: l2_step([], [], lr=0.1, weight_decay=0.1), "weights and gradients"),
        (lambda: l2_step([ROW], [TABLE], lr=0.1, weight_decay=0.1), "weights and gradients"),
        (lambda: l2_step([ROW], [ROW], lr=-0.1, weight_decay=0.1), "lr"),
        (lambda: l2_step([ROW], [ROW], lr=0.1, weight_decay=-1), "weight_decay"),
        *[(lambda f=f, p=p: f(TABLE, p), "p") for f in DROPOUTS for p in (-0.1, 1.0, math.nan)],
        (lambda: channel_dropout(ROW, P), "x"),
        (lambda: dropout_backward(ROW, ROW > 0, 1.0), "p"),
        (lambda: dropout_backward(ROW, ROW, P), "kept"),
        (lambda: dropout_backward(TABLE, ROW > 0, P), "kept"),
        (lambda: average_over_masks(torch.sum, torch.ones(17), P), "x"),
        (lambda: average_over_masks(torch.sum, TABLE, P), "x"),
        (lambda: average_over_masks(torch.sum, ROW, 1), "p"),
        (lambda: stochastic_depth(TABLE, TABLE, 0), "survival"),
        (lambda: stochastic_depth(TABLE, ROW, 0.5), "x and branch"),
        (lambda: EarlyStopping(0), "patience"),
        (lambda: EarlyStopping(1, -0.1), "min_delta"),
        (lambda: elastic_net([], l1=1, l2=1), "weights"),
        (lambda: elastic_net([ROW], l1=-1, l2=1), "l1"),
        (lambda: soft_threshold(ROW, -1), "threshold"),
        (lambda: proximal_step(ROW, TABLE, lr=1, l1=1, l2=1), "w and gradient"),
        (lambda: proximal_step(ROW, ROW, lr=1, l1=1, l2=-1), "l2"),
        (lambda: sklearn_settings(0, 0), "l1 and l2"),
        (lambda: ensemble_averages(TABLE, ROW), "logits and probabilities"),
        (lambda: drop_connect(TABLE, TABLE, ROW, P), "x, weight and bias"),
        (lambda: drop_connect(TABLE, TABLE, torch.ones(4), 1), "p"),
        (lambda: drop_connect_inference(TABLE, TABLE, ROW, P), "x, weight and bias"),
        (lambda: drop_connect_inference(TABLE, TABLE, torch.ones(4), 1), "p"),
        (lambda: survival_probabilities(0, 0.5), "blocks"),
        (lambda: survival_probabilities(3, 0), "last"),
        (lambda: pooling_boundaries(20, 2, 0.5), "reduction"),
        (lambda: pooling_boundaries(20, 1.4, 0), "offset"),
        (lambda: pooling_boundaries(3, 1.9, 0.5), "size"),
        (lambda: scatter_in_company(ROW, TABLE), "example and companies"),
        (lambda: fractional_max_pool_2d(TABLE, (0, 2), (0, 2)), "x"),
        (lambda: fractional_max_pool_2d(IMAGE, (0, 2, 3), (0, 2, 4)), "rows"),
        (lambda: fractional_max_pool_2d(IMAGE, (0, 2, 4), (0, 3, 4)), "columns"),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(call: Callable[[], object], argument: str) -> None:
    with pytest.raises(ValueError, match=rf"^{argument}: got .*, allowed (is|are) "):
        call()

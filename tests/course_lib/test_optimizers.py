"""The optimizers against torch's own, and the functions against numpy, scipy and closed forms."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import optimize
from torch import nn

from course_lib.optimizers import (
    AdaGrad,
    Adam,
    AdamW,
    GradientDescent,
    Momentum,
    Nesterov,
    RMSProp,
    accumulated_gradient,
    classify_critical_points,
    clip_by_global_norm,
    condition_number,
    critical_learning_rates,
    decay_groups,
    efficient_form,
    heavy_ball_settings,
    hessian_vector_product,
    minibatch_variance,
    newton_path,
    newton_step,
    sharpness,
)
from tests.support.closeness import assert_close

STEPS = 40
Make = Callable[..., Any]


def draw(
    *shape: int, seed: int = 0, device: str = "cpu", dtype: torch.dtype = torch.float64
) -> torch.Tensor:
    """Draw normal numbers that are equal on every device."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(device, dtype)


def symmetric(*eigenvalues: float, seed: int = 0) -> torch.Tensor:
    """Make a matrix with these eigenvalues along oblique axes."""
    size = len(eigenvalues)
    axes = torch.linalg.qr(draw(size, size, seed=seed)).Q
    return axes @ torch.diag(torch.tensor(eigenvalues, dtype=torch.float64)) @ axes.T


# ---------------------------------------------------------------- update rules

RULES = {
    "gradient descent": (GradientDescent, torch.optim.SGD, {"lr": 0.1}),
    "momentum": (Momentum, torch.optim.SGD, {"lr": 0.1, "momentum": 0.8}),
    "Nesterov": (
        Nesterov,
        lambda p, **kw: torch.optim.SGD(p, nesterov=True, **kw),
        {"lr": 0.1, "momentum": 0.8},
    ),
    "AdaGrad": (AdaGrad, torch.optim.Adagrad, {"lr": 0.1, "eps": 0.01}),
    "RMSProp": (RMSProp, torch.optim.RMSprop, {"lr": 0.1, "alpha": 0.8, "eps": 0.01}),
    "Adam": (Adam, torch.optim.Adam, {"lr": 0.1, "betas": (0.8, 0.95), "eps": 0.01}),
    "AdamW": (
        AdamW,
        torch.optim.AdamW,
        {"lr": 0.1, "betas": (0.8, 0.95), "eps": 0.01, "weight_decay": 0.5},
    ),
}


def follow(make: Make, device: str, dtype: torch.dtype, **settings: Any) -> list[torch.Tensor]:
    """Lead an optimizer through forty steps with tiny, large and missing gradients."""
    shapes = [(3, 4), (5,), ()]
    parameters = [
        draw(*shape, seed=n, device=device, dtype=dtype).requires_grad_()
        for n, shape in enumerate(shapes)
    ]
    optimizer, seen = make(parameters, **settings), []
    for step in range(STEPS):
        rate = settings.get("lr", 1e-3) * (0.3 if step >= 13 else 1) * (2 if step >= 27 else 1)
        if step in (13, 27):
            for group in getattr(optimizer, "param_groups", []):
                group["lr"] = rate
            optimizer.lr = rate
        for n, (p, size) in enumerate(zip(parameters, (1.0, 0.01, 0.3), strict=True)):
            g = draw(*p.shape, seed=100 + 7 * step + n, device=device, dtype=dtype)
            p.grad = size * math.exp(math.sin(step)) * (g + 0.5)
        if step in (0, 5, 6):
            parameters[step % 3].grad = None
        optimizer.step()
        seen += [p.detach().clone() for p in parameters]
    return seen


@pytest.mark.parametrize("rule", RULES)
def test_an_optimizer_follows_torchs_over_forty_steps_and_changing_rates(
    rule: str, device: str, dtype: torch.dtype
) -> None:
    ours, theirs, settings = RULES[rule]
    pairs = zip(
        follow(ours, device, dtype, **settings),
        follow(theirs, device, dtype, **settings),
        strict=True,
    )
    for own, expected in pairs:
        assert_close(own, expected)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in ("momentum", "Nesterov")])
def test_the_defaults_are_torchs(rule: str) -> None:
    ours, theirs, _ = RULES[rule]
    pairs = zip(
        follow(ours, "cpu", torch.float64), follow(theirs, "cpu", torch.float64), strict=True
    )
    for own, expected in pairs:
        assert_close(own, expected)


@pytest.mark.parametrize("rule", ["momentum", "Nesterov"])
def test_the_default_momentum_is_nine_tenths(rule: str) -> None:
    ours, theirs, _ = RULES[rule]
    own = follow(ours, "cpu", torch.float64)
    for one, other in zip(own, follow(theirs, "cpu", torch.float64, momentum=0.9), strict=True):
        assert_close(one, other)


@pytest.mark.parametrize("rule", RULES)
def test_a_parameter_stays_the_same_leaf_and_its_gradient_what_it_was(rule: str) -> None:
    ours, _, settings = RULES[rule]
    parameter = draw(3).requires_grad_()
    gradient = draw(3, seed=1)
    optimizer, given = ours([parameter], **settings), gradient.clone()
    for _ in range(3):
        parameter.grad = gradient
        optimizer.step()
    assert parameter.is_leaf and parameter.requires_grad and parameter.grad_fn is None
    assert optimizer.parameters[0] is parameter
    assert torch.equal(gradient, given)


@pytest.mark.parametrize("rule", RULES)
def test_what_is_remembered_is_no_alias_of_the_gradient(rule: str) -> None:
    ours, theirs, settings = RULES[rule]
    paths = []
    for make in (ours, theirs):
        parameter = draw(3).requires_grad_()
        optimizer, parameter.grad = make([parameter], **settings), torch.empty_like(parameter)
        for step in range(4):
            parameter.grad.copy_(draw(3, seed=step))
            optimizer.step()
        paths.append(parameter.detach())
    assert_close(*paths)


def test_gradients_do_not_accumulate_over_zero_grad() -> None:
    weight, slope = torch.zeros(3, requires_grad=True), torch.tensor([1.0, -2.0, 3.0])
    optimizer = GradientDescent([weight], lr=0.5)
    for step in range(1, 4):
        optimizer.zero_grad()
        (slope @ weight).backward()
        optimizer.step()
        torch.testing.assert_close(weight.detach(), -0.5 * step * slope)


@pytest.mark.parametrize("rule", RULES)
def test_every_optimizer_trains_a_network(rule: str) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    x = torch.randn(64, 4)
    y = x[:, :1] * x[:, 1:2]
    ours, _, settings = RULES[rule]
    optimizer = ours(model.parameters(), **{**settings, "lr": 0.02})
    losses = []
    for _ in range(200):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.95 * losses[0]


def test_the_speed_under_a_constant_gradient_is_that_without_dampening() -> None:
    w = torch.zeros(1, dtype=torch.float64)
    optimizer = Momentum([w], lr=0.1, momentum=0.9)
    for _ in range(300):
        before = w.clone()
        w.grad = torch.ones_like(w)
        optimizer.step()
    assert float(before - w) == pytest.approx(0.1 / (1 - 0.9))


def test_a_momentum_of_one_conserves_the_swing() -> None:
    w = torch.ones(1, dtype=torch.float64)
    optimizer, path = Momentum([w], lr=0.01, momentum=1.0), []
    for _ in range(2000):
        w.grad = w.clone()
        optimizer.step()
        path.append(float(w))
    assert max(path[-100:]) == pytest.approx(max(path[:100]), rel=0.01)


def test_adagrads_steps_shrink_with_the_root_of_their_number() -> None:
    w = torch.zeros(1, dtype=torch.float64)
    optimizer = AdaGrad([w], lr=0.1)
    for step in range(1, 10):
        before = w.clone()
        w.grad = torch.full_like(w, 7.0)
        optimizer.step()
        assert float(before - w) == pytest.approx(0.1 / math.sqrt(step))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_adams_first_step_has_the_size_of_the_rate_whatever_the_gradient(scale: float) -> None:
    w = torch.zeros(4, dtype=torch.float64)
    w.grad = scale * draw(4)
    Adam([w], lr=0.1).step()
    torch.testing.assert_close(w, -0.1 * w.grad.sign(), rtol=1e-4, atol=0)


def test_rmsprops_first_step_is_not_corrected() -> None:
    w = torch.zeros(1, dtype=torch.float64)
    w.grad = torch.ones_like(w)
    RMSProp([w], lr=0.1, alpha=0.9).step()
    assert float(-w) == pytest.approx(0.1 / math.sqrt(1 - 0.9))


def test_adamw_without_a_gradient_of_the_loss_only_shrinks() -> None:
    w, start = draw(5), draw(5)
    optimizer = AdamW([w], lr=0.1, weight_decay=0.5)
    for step in range(1, 4):
        w.grad = torch.zeros_like(w)
        optimizer.step()
        assert_close(w, start * (1 - 0.1 * 0.5) ** step)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: GradientDescent([]), "parameters: got none"),
        (lambda p: GradientDescent(p, lr=-1), "lr: got -1"),
        (lambda p: GradientDescent(p, lr=math.nan), "lr: got nan"),
        (lambda p: Momentum(p, momentum=-0.1), "momentum: got -0.1"),
        (lambda p: Nesterov(p, momentum=-0.1), "momentum: got -0.1"),
        (lambda p: AdaGrad(p, eps=-1), "eps: got -1"),
        (lambda p: RMSProp(p, alpha=1.5), "alpha: got 1.5"),
        (lambda p: RMSProp(p, eps=-1), "eps: got -1"),
        (lambda p: Adam(p, betas=(0.9, 1.0)), "betas: got"),
        (lambda p: Adam(p, eps=-1), "eps: got -1"),
        (lambda p: AdamW(p, betas=(1.0, 0.9)), "betas: got"),
        (lambda p: AdamW(p, eps=-1), "eps: got -1"),
        (lambda p: AdamW(p, weight_decay=-1), "weight_decay: got -1"),
    ],
)
def test_an_optimizer_refuses_settings_that_make_no_sense(make: Make, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        make([torch.ones(2)])


# ---------------------------------------------------------------- efficient_form and decay_groups


@pytest.mark.parametrize("step", [1, 3, 50])
def test_the_efficient_form_makes_the_same_step(step: int) -> None:
    m, v = draw(6), draw(6, seed=1) ** 2
    lr, (beta1, beta2), eps = 0.3, (0.8, 0.95), 0.1
    corrected = lr * (m / (1 - beta1**step)) / (torch.sqrt(v / (1 - beta2**step)) + eps)
    rate, eps_hat = efficient_form(step, lr, (beta1, beta2), eps)
    assert_close(rate * m / (torch.sqrt(v) + eps_hat), corrected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0.1, (0.9, 0.99), 0.1), "step: got 0"),
        ((1, 0.1, (0.9, 1.0), 0.1), "betas: got"),
        ((1, -0.1, (0.9, 0.99), 0.1), "lr: got -0.1"),
        ((1, 0.1, (0.9, 0.99), -0.1), "eps: got -0.1"),
    ],
)
def test_the_efficient_form_refuses_what_makes_no_sense(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        efficient_form(*arguments)


def test_decay_groups_are_what_torchs_optimizer_takes() -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 5))
    groups = decay_groups(dict(model.named_parameters()), 0.3)
    assert [g["weight_decay"] for g in groups] == [0.3, 0.0]
    assert [tuple(p.shape) for p in groups[0]["params"]] == [(3, 2, 3, 3), (5, 3)]
    torch.optim.AdamW(groups)
    assert sum(len(g["params"]) for g in groups) == len(list(model.parameters()))


def test_decay_groups_refuse_a_negative_decay() -> None:
    with pytest.raises(ValueError, match="^weight_decay: got -1"):
        decay_groups({}, -1)


# ---------------------------------------------------------------- rates, noise, curvature


def test_below_the_stability_limit_gradient_descent_converges_and_above_it_does_not() -> None:
    hessian = symmetric(0.5, 2.0, 7.0)
    limit, _ = critical_learning_rates(torch.linalg.eigvalsh(hessian))
    for share, converges in ((0.95, True), (1.05, False)):
        w = torch.ones(3, dtype=torch.float64)
        optimizer = GradientDescent([w], lr=share * float(limit))
        for _ in range(400):
            w.grad = hessian @ w
            optimizer.step()
        assert (float(w.norm()) < 1e-3) is converges


def test_the_best_rate_shrinks_the_error_fastest() -> None:
    spectrum = torch.tensor([3.0, 0.5, 7.0])
    _, best = critical_learning_rates(spectrum)
    found = optimize.minimize_scalar(
        lambda rate: float((1 - rate * spectrum).abs().max()), bounds=(0, 1), method="bounded"
    )
    assert float(best) == pytest.approx(found.x, abs=1e-5)


@pytest.mark.parametrize(
    ("eigenvalues", "message"),
    [
        (torch.ones(2, 2), "eigenvalues: got shape"),
        (torch.tensor([1.0, 0.0]), "eigenvalues: got one"),
    ],
)
def test_critical_rates_need_positive_eigenvalues(eigenvalues: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        critical_learning_rates(eigenvalues)


@pytest.mark.parametrize("batch_size", [1, 2, 4, 5])
def test_the_noise_of_a_batch_is_that_of_all_possible_batches(batch_size: int) -> None:
    gradients = draw(5)
    batches = [b.mean() for b in map(torch.stack, itertools.combinations(gradients, batch_size))]
    exact = torch.stack(batches).var(correction=0)
    assert_close(torch.as_tensor(minibatch_variance(gradients.var(), batch_size, 5)), exact)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((-1.0, 2, 5), "variance: got"), ((1.0, 0, 5), "batch_size: got 0"),
     ((1.0, 6, 5), "batch_size: got 6")],
)  # fmt: skip
def test_the_noise_of_a_batch_refuses_impossible_ones(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        minibatch_variance(*arguments)


def test_the_condition_number_is_numpys(device: str, dtype: torch.dtype) -> None:
    for seed in range(5):
        matrix = draw(4, 4, seed=seed, device=device, dtype=dtype)
        expected = np.linalg.cond(matrix.double().numpy(force=True))
        assert float(condition_number(matrix)) == pytest.approx(expected, rel=1e-3)
    assert float(condition_number(torch.diag(torch.tensor([1.0, -2.0])))) == pytest.approx(2)


def test_the_condition_number_of_least_squares_is_that_of_the_data_squared() -> None:
    x = draw(4, 4)
    assert_close(condition_number(x.T @ x), condition_number(x) ** 2)


@pytest.mark.parametrize("matrix", [torch.ones(2, 3), torch.ones(2), torch.ones(0, 0)])
def test_the_condition_number_refuses_what_is_not_square(matrix: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="^matrix: got shape"):
        condition_number(matrix)


@pytest.mark.parametrize("condition", [3.0, 30.0, 300.0])
def test_the_heavy_ball_with_its_best_settings_shrinks_every_error_like_the_root_of_mu(
    condition: float,
) -> None:
    rate, mu = heavy_ball_settings(0.5, 0.5 * condition)
    for curvature in np.linspace(0.5, 0.5 * condition, 9):
        step = np.array([[1 + mu - rate * curvature, -mu], [1, 0]])
        assert abs(np.linalg.eigvals(step)).max() == pytest.approx(math.sqrt(mu), rel=1e-4)


def test_no_other_settings_of_the_heavy_ball_are_better() -> None:
    def worst(settings: Any) -> float:
        rate, mu = settings
        matrices = [np.array([[1 + mu - rate * h, -mu], [1, 0]]) for h in (1.0, 20.0)]
        return max(float(abs(np.linalg.eigvals(m)).max()) for m in matrices)

    best = heavy_ball_settings(1.0, 20.0)
    found = optimize.minimize(worst, [0.1, 0.5], method="Nelder-Mead", options={"xatol": 1e-9})
    assert worst(best) <= found.fun + 1e-6


@pytest.mark.parametrize(("smallest", "largest"), [(0.0, 1.0), (2.0, 1.0), (-1.0, 1.0)])
def test_the_heavy_ball_needs_positive_curvatures_in_order(smallest: float, largest: float) -> None:
    with pytest.raises(ValueError, match="^smallest: got"):
        heavy_ball_settings(smallest, largest)


@pytest.mark.parametrize(
    ("eigenvalues", "kind"),
    [
        ((1, 2, 3), "minimum"),
        ((-1, -2), "maximum"),
        ((1, -2), "saddle"),
        ((1, -2, 0), "saddle"),
        ((-1, -1, 1, 1), "saddle"),
        ((1, 0), "degenerate"),
        ((-1, 0), "degenerate"),
        ((0, 0), "degenerate"),
    ],
)
def test_the_signs_of_the_eigenvalues_say_what_a_critical_point_is(
    eigenvalues: tuple[float, ...], kind: str, device: str, dtype: torch.dtype
) -> None:
    hessian = symmetric(*eigenvalues).to(device, dtype)
    assert classify_critical_points([hessian, -hessian, hessian], tolerance=1e-4)[::2] == [kind] * 2


def test_eigenvalues_within_the_tolerance_count_as_zero() -> None:
    hessian = symmetric(1.0, 0.05)
    assert classify_critical_points([hessian]) == ["minimum"]
    assert classify_critical_points([hessian], tolerance=0.1) == ["degenerate"]


def test_critical_points_refuse_other_shapes_and_tolerances() -> None:
    with pytest.raises(ValueError, match=r"^hessians\[1\]: got shape \(2, 3\)"):
        classify_critical_points([torch.eye(2), torch.ones(2, 3)])
    with pytest.raises(ValueError, match="^tolerance: got -1"):
        classify_critical_points([torch.eye(2)], tolerance=-1)


# ---------------------------------------------------------------- Newton


def test_one_newton_step_solves_a_quadratic(device: str, dtype: torch.dtype) -> None:
    hessian = symmetric(1.0, 30.0, 4.0).to(device, dtype)
    minimum, w = draw(3, seed=1).to(device, dtype), draw(3, seed=2).to(device, dtype)
    assert_close(newton_step(w, hessian @ (w - minimum), hessian), minimum)


def test_newton_goes_to_a_saddle_too() -> None:
    hessian = torch.diag(torch.tensor([2.0, -2.0]))
    w = torch.tensor([1.0, 0.5])
    torch.testing.assert_close(newton_step(w, hessian @ w, hessian), torch.zeros(2))


def test_newton_steps_do_not_depend_on_the_coordinates() -> None:
    hessian, w, gradient, change = symmetric(1.0, -3.0, 4.0), draw(3), draw(3, seed=1), draw(3, 3)
    there = newton_step(change @ w, change.inverse().T @ gradient,
                        change.inverse().T @ hessian @ change.inverse())  # fmt: skip
    assert_close(there, change @ newton_step(w, gradient, hessian))


def test_a_large_damping_makes_a_newton_step_one_of_gradient_descent() -> None:
    hessian, w, gradient = symmetric(1.0, 3.0, 4.0), draw(3), draw(3, seed=1)
    step = newton_step(w, gradient, hessian, damping=1e6) - w
    torch.testing.assert_close(step, -gradient / 1e6, rtol=1e-5, atol=0)


def test_newton_steps_refuse_shapes_and_dampings_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="^w, gradient, hessian: got shapes"):
        newton_step(torch.ones(2), torch.ones(3), torch.eye(2))
    with pytest.raises(ValueError, match="^damping: got -1"):
        newton_step(torch.ones(2), torch.ones(2), torch.eye(2), damping=-1)


def test_the_undamped_path_takes_the_negative_cube_at_every_step(
    device: str, dtype: torch.dtype
) -> None:
    start = torch.tensor([0.5, -0.9, 1.2, 2.0], device=device, dtype=dtype)
    path = newton_path(start, 3)
    assert torch.equal(path[0], start)
    for before, after in itertools.pairwise(path):
        assert_close(after, -(before**3))


def test_the_damped_path_is_one_of_newton_steps_and_converges_from_afar() -> None:
    path = newton_path(torch.tensor([2.0], dtype=torch.float64), 30, damping=1.0)
    for before, after in itertools.pairwise(path):
        w = before.clone().requires_grad_()
        (slope,) = torch.autograd.grad(torch.sqrt(1 + w**2).sum(), w, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.sum(), w)
        assert_close(after, newton_step(before, slope.detach(), curvature[None], damping=1.0))
    assert abs(float(path[-1])) < 1e-6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.ones(2, 2), 1), "start: got shape"),
        ((torch.ones(2), -1), "steps: got -1"),
        ((torch.ones(2), 1, -1.0), "damping: got -1"),
    ],
)
def test_newton_paths_refuse_what_makes_no_sense(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        newton_path(*arguments)


# ---------------------------------------------------------------- clipping


@pytest.mark.parametrize("max_norm", [0.1, 2.0, 1e3])
def test_clipping_is_torchs(max_norm: float, device: str, dtype: torch.dtype) -> None:
    gradients = [draw(3, 4), 100 * draw(5), 0.01 * draw(2, 2, 3)]
    gradients = [g.to(device, dtype) for g in gradients]
    parameters = [torch.zeros_like(g) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    nn.utils.clip_grad_norm_(parameters, max_norm)
    clipped = clip_by_global_norm([gradients[0], None, *gradients[1:]], max_norm)
    assert clipped.pop(1) is None
    for own, parameter in zip(clipped, parameters, strict=True):
        torch.testing.assert_close(own, parameter.grad, rtol=1e-4, atol=1e-9)


def test_clipping_leaves_nothing_but_zeros_alone() -> None:
    clipped = clip_by_global_norm([torch.zeros(3), None], 1.0)
    assert torch.equal(clipped[0], torch.zeros(3)) and clipped[1] is None
    assert clip_by_global_norm([None], 1.0) == [None]


def test_clipping_refuses_a_limit_that_is_not_positive() -> None:
    with pytest.raises(ValueError, match="^max_norm: got 0"):
        clip_by_global_norm([torch.ones(2)], 0)


def test_accumulated_gradients_are_those_of_the_whole_batch() -> None:
    x, y, w = draw(12, 3), draw(12, seed=1), draw(3, seed=2).requires_grad_()

    def gradient(rows: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(((rows @ w - targets) ** 2).mean(), w)[0]

    parts = [[gradient(a, b)] for a, b in zip(x.split(4), y.split(4), strict=True)]
    whole = gradient(x, y)
    for max_norm in (0.5, 1e3):
        (own,), (expected,) = (
            accumulated_gradient(parts, max_norm),
            clip_by_global_norm([whole], max_norm),
        )
        assert own is not None and expected is not None
        assert_close(own, expected)


def test_accumulating_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="^micro_batches: got none"):
        accumulated_gradient([], 1.0)


# ---------------------------------------------------------------- sharpness


def network(device: str = "cpu", dtype: torch.dtype = torch.float64) -> Any:
    """A tanh network of three layers, and data for it."""
    weights = [draw(4, 3), draw(5, 4, seed=1), draw(2, 5, seed=2)]
    return (
        draw(7, 3, seed=3).to(device, dtype),
        draw(7, 2, seed=4).to(device, dtype),
        [w.to(device, dtype) for w in weights],
    )


def full_hessian() -> torch.Tensor:
    """The Hessian of the network's loss, entry by entry, by torch."""
    x, y, weights = network()

    def loss(flat: torch.Tensor) -> torch.Tensor:
        parts = flat.split([w.numel() for w in weights])
        a, b, c = (p.view_as(w) for p, w in zip(parts, weights, strict=True))
        return ((torch.tanh(torch.tanh(x @ a.T) @ b.T) @ c.T - y) ** 2).sum(1).mean() / 2

    return torch.autograd.functional.hessian(loss, torch.cat([w.flatten() for w in weights]))


def test_the_product_is_that_with_the_full_hessian(device: str, dtype: torch.dtype) -> None:
    x, y, weights = network(device, dtype)
    vectors = [draw(*w.shape, seed=9).to(device, dtype) for w in weights]
    own = torch.cat([p.flatten() for p in hessian_vector_product(x, y, weights, vectors)])
    flat = torch.cat([v.flatten() for v in vectors])
    assert_close(own, full_hessian().to(device, dtype) @ flat)
    assert all(not w.requires_grad for w in weights)


def test_the_sharpness_is_the_largest_eigenvalue(device: str, dtype: torch.dtype) -> None:
    x, y, weights = network(device, dtype)
    start = [draw(*w.shape, seed=9).to(device, dtype) for w in weights]
    found = float(sharpness(x, y, weights, start, iterations=300))
    eigenvalues = torch.linalg.eigvalsh(full_hessian())
    assert found == pytest.approx(float(eigenvalues[eigenvalues.abs().argmax()]), rel=1e-3)


def test_products_and_sharpness_refuse_what_does_not_fit() -> None:
    x, y, weights = network()
    with pytest.raises(ValueError, match="^vectors: got other shapes"):
        hessian_vector_product(x, y, weights, weights[:2])
    with pytest.raises(ValueError, match="^iterations: got 0"):
        sharpness(x, y, weights, weights, iterations=0)

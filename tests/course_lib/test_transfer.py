"""Ensembles, averaged weights and transfer against torch, scikit-learn and closed forms."""

import copy
import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from course_lib.transfer import (
    WeightEMA,
    average_probabilities,
    c_of_l2,
    cyclic_cosine,
    fine_tuning_groups,
    frozen_features,
    head_first,
    logistic_head_loss,
    recompute_statistics,
    snapshots,
    svm_head_loss,
    train_with_frozen_layers,
    update_average,
    variance_of_mean,
)
from tests.support.closeness import assert_close


def network(dropout: float = 0.0) -> nn.Sequential:
    """A small classifier with two batch normalizations, of which one is in a block."""
    block = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5, momentum=0.3), nn.Dropout(dropout))
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), block, nn.Linear(5, 3))


def same(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks have the same parameters and buffers, bit for bit."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def labeled(count: int, size: int = 8) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(torch.randn(size, 4), torch.randint(3, (size,))) for _ in range(count)]


def step(model: nn.Module, x: torch.Tensor, y: torch.Tensor, lr: float = 0.1) -> None:
    """One step of plain SGD."""
    parameters = list(model.parameters())
    gradients = torch.autograd.grad(F.cross_entropy(model(x), y), parameters)
    with torch.no_grad():
        for p, g in zip(parameters, gradients, strict=True):
            p.sub_(lr * g)


def test_an_ensemble_averages_what_a_loop_over_its_members_says(
    device: str, dtype: torch.dtype
) -> None:
    logits = 3 * torch.randn(4, 6, 5, device=device, dtype=dtype)
    total = torch.zeros_like(logits[0])
    for scores in logits:
        total += F.softmax(scores, dim=1)
    assert_close(average_probabilities(logits), total / 4)
    assert_close(average_probabilities(logits + 1e4), average_probabilities(logits + 1e4 - 1e4))


def test_the_log_loss_of_the_average_is_at_most_the_average_log_loss() -> None:
    logits, labels = 4 * torch.randn(5, 40, 3), torch.randint(3, (40,))
    rows = range(40)
    together = -average_probabilities(logits)[rows, labels].log().mean()
    alone = -logits.log_softmax(2)[:, rows, labels].mean()
    assert together < alone


def test_averaged_scores_are_another_ensemble() -> None:
    """Two that doubt outvote one that shouts only where probabilities are averaged."""
    logits = torch.tensor([[[9.0, 0]], [[0, 2.0]], [[0, 2.0]]])
    assert average_probabilities(logits).argmax() == 1
    assert logits.mean(0).softmax(1).argmax() == 0


def test_the_running_mean_is_torchs_averaged_model_along_a_training() -> None:
    model = network()
    theirs, ours = AveragedModel(model), copy.deepcopy(model)
    for count, (x, y) in enumerate(labeled(5)):
        step(model, x, y)
        before = copy.deepcopy(model)
        theirs.update_parameters(model)
        update_average(ours, model, count)
        assert same(model, before)
    for mine, other in zip(ours.parameters(), theirs.module.parameters(), strict=True):
        assert_close(mine, other)
    counts = [value for name, value in ours.named_buffers() if name.endswith("tracked")]
    assert counts == [5, 5] and all(count.dtype == torch.int64 for count in counts)


def test_over_all_steps_the_running_mean_is_polyaks_by_torchs_asgd() -> None:
    """With alpha = 0 and lambda = 0 its rate is constant; `ax` is the mean from the second step."""
    model = nn.Linear(4, 3)
    mean = copy.deepcopy(model)
    optimizer = torch.optim.ASGD(model.parameters(), lr=0.1, lambd=0, alpha=0, t0=0)
    for count, (x, y) in enumerate(labeled(6)):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        update_average(mean, model, max(count - 1, 0))
    for ours, parameter in zip(mean.parameters(), model.parameters(), strict=True):
        assert_close(ours.detach(), optimizer.state[parameter]["ax"])


def test_the_average_of_noisy_steps_falls_like_one_over_t_and_the_iterate_stays() -> None:
    w, mean, errors = torch.zeros(4000), torch.zeros(4000), {}
    for t in range(1, 1601):
        w = w - 0.2 * (w + torch.randn(4000))
        mean += (w - mean) / t
        if t in (400, 1600):
            errors[t] = (w.square().mean().item(), mean.square().mean().item())
    assert errors[1600][0] / errors[400][0] == pytest.approx(1, abs=0.15)
    assert errors[400][1] / errors[1600][1] == pytest.approx(4, rel=0.15)


@pytest.mark.parametrize("training", [True, False])
def test_recomputed_statistics_are_torchs_update_bn(training: bool) -> None:
    model = network().train(training)
    for x, _ in labeled(3):
        model.train()(3 * x + 1)
    model.train(training)
    theirs = copy.deepcopy(model)
    batches = [torch.randn(size, 4) * size for size in (5, 9, 4)]
    update_bn(batches, theirs)
    recompute_statistics(model, batches)
    for (name, ours), other in zip(
        model.state_dict().items(), theirs.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(ours, other, msg=name)
    assert model.training is training
    assert [m.momentum for m in model.modules() if isinstance(m, nn.BatchNorm1d)] == [0.1, 0.3]


def test_statistics_of_one_batch_are_its_mean_and_unbiased_variance() -> None:
    norm = nn.BatchNorm2d(3)
    x = torch.randn(4, 3, 5, 6) * 2 + 7
    recompute_statistics(norm, [x])
    found = dict(norm.named_buffers())
    assert_close(found["running_mean"], x.mean(dim=(0, 2, 3)))
    assert_close(found["running_var"], x.var(dim=(0, 2, 3)))


def test_a_model_without_batch_normalization_is_left_alone() -> None:
    model = nn.Sequential(nn.Linear(4, 2)).eval()
    before = copy.deepcopy(model)
    recompute_statistics(model, [torch.randn(3, 4)])
    assert same(model, before) and not model.training


def test_the_moving_average_is_torchs_from_zero_divided_by_its_weights() -> None:
    decay, ema = 0.9, WeightEMA(0.9)
    averaged = [torch.zeros(3, 4)]
    for t in range(1, 8):
        w = torch.randn(3, 4)
        get_ema_multi_avg_fn(decay)(averaged, [w], torch.tensor(t))
        found = ema.update({"w": w, "count": torch.tensor(t)})
        assert_close(found["w"], averaged[0] / (1 - decay**t))
        assert found["count"] == t and found["count"].dtype == torch.int64


def test_the_first_average_is_the_first_weights_and_a_constant_stays() -> None:
    ema, w = WeightEMA(0.999), torch.randn(5)
    for _ in range(4):
        assert_close(ema.update({"w": w})["w"], w)


def test_half_the_weight_is_gone_after_a_half_life() -> None:
    ema, decay = WeightEMA(0.95), 0.95
    ema.update({"w": torch.tensor(1.0)})
    first = ema.average["w"].item()
    half_life = round(math.log(2) / (1 - decay))
    for _ in range(half_life):
        ema.update({"w": torch.tensor(0.0)})
    assert ema.average["w"].item() / first == pytest.approx(0.5, abs=0.02)


def test_training_goes_on_as_if_nobody_averaged() -> None:
    model = network()
    alone = copy.deepcopy(model)
    ema, mean = WeightEMA(0.9), copy.deepcopy(model)
    for count, (x, y) in enumerate(labeled(4)):
        step(model, x, y)
        step(alone, x, y)
        ema.update(model.state_dict())
        update_average(mean, model, count)
    assert same(model, alone) and not same(mean, model)


@pytest.mark.parametrize("training", [True, False])
def test_features_are_what_a_hook_sees_the_head_being_handed(training: bool) -> None:
    model = network(dropout=0.5)
    model(torch.randn(20, 4) * 3)
    model[0].requires_grad_(False)
    model.train(training)
    before = copy.deepcopy(model)
    batches = [torch.randn(size, 4) for size in (5, 3)]
    features = frozen_features(model, batches)
    handed: list[torch.Tensor] = []
    before.eval()[-1].register_forward_pre_hook(lambda head, given: handed.append(given[0]))
    before(torch.cat(batches))
    assert_close(features, handed[0].detach())
    assert features.shape == (8, 5) and features.grad_fn is None and not features.requires_grad
    assert same(model, before) and model.training is training
    assert [p.requires_grad for p in model.parameters()] == [
        p.requires_grad for p in before.parameters()
    ]


def test_a_frozen_trunk_is_bit_for_bit_the_same_after_a_training_with_decay() -> None:
    model = network(dropout=0.2)
    before = copy.deepcopy(model)
    model[:-1].requires_grad_(False)
    optimizer = torch.optim.SGD(fine_tuning_groups(model, "4", 0.5), weight_decay=0.1, momentum=0.9)
    for x, y in labeled(5):
        train_with_frozen_layers(model, 4)
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    assert same(model[:-1], before[:-1]) and not same(model[-1], before[-1])


def test_every_trainable_parameter_is_in_exactly_one_group() -> None:
    model = network()
    model[0].requires_grad_(False)
    head, rest = fine_tuning_groups(model, "4", 0.3)
    grouped = [id(p) for group in (head, rest) for p in group["params"]]  # type: ignore[union-attr]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {id(p) for p in model.parameters() if p.requires_grad}
    assert head["params"] == list(model[-1].parameters())
    assert [head["lr"], rest["lr"]] == pytest.approx([0.3, 0.03])
    torch.optim.Adam([head, rest])


def test_a_head_is_told_by_its_whole_name() -> None:
    model = nn.ModuleDict({"head_norm": nn.LayerNorm(3), "head": nn.Linear(3, 2)})
    head, rest = fine_tuning_groups(model, "head", 1.0)
    assert head["params"] == list(model["head"].parameters())
    assert rest["params"] == list(model["head_norm"].parameters())


@pytest.mark.parametrize(
    ("correlation", "members"), [(0.3, 4), (-0.2, 5), (0, 3), (1, 7), (0.5, 1)]
)
def test_the_variance_of_a_mean_is_that_of_its_covariance_matrix(
    correlation: float, members: int
) -> None:
    covariance = np.full((members, members), correlation * 2.5)
    np.fill_diagonal(covariance, 2.5)
    ones = np.ones(members) / members
    assert variance_of_mean(2.5, correlation, members) == pytest.approx(ones @ covariance @ ones)


def test_an_ensemble_gains_as_the_correlation_of_its_members_falls() -> None:
    rng = np.random.default_rng(0)
    for correlation in (0.0, 0.4, 0.9):
        covariance = np.full((5, 5), correlation) + (1 - correlation) * np.eye(5)
        errors = rng.multivariate_normal(np.zeros(5), covariance, size=40_000)
        wanted = variance_of_mean(1.0, correlation, 5)
        assert errors.mean(axis=1).var() == pytest.approx(wanted, rel=0.05)


@pytest.mark.parametrize(("total", "cycles"), [(12, 3), (10, 4), (7, 1), (5, 5)])
def test_the_cosine_comes_back_as_torchs_warm_restarts_do(total: int, cycles: int) -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.7)
    schedule = CosineAnnealingWarmRestarts(optimizer, math.ceil(total / cycles))
    for now in range(total):
        rate = optimizer.param_groups[0]["lr"]
        assert cyclic_cosine(now, total, cycles, 0.7) == pytest.approx(rate, abs=1e-12)
        optimizer.step()
        schedule.step()


def test_snapshots_are_taken_where_the_rate_is_lowest_and_are_copies() -> None:
    model, batches = network(), labeled(11)
    alone = copy.deepcopy(model)
    kept = snapshots(model, batches, cycles=3, peak=0.5)
    ends, rates = [], [cyclic_cosine(t, 11, 3, 0.5) for t in range(11)]
    for now, (x, y) in enumerate(batches):
        step(alone, x, y, lr=rates[now])
        if now in (3, 7, 10):
            ends.append(copy.deepcopy(alone.state_dict()))
    assert len(kept) == 3
    for snapshot, wanted in zip(kept, ends, strict=True):
        assert list(snapshot) == list(wanted)
        for ours, theirs in zip(snapshot.values(), wanted.values(), strict=True):
            torch.testing.assert_close(ours, theirs)
    assert rates[3] == min(rates[:4]) and rates[7] == min(rates[4:8])
    for one, other in itertools.combinations(kept, 2):
        assert not torch.equal(one["0.weight"], other["0.weight"])
    assert_close(kept[-1]["0.weight"], model.state_dict()["0.weight"])


def minimized(
    loss: Callable[..., torch.Tensor], shapes: list[tuple[int, ...]]
) -> list[torch.Tensor]:
    """Where a smooth loss of tensors of these shapes is least, by BFGS."""
    sizes = [math.prod(shape) for shape in shapes]

    def tensors(flat: np.ndarray) -> list[torch.Tensor]:
        parts = torch.from_numpy(flat.copy()).split(sizes)
        return [p.reshape(s).requires_grad_() for p, s in zip(parts, shapes, strict=True)]

    def value(flat: np.ndarray) -> tuple[float, np.ndarray]:
        leaves = tensors(flat)
        found = loss(*leaves)
        gradients = torch.autograd.grad(found, leaves)
        return found.item(), torch.cat([g.reshape(-1) for g in gradients]).numpy()

    found = minimize(value, np.zeros(sum(sizes)), jac=True, tol=1e-12)
    return [leaf.detach() for leaf in tensors(found.x)]


@pytest.mark.parametrize("l2", [0.003, 0.4])
def test_a_logistic_head_is_scikit_learns_with_the_converted_c(l2: float) -> None:
    x = torch.randn(50, 4, dtype=torch.float64) + 3  # a penalized intercept would show
    y = (x[:, :3] + torch.randn(50, 3)).argmax(dim=1)
    theirs = LogisticRegression(C=c_of_l2(l2, 50), tol=1e-12, max_iter=10_000).fit(x, y)
    weight, bias = minimized(lambda w, b: logistic_head_loss(w, b, x, y, l2=l2), [(3, 4), (3,)])
    torch.testing.assert_close(weight, torch.tensor(theirs.coef_), rtol=1e-3, atol=1e-4)
    centered = bias - bias.mean()  # what all intercepts have in common changes nothing
    wanted = torch.tensor(theirs.intercept_)
    torch.testing.assert_close(centered, wanted - wanted.mean(), rtol=1e-3, atol=1e-3)


def test_a_support_vector_head_is_least_where_linear_svc_finds_it() -> None:
    """A large `intercept_scaling` takes the penalty off liblinear's intercept."""
    x = torch.randn(60, 3, dtype=torch.float64) + 2
    y = (x[:, 0] - x[:, 1] + 0.5 * torch.randn(60) > 0).long()
    theirs = LinearSVC(
        C=0.7, loss="hinge", intercept_scaling=100, tol=1e-9, max_iter=10**6, random_state=0
    ).fit(x, y)
    w, b = torch.tensor(theirs.coef_[0]), torch.tensor(theirs.intercept_[0])
    ours = svm_head_loss(w, b, x, y, c=0.7).item()
    least = least_with_slack(x.numpy(), 2 * y.numpy() - 1, 0.7)
    assert ours == pytest.approx(least, rel=1e-3)


def least_with_slack(x: np.ndarray, signs: np.ndarray, c: float) -> float:
    """The least of a support vector machine's loss, by its quadratic program with slack."""
    count, size = x.shape
    rows = np.hstack([signs[:, None] * x, signs[:, None], np.eye(count)])
    weights = np.concatenate([np.zeros(size + 1), np.full(count, c)])
    square = np.concatenate([np.ones(size), np.zeros(count + 1)])
    found = minimize(
        lambda v: (square * v) @ v / 2 + weights @ v,
        np.concatenate([np.zeros(size + 1), np.ones(count)]),
        jac=lambda v: square * v + weights,
        constraints={"type": "ineq", "fun": lambda v: rows @ v - 1, "jac": lambda v: rows},
        bounds=[(None, None)] * (size + 1) + [(0, None)] * count,
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-10},
    )
    assert found.success
    return float(found.fun)


def test_a_margin_of_two_costs_nothing_on_both_sides() -> None:
    x, w = torch.tensor([[2.0, 0], [-2.0, 0]]), torch.tensor([1.0, 0])
    loss = svm_head_loss(w, torch.tensor(0.0), x, torch.tensor([1, 0]), c=10.0)
    assert loss.item() == 0.5


@pytest.mark.parametrize("frozen", [0, 2, 4])
def test_nothing_flows_into_frozen_layers_and_their_statistics_stand_still(frozen: int) -> None:
    model = network().eval().requires_grad_(False)
    before = copy.deepcopy(model)
    train_with_frozen_layers(model, frozen)
    model(torch.randn(8, 4)).square().sum().backward()
    for number, (layer, old) in enumerate(zip(model, before, strict=True)):
        got = [p.grad is not None for p in layer.parameters()]
        assert all(got) if number >= frozen else not any(got)
        buffers = list(zip(layer.buffers(), old.buffers(), strict=True))
        moved = [not torch.equal(a, b) for a, b in buffers]
        assert any(moved) == bool(buffers and number >= frozen)
        assert all(m.training is (number >= frozen) for m in layer.modules())


def test_a_weight_frozen_after_the_forward_pass_gets_no_gradient() -> None:
    w = torch.ones(2, requires_grad=True)
    loss = (w * w).sum()
    w.requires_grad_(False)
    loss.backward()
    assert w.grad is None


def test_head_first_is_two_trainings_by_hand() -> None:
    model = network()
    by_hand, batches = copy.deepcopy(model).eval(), labeled(3)
    head_first(model, batches, head_epochs=2, epochs=3, lr=0.4)
    for epoch in range(5):
        for x, y in batches:
            parameters = list(by_hand.parameters())
            gradients = torch.autograd.grad(F.cross_entropy(by_hand(x), y), parameters)
            rates = [0.0 if epoch < 2 else 0.04] * (len(parameters) - 2) + [0.4] * 2
            with torch.no_grad():
                for p, g, rate in zip(parameters, gradients, rates, strict=True):
                    p.sub_(rate * g)
    for ours, wanted in zip(model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(ours, wanted)
    assert all(p.requires_grad for p in model.parameters()) and not model.training


def test_a_trained_head_moves_the_features_less_than_a_random_one() -> None:
    """Fifty steps on a task that the features solve already."""
    torch.manual_seed(1)
    trunk = nn.Sequential(nn.Linear(4, 16), nn.Tanh())
    x = torch.randn(120, 4)
    y = trunk(x)[:, :3].argmax(dim=1)
    drifts = []
    for head_epochs in (0, 300):
        model = nn.Sequential(*copy.deepcopy(list(trunk)), nn.Linear(16, 3))
        nn.init.normal_(model.get_parameter("2.weight"), std=2)
        before = frozen_features(model, [x])
        head_first(model, [(x, y)], head_epochs=head_epochs, epochs=50, lr=0.5)
        drifts.append((frozen_features(model, [x]) - before).norm().item())
    assert drifts[1] < 0.5 * drifts[0]


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (lambda: average_probabilities(torch.zeros(3, 4)), "logits: got shape"),
        (lambda: average_probabilities(torch.zeros(0, 3, 4)), "logits: got shape"),
        (lambda: update_average(nn.Linear(2, 3), nn.Linear(2, 3), -1), "count: got -1"),
        (lambda: update_average(nn.Linear(2, 3), nn.Linear(3, 2), 0), "average and model"),
        (lambda: WeightEMA(1.0), "decay: got 1.0"),
        (lambda: frozen_features(nn.Sequential(nn.Linear(2, 3)), []), "model: got 1 layers"),
        (lambda: fine_tuning_groups(nn.Linear(2, 3), "head", 0.1), "head: got 'head'"),
        (lambda: fine_tuning_groups(network(), "4", -0.1), "lr: got -0.1"),
        (lambda: variance_of_mean(1.0, -0.6, 3), "which no ensemble has"),
        (lambda: variance_of_mean(1.0, 0.5, 0), "which no ensemble has"),
        (lambda: cyclic_cosine(5, 5, 2, 0.1), "step: got 5"),
        (lambda: cyclic_cosine(0, 3, 4, 0.1), "cycles: got 4"),
        (lambda: snapshots(network(), [], cycles=1, peak=0.1), "cycles: got 1"),
        (lambda: c_of_l2(0.0, 10), "l2 and examples: got 0.0 and 10"),
        (lambda: train_with_frozen_layers(network(), 6), "frozen: got 6"),
        (
            lambda: head_first(nn.Sequential(nn.ReLU()), [], head_epochs=1, epochs=1, lr=0.1),
            "model: got 1 layers",
        ),
        (
            lambda: logistic_head_loss(
                torch.zeros(3, 4), torch.zeros(2), torch.zeros(5, 4), torch.zeros(5), l2=0.1
            ),
            "shapes: got",
        ),
        (
            lambda: svm_head_loss(
                torch.zeros(3), torch.zeros(1), torch.zeros(5, 3), torch.zeros(5), c=0.1
            ),
            "shapes: got",
        ),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(refused: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        refused()

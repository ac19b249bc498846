"""The training loop against torch, scipy, scikit-learn, autograd and closed forms."""

import copy
import math

import numpy as np
import pytest
import torch
from scipy import optimize, special
from scipy import stats as distributions
from sklearn.metrics import f1_score, precision_recall_fscore_support
from sklearn.neighbors import KNeighborsClassifier
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from course_lib.training_loop import (
    Checkpoint,
    evaluate,
    fade,
    gradient_verdicts,
    hinge_loss,
    hinge_loss_gradient,
    initial_loss,
    iterations_per_epoch,
    label_entropy,
    largest_batch_size,
    learning_rate_for_sum,
    macro_f1,
    minibatches,
    neighbor_agreement,
    numeric_gradient,
    one_hot_squared_error,
    overfit,
    passes_over_the_data,
    precision_recall_f1,
    regularized_loss,
    relative_error,
    sgd_step,
    small_sample,
    softmax_cross_entropy,
    softmax_cross_entropy_gradient,
    squared_error,
    train_epoch,
)
from tests.support.closeness import assert_close


def draw_scores(device, dtype, spread=3.0):
    scores = spread * torch.randn(7, 4, device=device, dtype=dtype)
    return scores, torch.randint(4, (7,), device=device)


def network(dropout=0.0, dtype=torch.float32):
    layers = [nn.Linear(6, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Dropout(dropout), nn.Linear(9, 3)]
    return nn.Sequential(*layers).to(dtype)


def draw_batches(sizes, dtype=torch.float32):
    return [(2 * torch.randn(n, 6, dtype=dtype) + 1, torch.randint(3, (n,))) for n in sizes]


# Losses


def test_cross_entropy_and_its_gradient_are_torchs(device, dtype):
    scores, target = draw_scores(device, dtype)
    scores.requires_grad_()
    expected = F.cross_entropy(scores, target)
    assert_close(softmax_cross_entropy(scores, target), expected)
    (gradient,) = torch.autograd.grad(expected, scores)
    assert_close(softmax_cross_entropy_gradient(scores.detach(), target), gradient)
    (flowing,) = torch.autograd.grad(softmax_cross_entropy(scores, target), scores)
    assert_close(flowing, gradient)


def test_cross_entropy_is_finite_for_large_scores_and_indifferent_to_a_rows_level(device, dtype):
    scores, target = draw_scores(device, dtype)
    levels = torch.linspace(-1e4, 1e4, 7, device=device, dtype=dtype)[:, None]
    expected = F.cross_entropy(scores + levels, target)
    assert_close(softmax_cross_entropy(scores + levels, target), expected)
    large = softmax_cross_entropy(1e4 * scores, target)
    logsumexp = special.logsumexp(1e4 * scores.double().cpu().numpy(), axis=1)
    true = 1e4 * scores.double().cpu().numpy()[np.arange(7), target.cpu().numpy()]
    assert float(large) == pytest.approx((logsumexp - true).mean(), rel=1e-4)
    assert softmax_cross_entropy_gradient(1e4 * scores, target).isfinite().all()


def test_doubling_a_batch_leaves_loss_and_gradient_as_they_were(dtype):
    scores, target = draw_scores("cpu", dtype)
    twice, again = scores.repeat(2, 1), target.repeat(2)
    assert_close(softmax_cross_entropy(twice, again), softmax_cross_entropy(scores, target))
    assert_close(
        softmax_cross_entropy_gradient(twice, again)[:7] * 2,
        softmax_cross_entropy_gradient(scores, target),
    )


def test_a_perfect_answer_costs_nothing_unless_softmax_comes_twice():
    scores, target = 50 * torch.eye(3), torch.arange(3)
    assert softmax_cross_entropy(scores, target) < 1e-6
    assert float(softmax_cross_entropy(scores.softmax(1), target)) == pytest.approx(0.551, abs=1e-3)


def test_hinge_loss_is_torchs_times_the_number_of_classes(device, dtype):
    scores, target = draw_scores(device, dtype)
    expected = F.multi_margin_loss(scores, target, margin=1.7) * 4
    assert_close(hinge_loss(scores, target, margin=1.7), expected)


def test_hinge_gradient_is_autograds(device, dtype):
    scores, target = draw_scores(device, dtype)
    scores.requires_grad_()
    (expected,) = torch.autograd.grad(hinge_loss(scores, target, margin=1.7), scores)
    assert_close(hinge_loss_gradient(scores.detach(), target, margin=1.7), expected)


def test_twice_the_violation_costs_twice():
    one = hinge_loss(torch.tensor([[0.0, 0.0]]), torch.tensor([0]))
    two = hinge_loss(torch.tensor([[0.0, 1.0]]), torch.tensor([0]))
    assert (float(one), float(two)) == (1.0, 2.0)


@pytest.mark.parametrize("classes", [2, 10, 100, 1000])
def test_initial_losses_are_those_of_equal_scores(classes):
    scores, target = torch.zeros(5, classes, dtype=torch.float64), torch.arange(5) % classes
    assert initial_loss(classes) == pytest.approx(float(F.cross_entropy(scores, target)))
    hinge = float(hinge_loss(scores, target, margin=0.7))
    assert initial_loss(classes, "hinge", margin=0.7) == pytest.approx(hinge)


def test_label_entropy_is_scipys_and_the_loss_of_the_best_constant():
    counts = torch.tensor([30, 0, 1, 12, 57])
    assert label_entropy(counts) == pytest.approx(distributions.entropy(counts.numpy()))
    assert label_entropy(torch.tensor([9, 1])) == pytest.approx(0.3251, abs=1e-4)
    assert label_entropy(torch.tensor([4, 4, 4])) == pytest.approx(math.log(3))


def test_penalty_raises_the_loss_by_half_lambda_times_the_squares_of_the_weights(dtype):
    model = network(dtype=dtype)
    losses, parameters = torch.rand(8, dtype=dtype), dict(model.named_parameters())
    squares = sum((model[i].weight ** 2).sum() for i in (0, 1, 4))
    raised = regularized_loss(losses, parameters, 0.4) - regularized_loss(losses, parameters, 0)
    assert_close(raised, 0.2 * squares)
    twice = regularized_loss(losses.repeat(2), parameters, 0.4)
    assert_close(twice, regularized_loss(losses, parameters, 0.4))


def test_gradient_of_the_penalty_is_lambda_times_the_weight_and_spares_biases():
    layer = nn.Linear(4, 3)
    regularized_loss(torch.zeros(2), dict(layer.named_parameters()), 0.3).backward()
    torch.testing.assert_close(layer.weight.grad, 0.3 * layer.weight.detach())
    assert layer.bias.grad is None


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_squared_error_is_torchs_in_every_reduction(reduction, device, dtype):
    prediction, target = (torch.randn(5, 7, device=device, dtype=dtype) for _ in range(2))
    expected = nn.MSELoss(reduction=reduction)(prediction, target)
    assert_close(squared_error(prediction, target, reduction=reduction), expected)


def test_sgd_on_the_sum_with_the_rate_divided_takes_the_same_steps():
    x, y = torch.randn(12, 3, dtype=torch.float64), torch.randn(12, dtype=torch.float64)
    ends = []
    for reduction, rate in (("mean", 0.1), ("sum", learning_rate_for_sum(0.1, 12))):
        weight = torch.zeros(3, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=rate)
        for _ in range(5):
            optimizer.zero_grad()
            squared_error(x @ weight, y, reduction=reduction).backward()
            optimizer.step()
        ends.append(weight.detach())
    assert_close(*ends)


def test_one_hot_squared_error_is_the_sum_and_keeps_device_and_dtype(device):
    for precision in (torch.float16, torch.float32, torch.float64):
        scores, target = draw_scores(device, precision, spread=0.5)
        expected = F.mse_loss(scores, F.one_hot(target, 4).to(scores), reduction="sum")
        torch.testing.assert_close(one_hot_squared_error(scores, target), expected)
    away = one_hot_squared_error(scores.to("meta"), target.to("meta"))
    assert away.device.type == "meta"


# Gradient checking


def test_numeric_gradient_agrees_with_autograd_and_scipy(device, dtype):
    x = torch.randn(3, 4, device=device, dtype=dtype)

    def function(z):
        return (torch.sin(z) * z**2).sum()

    precise = x.double().clone().requires_grad_()
    (expected,) = torch.autograd.grad(function(precise), precise)
    found = numeric_gradient(function, x)
    assert found.dtype is torch.float64
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-9)
    by_scipy = optimize.approx_fprime(
        x.detach().double().cpu().numpy().ravel(), lambda z: float(function(torch.from_numpy(z)))
    )
    np.testing.assert_allclose(found.cpu().numpy().ravel(), by_scipy, rtol=1e-5, atol=1e-6)


def test_error_of_central_differences_falls_a_hundredfold():
    x = torch.tensor([1.3, -0.7], dtype=torch.float64)
    errors = [
        float((numeric_gradient(lambda z: (z**3).sum(), x, h=h) - 3 * x**2).abs().max())
        for h in (1e-2, 1e-3)
    ]
    assert errors[0] / errors[1] == pytest.approx(100, rel=1e-3)


def test_numeric_gradient_of_a_function_with_dropout_is_that_of_one_mask():
    x = torch.rand(20, dtype=torch.float64) + 1

    def function(z):
        return (F.dropout(z, 0.4) ** 2).sum()

    torch.manual_seed(5)
    precise = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(function(precise), precise)
    torch.testing.assert_close(numeric_gradient(function, x, seed=5), expected, rtol=1e-7, atol=0)


def test_relative_error_sees_small_entries_and_forgives_two_zeros():
    analytic = torch.tensor([0.0, 2e-7, -1.0, 3.0])
    numeric = torch.tensor([0.0, 1e-7, 1.0, 3.0])
    torch.testing.assert_close(relative_error(analytic, numeric), torch.tensor([0, 0.5, 2, 0]))
    torch.testing.assert_close(relative_error(numeric, analytic), torch.tensor([0, 0.5, 2, 0]))


def test_a_kink_is_inconclusive_and_a_wrong_gradient_is_wrong():
    x = torch.tensor([1e-7, 1.0, 1.0, -1.0], dtype=torch.float64)
    analytic = torch.tensor([1.0, 1.0, 0.9, 0.0], dtype=torch.float64)
    verdicts = gradient_verdicts(lambda z: torch.relu(z).sum(), x, analytic)
    assert verdicts == ["inconclusive", "right", "wrong", "right"]


# Batches, steps, loops


def test_minibatches_visit_every_example_once_in_fresh_orders():
    x, y = torch.randn(23, 2), torch.arange(23)
    orders = []
    for _ in range(3):
        batches = minibatches(x, y, 5)
        assert [len(b) for _, b in batches] == [5, 5, 5, 5, 3]
        order = torch.cat([b for _, b in batches])
        assert torch.equal(torch.cat([a for a, _ in batches]), x[order])
        assert torch.equal(order.sort().values, y)
        orders.append(order.tolist())
    assert len({tuple(order) for order in orders}) == 3 and y.tolist() not in orders


def test_minibatches_have_the_sizes_of_torchs_loader():
    x, y = torch.randn(23, 2), torch.arange(23)
    loader = DataLoader(TensorDataset(x, y), batch_size=4, shuffle=True)
    sizes = [len(b) for _, b in loader]
    assert [len(b) for _, b in minibatches(x, y, 4)] == sizes
    assert iterations_per_epoch(23, 4) == len(loader)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(("count", "size"), [(1003, 100), (1000, 100), (99, 100), (7, 1)])
def test_iterations_are_as_many_as_torchs_loader_makes(count, size, drop_last):
    loader = DataLoader(TensorDataset(torch.zeros(count)), batch_size=size, drop_last=drop_last)
    assert iterations_per_epoch(count, size, drop_last=drop_last) == len(loader)


def test_halving_the_batch_doubles_the_steps_and_not_the_examples():
    assert iterations_per_epoch(6000, 50) == 2 * iterations_per_epoch(6000, 100)
    assert passes_over_the_data(1, iterations_per_epoch(6000, 50), 50, 6000) == 1
    assert passes_over_the_data(12, 5000, 64, 1_280_000) == pytest.approx(3.0)


def test_largest_batch_fits_and_one_more_does_not():
    memory, parameters, activations = 8 * 2**30, 25_000_000, 11_000_000
    batch = largest_batch_size(memory, parameters, activations, states=2)
    used = [4 * (parameters * 4 + n * activations) for n in (batch, batch + 1)]
    assert used[0] <= memory < used[1]


def test_sgd_step_takes_the_steps_of_torchs_sgd(device, dtype):
    model = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2)).to(device, dtype)
    theirs = copy.deepcopy(model)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=1.0)
    identities = [id(p) for p in model.parameters()]
    for rate in (0.3, 0.1, 0.7):
        x = torch.randn(6, 5, device=device, dtype=dtype)
        for one in (model, theirs):
            one(x).square().sum().backward()
        sgd_step(model.parameters(), rate)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        optimizer.zero_grad()
    for mine, other in zip(model.parameters(), theirs.parameters(), strict=True):
        assert_close(mine.detach(), other.detach())
        assert mine.is_leaf and mine.grad_fn is None and mine.grad is None
    assert [id(p) for p in model.parameters()] == identities


def test_on_a_linear_loss_every_step_moves_the_same_way():
    weight, slope = nn.Parameter(torch.zeros(3)), torch.tensor([1.0, -2.0, 0.5])
    unused = nn.Parameter(torch.ones(2))
    for step in range(1, 4):
        (slope * weight).sum().backward()
        sgd_step(iter([weight, unused]), 0.1)
        torch.testing.assert_close(weight.detach(), -0.1 * step * slope)
    assert torch.equal(unused, torch.ones(2))


def test_train_epoch_does_what_the_loop_of_torchs_documentation_does(dtype):
    model, batches = network(dtype=dtype).eval(), draw_batches([6, 7, 5, 2], dtype)
    theirs = copy.deepcopy(model).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    other = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for x, y in batches:
        other.zero_grad()
        loss = F.cross_entropy(theirs(x), y)
        loss.backward()
        other.step()
        losses += [loss.item()] * len(y)
    mean = train_epoch(model, optimizer, batches)
    assert mean == pytest.approx(np.mean(losses), rel=1e-5) and type(mean) is float
    assert model.training
    for mine, wanted in zip(model.state_dict().values(), theirs.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-4, atol=1e-6)


# Evaluation and metrics


@pytest.mark.parametrize("training", [True, False])
def test_evaluation_touches_nothing_and_counts_every_example_once(training):
    model, batches = network(dropout=0.5).train(training), draw_batches([7, 6, 2])
    before = copy.deepcopy(model.state_dict())
    result = evaluate(model, batches)
    assert result == evaluate(model, batches) and model.training is training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    x, y = (torch.cat(parts) for parts in zip(*batches, strict=True))
    with torch.no_grad():
        scores = model.eval()(x)
    assert result["loss"] == pytest.approx(float(F.cross_entropy(scores, y)), rel=1e-5)
    assert result["accuracy"] == pytest.approx(float((scores.argmax(1) == y).float().mean()))


def draw_answers(count=60, classes=6):
    """One class never predicted, one never there, the others unequal."""
    target = torch.tensor(
        np.random.default_rng(3).choice(classes - 1, count, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    )
    predicted = torch.where(torch.rand(count) < 0.6, target, torch.randint(classes, (count,)))
    predicted[predicted == 2] = 0
    return predicted, target


def test_precision_recall_and_f1_are_scikit_learns(device):
    predicted, target = draw_answers()
    expected = precision_recall_fscore_support(target, predicted, labels=range(6), zero_division=0)
    found = precision_recall_f1(predicted.to(device), target.to(device), 6)
    for mine, wanted in zip(found, expected[:3], strict=True):
        np.testing.assert_allclose(mine.cpu().numpy(), wanted, rtol=1e-6)


def test_macro_f1_is_scikit_learns_however_the_set_is_cut():
    predicted, target = draw_answers()
    expected = f1_score(target, predicted, labels=range(6), average="macro", zero_division=0)
    for size in (7, 60):
        found = macro_f1(predicted.split(size), target.split(size), 6)
        assert found == pytest.approx(expected, rel=1e-6)


def test_one_who_always_says_yes_has_recall_one():
    _, recall, _ = precision_recall_f1(torch.ones(9).long(), torch.arange(9) % 2, 2)
    assert recall.tolist() == [0.0, 1.0]


# Sanity, checkpoints, devices


def test_a_small_sample_holds_every_class_even_of_sorted_data():
    target = torch.tensor([7, 7, 7, 3, 3, 3, 3, 9, 9])
    assert small_sample(target, 2).tolist() == [3, 4, 0, 1, 7, 8]


def test_overfitting_reaches_zero_with_regularization_switched_off_and_not_with_it_on():
    x, y = torch.randn(12, 6), torch.arange(12) % 3
    ends = {}
    for switched_off in (True, False):
        torch.manual_seed(0)
        model = network(dropout=0.6)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9, weight_decay=0.05)
        if switched_off:
            losses = overfit(model, optimizer, x, y, 150)
        else:
            losses = [train_epoch(model, optimizer, [(x, y)]) for _ in range(150)]
        ends[switched_off] = losses[-1]
    assert ends[True] < 1e-2 < 0.1 < ends[False]


def test_neighbors_agree_as_scikit_learn_says(device, dtype):
    target = torch.arange(40) % 4
    x = torch.randn(40, 3, dtype=dtype) + 2 * torch.randn(4, 3, dtype=dtype)[target]
    agree = 0
    for i in range(40):
        rest = [j for j in range(40) if j != i]
        nearest = KNeighborsClassifier(1).fit(x[rest].numpy(), target[rest].numpy())
        agree += int(nearest.predict(x[i : i + 1].numpy())[0] == target[i])
    found = neighbor_agreement(x.to(device), target.to(device))
    assert found == pytest.approx(agree / 40)


def start_run():
    model = network(dropout=0.4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return model, optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 4, gamma=0.5)


def go_on(run, batches):
    model, optimizer, scheduler = run
    for batch in batches:
        train_epoch(model, optimizer, [batch])
        scheduler.step()
    return [value.clone() for value in model.state_dict().values()]


def test_resumed_runs_equal_the_uninterrupted_one_bit_for_bit_and_again():
    batches = draw_batches([6, 7, 5, 8, 6, 7, 5])
    run = start_run()
    go_on(run, batches[:3])
    kept = Checkpoint(*run, 3)
    uninterrupted = go_on(run, batches[3:])
    for _ in range(2):
        torch.manual_seed(77)
        other = start_run()
        assert kept.restore(*other) == 3
        for mine, wanted in zip(go_on(other, batches[3:]), uninterrupted, strict=True):
            assert torch.equal(mine, wanted)


def test_fade_is_torchs_hann_window_in_every_precision_and_place(device):
    for precision in (torch.float16, torch.float32, torch.float64):
        signal = torch.randn(3, 9, device=device, dtype=precision)
        window = torch.hann_window(9, periodic=False, dtype=torch.float64, device=device)
        faded = fade(signal)
        assert faded.dtype is precision and faded.device == signal.device
        tolerance = {"rtol": 1e-2, "atol": 2e-3} if precision is torch.float16 else {}
        torch.testing.assert_close(faded, (signal.double() * window).to(precision), **tolerance)
    assert fade(torch.zeros(3, 9, device="meta")).device.type == "meta"


SCORES, TARGET = torch.zeros(3, 2), torch.zeros(3).long()


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: softmax_cross_entropy(SCORES, TARGET[:2]), "scores and target"),
        (lambda: softmax_cross_entropy_gradient(SCORES[0], TARGET), "scores and target"),
        (lambda: hinge_loss(SCORES, SCORES), "scores and target"),
        (lambda: hinge_loss(SCORES, TARGET, margin=0), "margin"),
        (lambda: hinge_loss_gradient(SCORES, TARGET[:1]), "scores and target"),
        (lambda: hinge_loss_gradient(SCORES, TARGET, margin=math.nan), "margin"),
        (lambda: initial_loss(1), "num_classes"),
        (lambda: initial_loss(3, "square"), "loss"),
        (lambda: label_entropy(torch.zeros(3)), "counts"),
        (lambda: label_entropy(torch.tensor([-1, 3])), "counts"),
        (lambda: squared_error(SCORES, SCORES[0]), "prediction and target"),
        (lambda: squared_error(SCORES, SCORES, reduction="avg"), "reduction"),
        (lambda: one_hot_squared_error(SCORES, TARGET[:2]), "scores and target"),
        (lambda: learning_rate_for_sum(0.1, 0), "batch_size"),
        (lambda: regularized_loss(SCORES, {}, 0.1), "losses"),
        (lambda: regularized_loss(SCORES[0], {}, -1), "weight_decay"),
        (lambda: numeric_gradient(torch.sum, SCORES, h=0), "h: got 0"),
        (lambda: relative_error(SCORES, SCORES[0]), "analytic and numeric"),
        (lambda: gradient_verdicts(torch.sum, SCORES, SCORES), "x and analytic"),
        (lambda: gradient_verdicts(torch.sum, SCORES[0], SCORES[0], h=-1), "h: got -1"),
        (lambda: minibatches(SCORES, TARGET[:2], 1), "x and y"),
        (lambda: minibatches(SCORES, TARGET, 0), "batch_size"),
        (lambda: iterations_per_epoch(0, 3), "count and batch_size"),
        (lambda: passes_over_the_data(1, 0, 3, 4), "epoch_length"),
        (lambda: largest_batch_size(100, 30, 10), "memory"),
        (lambda: sgd_step([], -0.1), "learning_rate"),
        (lambda: precision_recall_f1(TARGET, TARGET[:2], 2), "predicted and target"),
        (lambda: precision_recall_f1(TARGET, TARGET, 1), "num_classes"),
        (lambda: macro_f1([], [], 2), "predicted and target"),
        (lambda: small_sample(torch.tensor([0, 0, 1]), 2), "per_class"),
        (lambda: small_sample(torch.tensor([0, 0, 1]), 0), "per_class"),
        (lambda: overfit(nn.Linear(2, 2), None, SCORES, TARGET, 0), "steps"),
        (lambda: neighbor_agreement(SCORES[:1], TARGET[:1]), "x and target"),
        (lambda: fade(SCORES[0]), "signal"),
    ],
)
def test_a_wrong_argument_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()

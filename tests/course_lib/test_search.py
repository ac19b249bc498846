"""Search against scipy, scikit-learn, closed forms and surfaces whose best is known."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.model_selection import ParameterGrid, ParameterSampler

from course_lib.search import (
    best_run,
    chance_of_top,
    diagnose,
    diverged_at,
    epoch_mean,
    grid,
    log_uniform,
    random_configs,
    read_curves,
    refine,
    report_winner,
    smooth,
    successive_halving,
    suggest_rate,
    sweep_rates,
    update_ratios,
)

NAN, INF = math.nan, math.inf


def a_run(**changes: Any) -> dict[str, Any]:
    """A healthy run of ten classes, changed."""
    healthy = {
        "classes": 10,
        "losses": [2.31, 1.9, 1.2, 0.8],
        "ratios": [8e-3, 2e-2, 1e-2],
        "small_sample": 1.0,
        "validation": 0.7,
    }
    return healthy | changes


FLAT = {"losses": [2.30, 2.31, 2.30], "small_sample": 0.1, "validation": 0.1}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "healthy"),
        ({"losses": [2.3, NAN, NAN], "ratios": [NAN] * 3}, "rate too high"),
        ({"losses": [2.3, 40.0, INF]}, "rate too high"),
        ({**FLAT, "losses": [2.3, 2.43], "ratios": [2e-3, 9e-3]}, "rate too high"),
        ({**FLAT, "losses": [6.0, 2.31]}, "inputs not scaled"),
        ({**FLAT, "ratios": [NAN, NAN]}, "zero weights"),
        ({**FLAT, "ratios": [0.0, 0.0]}, "dead units"),
        ({**FLAT, "ratios": [7e-7, 3e-6]}, "rate too low"),
        ({**FLAT, "small_sample": 1.0}, "wrong labels"),
    ],
)
def test_a_fault_is_named_from_what_it_leaves(changes: dict[str, Any], name: str) -> None:
    assert diagnose(a_run(**changes)) == name


def test_the_first_loss_is_compared_with_that_of_as_many_classes() -> None:
    assert diagnose(a_run(classes=300, losses=[math.log(300), 3.0])) == "healthy"
    assert diagnose(a_run(classes=3, losses=[math.log(300), 1.0])) == "inputs not scaled"


@pytest.mark.parametrize("largest", [0.5, 7.0, 300.0])
def test_a_range_test_on_a_quadratic_suggests_a_rate_clearly_below_the_critical_one(
    largest: float,
) -> None:
    curvatures = torch.logspace(-2, 0, 30, dtype=torch.float64) * largest
    w = torch.randn(30, dtype=torch.float64)
    rates, losses = sweep_rates(1e-4 / largest, 100 / largest, 200), []
    for rate in rates.tolist():
        losses.append((0.5 * curvatures * w**2).sum().item())
        w = w - rate * curvatures * w
    curve = torch.tensor(losses, dtype=torch.float64)
    suggested, critical = suggest_rate(rates, curve), 2 / largest
    assert 1e-3 * critical < suggested < critical / 4
    assert rates[curve.argmin()] > critical  # the minimum is beyond it


def test_the_suggestion_is_where_the_loss_falls_most() -> None:
    rates = torch.tensor([0.1, 0.2, 0.4, 0.8, 1.6, 3.2])
    losses = torch.tensor([2.0, 1.9, 1.5, 1.4, 1.3, 5.0])
    assert suggest_rate(rates, losses, beta=0) == pytest.approx(0.2)
    falls_again = torch.tensor([2.0, 1.9, 1.5, 1.4, 9.0, 1.45])
    assert suggest_rate(rates, falls_again, beta=0) == pytest.approx(0.2)


@pytest.mark.parametrize("broken", [NAN, INF, -INF])
def test_what_comes_after_a_loss_that_is_not_finite_has_no_say(broken: float) -> None:
    rates = torch.tensor([0.1, 0.2, 0.4, 0.8, 1.6])
    losses = torch.tensor([2.0, 1.5, 1.4, broken, -50.0])
    assert suggest_rate(rates, losses) == suggest_rate(rates[:3], losses[:3])


def test_where_nothing_falls_the_lowest_rate_is_suggested() -> None:
    rates = torch.tensor([0.1, 0.2, 0.4])
    assert suggest_rate(rates, torch.tensor([1.0, 2.0, 3.0])) == pytest.approx(0.1)


def test_log_uniform_draws_are_those_of_scipy() -> None:
    torch.manual_seed(0)
    drawn = log_uniform(3e-5, 0.7, 20_000, dtype=torch.float64)
    assert stats.kstest(drawn.numpy(), stats.loguniform(3e-5, 0.7).cdf).pvalue > 1e-3
    assert drawn.min() >= 3e-5 and drawn.max() <= 0.7


def test_uniform_draws_would_be_seen_by_that_test() -> None:
    torch.manual_seed(0)
    wrong = torch.empty(20_000, dtype=torch.float64).uniform_(3e-5, 0.7)
    assert stats.kstest(wrong.numpy(), stats.loguniform(3e-5, 0.7).cdf).pvalue < 1e-12


def test_log_uniform_gives_what_is_asked_for() -> None:
    drawn = log_uniform(0.1, 10, 7, dtype=torch.float64)
    assert drawn.shape == (7,) and drawn.dtype == torch.float64
    assert log_uniform(0.1, 10, 3, device="meta").device.type == "meta"


def test_random_configurations_are_distributed_as_those_of_scikit_learn() -> None:
    torch.manual_seed(0)
    ours = random_configs({"lr": (1e-4, 1.0, "log"), "p": (0.0, 0.5, "linear")}, 3000)
    space = {"lr": stats.loguniform(1e-4, 1.0), "p": stats.uniform(0, 0.5)}
    theirs = list(ParameterSampler(space, 3000, random_state=0))
    for name in space:
        mine, other = ([config[name] for config in configs] for configs in (ours, theirs))
        assert stats.ks_2samp(mine, other).pvalue > 1e-3
        assert len(set(mine)) > 2950  # float32 has few numbers twice
    rates, shares = ([config[name] for config in ours] for name in ("lr", "p"))
    assert abs(stats.spearmanr(rates, shares).statistic) < 0.08


def test_the_best_run_is_one_that_did_not_diverge() -> None:
    losses = torch.tensor([[NAN, 0.1], [0.9, 0.5], [0.6, 0.4], [-INF, 0.3], [0.01, 2.0]])
    assert best_run(losses) == 2
    assert best_run(losses[[0, 3]]) is None
    assert int(np.argmin(losses.mean(dim=1).numpy())) == 0  # numpy's choice


def test_choosing_leaves_the_losses_as_they_were() -> None:
    losses = torch.tensor([[NAN], [0.5]])
    best_run(losses)
    assert losses[0].isnan()


def halving_by_hand(curves: torch.Tensor, first: int, factor: int) -> tuple[list[list[int]], int]:
    """The same in other words: one training step of one run after the other."""
    steps = curves.shape[1]
    budgets = [min(first * factor**k, steps) for k in range(steps) if first * factor**k < steps]
    budgets.append(steps)
    trained = [0] * len(curves)
    left, kept = list(range(len(curves))), []
    for budget in budgets:
        for run in left:
            while trained[run] < budget:
                trained[run] += 1
        left = sorted(left)
        losses = {run: curves[run, budget - 1].item() for run in left}
        order = sorted(left, key=lambda run: (not math.isfinite(losses[run]), losses[run]))
        if any(not math.isfinite(loss) for loss in losses.values()):
            good = [run for run in left if math.isfinite(losses[run])]
            order = sorted(good, key=lambda run: losses[run]) + [r for r in left if r not in good]
        left = order[: -(-len(order) // factor)]
        kept.append(left)
        if len(left) == 1:
            break
    return kept, sum(trained)


@pytest.mark.parametrize("seed", range(20))
def test_halving_trains_as_many_steps_as_counting_one_by_one_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    runs, steps, factor = (
        int(rng.integers(1, 30)),
        int(rng.integers(1, 60)),
        int(rng.integers(2, 5)),
    )
    curves = torch.from_numpy(rng.normal(size=(runs, steps)).round(int(rng.integers(0, 3))))
    curves[rng.uniform(size=(runs, steps)) < 0.1] = rng.choice([NAN, INF, -INF])
    first = int(rng.integers(1, steps + 1))
    assert successive_halving(curves, first=first, factor=factor) == halving_by_hand(
        curves, first, factor
    )


def test_all_that_is_not_finite_ties_and_the_lower_number_is_first() -> None:
    curves = torch.tensor([[NAN, 1.0], [-INF, 1.0], [INF, 1.0], [0.5, 1.0], [NAN, 1.0], [INF, 1.0]])
    kept, _ = successive_halving(curves, first=1)
    assert kept == [[3, 0, 1], [0, 1]]


def test_a_slow_starter_loses_if_ranked_too_early() -> None:
    t = torch.arange(1, 33, dtype=torch.float64)
    slow, fast = 2 * torch.exp(-0.2 * t), 0.5 + 2 * torch.exp(-2 * t)
    curves = torch.stack([slow, fast])
    assert successive_halving(curves, first=1)[0][-1] == [1]
    assert successive_halving(curves, first=16)[0][-1] == [0]


def test_a_winner_is_reported_by_what_did_not_choose_it() -> None:
    validation = torch.tensor([[0.7, 0.8, 0.9], [0.6, 0.6, 0.99]])
    test = torch.tensor([[0.5, 0.6, 0.7], [0.9, 0.9, 0.9]], dtype=torch.float64)
    winner, mean, error = report_winner(validation, test)
    assert (winner, mean) == (0, pytest.approx(0.6))
    assert error == pytest.approx(stats.sem([0.5, 0.6, 0.7]))


def test_the_best_of_equal_ones_is_worth_less_than_it_was_chosen_for() -> None:
    rng = np.random.default_rng(0)
    chosen_for, reported = [], []
    for _ in range(300):
        validation, test = (torch.from_numpy(rng.normal(0.7, 0.03, (10, 3))) for _ in range(2))
        winner, mean, _ = report_winner(validation, test)
        chosen_for.append(validation[winner].mean().item())
        reported.append(mean)
    assert np.mean(reported) == pytest.approx(0.7, abs=0.004)
    assert np.mean(chosen_for) > 0.72


def test_a_sweep_has_equal_ratios_and_both_ends() -> None:
    rates = sweep_rates(2e-5, 0.3, 13)
    assert rates[0] == pytest.approx(2e-5) and rates[-1] == pytest.approx(0.3)
    torch.testing.assert_close(rates.log().diff(), rates.log().diff()[:1].expand(12))
    np.testing.assert_allclose(rates.numpy(), np.geomspace(2e-5, 0.3, 13))


def test_a_grid_is_that_of_scikit_learn() -> None:
    space = {"lr": [0.1, 0.01], "width": [8, 16, 32], "decay": [0.0]}
    ours, theirs = grid(space), list(ParameterGrid(space))
    assert len(ours) == 6
    assert sorted(map(sorted, (c.items() for c in ours))) == sorted(
        map(sorted, (c.items() for c in theirs))
    )
    assert [config["width"] for config in ours] == [8, 16, 32, 8, 16, 32]


def test_sixty_trials_are_enough_for_the_best_twentieth() -> None:
    assert chance_of_top(0.05, 60) == pytest.approx(0.954, abs=5e-4)
    hits = np.random.default_rng(0).uniform(size=(20_000, 9)).min(axis=1) < 0.1
    assert chance_of_top(0.1, 9) == pytest.approx(hits.mean(), abs=0.015)


def test_a_finer_range_lies_around_the_best_or_goes_on_from_the_border() -> None:
    rates = torch.tensor([1e-4, 1e-3, 1e-2, 1e-1], dtype=torch.float64)
    assert refine(rates, torch.tensor([3.0, 1.0, 2.0, NAN])) == pytest.approx((1e-4, 1e-2))
    assert refine(rates, torch.tensor([0.5, 1.0, -INF, NAN])) == pytest.approx((1e-7, 1e-3))
    assert refine(rates, torch.tensor([3.0, 2.0, 1.5, 1.0])) == pytest.approx((1e-2, 1e2))


@pytest.mark.parametrize("best", [1e-6, 3e-3, 40.0])
def test_refining_finds_an_optimum_outside_of_the_first_range(best: float) -> None:
    low, high = 1e-4, 1e-2
    for _ in range(12):
        rates = sweep_rates(low, high, 5)
        low, high = refine(rates, (rates.log() - math.log(best)) ** 2)
    assert low < best < high < 2 * low


@pytest.mark.parametrize(
    ("train", "validation", "word"),
    [
        ([0.9, 0.99, 0.999], [0.9, 0.99, 0.999], "done"),
        ([0.3, 0.5, 0.7], [0.3, 0.45, 0.6], "train longer"),
        ([0.7, 0.9, 0.99], [0.6, 0.65, 0.62], "regularize"),
        ([0.5, 0.5, 0.51], [0.5, 0.5, 0.5], "more capacity"),
    ],
)
def test_curves_say_what_to_do_next(train: list[float], validation: list[float], word: str) -> None:
    assert read_curves({"train": train, "validation": validation, "goal": 0.95}) == word


@pytest.mark.parametrize(
    ("losses", "step"),
    [
        ([2.0, 1.0, 0.5], None),
        ([2.0, NAN, 0.5], 1),
        ([2.0, 5.9, 6.1, NAN], 2),
        ([2.0, 1.0, -INF], 2),
        ([NAN], 0),
    ],
)
def test_a_divergence_is_seen_when_it_happens(losses: list[float], step: int | None) -> None:
    assert diverged_at(losses) == step


def test_ratios_are_of_the_update_and_undefined_for_zeros() -> None:
    before = [torch.tensor([3.0, 4.0]), torch.zeros(3), torch.ones(2, 2)]
    after = [torch.tensor([3.0, 4.5]), torch.ones(3), torch.ones(2, 2)]
    first, second, third = update_ratios(before, after)
    assert (first, third) == (pytest.approx(0.1), 0.0) and math.isnan(second)


@pytest.mark.parametrize("rate", [0.01, 0.3])
def test_ratios_scale_with_the_rate(rate: float) -> None:
    layer = torch.nn.Linear(3, 2)
    before = [p.detach().clone() for p in layer.parameters()]
    layer(torch.ones(4, 3)).square().sum().backward()
    slopes = [(p.grad.norm() / p.norm()).item() for p in layer.parameters() if p.grad is not None]
    torch.optim.SGD(layer.parameters(), lr=rate).step()
    ratios = update_ratios(before, list(layer.parameters()))
    assert ratios == pytest.approx([rate * slope for slope in slopes], rel=1e-4)


def test_an_epochs_mean_is_that_of_its_examples() -> None:
    examples = torch.randn(37, dtype=torch.float64)
    batches = examples.split(8)
    losses = torch.stack([batch.mean() for batch in batches])
    sizes = torch.tensor([len(batch) for batch in batches])
    assert epoch_mean(losses, sizes) == pytest.approx(examples.mean().item())
    assert losses.mean().item() != pytest.approx(examples.mean().item())


def test_a_constant_stays_as_it_is() -> None:
    torch.testing.assert_close(smooth(torch.full((30,), 2.5), beta=0.97), torch.full((30,), 2.5))


def test_a_smoothed_curve_does_not_know_the_future() -> None:
    losses = torch.randn(20, dtype=torch.float64)
    whole = smooth(losses)
    for end in range(1, 20):
        torch.testing.assert_close(smooth(losses[:end]), whole[:end])


def test_smoothing_is_a_weighted_mean() -> None:
    losses, beta = torch.randn(9, dtype=torch.float64), 0.7
    weights = beta ** torch.arange(8, -1, -1, dtype=torch.float64)
    wanted = (weights * losses).sum() / weights.sum()
    torch.testing.assert_close(smooth(losses, beta=beta)[-1], wanted)
    assert smooth(losses[:0]).shape == (0,)
    torch.testing.assert_close(smooth(losses, beta=0.0), losses)


RATES, LOSSES = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([3.0, 2.0, 1.0])


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: diagnose(a_run(classes=1)), "classes"),
        (lambda: diagnose(a_run(losses=[])), "losses"),
        (lambda: diagnose(a_run(ratios=[])), "ratios"),
        (lambda: suggest_rate(RATES, LOSSES[:2]), "rates, losses"),
        (lambda: suggest_rate(RATES.flip(0), LOSSES), "rates"),
        (lambda: suggest_rate(RATES, torch.tensor([1.0, NAN, 2.0])), "losses"),
        (lambda: suggest_rate(RATES[:1], LOSSES[:1]), "losses"),
        (lambda: suggest_rate(RATES, LOSSES, beta=1.0), "beta"),
        (lambda: log_uniform(0.0, 1.0, 3), "low, high"),
        (lambda: log_uniform(1e-3, 1e-6, 3), "low, high"),
        (lambda: log_uniform(1e-6, 1e-3, 0), "count"),
        (lambda: random_configs({"lr": (0.1, 1.0, "logarithmic")}, 3), "lr"),
        (lambda: random_configs({"lr": (0.1, 1.0, "log")}, 0), "trials"),
        (lambda: best_run(LOSSES), "losses"),
        (lambda: best_run(torch.ones(0, 3)), "losses"),
        (lambda: successive_halving(LOSSES, first=1), "curves"),
        (lambda: successive_halving(torch.ones(2, 5), first=6), "first"),
        (lambda: successive_halving(torch.ones(2, 5), first=0), "first"),
        (lambda: successive_halving(torch.ones(2, 5), first=1, factor=1), "factor"),
        (lambda: report_winner(torch.ones(4, 2), torch.ones(4, 2)), "validation, test"),
        (lambda: report_winner(torch.ones(4, 3), torch.full((4, 3), NAN)), "validation, test"),
        (lambda: sweep_rates(1.0, 0.1, 4), "low, high"),
        (lambda: sweep_rates(0.1, 1.0, 1), "steps"),
        (lambda: grid({"lr": []}), "lr"),
        (lambda: chance_of_top(1.0, 4), "share"),
        (lambda: chance_of_top(0.1, 0), "trials"),
        (lambda: refine(RATES[:2], LOSSES[:2]), "rates, losses"),
        (lambda: refine(RATES - 0.1, LOSSES), "rates"),
        (lambda: refine(RATES, torch.full((3,), NAN)), "losses"),
        (lambda: read_curves({"train": [1, 2], "validation": [1, 2], "goal": 1}), "train, val"),
        (lambda: read_curves({"train": [1] * 3, "validation": [1] * 3, "goal": 2}), "goal"),
        (lambda: diverged_at([]), "losses"),
        (lambda: diverged_at([1.0], factor=1.0), "factor"),
        (lambda: update_ratios([RATES], []), "before, after"),
        (lambda: epoch_mean(LOSSES, torch.tensor([1, 2])), "losses, sizes"),
        (lambda: epoch_mean(LOSSES, torch.tensor([1, 0, 2])), "sizes"),
        (lambda: smooth(torch.ones(2, 2)), "losses"),
        (lambda: smooth(LOSSES, beta=-0.1), "beta"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call: Callable[[], Any], named: str) -> None:
    with pytest.raises(ValueError, match=rf"^{named}.*: got .*, allowed (is|are) "):
        call()


@pytest.mark.parametrize("precision", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_any_precision_is_read(precision: torch.dtype) -> None:
    rates = torch.tensor([0.125, 0.25, 0.5], dtype=precision)
    losses = torch.tensor([3.0, 1.0, 0.875], dtype=precision)
    assert suggest_rate(rates, losses, beta=0.0) == 0.125
    assert smooth(losses).dtype == precision
    assert best_run(torch.stack([losses, losses - 0.5], dim=0)) == 1
    assert refine(rates, losses) == pytest.approx((0.25, 2.0))


def test_every_combination_of_a_grid_comes_once() -> None:
    space = {"a": range(3), "b": range(4), "c": range(2)}
    found = [tuple(config.values()) for config in grid(space)]
    assert found == list(itertools.product(range(3), range(4), range(2)))

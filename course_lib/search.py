"""Hyperparameter search: drawing candidates, stopping early, choosing, and reading what a run left.

Losses are lower the better; a number that is not finite says that a run diverged, and such a run is
never the best. A trial is one training with one choice of hyperparameters.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch


def diagnose(run: Mapping[str, Any]) -> str:
    """Name what is wrong with a training from what it left behind.

    Formula:    decided in this order, with C classes and the ratios ‖Δw‖/‖w‖ of all tensors:
                a loss that is not finite: "rate too high"; first loss far above ln C: "inputs not
                scaled"; a ratio undefined: "zero weights"; all ratios 0: "dead units"; small sample
                learned: "healthy" where the validation accuracy is far above 1/C, else "wrong
                labels"; all ratios tiny: "rate too low"; else "rate too high".
    Convention: run holds "classes" (C), "losses" (the training loss over time, a list), "ratios" (a
                list, one number a weight tensor, nan where undefined), "small_sample" (the accuracy
                on a few examples trained on alone) and "validation" (an accuracy). "Far above" is
                more than twice ln C and three times 1/C, "learned" is above 0.8, "tiny" below 1e-5.
    Raises:     ValueError for fewer than two classes and for no losses or ratios.
    Source:     Karpathy 2019, *A recipe for training neural networks*; the numbers are measured
                on MNIST-1D in lab 10.
    """
    if run["classes"] < 2:
        raise ValueError(f"classes: got {run['classes']}, allowed is classes >= 2")
    for name in ("losses", "ratios"):
        if not len(run[name]):
            raise ValueError(f"{name}: got none, allowed is one or more")

    losses, ratios = run["losses"], run["ratios"]
    if not all(math.isfinite(loss) for loss in losses):
        return "rate too high"
    if losses[0] > 2 * math.log(run["classes"]):
        return "inputs not scaled"
    if any(math.isnan(ratio) for ratio in ratios):
        return "zero weights"
    if max(ratios) == 0:
        return "dead units"
    if run["small_sample"] > 0.8:
        learns = run["validation"] > 3 / run["classes"]
        return "healthy" if learns else "wrong labels"
    return "rate too low" if max(ratios) < 1e-5 else "rate too high"


def suggest_rate(rates: torch.Tensor, losses: torch.Tensor, *, beta: float = 0.9) -> float:
    """Suggest a learning rate from a range test: where the smoothed loss falls most steeply.

    Formula:    a_i = β a_{i−1} + (1 − β) L_i from a_{−1} = 0, s_i = a_i/(1 − β^{i+1}); the rate r_i
                with the least s_{i+1} − s_i up to the minimum of s.
    Shapes:     rates (S,), equally far apart in their logarithms, losses (S,) -> one of the rates.
    Convention: L_i is the loss before the update with r_i, so that update made s_{i+1} − s_i.
                What comes after the first loss that is not finite is left out.
    Raises:     ValueError for other shapes, fewer than two finite losses before the first that is
                not, rates that do not rise, and a beta outside [0, 1).
    Source:     Smith 2017, *Cyclical learning rates*, Section 3.3 (the test; the rule of the
                steepest slope is that of later libraries).
    """
    if rates.ndim != 1 or rates.shape != losses.shape:
        shapes = f"{tuple(rates.shape)} and {tuple(losses.shape)}"
        raise ValueError(f"rates, losses: got shapes {shapes}, allowed is (S,) for both")
    if not bool((rates.diff() > 0).all()):
        raise ValueError("rates: got some that do not rise, allowed are rising ones")
    if not bool(losses[:2].isfinite().all()) or len(losses) < 2:
        raise ValueError("losses: got fewer than two finite ones at the start, allowed are two")
    if not 0 <= beta < 1:
        raise ValueError(f"beta: got {beta}, allowed is 0 <= beta < 1")

    average, smoothed = 0.0, []
    for step, loss in enumerate(losses.tolist()):
        if not math.isfinite(loss):
            break
        average = beta * average + (1 - beta) * loss  # a_i
        smoothed.append(average / (1 - beta ** (step + 1)))  # s_i
    curve = torch.tensor(smoothed, dtype=torch.float64)
    falls = curve.diff()[: int(curve.argmin()) + 1]  # s_{i+1} − s_i, up to the minimum
    return rates[falls.argmin()].item()


def log_uniform(
    low: float,
    high: float,
    count: int,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """Draw positive numbers whose logarithms are uniform: every decade is equally likely.

    Formula: x = exp(u), u ~ U(ln low, ln high).
    Shapes:  -> (count,).
    Raises:  ValueError for bounds that are not 0 < low < high < inf and a count below 1.
    Source:  Bergstra & Bengio 2012, Section 2 (rates "drawn exponentially").
    """
    if not 0 < low < high < math.inf:
        raise ValueError(f"low, high: got {low} and {high}, allowed is 0 < low < high < inf")
    if count < 1:
        raise ValueError(f"count: got {count}, allowed is count >= 1")

    logarithms = torch.empty(count, dtype=dtype, device=device)
    return logarithms.uniform_(math.log(low), math.log(high)).exp()


def random_configs(
    space: Mapping[str, tuple[float, float, str]], trials: int
) -> list[dict[str, float]]:
    """Draw the candidates of a random search: in every trial, every hyperparameter anew.

    Convention: space has (low, high, scale) for every name; scale is "log" for numbers whose order
                of magnitude is unknown (`log_uniform`) and "linear" for uniform ones.
    Raises:     ValueError for another scale and for fewer than one trial.
    Source:     Bergstra & Bengio 2012.
    """
    for name, (_, _, scale) in space.items():
        if scale not in ("log", "linear"):
            raise ValueError(f"{name}: got scale {scale!r}, allowed are 'log' and 'linear'")
    if trials < 1:
        raise ValueError(f"trials: got {trials}, allowed is trials >= 1")

    drawn = {}
    for name, (low, high, scale) in space.items():
        if scale == "log":
            drawn[name] = log_uniform(low, high, trials).tolist()
        else:
            drawn[name] = torch.empty(trials).uniform_(low, high).tolist()
    return [{name: values[trial] for name, values in drawn.items()} for trial in range(trials)]


def best_run(losses: torch.Tensor) -> int | None:
    """Choose the configuration with the lowest mean loss over its seeds, if none of them diverged.

    Formula: argmin_i (1/S) Σ_s L_is over those i whose L_is are all finite.
    Shapes:  losses (R, S), configurations by seeds -> the number of a row; None where each row has
             a loss that is not finite.
    Raises:  ValueError for another shape, or one without entries.
    Source:  IEEE 754: nan compares false with everything.
    """
    if losses.ndim != 2 or losses.numel() == 0:
        got = tuple(losses.shape)
        raise ValueError(f"losses: got shape {got}, allowed is (R, S) with R, S >= 1")

    means = losses.mean(dim=1)
    means[~losses.isfinite().all(dim=1)] = math.inf  # one diverged seed is enough
    return int(means.argmin()) if bool(means.isfinite().any()) else None


def successive_halving(
    curves: torch.Tensor, *, first: int, factor: int = 2
) -> tuple[list[list[int]], int]:
    """Train all runs for a little, keep the best part, train those for longer, and so on.

    Formula:    rung k trains its runs to step b_k = min(first · factor^k, T), ranks them by the
                loss of that step, and keeps the best ⌈n_k/factor⌉. It ends when one is left or
                when b_k = T.
    Shapes:     curves (R, T), the loss of every run after 1, 2, …, T steps -> the runs that each
                rung keeps, the best first, and the number of steps that were trained in all.
    Convention: runs go on from where they stopped, so a rung costs n_k (b_k − b_{k−1}) steps. A
                loss that is not finite ranks last; of equal ones, the run of lower number is first.
    Raises:     ValueError for another shape, a first outside 1 to T and a factor below 2.
    Source:     Jamieson & Talwalkar 2016.
    """
    if curves.ndim != 2 or curves.numel() == 0:
        got = tuple(curves.shape)
        raise ValueError(f"curves: got shape {got}, allowed is (R, T) with R, T >= 1")
    if not 1 <= first <= curves.shape[1]:
        raise ValueError(f"first: got {first}, allowed is 1 <= first <= T = {curves.shape[1]}")
    if factor < 2:
        raise ValueError(f"factor: got {factor}, allowed is factor >= 2")

    steps, runs = curves.shape[1], list(range(len(curves)))
    budget, before, cost = first, 0, 0
    rungs: list[list[int]] = []
    while True:
        cost += len(runs) * (budget - before)  # they go on from step b_{k−1}
        losses = curves[:, budget - 1]
        reached = torch.where(losses.isfinite(), losses, math.inf)  # nan and -inf last, too
        ranked = sorted(runs, key=lambda run: (reached[run].item(), run))
        runs = ranked[: math.ceil(len(ranked) / factor)]
        rungs.append(runs)
        if len(runs) == 1 or budget == steps:
            return rungs, cost
        before, budget = budget, min(budget * factor, steps)


def report_winner(validation: torch.Tensor, test: torch.Tensor) -> tuple[int, float, float]:
    """Choose by validation and report by test: the winner, its mean and the error of that.

    Formula: w = argmax_i mean_s V_is, then mean m_w of T_ws and its standard error
             √(Σ_s (T_ws − m_w)²/(S − 1))/√S.
    Shapes:  validation (R, S), test (R, S): accuracies of configurations by seeds -> the number of
             a row, and two numbers.
    Raises:  ValueError for other shapes, fewer than 3 seeds, and what is not finite.
    Source:  Bouthillier et al. 2021, *Accounting for variance in machine learning benchmarks*.
    """
    if validation.ndim != 2 or validation.shape != test.shape or validation.shape[1] < 3:
        shapes = f"{tuple(validation.shape)} and {tuple(test.shape)}"
        raise ValueError(
            f"validation, test: got shapes {shapes}, allowed is (R, S) for both, with S >= 3"
        )
    if not bool(validation.isfinite().all()) or not bool(test.isfinite().all()):
        raise ValueError("validation, test: got one that is not finite, allowed are finite ones")

    winner = int(validation.mean(dim=1).argmax())  # the test accuracies have no part in this
    std, mean = torch.std_mean(test[winner])
    return winner, mean.item(), std.item() / math.sqrt(test.shape[1])


def sweep_rates(low: float, high: float, steps: int) -> torch.Tensor:
    """Give the rates of a range test, or of a grid: equally many in every decade.

    Formula: r_i = low · (high/low)^{i/(S−1)}, i = 0, …, S − 1.
    Shapes:  -> (S,), both ends included.
    Raises:  ValueError for bounds that are not 0 < low < high < inf and fewer than two steps.
    Source:  Smith 2017 sweeps on a line; the exponential sweep is that of later libraries.
    """
    if not 0 < low < high < math.inf:
        raise ValueError(f"low, high: got {low} and {high}, allowed is 0 < low < high < inf")
    if steps < 2:
        raise ValueError(f"steps: got {steps}, allowed is steps >= 2")

    exponents = torch.arange(steps, dtype=torch.float64) / (steps - 1)
    return low * (high / low) ** exponents


def grid(space: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """List the candidates of a grid search: every value of each with every value of the others.

    Convention: the last hyperparameter varies fastest.
    Raises:     ValueError for a hyperparameter without values.
    Source:     `sklearn.model_selection.ParameterGrid`.

    >>> grid({"lr": [0.1, 0.01], "width": [8]})
    [{'lr': 0.1, 'width': 8}, {'lr': 0.01, 'width': 8}]
    """
    for name, values in space.items():
        if not len(values):
            raise ValueError(f"{name}: got no values, allowed is one or more")

    return [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]


def chance_of_top(share: float, trials: int) -> float:
    """Give the probability that at least one random trial is among the best share of all.

    Formula: 1 − (1 − q)^n.
    Raises:  ValueError for a share outside (0, 1) and fewer than one trial.
    Source:  Bergstra & Bengio 2012.
    """
    if not 0 < share < 1:
        raise ValueError(f"share: got {share}, allowed is 0 < share < 1")
    if trials < 1:
        raise ValueError(f"trials: got {trials}, allowed is trials >= 1")

    return 1 - (1 - share) ** trials


def refine(rates: torch.Tensor, losses: torch.Tensor) -> tuple[float, float]:
    """Give the range of the next, finer search: around the best rate, or beyond the border.

    Formula: with k the place of the lowest finite loss: (r_{k−1}, r_{k+1}) inside;
             (r_0²/r_{K−1}, r_1) for k = 0 and (r_{K−2}, r_{K−1}²/r_0) for k = K − 1, where the best
             may lie outside: as many decades more as the old range had.
    Shapes:  rates (K,), rising, losses (K,) -> two numbers.
    Raises:  ValueError for other shapes, fewer than three rates, rates that are not positive and
             rising, and no finite loss.
    Source:  CS231n, notes on hyperparameter search ("careful with best values on border").
    """
    if rates.ndim != 1 or rates.shape != losses.shape or len(rates) < 3:
        shapes = f"{tuple(rates.shape)} and {tuple(losses.shape)}"
        raise ValueError(f"rates, losses: got shapes {shapes}, allowed is (K,) for both, K >= 3")
    if not bool(rates[0] > 0) or not bool((rates.diff() > 0).all()):
        raise ValueError("rates: got some that do not rise from above 0, allowed are rising ones")
    if not bool(losses.isfinite().any()):
        raise ValueError("losses: got none that is finite, allowed is one or more")

    finite = losses.nan_to_num(nan=math.inf, neginf=math.inf)
    best, tried = int(finite.argmin()), rates.tolist()
    low = tried[0] ** 2 / tried[-1] if best == 0 else tried[best - 1]
    high = tried[-1] ** 2 / tried[0] if best == len(tried) - 1 else tried[best + 1]
    return low, high


def read_curves(run: Mapping[str, Any]) -> str:
    """Say what to do next from the accuracies of every epoch.

    Formula:    decided in this order, with both accuracies at the end (T, V) and that of validation
                a third of the epochs before it, V': "done" for V ≥ goal; "train longer" for
                V − V' > 0.02; "regularize" for T − V > 0.1; else "more capacity".
    Convention: run holds "train" and "validation" (lists, one accuracy an epoch) and "goal". Both
                are measured in evaluation mode, at the end of the epoch.
    Raises:     ValueError for curves of other lengths or of fewer than three epochs, and a goal
                outside (0, 1].
    Source:     CS231n, notes on babysitting the learning process.
    """
    if len(run["train"]) != len(run["validation"]) or len(run["train"]) < 3:
        got = f"{len(run['train'])} and {len(run['validation'])}"
        raise ValueError(f"train, validation: got {got} epochs, allowed are equally many, >= 3")
    if not 0 < run["goal"] <= 1:
        raise ValueError(f"goal: got {run['goal']}, allowed is 0 < goal <= 1")

    train, validation = run["train"], run["validation"]
    third = len(train) // 3
    if validation[-1] >= run["goal"]:
        return "done"
    if validation[-1] - validation[-1 - third] > 0.02:
        return "train longer"
    return "regularize" if train[-1] - validation[-1] > 0.1 else "more capacity"


def diverged_at(losses: Sequence[float], *, factor: float = 3.0) -> int | None:
    """Find the first step at which a training has diverged.

    Formula: min {t : L_t is not finite, or L_t > factor · L_0}; None where there is none.
    Raises:  ValueError for no losses and a factor that is not above 1.
    Source:  IEEE 754: nan compares false with everything.

    >>> diverged_at([2.3, 2.9, float("nan")])
    2
    """
    if not len(losses):
        raise ValueError("losses: got none, allowed is one or more")
    if not factor > 1:
        raise ValueError(f"factor: got {factor}, allowed is factor > 1")

    for step, loss in enumerate(losses):
        if not math.isfinite(loss) or loss > factor * losses[0]:
            return step
    return None


def update_ratios(before: Sequence[torch.Tensor], after: Sequence[torch.Tensor]) -> list[float]:
    """Measure how large an update is, relative to what it updates, for each parameter tensor.

    Formula: ‖w' − w‖/‖w‖ with w before and w' after the step; nan where ‖w‖ = 0.
    Shapes:  tensors of any shapes, in pairs -> one number a pair.
    Raises:  ValueError for another number of tensors, or tensors of other shapes.
    Source:  CS231n, notes on babysitting the learning process ("somewhere around 1e-3").
    """
    if [old.shape for old in before] != [new.shape for new in after]:
        raise ValueError("before, after: got other shapes, allowed are the same in both")

    ratios = []
    for old, new in zip(before, after, strict=True):
        size = torch.linalg.vector_norm(old.detach()).item()
        moved = torch.linalg.vector_norm(new.detach() - old.detach()).item()
        ratios.append(moved / size if size > 0 else math.nan)
    return ratios


def epoch_mean(losses: torch.Tensor, sizes: torch.Tensor) -> float:
    """Average the mean losses of an epoch's batches so that every example counts once.

    Formula: Σ_b n_b L_b / Σ_b n_b.
    Shapes:  losses (B,), the mean loss of each batch; sizes (B,), the examples in it -> a number.
    Raises:  ValueError for other shapes, no batches, and a size below 1.
    Source:  counting examples.
    """
    if losses.ndim != 1 or losses.shape != sizes.shape or len(losses) == 0:
        shapes = f"{tuple(losses.shape)} and {tuple(sizes.shape)}"
        raise ValueError(f"losses, sizes: got shapes {shapes}, allowed is (B,) for both, B >= 1")
    if not bool((sizes >= 1).all()):
        raise ValueError("sizes: got one below 1, allowed is each >= 1")

    return ((losses * sizes).sum() / sizes.sum()).item()


def smooth(losses: torch.Tensor, *, beta: float = 0.9) -> torch.Tensor:
    """Smooth a loss curve by an exponential average that starts without bias.

    Formula:    a_t = β a_{t−1} + (1 − β) L_t from a_{−1} = 0, s_t = a_t/(1 − β^{t+1}).
    Shapes:     (T,) -> (T,).
    Convention: causal: s_t depends on L_0, …, L_t alone.
    Raises:     ValueError for another shape and a beta outside [0, 1).
    Source:     Kingma & Ba 2015, Section 3 (the correction).
    """
    if losses.ndim != 1:
        raise ValueError(f"losses: got shape {tuple(losses.shape)}, allowed is (T,)")
    if not 0 <= beta < 1:
        raise ValueError(f"beta: got {beta}, allowed is 0 <= beta < 1")

    average, smoothed = losses.new_zeros(()), torch.empty_like(losses)
    for step, loss in enumerate(losses):
        average = beta * average + (1 - beta) * loss  # a_t
        smoothed[step] = average / (1 - beta ** (step + 1))  # s_t
    return smoothed

"""From a coarse search to a fine one, and from the winner to what is reported."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.search.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import search


def _coarse(rng, place):
    count = int(rng.integers(6, 10))
    exponents = np.cumsum(rng.uniform(0.3, 0.9, count)) - rng.uniform(5, 6)
    best = {"low": 0, "high": count - 1}.get(place, int(rng.integers(2, count - 2)))
    losses = 1 + 0.4 * np.abs(np.arange(count) - best) ** rng.uniform(0.8, 1.5)
    losses *= rng.uniform(0.97, 1.03, count)
    broken = [i for i in range(count) if abs(i - best) > 1]
    at = rng.permutation(broken)[:3]
    losses[at[:2]] = np.nan
    losses[at[2:]] = rng.choice([np.inf, -np.inf])
    return 10**exponents, losses


def _inside(rng):
    rates, losses = _coarse(rng, "inside")
    return {"rates": rates, "losses": losses}


def _at_the_low_end(rng):
    rates, losses = _coarse(rng, "low")
    losses[-1] = -np.inf
    return {"rates": rates, "losses": losses}


def _at_the_high_end(rng):
    rates, losses = _coarse(rng, "high")
    return {"rates": rates, "losses": losses - 3}


refine = lab.exercise(
    search.refine,
    title="From coarse to fine, or farther out",
    statement=(
        "A coarse search tried `rates` (K,), rising, and found `losses` (K,), some of them nan or ±inf: "
        "those diverged. Return (low, high), the range of the next search, around the best rate r_k:\n\n"
        "- inside, the rates of its two neighbors, r_{k−1} and r_{k+1};\n"
        "- at the **border** the best may lie outside: go on, by as many decades as the old range had. At the "
        "low end from r_0 · (r_0/r_{K−1}) to r_1, at the high end from r_{K−2} to r_{K−1} · "
        "(r_{K−1}/r_0)."
    ),
    points=3,
    minutes=7,
    core=False,
    difficulty=2,
    syllabus=("10.6",),
    hide=("Formula",),
    inputs=(_inside, _at_the_low_end, _at_the_high_end, _at_the_low_end),
    probe=probes.call(),
    checks=[matches_reference("the new range", rtol=1e-4), leaves_inputs_alone()],
    equivalent_mutants={
        "finite = losses.nan_to_num(nan=math.inf, neginf=math.inf) => finite = through_half(losses.nan_to_num(nan=math.inf, neginf=math.inf))": "three digits are enough to tell which",
        "right only for positive rates": "what this stands for is never negative",
    },
    hints=(
        "First the place k of the lowest *finite* loss: inf in the place of the others, then `argmin`.",
        "Then three cases: k = 0, k = K − 1, and between.",
    ),
)

refine.mistake(
    "border_accepted",
    edit(
        "tried[0] ** 2 / tried[-1] if best == 0 else tried[best - 1]", "tried[max(best - 1, 0)]"
    ).also(
        "tried[-1] ** 2 / tried[0] if best == len(tried) - 1 else tried[best + 1]",
        "tried[min(best + 1, len(tried) - 1)]",
    ),
    "At the border you stay within the old range. The best may lie outside of it: go on in that "
    "direction.",
    origin="the field's folklore",
)
refine.mistake(
    "wraps_around",
    edit("tried[0] ** 2 / tried[-1] if best == 0 else tried[best - 1]", "tried[best - 1]"),
    "For k = 0 your lower end is `rates[-1]`, the *last* rate: a negative index counts from the end. At the "
    "border the range goes on outwards.",
)
refine.mistake(
    "on_a_line",
    edit("tried[0] ** 2 / tried[-1]", "2 * tried[0] - tried[-1]").also(
        "tried[-1] ** 2 / tried[0]", "2 * tried[-1] - tried[0]"
    ),
    "You extend by a difference, and the new end may be negative. Rates are extended by a *factor*: as many "
    "decades as before.",
)
refine.mistake(
    "by_one_decade",
    edit("tried[0] ** 2 / tried[-1]", "tried[0] / 10").also(
        "tried[-1] ** 2 / tried[0]", "10 * tried[-1]"
    ),
    "You extend by one decade. Asked for are as many as the old range had.",
)
refine.mistake(
    "both_ways",
    edit(
        "else tried[best - 1]",
        "else tried[0] ** 2 / tried[-1] if best == len(tried) - 1 else tried[best - 1]",
    ),
    "At the high end you extend the low end, too. One end goes outwards, the other is the neighbor.",
)
refine.mistake(
    "nan_is_best",
    edit("losses.nan_to_num(nan=math.inf, neginf=math.inf)", "losses"),
    "A diverged run is taken for the best: `argmin` gives the place of a nan.",
)
refine.mistake(
    "minus_infinity_is_best",
    edit("nan=math.inf, neginf=math.inf", "nan=math.inf"),
    "A loss of −inf is taken for the best. It diverged as well: only finite losses count.",
)
refine.mistake(
    "highest_loss",
    edit("finite.argmin()", "torch.where(losses.isfinite(), losses, -math.inf).argmax()"),
    "You look for the highest loss. Lower is better.",
)
refine.mistake(
    "half_as_wide",
    edit("else tried[best - 1]", "else (tried[best - 1] * tried[best]) ** 0.5"),
    "Inside, the new range ends at the neighbors. You end halfway to one of them.",
)


@refine.alternative
def with_logarithms(rates, losses):
    logs = torch.log10(rates)
    usable = torch.where(torch.isfinite(losses), losses, torch.inf)
    k, width = int(usable.argmin()), logs[-1] - logs[0]
    low = logs[0] - width if k == 0 else logs[k - 1]
    high = logs[-1] + width if k == len(rates) - 1 else logs[k + 1]
    return 10**low, 10**high


@refine.alternative
def by_padding(rates, losses):
    places = [i for i in range(len(losses)) if math.isfinite(losses[i])]
    k = min(places, key=lambda i: losses[i])
    factor = rates[-1] / rates[0]
    wider = torch.cat([rates[:1] / factor, rates, rates[-1:] * factor])
    return wider[k], wider[k + 2]


def _table(rng):
    """Accuracies whose best by test, by a single seed and by validation are three rows."""
    rows, seeds = int(rng.integers(6, 10)), int(rng.integers(4, 7))
    order = rng.permutation(rows)
    truth = np.linspace(0.6, 0.7, rows)
    validation = truth[:, None] + rng.uniform(-0.004, 0.004, (rows, seeds))
    test = rng.uniform(0.5, 0.62, (rows, seeds))
    validation[-2, int(rng.integers(seeds))] += 0.08
    validation[-2] -= 0.03
    test[1] += 0.2
    return {"validation": validation[order], "test": test[order]}


report_winner = lab.exercise(
    search.report_winner,
    title="Choose by one set, report by another",
    statement=(
        "`validation` and `test` (R, S) have the accuracies of R configurations, each with S seeds. Choose the "
        "configuration with the highest mean **validation** accuracy, and report what **test** says of it. "
        "Return its number, its mean test accuracy and the standard error of that mean, s/√S, with s the "
        "standard deviation over the seeds (divided by S − 1)."
    ),
    points=3,
    minutes=6,
    core=False,
    syllabus=("10.1",),
    hide=("Formula",),
    inputs=_table,
    probe=probes.call(),
    checks=[matches_reference("number, mean and error"), leaves_inputs_alone()],
    equivalent_mutants={
        "winner = int(validation.mean(dim=1).argmax()) => winner = int(validation.sum(dim=1).argmax())": "every row has as many seeds",
        "return (winner, mean.item(), std.item() / math.sqrt(test.shape[1])) => return (winner, unconverted(mean, mean.item()), std.item() / math.sqrt(test.shape[1]))": "a tensor of one number is as good",
        "return (winner, mean.item(), std.item() / math.sqrt(test.shape[1])) => return (winner, mean.item(), unconverted(std, std.item()) / math.sqrt(test.shape[1]))": "a tensor of one number is as good",
        "right only for positive validation": "what this stands for is never negative",
        "right only for positive test": "what this stands for is never negative",
    },
    hints=(
        "`validation.mean(dim=1).argmax()` is all that the choice may look at.",
        "`test[winner].std()` divides by S − 1.",
    ),
)

report_winner.mistake(
    "chosen_by_test",
    edit("validation.mean(dim=1)", "test.mean(dim=1)"),
    "You choose by the test set. Then it is a validation set, and nothing is left to report from: what was "
    "chosen for looks better than it is.",
    origin="the field's folklore",
)
report_winner.mistake(
    "reports_the_selection_score",
    edit("torch.std_mean(test[winner])", "torch.std_mean(validation[winner])"),
    "You report the accuracy that the winner was chosen for. The best of many is also the luckiest: "
    "report what fresh data say.",
    origin="the field's folklore",
)
report_winner.mistake(
    "luckiest_seed",
    edit("validation.mean(dim=1)", "validation.max(dim=1).values"),
    "You choose by the single best seed. Compare means.",
)
report_winner.mistake(
    "best_seed_reported",
    edit("mean.item()", "test[winner].max().item()"),
    "You report the best seed. Report the mean over all of them.",
)
report_winner.mistake(
    "mean_of_all",
    edit("torch.std_mean(test[winner])", "torch.std_mean(test)"),
    "Your mean and spread are those of *all* configurations. Report the winner's.",
)
report_winner.mistake(
    "spread_for_error",
    edit(" / math.sqrt(test.shape[1])", ""),
    "You report the standard deviation of one run. The mean of S runs scatters less: divide by √S.",
)
report_winner.mistake(
    "error_without_a_root",
    edit("math.sqrt(test.shape[1])", "test.shape[1]"),
    "You divide by S. The error of a mean falls with the *root* of the number of runs.",
)
report_winner.mistake(
    "divided_by_all",
    edit("torch.std_mean(test[winner])", "torch.std_mean(test[winner], correction=0)"),
    "You divide by S in the standard deviation. From a few runs it is estimated with S − 1.",
)
report_winner.mistake(
    "divided_by_the_configurations",
    edit("test.shape[1]", "test.shape[0]"),
    "You divide by the root of the number of *configurations*. The mean is over the seeds.",
)
report_winner.mistake(
    "worst_one",
    edit(".argmax()", ".argmin()"),
    "You choose the lowest. These are accuracies: higher is better.",
)
report_winner.mistake(
    "one_seed",
    edit("mean.item()", "test[winner, 0].item()"),
    "You report one seed. It says little: report the mean of all.",
)


@report_winner.alternative
def by_numpy(validation, test):
    winner = int(np.argmax(validation.numpy().mean(axis=1)))
    runs = test.numpy()[winner]
    return winner, runs.mean(), runs.std(ddof=1) / np.sqrt(len(runs))


@report_winner.alternative
def by_hand(validation, test):
    winner = validation.sum(1).argmax()
    runs = test[winner]
    mean = runs.sum() / len(runs)
    variance = ((runs - mean) ** 2).sum() / (len(runs) - 1)
    return winner, mean, (variance / len(runs)) ** 0.5

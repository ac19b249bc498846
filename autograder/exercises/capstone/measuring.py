"""Whether a change has gained anything: by how much, and how sure that is."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.capstone.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import baseline
from course_lib.capstone import mean_gain

SPREADS = ("less than 2 points", "2 to 5 points", "more than 5 points")


def outcome_of_ten_seeds() -> str:
    """The best of the ten stored runs of the baseline, less the worst."""
    spread = 100 * (max(baseline.ACCURACIES) - min(baseline.ACCURACIES))
    return SPREADS[0 if spread < 2 else 1 if spread <= 5 else 2]


lab.prediction(
    "ten_seeds",
    title="Predict: the same run ten times",
    statement=(
        "The baseline is trained ten times; nothing differs but the seed. How far apart are the best and the "
        "worst test accuracy?"
    ),
    minutes=1,
    syllabus=("14.2",),
    choices=SPREADS,
    outcome=outcome_of_ten_seeds,
    explanation=(
        "73.1 % and 80.4 %: more than seven points, between runs of *one* program. A change that “gains three "
        "points” in one run has shown nothing. So whatever is compared in this notebook is compared over "
        "several seeds, with its standard error."
    ),
)


def _pairs(rng, seeds, least):
    """Accuracies of a change and of the baseline, as many as there are, spread unequally."""
    runs = rng.uniform(0.80, 0.9) + rng.uniform(0.01, 0.02) * rng.standard_normal(seeds)
    start = rng.uniform(0.70, 0.78) + rng.uniform(0.03, 0.05) * rng.standard_normal(least)
    return runs, start


def _runs(rng):
    runs, start = _pairs(rng, int(rng.integers(3, 5)), int(rng.integers(7, 11)))
    return {"accuracies": runs, "baseline": start}


NO_NEGATIVE_SHARES = "accuracies are shares, and none is negative"
NUMBER_EITHER_WAY = "a number comes back either way"

mean_gain_ = lab.repair(
    mean_gain,
    title="Mend: the gain of a change",
    statement=(
        "Somebody measures what a change gains: the best of its runs less the best of the baseline's. With "
        "more seeds *everything* becomes better. Mend it: return the difference of the **means** in points "
        "(hundredths of the images) and its **standard error**, √(s²/n of the one + s²/n of the other), with "
        "the variances that divide by n − 1. The seeds of the two are different ones, and not as many."
    ),
    points=3,
    minutes=7,
    difficulty=2,
    planted="best_of_each",
    syllabus=("14.2",),
    hide=("Formula",),
    inputs=_runs,
    probe=probes.call(),
    checks=[
        matches_reference("the gain in points", of="result.0"),
        matches_reference("its standard error", of="result.1"),
        leaves_inputs_alone(),
    ],
    equivalent_mutants={
        "return (points.item(), 100 * squared.sqrt().item()) => return (unconverted(points, points.item()), 100 * squared.sqrt().item())": NUMBER_EITHER_WAY,
        "return (points.item(), 100 * squared.sqrt().item()) => return (points.item(), 100 * unconverted(squared.sqrt(), squared.sqrt().item()))": NUMBER_EITHER_WAY,
        "return (points.item(), 100 * squared.sqrt().item()) => return (points.item(), 100 * squared.sqrt_().item())": "it is the answer's own",
        "right only for positive accuracies": NO_NEGATIVE_SHARES,
        "right only for positive baseline": NO_NEGATIVE_SHARES,
    },
    hints=(
        "`.var()` of torch divides by n − 1. A mean of n runs has the variance s²/n.",
        "Variances of independent means add, whether the means are added or subtracted.",
    ),
)

_POINTS = "points = 100 * (accuracies.mean() - baseline.mean())"
_SQUARED = "squared = accuracies.var() / len(accuracies) + baseline.var() / len(baseline)"

mean_gain_.mistake(
    "best_of_each",
    edit(_POINTS, "points = 100 * (accuracies.max() - baseline.max())"),
    "It compares the luckiest runs, which only get luckier the more there are.",
)
mean_gain_.mistake(
    "not_in_points",
    edit("points = 100 * (accuracies", "points = 1 * (accuracies"),
    "The gain is a share of 1. Asked for are points: times 100.",
)
mean_gain_.mistake(
    "error_not_in_points",
    edit("100 * squared.sqrt()", "squared.sqrt()"),
    "The gain is in points and its error is not: times 100, too.",
)
mean_gain_.mistake(
    "of_medians",
    edit(_POINTS, "points = 100 * (accuracies.median() - baseline.median())"),
    "You compare medians. Asked for is the difference of the means.",
)
mean_gain_.mistake(
    "sign_reversed",
    edit("accuracies.mean() - baseline.mean()", "baseline.mean() - accuracies.mean()"),
    "A gain is positive when the change is better than the baseline.",
)
mean_gain_.mistake(
    "spread_of_single_runs",
    edit(_SQUARED, "squared = accuracies.var() + baseline.var()"),
    "That is how much single runs scatter. The means scatter less: each variance is divided by its n.",
)
mean_gain_.mistake(
    "biased_variances",
    edit("accuracies.var()", "accuracies.var(correction=0)").also(
        "baseline.var()", "baseline.var(correction=0)"
    ),
    "Your variances divide by n. With three runs that is a third too small: divide by n − 1.",
)
mean_gain_.mistake(
    "baseline_without_error",
    edit(_SQUARED, "squared = accuracies.var() / len(accuracies)"),
    "The baseline's mean is uncertain, too: add its s²/n.",
)
mean_gain_.mistake(
    "errors_added",
    edit(
        "100 * squared.sqrt().item()",
        "100 * ((accuracies.var() / len(accuracies)).sqrt() + (baseline.var() / len(baseline)).sqrt()).item()",
    ),
    "You add the standard errors. Of independent means the *variances* add: √(a² + b²).",
)
mean_gain_.mistake(
    "errors_subtracted",
    edit("/ len(accuracies) + baseline.var()", "/ len(accuracies) - baseline.var()").also(
        "squared.sqrt()", "squared.abs().sqrt()"
    ),
    "The means are subtracted, their variances are added all the same: each makes the difference less certain.",
)
mean_gain_.mistake(
    "deviations_divided",
    edit("squared.sqrt().item()", "(accuracies.std() / len(accuracies) + baseline.std() / len(baseline)).item()"),
    "A standard error is s/√n, not s/n, and squares are added before the root is taken.",
)  # fmt: skip
mean_gain_.mistake(
    "all_in_one",
    edit(_SQUARED, "squared = torch.cat([accuracies, baseline]).var() / (len(accuracies) + len(baseline))"),
    "You take all runs as one sample: its variance holds the gain itself. Two samples, each with its own.",
)  # fmt: skip
mean_gain_.mistake(
    "pooled",
    edit(
        _SQUARED,
        "n, m = len(accuracies), len(baseline); squared = ((n - 1) * accuracies.var() + (m - 1) * baseline.var()) / (n + m - 2) * (1 / n + 1 / m)",
    ),
    "You pool the variances, as if both scattered alike. They do not: runs of a good recipe scatter less.",
)
mean_gain_.mistake(
    "both_are_shares",
    edit("100 * (accuracies", "1 * (accuracies").also("100 * squared", "squared"),
    "Both are shares of 1. In points they are 100 times as large.",
)
mean_gain_.mistake(
    "variance_for_error",
    edit("100 * squared.sqrt()", "100 * squared"),
    "That is the variance of the difference. A standard error is its root.",
)
mean_gain_.mistake(
    "root_of_deviations",
    edit("accuracies.var()", "accuracies.std()").also("baseline.var()", "baseline.std()"),
    "Below the root stand *variances*: s²/n, not s/n.",
)
mean_gain_.mistake(
    "all_runs_for_n",
    edit(_SQUARED, "squared = (accuracies.var() + baseline.var()) / (len(accuracies) + len(baseline))"),
    "You divide by the number of all runs. Each variance is divided by the number of its own.",
)  # fmt: skip
mean_gain_.mistake(
    "one_n_for_both",
    edit("/ len(baseline)", "/ len(accuracies)"),
    "You divide both variances by one n. The baseline has another number of runs.",
)
mean_gain_.mistake(
    "divided_by_n_less_one",
    edit("/ len(accuracies)", "/ (len(accuracies) - 1)").also("/ len(baseline)", "/ (len(baseline) - 1)"),
    "n − 1 is in `.var()` already. The variance of a mean is s²/n.",
)  # fmt: skip
mean_gain_.mistake(
    "relative_to_the_baseline",
    edit(_POINTS, "points = 100 * (accuracies.mean() / baseline.mean() - 1)"),
    "That is a gain in percent of the baseline. A point is one hundredth of the images: subtract.",
)


@mean_gain_.alternative
def by_standard_errors(accuracies, baseline):
    errors = [runs.std() / len(runs) ** 0.5 for runs in (accuracies, baseline)]
    points = accuracies.mean() * 100 - baseline.mean() * 100
    return points, 100 * torch.hypot(*errors)


@mean_gain_.alternative
def by_numpy(accuracies, baseline):
    a, b = accuracies.numpy().astype(np.float64), baseline.numpy().astype(np.float64)
    squared = a.var(ddof=1) / a.size + b.var(ddof=1) / b.size
    return float(100 * (a.mean() - b.mean())), float(100 * np.sqrt(squared))

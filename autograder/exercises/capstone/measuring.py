"""Whether a change has gained anything: by how much, and how sure that is."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.capstone.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import baseline, capstone
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


_KEPT = {"largest": (12.0, 8.0), "surest": (9.0, 0.5), "smallest": (4.0, 1.0)}
_DROPPED = {
    "one error": (1.6, 0.5),
    "hardly": (0.6, 0.2),
    "now and then": (1.2, 3.0),
    "harmful": (-6.0, 0.5),
    "uncertain": (6.0, 9.0),
}
_LUCKY, _UNLUCKY = np.array([1.5, -0.5, -0.5, -0.5]), np.array([-1.5, 0.5, 0.5, 0.5])


def _changes(rng):
    """Changes whose gain and scatter, in standard errors of the baseline's mean, tell rules apart.

    Those to be kept are the first, the last and one between, not in order, nor by their names.
    """
    start = 0.77 + 0.02 * rng.standard_normal(8)
    error = start.std(ddof=1) / 8**0.5
    names = rng.permutation(
        ["wider", "smoother", "flips", "cosine", "adamw", "dropout", "ema", "crops"]
    ).tolist()
    kept = sorted(names[:3])
    called = {"largest": kept[1], "surest": kept[2], "smallest": kept[0]}
    called |= dict(zip(_DROPPED, names[3:], strict=True))
    between = ["largest", *rng.permutation(list(_DROPPED)).tolist()]
    order = ["smallest", *rng.permutation(between).tolist(), "surest"]
    changes = {}
    for kind in order:
        center, spread = (_KEPT | _DROPPED)[kind]
        runs = _UNLUCKY if kind in ("one error", "now and then") else _LUCKY
        changes[called[kind]] = start.mean() + error * (center + spread * rng.permutation(runs))
    return {"changes": changes, "baseline": start}


worth_keeping = lab.exercise(
    capstone.worth_keeping,
    title="Which changes to keep",
    statement=(
        "`changes` has the accuracies of every change you tried, by its name. Return the list of the names "
        "whose `mean_gain` is larger than **two of its standard errors**, the largest gain first. (`mean_gain` is the "
        "function above.)"
    ),
    points=3,
    minutes=6,
    difficulty=2,
    syllabus=("14.2",),
    needs=("capstone/mean_gain",),
    inputs=_changes,
    probe=probes.call(),
    checks=[matches_reference("the names"), leaves_inputs_alone()],
    equivalent_mutants={
        "kept = [name for name, (points, error) in gains.items() if points > 2 * error] => kept = [name for name, (points, error) in gains.items() if points >= 2 * error]": "no gain is exactly two errors",
        "right only for positive changes": NO_NEGATIVE_SHARES,
        "right only for positive baseline": NO_NEGATIVE_SHARES,
    },
    hints=(
        "`points, error = mean_gain(accuracies, baseline)` for every change.",
        "`sorted(kept, key=lambda name: …, reverse=True)`",
    ),
)

worth_keeping.mistake(
    "whatever_is_positive",
    edit("points > 2 * error", "points > 0"),
    "You keep whatever came out above zero. Of changes that do nothing, half do: ask for two standard errors.",
)
worth_keeping.mistake(
    "one_standard_error",
    edit("points > 2 * error", "points > error"),
    "One standard error: a change that does nothing passes one time in six. Two were asked for.",
)
worth_keeping.mistake(
    "in_the_order_tried",
    edit("sorted(kept, key=lambda name: gains[name][0], reverse=True)", "kept"),
    "The names come in the order in which the changes were tried. The largest gain first.",
)
worth_keeping.mistake(
    "smallest_first",
    edit(", reverse=True", ""),
    "The smallest gain comes first. `reverse=True`.",
)
worth_keeping.mistake(
    "by_the_ratio",
    edit("gains[name][0], reverse", "gains[name][0] / gains[name][1], reverse"),
    "You sort by gain over error. The largest *gain* first; the error only says what counts at all.",
)
worth_keeping.mistake(
    "either_way",
    edit("points > 2 * error", "abs(points) > 2 * error"),
    "A change that clearly *harms* is among yours. Keep what gains.",
)
worth_keeping.mistake(
    "all_of_them",
    edit("if points > 2 * error", ""),
    "You sort the changes and leave none out.",
)
worth_keeping.mistake(
    "two_points",
    edit("points > 2 * error", "points > 2"),
    "Two *points* are much for one change and nothing for another that scatters. Two of its standard errors.",
)
worth_keeping.mistake(
    "only_the_best",
    edit("reverse=True)", "reverse=True)[:1]"),
    "That is the best one. All that gain more than two standard errors were asked for.",
)


@worth_keeping.mistake(
    "You judge by the lowest run of each change. What counts is the mean gain against its standard error."
)
def every_seed_better(changes, baseline):
    kept = [name for name, runs in changes.items() if runs.min() > baseline.mean()]
    return sorted(kept, key=lambda name: changes[name].mean(), reverse=True)


@worth_keeping.alternative
def one_after_the_other(changes, baseline):
    found = []
    for name in changes:
        points, error = mean_gain(changes[name], baseline)
        if points / error > 2:
            found.append((-points, name))
    return [name for _, name in sorted(found)]


FIRST = (
    "standardized inputs",
    "batch normalization",
    "AdamW on one cycle",
    "mirrored images",
)


def outcome_of_single_changes() -> str:
    """Measured in the notebook, three seeds each: +4, +6, +7 and about nothing."""
    return FIRST[2]


lab.prediction(
    "largest_single_change",
    title="Predict: one change alone",
    statement=(
        "The baseline, and *one* thing changed: its inputs are standardized; it gets batch normalization; "
        "AdamW on one cycle takes the place of SGD at a constant rate; or half of the images are mirrored at "
        "random. All for the same four epochs. Which change gains most?"
    ),
    minutes=1,
    syllabus=("14.3",),
    choices=FIRST,
    outcome=outcome_of_single_changes,
    explanation=(
        "The optimizer with its schedule, about 7 points, before batch normalization (6) and standardized inputs "
        "(4): four epochs are few, all three make more of them, and a constant rate of 0.1 ends on a noisy "
        "step. Mirrored clothes gain nothing: whoever has four epochs does not need more variety but more "
        "speed. With a hundred epochs the order would be another one; what a technique gains depends on what is "
        "short."
    ),
)

"""Choosing among runs of which some diverged."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.search.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import search

CHOSEN = ("0", "1", "2", "none: it raises an error")


def outcome_of_argmin() -> str:
    """What numpy does with a nan among the numbers."""
    return str(int(np.argmin([0.9, math.nan, 0.4])))


lab.prediction(
    "nan_among_the_losses",
    title="Predict: the best of three",
    statement=(
        "Three runs end with the validation losses 0.9, nan and 0.4. What does "
        "`np.argmin([0.9, float('nan'), 0.4])` choose?"
    ),
    minutes=1,
    syllabus=("10.8",),
    choices=CHOSEN,
    outcome=outcome_of_argmin,
    explanation=(
        "nan wins: numpy and torch give the place of a nan, without a word. `loss > limit` is never true "
        "of nan, either. So a diverged run is easily chosen, and never flagged."
    ),
)


def _plain(rng, rows, seeds):
    """Losses whose best mean, best single seed and best median are three different rows."""
    losses = rng.permutation(np.linspace(0.5, 2.5, rows))[:, None] * rng.uniform(
        0.95, 1.05, (rows, seeds)
    )
    order = losses.mean(axis=1).argsort()
    losses[order[-1], int(rng.integers(seeds))] = 0.05  # one lucky seed
    half = seeds // 2 + 1
    losses[order[1], :half] = losses.mean(axis=1)[order[0]] * 0.8
    losses[order[1], half:] = 4.0
    return losses, order


def _tables(rng):
    seeds = int(rng.integers(3, 6))

    def fresh():
        return _plain(rng, int(rng.integers(6, 10)), seeds)

    plain, _ = fresh()
    first_is_nan, order = fresh()
    first_is_nan[[0, order[2]]] = first_is_nan[[order[2], 0]]
    first_is_nan[0] = np.nan
    one_seed, order = fresh()
    one_seed[order[2]] = 0.1
    one_seed[order[2], int(rng.integers(seeds))] = np.nan
    exploded, order = fresh()
    exploded[order[2]] = 0.1
    exploded[order[2], int(rng.integers(seeds))] = np.inf
    downwards, order = fresh()
    downwards[order[2], int(rng.integers(seeds))] = -np.inf
    nothing, _ = fresh()
    nothing[np.arange(len(nothing)), rng.integers(0, seeds, len(nothing))] = np.nan
    nothing[int(rng.integers(len(nothing)))] = np.inf
    below, _ = fresh()
    below -= 9  # as log-likelihoods may be
    tables = [plain, first_is_nan, one_seed, exploded, downwards, nothing, below]
    return {"losses": [tables[place] for place in rng.permutation(len(tables))]}


best_run = lab.exercise(
    search.best_run,
    title="The best of those that did not diverge",
    statement=(
        "`losses` (R, S) has the final validation loss of R configurations, each with S seeds; a diverged "
        "run has left nan or ±inf. Return the number of the row with the lowest **mean**, among the rows "
        "whose losses are *all* finite: a configuration that diverges with one seed of three is not one you "
        "would use. If there is no such row return `None`."
    ),
    points=3,
    minutes=6,
    difficulty=2,
    syllabus=("10.8", "10.1"),
    hide=("Formula",),
    inputs=_tables,
    probe=probes.each("losses"),
    checks=[matches_reference("the chosen run"), leaves_inputs_alone()],
    equivalent_mutants={
        "means = losses.mean(dim=1) => means = through_half(losses.mean(dim=1))": "three digits tell "
        "the means apart",
        "means = losses.mean(dim=1) => means = losses.sum(dim=1)": "every row has as many seeds",
        "everything is done under torch.no_grad()": "a row is chosen, and nothing is differentiated",
    },
    hints=(
        "`losses.isfinite()` is False for nan and for both infinities; `.all(dim=1)` looks at a row.",
        "Put inf where a row must not win, and take `argmin` of the means.",
        "If no mean is finite any more, return None.",
    ),
)


best_run.mistake(
    "nan_wins",
    edit("means[~losses.isfinite().all(dim=1)] = math.inf", "pass"),
    "A diverged run wins. Take rows that are not finite out of the race first, with inf in their place: "
    "`argmin` alone gives the place of a nan, and 0 in place of a nan is lower than any loss.",
    origin="the field's folklore",
)


@best_run.mistake(
    "You take `argmin` of the means as they are, and a nan wins, without a word, as in the prediction above. "
    "Take rows that are not finite out of the race first, with inf in their place; return None where no row "
    "is left.",
    origin="the field's folklore",
)
def plain_argmin(losses):
    return int(losses.mean(dim=1).argmin())


@best_run.mistake(
    "You leave out nan alone, as `np.nanargmin` does: −inf wins, and where every row diverged one is named "
    "all the same. Ask `isfinite`, and return None where no row is left."
)
def as_nanargmin(losses):
    means = losses.mean(dim=1)
    return int(torch.where(means.isnan(), math.inf, means).argmin())


@best_run.mistake(
    "You average over the configurations and choose a seed. Average over the seeds: `dim=1`."
)
def plain_argmin_over_the_wrong_axis(losses):
    return int(losses.mean(dim=0).argmin())


@best_run.mistake(
    "You average over the seeds that did not diverge (`nanmean`). That hides the one that did, and the "
    "configuration looks better than it is."
)
def hides_the_diverged_seed(losses):
    means = losses.nanmean(dim=1)
    means[~means.isfinite()] = math.inf
    return int(means.argmin()) if means.isfinite().any() else None


best_run.mistake(
    "minus_infinity_wins",
    edit("~losses.isfinite().all(dim=1)", "losses.isnan().any(dim=1)").also(
        "means.isfinite().any()", "(means < math.inf).any()"
    ),
    "You only look for nan. A loss of −inf is not finite either, and it wins: ask `isfinite`.",
)


@best_run.mistake(
    "You count within the rows that are left. Asked for is the number of the row in the whole table."
)
def number_among_the_finite(losses):
    left = losses[losses.isfinite().all(dim=1)]
    return int(left.mean(dim=1).argmin()) if len(left) else None


@best_run.mistake(
    "You choose by the single best seed. The luckiest seed says little: compare the means."
)
def luckiest_seed(losses):
    lowest = losses.min(dim=1).values
    lowest[~losses.isfinite().all(dim=1)] = math.inf
    return int(lowest.argmin()) if bool(lowest.isfinite().any()) else None


@best_run.mistake("You compare medians. Asked for is the lowest mean.")
def by_the_median(losses):
    middle = losses.median(dim=1).values
    middle[~losses.isfinite().all(dim=1)] = math.inf
    return int(middle.argmin()) if bool(middle.isfinite().any()) else None


best_run.mistake(
    "highest",
    edit("means.argmin()", "torch.where(means.isfinite(), means, -math.inf).argmax()"),
    "You choose the highest mean. These are losses: lower is better.",
)
best_run.mistake(
    "some_row_in_any_case",
    edit("int(means.argmin()) if bool(means.isfinite().any()) else None", "int(means.argmin())"),
    "When every configuration diverged you still name one. Return None.",
)
best_run.mistake(
    "mean_over_the_configurations",
    edit("losses.mean(dim=1)", "losses.mean(dim=0)").also(".all(dim=1)", ".all(dim=0)"),
    "You average over the configurations and choose a seed. Average over the seeds: `dim=1`.",
)
best_run.mistake(
    "the_loss_itself",
    edit("int(means.argmin())", "means.min().item()"),
    "You return the loss. Asked for is the number of the row.",
)


@best_run.mistake(
    "A diverged run wins. Take rows that are not finite out of the race first, with inf in their place: "
    "`argmin` alone gives the place of a nan, and 0 in place of a nan is lower than any loss."
)
def nan_becomes_zero(losses):
    means = losses.nan_to_num(nan=0.0).mean(dim=1)
    return int(means.argmin()) if losses.isfinite().all(dim=1).any() else None


@best_run.mistake(
    "You start with row 0 and replace it when another is lower. If row 0 is nan, nothing ever is: every "
    "comparison with nan is false. Start with inf, or with None."
)
def starts_with_the_first(losses):
    best, lowest = 0, losses[0].mean()
    for row in range(1, len(losses)):
        if losses[row].isfinite().all() and losses[row].mean() < lowest:
            best, lowest = row, losses[row].mean()
    return best if losses.isfinite().all(dim=1).any() else None


@best_run.alternative
def by_a_loop(losses):
    best, lowest = None, math.inf
    for row, seeds in enumerate(losses.tolist()):
        if all(math.isfinite(loss) for loss in seeds) and sum(seeds) / len(seeds) < lowest:
            best, lowest = row, sum(seeds) / len(seeds)
    return best


@best_run.alternative
def by_the_rows_left(losses):
    rows = losses.isfinite().all(dim=1).nonzero()[:, 0]
    if len(rows) == 0:
        return None
    return rows[losses[rows].mean(dim=1).argmin()]


@best_run.alternative
def by_where(losses):
    usable = torch.isfinite(losses.sum(dim=1))
    means = torch.where(usable, losses.mean(dim=1), torch.inf)
    return means.argmin().item() if usable.any() else None

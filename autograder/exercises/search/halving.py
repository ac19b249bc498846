"""Successive halving: most of the budget for those runs that begin well."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.search.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import search


def _curves(rng, runs, steps):
    """Falling losses that cross (who is slow at first may end lowest), in steps of 0.2: many tie."""
    t = np.arange(steps)
    ends = rng.permutation(np.linspace(0.2, 1.4, runs))
    speed = 0.02 + 0.5 * rng.permutation(np.linspace(0, 1, runs)) ** 2
    curves = ends[:, None] + (2.3 - ends[:, None]) * np.exp(-speed[:, None] * t)
    return np.round(curves * rng.uniform(0.97, 1.03, curves.shape) * 5) / 5


def _kept(curves, first, factor, tie, broken=np.inf):
    """What the rounds keep, with another order of ties, or with nan where a loss is not finite."""
    losses = np.where(np.isfinite(curves), curves, broken)
    runs, budget, kept = list(range(len(curves))), first, []
    while len(runs) > 1 or not kept:
        places = {run: place for place, run in enumerate(runs)}
        ranked = sorted(
            runs, key=lambda run: (float(losses[run, budget - 1]), tie(run, places[run]))
        )
        runs = ranked[: math.ceil(len(ranked) / factor)]
        kept.append(runs)
        if budget == curves.shape[1]:
            break
        budget = min(budget * factor, curves.shape[1])
    return kept


def _tells(given):
    """Whether ties are decided in a later round, and whether a nan in the sort would be seen."""
    curves, first, factor = given["curves"], given["first"], given.get("factor", 2)
    right = _kept(curves, first, factor, lambda run, _: run)
    others = [
        _kept(curves, first, factor, lambda _, place: place),
        _kept(curves, first, factor, lambda run, _: -run),
    ]
    if not np.isfinite(curves).all():
        others.append(_kept(curves, first, factor, lambda run, _: run, broken=np.nan))
    return right not in others


def _telling(draw):
    """Draw until it tells."""

    def draw_until(rng):
        given = draw(rng)
        while not _tells(given):
            given = draw(rng)
        return given

    return draw_until


def _table(rng, *, enough):
    """One is left before the last step (``enough``), or there are several at the end."""
    factor = 3 if enough else int(rng.integers(2, 4))
    first = int(rng.integers(3, 6))
    runs = int(rng.integers(10, 20)) if enough else int(rng.integers(28, 36))
    rungs = math.ceil(math.log(runs) / math.log(factor)) + 1
    steps = first * factor ** (rungs if enough else 2) + int(rng.integers(1, first))
    curves = _curves(rng, runs, steps)
    early, late, down, back = rng.choice(runs, 4, replace=False)
    curves[early, int(rng.integers(0, first)) :] = np.nan
    curves[late, first * factor - 1 :] = np.inf
    curves[down, first - 1 :] = -np.inf
    curves[back, 0] = -3.0  # was once very low
    return {"curves": curves, "first": first, "factor": factor}


@_telling
def _to_one(rng):
    return _table(rng, enough=True)


@_telling
def _to_the_end(rng):
    return _table(rng, enough=False)


@_telling
def _mostly_diverged(rng):
    """Fewer finite losses than there are places: of the others, some are kept."""
    runs, first = int(rng.integers(14, 22)), int(rng.integers(3, 6))
    curves = _curves(rng, runs, 4 * first + int(rng.integers(1, first)))
    broken = rng.choice(runs, runs // 2 + 2, replace=False)
    for run in broken:
        curves[run, int(rng.integers(0, first)) :] = rng.choice([np.nan, np.inf, -np.inf])
    return {"curves": curves, "first": first, "factor": 2}


@_telling
def _by_halves(rng):
    """From the first step on, the factor left out; losses below zero, as log-likelihoods may be."""
    steps, runs = int(rng.integers(70, 90)), int(rng.integers(11, 16))
    return {"curves": _curves(rng, runs, steps) - 2, "first": 1}


_COARSE = "the losses are 0.2 apart or equal, so that many tie: three digits rank as all do"

successive_halving = lab.exercise(
    search.successive_halving,
    title="Successive halving",
    statement=(
        "`curves` (R, T) has the validation loss of R runs after 1, 2, …, T steps. Train all of them for "
        "`first` steps; keep the best part of them; train those on until `factor` times as many steps; and "
        "so on. As an algorithm, with b = `first` and all runs at the start:\n\n"
        "1. train the runs that are left to step b: their losses are `curves[:, b - 1]`. They *go on* "
        "from where they stopped;\n"
        "2. rank them by **that** loss, the best first; what is not finite comes last, nan and ±inf alike. Of "
        "runs that tie, the lower number is first, whatever the round before said;\n"
        "3. keep the best ⌈n/`factor`⌉ of the n;\n"
        "4. stop if one is left or b = T; otherwise b becomes min(b · `factor`, T), from 1.\n\n"
        "Return two things: the list of what each round kept, each a list of run numbers, the best first, and "
        "how many steps were trained in all.\n\n"
        "What no round has paid for must not be looked at: the later part of a curve is known here only "
        "because somebody recorded it."
    ),
    parts=[
        Part(
            "who is kept",
            3,
            (matches_reference("the runs of each round", of="result.0"), leaves_inputs_alone()),
        ),
        Part("the cost", 2, (matches_reference("the steps in all", of="result.1"),)),
    ],
    minutes=12,
    difficulty=3,
    syllabus=("10.6",),
    hide=("Formula",),
    inputs=(_to_one, _to_the_end, _by_halves, _mostly_diverged),
    probe=probes.call(),
    equivalent_mutants={
        "losses = curves[:, budget - 1] => losses = through_half(curves[:, budget - 1])": _COARSE,
        "reached = torch.where(losses.isfinite(), losses, math.inf) => reached = "
        "through_half(torch.where(losses.isfinite(), losses, math.inf))": _COARSE,
        "steps, runs = (curves.shape[1], list(range(len(curves)))) => steps, runs = (curves.shape[1], "
        "range(len(curves)))": "what is sorted is a list again",
        "ranked = sorted(runs, key=lambda run: (reached[run].item(), run)) => ranked = sorted(runs, key=lambda "
        "run: (unconverted(reached[run], reached[run].item()), run))": "tensors of one number compare as "
        "numbers do",
    },
    hints=(
        "A loop with four variables: the runs that are left, b, the b before, the cost.",
        "`sorted(runs, key=lambda run: (loss of run, run))` ranks; of equal losses the lower number is first. "
        "nan and −inf must become inf before: comparisons with nan are false, and the order is then any.",
        "A round costs `len(runs) * (b - before)`; `math.ceil(len(runs) / factor)` are kept.",
    ),
)

successive_halving.mistake(
    "ranked_by_the_end",
    edit("curves[:, budget - 1]", "curves[:, -1]"),
    "You rank by the last loss of the curves. In a search nobody has trained these runs so far: rank by "
    "the loss at step b.",
)
successive_halving.mistake(
    "one_step_ahead",
    edit("curves[:, budget - 1]", "curves[:, min(budget, steps - 1)]"),
    "You look one step too far: after b steps the loss is `curves[:, b - 1]`.",
)
successive_halving.mistake(
    "ranked_by_the_start",
    edit("curves[:, budget - 1]", "curves[:, first - 1]"),
    "You always rank by the first round's losses. Rank by those of this round, at step b.",
)
successive_halving.mistake(
    "ranked_by_the_lowest_so_far",
    edit("curves[:, budget - 1]", "curves[:, :budget].min(dim=1).values"),
    "You rank by the lowest loss so far. Asked for is the loss *at* step b.",
)
successive_halving.mistake(
    "ranked_by_the_mean",
    edit("curves[:, budget - 1]", "curves[:, :budget].mean(dim=1)"),
    "You rank by the mean of the curve so far. Asked for is the loss *at* step b.",
)
successive_halving.mistake(
    "keeps_the_worst",
    edit("(reached[run].item(), run)", "(-reached[run].item(), run)"),
    "You keep the highest losses. Lower is better.",
)
successive_halving.mistake(
    "nan_as_zero",
    edit("losses, math.inf)", "losses, math.inf).where(~losses.isnan(), 0.0)"),
    "A run with nan counts as 0 and is kept. What is not finite comes last.",
)
successive_halving.mistake(
    "minus_infinity_is_best",
    edit("losses, math.inf)", "losses, math.inf).where(losses != -math.inf, -math.inf)"),
    "A run with −inf is kept as the best. What is not finite comes last, on either side.",
)
successive_halving.mistake(
    "rounded_down",
    edit("math.ceil(len(ranked) / factor)", "max(1, len(ranked) // factor)"),
    "You keep ⌊n/factor⌋. Asked for is ⌈n/factor⌉: rounded up.",
)
successive_halving.mistake(
    "drops_that_many",
    edit("math.ceil(len(ranked) / factor)", "max(1, len(ranked) - len(ranked) // factor)").also(
        "len(runs) == 1", "len(runs) <= factor"
    ),
    "You drop n/factor of the runs. It is n/factor that is *kept*.",
)
successive_halving.mistake(
    "always_half",
    edit("/ factor)", "/ 2)"),
    "You always keep half. Asked for is ⌈n/`factor`⌉.",
)
successive_halving.mistake(
    "budget_grows_by_a_constant",
    edit("budget * factor, steps", "budget + first, steps"),
    "Your b grows by the same number every time. It is *multiplied* by `factor`.",
)
successive_halving.mistake(
    "stops_before_the_end",
    edit("budget == steps", "budget * factor > steps"),
    "You stop when another full round does not fit. The last one goes to T: min(b · factor, T).",
)
successive_halving.mistake(
    "starts_anew",
    edit("(budget - before)", "budget"),
    "You count each round from step 0. The runs go on from where they stopped: a round costs b − b' steps "
    "each.",
)
successive_halving.mistake(
    "everybody_goes_on",
    edit("cost += len(runs)", "cost += len(curves)"),
    "You count all runs in every round. Only those that are left are trained.",
)
successive_halving.mistake(
    "only_the_kept",
    edit(
        "cost += len(runs) * (budget - before)",
        "cost += math.ceil(len(runs) / factor) * (budget - before)",
    ),
    "You count the runs that a round keeps. All that *enter* it are trained in it.",
)
successive_halving.mistake(
    "rounds_counted",
    edit("cost += len(runs) * (budget - before)", "cost += len(runs)"),
    "You count runs. Each of them is trained for b − b' steps.",
)
successive_halving.mistake(
    "sorted_by_number",
    edit("rungs.append(runs)", "rungs.append(sorted(runs))"),
    "You give the runs in the order of their numbers. Asked for is the best first.",
)
successive_halving.mistake(
    "all_that_entered",
    edit("rungs.append(runs)", "rungs.append(ranked)"),
    "You list the runs that *entered* each round. Asked for are those that it kept.",
)
successive_halving.mistake(
    "ties_by_the_previous_ranking",
    edit("(reached[run].item(), run)", "reached[run].item()"),
    "Runs that tie stay in the order of the round before. Asked for is the lower number first: sort by the "
    "pair (loss, run).",
)
successive_halving.mistake(
    "ties_reversed",
    edit("(reached[run].item(), run)", "(reached[run].item(), -run)"),
    "Of runs that tie you put the higher number first. Asked for is the lower.",
)
successive_halving.mistake(
    "non_finite_dropped",
    edit("runs = ranked[", "runs = [run for run in ranked if reached[run] < math.inf]["),
    "You drop all runs that are not finite. They only come last: where ⌈n/factor⌉ is more than are finite, "
    "some of them are kept.",
)
successive_halving.mistake(
    "nan_left_in_the_sort",
    edit("losses.isfinite()", "~losses.isinf()"),
    "A nan is left among the losses that you sort. Every comparison with it is false, so the order is any: "
    "put inf in its place.",
)
successive_halving.mistake(
    "only_the_last_round",
    edit("return rungs, cost", "return rungs[-1], cost"),
    "You return what the last round kept. Asked for is a list of all rounds.",
)
successive_halving.mistake(
    "factor_fixed_at_two",
    edit("/ factor)", "/ 2)").also("budget * factor", "budget * 2"),
    "You use 2 whatever is asked for. That is only the default: use `factor`, for the part kept and for b.",
)
successive_halving.mistake(
    "local_indices",
    edit("runs = ranked[", "runs = [sorted(runs).index(run) for run in ranked]["),
    "From the second round on you give places among the runs that were left. Asked for are the numbers of "
    "the runs, the rows of `curves`.",
)


@successive_halving.alternative
def by_arrays(curves, *, first, factor=2):
    left, b, before, cost, kept = np.arange(len(curves)), first, 0, 0, []
    while True:
        cost = cost + len(left) * (b - before)
        left = np.sort(left)
        losses = curves[left, b - 1].numpy().astype(float)
        losses[~np.isfinite(losses)] = np.inf
        left = left[np.argsort(losses, kind="stable")][: -(-len(left) // factor)]
        kept.append(left.tolist())
        if len(left) == 1 or b >= curves.shape[1]:
            return kept, cost
        b, before = min(b * factor, curves.shape[1]), b


@successive_halving.alternative
def by_recursion(curves, *, first, factor=2):
    total = curves.shape[1]

    def play(runs, b, before):
        spent = len(runs) * (b - before)
        finite = [run for run in sorted(runs) if math.isfinite(curves[run, b - 1])]
        broken = [run for run in sorted(runs) if run not in finite]
        finite.sort(key=lambda run: float(curves[run, b - 1]))
        left = (finite + broken)[: (len(runs) + factor - 1) // factor]
        if len(left) == 1 or b == total:
            return [left], spent
        later, more = play(left, min(b * factor, total), b)
        return [left, *later], spent + more

    rounds, steps = play(list(range(len(curves))), first, 0)
    return rounds, torch.tensor(steps)

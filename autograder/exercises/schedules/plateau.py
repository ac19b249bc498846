"""Dropping the rate when a metric stands still: the one schedule with a memory."""

import math
from functools import partial

import numpy as np

from autograder import probes
from autograder.exercises.schedules.drawing import SCHEDULERS, draw_rate
from autograder.exercises.schedules.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import Case, check, finding
from autograder.judging.wording import brief
from autograder.judging.verdict import Finding
from course_lib import schedules


def _losses(rng, threshold, patience):
    """A validation loss: it falls, stands still, jitters, creeps, and falls once more.

    The jitter ends between two drops, so that the count matters which is set back there. The creep
    adds up to an improvement just after a drop. No two neighbors of a decision are nearer to the
    threshold than rounding reaches.
    """
    level = float(rng.uniform(2.0, 4.0))
    values = [level]

    def go(change):
        values.append(values[-1] + change * threshold)

    for _ in range(int(rng.integers(2, 5))):  # falls
        go(-rng.uniform(2, 8))
    drops, rest = int(rng.integers(1, 3)), int(rng.integers(1, patience + 1))
    for _ in range(drops * (patience + 1) + rest):  # jitters far above its best
        values.append(min(values) + threshold * float(rng.uniform(3, 12)))
    values.append(min(values) - threshold * float(rng.uniform(1.3, 1.8)))  # just good enough
    for _ in range(2 * patience + int(rng.integers(4, 8))):  # creeps: none better by enough
        go(-1 / (patience + rng.uniform(1.3, 1.7)))
    values.append(min(values) + threshold * float(rng.uniform(3, 6)))
    go(-rng.uniform(1.2, 1.6))
    for _ in range(2):  # falls
        values.append(min(values) - threshold * float(rng.uniform(2, 6)))
    bottom = values[-1]
    for _ in range(int(rng.integers(9, 14))):  # stands still, jittering
        values.append(bottom + threshold * float(rng.uniform(0.2, 5)))
    return [float(v) for v in values]


def _run(rng, mode):
    threshold = float(rng.uniform(0.02, 0.06))
    patience = int(rng.integers(1, 4))
    history = _losses(rng, threshold, patience)
    if mode == "max":
        history = [9.0 - value for value in history]
    construct = {
        "base_lr": draw_rate(rng),
        "mode": mode,
        "factor": float(rng.uniform(0.2, 0.45)),
        "patience": patience,
        "threshold": threshold,
    }
    return {"construct": construct, "history": history}


def _standing(rng, mode):
    """A loss that stands still to the last digit, with a threshold of 0: as good is not better.

    The last level is a hair below a number with few digits, to which float16 would round it up.
    """
    level = float(rng.uniform(2.0, 4.0))
    values = [level]
    for _ in range(int(rng.integers(2, 4))):
        values.append(values[-1] - float(rng.uniform(0.1, 0.4)))
    values += [values[-1]] * int(rng.integers(7, 10))
    values.append(math.floor(256 * (values[-1] - rng.uniform(0.1, 0.4))) / 256 - 1e-4)
    values += [values[-1]] * int(rng.integers(4, 8))
    construct = {
        "base_lr": draw_rate(rng),
        "mode": mode,
        "factor": float(rng.uniform(0.2, 0.45)),
        "patience": int(rng.integers(0, 3)),
        "threshold": 0.0,
    }
    return {"construct": construct, "history": values if mode == "min" else [-v for v in values]}


def _two_runs(rng, draw, modes):
    return {"runs": [draw(rng, mode) for mode in modes]}


def _rates(case: Case, mode: str):
    """Of every run in a mode: its number, the rates wanted and the rates given."""
    for number, run in enumerate(case.inputs["runs"]):
        if run["construct"]["mode"] == mode:
            wanted = np.asarray(case.expected["result"][number], dtype=float)
            rates = case.observed["result"][number]
            given = [math.nan if r is None else float(np.asarray(r).reshape(())) for r in rates]
            yield number, wanted, np.array(given)


def follows_the_metric(mode: str):
    """Compare the rate after every evaluation, in one of both modes."""

    @check(f"the rate after every evaluation, mode {mode!r}")
    def look(case: Case) -> Finding:
        for number, wanted, given in _rates(case, mode):
            if wanted.shape != given.shape:
                return finding(False, "one rate for every evaluation", brief(given))
            if np.isnan(given).any():
                return finding(False, "a rate", "None", "nothing comes back: a `return` is missing")
            wrong = np.flatnonzero(np.abs(given - wanted) > 1e-5 * wanted)
            if len(wrong):
                first, run = int(wrong[0]), case.inputs["runs"][number]
                settings = run["construct"]
                recent = ", ".join(
                    f"{v:.3f}" for v in run["history"][max(0, first - 5) : first + 1]
                )
                return finding(
                    False,
                    f"{wanted[first]:.6g} after evaluation {first + 1}",
                    f"{given[first]:.6g}",
                    "a drop too early" if given[first] < wanted[first] else "a drop too late",
                    where=f"patience {settings['patience']}, threshold "
                    f"{settings['threshold']:.3f}, last metrics {recent}",
                )
        return finding(True)

    return look


reduce_on_plateau = lab.exercise(
    schedules.ReduceOnPlateau,
    title="Drop when it stands still",
    statement=(
        "No formula of t knows when *your* network has stopped improving. AlexNet's and ResNet's "
        "authors watched the validation error and divided the rate by ten when it stood still. "
        "Write that as a class; `__init__` is given. `step(metric)` takes the metric of one "
        "evaluation and returns the rate from there on:\n\n"
        "1. It is an **improvement** if it is better than the *best* so far by more than "
        "`threshold`: below `best - threshold` in mode `'min'` (a loss), above `best + threshold` "
        "in mode `'max'` (an accuracy). Then it becomes the best, and the count of bad evaluations "
        "starts at 0.\n"
        "2. Otherwise the count of bad evaluations grows by one, and the best stays as it was.\n"
        "3. If the count is now **greater** than `patience`, multiply `self.lr` by `factor`, and "
        "count from 0 again; the best stays.\n\n"
        "So with patience 2 and the losses 1, 0.9, 0.9, 0.9, 0.9 the rate drops at the **fifth** "
        "call. There is no last step.\n\n"
        "**Convention.** As torch's `ReduceLROnPlateau` with `threshold_mode='abs'` and no cooldown "
        "(torch's default threshold is a fraction of the best)."
    ),
    parts=[
        Part("a loss", 3, (follows_the_metric("min"),)),
        Part("an accuracy", 2, (follows_the_metric("max"),)),
    ],
    minutes=15,
    difficulty=3,
    core=False,
    syllabus=("7.9",),
    blank=("step",),
    hide=("Formula",),
    inputs=(
        partial(_two_runs, draw=_run, modes=("min", "min")),
        partial(_two_runs, draw=_run, modes=("max", "max")),
        partial(_two_runs, draw=_standing, modes=("min", "max")),
        partial(_two_runs, draw=_run, modes=("min", "max")),
    ),
    probe=probes.histories("step"),
    forbidden=SCHEDULERS,
    hints=(
        "First decide: is it an improvement? The two modes differ in this only.",
        "Then the bookkeeping: best and count, or count alone.",
        "Then: is the count *greater* than patience? Two things happen.",
    ),
)


reduce_on_plateau.mistake(
    "drops_one_early",
    edit("> self.patience", ">= self.patience"),
    "You drop when the count *reaches* patience. Patience is how many bad evaluations are put up "
    "with: drop when the count is greater. (1, .9, .9, .9, .9 with patience 2 drops at the fifth "
    "call, yours at the fourth.)",
)
reduce_on_plateau.mistake(
    "returns_nothing",
    edit("return self.lr", ""),
    "`step` returns nothing. Return the rate, `self.lr`, at every call.",
)
reduce_on_plateau.mistake(
    "returns_the_old_rate",
    edit("return self.lr", "return before").also(
        'if self.mode == "min":', 'before = self.lr\nif self.mode == "min":'
    ),
    "You return the rate from before the drop. Asked for is the rate from there on: return "
    "`self.lr` last.",
)
reduce_on_plateau.mistake(
    "keeps_no_best",
    edit("self.best = metric", ""),
    "You never set `self.best`: everything is better than infinity. An improvement becomes the "
    "new best.",
)
reduce_on_plateau.mistake(
    "compares_with_the_previous",
    edit("self.best = metric", "").also(
        "if self.bad_evaluations >", "self.best = metric\nif self.bad_evaluations >"
    ),
    "You compare with the evaluation before, not with the best: a metric that goes up and down "
    "looks like an improvement every other time. Keep the best.",
)
reduce_on_plateau.mistake(
    "always_minimizes",
    edit(
        "metric > self.best + self.threshold",
        "math.isinf(self.best) or metric < self.best - self.threshold",
    ),
    "You look for smaller values in mode 'max' too: an accuracy that grows counts as bad. There, "
    "greater is better.",
)
reduce_on_plateau.mistake(
    "never_looks_at_the_mode",
    edit("metric > self.best + self.threshold", "metric < self.best - self.threshold"),
    "You do not look at the mode: with an accuracy nothing ever counts as better. In mode 'max' "
    "an improvement is above best + threshold.",
)
reduce_on_plateau.mistake(
    "keeps_the_counter",
    edit("self.lr *= self.factor\nself.bad_evaluations = 0", "self.lr *= self.factor"),
    "After a drop you go on counting, so the rate drops again at every evaluation. Start again at "
    "0.",
)
reduce_on_plateau.mistake(
    "counts_all_bad_ones",
    edit("self.best = metric\nself.bad_evaluations = 0", "self.best = metric"),
    "An improvement does not set your count back to 0: you count all bad evaluations, not those "
    "in a row.",
)
reduce_on_plateau.mistake(
    "ignores_the_threshold",
    edit("best - self.threshold", "best").also("best + self.threshold", "best"),
    "You take any improvement, however small. It must be by more than `threshold`.",
)
reduce_on_plateau.mistake(
    "as_good_is_better",
    edit("metric < self.best", "metric <= self.best").also(
        "metric > self.best", "metric >= self.best"
    ),
    "You take a metric that is *exactly* threshold better as an improvement, and with threshold 0 "
    "one that stands still. It must be better by *more* than the threshold: < and >, not ≤ and ≥.",
)
reduce_on_plateau.mistake(
    "creeps_along",
    edit("self.best = metric", "").also(
        "if self.bad_evaluations >",
        "self.best = (min if self.mode == 'min' else max)(self.best, metric)\nif self.bad_evaluations >",
    ),
    "You move `best` at improvements that are too small to count. Then a slow creep, which adds "
    "up, never counts. `best` moves only with an improvement.",
)
reduce_on_plateau.mistake(
    "threshold_the_other_way",
    edit("best - self", "best + self").also("best + self", "best - self"),
    "Your threshold points the wrong way: slightly *worse* values count as improvements. Below "
    "best − threshold, above best + threshold.",
)
reduce_on_plateau.mistake(
    "threshold_for_min_only",
    edit("best + self.threshold", "best - self.threshold"),
    "In mode 'max' you still subtract the threshold, so slightly worse values count as "
    "improvements. There it is best + threshold.",
)
reduce_on_plateau.mistake(
    "relative_threshold",
    edit("best - self.threshold", "best * (1 - self.threshold)").also(
        "best + self.threshold", "best * (1 + self.threshold)"
    ),
    "You take the threshold as a fraction of the best. That is torch's default "
    "(threshold_mode='rel'); here it is a difference, best − threshold.",
)
reduce_on_plateau.mistake(
    "forgets_the_best",
    edit("self.lr *= self.factor", "self.lr *= self.factor\nself.best = metric"),
    "After a drop you start with a new best. The best stays: only the count starts again.",
)
reduce_on_plateau.mistake(
    "starts_anew",
    edit(
        "self.lr *= self.factor",
        "self.lr *= self.factor\nself.best = math.inf if self.mode == 'min' else -math.inf",
    ),
    "After a drop you start with no best at all, so the next evaluation counts as an improvement. "
    "The best stays: only the count starts again.",
)
reduce_on_plateau.mistake(
    "subtracts_the_factor",
    edit("self.lr *= self.factor", "self.lr -= self.factor * self.lr"),
    "You take `factor` as the part that is lost. It is the part that is kept: α · factor.",
)
reduce_on_plateau.mistake(
    "divides_by_the_factor",
    edit("self.lr *= self.factor", "self.lr /= self.factor"),
    "You divide by `factor` < 1, so the rate grows. Multiply by it.",
)
reduce_on_plateau.mistake(
    "modes_exchanged",
    edit("< self.best -", "> self.best +").also("> self.best +", "< self.best -"),
    "The modes are exchanged: in mode 'min' (a loss) smaller is better, in mode 'max' (an "
    "accuracy) greater.",
)
reduce_on_plateau.mistake(
    "cooldown_after_a_drop",
    edit(
        "self.lr *= self.factor\nself.bad_evaluations = 0",
        "self.lr *= self.factor\nself.bad_evaluations = -1",
    ),
    "After a drop you let one evaluation pass that does not count. (torch can: cooldown=1.) Here "
    "the count starts again at 0 at once.",
)


@reduce_on_plateau.alternative
def by_signs(self, metric):
    gain = self.best - metric if self.mode == "min" else metric - self.best
    if gain > self.threshold:
        self.best = metric
        self.bad_evaluations = 0
        return self.lr
    self.bad_evaluations += 1
    if self.bad_evaluations == self.patience + 1:
        self.lr, self.bad_evaluations = self.lr * self.factor, 0
    return self.lr


@reduce_on_plateau.alternative
def by_a_history(self, metric):
    value = float(metric) if self.mode == "min" else -float(metric)
    best = self.best if self.mode == "min" else -self.best
    if value < best - self.threshold:
        self.best, self.since = metric, []
    else:
        self.since.append(metric)
    if len(self.since) > self.patience:
        self.since.clear()
        self.lr = self.factor * self.lr
    return self.lr

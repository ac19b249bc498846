"""The learning-rate range test: one short run with a rising rate, and what it suggests."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.search.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import search


def _plateau(rng, place):
    """A plateau, a fall, a minimum and a rise; then the loss leaps up and falls back, more steeply
    than it ever fell before.
    """
    fall, rise, top = rng.uniform(0.35, 0.45), rng.uniform(0.75, 0.8), rng.uniform(2, 4)
    losses = top * (1 - rng.uniform(0.6, 0.8) / (1 + np.exp(-(place - fall) / 0.05)))
    losses += top * np.clip((place - rise) / 0.1, 0, None) ** 2
    leap = int((rise + 0.11) * len(place))
    losses[leap : leap + 2] *= 40
    return losses


def _at_once(rng, place):
    """Falls fastest in the first steps, where an average that starts at 0 rises; below zero, too."""
    fast = np.exp(-place / rng.uniform(0.05, 0.08)) + np.where(place > 0.7, place, 0)
    return 3 * fast - rng.uniform(4, 5)


def _to_the_end(rng, place):
    """Falls until the end, fastest there."""
    return rng.uniform(3, 4) - np.exp((place - 1) / rng.uniform(0.03, 0.05))


def _leap_at_once(rng, place):
    """One huge loss right after the lowest; below zero otherwise, as a log-likelihood may be."""
    losses = -rng.uniform(4, 5) - 2 * place
    losses[int(rng.uniform(0.6, 0.8) * len(place))] = 60
    return losses + np.where(place > 0.8, place * 3, 0)


def _goes_on_after_nan(rng, place):
    """One nan after the fall; the losses that follow it lie far below, as if nothing had been."""
    losses = _plateau(rng, place)
    broken = int(rng.uniform(0.6, 0.7) * len(place))
    losses[broken:] = -rng.uniform(20, 30)
    losses[broken] = rng.choice([np.nan, np.inf, -np.inf])
    return losses


_KINDS = (_plateau, _plateau, _plateau, _at_once, _to_the_end, _leap_at_once)


def _is_clear(losses, beta):
    """Whether rounding decides neither the minimum nor the steepest fall."""
    usable = losses[: int(np.isfinite(losses).cumprod().sum())]
    average, smoothed = 0.0, []
    for step, loss in enumerate(usable):
        average = beta * average + (1 - beta) * loss
        smoothed.append(average / (1 - beta ** (step + 1)))
    falls = np.diff(smoothed)[: int(np.argmin(smoothed)) + 1]
    lowest, steepest = np.sort(smoothed)[:2], np.sort(falls)[:2]
    return len(falls) > 1 and lowest[1] - lowest[0] > 1e-5 and steepest[1] - steepest[0] > 1e-5


def _tests(rng, beta=None, broken=True):
    """Range tests over the same rates, some with losses that are not finite, at the end or before."""
    count, decades = int(rng.integers(70, 110)), rng.uniform(4, 6)
    smoothing = float(rng.uniform(0.6, 0.8)) if beta is None else beta
    curves = []
    kinds = (*_KINDS, *_KINDS, *([_goes_on_after_nan] * 2 if broken else []))
    for kind in kinds:
        clear = False
        while not clear:
            losses = kind(rng, np.arange(count) / count) * rng.uniform(0.99, 1.01, count)
            if broken and kind is not _to_the_end:
                losses[-int(rng.integers(1, 6)) :] = rng.choice([np.nan, np.inf])
            clear = _is_clear(losses, smoothing)
        curves.append(losses)
    rates = 10 ** np.linspace(-decades, rng.uniform(-0.5, 0.5), count)
    order = rng.permutation(len(curves))
    given = {"rates": rates, "losses": [curves[place] for place in order]}
    return given if beta is not None else given | {"beta": smoothing}


def _by_default(rng):
    return _tests(rng, beta=0.9)


def _all_finite(rng):
    return _tests(rng, broken=False)


_FACTOR = "a common factor moves neither the minimum nor the steepest fall"

suggest_rate = lab.exercise(
    search.suggest_rate,
    title="Read a range test",
    statement=(
        "A range test trains once, for a hundred steps or so, and raises the rate at every step. "
        "`rates` (S,) are equally far apart in their logarithms; `losses[i]` is the loss of a batch "
        "**before** the update with `rates[i]`. Suggest a rate:\n\n"
        "1. Leave out all losses from the first one on that is not finite.\n"
        "2. Smooth, for each is of one batch only: $a_i = \\beta a_{i-1} + (1-\\beta) L_i$ from "
        "$a_{-1} = 0$, and $s_i = a_i / (1-\\beta^{i+1})$. Without that division the curve would start "
        "near 0.\n"
        "3. Find the minimum of s. There the rate is too high already: it is where the loss is about to "
        "rise. So look *before* it.\n"
        "4. Return the `rates[i]` whose update made the largest fall, $s_{i+1} - s_i$ least, among those "
        "up to the minimum. (After it, when a loss leaps up and comes down, there are steeper ones.)"
    ),
    points=5,
    minutes=12,
    difficulty=2,
    syllabus=("10.2",),
    inputs=(_tests, _by_default, _all_finite, _tests),
    probe=probes.each("losses"),
    checks=[matches_reference("the suggested rate"), leaves_inputs_alone()],
    equivalent_mutants={
        "average = beta * average + (1 - beta) * loss => average = beta * average + (1 + beta) * loss": _FACTOR,
        "average = beta * average + (1 - beta) * loss => average = beta * average + (2 - beta) * loss": _FACTOR,
        "curve = torch.tensor(smoothed, dtype=torch.float64) => curve = torch.tensor(smoothed)": "float32 is "
        "exact enough to find a minimum",
        "falls = curve.diff()[:int(curve.argmin()) + 1] => falls = curve.diff()[:int(curve.argmin()) + 1 - 1]": "after "
        "the minimum comes a rise",
        "return rates[falls.argmin()].item() => return unconverted(rates[falls.argmin()], rates[falls.argmin()].item())": "a "
        "tensor of one number is as good",
        "falls = curve.diff()[:int(curve.argmin()) + 1] => falls = through_half(curve.diff()[:int(curve.argmin()) + 1])": "three "
        "digits of a fall nearly always say which is the steepest",
        "everything is done under torch.no_grad()": "a rate is chosen, and nothing is differentiated",
        "right only for positive rates": "a learning rate is positive",
    },
    hints=(
        "A loop over `losses.tolist()` with one number `average` that is remembered; "
        "`math.isfinite(loss)` says when to stop.",
        "`smoothed.argmin()` is the place of the minimum; `smoothed.diff()[i]` is s_{i+1} − s_i.",
        "`rates[smoothed.diff()[: smoothed.argmin() + 1].argmin()]`.",
    ),
)

suggest_rate.mistake(
    "at_the_minimum",
    edit("rates[falls.argmin()]", "rates[curve.argmin()]"),
    "You take the rate at the minimum of the curve. There the loss has stopped falling: that rate is at "
    "the edge of divergence. Choose where it falls most steeply.",
)
suggest_rate.mistake(
    "a_tenth_of_the_minimum",
    edit("rates[falls.argmin()]", "(rates[curve.argmin()] / 10)"),
    "You take a tenth of the rate at the minimum, a rule of thumb. Asked for is the steepest fall.",
)
suggest_rate.mistake(
    "anywhere",
    edit("[: int(curve.argmin()) + 1]", ""),
    "You look for the steepest fall also after the minimum. There the loss leaps up and comes down "
    "again, which says nothing of a good rate.",
)
suggest_rate.mistake(
    "no_smoothing",
    edit("smoothed.append(average / (1 - beta ** (step + 1)))", "smoothed.append(loss)"),
    "You read the raw losses. Each is of one batch, and the steepest fall is then mostly noise: smooth "
    "first.",
)
suggest_rate.mistake(
    "starts_near_zero",
    edit("average / (1 - beta ** (step + 1))", "average"),
    "Your average starts near 0 and rises at first, whatever the losses do: the minimum is its first "
    "entry. Divide by 1 − β^{i+1}.",
)
suggest_rate.mistake(
    "one_step_behind",
    edit("beta ** (step + 1)", "beta ** (step + 2)"),
    "Your correction counts the steps from 2. The first average is (1 − β) L₀: divide it by 1 − β¹.",
)
suggest_rate.mistake(
    "beta_on_the_new_loss",
    edit("beta * average + (1 - beta) * loss", "(1 - beta) * average + beta * loss").also(
        "1 - beta ** (step + 1)", "1 - (1 - beta) ** (step + 1)"
    ),
    "β is the weight of the *old* average: a = β a + (1 − β) L. You have it the other way round, which "
    "smooths less.",
)
suggest_rate.mistake(
    "correction_with_the_wrong_beta",
    edit("beta * average + (1 - beta) * loss", "(1 - beta) * average + beta * loss"),
    "β is the weight of the *old* average: a = β a + (1 − β) L. You have it the other way round.",
)
suggest_rate.mistake(
    "first_loss_as_a_start",
    edit("average, smoothed = 0.0, []", "average, smoothed = losses[0].item(), []").also(
        "average / (1 - beta ** (step + 1))", "average"
    ),
    "You start the average at the first loss. That removes the bias towards 0, but the first batch "
    "then counts 1/(1 − β) times as much as the others. Start at 0 and divide by 1 − β^{i+1}.",
)
suggest_rate.mistake(
    "the_rate_after",
    edit("rates[falls.argmin()]", "rates[falls.argmin() + 1]"),
    "You return the next rate. losses[i] is measured *before* the update with rates[i], so the fall "
    "from s_i to s_{i+1} is the work of rates[i].",
)
suggest_rate.mistake(
    "steepest_rise",
    edit("falls.argmin()", "falls.argmax()"),
    "You take the largest difference s_{i+1} − s_i, which is a rise. A fall is negative: take the "
    "least.",
)
suggest_rate.mistake(
    "largest_change",
    edit("falls = curve.diff()", "falls = -curve.diff().abs()").also(
        "[: int(curve.argmin()) + 1]", ""
    ),
    "You take the largest change in either direction. Where the loss rises most, the training "
    "diverges.",
)
suggest_rate.mistake(
    "over_the_rates_themselves",
    edit("falls = curve.diff()", "falls = (curve.diff() / rates[: len(curve)].diff())"),
    "You divide by the difference of the rates. They grow by a factor, so this favors the smallest; on "
    "the axis of the logarithms all are equally far apart, and the difference of the losses is enough.",
)
suggest_rate.mistake(
    "the_slope_itself",
    edit("rates[falls.argmin()]", "falls.min()"),
    "You return the slope. Asked for is the rate at which it was found.",
)
suggest_rate.mistake(
    "its_place",
    edit("rates[falls.argmin()].item()", "int(falls.argmin())"),
    "You return the place in the list. Asked for is the rate that stands there.",
)
suggest_rate.mistake(
    "beta_of_the_default",
    edit("beta * average + (1 - beta) * loss", "0.9 * average + 0.1 * loss").also(
        "1 - beta ** (step + 1)", "1 - 0.9 ** (step + 1)"
    ),
    "You smooth with 0.9 whatever is asked for. That is only the default: use `beta`.",
)


@suggest_rate.mistake(
    "What follows a loss that is not finite is not left out. From there on the average is nan, and "
    "`argmin` gives the place of a nan as if it were the lowest."
)
def goes_on_after_nan(rates, losses, *, beta=0.9):
    average, smoothed = 0.0, []
    for step, loss in enumerate(losses.tolist()):
        average = beta * average + (1 - beta) * loss
        smoothed.append(average / (1 - beta ** (step + 1)))
    curve = torch.tensor(smoothed, dtype=torch.float64)
    falls = curve.diff()[: int(curve.argmin()) + 1]
    return rates[falls.argmin()].item()


_ONLY_THOSE = (
    "You leave out only the losses that are not finite. All that come after the first of them are left out "
    "too: a training that diverged says nothing any more, even where its loss is a number again."
)

suggest_rate.mistake("goes_on_with_the_next", edit("break", "continue"), _ONLY_THOSE)


@suggest_rate.mistake(_ONLY_THOSE)
def only_the_finite_ones(rates, losses, *, beta=0.9):
    finite = losses.isfinite()
    average, smoothed = 0.0, []
    for step, loss in enumerate(losses[finite].tolist()):
        average = beta * average + (1 - beta) * loss
        smoothed.append(average / (1 - beta ** (step + 1)))
    curve = torch.tensor(smoothed, dtype=torch.float64)
    falls = curve.diff()[: int(curve.argmin()) + 1]
    return rates[finite][falls.argmin()].item()


@suggest_rate.alternative
def by_weights(rates, losses, *, beta=0.9):
    usable = int(losses.isfinite().long().cumprod(0).sum())
    rates, losses = rates[:usable], losses[:usable].double()
    steps = torch.arange(usable)
    ages = (steps[:, None] - steps).clamp(min=0)
    weights = torch.where(steps <= steps[:, None], beta ** ages.double(), 0.0)
    smoothed = weights @ losses / weights.sum(1)
    lowest = smoothed.argmin()
    fall = smoothed[1 : lowest + 1] - smoothed[:lowest]
    return rates[fall.argmin()]


@suggest_rate.alternative
def by_one_loop(rates, losses, *, beta=0.9):
    average, weight, best = 0.0, 0.0, []
    for loss in losses.double().tolist():
        if loss != loss or abs(loss) == float("inf"):
            break
        average = beta * average + (1 - beta) * loss
        weight = beta * weight + (1 - beta)
        best.append(average / weight)
    lowest = best.index(min(best))
    steps = [(best[i + 1] - best[i], i) for i in range(lowest)]
    return float(rates[min(steps)[1]])


@suggest_rate.alternative
def by_slopes(rates, losses, *, beta=0.9):
    smoothed, average = [], 0
    for i, loss in enumerate(losses):
        if not torch.isfinite(loss):
            break
        average = beta * average + (1 - beta) * float(loss)
        smoothed.append(average / (1 - beta ** (i + 1)))
    smoothed = np.array(smoothed)
    slopes = np.diff(smoothed) / math.log(rates[1] / rates[0])
    return rates[int(np.argmin(slopes[: smoothed.argmin()]))].item()

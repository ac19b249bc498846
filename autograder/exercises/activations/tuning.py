"""The learning rate of each method, chosen on validation data."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.activations.comparing import NEVER_NEGATIVE, OF_ACCURACIES
from autograder.exercises.activations.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import activations


def _search(rng):
    """Every method has a best rate of its own; the luckiest single run is at another."""
    methods, rates, seeds = (int(n) for n in rng.permutation([4, 5, 6]))
    best = rng.permutation(np.arange(max(methods, rates)) % rates)[:methods]
    distance = np.abs(np.arange(rates) - best[:, None])
    means = 0.6 - 0.03 * distance + 0.002 * rng.normal(size=(methods, rates))
    scores = means[..., None] + 0.01 * rng.normal(size=(methods, rates, seeds))
    scores -= (scores.mean(axis=2) - means)[..., None]
    lucky = (best + rng.integers(1, rates, size=methods)) % rates
    everyone = np.arange(methods)
    beside = np.where(best + 1 < rates, best + 1, best - 1)
    # Beside it all runs but one are better: the best median lies there.
    scores[everyone, beside] += 0.5 / (seeds - 1)
    scores[everyone, beside, np.minimum(everyone, 1)] -= 0.5 + 0.5 / (seeds - 1)
    scores[everyone, lucky] -= 0.2 / (seeds - 1)
    scores[everyone, lucky, 2] += 0.2 + 0.2 / (seeds - 1)
    # The best rate has one bad run, its first: its worst is not the best worst.
    scores[everyone, best] += 0.2 / (seeds - 1)
    scores[everyone, best, 0] -= 0.2 + 0.2 / (seeds - 1)
    ladder = np.sort(rng.uniform(0.001, 1, size=rates))
    return {"validation": scores, "rates": ladder}


tuned_rates = lab.exercise(
    activations.tuned_rates,
    title="To each its own learning rate",
    statement=r"""A sigmoid network wants a larger learning rate than a ReLU network. Whoever compares both
at the rate that suits one of them has compared nothing.

`validation` holds accuracies on validation data, of shape (methods, rates, seeds), `rates` the
learning rates that were tried. Return the rate to use for each method, shape (methods,): the one
with the best **mean over the seeds**.""",
    points=1,
    minutes=4,
    core=False,
    syllabus=("2.12",),
    hide=("Formula",),
    dtypes=("float64", "float64", "float64"),
    inputs=_search,
    probe=probes.call(),
    checks=[matches_reference("the chosen rates"), leaves_inputs_alone()],
    equivalent_mutants=OF_ACCURACIES
    | {f"right only for positive {name}": NEVER_NEGATIVE for name in ("validation", "rates")}
    | {
        "best = validation.mean(dim=2).argmax(dim=1) => "
        "best = validation.sum(dim=2).argmax(dim=1)": "the largest mean belongs to the largest sum",
    },
    hints=(
        "First over the seeds, then over the rates.",
        "`argmax` gives positions; `rates[positions]` the rates.",
    ),
)


@tuned_rates.mistake("You choose one rate for all methods. Each is compared at its own best.")
def shared_rate(validation, rates):
    return rates[validation.mean(dim=(0, 2)).argmax()].expand(len(validation))


@tuned_rates.mistake(
    "You pick the rate of the best single run. That rewards luck: take the mean over the seeds "
    "first."
)
def luckiest_run(validation, rates):
    return rates[validation.amax(dim=2).argmax(dim=1)]


@tuned_rates.mistake("You look at the first seed only. Average over the seeds.")
def first_seed(validation, rates):
    return rates[validation[:, :, 0].argmax(dim=1)]


@tuned_rates.mistake(
    "You pick by the worst run. A respectable criterion, but here the mean is asked for."
)
def most_reliable(validation, rates):
    return rates[validation.amin(dim=2).argmax(dim=1)]


@tuned_rates.mistake(
    "You pick by the median of the seeds. A respectable criterion, but here the mean is asked for."
)
def best_median(validation, rates):
    return rates[validation.median(dim=2).values.argmax(dim=1)]


@tuned_rates.mistake("You pick the worst rate: accuracies are to be large.")
def worst_rate(validation, rates):
    return rates[validation.mean(dim=2).argmin(dim=1)]


@tuned_rates.mistake("You pick the rate whose runs differ least, however bad.")
def steadiest(validation, rates):
    return rates[validation.std(dim=2).argmin(dim=1)]


@tuned_rates.mistake("You return positions. Return the rates that stand there.")
def indices(validation, rates):
    return validation.mean(dim=2).argmax(dim=1)


@tuned_rates.mistake("You return the best scores. Return the rates they had.")
def the_scores(validation, rates):
    return validation.mean(dim=2).amax(dim=1)


@tuned_rates.alternative
def by_loop(validation, rates):
    chosen = []
    for scores in validation:
        means = [float(s.mean()) for s in scores]
        chosen.append(rates[means.index(max(means))])
    return torch.stack(chosen)


@tuned_rates.alternative
def by_sum_and_gather(validation, rates):
    order = validation.sum(dim=-1).argsort(dim=1, descending=True)
    return torch.gather(rates.expand(len(validation), -1), 1, order[:, :1]).squeeze(1)

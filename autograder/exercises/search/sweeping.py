"""Grids: products of lists, rates with constant ratios, and what random trials do better."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.search.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import search


def _sweep(rng):
    low = float(10 ** rng.uniform(-6, -4))
    return {
        "low": low,
        "high": low * float(10 ** rng.uniform(2, 5)),
        "steps": int(rng.integers(5, 30)),
    }


sweep_rates = lab.exercise(
    search.sweep_rates,
    title="Rates for a sweep",
    statement=(
        "The rates of a range test, or of a grid: `steps` of them from `low` to `high`, both included, with "
        "a constant *ratio* between neighbors, so that every decade has as many. (On a line, nine of ten would "
        "lie in the highest decade.)"
    ),
    points=2,
    minutes=4,
    core=False,
    syllabus=("10.2", "10.3"),
    hide=("Formula",),
    inputs=_sweep,
    probe=probes.call(),
    checks=[matches_reference("the rates", rtol=1e-5)],
    equivalent_mutants={
        "exponents = torch.arange(steps, dtype=torch.float64) / (steps - 1) => exponents = torch.arange(steps) / (steps - 1)": "whole numbers are divided as exactly",
    },
    hints=(
        "`torch.logspace` takes exponents of 10; or write the i-th as low · (high/low) to some power.",
        "The power runs from 0 to 1: i/(steps − 1).",
    ),
)

sweep_rates.mistake(
    "on_a_line",
    edit("low * (high / low) ** exponents", "low + (high - low) * exponents"),
    "Your rates are equally far apart. Equal *ratios* are wanted: low · (high/low)^(i/(S−1)).",
)
sweep_rates.mistake(
    "without_the_end",
    edit("(steps - 1)", "steps"),
    "`high` is not among your rates. S rates have S − 1 gaps: divide by `steps - 1`.",
)


@sweep_rates.mistake("`torch.logspace` takes exponents of 10, not the rates themselves.")
def rates_as_exponents(low, high, steps):
    return torch.logspace(low, high, steps)


@sweep_rates.mistake("`torch.logspace` takes exponents of *10*: `math.log10`, not `math.log`.")
def natural_exponents(low, high, steps):
    return torch.logspace(math.log(low), math.log(high), steps)


@sweep_rates.mistake("These are the exponents. Undo the logarithm.")
def exponents_only(low, high, steps):
    return torch.linspace(math.log10(low), math.log10(high), steps)


sweep_rates.mistake(
    "downwards",
    edit("return low * (high / low) ** exponents", "return high * (low / high) ** exponents"),
    "Your rates fall from `high` to `low`. A range test rises.",
)


@sweep_rates.mistake("Only powers of ten. `steps` says how many there are, wherever they fall.")
def powers_of_ten(low, high, steps):
    return 10.0 ** torch.arange(math.floor(math.log10(low)), math.floor(math.log10(low)) + steps)


@sweep_rates.alternative
def by_logspace(low, high, steps):
    return torch.logspace(math.log10(low), math.log10(high), steps, dtype=torch.float64)


@sweep_rates.alternative
def by_multiplying(low, high, steps):
    ratio = (high / low) ** (1 / (steps - 1))
    return [low * ratio**i for i in range(steps)]


def _space(rng):
    names = [str(name) for name in rng.permutation(["lr", "width", "decay", "dropout", "batch"])]
    counts = rng.permutation([2, 3, 4])
    return {
        "space": {
            name: [float(value) for value in rng.uniform(0, 1, count)]
            for name, count in zip(names, counts, strict=False)
        }
    }


grid = lab.exercise(
    search.grid,
    title="A grid",
    statement=(
        "`space` has a list of values for every hyperparameter. Return the list of all combinations as "
        "dicts: every value of each with every value of the others, the last hyperparameter varying fastest."
    ),
    points=2,
    minutes=5,
    core=False,
    syllabus=("10.3",),
    inputs=_space,
    probe=probes.call(),
    checks=[matches_reference("the combinations"), leaves_inputs_alone()],
    equivalent_mutants={
        "return [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())] => return [dict(zip(space, values)) for values in itertools.product(*space.values())]": "all have the same length",
        "return [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())] => return [dict(zip(space, values, strict=False)) for values in itertools.product(*space.values())]": "all have the same length",
    },
    hints=(
        "With 2, 3 and 4 values there are 24 combinations.",
        "`itertools.product(*space.values())` gives the values; `zip(space, values)` brings back the names. "
        "Or begin with `[{}]` and extend every dict by every value.",
    ),
)


@grid.mistake(
    "You pair the first values, the second ones and so on (`zip`). A grid has every value of each with every "
    "value of the others: the product."
)
def zipped(space):
    return [dict(zip(space, values, strict=False)) for values in zip(*space.values(), strict=False)]


@grid.mistake("You vary one hyperparameter at a time. A grid has all combinations.")
def one_at_a_time(space):
    first = {name: values[0] for name, values in space.items()}
    return [{**first, name: value} for name, values in space.items() for value in values]


@grid.mistake("The first hyperparameter varies fastest in yours. Asked for is the last.")
def first_fastest(space):
    configs = [{}]
    for name, values in reversed(space.items()):
        configs = [{name: value, **config} for config in configs for value in values]
    return configs


@grid.mistake("You return bare values. Asked for are dicts with the names.")
def without_names(space):
    configs = [()]
    for values in space.values():
        configs = [(*config, value) for config in configs for value in values]
    return configs


@grid.mistake(
    "All your entries are one and the same dict, changed again and again: make a new one for each."
)
def one_dict(space):
    names, config, configs = list(space), {}, []

    def extend(place):
        if place == len(names):
            configs.append(config)
            return
        for value in space[names[place]]:
            config[names[place]] = value
            extend(place + 1)

    extend(0)
    return configs


@grid.alternative
def by_extending(space):
    configs = [{}]
    for name, values in space.items():
        configs = [{**config, name: value} for config in configs for value in values]
    return configs


@grid.alternative
def by_recursion(space):
    if not space:
        return [{}]
    (name, values), *rest = space.items()
    later = by_recursion(dict(rest))
    return [{name: value, **config} for value in values for config in later]


BETTER = ("the grid", "random trials", "about as often one as the other")


def outcome_of_nine_trials() -> str:
    """Simulated as in the notebook: one variable of two matters, nine trials each."""
    rng = np.random.default_rng(0)
    places = (np.arange(3) + 0.5) / 3
    wins = 0
    for _ in range(2000):
        peak = rng.uniform()
        wins += np.abs(rng.uniform(size=9) - peak).min() < np.abs(places - peak).min()
    return BETTER[1 if wins > 1200 else 0 if wins < 800 else 2]


lab.prediction(
    "grid_or_random",
    title="Predict: nine trials",
    statement=(
        "Two hyperparameters, of which only one matters (nobody knows which). Nine trials: a grid of 3 × 3, "
        "or nine random ones. Which more often comes closer to the best value?"
    ),
    minutes=1,
    core=False,
    syllabus=("10.3", "10.4"),
    choices=BETTER,
    outcome=outcome_of_nine_trials,
    explanation=(
        "Nine random trials test nine values of the one that matters; a 3 × 3 grid tests three, each of them "
        "three times."
    ),
)


def _share(rng):
    return {"share": float(rng.uniform(0.02, 0.12)), "trials": int(rng.integers(8, 40))}


chance_of_top = lab.value(
    search.chance_of_top,
    title="How many trials?",
    statement=(
        "With `trials` random trials, how likely is it that *at least one* of them is among the best `share` "
        "(say, 0.05) of all configurations, whatever the space looks like?"
    ),
    points=2,
    minutes=4,
    core=False,
    syllabus=("10.4",),
    hide=("Formula",),
    inputs=_share,
    probe=probes.call(),
    checks=[matches_reference("the probability", rtol=1e-5)],
    hints=("How likely is it that one trial misses? That all of them miss?",),
)


@chance_of_top.mistake(
    "That is the probability that *all* miss. At least one hits in all other cases."
)
def all_miss(share, trials):
    return (1 - share) ** trials


@chance_of_top.mistake("That is the probability that *all* trials hit.")
def all_hit(share, trials):
    return share**trials


@chance_of_top.mistake(
    "This is the expected number of hits, which may be above 1. Several trials may hit at once; ask for "
    "the chance that all miss."
)
def expected_hits(share, trials):
    return share * trials


@chance_of_top.mistake("The roles of the two are swapped: 1 − (1 − q)^n with q the share.")
def one_hit_of_all_misses(share, trials):
    return 1 - share**trials


@chance_of_top.mistake("That is *exactly* one hit. At least one is asked for.")
def exactly_one(share, trials):
    return trials * share * (1 - share) ** (trials - 1)


@chance_of_top.mistake("You use 5 %. The share is given.")
def five_percent(share, trials):
    return 1 - 0.95**trials


@chance_of_top.mistake("You use 60 trials. Their number is given.")
def sixty_trials(share, trials):
    return 1 - (1 - share) ** 60


@chance_of_top.alternative
def by_logarithms(share, trials):
    return -math.expm1(trials * math.log1p(-share))


@chance_of_top.alternative
def trial_by_trial(share, trials):
    chance = 0.0
    for _ in range(trials):
        chance = chance + (1 - chance) * share
    return chance

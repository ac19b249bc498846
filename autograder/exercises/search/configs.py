"""The candidates of a random search."""

from dataclasses import replace

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.search.lab import lab
from autograder.judging import edit
from autograder.judging.checks import Check, finding, leaves_inputs_alone
from autograder.judging.statistics import (
    entries_are_independent,
    is_log_uniform_on,
    is_uniform_on,
)
from autograder.judging.wording import brief
from course_lib import search
from course_lib.search import log_uniform

NAMES = ("lr", "weight_decay", "dropout", "momentum", "temperature")


def _space(rng):
    """Ranges over decades, one from zero, and one or two from far above, names in any order."""
    names = [str(name) for name in rng.permutation(NAMES)]
    low_rate, low_decay = (float(10 ** rng.uniform(-5, -3)) for _ in range(2))
    ranges = [
        [low_rate, low_rate * float(10 ** rng.uniform(2.5, 3.5)), "log"],
        [low_decay, low_decay * float(10 ** rng.uniform(2.5, 3.5)), "log"],
        [0.0, float(rng.uniform(0.3, 0.9)), "linear"],
        [float(rng.uniform(0.4, 0.6)), float(rng.uniform(0.85, 0.99)), "linear"],
        [float(rng.uniform(2.5, 3.5)), float(rng.uniform(6, 8)), "linear"],
    ]
    space = {name: ranges[place] for name, place in zip(names, rng.permutation(5), strict=True)}
    return {"space": space, "trials": int(rng.integers(30, 45))}


def _columns(observation):
    """What was drawn, as calls by trials by names in alphabetical order; None of another form."""
    try:
        drawn = [[dict(sorted(trial.items())) for trial in call] for call in observation["result"]]
        table = [[list(map(float, trial.values())) for trial in call] for call in drawn]
        return np.array(table, dtype=np.float64), sorted(drawn[0][0])
    except (TypeError, ValueError, AttributeError, IndexError):
        return None, []


def _form(case):
    table, names = _columns(case.observed)
    wanted = f"{case.inputs['trials']} configurations of {', '.join(sorted(case.inputs['space']))}"
    if table is None or table.ndim != 3:
        first = case.observed["result"][0] if case.observed["result"] else None
        return finding(False, wanted, brief(first), "not a list of dicts of numbers")
    seen = f"{table.shape[1]} of {', '.join(names)}"
    right = table.shape[1] == case.inputs["trials"] and names == sorted(case.inputs["space"])
    return finding(right, wanted, seen, "another number of configurations, or other names")


def _evenly(case):
    """Every number's place in its range, from 0 to 1 on the scale of the range."""
    table, names = _columns(case.observed)
    places = np.empty_like(table)
    for column, name in enumerate(names):
        low, high, scale = case.inputs["space"][name]
        drawn = table[..., column]
        if scale == "log":
            places[..., column] = np.log(drawn / low) / np.log(high / low)
        else:
            places[..., column] = (drawn - low) / (high - low)
    return places


def _on_its_scale(case):
    table, names = _columns(case.observed)
    worst = finding(True, margin=0.0)
    for column, name in enumerate(names):
        low, high, scale = case.inputs["space"][name]
        fills = is_log_uniform_on if scale == "log" else is_uniform_on
        look = fills(
            lambda low=low, **_: low,
            lambda high=high, **_: high,
            name,
            of=lambda _, column=column: table[..., column],
        )
        found = look(replace(case, inputs={}, alpha=case.alpha / len(names)))
        if not found.passed:
            return replace(found, gist=f"{scale} scale: {found.gist}", where=case.where)
        worst = max(worst, found, key=lambda one: one.margin)
    return worst


def _pattern(observation):
    """How many came, and for each name: how many differ, whether they crowd at the low end, whether
    that is near 0, whether it goes with the first name; and whether all rise from trial to trial.
    """
    table, names = _columns(observation)
    if table is None or table.ndim != 3:
        return None
    differ = [len(np.unique(column)) > 0.5 * column.size for column in table.T]
    low = np.median(table, axis=(0, 1)) < 0.5 * table.mean(axis=(0, 1))
    crowded = [bool(at_the_end) and many for at_the_end, many in zip(low, differ, strict=True)]
    lowest, highest = table.min(axis=(0, 1)), table.max(axis=(0, 1))
    near_zero = [
        bool(is_low) and many for is_low, many in zip(lowest < 0.1 * highest, differ, strict=True)
    ]
    ranks = table.argsort(axis=1).argsort(axis=1)
    together = [bool((ranks[..., 0] == column).all()) for column in ranks.transpose(2, 0, 1)]
    rising = bool((np.diff(ranks, axis=1) == 1).all())
    return names, table.shape[1], crowded, differ, near_zero, together, rising


random_configs = lab.exercise(
    search.random_configs,
    title="The candidates of a random search",
    statement=(
        "`space` says for each hyperparameter between what to draw, and on which scale:\n\n"
        "```python\n"
        'space = {"lr": (1e-4, 1.0, "log"), "dropout": (0.0, 0.5, "linear")}\n'
        "```\n\n"
        "Return a list of `trials` dicts with one number for every name, `{'lr': 0.0213, 'dropout': 0.31}`: "
        "on the scale `'log'` drawn as in `log_uniform`, which you may call, on `'linear'` uniformly. All "
        "numbers are independent: of other trials, and of the other hyperparameters."
    ),
    points=4,
    minutes=7,
    difficulty=2,
    syllabus=("10.4",),
    needs=("search/log_uniform",),
    inputs=_space,
    probe=probes.draws(count=8),
    signature=_pattern,
    checks=[
        Check("a list of configurations", _form),
        Check("each is drawn on its scale", _on_its_scale, statistical=True),
        entries_are_independent("all are drawn independently", of=_evenly),
        leaves_inputs_alone(),
    ],
    hints=(
        "For a start: a dict with a list of `trials` numbers for every name.",
        "`for name, (low, high, scale) in space.items(): …`, with `log_uniform(low, high, "
        "trials).tolist()` on the one scale and `torch.empty(trials).uniform_(low, high).tolist()` on the "
        "other.",
        "`[{name: values[trial] for name, values in drawn.items()} for trial in range(trials)]`",
    ),
)

random_configs.mistake(
    "all_linear",
    edit('scale == "log"', "False"),
    "You draw all of them uniformly. On the scale 'log' the *logarithm* is uniform: `log_uniform`.",
)
random_configs.mistake(
    "all_logarithmic",
    edit('scale == "log"', "True"),
    "On the scale 'linear' you draw over decades. There the numbers are uniform, and the range may begin "
    "at 0, which has no logarithm.",
    raises="ValueError",
)
random_configs.mistake(
    "scales_swapped",
    edit('scale == "log"', 'scale != "log"'),
    "On the scale 'linear' you draw over decades. There the numbers are uniform, and the range may begin "
    "at 0, which has no logarithm.",
    raises="ValueError",
)


@random_configs.mistake(
    "Your trials are the points of a grid. With n points a hyperparameter has only that many values, "
    "however many trials there are; a random search tries a new one in every trial.",
    origin="the field's folklore",
)
def out_of_a_grid(space, trials):
    configs = []
    for _ in range(trials):
        config = {}
        for name, (low, high, scale) in space.items():
            place = int(torch.randint(0, 4, ())) / 3
            config[name] = (
                low * (high / low) ** place if scale == "log" else low + (high - low) * place
            )
        configs.append(config)
    return configs


@random_configs.mistake(
    "All hyperparameters share one random number, so that a large rate always comes with a large decay: you "
    "search a diagonal. Draw a number for each.",
    origin="the field's folklore",
)
def on_the_diagonal(space, trials):
    configs = []
    for _ in range(trials):
        place, config = torch.rand(()).item(), {}
        for name, (low, high, scale) in space.items():
            config[name] = (
                low * (high / low) ** place if scale == "log" else low + (high - low) * place
            )
        configs.append(config)
    return configs


random_configs.mistake(
    "sorted_columns",
    edit("values[trial] for", "sorted(values)[trial] for"),
    "You sort each hyperparameter's numbers, so that a large rate always comes with a large decay: you search "
    "a diagonal. Leave them in the order in which they were drawn.",
)


@random_configs.mistake(
    "All trials are the same configuration. Draw anew in every trial (and make a new dict: "
    "`[config] * trials` holds one many times)."
)
def one_many_times(space, trials):
    config = {}
    for name, (low, high, scale) in space.items():
        place = torch.rand(()).item()
        config[name] = low * (high / low) ** place if scale == "log" else low + (high - low) * place
    return [config] * trials


random_configs.mistake(
    "linear_from_zero",
    edit("uniform_(low, high)", "uniform_(0, high)"),
    "Your numbers on the scale 'linear' begin at 0. The range begins at `low`: `uniform_(low, high)`, or "
    "`low + (high - low) * torch.rand(trials)`.",
)
random_configs.mistake(
    "linear_beyond_high",
    edit("torch.empty(trials).uniform_(low, high)", "(low + high * torch.rand(trials))"),
    "On the scale 'linear' you draw between `low` and `low + high`. The range is `high - low` wide: "
    "`low + (high - low) * torch.rand(trials)`.",
)
random_configs.mistake(
    "linear_without_low",
    edit("torch.empty(trials).uniform_(low, high)", "((high - low) * torch.rand(trials))"),
    "Your numbers on the scale 'linear' begin at 0. The range begins at `low`: `uniform_(low, high)`, or "
    "`low + (high - low) * torch.rand(trials)`.",
)
random_configs.mistake(
    "by_columns",
    edit("return [{name: values[trial] for name, values in drawn.items()} for trial in range(trials)]",
         "return drawn"),
    "You return a dict of lists. Asked for is a list of dicts, one configuration each, as a training "
    "takes it.",
)  # fmt: skip
random_configs.mistake(
    "one_too_few",
    edit("for trial in range(trials)", "for trial in range(1, trials)"),
    "There is one configuration too few: `range(trials)` has as many as asked for.",
)


@random_configs.mistake(
    "Only the hyperparameters on the scale 'log' are in your configurations. The others belong to them."
)
def without_linear_ones(space, trials):
    names = [name for name in space if space[name][2] == "log"]
    drawn = {name: log_uniform(space[name][0], space[name][1], trials).tolist() for name in names}
    return [{name: drawn[name][trial] for name in names} for trial in range(trials)]


@random_configs.alternative
def trial_by_trial(space, trials):
    configs = []
    for _ in range(trials):
        config = {}
        for name, (low, high, scale) in space.items():
            if scale == "log":
                config[name] = log_uniform(low, high, 1).item()
            else:
                config[name] = np.random.uniform(low, high)
        configs.append(config)
    return configs


@random_configs.alternative
def by_one_table(space, trials):
    places = torch.rand(trials, len(space), dtype=torch.float64)
    configs = []
    for row in places:
        config = {}
        for u, (name, (low, high, scale)) in zip(row, space.items(), strict=True):
            if scale == "log":
                config[name] = math.exp(math.log(low) + u * math.log(high / low))
            else:
                config[name] = low + u * (high - low)
        configs.append(config)
    return configs

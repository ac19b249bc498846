"""The bubble of a pipeline, and what a fair comparison of batches gives each."""

import math

import numpy as np

from autograder import probes
from autograder.exercises.distributed.lab import lab
from autograder.judging import edit
from autograder.judging.checks import matches_reference
from course_lib import distributed


def _pipelines(rng):
    stages = int(rng.integers(3, 9))
    return {"stages": stages, "micro_batches": [1, stages, *map(int, rng.integers(2, 40, size=3))]}


idle_share = lab.value(
    distributed.idle_share,
    title="The size of the bubble",
    statement=(
        "A pipeline of p stages of equal duration works through m micro-batches. Which share of its time is a stage "
        "**idle**, from the first start to the last end? Read it off your timetable, and give it as a function of p and "
        "m. For m = 1 it must be (p − 1)/p."
    ),
    points=2,
    minutes=4,
    core=False,
    syllabus=("12.8", "12.9"),
    hide=("Formula", "Convention"),
    inputs=(_pipelines, _pipelines, _pipelines),
    probe=probes.each("micro_batches"),
    checks=[matches_reference("the idle share")],
    hints=(
        "When does the last stage end? How much of that does each stage work?",
        "Makespan m + p − 1, work m.",
    ),
)

idle_share.mistake(
    "relative_to_the_work",
    edit("(micro_batches + stages - 1)", "micro_batches"),
    "(p − 1)/m is idle time compared with *work*; for m = 1 it is larger than 1. As a share of all the time it is "
    "(p − 1)/(m + p − 1).",
)
idle_share.mistake(
    "no_pipeline",
    edit("(micro_batches + stages - 1)", "stages"),
    "(p − 1)/p is the share without micro-batches. With m of them the same bubble is divided by m + p − 1.",
)
idle_share.mistake(
    "all_stages_in_the_bubble",
    edit("(stages - 1) / (micro_batches + stages - 1)", "stages / (micro_batches + stages)"),
    "You are one off: a stage is idle for p − 1 units, for it works while the first micro-batch is in it.",
)
idle_share.mistake(
    "the_busy_share",
    edit("(stages - 1) /", "micro_batches /"),
    "This is the share of time that a stage *works*. Idle is 1 minus that.",
)
idle_share.mistake(
    "a_share_of_all_work",
    edit("(micro_batches + stages - 1)", "(micro_batches * stages)"),
    "You compare the bubble with p · m, the work of all stages together. It is a share of the *time* of one stage, "
    "m + p − 1.",
)
idle_share.mistake(
    "in_units",
    edit("(stages - 1) / (micro_batches + stages - 1)", "stages - 1"),
    "p − 1 is how long a stage is idle, in units of its duration. Asked for is the *share*: divide by m + p − 1.",
)
idle_share.mistake(
    "in_percent",
    edit("(stages - 1) /", "100 * (stages - 1) /"),
    "Your share is in percent. Give it as a number between 0 and 1.",
)
idle_share.mistake(
    "all_stages_together",
    edit("(stages - 1) /", "stages * (stages - 1) /"),
    "You add up the idle time of all p stages, and divide by the time of one. Each is idle for (p − 1)/(m + p − 1) of it.",
)
idle_share.mistake(
    "a_bubble_of_all_stages",
    edit("(stages - 1) /", "stages /"),
    "Your bubble is one unit too long. A stage is idle for p − 1 units, not p: for m = 1 it must be (p − 1)/p.",
)
idle_share.mistake(
    "the_roles_swapped",
    edit("(stages - 1) /", "(micro_batches - 1) /"),
    "You have m − 1 idle units, so that more micro-batches make a larger bubble. It is p − 1, however many there are.",
)
idle_share.mistake(
    "there_and_back",
    edit(
        "(stages - 1) / (micro_batches + stages - 1)",
        "2 * (stages - 1) / (micro_batches + 2 * (stages - 1))",
    ),
    "You count the bubble twice, at the beginning and at the end. A stage that begins s units late ends p − 1 − s units early: "
    "p − 1 in all.",
)
idle_share.mistake(
    "whole_numbers",
    edit("(stages - 1) /", "(stages - 1) //"),
    "`//` rounds down, here to 0. A share needs `/`.",
)
idle_share.mistake(
    "one_too_long",
    edit("(micro_batches + stages - 1)", "(micro_batches + stages)"),
    "Your makespan is one unit too long. The last stage starts at p − 1, and works for m: m + p − 1.",
)


@idle_share.alternative
def one_minus_the_work(stages, micro_batches):
    return 1 - micro_batches / (micro_batches + stages - 1)


@idle_share.alternative
def counted(stages, micro_batches):
    busy = {(s, s + i) for s in range(stages) for i in range(micro_batches)}
    cells = stages * (max(t for _, t in busy) + 1)
    return (cells - len(busy)) / cells


def _run(rng):
    factor = int(rng.integers(3, 9))
    return {
        "steps": factor * int(rng.integers(2000, 5000)) + factor - 1,
        "batch_size": int(rng.integers(16, 65)),
        "factor": factor,
        "overhead": float(rng.uniform(0.005, 0.01)),
        "per_example": float(rng.uniform(2e-5, 8e-5)),
    }


def _tells(run):
    """Whether most of a step is left over, so that up, down and to the nearest differ, and whether
    three digits of a time are too few.
    """
    times = [
        run["overhead"] + run["per_example"] * run["batch_size"] * n for n in (1, run["factor"])
    ]
    small, large = times
    rough_small, rough_large = (float(np.float16(t)) for t in times)
    budget = run["steps"] * small / large
    rough = (run["steps"] * rough_small / large, run["steps"] * small / rough_large)
    return 0.6 < budget % 1 < 0.95 and math.floor(budget) not in map(math.floor, rough)


def _runs(rng):
    return next(run for run in iter(lambda: _run(rng), None) if _tells(run))


equal_budgets = lab.exercise(
    distributed.equal_budgets,
    title="Three fair comparisons",
    statement=(
        "Is a larger batch better? That depends on what is held equal. A run took T = `steps` steps with batches of B = "
        "`batch_size`. A step on n examples takes `overhead` + `per_example` · n seconds. How many whole steps "
        "(rounded down) does a batch of k · B get (k = `factor`)\n\n"
        '- `"examples"`: for as many examples (epochs);\n'
        '- `"steps"`: for as many updates;\n'
        '- `"time"`: in as many seconds?\n\n'
        "Return a dictionary of the three."
    ),
    points=2,
    minutes=5,
    core=False,
    syllabus=("12.10",),
    hide=("Formula",),
    inputs=(_runs, _runs, _runs),
    probe=probes.call(),
    checks=[matches_reference("the three budgets")],
    hints=(
        "T · B examples, T updates, T · t(B) seconds.",
        "`math.floor(T * t(B) / t(k * B))`: a larger batch pays the overhead less often.",
    ),
)

equal_budgets.mistake(
    "as_many_epochs_always",
    edit('"steps": steps,', '"steps": steps // factor,').also(
        "math.floor(steps * small / large)", "steps // factor"
    ),
    "All three of your budgets are that of equal examples. As many *updates* is T, and in as many seconds there are more "
    "than T/k, for the overhead is paid less often.",
)
equal_budgets.mistake(
    "rounded",
    edit("steps // factor", "math.ceil(steps / factor)").also("math.floor(", "math.ceil("),
    "You round up, or to the nearest. What is not paid for by the budget is not run: whole steps, rounded down.",
)
_NOT_WHOLE = "You give parts of steps. How many *whole* steps does the budget pay for? Round down: `//`, or `math.floor`."
equal_budgets.mistake(
    "not_rounded", edit("steps // factor", "steps / factor").also("math.floor(", "("), _NOT_WHOLE
)
equal_budgets.mistake("time_not_rounded", edit("math.floor(", "("), _NOT_WHOLE)
equal_budgets.mistake("examples_not_rounded", edit("steps // factor", "steps / factor"), _NOT_WHOLE)
equal_budgets.mistake(
    "time_rounded_up",
    edit("math.floor(", "math.ceil("),
    "You round the steps for equal time up, or to the nearest. The last one may end after the budget: round down.",
)
equal_budgets.mistake(
    "fewer_updates",
    edit('"steps": steps,', '"steps": steps // factor,'),
    "For as many *updates* you give T/k. A step is an update, whatever the batch: T.",
)
equal_budgets.mistake(
    "as_many_for_equal_examples",
    edit("steps // factor", "steps"),
    "For as many examples you give T steps. Each of them takes k times as many examples: T/k, rounded down.",
)
equal_budgets.mistake(
    "more_for_equal_examples",
    edit("steps // factor", "steps * factor"),
    "For as many examples you give k times as many steps. A larger batch takes *more* examples a step, so that it gets "
    "fewer: T/k, rounded down.",
)
equal_budgets.mistake(
    "factor_for_the_batch",
    edit("per_example * batch_size * factor", "per_example * factor"),
    "You take k for the size of the large batch. It has k · B examples.",
)
equal_budgets.mistake(
    "the_seconds",
    edit("math.floor(steps * small / large)", "steps * small"),
    "For equal time you give the seconds, T · t(B). How many steps of t(k · B) fit into them?",
)
equal_budgets.mistake(
    "overhead_once",
    edit(
        "math.floor(steps * small / large)",
        "math.floor((steps * small - overhead) / (large - overhead))",
    ),
    "You pay the overhead once for the whole run. Every step pays it: t(n) = overhead + per_example · n.",
)
_K_TIMES_AS_LONG = (
    "In as many seconds you give T/k steps, as if a step on k · B examples took k times as long as one on B. The overhead "
    "is paid once a step, whatever the batch."
)
equal_budgets.mistake(
    "no_overhead",
    edit("small = overhead + per_example * batch_size", "small = per_example * batch_size").also(
        "large = overhead + per_example * batch_size * factor",
        "large = per_example * batch_size * factor",
    ),
    _K_TIMES_AS_LONG,
)
equal_budgets.mistake(
    "overhead_for_each_batch",
    edit(
        "large = overhead + per_example * batch_size * factor",
        "large = (overhead + per_example * batch_size) * factor",
    ),
    _K_TIMES_AS_LONG,
)
equal_budgets.mistake(
    "time_of_one_batch_size",
    edit("math.floor(steps * small / large)", "steps"),
    "With as many seconds you give the large batch as many steps. One of its steps takes longer.",
)
equal_budgets.mistake(
    "upside_down",
    edit("steps * small / large", "steps * large / small"),
    "Your ratio of times is upside down: larger batches take longer, so that there are fewer of them.",
)
equal_budgets.mistake(
    "examples_not_steps",
    edit("steps // factor", "steps * batch_size"),
    "For equal examples you give the number of examples. Asked for is how many *steps* of k · B make that many.",
)


@equal_budgets.alternative
def by_totals(steps, batch_size, factor, *, overhead, per_example):
    seconds = steps * (overhead + per_example * batch_size)
    return {
        "time": int(seconds / (overhead + per_example * factor * batch_size)),
        "examples": (steps * batch_size) // (factor * batch_size),
        "steps": steps,
    }


@equal_budgets.alternative
def one_by_one(steps, batch_size, factor, *, overhead, per_example):
    def cost(n):
        return overhead + per_example * n

    ratio = cost(batch_size) / cost(batch_size * factor)
    return dict(examples=math.floor(steps / factor), steps=steps, time=math.floor(steps * ratio))

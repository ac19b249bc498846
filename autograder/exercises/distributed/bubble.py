"""The bubble of a pipeline, and what a fair comparison of batches gives each."""

import math

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


def _runs(rng):
    factor = int(rng.integers(3, 9))
    steps = factor * int(rng.integers(5_000, 20_000)) + int(rng.integers(1, factor))
    return {
        "steps": steps,
        "batch_size": int(rng.integers(16, 65)),
        "factor": factor,
        "overhead": float(rng.uniform(0.005, 0.01)),
        "per_example": float(rng.uniform(2e-5, 8e-5)),
    }


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
    "You round up. What is not paid for by the budget is not run: whole steps, rounded down.",
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

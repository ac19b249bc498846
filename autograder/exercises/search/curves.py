"""Reading curves: what the two accuracies say, and what they do not."""

import numpy as np

from autograder import probes
from autograder.exercises.search.lab import lab
from autograder.judging import edit
from autograder.judging.checks import check, finding, leaves_inputs_alone
from autograder.judging.wording import brief
from course_lib import search

ABOVE = ("below the validation accuracy", "equal to it, up to noise", "above it")


def outcome_with_dropout_on() -> str:
    """Measured on MNIST-1D: 0.45 with dropout on, 0.61 with it off, 0.54 on validation data."""
    return ABOVE[0]


lab.prediction(
    "measured_in_training_mode",
    title="Predict: accuracy in training mode",
    statement=(
        "A network that drops 70 % of its hidden units has learned its training data better than the validation "
        "data. "
        "Its training accuracy is now measured with dropout still *on* (`model.train()`), the validation "
        "accuracy with dropout off. What does the training accuracy look like?"
    ),
    minutes=1,
    core=False,
    syllabus=("10.7",),
    choices=ABOVE,
    outcome=outcome_with_dropout_on,
    explanation=(
        "Most of the units are missing while it is measured. A gap between the two that is measured in two "
        "modes says nothing: measure both in evaluation mode."
    ),
)

WORDS = ("done", "train longer", "regularize", "more capacity")


def _run(rng, word):
    """Accuracies of training and validation that call for one of the four, and their goal."""
    count = int(rng.integers(12, 40))
    t = np.linspace(0, 1, count)
    flat = 1 - np.exp(-12 * t)
    goal = float(rng.uniform(0.8, 0.95))
    if word == "done":
        end = rng.uniform(goal + 0.01, 0.995)
        train, validation = min(0.998, end + rng.uniform(0, 0.1)) * flat, end * flat
    elif word == "train longer":
        end, gap = rng.uniform(0.5, 0.7), rng.uniform(0.01, 0.25)
        validation = end * (0.4 + 0.6 * t)
        train = validation + gap * t
    elif word == "regularize":
        peak, fall = rng.uniform(0.5, 0.65), rng.uniform(0, 0.08)
        validation = peak * flat - fall * t
        train = rng.uniform(0.9, 1.0) * flat
    else:
        end = rng.uniform(0.4, 0.7)
        train, validation = (end + rng.uniform(0, 0.05)) * flat, end * flat
    noise = rng.uniform(-0.002, 0.002, (2, count))
    both = [
        np.clip(curve + n, 0, 1).tolist()
        for curve, n in zip((train, validation), noise, strict=True)
    ]
    return {"train": both[0], "validation": both[1], "goal": goal}


def _near_the_limits(rng):
    """Flat runs that differ from one another in one epoch: the last, or a third before it."""
    runs = []
    for rise, elsewhere, gap in ((0.03, 0.005, 0.05), (0.01, 0.06, 0.05), (0.01, 0.0, 0.14)):
        count, last = int(rng.integers(14, 40)), float(rng.uniform(0.5, 0.7))
        validation = [last - elsewhere] * count
        validation[-1 - count // 3], validation[-1] = last - rise, last
        train = [last + gap] * count
        if gap > 0.1:  # it overfits, and training still rises
            validation[-2] = last + 0.01 + gap - 0.1
            train[-1 - count // 3], train[-2] = last, last + 0.05
        elif rise > 0.02:
            validation[-2] = last - 0.02
        runs.append({"train": train, "validation": validation, "goal": last + 0.1})
    return runs


def _runs(rng):
    some = (str(word) for word in rng.choice(WORDS, int(rng.integers(1, 5))))
    runs = [_run(rng, word) for word in (*WORDS, *WORDS, *WORDS, *some)]
    # Solved, with hardly a gap; solved while still rising; a wide gap that still closes.
    solved = _run(rng, "more capacity")
    runs.append(solved | {"goal": solved["validation"][-1] - 0.01})
    rising = _run(rng, "train longer")
    runs.append(rising | {"goal": rising["validation"][-1] - 0.01})
    wide = _run(rng, "train longer")
    runs.append(wide | {"train": [min(1.0, v + 0.28) for v in wide["validation"]]})
    runs += _near_the_limits(rng)
    return {"run": [runs[place] for place in rng.permutation(len(runs))]}


@check("every run is read as it should be")
def _reads(case):
    given, wanted = case.observed["result"], case.expected["result"]
    if not isinstance(given, list) or len(given) != len(wanted):
        return finding(False, "one of the four for every run", brief(given), "none of the four")
    for word, right in zip(given, wanted, strict=True):
        if word != right:
            said = "nothing (is a `return` missing?)" if word is None else brief(word)
            gist = f"for a run that calls for “{right}” you say {said}"
            return finding(False, right, said, gist, where="one of the runs")
    return finding(True)


_AT_THE_LIMIT = "no run lies exactly at a limit, where rounding would decide"

read_curves = lab.exercise(
    search.read_curves,
    title="What next?",
    statement=(
        "`run['train']` and `run['validation']` have the accuracies after every epoch (lists), both measured in "
        "evaluation mode; `run['goal']` is the validation accuracy that would do. Return, in this order,\n\n"
        "1. `'done'` if the last validation accuracy has reached the goal;\n"
        "2. `'train longer'` if it still rises: by more than 0.02 over the last third of the epochs;\n"
        "3. `'regularize'` if the gap between training and validation at the end is above 0.1: it "
        "overfits;\n"
        "4. `'more capacity'` otherwise: it underfits (a larger network, another rate).\n\n"
        "“Train and validation are close, so it underfits”, say some notes. They are also close when the task "
        "is solved."
    ),
    points=2,
    minutes=5,
    core=False,
    syllabus=("10.7",),
    hide=("Formula", "Convention"),
    inputs=_runs,
    probe=probes.each("run"),
    checks=[_reads, leaves_inputs_alone()],
    equivalent_mutants={
        "validation[-1] >= run['goal'] => validation[-1] > run['goal']": _AT_THE_LIMIT,
        "validation[-1] - validation[-1 - third] > 0.02 => validation[-1] - validation[-1 - third] >= 0.02": _AT_THE_LIMIT,
        "return 'regularize' if train[-1] - validation[-1] > 0.1 else 'more capacity' => return 'regularize' if train[-1] - validation[-1] >= 0.1 else 'more capacity'": _AT_THE_LIMIT,
    },
    hints=("With n epochs, a third before the end is `validation[-1 - n // 3]`.",),
)


@read_curves.mistake(
    "You call every small gap underfitting. The gap is small, too, when the task is solved: ask for the goal "
    "first.",
    origin="the notes",
)
def close_means_underfitting(run):
    train, validation = run["train"], run["validation"]
    if (
        train[-1] - validation[-1] <= 0.1
        and validation[-1] - validation[-1 - len(train) // 3] <= 0.02
    ):
        return "more capacity"
    if validation[-1] >= run["goal"]:
        return "done"
    return (
        "train longer" if validation[-1] - validation[-1 - len(train) // 3] > 0.02 else "regularize"
    )


read_curves.mistake(
    "gap_before_rise",
    edit(
        'return "regularize" if train[-1] - validation[-1] > 0.1 else "more capacity"',
        'return "more capacity"',
    ).also(
        "if validation[-1] - validation[-1 - third] > 0.02:",
        'if train[-1] - validation[-1] > 0.1:\n    return "regularize"\nif validation[-1] - validation[-1 - third] > 0.02:',
    ),
    "You ask for the gap first. As long as the validation accuracy still rises, keep training, gap or not.",
)
read_curves.mistake(
    "training_reaches_the_goal",
    edit('validation[-1] >= run["goal"]', 'train[-1] >= run["goal"]'),
    "You ask whether *training* accuracy has reached the goal. It says nothing of new data.",
)
read_curves.mistake(
    "training_still_rises",
    edit("validation[-1] - validation[-1 - third]", "train[-1] - train[-1 - third]"),
    "You ask whether training accuracy still rises. That it does when a network overfits: ask validation.",
)
read_curves.mistake(
    "since_the_start",
    edit("validation[-1 - third]", "validation[0]"),
    "You compare with the first epoch. Every run rises from there: compare with a third before the end.",
)
read_curves.mistake(
    "last_epoch_alone",
    edit("validation[-1 - third]", "validation[-2]"),
    "You compare the last two epochs, whose difference is small even where a curve still rises. Compare with a "
    "third before the end.",
)
read_curves.mistake(
    "swapped",
    edit('"regularize" if train[-1]', '"more capacity" if train[-1]').also(
        'else "more capacity"', 'else "regularize"'
    ),
    "Overfitting and underfitting are the other way round: a wide gap is overfitting.",
)


@read_curves.mistake("You never say “done”.")
def never_done(run):
    train, validation = run["train"], run["validation"]
    if validation[-1] - validation[-1 - len(train) // 3] > 0.02:
        return "train longer"
    return "regularize" if train[-1] - validation[-1] > 0.1 else "more capacity"


@read_curves.alternative
def with_names(run):
    last, before = (
        run["validation"][-1],
        run["validation"][len(run["validation"]) - 1 - len(run["train"]) // 3],
    )
    if not last < run["goal"]:
        return "done"
    elif last > before + 0.02:
        return "train longer"
    elif run["train"][-1] > last + 0.1:
        return "regularize"
    return "more capacity"


@read_curves.alternative
def with_numpy(run):
    train, validation = np.array(run["train"]), np.array(run["validation"])
    answers = [
        (validation[-1] >= run["goal"], "done"),
        (validation[-1] - validation[-1 - len(validation) // 3] > 0.02, "train longer"),
        (train[-1] - validation[-1] > 0.1, "regularize"),
        (True, "more capacity"),
    ]
    return next(word for holds, word in answers if holds)

"""A network that does not train: what each fault leaves behind, and naming it from that."""

import math

import torch

from autograder import probes
from autograder.exercises.search.lab import lab
from autograder.judging import edit
from autograder.judging.checks import check, finding, leaves_inputs_alone
from autograder.judging.wording import brief
from course_lib import search

SHUFFLED = (
    "all of them: it learns them by heart",
    "about half of them",
    "hardly any: there is nothing to learn",
)


def outcome_of_shuffled_labels() -> str:
    """Measured on MNIST-1D, 200 steps on 40 signals: accuracy 1.00 in every run."""
    return SHUFFLED[0]


lab.prediction(
    "shuffled_labels",
    title="Predict: labels that mean nothing",
    statement=(
        "Somebody has shuffled the labels: signal and class have nothing to do with each other. The "
        "network of 2,500 weights trains for 200 steps on 40 of these examples. How many of the 40 does "
        "it get right afterwards?"
    ),
    minutes=1,
    syllabus=("10.1",),
    choices=SHUFFLED,
    outcome=outcome_of_shuffled_labels,
    explanation=(
        "A network can learn 40 examples by heart, whatever they are called. So overfitting a small "
        "sample proves that gradients, rate and loss work, and it proves nothing about the labels."
    ),
)

FAULTS = (
    "healthy",
    "rate too high",
    "rate too low",
    "zero weights",
    "dead units",
    "inputs not scaled",
    "wrong labels",
)


def _from(rng, low, high):
    return float(rng.uniform(low, high))


def _log_from(rng, low, high):
    return float(math.exp(rng.uniform(math.log(low), math.log(high))))


# What was measured on MNIST-1D for each fault, with more scatter than was seen: the ratio
# ‖Δw‖/‖w‖ of each weight tensor at step 50, in the order of FAULTS.
_RATIOS = {
    "healthy": (3e-3, 5e-2),
    "rate too high": (1.2e-3, 3e-2),
    "rate too low": (4e-7, 4e-6),
    "zero weights": None,
    "dead units": None,
    "inputs not scaled": (4e-4, 1.5e-3),
    "wrong labels": (4e-4, 1e-2),
}


def _losses(rng, fault, level, count, by_rote):
    """A curve of the fault; ``level`` is ln C. What is learned by rote falls, whatever the labels."""
    end = {
        "healthy": _from(rng, 0.15, 0.5),
        "rate too high": _from(rng, 1.03, 1.08),
        "wrong labels": _from(rng, 0.2, 0.6) if by_rote else _from(rng, 0.97, 0.99),
    }
    speed, last = _from(rng, 3, 8), end.get(fault, 1.0)
    first = _from(rng, 3, 8) if fault == "inputs not scaled" else _from(rng, 0.99, 1.01)
    start = 1.3 if fault == "inputs not scaled" else first  # down again after a few steps
    shares = [last + (start - last) * math.exp(-speed * t / count) for t in range(count)]
    noisy = [share * _from(rng, 0.995, 1.005) for share in shares[1:]]
    return [level * share for share in (first, *noisy)]


def _run(rng, fault, classes, ending=None, stop=None, by_rote=False):
    level, chance, count = math.log(classes), 1 / classes, int(rng.integers(20, 35))
    losses = _losses(rng, fault, level, count, by_rote)
    tensors = int(rng.integers(4, 7))
    ratios = {"zero weights": [math.nan] * tensors, "dead units": [0.0] * tensors}.get(fault)
    if ratios is None:
        ratios = [_log_from(rng, *_RATIOS[fault]) for _ in range(tensors)]
    if ending is not None:
        stop = stop or int(rng.integers(3, count - 3))
        losses = losses[:stop] + [ending] * len(losses[stop:])
        ratios = [math.nan] * tensors if math.isnan(ending) else ratios
    learned = fault in ("healthy", "wrong labels")
    return {
        "classes": classes,
        "losses": losses,
        "ratios": ratios,
        "small_sample": _from(rng, 0.96, 1.0) if learned else chance * _from(rng, 0.5, 1.8),
        "validation": _from(rng, 0.6, 0.95) if fault == "healthy" else chance * _from(rng, 0.7, 1),
    }


def _runs(rng):
    few, many = (lambda: int(rng.integers(12, 40))), (lambda: int(rng.integers(150, 400)))
    runs = [_run(rng, fault, classes()) for fault in FAULTS for classes in (few, many)]
    runs += [_run(rng, "rate too high", few(), ending) for ending in (math.nan, math.inf)]
    runs.append(_run(rng, "rate too high", few(), math.nan, stop=-1))
    runs += [_run(rng, "wrong labels", classes(), by_rote=True) for classes in (few, many)]
    # A small sample with inputs of that size is learned or not, as it happens.
    by_heart = _run(rng, "inputs not scaled", few())
    by_heart["losses"][0] = _from(rng, 2.3, 2.8) * math.log(by_heart["classes"])
    runs.append(by_heart | {"small_sample": 1.0})
    large = _run(rng, "inputs not scaled", int(rng.integers(12, 16)))
    large["losses"][0] = _from(rng, 7, 8) * math.log(large["classes"])
    runs.append(large)
    lucky = _run(rng, "wrong labels", few())
    runs.append(lucky | {"validation": _from(rng, 1.1, 1.4) / lucky["classes"]})
    some = [_run(rng, str(rng.choice(FAULTS)), few()) for _ in range(int(rng.integers(1, 6)))]
    return {"run": [(runs + some)[place] for place in rng.permutation(len(runs) + len(some))]}


@check("every run is given its name")
def _names(case):
    given, wanted = case.observed["result"], case.expected["result"]
    if not isinstance(given, list) or len(given) != len(wanted):
        return finding(False, "one name for every run", brief(given), "no names")
    for name, right in zip(given, wanted, strict=True):
        if name != right:
            called = "nothing (is a `return` missing?)" if name is None else brief(name)
            gist = f"a run with “{right}” is called {called}"
            return finding(False, right, called, gist, where="one of the runs")
    return finding(True)


_AT_THE_LIMIT = "no run lies at the limit, or near it"
_ALL_OR_NONE = "of all tensors the ratio is undefined, or zero, or tiny; or of none"
_EQUIVALENT = {
    "not all((math.isfinite(loss) for loss in losses)) => not all((math.isfinite(loss) for loss in but_first(losses)))": "before the first update no loss is nan",
    "losses[0] > 2 * math.log(run['classes']) => losses[0] >= 2 * math.log(run['classes'])": _AT_THE_LIMIT,
    "any((math.isnan(ratio) for ratio in ratios)) => any((math.isnan(ratio) for ratio in but_first(ratios)))": _ALL_OR_NONE,
    "any((math.isnan(ratio) for ratio in ratios)) => any((math.isnan(ratio) for ratio in but_last(ratios)))": _ALL_OR_NONE,
    "any((math.isnan(ratio) for ratio in ratios)) => any((math.isnan(ratio) for ratio in only_first(ratios)))": _ALL_OR_NONE,
    "max(ratios) == 0 => min(ratios) == 0": _ALL_OR_NONE,
    "run['small_sample'] > 0.8 => run['small_sample'] >= 0.8": _AT_THE_LIMIT,
    "learns = run['validation'] > 3 / run['classes'] => learns = run['validation'] >= 3 / run['classes']": _AT_THE_LIMIT,
    "learns = run['validation'] > 3 / run['classes'] => learns = run['validation'] > 4 / run['classes']": _AT_THE_LIMIT,
    "return 'rate too low' if max(ratios) < 1e-05 else 'rate too high' => return 'rate too low' if max(ratios) <= 1e-05 else 'rate too high'": _AT_THE_LIMIT,
    "return 'rate too low' if max(ratios) < 1e-05 else 'rate too high' => return 'rate too low' if min(ratios) < 1e-05 else 'rate too high'": _ALL_OR_NONE,
    "return 'rate too low' if max(ratios) < 1e-05 else 'rate too high' => return 'rate too low' if max(ratios) < 2e-05 else 'rate too high'": _AT_THE_LIMIT,
}

diagnose = lab.exercise(
    search.diagnose,
    title="Name the fault",
    statement=(
        "Turn your table into a function. `run` is what a training left, as plain numbers:\n\n"
        "- `run['classes']`: the number of classes C, here 12 to 400;\n"
        "- `run['losses']`: the training loss over time, from before the first update on (a list);\n"
        "- `run['ratios']`: ‖Δw‖/‖w‖ of each weight tensor (a list; nan where it is undefined);\n"
        "- `run['small_sample']`: the accuracy on a few examples that it trained on alone;\n"
        "- `run['validation']`: the accuracy on validation data.\n\n"
        "Return one of `'healthy'`, `'rate too high'`, `'rate too low'`, `'zero weights'`, `'dead units'`, "
        "`'inputs not scaled'`, `'wrong labels'`.\n\n"
        "The hidden runs scatter around those you measured, with *other numbers of classes*, so choose limits "
        "in the middle of gaps. Rates that are too high come in two forms: as in your table, and with losses "
        "that end in nan or inf (then the ratios may be nan too). Inputs that are not scaled show in the "
        "first loss, more than twice what it should be; the small sample may be learned or not. "
        "Wrong labels may be learned by heart as well, all of them, so that the training loss falls."
    ),
    points=6,
    minutes=15,
    difficulty=2,
    syllabus=("10.1", "10.8"),
    hide=("Formula", "Convention"),
    inputs=_runs,
    probe=probes.each("run"),
    checks=[_names, leaves_inputs_alone()],
    equivalent_mutants=_EQUIVALENT,
    hints=(
        "Which fault shows in a column where no other does? Ask for that first; what is left is easier.",
        "In this order: a loss that is not finite; the first loss against ln C; ratios that are nan; ratios "
        "that are all 0; then whether the small sample was learned.",
        "Learned by heart: is the validation accuracy far above 1/C? Not learned: are all ratios below "
        "1e-5, or not?",
    ),
)

diagnose.mistake(
    "waits_for_a_large_loss",
    edit("not all(math.isfinite(loss) for loss in losses)", "max(losses) > 100 * losses[0]"),
    "A training that ended in nan is missed. nan compares false with everything, so “larger than a "
    "limit” is never true of it: ask `math.isfinite`, and ask it before you look at the ratios.",
)
diagnose.mistake(
    "first_loss_of_ten_classes",
    edit('2 * math.log(run["classes"])', "2 * math.log(10)"),
    "You compare the first loss with that of a fixed number of classes. It should be ln C, and C is "
    "`run['classes']`.",
)
diagnose.mistake(
    "first_loss_fixed",
    edit('2 * math.log(run["classes"])', "3"),
    "You compare the first loss with a fixed number. What it should be depends on the number of "
    "classes: ln C.",
)
diagnose.mistake(
    "first_loss_by_log10",
    edit('2 * math.log(run["classes"])', '2 * math.log10(run["classes"])'),
    "Your logarithm has the base 10. Cross-entropy takes the natural one, and the first loss should be "
    "ln C: `math.log`.",
)
diagnose.mistake(
    "first_loss_by_log2",
    edit('2 * math.log(run["classes"])', '2 * math.log2(run["classes"])'),
    "Your logarithm has the base 2. Cross-entropy takes the natural one, and the first loss should be "
    "ln C: `math.log`.",
)
diagnose.mistake(
    "first_loss_against_the_classes",
    edit('2 * math.log(run["classes"])', 'run["classes"]'),
    "You compare the first loss with C. A network that knows nothing gives every class 1/C, and its "
    "loss is ln C.",
)
diagnose.mistake(
    "last_loss_against_ln_c",
    edit("losses[0] > 2", "losses[-1] > 2"),
    "Inputs that are not scaled show in the *first* loss; later the loss comes down to ln C.",
)
diagnose.mistake(
    "validation_ignored",
    edit('"healthy" if learns else "wrong labels"', '"healthy"'),
    "You call every run healthy that learned its small sample. Shuffled labels are learned by heart "
    "too: look at the validation accuracy.",
)
diagnose.mistake(
    "training_loss_instead_of_validation",
    edit('run["validation"] > 3 / run["classes"]', "losses[-1] < 0.8 * losses[0]"),
    "You judge by the training loss. Wrong labels can be learned by heart, and then it falls: whether "
    "something was learned that is true elsewhere says the validation accuracy.",
)
diagnose.mistake(
    "small_sample_ignored",
    edit('run["small_sample"] > 0.8', 'run["validation"] > 3 / run["classes"]'),
    "You never say “wrong labels”. Its trace is a small sample that was learned with validation at "
    "chance.",
)
diagnose.mistake(
    "every_chance_is_wrong_labels",
    edit('run["small_sample"] > 0.8', "True"),
    "Validation at chance has other causes too. Only a run that *learned* its small sample and is at "
    "chance on validation data has wrong labels.",
)
diagnose.mistake(
    "dead_is_called_slow",
    edit("max(ratios) == 0:", "max(ratios) < 1e-5:").also('"dead units"', '"rate too low"'),
    "Dead units are called a low rate. A low rate moves the weights a little; a ratio of exactly 0 "
    "says that no gradient arrives at all: ask for that first.",
)
diagnose.mistake(
    "slow_is_called_dead",
    edit("max(ratios) == 0", "max(ratios) < 1e-5"),
    "A low rate is called dead units. With dead units no gradient arrives and the ratio is exactly 0; "
    "a low rate moves the weights a little.",
)
diagnose.mistake(
    "compares_with_nan",
    edit("math.isnan(ratio)", "ratio == math.nan"),
    "`x == nan` is never true, not even of nan. Ask `math.isnan(x)`.",
)
diagnose.mistake(
    "zero_and_dead_swapped",
    edit('"zero weights"', '"dead units"').also('return "dead units"', 'return "zero weights"'),
    "Zero weights and dead units are the other way round. With zero weights ‖Δw‖/‖w‖ divides by zero "
    "and is undefined; with dead units it is 0.",
)
diagnose.mistake(
    "low_and_high_swapped",
    edit('"rate too low" if max(ratios) < 1e-5 else "rate too high"',
         '"rate too high" if max(ratios) < 1e-5 else "rate too low"'),
    "Low and high are the other way round: a rate that is too low hardly moves the weights.",
)  # fmt: skip
diagnose.mistake(
    "flat_means_slow",
    edit('"rate too low" if max(ratios) < 1e-5 else "rate too high"', '"rate too low"'),
    "You call everything that stays near ln C a low rate. A rate that is too high stays there as well: "
    "the ratios tell them apart.",
)
diagnose.mistake(
    "anything_above_chance",
    edit('3 / run["classes"]', '1 / run["classes"]'),
    "You call a run healthy whose validation accuracy is anywhere above 1/C. Half of all runs that "
    "guess are; a run that learned is far above.",
)
diagnose.mistake(
    "ratios_first",
    edit("if not all(math.isfinite(loss) for loss in losses):",
         "if not all(math.isfinite(loss) for loss in losses) and not math.isnan(ratios[0]):"),
    "A training that ended in nan is missed. nan compares false with everything, so “larger than a "
    "limit” is never true of it: ask `math.isfinite`, and ask it before you look at the ratios.",
)  # fmt: skip


@diagnose.mistake("You call every run healthy.")
def never_worried(run):
    return "healthy"


@diagnose.alternative
def by_the_small_sample_first(run):
    ln_c, chance = math.log(run["classes"]), 1 / run["classes"]
    losses = torch.tensor(run["losses"])
    if not bool(torch.isfinite(losses).all()):
        return "rate too high"
    if losses[0] > 1.6 * ln_c:
        return "inputs not scaled"
    if run["small_sample"] >= 0.5:
        return "healthy" if run["validation"] > 2 * chance else "wrong labels"
    ratios = torch.tensor(run["ratios"])
    if ratios.isnan().any():
        return "zero weights"
    if not ratios.any():
        return "dead units"
    return "rate too low" if ratios.mean() < 1e-4 else "rate too high"


@diagnose.alternative
def by_the_curve(run):
    losses, ratios = run["losses"], run["ratios"]
    start = math.log(run["classes"])
    if any(math.isnan(x) or math.isinf(x) for x in losses):
        return "rate too high"
    if abs(losses[0] - start) > 0.5 * start:
        return "inputs not scaled"
    if losses[-1] < 0.8 * start and run["validation"] > 0.3:
        return "healthy"
    if ratios[0] != ratios[0]:
        return "zero weights"
    if sum(ratios) == 0:
        return "dead units"
    if run["small_sample"] > 0.9:
        return "wrong labels"
    if sum(ratios) / len(ratios) < 5e-5:
        return "rate too low"
    return "rate too high"

"""Early stopping: when to stop, and what to go back to."""

import copy
import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.regularization.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import check, finding
from autograder.judging.comparison import Tolerance, difference
from course_lib import regularization


def _network(rng):
    features, hidden, classes = 5, 4, 3
    return {
        "make": "network",
        "layers": [
            {
                "kind": "linear",
                "weight": rng.normal(size=(hidden, features)),
                "bias": rng.normal(size=hidden),
            },
            {"kind": "batch_norm", "features": hidden},
            {"kind": "relu"},
            {
                "kind": "linear",
                "weight": rng.normal(size=(classes, hidden)),
                "bias": rng.normal(size=classes),
            },
        ],
        "training": False,
        "seed": int(rng.integers(10**6)),
    }


def _run(rng, losses, patience, min_delta):
    return {
        "construct": {"patience": patience, "min_delta": min_delta},
        "network": _network(rng),
        "losses": [float(loss) for loss in losses],
    }


def _with_margin(rng, patience):
    """Falls, gets worse and falls once more in time, creeps, and stands above its best."""
    delta = float(rng.uniform(0.04, 0.08))
    losses = [float(rng.uniform(2, 3))]
    for _ in range(int(rng.integers(2, 4))):
        losses.append(losses[-1] - delta * rng.uniform(2, 5))
    for _ in range(patience - 1):  # falls at the end of it, above the best all the time
        losses.append(min(losses) + delta * rng.uniform(3, 6))
    losses[-1] = min(losses) + delta * rng.uniform(1.5, 2.5)
    losses.append(min(losses) - delta * rng.uniform(1.2, 1.6))
    best = losses[-1]
    losses += [best - 0.7 * delta, best - 1.3 * delta]  # too little, and enough together
    best = losses[-1]
    losses += [best + delta * rng.uniform(2, 4), best + 0.5 * delta]  # better than the last only
    losses.append(best - 0.3 * delta)  # too little
    losses += [best + delta * rng.uniform(0.2, 0.8) for _ in range(patience)]
    losses += [best - delta * k for k in range(2, 8)]  # too late
    return _run(rng, losses, patience, delta)


def _of_three(rng):
    return _with_margin(rng, 3)


def _of_four(rng):
    """Who compares with the last loss goes on where who creeps along has stopped."""
    return _with_margin(rng, 4)


def _standing(rng):
    """Stands still to the last digit: as good is not better."""
    patience = int(rng.integers(2, 4))
    losses = [float(rng.uniform(2, 3))]
    for _ in range(int(rng.integers(1, 4))):
        losses.append(losses[-1] - rng.uniform(0.1, 0.4))
    # Half precision rounds it up, and would take it for an improvement on itself.
    losses[-1] = float(np.float16(losses[-1])) - 2e-4
    losses += [losses[-1]] * (patience + 4)
    losses += [losses[-1] - 0.5] * 5
    return _run(rng, losses, patience, 0.0)


def _never(rng):
    """Improves to the last evaluation but one: nothing is stopped, and not the last was best."""
    losses = np.cumsum(-rng.uniform(0.1, 0.3, size=int(rng.integers(4, 7)))) + 3
    return _run(rng, [*losses, losses[-1] + 0.2], 3, 0.05)


def _runs(*draws):
    return lambda rng: {"runs": [draw(rng) for draw in draws]}


@check("when it says to stop")
def _says(case):
    for run, wanted, got in zip(
        case.inputs["runs"], case.expected["result"], case.observed["result"], strict=True
    ):
        if got["said"] != wanted["said"]:
            losses = ", ".join(f"{loss:.3f}" for loss in run["losses"][: len(wanted["said"])])
            settings = run["construct"]
            return finding(
                False,
                _when(wanted["said"]),
                _when(got["said"]),
                "too early" if len(got["said"]) < len(wanted["said"]) else "too late",
                where=f"patience {settings['patience']}, min_delta {settings['min_delta']:.3f}, "
                f"losses {losses}",
            )
    return finding(True)


def _when(said):
    return f"after evaluation {said.index(True) + 1}" if True in said else "never"


def _goes_back(name, property):
    @check(property)
    def look(case):
        for wanted, got in zip(case.expected["result"], case.observed["result"], strict=True):
            found = difference(got[name], wanted[name], Tolerance(dtype="float64"))
            if found is not None:
                gist = "other weights than those of the best evaluation"
                return finding(False, "the weights of the best evaluation", "other ones", gist)
        return finding(True)

    return look


early_stopping = lab.exercise(
    regularization.EarlyStopping,
    title="Stop, and go back",
    statement="""After every epoch the training loop calls `step(loss, model)` with the loss on
*validation* data, and stops when that returns True; then it calls `restore(model)`. Write both methods.

- An evaluation is an **improvement** if the loss is below the best so far by more than `min_delta`:
  below `best_loss - min_delta`. As good is not better.
- Keep what the model was at the best evaluation: a **copy** of its whole `state_dict()`, which hands out the
  tensors themselves, and training goes on changing them.
- Return True when `patience` evaluations **in a row** were no improvement, and False before.

With patience 2 and losses 3, 2, 2, 2 the fourth evaluation stops.""",
    parts=[
        Part("when to stop", 3, (_says,)),
        Part(
            "the best weights",
            3,
            (
                _goes_back("restored", "restored are the weights of the best evaluation"),
                _goes_back("restored again", "they can be restored a second time"),
            ),
        ),
    ],
    minutes=10,
    difficulty=2,
    syllabus=("8.13",),
    hide=("Formula",),
    blank=("step", "restore"),
    inputs=(
        _runs(_of_four, _standing),
        _runs(_standing, _never),
        _runs(_of_three, _of_four),
    ),
    probe=probes.stopping(),
    equivalent_mutants={
        f"{method}: everything is done under torch.no_grad()": "copies need no gradients"
        for method in ("step", "restore")
    },
    hints=(
        "`self.best_loss`, `self.best_state` and `self.bad_evaluations` are there for you.",
        "`copy.deepcopy(model.state_dict())` copies all tensors; `model.load_state_dict(…)` copies them "
        "back.",
    ),
)


_LAST = (
    "What is restored are the *last* weights. Either what you kept are the model's own tensors, which training "
    "went on changing (`state_dict()` copies none: `copy.deepcopy`), or `restore` changes nothing (`model = …` "
    "only gives the argument another name: `model.load_state_dict`)."
)
early_stopping.mistake(
    "returns_the_last", edit("model.load_state_dict(self.best_state)", "pass"), _LAST
)
early_stopping.mistake(
    "no_copy", edit("copy.deepcopy(model.state_dict())", "model.state_dict()"), _LAST
)
early_stopping.mistake(
    "shallow_copy", edit("copy.deepcopy(model.state_dict())", "dict(model.state_dict())"), _LAST
)
early_stopping.mistake(
    "parameters_only",
    edit(
        "copy.deepcopy(model.state_dict())",
        "{k: p.detach().clone() for k, p in model.named_parameters()}",
    ).also("load_state_dict(self.best_state)", "load_state_dict(self.best_state, strict=False)"),
    "You keep the parameters only. The running statistics of batch normalization are part of the "
    "`state_dict()` too; the restored weights meet those of another epoch.",
)
early_stopping.mistake(
    "keeps_every_state",
    edit("self.best_state = copy.deepcopy(model.state_dict())\n", "").also(
        "if loss <", "self.best_state = copy.deepcopy(model.state_dict())\nif loss <"
    ),
    "You keep the weights of every evaluation, so that the last ones are restored. Keep them only where "
    "the loss improved.",
)
early_stopping.mistake(
    "keeps_the_first_state",
    edit(
        "self.best_state = copy.deepcopy(model.state_dict())",
        "self.best_state = self.best_state or copy.deepcopy(model.state_dict())",
    ),
    "The weights that you restore are those of the first evaluation. Replace them at every improvement.",
)
early_stopping.mistake(
    "hands_out_its_own",
    edit(
        "model.load_state_dict(self.best_state)",
        "for name, p in [*model.named_parameters(), *model.named_buffers()]:\n"
        "    p.data = self.best_state[name]",
    ),
    "`restore` makes the kept tensors the model's own, so that training on changes what you keep. "
    "`model.load_state_dict` copies the numbers.",
)
early_stopping.mistake(
    "one_evaluation_too_late",
    edit("self.bad_evaluations >= self.patience", "self.bad_evaluations > self.patience"),
    "You stop when *more* than `patience` evaluations were bad, one too late. (torch's "
    "ReduceLROnPlateau counts so.) Here it is `>=`.",
)
early_stopping.mistake(
    "as_good_is_better",
    edit("loss < self.best_loss", "loss <= self.best_loss"),
    "A loss that is as good counts as an improvement in yours, so that a loss that stands still never "
    "stops. `<`, not `<=`.",
)
early_stopping.mistake(
    "counts_all_bad_ones",
    edit("deepcopy(model.state_dict())\nself.bad_evaluations = 0", "deepcopy(model.state_dict())"),
    "You count all bad evaluations. Only those in a row count: an improvement sets the count to 0.",
)
_COUNTS_DOWN = (
    "An improvement takes 1 off your count. It sets it to 0: only bad ones in a row count."
)
early_stopping.mistake(
    "counts_down",
    edit(
        "deepcopy(model.state_dict())\nself.bad_evaluations = 0",
        "deepcopy(model.state_dict())\nself.bad_evaluations -= 1",
    ),
    _COUNTS_DOWN,
)
early_stopping.mistake(
    "counts_down_to_zero",
    edit(
        "deepcopy(model.state_dict())\nself.bad_evaluations = 0",
        "deepcopy(model.state_dict())\nself.bad_evaluations = max(self.bad_evaluations - 1, 0)",
    ),
    _COUNTS_DOWN,
)
early_stopping.mistake(
    "one_too_early",
    edit(">= self.patience", ">= self.patience - 1"),
    "It stops one evaluation too early: after patience − 1 bad ones in a row. Count first, then compare with `patience`.",
)
early_stopping.mistake(
    "best_loss_never_updated",
    edit("self.best_loss = loss\n", ""),
    "`best_loss` stays infinite, so that every evaluation is an improvement: it never stops, and the last weights are kept. "
    "Set it at every improvement.",
)
early_stopping.mistake(
    "any_change_counts",
    edit("loss < self.best_loss - self.min_delta", "abs(loss - self.best_loss) > self.min_delta"),
    "Any change by more than `min_delta` counts as an improvement in yours (`abs`), also for the worse. The loss has to be "
    "*below* best − min_delta.",
)
early_stopping.mistake(
    "keeps_any_lower_loss",
    edit(
        "self.bad_evaluations += 1",
        "self.bad_evaluations += 1\n"
        "if loss < min(self.best_loss, getattr(self, 'lowest', math.inf)):\n"
        "    self.lowest, self.best_state = loss, copy.deepcopy(model.state_dict())",
    ),
    "When to stop is right. But you keep the weights at any lower loss, also where it fell by less than `min_delta`. They "
    "belong to `best_loss`: keep both at an improvement only.",
)
early_stopping.mistake(
    "keeps_what_is_below_the_best",
    edit(
        "self.bad_evaluations += 1",
        "self.bad_evaluations += 1\n"
        "if loss < self.best_loss:\n"
        "    self.best_state = copy.deepcopy(model.state_dict())",
    ),
    "When to stop is right. But you keep the weights at any lower loss, also where it fell by less than `min_delta`. They "
    "belong to `best_loss`: keep both at an improvement only.",
)
early_stopping.mistake(
    "ignores_min_delta",
    edit("self.best_loss - self.min_delta", "self.best_loss"),
    "Any improvement counts in yours, however small. It must be by more than `min_delta`.",
)
early_stopping.mistake(
    "min_delta_the_other_way",
    edit("self.best_loss - self.min_delta", "self.best_loss + self.min_delta"),
    "Your `min_delta` points the wrong way: slightly *worse* losses count as improvements. Below "
    "best − min_delta.",
)
early_stopping.mistake(
    "creeps_along",
    edit(
        "self.bad_evaluations += 1",
        "self.bad_evaluations += 1\nself.best_loss = min(self.best_loss, loss)",
    ),
    "The best loss moves at improvements that are too small to count, so that a slow creep never adds up. "
    "It moves with an improvement only.",
)
early_stopping.mistake(
    "compares_with_the_last_loss",
    edit(
        "return self.bad_evaluations",
        "self.best_loss = loss\nreturn self.bad_evaluations",
    ),
    "You compare with the loss before. After one bad epoch an ordinary one then looks like progress: "
    "compare with the *best* so far.",
)
early_stopping.mistake(
    "never_stops",
    edit("return self.bad_evaluations >= self.patience", "return False"),
    "It never says to stop: does `step` return whether `patience` evaluations in a row were bad?",
)
early_stopping.mistake(
    "no_patience",
    edit("self.bad_evaluations >= self.patience", "self.bad_evaluations > 0"),
    "It stops at the first bad evaluation. Wait for `patience` of them in a row.",
)


@early_stopping.alternative
class ReturnsInBothBranches:
    def step(self, loss, model):
        if self.best_loss - loss > self.min_delta:
            self.best_loss, self.bad_evaluations = loss, 0
            self.best_state = {k: v.detach().clone() for k, v in model.state_dict().items()}
            return False
        self.bad_evaluations = self.bad_evaluations + 1
        return self.bad_evaluations == self.patience


@early_stopping.alternative
class CopiesTheModel:
    def step(self, loss, model):
        self.history = [*getattr(self, "history", []), loss]
        if self.best_loss == math.inf or loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_at = loss, len(self.history)
            self.best_model = copy.deepcopy(model)
        return len(self.history) - self.best_at >= self.patience

    def restore(self, model):
        with torch.no_grad():
            kept = self.best_model.state_dict()
            for name, tensor in model.state_dict().items():
                tensor.copy_(kept[name])

"""Seeing that a training has diverged, and how far its steps go."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.search.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import search


def _falling(rng, count):
    losses = 2.5 * np.exp(-np.linspace(0, 2, count)) * rng.uniform(0.8, 1.2, count)
    losses[1] = 1.9 * losses[0]  # up, but not that far
    return losses


def _histories(rng):
    """Losses over time: some diverge, in one of several ways, some do not."""
    factor = float(rng.uniform(2.1, 2.6) if rng.integers(2) else rng.uniform(3.4, 4.5))

    def one(kind):
        count = int(rng.integers(20, 40))
        losses, stop = _falling(rng, count), int(rng.integers(4, count - 4))
        if kind == "nan":
            losses[stop:] = np.nan
        elif kind == "nan at once":
            losses[:] = np.nan
        elif kind == "in between":
            losses[stop] = (factor + 3) / 2 * losses[0]
        elif kind == "last is nan":
            losses[-1] = np.nan
        elif kind == "minus infinity":
            losses[stop:] = -np.inf
        elif kind == "explodes":
            losses[stop:] *= 50 * 2.0 ** np.arange(count - stop)
        elif kind == "explodes and comes back":
            losses[stop] = 9 * losses[0]
        elif kind == "grows slowly":  # every step by less than the factor
            losses[stop:] = losses[0] * 1.3 ** np.arange(count - stop)
            losses[-1] = 12 * losses[0]
        return losses.tolist()

    kinds = ("none", "nan", "last is nan", "minus infinity", "explodes", "grows slowly", "none")
    kinds += ("nan at once", "in between", "explodes and comes back")
    more = [str(kind) for kind in rng.choice(kinds, int(rng.integers(1, 5)))]
    order = rng.permutation([*kinds, *more])
    return {"losses": [one(kind) for kind in order], "factor": factor}


def _by_default(rng):
    return {"losses": _histories(rng)["losses"]}


diverged_at = lab.exercise(
    search.diverged_at,
    title="When did it diverge?",
    statement=(
        "`losses` is a list, the loss at every step. Return the number of the first step at which the training "
        "has diverged: its loss is not finite, or above `factor` times the first. If there is none, return "
        "`None`. (This is how one stops such a run early, and says so.)"
    ),
    points=2,
    minutes=5,
    core=False,
    syllabus=("10.8",),
    hide=("Formula",),
    inputs=(_histories, _by_default, _histories),
    probe=probes.each("losses"),
    checks=[matches_reference("the step"), leaves_inputs_alone()],
    equivalent_mutants={
        "not math.isfinite(loss) or loss > factor * losses[0] => not math.isfinite(loss) or loss >= factor * losses[0]": "no loss lies exactly at the limit",
    },
    hints=("`math.isfinite(loss)` is False for nan and for both infinities.",),
)

diverged_at.mistake(
    "nan_never_fires",
    edit("not math.isfinite(loss) or loss > factor * losses[0]", "loss > factor * losses[0]"),
    "nan is not noticed. It compares false with everything, so `loss > limit` never fires.",
    origin="the field's folklore",
)
diverged_at.mistake(
    "minus_infinity_passes",
    edit("not math.isfinite(loss)", "math.isnan(loss)"),
    "A loss of −inf is not noticed. Ask `math.isfinite`.",
)
diverged_at.mistake(
    "only_not_finite",
    edit(" or loss > factor * losses[0]", ""),
    "A loss that explodes without becoming inf is not noticed: it is above `factor` times the first.",
)
diverged_at.mistake(
    "against_the_step_before",
    edit("losses[0]", "losses[max(step - 1, 0)]"),
    "You compare with the step before. Compare with the first loss: slow growth counts, too, and noise does "
    "not.",
)
diverged_at.mistake(
    "absolute_limit",
    edit("factor * losses[0]", "factor"),
    "You compare with `factor` itself. The limit is `factor` times the first loss.",
)
diverged_at.mistake(
    "default_factor",
    edit("factor * losses[0]", "3 * losses[0]"),
    "You use 3 whatever is asked for. That is only the default: `factor`.",
)
diverged_at.mistake(
    "says_only_that",
    edit("return step", "return True").also("return None", "return False"),
    "You say whether. Asked for is *when*: the number of the step, or None.",
)
diverged_at.mistake(
    "minus_one_for_none",
    edit("return None", "return -1"),
    "Where nothing diverged you return a number. Asked for is None.",
)
diverged_at.mistake(
    "number_of_losses_for_none",
    edit("return None", "return len(losses)"),
    "Where nothing diverged you return a number. Asked for is None.",
)
diverged_at.mistake(
    "one_later",
    edit("return step", "return step + 1"),
    "You count steps from 1. The first loss is that of step 0.",
)


@diverged_at.mistake("You return the last such step. Asked for is the first.")
def the_last_one(losses, *, factor=3.0):
    steps = [t for t, x in enumerate(losses) if not math.isfinite(x) or x > factor * losses[0]]
    return steps[-1] if steps else None


@diverged_at.alternative
def by_negation(losses, *, factor=3.0):
    for step in range(len(losses)):
        if not -math.inf < losses[step] <= factor * losses[0]:
            return step


@diverged_at.alternative
def by_a_mask(losses, *, factor=3.0):
    x = torch.tensor(losses, dtype=torch.float64)
    bad = (~x.isfinite() | (x > factor * x[0])).nonzero()[:, 0]
    return int(bad[0]) if len(bad) else None


def _updates(rng):
    """Weights and biases before and after a step; a bias that was all zero, twice."""
    before = [
        rng.normal(size=(4, 7)) * 0.03,
        np.zeros(4),
        rng.normal(size=(3, 2, 5)) - 1,
        rng.normal(size=3) * 3,
        np.zeros(3),
        rng.normal(size=(2, 3)),
    ]
    after = [w + rng.normal(size=w.shape) * 10.0 ** rng.uniform(-2, 0) for w in before]
    after[4] = before[4].copy()  # nothing moved, and nothing was there
    after[5] = before[5].copy()
    order = rng.permutation(len(before))
    return {"before": [before[n] for n in order], "after": [after[n] for n in order]}


update_ratios = lab.exercise(
    search.update_ratios,
    title="How far a step goes",
    statement=(
        "`before` and `after` are lists of a network's parameters, before and after one step of the optimizer. "
        "Return for each tensor how far the step went, relative to the tensor as it was: ‖w' − w‖/‖w‖ "
        "(Euclidean norms over all entries). Where ‖w‖ = 0, as of biases at the start, the ratio is undefined: "
        "`math.nan`.\n\n"
        "The *update* counts, not the gradient: the gradient over the weight would be the same whatever the "
        "rate is."
    ),
    points=3,
    minutes=6,
    core=False,
    syllabus=("10.9",),
    hide=("Formula",),
    inputs=_updates,
    probe=probes.call(),
    checks=[matches_reference("the ratios"), leaves_inputs_alone()],
    equivalent_mutants={
        "zip(before, after, strict=True) => zip(before, after)": "all have the same length",
        "zip(before, after, strict=True) => zip(before, after, strict=False)": "all have the same length",
        "size = torch.linalg.vector_norm(old.detach()).item() => size = unconverted(torch.linalg.vector_norm(old.detach()), torch.linalg.vector_norm(old.detach()).item())": "a norm is taken, and nothing is differentiated",
        "size = torch.linalg.vector_norm(old.detach()).item() => size = torch.linalg.vector_norm(old).item()": "a norm is taken, and nothing is differentiated",
        "moved = torch.linalg.vector_norm(new.detach() - old.detach()).item() => moved = unconverted(torch.linalg.vector_norm(new.detach() - old.detach()), torch.linalg.vector_norm(new.detach() - old.detach()).item())": "a norm is taken, and nothing is differentiated",
        "moved = torch.linalg.vector_norm(new.detach() - old.detach()).item() => moved = torch.linalg.vector_norm(new - old.detach()).item()": "a norm is taken, and nothing is differentiated",
        "moved = torch.linalg.vector_norm(new.detach() - old.detach()).item() => moved = torch.linalg.vector_norm(new.detach() - old).item()": "a norm is taken, and nothing is differentiated",
    },
    hints=("`tensor.norm()` is the Euclidean norm over all entries, whatever the shape.",),
)

update_ratios.mistake(
    "over_the_new_weight",
    edit("vector_norm(old.detach())", "vector_norm(new.detach())"),
    "You divide by the weight *after* the step. Relative to what was there: ‖w‖ before it.",
)
update_ratios.mistake(
    "difference_of_the_norms",
    edit("torch.linalg.vector_norm(new.detach() - old.detach()).item()",
         "abs(torch.linalg.vector_norm(new).item() - size)"),
    "You take the difference of the two lengths. A step that turns a weight changes its length hardly at all: "
    "take the length of the difference.",
)  # fmt: skip
update_ratios.mistake(
    "zero_for_undefined",
    edit("else math.nan", "else 0.0"),
    "A ratio to nothing is not 0, which would say “it does not move”. It is undefined: nan.",
)


@update_ratios.mistake(
    "You let the division by zero stand, which gives inf where a bias of zeros moved. The ratio to nothing is "
    "undefined: nan."
)
def infinite(before, after):
    return [float((b - a).norm() / a.norm()) for a, b in zip(before, after, strict=True)]


@update_ratios.mistake(
    "You add a small number to the divisor. Then a bias of zeros has a huge ratio that means nothing; it is "
    "undefined: nan."
)
def with_an_epsilon(before, after):
    return [float((b - a).norm() / (a.norm() + 1e-12)) for a, b in zip(before, after, strict=True)]


@update_ratios.mistake("The ratio is upside down: weight over update.")
def upside_down(before, after):
    ratios = []
    for a, b in zip(before, after, strict=True):
        size, moved = a.norm().item(), (b - a).norm().item()
        ratios.append(size / moved if size > 0 and moved > 0 else math.nan)
    return ratios


@update_ratios.mistake("You divide entry by entry and average. Divide the norms of whole tensors.")
def entry_by_entry(before, after):
    return [
        float(((b - a) / a).abs().mean()) if a.norm() > 0 else math.nan
        for a, b in zip(before, after, strict=True)
    ]


@update_ratios.mistake(
    "You divide the norms of everything together. Each tensor has a ratio of its own."
)
def all_in_one(before, after):
    moved = sum(float((b - a).norm() ** 2) for a, b in zip(before, after, strict=True))
    size = sum(float(a.norm() ** 2) for a in before)
    return [math.sqrt(moved / size)] * len(before)


@update_ratios.mistake("You divide squares: the root of the norms is missing.")
def squares(before, after):
    return [
        float((b - a).square().sum() / a.square().sum()) if a.norm() > 0 else math.nan
        for a, b in zip(before, after, strict=True)
    ]


@update_ratios.mistake("You use sums of absolute values. Asked for are Euclidean norms.")
def absolute_values(before, after):
    return [
        float((b - a).abs().sum() / a.abs().sum()) if a.norm() > 0 else math.nan
        for a, b in zip(before, after, strict=True)
    ]


@update_ratios.mistake("Tensors of zeros are left out. There is one entry for each: nan for those.")
def left_out(before, after):
    return [
        float((b - a).norm() / a.norm()) for a, b in zip(before, after, strict=True) if a.norm() > 0
    ]


@update_ratios.alternative
def by_hand(before, after):
    ratios = []
    for old, new in zip(before, after, strict=True):
        size = (old**2).sum() ** 0.5
        ratios.append(
            (((new - old) ** 2).sum() ** 0.5 / size).item() if size != 0 else float("nan")
        )
    return ratios


@update_ratios.alternative
def by_flat_vectors(before, after):
    ratios = torch.full((len(before),), torch.nan, dtype=before[0].dtype)
    for n in range(len(before)):
        old, new = before[n].flatten(), after[n].flatten()
        if bool(old.any()):
            ratios[n] = torch.dist(new, old) / old.norm()
    return ratios

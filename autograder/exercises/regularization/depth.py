"""Stochastic depth: whole residual branches that are left out, example by example."""

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import torch

from autograder import probes
from autograder.exercises.regularization.drawing import (
    DROPOUTS,
    another_form,
    entries,
    evaluated,
    everywhere_alike,
    has_the_shape_of_x,
    is_training,
    share_of_coins,
    stays_in_the_graph,
    told_apart_by,
)
from autograder.exercises.regularization.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import Check, finding, leaves_inputs_alone
from autograder.judging.statistics import coins_are_independent
from course_lib import regularization


def _block(rng, *shape, low, high):
    branch = 1.4 * entries(rng, *shape)
    return {"x": entries(rng, *shape), "branch": branch, "survival": float(rng.uniform(low, high))}


def _many(rng):
    """So many examples that a survival is told from one that is larger by 0.05."""
    return int(rng.integers(1700, 1760))


def _few(rng):
    return int(rng.integers(74, 82))


def _table(rng):
    return _block(rng, _few(rng), int(rng.integers(5, 8)), low=0.12, high=0.18)


def _images(rng):
    return _block(rng, _many(rng), 3, 2, 1, low=0.14, high=0.2)


def _over(rng):
    return evaluated(_table)(rng) | {"survival": float(rng.uniform(0.64, 0.72))}


def _alike(rng):
    shape = _few(rng), int(rng.integers(5, 8))
    x, branch = everywhere_alike(rng, *shape), everywhere_alike(rng, *shape)
    return {"x": x, "branch": branch, "survival": float(rng.uniform(0.3, 0.36))}


def _kept(case):
    """Which entries of all draws have their branch; None where one is neither with nor without."""
    draws, inputs = np.asarray(case.observed["result"], dtype=np.float64), case.inputs
    x, whole = inputs["x"], inputs["x"] + inputs["branch"]
    tolerance = (1e-4 if case.dtype == "float32" else 1e-6) * (1 + np.abs(x) + np.abs(whole))
    without, having = np.abs(draws - x) <= tolerance, np.abs(draws - whole) <= tolerance
    return having if (without | having).all() else None


def _coins(case):
    """Which examples of all draws have their branch, at every place: one coin for each example."""
    return _kept(case).reshape(*case.observed["result"].shape[:2], -1)[:, :, 0]


def _where_whole(looking):
    """A look at coins, of draws whose examples have all of their branch, or none of it."""

    def look(case):
        if not _is_asked(case).passed:
            gist = "not to be counted: examples are neither with their branch nor without it"
            return finding(False, "whole branches", gist, gist, margin=math.inf)
        return looking.look(case)

    return replace(looking, look=look)


def _is_asked(case):
    draws, inputs = case.observed.get("result"), case.inputs
    x, branch, survival = inputs["x"], inputs["branch"], inputs["survival"]
    if not has_the_shape_of_x(case):
        return finding(False, f"one tensor of shape {x.shape}", *another_form(draws))
    if not is_training(inputs):
        wanted = x + survival * branch
        right = np.abs(draws - wanted) <= 1e-6 * (1 + np.abs(wanted))
        gist = "not x + survival · branch in evaluation"
        return finding(right.all(), "x + survival · branch", "something else", gist)
    kept = _kept(case)
    if kept is None:
        gist = "some entries are neither x nor x + branch"
        return finding(False, "x or x + branch", "something else", gist)
    kept = kept.reshape(*draws.shape[:2], -1)
    gist = "some examples have only a part of their branch"
    return finding((kept == kept[:, :, :1]).all(), "all of a branch or nothing", gist, gist)


def _evaluation_is(kept):
    """A reading that gives way in evaluation, where nothing is drawn."""

    def read(case):
        return kept(case) if is_training(case.inputs) else np.ones((2, 1), dtype=bool)

    return read


def _candidates(inputs):
    x, branch, survival = inputs["x"], inputs["branch"], inputs["survival"]
    return {
        "x": x,
        "x + branch": x + branch,
        "x + branch / survival": x + branch / survival,
        "x + survival branch": x + survival * branch,
        "x + (1 - survival) branch": x + (1 - survival) * branch,
        "survival (x + branch)": survival * (x + branch),
        "branch": branch,
        "survival branch": survival * branch,
        "nothing": 0 * x,
    }


def _shares(inputs):
    """With which probabilities a branch may be dropped, right and wrong."""
    survival = inputs["survival"]
    kept = {"normal": NormalDist().cdf(survival), "near": survival + 0.05, "kept": survival}
    return {"exchanged": survival} | {name: 1 - share for name, share in kept.items()}


_ASKED = Check("every example has all of its branch, or none of it", _is_asked)
_COINS = _where_whole(
    coins_are_independent("every example has a coin of its own", of=_evaluation_is(_coins))
)
_SHARE = _where_whole(
    share_of_coins(
        lambda survival, training=True, **_: survival if training else 1.0,
        "branches survive with the probability asked for",
        of=_evaluation_is(_coins),
        thrown=_COINS,
    )
)

stochastic_depth = lab.exercise(
    regularization.stochastic_depth,
    title="Stochastic depth: drop a whole block",
    statement=r"""A residual block gives $x + f(x)$. In a deep network one can leave out $f$ for some
examples during training; what is left is a shorter network, for the shortcut always stays. Given x and
`branch` = f(x), both of shape (N, …), return

$$y = x + b\cdot\text{branch}, \qquad b = 1 \text{ with probability `survival`, else } 0,$$

with **one coin b for each example**, and in evaluation its mean, $y = x + \text{survival}\cdot\text{branch}$.

**Convention.** `survival` is the probability of *keeping*, as in the paper, and training does not rescale.
(The paper throws one coin for a whole batch; libraries throw one for each example, and divide by the survival in
training.)""",
    parts=[
        Part(
            "what a block gives", 2, (_ASKED, _SHARE, stays_in_the_graph(), leaves_inputs_alone())
        ),
        Part(
            "the coins",
            2,
            (
                _ASKED,
                _SHARE,
                _COINS,
                stays_in_the_graph(),
            ),
        ),
    ],
    minutes=8,
    difficulty=2,
    syllabus=("8.11",),
    hide=("Formula",),
    inputs=(_alike, _over, _images, _table),
    probe=probes.draws(count=8, differentiable=True),
    signature=told_apart_by(
        _candidates,
        lambda draws, inputs: np.abs(draws - inputs["x"]) <= 1e-4 * (1 + np.abs(inputs["x"])),
        _shares,
        few=5000,
    ),
    forbidden=(*DROPOUTS, "torchvision"),
    hints=(
        "`torch.rand(N)` has a number for each example. It needs the shape (N, 1, 1, …) to multiply a "
        "branch (N, …).",
        "`(torch.rand(shape) < survival)` with `shape = [len(x)] + [1] * (x.ndim - 1)`.",
    ),
)


stochastic_depth.mistake(
    "survival_is_dropping",
    edit("bernoulli_(survival)", "bernoulli_(1 - survival)"),
    "You drop with probability `survival`. It is the probability that a branch *survives*: keep "
    "it where the random number is below.",
)
stochastic_depth.mistake(
    "survival_is_dropping_in_both",
    edit("bernoulli_(survival)", "bernoulli_(1 - survival)").also(
        "survival * branch", "(1 - survival) * branch"
    ),
    "You take `survival` for the probability of dropping, in training and in evaluation. It is "
    "that of keeping.",
)
stochastic_depth.mistake(
    "rescaled_in_training",
    edit("kept * branch", "kept / survival * branch").also("survival * branch", "branch"),
    "You divide by the survival in training and add the whole branch in evaluation, as timm's "
    "`drop_path` does. Asked for is the paper's form: no factor in training, survival · branch in "
    "evaluation.",
)
stochastic_depth.mistake(
    "scaled_in_both",
    edit("kept * branch", "kept / survival * branch"),
    "You make up for the dropped branches twice: division in training and multiplication in "
    "evaluation. Only evaluation has the factor.",
)
stochastic_depth.mistake(
    "scaled_in_neither",
    edit("survival * branch", "branch"),
    "Training is right. Evaluation adds the whole branch, which is more than the network ever had "
    "on average: multiply it by the survival.",
)

_DROPPED_TOO = (
    "You drop x along with the branch. The shortcut always stays: a dropped block is the identity."
)
stochastic_depth.mistake(
    "shortcut_dropped_too",
    edit("x + kept * branch", "kept * (x + branch)").also(
        "x + survival * branch", "survival * (x + branch)"
    ),
    _DROPPED_TOO,
)
stochastic_depth.mistake(
    "shortcut_dropped_in_training",
    edit("x + kept * branch", "kept * (x + branch)"),
    _DROPPED_TOO,
)
stochastic_depth.mistake(
    "shortcut_scaled",
    edit("x + survival * branch", "survival * (x + branch)"),
    "Evaluation multiplies x as well. Only the branch has the factor: x + survival · branch.",
)

_NO_SHORTCUT = (
    "The shortcut is missing: you return the branch without x, in training, in evaluation or in both. A block gives "
    "x + …, and a dropped one x."
)
stochastic_depth.mistake(
    "branch_alone",
    edit("x + kept * branch", "kept * branch").also("x + survival * branch", "survival * branch"),
    _NO_SHORTCUT,
)
stochastic_depth.mistake(
    "branch_alone_in_training", edit("x + kept * branch", "kept * branch"), _NO_SHORTCUT
)
stochastic_depth.mistake(
    "branch_alone_in_evaluation", edit("x + survival * branch", "survival * branch"), _NO_SHORTCUT
)
stochastic_depth.mistake(
    "the_rest_in_evaluation",
    edit("survival * branch", "(1 - survival) * branch"),
    "Training is right. Evaluation multiplies the branch by 1 − survival, the probability of being *dropped*: its mean "
    "is survival · branch.",
)
stochastic_depth.mistake(
    "no_branch_in_evaluation",
    edit("x + survival * branch", "x.clone()"),
    "Training is right. Evaluation leaves the branch out, and with it all that the block has learned. It adds the mean, "
    "survival · branch.",
)


@stochastic_depth.mistake(
    "In evaluation nothing comes back: the `return` is inside of `if training:`. With `training=False` return "
    "x + survival · branch."
)
def nothing_in_evaluation(x, branch, survival, training=True):
    if training:
        shape = [len(x)] + [1] * (x.ndim - 1)
        return x + (torch.rand(shape) < survival) * branch


@stochastic_depth.mistake("You return the coins beside the output. Asked for is the output alone.")
def with_the_coins(x, branch, survival, training=True):
    kept = torch.rand([len(x)] + [1] * (x.ndim - 1)) < survival
    return (x + kept * branch, kept) if training else x + survival * branch


stochastic_depth.mistake(
    "never_drops",
    edit("kept * branch", "branch"),
    "All branches are added, always: nothing is dropped in training.",
)


@stochastic_depth.mistake(
    "You multiply the branch by the survival in training as well. That is the mean; training "
    "throws a coin."
)
def the_mean_in_training(x, branch, survival, training=True):
    return x + survival * branch


stochastic_depth.mistake(
    "drops_in_evaluation",
    edit("if not training", "if False"),
    "You drop branches in evaluation, too. There the branch is multiplied by its probability to "
    "survive.",
)


@stochastic_depth.alternative
def by_bernoulli(x, branch, survival, training=True):
    if training:
        keep = torch.full((len(x),), survival, dtype=x.dtype)
        b = torch.bernoulli(keep)
        return x + b.view(-1, *(1,) * (x.dim() - 1)) * branch
    return x + branch * survival


@stochastic_depth.alternative
def by_indices(x, branch, survival, training=True):
    if not training:
        return torch.add(x, branch, alpha=survival)
    kept = torch.rand(len(x)) < survival
    y = x.clone()
    y[kept] = y[kept] + branch[kept]
    return y


@stochastic_depth.alternative
def one_after_the_other(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    coins = [float(torch.rand(())) for _ in x]
    rows = [a + f if c <= survival else a for a, f, c in zip(x, branch, coins, strict=True)]
    return torch.stack(rows)

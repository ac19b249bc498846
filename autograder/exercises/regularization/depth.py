"""Stochastic depth: whole residual branches that are left out, example by example."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.regularization.drawing import (
    DROPOUTS,
    entries,
    evaluated,
    everywhere_alike,
    is_training,
    told_apart_by,
)
from autograder.exercises.regularization.lab import lab
from autograder.judging import Part
from autograder.judging.checks import Check, finding, keeps_the_graph, leaves_inputs_alone
from autograder.judging.statistics import coins_are_independent, share_is
from course_lib import regularization


def _block(rng, *shape, low, high):
    branch = 1.4 * entries(rng, *shape)
    return {"x": entries(rng, *shape), "branch": branch, "survival": float(rng.uniform(low, high))}


def _table(rng):
    return _block(rng, int(rng.integers(74, 82)), int(rng.integers(5, 8)), low=0.12, high=0.18)


def _images(rng):
    return _block(rng, int(rng.integers(74, 82)), 3, 4, 2, low=0.2, high=0.25)


def _over(rng):
    return evaluated(_table)(rng) | {"survival": float(rng.uniform(0.64, 0.72))}


def _alike(rng):
    shape = int(rng.integers(74, 82)), int(rng.integers(5, 8))
    x, branch = everywhere_alike(rng, *shape), everywhere_alike(rng, *shape)
    return {"x": x, "branch": branch, "survival": float(rng.uniform(0.2, 0.25))}


def _kept(case):
    """Which entries of all draws have their branch; None where some are neither with nor "
    "without."""
    draws, inputs = np.asarray(case.observed["result"], dtype=np.float64), case.inputs
    x, whole = inputs["x"], inputs["x"] + inputs["branch"]
    tolerance = (1e-4 if case.dtype == "float32" else 1e-6) * (1 + np.abs(x) + np.abs(whole))
    without, having = np.abs(draws - x) <= tolerance, np.abs(draws - whole) <= tolerance
    return having if (without | having).all() else None


def _coins(case):
    """Which examples of all draws have their branch, at every place: one coin for each example."""
    return _kept(case).reshape(*case.observed["result"].shape[:2], -1)[:, :, 0]


def _is_asked(case):
    draws, inputs = case.observed.get("result"), case.inputs
    x, branch, survival = inputs["x"], inputs["branch"], inputs["survival"]
    if not isinstance(draws, np.ndarray) or draws.shape[1:] != x.shape:
        return finding(False, f"shape {x.shape}", "another shape", "another shape")
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
        "nothing": 0 * x,
    }


_ASKED = Check("every example has all of its branch, or none of it", _is_asked)
_SHARE = share_is(
    lambda survival, training=True, **_: survival if training else 1.0,
    "branches survive with the probability asked for",
    of=_evaluation_is(_coins),
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
        Part("what a block gives", 2, (_ASKED, _SHARE, keeps_the_graph(), leaves_inputs_alone())),
        Part(
            "the coins",
            2,
            (
                _ASKED,
                _SHARE,
                coins_are_independent(
                    "every example has a coin of its own", of=_evaluation_is(_coins)
                ),
                keeps_the_graph(),
            ),
        ),
    ],
    minutes=8,
    difficulty=2,
    syllabus=("8.11",),
    hide=("Formula",),
    inputs=(_table, _images, _over, _alike),
    probe=probes.draws(count=10, differentiable=True),
    signature=told_apart_by(
        _candidates,
        lambda draws, inputs: np.abs(draws - inputs["x"]) <= 1e-4 * (1 + np.abs(inputs["x"])),
        lambda inputs: {"dropped": 1 - inputs["survival"], "kept": inputs["survival"]},
    ),
    forbidden=(*DROPOUTS, "torchvision"),
    hints=(
        "`torch.rand(N)` has a number for each example. It needs the shape (N, 1, 1, …) to multiply a "
        "branch (N, …).",
        "`(torch.rand(shape) < survival)` with `shape = [len(x)] + [1] * (x.ndim - 1)`.",
    ),
)


@stochastic_depth.mistake(
    "You drop with probability `survival`. It is the probability that a branch *survives*: keep "
    "it where the random number is below."
)
def survival_is_dropping(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    shape = [len(x)] + [1] * (x.ndim - 1)
    return x + (torch.rand(shape) >= survival) * branch


@stochastic_depth.mistake(
    "You take `survival` for the probability of dropping, in training and in evaluation. It is "
    "that of keeping."
)
def survival_is_dropping_in_both(x, branch, survival, training=True):
    if not training:
        return x + (1 - survival) * branch
    shape = [len(x)] + [1] * (x.ndim - 1)
    return x + (torch.rand(shape) >= survival) * branch


@stochastic_depth.mistake(
    "You divide by the survival in training and add the whole branch in evaluation, as timm's "
    "`drop_path` does. Asked for is the paper's form: no factor in training, survival · branch in "
    "evaluation."
)
def rescaled_in_training(x, branch, survival, training=True):
    if not training:
        return x + branch
    shape = [len(x)] + [1] * (x.ndim - 1)
    return x + (torch.rand(shape) < survival) / survival * branch


@stochastic_depth.mistake(
    "You make up for the dropped branches twice: division in training and multiplication in "
    "evaluation. Only evaluation has the factor."
)
def scaled_in_both(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    shape = [len(x)] + [1] * (x.ndim - 1)
    return x + (torch.rand(shape) < survival) / survival * branch


@stochastic_depth.mistake(
    "Training is right. Evaluation adds the whole branch, which is more than the network ever had "
    "on average: multiply it by the survival."
)
def scaled_in_neither(x, branch, survival, training=True):
    if not training:
        return x + branch
    shape = [len(x)] + [1] * (x.ndim - 1)
    return x + (torch.rand(shape) < survival) * branch


@stochastic_depth.mistake(
    "You drop x along with the branch. The shortcut always stays: a dropped block is the identity."
)
def shortcut_dropped_too(x, branch, survival, training=True):
    if not training:
        return survival * (x + branch)
    shape = [len(x)] + [1] * (x.ndim - 1)
    return (torch.rand(shape) < survival) * (x + branch)


@stochastic_depth.mistake(
    "You drop x along with the branch. The shortcut always stays: a dropped block is the identity."
)
def shortcut_dropped_in_training(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    shape = [len(x)] + [1] * (x.ndim - 1)
    return (torch.rand(shape) < survival) * (x + branch)


@stochastic_depth.mistake(
    "Evaluation multiplies x as well. Only the branch has the factor: x + survival · branch."
)
def shortcut_scaled(x, branch, survival, training=True):
    if not training:
        return survival * (x + branch)
    shape = [len(x)] + [1] * (x.ndim - 1)
    return x + (torch.rand(shape) < survival) * branch


@stochastic_depth.mistake(
    "Every entry of the branch has a coin of its own: that is dropout. Here a branch is kept or "
    "dropped as a whole, one coin for each example."
)
def one_coin_for_each_entry(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    return x + (torch.rand(x.shape) < survival) * branch


_ONE_FOR_ALL = (
    "All examples of a batch share their fate: one coin decides for the whole batch, as in the paper, or none is "
    "thrown at all. Here every example has its own: as many random numbers as there are examples."
)


@stochastic_depth.mistake(_ONE_FOR_ALL)
def one_coin_for_the_batch(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    return x + (torch.rand(1) < survival) * branch


@stochastic_depth.mistake(_ONE_FOR_ALL)
def one_coin_in_python(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    return x + branch if torch.rand(1).item() < survival else x


@stochastic_depth.mistake(_ONE_FOR_ALL)
def always_dropped(x, branch, survival, training=True):
    return x.clone() if training else x + survival * branch


@stochastic_depth.mistake(
    "The coins lie along the wrong axis: examples are the first one. As many random numbers as "
    "examples, in the shape (N, 1, …)."
)
def one_coin_for_each_feature(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    return x + (torch.rand(1, *x.shape[1:]) < survival) * branch


@stochastic_depth.mistake(
    "The channels of an image have a coin each in yours. One coin decides over all of an "
    "example's branch: shape (N, 1, 1, …)."
)
def one_coin_for_each_channel(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    shape = [*x.shape[:2]] + [1] * (x.ndim - 2)
    if x.ndim == 2:
        shape = [len(x), 1]
    return x + (torch.rand(shape) < survival) * branch


@stochastic_depth.mistake(
    "Your coins have the shape (N, 1), which fits tables only. For images it has to be (N, 1, 1, "
    "1): one axis of length 1 for every further axis of x."
)
def for_tables_only(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    return x + (torch.rand(len(x), 1) < survival) * branch


@stochastic_depth.mistake("All branches are added, always: nothing is dropped in training.")
def never_drops(x, branch, survival, training=True):
    return x + branch if training else x + survival * branch


@stochastic_depth.mistake(
    "You multiply the branch by the survival in training as well. That is the mean; training "
    "throws a coin."
)
def the_mean_in_training(x, branch, survival, training=True):
    return x + survival * branch


@stochastic_depth.mistake(
    "You drop branches in evaluation, too. There the branch is multiplied by its probability to "
    "survive."
)
def drops_in_evaluation(x, branch, survival, training=True):
    shape = [len(x)] + [1] * (x.ndim - 1)
    return x + (torch.rand(shape) < survival) * branch


@stochastic_depth.mistake(
    "You compare *normal* numbers with a probability (`randn`). Uniform ones are below it with "
    "that probability: `torch.rand`."
)
def normal_numbers(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    shape = [len(x)] + [1] * (x.ndim - 1)
    return x + (torch.randn(shape) < survival) * branch


@stochastic_depth.mistake(
    "The same branches are dropped at every call: do not seed the generator in the function."
)
def seeded(x, branch, survival, training=True):
    torch.manual_seed(0)
    if not training:
        return x + survival * branch
    shape = [len(x)] + [1] * (x.ndim - 1)
    return x + (torch.rand(shape) < survival) * branch


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

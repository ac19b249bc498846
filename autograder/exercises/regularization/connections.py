"""DropConnect: weights are dropped instead of units."""

import itertools

import numpy as np
import torch

from autograder import probes
from autograder.exercises.regularization.drawing import (
    another_form,
    share_of_coins,
    stays_in_the_graph,
    what_coins_do,
)
from autograder.exercises.regularization.lab import lab
from autograder.judging import Part
from autograder.judging.checks import (
    Check,
    finding,
    leaves_inputs_alone,
)
from autograder.judging.statistics import coins_are_independent
from course_lib import regularization


def _away_from_zero(rng, *shape):
    return (0.4 + np.abs(rng.normal(size=shape))) * rng.choice([-1.0, 1.0], size=shape)


def _layer(low, high):
    def draw(rng):
        units, features = int(rng.integers(6, 8)), 4
        return {
            "x": _away_from_zero(rng, int(rng.integers(29, 34)), features),
            "weight": _away_from_zero(rng, units, features),
            "bias": rng.normal(size=units) + 0.5,
            "p": float(rng.uniform(low, high)),
        }

    return draw


def _equal_examples(rng):
    """One example many times: whoever has one mask for all gives the same many times."""
    given = _layer(0.15, 0.2)(rng)
    return {**given, "x": np.repeat(given["x"][:1], len(given["x"]), axis=0)}


_MASKS = np.array(list(itertools.product((0, 1), repeat=4)))


def _decoded(draws, inputs, factor=1.0):
    """The masks that explain what was drawn, and whether they explain all of it.

    Shapes: draws (count, N, K) -> (count, N, K, 4), which weights were dropped.
    """
    terms = factor * inputs["x"][:, None, :] * inputs["weight"]
    sums = terms @ _MASKS.T + inputs["bias"][:, None]
    distance = np.abs(draws[..., None].astype(np.float64) - sums)
    explained = distance.min(axis=-1) <= 1e-4 * (1 + np.abs(terms).sum(axis=-1))
    return _MASKS[distance.argmin(axis=-1)] == 0, float(explained.mean())


def _dropped(case):
    """Which weights were dropped, for every output of every example of every call."""
    return _decoded(case.observed["result"], case.inputs)[0]


def _formed(case):
    draws, inputs = case.observed.get("result"), case.inputs
    wanted = (len(inputs["x"]), len(inputs["weight"]))
    return isinstance(draws, np.ndarray) and draws.shape[1:] == wanted


def _explained(case):
    draws, inputs = case.observed.get("result"), case.inputs
    if not _formed(case):
        wanted = (len(inputs["x"]), len(inputs["weight"]))
        return finding(False, f"one tensor of shape {wanted}", *another_form(draws))
    share = _decoded(draws, inputs)[1]
    gist = "outputs that are no sum of the bias and some of the terms W x"
    return finding(
        share == 1, "the bias and some of the terms W x", f"{1 - share:.0%} are none", gist
    )


def _signature(observation):
    draws, inputs = observation["result"], observation["inputs"]
    wanted = (len(inputs["x"]), len(inputs["weight"]))
    if not isinstance(draws, np.ndarray) or draws.shape[1:] != wanted:
        return another_form(draws)
    p = inputs["p"]
    for factor in (1.0, 1 / (1 - p), 1 / p):
        dropped, explained = _decoded(draws, inputs, factor)
        if explained > 0.99:
            return factor, what_coins_do(dropped, {"p": p, "1 - p": 1 - p})
    dropped, explained = _decoded(draws, {**inputs, "bias": 0 * inputs["bias"]})
    return "otherwise", explained > 0.5, bool((draws == 0).mean() > 0.02)


_TERMS = Check("every output is the bias and the terms that are kept", _explained)
_COINS = coins_are_independent("every weight of every example has a coin", of=_dropped)
_SHARE = share_of_coins(
    lambda p, **_: p, "weights are dropped with probability p", of=_dropped, thrown=_COINS
)

drop_connect = lab.exercise(
    regularization.drop_connect,
    title="Drop connections, not units",
    statement=r"""DropConnect sets *weights* to 0 instead of units. Every example $x_n$ sees a weight matrix of its
own,

$$u_n = (M_n \circ W)\,x_n + b, \qquad M_n \in \{0,1\}^{K\times D},$$

whose entries are 0 with probability p, each by itself. x (N, D), `weight` (K, D), `bias` (K,), result (N, K). Nothing
is rescaled, and the bias stays. (Some code calls the dropping of whole blocks “drop connect”; that was
`stochastic_depth`.)""",
    parts=[
        Part(
            "what is kept", 2, (_TERMS, _SHARE, stays_in_the_graph(_formed), leaves_inputs_alone())
        ),
        Part(
            "the masks",
            2,
            (
                _TERMS,
                _SHARE,
                _COINS,
                stays_in_the_graph(_formed),
            ),
        ),
    ],
    minutes=7,
    difficulty=2,
    core=False,
    syllabus=("8.10",),
    hide=("Formula",),
    inputs=(_layer(0.15, 0.2), _layer(0.55, 0.6), _equal_examples, _layer(0.15, 0.2)),
    probe=probes.draws(count=6, differentiable=True),
    signature=_signature,
    forbidden=("torch.nn.functional", "torch.nn.Dropout"),
    hints=(
        "`torch.rand(N, K, D) >= p` is a mask for each example.",
        "`(mask * weight)` has shape (N, K, D): multiply by x[:, None, :] and add up over D.",
    ),
)


@drop_connect.mistake("All examples see the same mask. Draw one for each: `torch.rand(N, K, D)`.")
def one_mask_for_the_batch(x, weight, bias, p):
    return x @ ((torch.rand(weight.shape) >= p) * weight).T + bias


@drop_connect.mistake(
    "You drop *inputs*, x: all weights of a feature at once. In DropConnect every weight has a "
    "coin of its own."
)
def drops_inputs(x, weight, bias, p):
    return (x * (torch.rand(x.shape) >= p)) @ weight.T + bias


@drop_connect.mistake(
    "You drop *outputs*, all weights of a unit at once. In DropConnect every weight has a coin of "
    "its own."
)
def drops_outputs(x, weight, bias, p):
    u = x @ weight.T
    return u * (torch.rand(u.shape) >= p) + bias


@drop_connect.mistake(
    "You drop whole outputs, bias included. In DropConnect every weight has a coin of its own, "
    "and the bias stays."
)
def drops_outputs_and_bias(x, weight, bias, p):
    u = x @ weight.T + bias
    return u * (torch.rand(u.shape) >= p)


@drop_connect.mistake(
    "You drop a whole branch for an example: that is stochastic depth (drop-path). Here single "
    "weights are dropped, with a mask (K, D) for each example."
)
def drops_whole_examples(x, weight, bias, p):
    return (torch.rand(len(x), 1) >= p) * (x @ weight.T) + bias


@drop_connect.mistake(
    "You divide by 1 − p. DropConnect does not rescale in training: what it does at test time is "
    "the next exercise."
)
def rescaled(x, weight, bias, p):
    kept = torch.rand(len(x), *weight.shape) >= p
    return (kept * weight * x[:, None, :]).sum(2) / (1 - p) + bias


@drop_connect.mistake("You keep with probability p. Here p is the probability of dropping.")
def p_is_keep(x, weight, bias, p):
    kept = torch.rand(len(x), *weight.shape) < p
    return (kept * weight * x[:, None, :]).sum(2) + bias


@drop_connect.mistake("You return the masks beside the output. Asked for is the output alone.")
def with_the_masks(x, weight, bias, p):
    kept = torch.rand(len(x), *weight.shape) >= p
    return (kept * weight * x[:, None, :]).sum(2) + bias, kept


@drop_connect.mistake("You drop entries of the bias as well. It stays.")
def bias_dropped_too(x, weight, bias, p):
    kept = torch.rand(len(x), *weight.shape) >= p
    return (kept * weight * x[:, None, :]).sum(2) + bias * (torch.rand(len(x), len(bias)) >= p)


@drop_connect.mistake("The bias is missing.")
def bias_forgotten(x, weight, bias, p):
    kept = torch.rand(len(x), *weight.shape) >= p
    return (kept * weight * x[:, None, :]).sum(2)


@drop_connect.mistake("Nothing is dropped: this is the linear layer.")
def nothing_dropped(x, weight, bias, p):
    return x @ weight.T + bias


@drop_connect.mistake("You multiply by 1 − p instead of throwing coins: that is the mean.")
def the_mean(x, weight, bias, p):
    return (1 - p) * x @ weight.T + bias


@drop_connect.mistake("You compare *normal* numbers with a probability: `torch.rand`, not `randn`.")
def normal_numbers(x, weight, bias, p):
    kept = torch.randn(len(x), *weight.shape) >= p
    return (kept * weight * x[:, None, :]).sum(2) + bias


@drop_connect.mistake("The same weights are dropped at every call: do not seed in the function.")
def seeded(x, weight, bias, p):
    torch.manual_seed(0)
    kept = torch.rand(len(x), *weight.shape) >= p
    return (kept * weight * x[:, None, :]).sum(2) + bias


@drop_connect.alternative
def one_example_after_the_other(x, weight, bias, p):
    rows = []
    for row in x:
        mask = torch.bernoulli(torch.full_like(weight, 1 - p))
        rows.append((mask * weight) @ row + bias)
    return torch.stack(rows)


@drop_connect.alternative
def by_batched_products(x, weight, bias, p):
    kept = (torch.rand(len(x), *weight.shape) >= p).to(x.dtype)
    return torch.bmm(kept * weight, x.unsqueeze(2)).squeeze(2) + bias

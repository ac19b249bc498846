"""DropConnect: weights are dropped instead of units, and how one predicts with it."""

import itertools
import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.regularization.drawing import computed_or_drawn, what_coins_do
from autograder.exercises.regularization.lab import lab
from autograder.judging import Part
from autograder.judging.checks import (
    Check,
    finding,
    keeps_dtype,
    keeps_the_graph,
    leaves_inputs_alone,
    matches_reference,
)
from autograder.judging.statistics import coins_are_independent, share_is
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


def _moments(low, high):
    def draw(rng):
        units, features = int(rng.integers(3, 5)), int(rng.integers(7, 10))
        x = rng.normal(size=(6, features))
        x[2] = 0.0
        bias = rng.choice([-1.0, 1.0], size=units) * rng.uniform(0.2, 0.6, size=units)
        bias[:3] = 0.4, -0.3, 0.0
        return {
            "x": x,
            "weight": rng.normal(size=(units, features)) / 2,
            "bias": bias,
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


def _explained(case):
    draws, inputs = case.observed.get("result"), case.inputs
    wanted = (len(inputs["x"]), len(inputs["weight"]))
    if not isinstance(draws, np.ndarray) or draws.shape[1:] != wanted:
        return finding(False, f"shape {wanted}", "another shape", "another shape")
    share = _decoded(draws, inputs)[1]
    gist = "outputs that are no sum of the bias and some of the terms W x"
    return finding(
        share == 1, "the bias and some of the terms W x", f"{1 - share:.0%} are none", gist
    )


def _signature(observation):
    draws, inputs = observation["result"], observation["inputs"]
    wanted = (len(inputs["x"]), len(inputs["weight"]))
    if not isinstance(draws, np.ndarray) or draws.shape[1:] != wanted:
        return ("another form",)
    p = inputs["p"]
    for factor in (1.0, 1 / (1 - p), 1 / p):
        dropped, explained = _decoded(draws, inputs, factor)
        if explained > 0.99:
            return factor, what_coins_do(dropped, {"p": p, "1 - p": 1 - p})
    dropped, explained = _decoded(draws, {**inputs, "bias": 0 * inputs["bias"]})
    return "otherwise", explained > 0.5, bool((draws == 0).mean() > 0.02)


_TERMS = Check("every output is the bias and the terms that are kept", _explained)
_SHARE = share_is(lambda p, **_: p, "weights are dropped with probability p", of=_dropped)

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
        Part("what is kept", 2, (_TERMS, _SHARE, keeps_the_graph(), leaves_inputs_alone())),
        Part(
            "the masks",
            2,
            (
                _TERMS,
                _SHARE,
                coins_are_independent("every weight of every example has a coin", of=_dropped),
                keeps_the_graph(),
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


drop_connect_inference = lab.exercise(
    regularization.drop_connect_inference,
    title="The mean of a ReLU over all masks",
    statement=r"""After a ReLU the average over the masks is not the ReLU of the average. But u is a sum of many
independent terms, so take it to be normal with the right two moments,

$$\mu = (1-p)\,W x + b, \qquad \sigma^2 = \mathrm{Var}[u] = \;?$$

(each term $M w x$ has the variance of a coin times $(w x)^2$). The mean of a ReLU over it has a closed form, with
φ and Φ the density and the distribution function of a standard normal number:

$$\mathbb{E}[\mathrm{relu}(u)] = \mu\,\Phi(\mu/\sigma) + \sigma\,\varphi(\mu/\sigma).$$

Return it, (N, K). For an example of zeros σ is 0: then it is relu(μ), not NaN.""",
    points=4,
    minutes=9,
    difficulty=3,
    core=False,
    syllabus=("8.10", "8.7"),
    hide=("Formula",),
    inputs=(_moments(0.15, 0.3), _moments(0.65, 0.8), _moments(0.15, 0.3)),
    probe=probes.call(),
    signature=computed_or_drawn,
    checks=[
        matches_reference("the mean after the ReLU"),
        leaves_inputs_alone(),
        keeps_dtype(),
    ],
    equivalent_mutants={
        "everything is done under torch.no_grad()": "one predicts with it, and does not train through it",
        "z = mean / std.clamp(min=torch.finfo(x.dtype).tiny) => "
        "z = mean / std.clamp_(min=torch.finfo(x.dtype).tiny)": "the smallest number there is, times φ, is 0",
    },
    hints=(
        "σ² = p (1 − p) (W∘W)(x∘x), as a product of two squared tables.",
        "`torch.special.ndtr(z)` is Φ(z); φ(z) = exp(−z²/2)/√(2π).",
        "`std.clamp(min=tiny)` below the fraction keeps 0/0 away.",
    ),
)


@drop_connect_inference.mistake(
    "This is relu(E[u]). The noise pushes some of what is below 0 above it: where μ = 0 the "
    "answer is σ φ(0) > 0."
)
def relu_of_the_mean(x, weight, bias, p):
    return torch.relu((1 - p) * x @ weight.T + bias)


@drop_connect_inference.mistake("This is E[u], without the ReLU.")
def the_mean_itself(x, weight, bias, p):
    return (1 - p) * x @ weight.T + bias


@drop_connect_inference.mistake("This is the layer with all its weights.")
def no_dropping(x, weight, bias, p):
    return torch.relu(x @ weight.T + bias)


@drop_connect_inference.mistake("You put the variance where σ belongs: take the root.")
def variance_for_std(x, weight, bias, p):
    mean = (1 - p) * x @ weight.T + bias
    std = (p * (1 - p) * x**2 @ (weight.T**2)).clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake(
    "A coin that is 0 with probability p has the variance p (1 − p), not p (nor 1 − p)."
)
def variance_p(x, weight, bias, p):
    mean = (1 - p) * x @ weight.T + bias
    std = (p * x**2 @ (weight.T**2)).sqrt().clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake(
    "A coin that is 0 with probability p has the variance p (1 − p), not p (nor 1 − p)."
)
def variance_keep(x, weight, bias, p):
    mean = (1 - p) * x @ weight.T + bias
    std = ((1 - p) * x**2 @ (weight.T**2)).sqrt().clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake(
    "Your variance is p (1 − p) (W x)². Variances of independent terms add up: square each term "
    "first, (W∘W)(x∘x)."
)
def square_of_the_sum(x, weight, bias, p):
    mean = (1 - p) * x @ weight.T + bias
    std = (p * (1 - p) * (x @ weight.T) ** 2).sqrt().clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake("Your mean is p W x. Weights are kept with probability 1 − p.")
def p_is_keep(x, weight, bias, p):
    mean = p * x @ weight.T + bias
    std = (p * (1 - p) * x**2 @ (weight.T**2)).sqrt().clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake("The bias is not dropped: it stands in the mean as it is.")
def bias_scaled(x, weight, bias, p):
    mean = (1 - p) * (x @ weight.T + bias)
    std = (p * (1 - p) * x**2 @ (weight.T**2)).sqrt().clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake(
    "Your mean is W x + b. Weights are there with probability 1 − p only."
)
def mean_not_scaled(x, weight, bias, p):
    mean = x @ weight.T + bias
    std = (p * (1 - p) * x**2 @ (weight.T**2)).sqrt().clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake("The second term is σ φ(μ/σ); the σ is missing.")
def density_without_std(x, weight, bias, p):
    mean = (1 - p) * x @ weight.T + bias
    std = (p * (1 - p) * x**2 @ (weight.T**2)).sqrt().clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake(
    "For an example of zeros σ is 0, and μ/σ is not a number (or infinite, times 0). Then the "
    "answer is relu(μ)."
)
def nan_without_variance(x, weight, bias, p):
    mean = (1 - p) * x @ weight.T + bias
    std = (p * (1 - p) * x**2 @ (weight.T**2)).sqrt()
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake(
    "You draw from the normal distribution, as the paper does: an estimate, another one at every "
    "call. For a ReLU the mean has the closed form above."
)
def by_drawing(x, weight, bias, p):
    mean = (1 - p) * x @ weight.T + bias
    std = (p * (1 - p) * x**2 @ (weight.T**2)).sqrt().clamp(min=1e-30)
    return torch.relu(mean + std * torch.randn(2000, *mean.shape, dtype=x.dtype)).mean(0)


@drop_connect_inference.alternative
def by_erf(x, weight, bias, p):
    mean = bias + (1 - p) * torch.einsum("nd,kd->nk", x, weight)
    variance = p * (1 - p) * torch.einsum("nd,kd->nk", x * x, weight * weight)
    std = variance.sqrt()
    z = torch.where(std > 0, mean / torch.where(std > 0, std, 1), 0)
    below = 0.5 * (1 + torch.erf(z / math.sqrt(2)))
    noisy = mean * below + std * torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return torch.where(std > 0, noisy, torch.relu(mean))

"""Maxout: the largest of several linear pieces, what it costs and what it contains."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.activations.lab import lab
from autograder.judging import edit
from autograder.judging.checks import (
    check,
    find,
    finding,
    keeps_dtype,
    leaves_inputs_alone,
    keeps_the_graph,
    matches_reference,
)
from autograder.judging.comparison import Tolerance, difference
from course_lib import activations


def _sizes(rng):
    rows, pieces, units, inputs = (int(n) for n in rng.permutation([3, 4, 5, 6, 7])[:4])
    return rows + 4, pieces, units, inputs


def draw_layer(rng):
    """A layer in which no piece of one unit is positive for the first example."""
    rows, pieces, units, inputs = _sizes(rng)
    x = rng.normal(size=(rows, inputs)) + 0.5
    weight = rng.normal(size=(pieces, units, inputs))
    bias = 2 * rng.normal(size=(pieces, units))
    unit = int(rng.integers(units))
    bias[:, unit] -= (weight[:, unit] @ x[0] + bias[:, unit]).max() + rng.uniform(0.5, 2)
    return {"x": x, "weight": weight, "bias": bias}


def linear_pieces(x, weight, bias):
    return x @ weight.transpose(1, 2) + bias[:, None]


maxout = lab.exercise(
    activations.maxout,
    title="Maxout",
    statement=r"""A maxout unit has no fixed nonlinearity: it computes k linear functions of its input,
its **pieces**, and returns the largest. For x of shape (N, D), `weight` (k, M, D) and `bias` (k, M):

$$y_{nm} = \max_{i=1\ldots k}\Big(\sum_d W_{imd}\,x_{nd} + b_{im}\Big), \qquad \text{shape } (N, M).$$

Three axes are left after the matrix product: examples, pieces, units. The maximum is over one of
them. Autograd must be able to go through it.""",
    points=2,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("2.8",),
    inputs=draw_layer,
    probe=probes.call(differentiable=True),
    checks=[
        matches_reference("the outputs"),
        keeps_the_graph(),
        leaves_inputs_alone(),
        keeps_dtype(),
    ],
    hints=(
        "`x @ W.T + b` for every piece gives k matrices of shape (N, M).",
        "`x @ weight.transpose(1, 2)` computes them all, shape (k, N, M). How does `bias`, of shape "
        "(k, M), line up with it?",
        "`… + bias[:, None]`, then `amax(dim=0)`.",
    ),
)


@maxout.mistake(
    "You take the maximum over the *units* and keep the pieces. There must be M outputs: take it "
    "over the k pieces."
)
def over_the_units(x, weight, bias):
    return linear_pieces(x, weight, bias).amax(dim=2).T


@maxout.mistake(
    "You take the maximum over the *units* and keep the pieces. There must be M outputs: take it "
    "over the k pieces."
)
def units_for_pieces(x, weight, bias):
    return linear_pieces(x, weight, bias).amax(dim=2)


@maxout.mistake(
    "`max(dim=…)` returns two tensors, the values and their positions. Return `.values`, or use "
    "`amax`."
)
def with_positions(x, weight, bias):
    return linear_pieces(x, weight, bias).max(dim=0)


@maxout.mistake(
    "Your reshape mixes pieces and units: of the k · M numbers the first M belong to the first "
    "piece. The shape is (N, k, M), and the maximum is over axis 1."
)
def reshaped_to_pieces(x, weight, bias):
    pieces, units, inputs = weight.shape
    z = x @ weight.reshape(pieces * units, inputs).T + bias.reshape(-1)
    return z.reshape(len(x), units, pieces).amax(dim=2)


@maxout.mistake(
    "You take the largest *weights* of the pieces. Compute all pieces, then take the largest of "
    "their outputs."
)
def largest_weights(x, weight, bias):
    return x @ weight.amax(dim=0).T + bias.amax(dim=0)


@maxout.mistake("You take the maximum over the *examples*. It is over the k pieces of each unit.")
def over_the_examples(x, weight, bias):
    return linear_pieces(x, weight, bias).amax(dim=1)


@maxout.mistake("You add the pieces up, which is one linear layer again. Take the largest.")
def added_up(x, weight, bias):
    return linear_pieces(x, weight, bias).sum(dim=0)


@maxout.mistake("You average the pieces, which is one linear layer again. Take the largest.")
def averaged(x, weight, bias):
    return linear_pieces(x, weight, bias).mean(dim=0)


@maxout.mistake("The biases are missing: every piece has its own.")
def no_bias(x, weight, bias):
    return (x @ weight.transpose(1, 2)).amax(dim=0)


@maxout.mistake(
    "Each piece has its own bias, added *before* the maximum: which piece is the largest depends "
    "on it."
)
def bias_afterwards(x, weight, bias):
    return (x @ weight.transpose(1, 2)).amax(dim=0) + bias.amax(dim=0)


@maxout.mistake("You return the first piece only.")
def first_piece(x, weight, bias):
    return linear_pieces(x, weight, bias)[0]


@maxout.mistake(
    "Your outputs are cut off at 0, as by a ReLU. Zero is no piece unless the weights make it one: "
    "the largest piece may be negative."
)
def and_zero(x, weight, bias):
    return linear_pieces(x, weight, bias).amax(dim=0).clamp(min=0)


@maxout.mistake("You take absolute values. The largest piece is meant, and it may be negative.")
def largest_magnitude(x, weight, bias):
    return linear_pieces(x, weight, bias).abs().amax(dim=0)


@maxout.mistake("You return the smallest piece. It is the largest one.")
def smallest(x, weight, bias):
    return linear_pieces(x, weight, bias).amin(dim=0)


@maxout.alternative
def by_einsum(x, weight, bias):
    z = torch.einsum("nd,kmd->nkm", x, weight) + bias
    return z.max(dim=1).values


@maxout.alternative
def piece_by_piece(x, weight, bias):
    best = x @ weight[0].T + bias[0]
    for w, b in zip(weight[1:], bias[1:], strict=True):
        best = torch.maximum(best, x @ w.T + b)
    return best


def _counts(rng):
    inputs, outputs = (int(n) for n in rng.permutation(np.arange(20, 60))[:2])
    return {"inputs": inputs, "outputs": outputs, "pieces": int(rng.integers(3, 8))}


maxout_parameters = lab.value(
    activations.maxout_parameters,
    title="What maxout costs",
    statement=r"""How many numbers does a maxout layer learn, with `inputs` inputs, `outputs` units and
`pieces` pieces, all biases included? Return a whole number.""",
    points=1,
    minutes=2,
    core=False,
    syllabus=("2.8",),
    hide=("Formula",),
    inputs=_counts,
    probe=probes.call(),
    checks=[matches_reference("the number of parameters")],
    hints=("Every piece is a linear layer with a bias.",),
)


@maxout_parameters.mistake(
    "This is a plain linear layer. Maxout has one for every piece: k times as many numbers."
)
def unchanged(inputs, outputs, pieces):
    return (inputs + 1) * outputs


@maxout_parameters.mistake("The biases are missing: one per piece and unit.")
def without_biases(inputs, outputs, pieces):
    return pieces * inputs * outputs


@maxout_parameters.mistake("Every piece has a bias of its own: k · outputs biases.")
def one_bias_per_unit(inputs, outputs, pieces):
    return pieces * inputs * outputs + outputs


@maxout_parameters.mistake(
    "A bias belongs to an output: (inputs + 1) · outputs numbers for each piece."
)
def bias_per_input(inputs, outputs, pieces):
    return pieces * inputs * (outputs + 1)


@maxout_parameters.mistake("You count one piece too many: zero is no piece.")
def one_more_piece(inputs, outputs, pieces):
    return (pieces + 1) * (inputs + 1) * outputs


@maxout_parameters.mistake("The pieces multiply the count; you add them.")
def pieces_added(inputs, outputs, pieces):
    return (inputs + 1) * outputs + pieces


@maxout_parameters.mistake("The pieces count once, not squared.")
def squared_pieces(inputs, outputs, pieces):
    return pieces**2 * (inputs + 1) * outputs


@maxout_parameters.alternative
def by_counting(inputs, outputs, pieces):
    layers = [torch.nn.Linear(inputs, outputs) for _ in range(pieces)]
    return sum(p.numel() for layer in layers for p in layer.parameters())


@maxout_parameters.alternative
def term_by_term(inputs, outputs, pieces):
    return pieces * inputs * outputs + pieces * outputs


def _linear(rng):
    units, inputs = (int(n) for n in rng.permutation([3, 4, 5, 6])[:2])
    return {
        "weight": rng.normal(size=(units, inputs)),
        "bias": rng.normal(size=units),
        "negative_slope": float(rng.uniform(0.1, 0.7)),
    }


@check("the largest piece is the leaky ReLU of the linear layer")
def acts_as_leaky_relu(case):
    weight, bias = (
        np.asarray(find(case.observed, f"result.{i}", case), dtype=np.float64) for i in (0, 1)
    )
    w, b, slope = (np.asarray(case.inputs[n], np.float64) for n in case.inputs)
    if weight.ndim != 3 or weight.shape[1:] != w.shape or bias.shape != weight.shape[:2]:
        return finding(
            False,
            f"weight (k, {w.shape[0]}, {w.shape[1]}) and bias (k, {w.shape[0]})",
            f"{weight.shape} and {bias.shape}",
            "the shapes are others than those of maxout's weight and bias",
        )
    x = 2 * np.random.default_rng(case.number).normal(size=(60, w.shape[1]))
    z = x @ w.T + b
    wanted = np.where(z > 0, z, slope * z)
    got = (np.einsum("nd,kmd->knm", x, weight) + bias[:, None]).max(axis=0)
    found = difference(got, wanted, Tolerance(dtype=case.dtype))
    if found is None:
        return finding(True)
    return finding(
        False, found.expected, found.observed, "maxout of your pieces is another function"
    )


leaky_relu_as_maxout = lab.exercise(
    activations.leaky_relu_as_maxout,
    title="Maxout contains leaky ReLU",
    statement=r"""With suitable pieces maxout becomes |z|, ReLU, or leaky ReLU. Given a linear layer
$z = x W^\top + b$ (`weight` (M, D), `bias` (M,)) and a slope between 0 and 1, return the maxout
`weight` (2, M, D) and `bias` (2, M) that compute $\text{LeakyReLU}(z)$. The order of the pieces is
up to you.""",
    points=1,
    difficulty=2,
    core=False,
    syllabus=("2.8", "2.4"),
    hide=("Formula",),
    inputs=_linear,
    probe=probes.call(),
    checks=[acts_as_leaky_relu, leaves_inputs_alone(), keeps_dtype()],
    equivalent_mutants={
        "everything is done under torch.no_grad()": "the result are the parameters of a layer, where "
        "a graph begins",
    },
    hints=(
        "For 0 ≤ a ≤ 1 the leaky ReLU is max(z, a·z): the formula of the lecture notes has its use.",
        "The second piece is a times the first, bias included.",
    ),
)


@leaky_relu_as_maxout.mistake(
    "Both pieces are the same, so the maximum is that piece: a linear layer. Pieces must differ "
    "for maxout to bend."
)
def twice_the_same(weight, bias, negative_slope):
    return torch.stack([weight, weight]), torch.stack([bias, bias])


@leaky_relu_as_maxout.mistake("max(z, 0) is plain ReLU. For the leaky one the second piece is a·z.")
def a_piece_of_zeros(weight, bias, negative_slope):
    zero = torch.zeros_like
    return torch.stack([weight, zero(weight)]), torch.stack([bias, zero(bias)])


@leaky_relu_as_maxout.mistake(
    "You scale the weights of the second piece but not its bias: a·z = a·Wx + a·b."
)
def bias_not_scaled(weight, bias, negative_slope):
    return torch.stack([weight, negative_slope * weight]), torch.stack([bias, bias])


@leaky_relu_as_maxout.mistake("The second piece has no bias: a·z = a·Wx + a·b.")
def bias_left_out(weight, bias, negative_slope):
    zero = torch.zeros_like(bias)
    return torch.stack([weight, negative_slope * weight]), torch.stack([bias, zero])


leaky_relu_as_maxout.mistake(
    "mirrored_piece",
    edit("negative_slope * weight", "-negative_slope * weight").also(
        "negative_slope * bias", "-negative_slope * bias"
    ),
    "max(z, −a·z) bends upward on the left. The leak goes down: a·z.",
)


@leaky_relu_as_maxout.mistake("The slope of the second piece is a, not 1 − a.")
def one_minus_the_slope(weight, bias, negative_slope):
    a = 1 - negative_slope
    return torch.stack([weight, a * weight]), torch.stack([bias, a * bias])


@leaky_relu_as_maxout.mistake("You ignore `negative_slope` and always use 0.01.")
def a_hundredth(weight, bias, negative_slope):
    return torch.stack([weight, 0.01 * weight]), torch.stack([bias, 0.01 * bias])


leaky_relu_as_maxout.mistake(
    "side_by_side",
    edit("* weight])", "* weight], dim=1)").also("* bias])", "* bias], dim=1)"),
    "The pieces lie along axis 1. They are maxout's first axis: (2, M, D) and (2, M).",
)


@leaky_relu_as_maxout.alternative
def other_order(weight, bias, negative_slope):
    return (
        torch.stack([negative_slope * weight, weight]),
        torch.stack([negative_slope * bias, bias]),
    )


@leaky_relu_as_maxout.alternative
def by_factors(weight, bias, negative_slope):
    factors = torch.tensor([1.0, negative_slope], dtype=weight.dtype)
    return factors[:, None, None] * weight, factors[:, None] * bias


@leaky_relu_as_maxout.alternative
def one_piece_to_spare(weight, bias, negative_slope):
    factors = [1, negative_slope, negative_slope]
    return (
        torch.stack([f * weight for f in factors]),
        torch.stack([f * bias for f in factors]),
    )

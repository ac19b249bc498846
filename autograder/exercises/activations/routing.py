"""Maxout's gradient: the winner takes all of it."""

import torch

from autograder import probes
from autograder.exercises.activations.lab import AUTOGRAD, lab
from autograder.exercises.activations.pieces import draw_layer, linear_pieces
from autograder.judging import Part
from autograder.judging.checks import (
    keeps_dtype,
    leaves_inputs_alone,
    matches_reference,
)
from course_lib import activations


def _backward(rng):
    layer = draw_layer(rng)
    return {
        "grad_output": rng.normal(size=(len(layer["x"]), layer["bias"].shape[1])),
        **layer,
    }


def _propagated(routed, x, weight):
    grad_x = (routed @ weight).sum(dim=0)
    return grad_x, routed.transpose(1, 2) @ x, routed.sum(dim=1)


maxout_backward = lab.exercise(
    activations.maxout_backward,
    title="The winner takes the gradient",
    statement=r"""Backpropagate through maxout by hand. `grad_output` is $\partial L/\partial y$, of
shape (N, M); the rest is as in `maxout`. Return the triple
$(\partial L/\partial x,\; \partial L/\partial W,\; \partial L/\partial b)$, of the shapes of `x`,
`weight` and `bias`.

For one example and one unit, only one piece had any say in the output. So only that piece gets a
gradient, and the others learn nothing from this example. (There are no ties.)""",
    parts=[
        Part(
            "weights and biases",
            2,
            (
                matches_reference("the gradient of the weights", of="result.1"),
                matches_reference("the gradient of the biases", of="result.2"),
                leaves_inputs_alone(),
                keeps_dtype(),
            ),
        ),
        Part("the input", 1, (matches_reference("the gradient of the input", of="result.0"),)),
    ],
    minutes=12,
    difficulty=3,
    core=False,
    syllabus=("2.8",),
    hide=("Formula",),
    inputs=_backward,
    probe=probes.call(),
    forbidden=AUTOGRAD,
    equivalent_mutants={
        f"{line.format(1, 2)} => {line.format(2, 1)}": "the same two axes are swapped"
        for line in (
            "pieces = x @ weight.transpose({}, {}) + bias[:, None]",
            "grad_weight = routed.transpose({}, {}) @ x",
        )
    },
    hints=(
        "First a tensor of shape (k, N, M) that holds `grad_output` where a piece won and 0 "
        "elsewhere.",
        "`winner = pieces.argmax(dim=0, keepdim=True)`; "
        "`torch.zeros_like(pieces).scatter(0, winner, grad_output[None])`.",
        "From there every piece is a linear layer: dW_i = dz_iᵀ x, db_i = Σ_n dz_i, and dx adds up "
        "dz_i W_i over the pieces.",
    ),
)


@maxout_backward.mistake(
    "You send the gradient to all pieces. The output depends on the largest one alone."
)
def to_every_piece(grad_output, x, weight, bias):
    return _propagated(grad_output.expand(len(weight), *grad_output.shape), x, weight)


@maxout_backward.mistake(
    "You share the gradient among the pieces. All of it belongs to the largest one."
)
def shared_evenly(grad_output, x, weight, bias):
    k = len(weight)
    return _propagated(grad_output.expand(k, *grad_output.shape) / k, x, weight)


@maxout_backward.mistake(
    "You let the gradient through where a piece is positive, as ReLU does. What counts is which "
    "piece is the largest, whatever its sign."
)
def to_positive_pieces(grad_output, x, weight, bias):
    return _propagated((linear_pieces(x, weight, bias) > 0) * grad_output, x, weight)


@maxout_backward.mistake("You send the gradient to the smallest piece. The output was the largest.")
def to_the_smallest(grad_output, x, weight, bias):
    pieces = linear_pieces(x, weight, bias)
    return _propagated((pieces == pieces.amin(dim=0)) * grad_output, x, weight)


@maxout_backward.mistake(
    "You weight the pieces by their softmax. That is the gradient of a soft maximum (logsumexp); "
    "the hard maximum has one winner."
)
def to_a_soft_winner(grad_output, x, weight, bias):
    return _propagated(
        torch.softmax(linear_pieces(x, weight, bias), dim=0) * grad_output, x, weight
    )


@maxout_backward.mistake(
    "You look for the winner without the biases. It is the largest of W x + b."
)
def winner_without_bias(grad_output, x, weight, bias):
    pieces = x @ weight.transpose(1, 2)
    return _propagated((pieces == pieces.amax(dim=0)) * grad_output, x, weight)


@maxout_backward.mistake(
    "You choose one winner per unit for the whole batch. Every example has its own."
)
def one_winner_for_the_batch(grad_output, x, weight, bias):
    winner = linear_pieces(x, weight, bias).mean(dim=1).argmax(dim=0)
    mask = torch.nn.functional.one_hot(winner, len(weight)).T[:, None].to(x.dtype)
    return _propagated(mask * grad_output, x, weight)


@maxout_backward.mistake(
    "You multiply by the value of the winning piece. ∂y/∂z is 1 for the winner."
)
def times_the_piece(grad_output, x, weight, bias):
    pieces = linear_pieces(x, weight, bias)
    return _propagated((pieces == pieces.amax(dim=0)) * pieces * grad_output, x, weight)


@maxout_backward.mistake(
    "The weights and biases are right. The input, too, gets its gradient through the winning "
    "piece only: multiply the routed gradient by W, not `grad_output`."
)
def input_from_all_pieces(grad_output, x, weight, bias):
    pieces = linear_pieces(x, weight, bias)
    routed = (pieces == pieces.amax(dim=0)) * grad_output
    everywhere = (grad_output @ weight).sum(dim=0)
    return everywhere, routed.transpose(1, 2) @ x, routed.sum(dim=1)


@maxout_backward.mistake(
    "You average over the examples. Add up: whether the loss is a mean is already in `grad_output`."
)
def averaged_over_the_batch(grad_output, x, weight, bias):
    pieces = linear_pieces(x, weight, bias)
    routed = (pieces == pieces.amax(dim=0)) * grad_output
    return (routed @ weight).sum(dim=0), routed.transpose(1, 2) @ x / len(x), routed.mean(dim=1)


@maxout_backward.mistake(
    "Everything is right but the biases: add up over the examples, do not average. Whether the "
    "loss is a mean is already in `grad_output`."
)
def bias_averaged(grad_output, x, weight, bias):
    pieces = linear_pieces(x, weight, bias)
    routed = (pieces == pieces.amax(dim=0)) * grad_output
    return (routed @ weight).sum(dim=0), routed.transpose(1, 2) @ x, routed.mean(dim=1)


@maxout_backward.alternative
def by_mask(grad_output, x, weight, bias):
    z = torch.einsum("nd,kmd->nkm", x, weight) + bias
    mask = (z == z.max(dim=1, keepdim=True).values).to(x.dtype)
    g = mask * grad_output[:, None]
    return (
        torch.einsum("nkm,kmd->nd", g, weight),
        torch.einsum("nkm,nd->kmd", g, x),
        g.sum(dim=0),
    )


@maxout_backward.alternative
def example_by_example(grad_output, x, weight, bias):
    grad_x, grad_weight, grad_bias = (torch.zeros_like(t) for t in (x, weight, bias))
    for n in range(len(x)):
        for m in range(weight.shape[1]):
            i = int((weight[:, m] @ x[n] + bias[:, m]).argmax())
            grad_x[n] += grad_output[n, m] * weight[i, m]
            grad_weight[i, m] += grad_output[n, m] * x[n]
            grad_bias[i, m] += grad_output[n, m]
    return grad_x, grad_weight, grad_bias

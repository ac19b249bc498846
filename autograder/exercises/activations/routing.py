"""Maxout's gradient: the winner takes all of it."""

import torch

from autograder import probes
from autograder.exercises.activations.lab import AUTOGRAD, lab
from autograder.exercises.activations.pieces import draw_layer
from autograder.judging import Part, edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import activations


def _backward(rng):
    layer = draw_layer(rng)
    return {
        "grad_output": rng.normal(size=(len(layer["x"]), layer["bias"].shape[1])),
        **layer,
    }


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
        "pieces = x @ weight.transpose(1, 2) + bias[:, None] => "
        "pieces = through_half(x @ weight.transpose(1, 2) + bias[:, None])": "of which only the "
        "largest is asked",
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


def _routed_as(routed):
    return edit("torch.zeros_like(pieces).scatter(0, winner, grad_output[None])", routed)


maxout_backward.mistake(
    "to_every_piece",
    _routed_as("grad_output.expand_as(pieces)"),
    "You send the gradient to all pieces. The output depends on the largest one alone.",
)
maxout_backward.mistake(
    "shared_evenly",
    _routed_as("grad_output.expand_as(pieces) / len(pieces)"),
    "You share the gradient among the pieces. All of it belongs to the largest one.",
)
maxout_backward.mistake(
    "to_positive_pieces",
    _routed_as("(pieces > 0) * grad_output"),
    "You let the gradient through where a piece is positive, as ReLU does. What counts is which "
    "piece is the largest, whatever its sign.",
)
maxout_backward.mistake(
    "to_the_smallest",
    edit("argmax", "argmin"),
    "You send the gradient to the smallest piece. The output was the largest.",
)
maxout_backward.mistake(
    "to_a_soft_winner",
    _routed_as("torch.softmax(pieces, dim=0) * grad_output"),
    "You weight the pieces by their softmax. That is the gradient of a soft maximum (logsumexp); "
    "the hard maximum has one winner.",
)
maxout_backward.mistake(
    "winner_without_bias",
    edit(" + bias[:, None]", ""),
    "You look for the winner without the biases. It is the largest of W x + b.",
)
maxout_backward.mistake(
    "one_winner_for_the_batch",
    edit(
        "pieces.argmax(dim=0, keepdim=True)",
        "pieces.mean(dim=1).argmax(dim=0).expand(1, len(x), -1)",
    ),
    "You choose one winner per unit for the whole batch. Every example has its own.",
)
maxout_backward.mistake(
    "times_the_piece",
    edit("grad_output[None]", "(grad_output * pieces.amax(dim=0))[None]"),
    "You multiply by the value of the winning piece. ∂y/∂z is 1 for the winner.",
)
maxout_backward.mistake(
    "input_from_all_pieces",
    edit("routed @ weight", "grad_output @ weight"),
    "The weights and biases are right. The input, too, gets its gradient through the winning "
    "piece only: multiply the routed gradient by W, not `grad_output`.",
)
maxout_backward.mistake(
    "averaged_over_the_batch",
    edit("routed.transpose(1, 2) @ x", "routed.transpose(1, 2) @ x / len(x)").also(
        "routed.sum(dim=1)", "routed.mean(dim=1)"
    ),
    "You average over the examples. Add up: whether the loss is a mean is already in "
    "`grad_output`.",
)
maxout_backward.mistake(
    "bias_averaged",
    edit("routed.sum(dim=1)", "routed.mean(dim=1)"),
    "Everything is right but the biases: add up over the examples, do not average. Whether the "
    "loss is a mean is already in `grad_output`.",
)


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

"""Inverted dropout, backward: the same mask, the same factor."""

import torch

from autograder import probes
from autograder.exercises.regularization.drawing import computed_or_drawn
from autograder.exercises.regularization.lab import lab
from autograder.judging import edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import regularization


def _masked(*sizes, low=0.15, high=0.4):
    def draw(rng):
        shape = tuple(int(n) for n in rng.permutation(sizes))
        p = float(rng.uniform(low, high))
        kept = rng.random(shape) >= p
        kept.flat[:2] = True, False  # both are there
        return {"grad_output": rng.normal(size=shape) + 0.3, "kept": kept, "p": p}

    return draw


def _nothing(rng):
    given = _masked(4, 5)(rng)
    return {**given, "grad_output": given["grad_output"][:0], "kept": given["kept"][:0]}


dropout_backward = lab.exercise(
    regularization.dropout_backward,
    title="… and its way back",
    statement=r"""For one mask dropout is nothing but a product with constants. Given
∂L/∂y (`grad_output`) and the mask of the forward pass (`kept`, boolean: True where an entry was kept), return
∂L/∂x, of the same shape. Leave `grad_output` as it was: 14 of 126 students wrote into it, and the next
layer's gradient was gone.""",
    points=2,
    minutes=4,
    difficulty=1,
    syllabus=("8.6",),
    hide=("Formula",),
    inputs=(_masked(4, 6), _masked(3, 4, 5, low=0.6, high=0.8), _nothing, _masked(37)),
    probe=probes.call(),
    signature=computed_or_drawn,
    checks=[
        matches_reference("the gradient", float32_constants=True),
        leaves_inputs_alone(stated=True),
        keeps_dtype(),
    ],
    forbidden=("torch.autograd", "torch.ops", "torch.nn.functional"),
    hints=("y = x · kept / (1 − p): what is ∂y/∂x of one entry?",),
)


@dropout_backward.mistake(
    "The gradient passes where it should, but without the factor 1/(1 − p) of the forward pass.",
    origin="1 of 139 students",
)
def factor_forgotten(grad_output, kept, p):
    return grad_output * kept


@dropout_backward.mistake(
    "You draw a new mask on the way back. What was dropped decides: the mask is that of the forward "
    "pass, `kept`."
)
def a_fresh_mask(grad_output, kept, p):
    return grad_output * (torch.rand(grad_output.shape) >= p) / (1 - p)


@dropout_backward.mistake(
    "You divide by p. Kept entries were divided by 1 − p, the probability to be kept."
)
def divided_by_p(grad_output, kept, p):
    return grad_output * kept / p


dropout_backward.mistake(
    "the_dropped_ones",
    edit("* kept", "* ~kept"),
    "The gradient flows to the entries that were *dropped*. They have no part in the output: it "
    "belongs to those where `kept` is True.",
)
dropout_backward.mistake(
    "everything_passes",
    edit("grad_output * kept / (1 - p)", "grad_output / (1 - p)"),
    "The mask is missing: an entry that was dropped has no influence on the loss, so its gradient is 0.",
)
dropout_backward.mistake(
    "unchanged",
    edit("grad_output * kept / (1 - p)", "1 * grad_output"),
    "The gradient comes out as it went in. That is right for evaluation only.",
)
dropout_backward.mistake(
    "multiplied_by_keep",
    edit("/ (1 - p)", "* (1 - p)"),
    "You multiply by 1 − p. The forward pass divided by it, and so does the way back.",
)
dropout_backward.mistake(
    "factor_twice",
    edit("/ (1 - p)", "/ (1 - p) ** 2"),
    "The factor 1/(1 − p) is there twice. The forward pass has it once.",
)
dropout_backward.mistake(
    "the_mask_itself",
    edit("grad_output * kept / (1 - p)", "kept.to(grad_output.dtype) / (1 - p)"),
    "You return ∂y/∂x. Multiply it by the gradient that comes from above.",
)


@dropout_backward.mistake(
    "The numbers are right, but you write them into `grad_output`, which belongs to whoever called: "
    "make a new tensor, or a clone."
)
def overwritten(grad_output, kept, p):
    grad_output[~kept] = 0
    grad_output /= 1 - p
    return grad_output


@dropout_backward.alternative
def by_where(grad_output, kept, p):
    return torch.where(kept, grad_output / (1 - p), torch.zeros_like(grad_output))


@dropout_backward.alternative
def by_masked_fill(grad_output, kept, p):
    mask = kept.float() / (1 - p)
    return mask.to(grad_output.dtype) * grad_output


@dropout_backward.alternative
def on_a_clone(grad_output, kept, p):
    dx = grad_output.clone()
    dx[~kept] = 0
    return dx / (1 - p)

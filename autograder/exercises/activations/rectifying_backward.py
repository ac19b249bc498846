"""The slope of ReLU, also at zero."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.activations.lab import AUTOGRAD, draw_gradient, draw_values, lab
from autograder.judging import Part
from autograder.judging.checks import (
    check,
    finding,
    keeps_dtype,
    leaves_inputs_alone,
    matches_reference,
)
from autograder.judging.comparison import Tolerance, difference
from course_lib import activations


def _with_zeros(rng):
    x = draw_values(rng)
    x.flat[rng.choice(x.size, size=x.size // 5, replace=False)] = 0.0
    return {"grad_output": draw_gradient(rng, x), "x": x}


@check("the gradient where x is not 0")
def away_from_zero(case):
    solid = case.inputs["x"] != 0
    wanted, got = case.expected["result"], case.observed["result"]
    if not isinstance(got, np.ndarray) or got.shape != wanted.shape:
        return finding(False, f"an array of shape {wanted.shape}", "another", "another shape")
    found = difference(got[solid], wanted[solid], Tolerance(dtype=case.dtype))
    if found is None:
        return finding(True)
    return finding(False, found.expected, found.observed, found.gist)


relu_backward = lab.exercise(
    activations.relu_backward,
    title="The slope of ReLU",
    statement=r"""Backpropagate through ReLU by hand: `grad_output` is $\partial L/\partial y$ for
$y = \max(0, x)$, and `x` is the input. Return $\partial L/\partial x$.

**At exactly 0** ReLU has no derivative, and one must agree on a number. Torch takes **0**, and so do
we. (It has a consequence: a unit whose weights and bias are all zero gets no gradient.) Some inputs
of the check are exactly 0; the point for them is given separately.""",
    parts=[
        Part(
            "away from zero",
            2,
            (away_from_zero, leaves_inputs_alone(), keeps_dtype()),
        ),
        Part("at zero", 1, (matches_reference("the gradient, also where x is exactly 0"),)),
    ],
    minutes=6,
    syllabus=("2.3",),
    hide=("Formula",),
    inputs=_with_zeros,
    probe=probes.call(),
    forbidden=AUTOGRAD,
    hints=(
        "What is the slope of max(0, x) left of zero, and right of it?",
        "A mask `x > 0` multiplied with the gradient from above.",
    ),
)


@relu_backward.mistake(
    "Only the entries at exactly 0 differ: you let the gradient through there (`>=`), torch and "
    "this lab do not (`>`). This is a convention, not an error of calculus: there is no "
    "derivative at 0.",
    origin="81 of 262 students",
)
def one_at_zero(grad_output, x):
    return grad_output * (x >= 0)


@relu_backward.mistake(
    "Only the entries at exactly 0 differ: you take ½, the mean of both sides. This lab takes 0, "
    "as torch does."
)
def half_at_zero(grad_output, x):
    return grad_output * ((x > 0) * 0.5 + (x >= 0) * 0.5)


@relu_backward.mistake(
    "You cut off negative *gradients*. What decides is whether the input x was positive."
)
def mask_of_the_gradient(grad_output, x):
    return grad_output.clamp(min=0)


@relu_backward.mistake("You multiply by relu(x). The slope is 1 where x > 0, however large x is.")
def times_the_output(grad_output, x):
    return grad_output * x.clamp(min=0)


@relu_backward.mistake("This is the slope alone. The chain rule multiplies it by `grad_output`.")
def mask_alone(grad_output, x):
    return (x > 0).to(x.dtype)


@relu_backward.mistake("You let the gradient through where x is negative: the sides are swapped.")
def negative_mask(grad_output, x):
    return grad_output * (x < 0)


@relu_backward.mistake("This is the slope of |x|, −1 on the left. ReLU is flat there: slope 0.")
def sign_slope(grad_output, x):
    return grad_output * torch.sign(x)


@relu_backward.mistake(
    "You pass the gradient on everywhere. Where x is negative, the output does not depend on it."
)
def passes_everything(grad_output, x):
    return grad_output * 1


@relu_backward.alternative
def overwrites_the_gradient(grad_output, x):
    grad_output[x <= 0] = 0
    return grad_output


@relu_backward.alternative
def by_product(grad_output, x):
    return grad_output * (x > 0)


@relu_backward.alternative
def by_heaviside(grad_output, x):
    return torch.heaviside(x, torch.zeros(1, dtype=x.dtype)) * grad_output


@relu_backward.alternative
def of_the_output(grad_output, x):
    return grad_output * torch.sign(x.clamp(min=0))

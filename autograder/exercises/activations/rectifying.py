"""ReLU: values that leave the input alone, and the slope, also at zero."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.activations.lab import (
    AT_THE_KINK,
    AUTOGRAD,
    draw_gradient,
    draw_gradient_off_zero,
    draw_values,
    in_a_line,
    lab,
    of_nothing,
)
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


LIBRARY_RELUS = (
    "torch.relu",
    "torch.relu_",
    "torch.nn.functional",
    "torch.nn.ReLU",
    ".relu",
    ".relu_",
)


def _with_gradient(rng):
    x = draw_values(rng)
    return {"x": x, "grad_output": draw_gradient_off_zero(rng, x)}


@check("x is left as it was")
def leaves_x(case):
    changed = case.observed.get("changed")
    return finding(not changed, "x unchanged", "x changed", "x was changed in place")


relu = lab.exercise(
    activations.relu,
    title="ReLU",
    statement=r"""Write $\text{relu}(x) = \max(0, x)$ for tensors of any shape, also for an empty one.

Here one thing is demanded that elsewhere earns only a remark: **leave `x` as it is** and return a
new tensor. The backward pass asks which *inputs* were positive; once they are overwritten, whoever
else holds `x` (a residual connection, a measurement) reads something else.""",
    points=1,
    minutes=3,
    core=False,
    syllabus=("2.3",),
    inputs=(_with_gradient, in_a_line(_with_gradient), of_nothing(_with_gradient), _with_gradient),
    probe=probes.gradients("x"),
    checks=[
        matches_reference("the values", of="result.value"),
        matches_reference("the gradient", of="result.gradients.x"),
        leaves_x,
        keeps_dtype(of="result.value"),
    ],
    forbidden=LIBRARY_RELUS,
    equivalent_mutants={
        "return torch.where(x <= 0, torch.zeros_like(x), x) => "
        "return torch.where(x < 0, torch.zeros_like(x), x)": AT_THE_KINK,
    },
    hints=("`torch.where(condition, this, that)` chooses entry by entry, and so does `clamp`.",),
)


@relu.mistake(
    "Your values are right, but you wrote them into `x`. Make a new tensor: `x.clamp(min=0)`, or "
    "work on `x.clone()`.",
    origin="1 of 132 students",
)
def in_place(x):
    x[x < 0] = 0
    return x


@relu.mistake("This is |x|: negative numbers become 0, not positive.")
def absolute(x):
    return x.abs()


@relu.mistake("You return 1 where x is positive. ReLU returns x itself there.")
def step(x):
    return (x > 0).to(x.dtype)


@relu.mistake("You keep the negative side. ReLU is max(0, x), not min.")
def negative_part(x):
    return x.clamp(max=0)


@relu.mistake("You also cut off at 1. ReLU has no upper limit.")
def capped(x):
    return x.clamp(0, 1)


@relu.mistake(
    "`x.max()` is the largest of all entries. The maximum is meant entry by entry, of x and 0: "
    "`torch.maximum` or `clamp`."
)
def largest_of_all(x):
    return x.max().clamp(min=0).expand_as(x)


@relu.mistake("You return max(0, −x): the sign of x is the other way round.")
def mirrored(x):
    return (-x).clamp(min=0)


@relu.alternative
def by_clamp(x):
    return x.clamp(min=0)


@relu.alternative
def by_mask(x):
    return x * (x > 0)


@relu.alternative
def half_of_both(x):
    return (x + x.abs()) / 2


@relu.alternative
def by_maximum(x):
    return torch.maximum(x, torch.tensor(0.0, dtype=x.dtype))


@relu.alternative
def copied_first(x):
    y = x.clone()
    y[y < 0] = 0
    return y


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

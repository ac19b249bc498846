"""PReLU by hand: what a slope learns from."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.activations.lab import (
    AT_THE_KINK,
    AUTOGRAD,
    OVERWRITTEN,
    draw_gradient_off_zero,
    lab,
)
from autograder.exercises.activations.learned_slopes import draw_signed, draw_slopes
from autograder.judging import Part, edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import activations


def _backward(rng, slopes, shape):
    x = draw_signed(rng, *shape)
    return {
        "grad_output": draw_gradient_off_zero(rng, x),
        "x": x,
        "weight": draw_slopes(rng, slopes),
    }


def _one_slope(rng):
    shape = tuple(int(n) for n in rng.permutation([3, 4, 5]))
    return _backward(rng, 1, shape)


def _image_slopes(rng):
    shape = tuple(int(n) for n in rng.permutation([2, 3, 4, 5]))
    return _backward(rng, shape[1], shape)


def _feature_slopes(rng):
    shape = tuple(int(n) for n in rng.permutation(np.arange(5, 12))[:2])
    return _backward(rng, shape[1], shape)


prelu_backward = lab.exercise(
    activations.prelu_backward,
    title="What a slope learns from",
    statement=r"""Backpropagate through PReLU by hand. `grad_output` is $\partial L/\partial y$, `x` the
input of shape (N, C, …) and `weight` the slopes, of shape (1,) or (C,). Return the pair
$(\partial L/\partial x,\; \partial L/\partial a)$, of the shapes of `x` and `weight`. (At exactly 0,
where there is no derivative with respect to x, any finite slope will do.)

Which entries of x does slope a_c have any influence on? The gradient adds up over all of them.""",
    parts=[
        Part(
            "the input's gradient",
            1,
            (
                matches_reference("the gradient of the input", of="result.0"),
                leaves_inputs_alone(),
                keeps_dtype(),
            ),
        ),
        Part(
            "the slopes' gradient",
            2,
            (matches_reference("the gradient of the slopes", of="result.1"),),
        ),
    ],
    minutes=9,
    difficulty=2,
    core=False,
    syllabus=("2.5",),
    hide=("Formula",),
    inputs=(_one_slope, _image_slopes, _feature_slopes, _image_slopes),
    probe=probes.call(),
    forbidden=AUTOGRAD,
    equivalent_mutants={
        "grad_x = torch.where(x > 0, grad_output, slope * grad_output) => "
        "grad_x = torch.where(x >= 0, grad_output, slope * grad_output)": AT_THE_KINK,
        "by_entry = x.clamp(max=0) * grad_output => "
        "by_entry = x.clamp_(max=0) * grad_output": OVERWRITTEN,
    },
    hints=(
        "For one negative entry y = a·x: ∂y/∂a = x. For a positive one, a does not occur.",
        "So every entry contributes min(0, x) · dy. Add up over all axes but the channels' (all "
        "axes, if there is one slope).",
        "`sum_to_size` adds up exactly the axes along which something was broadcast.",
    ),
)


prelu_backward.mistake(
    "summed_over_positive_too",
    edit("x.clamp(max=0)", "x"),
    "You add up x · dy over all entries. The slope only touches negative inputs: take min(0, x) · "
    "dy.",
)
prelu_backward.mistake(
    "averaged",
    edit("return grad_x, grad_weight", "return grad_x, grad_weight * len(weight) / x.numel()"),
    "You average over the entries. The same slope acts on all of them, so their contributions "
    "*add up*.",
)
prelu_backward.mistake(
    "counts_instead",
    edit("x.clamp(max=0)", "(x < 0)"),
    "The factor x is missing: y = a·x on the left, so ∂y/∂a = x there.",
)
prelu_backward.mistake(
    "without_the_gradient",
    edit("x.clamp(max=0) * grad_output", "x.clamp(max=0)"),
    "The factor `grad_output` is missing: sum min(0, x) · dy.",
)
prelu_backward.mistake(
    "positive_side",
    edit("clamp(max=0)", "clamp(min=0)"),
    "You sum over the positive inputs. The slope acts on the negative ones.",
)
prelu_backward.mistake(
    "times_the_slope",
    edit("by_entry = x", "by_entry = slope * x"),
    "You have the slope itself as a factor. ∂(a·x)/∂a is x, without a.",
)
prelu_backward.mistake(
    "absolute_inputs",
    edit("x.clamp(max=0)", "(-x).clamp(min=0)"),
    "The sign is the other way round: ∂y/∂a = x, which is negative there, not |x|.",
)
prelu_backward.mistake(
    "one_by_entry",
    edit("by_entry.sum_to_size(slope.shape).reshape(weight.shape)", "by_entry"),
    "You return one number for each entry of x. Entries that share a slope share its gradient: "
    "add them up.",
)
prelu_backward.mistake(
    "batch_axis_only",
    edit("by_entry.sum_to_size(slope.shape).reshape(weight.shape)", "by_entry.sum(dim=0)"),
    "You add up over the examples only. A slope belongs to a whole channel (or to all): sum over "
    "every axis but the channels'.",
)
prelu_backward.mistake(
    "relu_input_gradient",
    edit("slope * grad_output)", "torch.zeros_like(x))"),
    "The slopes' gradient is right. The gradient of x on the left is a·dy, not 0.",
)


@prelu_backward.alternative
def axis_by_axis(grad_output, x, weight):
    shape = [1] * x.ndim
    shape[1] = len(weight)
    mask = (x < 0).to(x.dtype)
    grad_x = grad_output * (1 - mask) + grad_output * mask * weight.view(shape)
    entries = grad_output * x * mask
    if len(weight) == 1:
        return grad_x, entries.sum().view(1)
    others = [axis for axis in range(x.ndim) if axis != 1]
    return grad_x, entries.sum(dim=others)


@prelu_backward.alternative
def channel_by_channel(grad_output, x, weight):
    grad_x = grad_output.clone()
    grad_weight = torch.zeros_like(weight)
    for c in range(x.shape[1]):
        k = c if len(weight) > 1 else 0
        negative = x[:, c] < 0
        grad_x[:, c][negative] *= weight[k]
        grad_weight[k] += (x[:, c][negative] * grad_output[:, c][negative]).sum()
    return grad_x, grad_weight

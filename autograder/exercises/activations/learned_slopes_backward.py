"""PReLU by hand: what a slope learns from."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.activations.lab import AUTOGRAD, draw_gradient, lab
from autograder.exercises.activations.learned_slopes import draw_signed
from autograder.judging import Part
from autograder.judging.checks import (
    keeps_dtype,
    leaves_inputs_alone,
    matches_reference,
)
from course_lib import activations


def _backward(rng, slopes, shape):
    x = draw_signed(rng, *shape)
    return {
        "grad_output": draw_gradient(rng, x),
        "x": x,
        "weight": rng.uniform(-0.5, 2.5, size=slopes),
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


def _by_hand(grad_output, x, weight, entries, left=None):
    slope = weight.reshape(-1, *[1] * (x.ndim - 2))
    left = slope * grad_output if left is None else left
    grad_x = torch.where(x > 0, grad_output, left)
    return grad_x, entries.sum_to_size(slope.shape).reshape(weight.shape)


prelu_backward = lab.exercise(
    activations.prelu_backward,
    title="What a slope learns from",
    statement=r"""Backpropagate through PReLU by hand. `grad_output` is $\partial L/\partial y$, `x` the
input of shape (N, C, …) and `weight` the slopes, of shape (1,) or (C,). Return the pair
$(\partial L/\partial x,\; \partial L/\partial a)$, of the shapes of `x` and `weight`. (No input of
the check is exactly 0.)

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
    hints=(
        "For one negative entry y = a·x: ∂y/∂a = x. For a positive one, a does not occur.",
        "So every entry contributes min(0, x) · dy. Add up over all axes but the channels' (all "
        "axes, if there is one slope).",
        "`sum_to_size` adds up exactly the axes along which something was broadcast.",
    ),
)


@prelu_backward.mistake(
    "You add up x · dy over all entries. The slope only touches negative inputs: take min(0, x) · "
    "dy."
)
def summed_over_positive_too(grad_output, x, weight):
    return _by_hand(grad_output, x, weight, x * grad_output)


@prelu_backward.mistake(
    "You average over the entries. The same slope acts on all of them, so their contributions "
    "*add up*."
)
def averaged(grad_output, x, weight):
    grad_x, grad_weight = _by_hand(grad_output, x, weight, x.clamp(max=0) * grad_output)
    return grad_x, grad_weight * len(weight) / x.numel()


@prelu_backward.mistake("The factor x is missing: y = a·x on the left, so ∂y/∂a = x there.")
def counts_instead(grad_output, x, weight):
    return _by_hand(grad_output, x, weight, (x < 0) * grad_output)


@prelu_backward.mistake("The factor `grad_output` is missing: sum min(0, x) · dy.")
def without_the_gradient(grad_output, x, weight):
    return _by_hand(grad_output, x, weight, x.clamp(max=0))


@prelu_backward.mistake("You sum over the positive inputs. The slope acts on the negative ones.")
def positive_side(grad_output, x, weight):
    return _by_hand(grad_output, x, weight, x.clamp(min=0) * grad_output)


@prelu_backward.mistake("You have the slope itself as a factor. ∂(a·x)/∂a is x, without a.")
def times_the_slope(grad_output, x, weight):
    slope = weight.reshape(-1, *[1] * (x.ndim - 2))
    return _by_hand(grad_output, x, weight, slope * x.clamp(max=0) * grad_output)


@prelu_backward.mistake(
    "The sign is the other way round: ∂y/∂a = x, which is negative there, not |x|."
)
def absolute_inputs(grad_output, x, weight):
    return _by_hand(grad_output, x, weight, (-x).clamp(min=0) * grad_output)


@prelu_backward.mistake(
    "You return one number for each entry of x. Entries that share a slope share its gradient: "
    "add them up."
)
def one_by_entry(grad_output, x, weight):
    slope = weight.reshape(-1, *[1] * (x.ndim - 2))
    return torch.where(x > 0, grad_output, slope * grad_output), x.clamp(max=0) * grad_output


@prelu_backward.mistake(
    "You add up over the examples only. A slope belongs to a whole channel (or to all): sum over "
    "every axis but the channels'."
)
def batch_axis_only(grad_output, x, weight):
    slope = weight.reshape(-1, *[1] * (x.ndim - 2))
    entries = x.clamp(max=0) * grad_output
    return torch.where(x > 0, grad_output, slope * grad_output), entries.sum(dim=0)


@prelu_backward.mistake(
    "The slopes' gradient is right. The gradient of x on the left is a·dy, not 0."
)
def relu_input_gradient(grad_output, x, weight):
    entries = x.clamp(max=0) * grad_output
    return _by_hand(grad_output, x, weight, entries, left=torch.zeros_like(x))


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

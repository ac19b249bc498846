"""The slope of the sigmoid, by hand."""

import torch

from autograder import probes
from autograder.exercises.activations.lab import AUTOGRAD, draw_gradient, draw_values, lab
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import activations


def _pair(rng):
    x = draw_values(rng)
    return {"grad_output": draw_gradient(rng, x), "x": x}


sigmoid_backward = lab.exercise(
    activations.sigmoid_backward,
    title="The slope of the sigmoid",
    statement=r"""Backpropagate through the sigmoid by hand: `grad_output` is $\partial L/\partial y$
for $y = \sigma(x)$, and `x` is the **input**. Return $\partial L/\partial x$.

The slope of the sigmoid has a famous short form in terms of σ itself. Derive it: differentiate
$(1 + e^{-x})^{-1}$ and find σ twice in the result.""",
    points=2,
    core=False,
    syllabus=("2.1",),
    hide=("Formula",),
    needs=("activations/sigmoid",),
    inputs=_pair,
    probe=probes.call(),
    checks=[matches_reference("the gradient"), leaves_inputs_alone(), keeps_dtype()],
    forbidden=AUTOGRAD,
    equivalent_mutants={"right only for positive x": "the slope is the same for x and −x"},
    hints=(
        "The derivative of (1 + e^(−x))^(−1) is e^(−x) / (1 + e^(−x))².",
        "Split that fraction: one factor is σ(x), the other e^(−x)/(1 + e^(−x)) = 1 − σ(x).",
    ),
)


@sigmoid_backward.mistake(
    "You write x(1 − x) with the *input*. The rule y(1 − y) is for the output y = σ(x): compute "
    "it first."
)
def slope_of_the_input(grad_output, x):
    return grad_output * x * (1 - x)


@sigmoid_backward.mistake(
    "This is the slope σ'(x) alone. The chain rule multiplies it by `grad_output`."
)
def no_chain(grad_output, x):
    y = torch.sigmoid(x)
    return y * (1 - y)


@sigmoid_backward.mistake(
    "Your slope is 1 at x = 0. The sigmoid is flatter than that: its largest slope is ½ · ½ = ¼."
)
def steeper(grad_output, x):
    y = torch.sigmoid(x)
    return 4 * grad_output * y * (1 - y)


@sigmoid_backward.mistake("1 − y² is the slope of tanh. The sigmoid's is y(1 − y).")
def tanh_rule(grad_output, x):
    return grad_output * (1 - torch.sigmoid(x) ** 2)


@sigmoid_backward.mistake(
    "The factor 1 − σ(x) is missing: the slope must vanish for large x as well."
)
def half_the_rule(grad_output, x):
    return grad_output * torch.sigmoid(x)


@sigmoid_backward.mistake(
    "The factor σ(x) is missing: the slope must vanish for very negative x as well."
)
def other_half(grad_output, x):
    return grad_output * (1 - torch.sigmoid(x))


@sigmoid_backward.mistake(
    "It is y(1 − y), with a minus: your slope is 2, not 0, where the sigmoid is flat."
)
def plus_for_minus(grad_output, x):
    y = torch.sigmoid(x)
    return grad_output * y * (1 + y)


@sigmoid_backward.mistake(
    "The sign is the other way round: the sigmoid rises, so its slope y(1 − y) is positive."
)
def falling_slope(grad_output, x):
    y = torch.sigmoid(x)
    return grad_output * y * (y - 1)


@sigmoid_backward.mistake("You apply the sigmoid to `grad_output`. The slope is taken at x.")
def of_the_gradient(grad_output, x):
    y = torch.sigmoid(grad_output)
    return grad_output * y * (1 - y)


@sigmoid_backward.alternative
def both_signs(grad_output, x):
    return grad_output * torch.sigmoid(x) * torch.sigmoid(-x)


@sigmoid_backward.alternative
def squared(grad_output, x):
    y = torch.sigmoid(x)
    return grad_output * (y - y**2)

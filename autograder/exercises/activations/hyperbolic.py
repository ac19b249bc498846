"""tanh: a sigmoid in disguise, flat at both ends."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.activations.lab import (
    AUTOGRAD,
    draw_gradient,
    draw_gradient_off_zero,
    draw_values,
    in_a_line,
    lab,
    of_nothing,
    put_in,
)
from autograder.judging.checks import (
    is_finite,
    keeps_dtype,
    leaves_inputs_alone,
    matches_reference,
)
from course_lib import activations


LIBRARY_TANHS = (
    "torch.tanh",
    "torch.nn.functional",
    "torch.nn.Tanh",
    ".tanh",
    ".tanh_",
)


def _steep(rng):
    x = put_in(rng, draw_values(rng), np.array([-800, 900]) * rng.uniform(1, 2))
    return {"x": x, "grad_output": draw_gradient_off_zero(rng, x)}


tanh = lab.exercise(
    activations.tanh,
    title="tanh is a sigmoid in disguise",
    statement=r"""Write tanh with the help of your `sigmoid`: it is a sigmoid, stretched and moved.

$$\tanh(x) = \frac{e^{x} - e^{-x}}{e^{x} + e^{-x}}, \qquad \text{from } -1 \text{ to } 1,\quad
\text{slope } 1 \text{ at } 0.$$

Which factor in front, which factor inside, which constant? Value and gradient must be
finite at |x| = 1000 and more.""",
    points=2,
    minutes=4,
    core=False,
    syllabus=("2.2",),
    hide=("Formula",),
    needs=("activations/sigmoid",),
    inputs=(_steep, in_a_line(_steep), of_nothing(_steep), _steep),
    probe=probes.gradients("x"),
    checks=[
        is_finite("the values are finite", of="result.value"),
        matches_reference("the values", of="result.value"),
        is_finite("the gradient is finite", of="result.gradients.x"),
        matches_reference("the gradient", of="result.gradients.x"),
        leaves_inputs_alone(),
        keeps_dtype(of="result.value"),
    ],
    forbidden=LIBRARY_TANHS,
    equivalent_mutants={
        "below = sigmoid(-2 * x) * torch.expm1(2 * x.clamp(max=0)) => "
        "below = sigmoid(-2 * x) * torch.expm1(2 * x.clamp(max=1))": "used for negative x only, which "
        "neither cuts off",
        "return torch.where(x >= 0, above, below) => "
        "return torch.where(x > 0, above, below)": "at 0 both sides have the value 0 and the slope 1",
    },
    hints=(
        "Divide numerator and denominator by e^x: (1 − e^(−2x)) / (1 + e^(−2x)).",
        "1 / (1 + e^(−2x)) is σ(2x). What is left over?",
    ),
)


@tanh.mistake(
    "2σ(x) − 1 goes from −1 to 1, but its slope at 0 is ½, that of tanh is 1. The argument is "
    "doubled too: 2σ(2x) − 1."
)
def not_stretched(x):
    return 2 * torch.sigmoid(x) - 1


@tanh.mistake(
    "The definition with four exponentials is ∞/∞ for large |x|. Your stable `sigmoid` spares you "
    "the trouble: 2σ(2x) − 1."
)
def infinity_over_infinity(x):
    return (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x))


@tanh.mistake(
    "e^(−2x) overflows for large negative x and leaves ∞/∞. Use your stable `sigmoid`: 2σ(2x) − 1."
)
def one_infinity(x):
    return (1 - torch.exp(-2 * x)) / (1 + torch.exp(-2 * x))


@tanh.mistake(
    "Your values are right. But e^(2x) is infinite for large x, and the gradient through it 0 · ∞ = "
    "nan. Use your stable `sigmoid`: 2σ(2x) − 1."
)
def from_one_exponential(x):
    return 1 - 2 / (torch.exp(2 * x) + 1)


@tanh.mistake("Your curve goes from 0 to 2. Move it down by 1.")
def not_moved_down(x):
    return 2 * torch.sigmoid(2 * x)


@tanh.mistake("Your curve goes from −½ to ½: multiply by 2.")
def half_as_high(x):
    return torch.sigmoid(2 * x) - 0.5


@tanh.mistake("Your curve goes from −1 to 0. The sigmoid spans 1, tanh spans 2: 2σ(2x) − 1.")
def not_doubled(x):
    return torch.sigmoid(2 * x) - 1


@tanh.mistake("tanh is steeper than the sigmoid, not flatter: 2x inside, not x/2.")
def argument_halved(x):
    return 2 * torch.sigmoid(x / 2) - 1


@tanh.mistake("The sign is the other way round: tanh rises.")
def upside_down(x):
    return 1 - 2 * torch.sigmoid(2 * x)


@tanh.mistake("This is a straight line cut off at ±1 (“hard tanh”).")
def clipped_line(x):
    return x.clamp(-1, 1)


@tanh.alternative
def odd_by_construction(x):
    e = torch.exp(-2 * x.abs())
    return torch.sign(x) * (1 - e) / (1 + e)


@tanh.alternative
def difference_of_sigmoids(x):
    return torch.sigmoid(2 * x) - torch.sigmoid(-2 * x)


def _pair(rng):
    x = draw_values(rng)
    return {"grad_output": draw_gradient(rng, x), "x": x}


tanh_backward = lab.exercise(
    activations.tanh_backward,
    title="The slope of tanh, at both ends",
    statement=r"""Backpropagate through tanh by hand: `grad_output` is $\partial L/\partial y$ for
$y = \tanh(x)$, and `x` is the input. Return $\partial L/\partial x$.

One set of lecture notes says that tanh saturates when the *“activations all center around 1”*. When
your function passes, look at its slope at x = 4 and at x = −4.""",
    points=2,
    minutes=4,
    core=False,
    syllabus=("2.2",),
    hide=("Formula",),
    inputs=_pair,
    probe=probes.call(),
    checks=[matches_reference("the gradient"), leaves_inputs_alone(), keeps_dtype()],
    forbidden=AUTOGRAD,
    equivalent_mutants={"right only for positive x": "the slope is the same for x and −x"},
    hints=(
        "Use tanh(x) = 2σ(2x) − 1 and the slope of σ, or the quotient rule.",
        "The slope is 1 at 0 and goes to 0 where tanh goes to ±1: a simple function of tanh(x).",
    ),
)


@tanh_backward.mistake(
    "You write 1 − x² with the *input*. It is 1 − y² with the output y = tanh(x)."
)
def square_of_the_input(grad_output, x):
    return grad_output * (1 - x**2)


@tanh_backward.mistake(
    "The square is missing: 1 − tanh(x) is 2, not 0, at the far left, where tanh is flat."
)
def without_square(grad_output, x):
    return grad_output * (1 - torch.tanh(x))


@tanh_backward.mistake(
    "Your tanh is flat on the right only. It saturates at −1 just as at +1: 1 − tanh²(x).",
    origin="lecture notes",
)
def one_sided(grad_output, x):
    return grad_output * (1 - torch.tanh(x).clamp(min=0) ** 2)


@tanh_backward.mistake("y(1 − y) is the rule for the sigmoid. For tanh it is 1 − y².")
def sigmoid_rule(grad_output, x):
    y = torch.tanh(x)
    return grad_output * y * (1 - y)


@tanh_backward.mistake("This is the slope alone. The chain rule multiplies it by `grad_output`.")
def slope_alone(grad_output, x):
    return 1 - torch.tanh(x) ** 2


@tanh_backward.mistake("It is 1 − tanh²(x), with a minus: the slope falls to 0 on both sides.")
def sum_of_squares(grad_output, x):
    return grad_output * (1 + torch.tanh(x) ** 2)


@tanh_backward.mistake(
    "You return tanh²(x), which is 0 where the slope is 1 and the other way round."
)
def forgets_the_one(grad_output, x):
    return grad_output * torch.tanh(x) ** 2


@tanh_backward.mistake("You take tanh of `grad_output`. The slope is taken at x.")
def slope_at_the_gradient(grad_output, x):
    return grad_output * (1 - torch.tanh(grad_output) ** 2)


@tanh_backward.alternative
def by_cosh(grad_output, x):
    return grad_output / torch.cosh(x) ** 2


@tanh_backward.alternative
def as_a_product(grad_output, x):
    y = torch.tanh(x)
    return grad_output * (1 - y) * (1 + y)


@tanh_backward.alternative
def by_sigmoids(grad_output, x):
    y = torch.sigmoid(2 * x)
    return 4 * grad_output * y * (1 - y)

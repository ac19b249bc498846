"""ELU: a soft lower limit, and its slope."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.activations.lab import (
    AT_THE_KINK,
    AUTOGRAD,
    OVERWRITTEN,
    draw_gradient_off_zero,
    draw_slope,
    draw_values,
    in_a_line,
    lab,
    of_nothing,
    put_in,
    without,
)
from autograder.judging.checks import is_finite, keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import activations


LIBRARY_ELUS = (
    "torch.nn.functional",
    "torch.nn.ELU",
    "torch.nn.SELU",
    "torch.nn.CELU",
    "torch.selu",
    "torch.celu",
)


def _alpha_in(low, high):
    def draw(rng):
        far = np.array([1000, -1000]) * rng.uniform(1, 2)
        x = put_in(rng, draw_values(rng, spread=1.5), far)
        gradient = draw_gradient_off_zero(rng, x)
        return {"grad_output": gradient, "x": x, "alpha": draw_slope(rng, low, high)}

    return draw


_shallow, _deep = _alpha_in(0.3, 0.8), _alpha_in(1.8, 2.8)


elu = lab.exercise(
    activations.elu,
    title="ELU, with a gradient that stays finite",
    statement=r"""Write the exponential linear unit:

$$\text{ELU}_\alpha(x) = \begin{cases} x & x > 0\\ \alpha\,(e^{x} - 1) & \text{otherwise.}\end{cases}$$

It levels off at −α instead of being cut off at 0. Value *and* gradient must be finite at
x = 1000 and more, where $e^x$ is not: remember that `torch.where` computes both sides everywhere.""",
    points=2,
    difficulty=2,
    core=False,
    syllabus=("2.6",),
    inputs=(_deep, in_a_line(without(_deep, "alpha")), of_nothing(_deep), _shallow),
    probe=probes.gradients("x"),
    checks=[
        matches_reference("the values", of="result.value"),
        is_finite("the gradient is finite", of="result.gradients.x"),
        matches_reference("the gradient", of="result.gradients.x"),
        keeps_dtype(of="result.value"),
        leaves_inputs_alone(),
    ],
    forbidden=LIBRARY_ELUS,
    equivalent_mutants={
        "negative = alpha * torch.expm1(x.clamp(max=0)) => "
        "negative = alpha * torch.expm1(x.clamp(max=1))": "used for negative x only, which neither "
        "cuts off",
        "return torch.where(x > 0, x, negative) => "
        "return torch.where(x >= 0, x, negative)": AT_THE_KINK,
    },
    hints=(
        "Only negative x need an exponential.",
        "`torch.expm1(z)` is e^z − 1, exactly also for tiny z. What is `x.clamp(max=0)`?",
    ),
)


OVERFLOWS = (
    "Your values are right. But e^x is computed for x = 1000 as well. Whatever leaves this value "
    "out afterwards (`torch.where`, `minimum`, a `clamp` of the result), its gradient is still 0 "
    "· ∞ = nan. Take the exponential of `x.clamp(max=0)`."
)


@elu.mistake(OVERFLOWS)
def where_overflows(x, alpha=1.0):
    return torch.where(x > 0, x, alpha * (torch.exp(x) - 1))


@elu.mistake(OVERFLOWS)
def sum_of_two_sides(x, alpha=1.0):
    return x.clamp(min=0) + (alpha * (torch.exp(x) - 1)).clamp(max=0)


@elu.mistake("You ignore α: the left side levels off at −α, not at −1.")
def alpha_forgotten(x, alpha=1.0):
    return torch.where(x > 0, x, torch.expm1(x.clamp(max=0)))


@elu.mistake("The −1 is missing: your function jumps at 0. It is α(e^x − 1).")
def one_not_subtracted(x, alpha=1.0):
    return torch.where(x > 0, x, alpha * torch.exp(x.clamp(max=0)))


@elu.mistake("You multiply e^x by α and then subtract 1. It is α(e^x − 1), which is 0 at x = 0.")
def one_outside(x, alpha=1.0):
    return torch.where(x > 0, x, alpha * torch.exp(x.clamp(max=0)) - 1)


@elu.mistake("You multiply both sides by α. On the right ELU is x itself.")
def alpha_on_both_sides(x, alpha=1.0):
    return alpha * torch.where(x > 0, x, torch.expm1(x.clamp(max=0)))


@elu.mistake("You put α into the exponent. It stands in front: α(e^x − 1).")
def alpha_in_the_exponent(x, alpha=1.0):
    return torch.where(x > 0, x, torch.expm1(alpha * x.clamp(max=0)))


@elu.mistake("This is α(e^(x/α) − 1), another unit (CELU). In ELU the exponent is x.")
def celu(x, alpha=1.0):
    return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0) / alpha))


@elu.mistake("The left side has the wrong sign: it goes down to −α.")
def falling_on_the_left(x, alpha=1.0):
    return torch.where(x > 0, x, alpha * (1 - torch.exp(x.clamp(max=0))))


@elu.mistake(
    "Your values are right. But they have left the graph (numpy, `.item()`, `detach`), so that no "
    "gradient gets through: compute with torch throughout."
)
def out_of_the_graph(x, alpha=1.0):
    z = x.detach().numpy()
    return torch.from_numpy(np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))))


@elu.mistake(
    "The larger of x and α(e^x − 1) is ELU only while α ≤ 1. For larger α it picks x on the left, "
    "near 0: decide by the sign of x."
)
def larger_of_two(x, alpha=1.0):
    return torch.maximum(x, alpha * torch.expm1(x.clamp(max=0)))


@elu.mistake("This is a leaky ReLU of slope α. ELU levels off at −α.")
def leaky(x, alpha=1.0):
    return torch.where(x > 0, x, alpha * x)


@elu.alternative
def two_clamps(x, alpha=1.0):
    return x.clamp(min=0) + alpha * (torch.exp(x.clamp(max=0)) - 1)


@elu.alternative
def by_index(x, alpha=1.0):
    y = x.clone()
    left = x < 0
    y[left] = alpha * torch.expm1(x[left])
    return y


def _slope(grad_output, x, left):
    return torch.where(x > 0, grad_output, left * grad_output)


elu_backward = lab.exercise(
    activations.elu_backward,
    title="The slope of ELU",
    statement=r"""Backpropagate through ELU by hand: `grad_output` is $\partial L/\partial y$, `x` the
input. Return $\partial L/\partial x$, finite also at |x| = 1000. (At exactly 0,
where there is no derivative, any finite slope will do.)

On the left the slope can be had from the *value* ELU(x) without another exponential. How?""",
    points=2,
    minutes=4,
    core=False,
    syllabus=("2.6",),
    hide=("Formula",),
    inputs=(_deep, without(_deep, "alpha"), _shallow),
    probe=probes.call(),
    checks=[
        is_finite("the gradient is finite"),
        matches_reference("the gradient"),
        leaves_inputs_alone(),
        keeps_dtype(),
    ],
    forbidden=AUTOGRAD,
    equivalent_mutants={
        "slope = torch.where(x > 0, torch.ones_like(x), alpha * torch.exp(x.clamp(max=0))) => "
        "slope = torch.where(x > 0, torch.ones_like(x), alpha * torch.exp(x.clamp(max=1)))": "used "
        "for negative x only, which neither cuts off",
        "slope = torch.where(x > 0, torch.ones_like(x), alpha * torch.exp(x.clamp(max=0))) => "
        "slope = torch.where(x > 0, torch.ones_like(x), alpha * torch.exp(x.clamp_(max=0)))": (
            OVERWRITTEN
        ),
        "slope = torch.where(x > 0, torch.ones_like(x), alpha * torch.exp(x.clamp(max=0))) => "
        "slope = torch.where(x >= 0, torch.ones_like(x), alpha * torch.exp(x.clamp(max=0)))": (
            AT_THE_KINK
        ),
    },
    hints=(
        "Differentiate α(e^x − 1).",
        "αe^x = α(e^x − 1) + α.",
    ),
)


@elu_backward.mistake(
    "On the left you have αx. The derivative of α(e^x − 1) is αe^x, which is ELU(x) + α."
)
def alpha_times_x(grad_output, x, alpha=1.0):
    return _slope(grad_output, x, alpha * x)


@elu_backward.mistake(
    "On the left you multiply by ELU(x). Its slope is ELU(x) + α = αe^x, which is positive."
)
def the_value(grad_output, x, alpha=1.0):
    return _slope(grad_output, x, alpha * torch.expm1(x.clamp(max=0)))


@elu_backward.mistake(
    "You add 1 to ELU(x), which is right for α = 1 only: the slope is ELU(x) + α."
)
def one_for_alpha(grad_output, x, alpha=1.0):
    return _slope(grad_output, x, alpha * torch.expm1(x.clamp(max=0)) + 1)


@elu_backward.mistake("α is missing: the slope on the left is αe^x.")
def without_alpha(grad_output, x, alpha=1.0):
    return _slope(grad_output, x, torch.exp(x.clamp(max=0)))


@elu_backward.mistake("This is ReLU's slope, 0 on the left. ELU's is αe^x there.")
def relu_slope(grad_output, x, alpha=1.0):
    return _slope(grad_output, x, 0.0)


@elu_backward.mistake("This is the slope of a leaky ReLU. ELU flattens out: αe^x.")
def constant_slope(grad_output, x, alpha=1.0):
    return _slope(grad_output, x, alpha)


@elu_backward.mistake("On the left the factor `grad_output` is missing.")
def left_slope_alone(grad_output, x, alpha=1.0):
    return torch.where(x > 0, grad_output, alpha * torch.exp(x.clamp(max=0)))


@elu_backward.mistake("You return the slope alone. The chain rule multiplies it by `grad_output`.")
def slope_alone(grad_output, x, alpha=1.0):
    return torch.where(x > 0, torch.ones_like(x), alpha * torch.exp(x.clamp(max=0)))


@elu_backward.mistake(
    "Your formula is right, but a mask cannot remove an infinity: 0 · e^1000 is not a number. "
    "Choose with `torch.where`, or clamp x before the exponential."
)
def mask_times_infinity(grad_output, x, alpha=1.0):
    return grad_output * ((x > 0) + (x <= 0) * alpha * torch.exp(x))


@elu_backward.mistake("The slope on the left has the wrong sign: ELU rises everywhere.")
def falling_slope(grad_output, x, alpha=1.0):
    return _slope(grad_output, x, -alpha * torch.exp(x.clamp(max=0)))


@elu_backward.alternative
def value_plus_alpha(grad_output, x, alpha=1.0):
    y = torch.where(x > 0, x, alpha * torch.expm1(x))
    return torch.where(x > 0, grad_output, grad_output * (y + alpha))


@elu_backward.alternative
def both_sides_of_where(grad_output, x, alpha=1.0):
    return grad_output * torch.where(x > 0, torch.ones_like(x), alpha * torch.exp(x))

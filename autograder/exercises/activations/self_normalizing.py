"""SELU: its two constants, and the weights they were computed for."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.activations.exponential import LIBRARY_ELUS
from autograder.exercises.activations.lab import (
    draw_gradient_off_zero,
    draw_values,
    in_a_line,
    lab,
    of_nothing,
    put_in,
)
from autograder.judging.checks import is_finite, keeps_dtype, leaves_inputs_alone, matches_reference
from autograder.judging.statistics import (
    entries_are_independent,
    is_normal,
    mean_is,
    shape_is,
    std_is,
)
from course_lib import activations


def _both_sides(rng):
    x = put_in(rng, draw_values(rng), np.array([-1, 1]) * rng.uniform(1000, 2000))
    return {"x": x, "grad_output": draw_gradient_off_zero(rng, x)}


selu = lab.exercise(
    activations.selu,
    title="SELU: two constants with a purpose",
    statement=r"""Scale an ELU by λ:

$$\text{SELU}(x) = \lambda\, \text{ELU}_\alpha(x), \qquad \alpha = 1.6732632423543772,\quad
\lambda = 1.0507009873554805.$$

These two numbers are the solution of two equations: a signal of mean 0 and variance 1 that goes
through a layer with weights of variance 1/fan_in *and* through SELU comes out with mean 0 and
variance 1. Write it with your `elu`: then its gradient is finite at x = 1000, too. Where does it
level off?""",
    points=1,
    minutes=3,
    core=False,
    syllabus=("2.7",),
    needs=("activations/elu",),
    inputs=(_both_sides, in_a_line(_both_sides), of_nothing(_both_sides), _both_sides),
    probe=probes.gradients("x"),
    checks=[
        matches_reference("the values", of="result.value"),
        is_finite("the gradient is finite", of="result.gradients.x"),
        matches_reference("the gradient", of="result.gradients.x"),
        keeps_dtype(of="result.value"),
        leaves_inputs_alone(),
    ],
    forbidden=LIBRARY_ELUS,
    hints=("`scale * elu(x, alpha)`.",),
)


@selu.mistake("λ is missing on the left: SELU levels off at −λα = −1.758, not at −α.")
def scale_on_the_right_only(x):
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return torch.where(x > 0, scale * x, alpha * torch.expm1(x.clamp(max=0)))


@selu.mistake(
    "λ is missing on the right: for positive x it is λx, a slope slightly *above* 1, which lets "
    "small signals grow."
)
def scale_on_the_left_only(x):
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return torch.where(x > 0, x, scale * alpha * torch.expm1(x.clamp(max=0)))


@selu.mistake("λ is missing: SELU is λ times ELU, on both sides.")
def without_scale(x):
    return torch.where(x > 0, x, 1.6732632423543772 * torch.expm1(x.clamp(max=0)))


@selu.mistake("You use ELU with α = 1. SELU's α is 1.6732632423543772.")
def alpha_one(x):
    return 1.0507009873554805 * torch.where(x > 0, x, torch.expm1(x.clamp(max=0)))


@selu.mistake("α and λ are swapped: λ = 1.0507… is the factor in front of everything.")
def constants_swapped(x):
    scale, alpha = 1.6732632423543772, 1.0507009873554805
    return scale * torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))


@selu.mistake(
    "Your values are right. But e^x is computed for x = 1000 as well, and its gradient is 0 · ∞ = "
    "nan. Your `elu` takes care of that."
)
def where_overflows(x):
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return scale * torch.where(x > 0, x, alpha * (torch.exp(x) - 1))


@selu.mistake("α stands in your formula twice: once inside ELU, once more outside.")
def alpha_twice(x):
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return scale * torch.where(x > 0, x, alpha**2 * torch.expm1(x.clamp(max=0)))


@selu.mistake(
    "You subtract 1 after multiplying by α, so that the function jumps at 0. It is α(e^x − 1)."
)
def jump_at_zero(x):
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return scale * torch.where(x > 0, x, alpha * torch.exp(x.clamp(max=0)) - 1)


@selu.mistake("You round the constants. Copy all their digits: the error adds up over the layers.")
def two_digits(x):
    return 1.05 * torch.where(x > 0, x, 1.67 * torch.expm1(x.clamp(max=0)))


@selu.alternative
def in_one_line(x):
    left = 1.0507009873554805 * 1.6732632423543772 * torch.expm1(x.clamp(max=0))
    return torch.where(x > 0, 1.0507009873554805 * x, left)


@selu.alternative
def two_clamps(x):
    return 1.0507009873554805 * (
        x.clamp(min=0) + 1.6732632423543772 * (torch.exp(x.clamp(max=0)) - 1)
    )


def _fans(rng):
    return {"fan_in": int(rng.integers(100, 160)), "fan_out": int(rng.integers(30, 60))}


def _other_fans(rng):
    return {"fan_in": int(rng.integers(8, 14)), "fan_out": int(rng.integers(180, 250))}


RETURNED = "torch.randn(fan_out, fan_in, dtype=dtype, device=device) / math.sqrt(fan_in)"

selu_weights = lab.exercise(
    activations.selu_weights,
    title="The weights SELU was made for",
    statement=r"""Draw the weights of a linear layer for SELU: independent **normal** numbers of mean 0
and variance 1/fan_in (LeCun's initialization), in torch's shape `(fan_out, fan_in)`. Every call
draws new ones.

Kaiming's √2 makes up for the half that ReLU throws away. SELU throws nothing away: its constants
were computed for exactly this variance.""",
    points=2,
    minutes=3,
    core=False,
    syllabus=("2.7",),
    hide=("Formula",),
    inputs=(_fans, _other_fans, _fans),
    probe=probes.draws(count=12),
    checks=[
        shape_is(lambda fan_in, fan_out: (fan_out, fan_in)),
        mean_is(lambda fan_in, fan_out: 0),
        std_is(lambda fan_in, fan_out: 1 / math.sqrt(fan_in)),
        is_normal(),
        entries_are_independent(),
    ],
    equivalent_mutants={
        f"return {RETURNED} => return -({RETURNED})": "normal numbers of mean 0 have the same "
        "distribution with the other sign",
        **{
            f"return {RETURNED} => return {RETURNED.replace(option, '')}": "dtype and device are "
            "for callers who ask; what is asked for is the distribution"
            for option in (", dtype=dtype", ", device=device")
        },
    },
    forbidden=("torch.nn.init",),
    hints=("`torch.randn` has variance 1. By what must it be divided?",),
)


@selu_weights.mistake(
    "These are Kaiming's weights, variance 2/fan_in, for ReLU. With SELU the signal then grows "
    "from layer to layer: use 1/fan_in."
)
def kaiming(fan_in, fan_out):
    return torch.randn(fan_out, fan_in) * math.sqrt(2 / fan_in)


@selu_weights.mistake(
    "These are Glorot's weights, variance 2/(fan_in + fan_out). SELU needs 1/fan_in."
)
def glorot(fan_in, fan_out):
    return torch.randn(fan_out, fan_in) * math.sqrt(2 / (fan_in + fan_out))


@selu_weights.mistake("You divide by √fan_out. A unit sums fan_in inputs.")
def by_fan_out(fan_in, fan_out):
    return torch.randn(fan_out, fan_in) / math.sqrt(fan_out)


@selu_weights.mistake(
    "You divide by fan_in. That is the variance; the standard deviation is 1/√fan_in."
)
def variance_for_std(fan_in, fan_out):
    return torch.randn(fan_out, fan_in) / fan_in


@selu_weights.mistake(
    "Your weights have the standard deviation √fan_in (you multiply by √fan_in, or divide by "
    "1/√fan_in). The more inputs, the *smaller* each weight must be: 1/√fan_in."
)
def grows_with_fan_in(fan_in, fan_out):
    return torch.randn(fan_out, fan_in) * math.sqrt(fan_in)


@selu_weights.mistake(
    "These are the default weights of `nn.Linear`: uniform, of variance 1/(3 fan_in)."
)
def default_linear(fan_in, fan_out):
    return torch.nn.Linear(fan_in, fan_out).weight.detach()


@selu_weights.mistake(
    "You draw uniformly between 0 and a bound (`torch.rand`). The weights must be normal with "
    "mean 0: `torch.randn`."
)
def all_positive(fan_in, fan_out):
    return torch.rand(fan_out, fan_in) / math.sqrt(fan_in)


@selu_weights.mistake("Right spread, but uniform. Asked for are normal weights: `torch.randn`.")
def uniform_of_the_same_spread(fan_in, fan_out):
    return (2 * torch.rand(fan_out, fan_in) - 1) * math.sqrt(3 / fan_in)


@selu_weights.mistake(
    "You scale every row to length 1, so that its numbers depend on one another. Divide "
    "independent numbers by √fan_in."
)
def rows_of_length_one(fan_in, fan_out):
    weights = torch.randn(fan_out, fan_in)
    return weights / weights.norm(dim=1, keepdim=True)


@selu_weights.mistake(
    "The shape is the other way round: torch stores a linear layer as (fan_out, fan_in)."
)
def axes_swapped(fan_in, fan_out):
    return torch.randn(fan_in, fan_out) / math.sqrt(fan_in)


@selu_weights.alternative
def with_normal(fan_in, fan_out):
    return torch.normal(0.0, fan_in**-0.5, size=(fan_out, fan_in))


@selu_weights.alternative
def in_place(fan_in, fan_out):
    return torch.empty(fan_out, fan_in).normal_(0, 1 / math.sqrt(fan_in))


@selu_weights.alternative
def drawn_by_numpy(fan_in, fan_out):
    return torch.from_numpy(np.random.randn(fan_out, fan_in) / fan_in**0.5).float()

"""The sigmoid: how steep it is, and a value and a gradient without overflow."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.activations.lab import (
    draw_gradient_off_zero,
    draw_values,
    in_a_line,
    lab,
    of_nothing,
    put_in,
)
from autograder.judging.checks import is_finite, keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import activations


LIBRARY_SIGMOIDS = (
    "torch.sigmoid",
    "torch.special",
    "torch.nn.functional",
    "torch.nn.Sigmoid",
    ".sigmoid",
    ".sigmoid_",
)


def _far_and_near(rng):
    # Beyond what e^x can hold in the smaller of both dtypes, on both sides.
    extremes = np.array([-1e4, -800, -100, 100, 800, 1e4]) * rng.uniform(0.9, 1.1)
    return put_in(rng, draw_values(rng), extremes)


def _with_gradient(rng):
    x = _far_and_near(rng)
    return {"x": x, "grad_output": draw_gradient_off_zero(rng, x)}


def _steepest():
    x = torch.zeros(1, dtype=torch.float64)
    return float(activations.sigmoid_backward(torch.ones_like(x), x))


lab.prediction(
    "steepest_sigmoid",
    title="Predict: how steep is a sigmoid?",
    statement=(
        "The sigmoid climbs from 0 to 1. How steep is it where it is steepest? Commit to a number: "
        "the largest value of σ'(x)."
    ),
    minutes=1,
    syllabus=("2.1",),
    outcome=_steepest,
    explanation="σ' = σ(1 − σ) is largest at σ = ½, where it is ¼: ten layers let at most "
    "(1/4)¹⁰, about a millionth, through.",
)


sigmoid = lab.exercise(
    activations.sigmoid,
    title="A sigmoid that does not overflow",
    statement=r"""Write the sigmoid for tensors of any shape, also for an empty one:

$$\sigma(x) = \frac{1}{1 + e^{-x}} = \frac{e^{x}}{1 + e^{x}}.$$

On paper the two forms are the same. In floating point $e^{800}$ is infinite. Torch says nothing
when this happens: $1/(1+\infty)$ is 0, which is even right, but the **gradient** that autograd
computes from it is $0 \cdot \infty$, not a number, and a single one spoils every weight. So both the
value and the gradient must be finite for |x| up to 10,000 and more.

Beware of `torch.where`: it computes *both* sides for *every* entry, and autograd goes through both.""",
    points=4,
    minutes=9,
    difficulty=2,
    syllabus=("2.1",),
    inputs=(_with_gradient, in_a_line(_with_gradient), of_nothing(_with_gradient), _with_gradient),
    probe=probes.gradients("x"),
    checks=[
        is_finite("the values are finite", of="result.value"),
        matches_reference("the values", of="result.value"),
        is_finite("the gradient is finite", of="result.gradients.x"),
        matches_reference("the gradient", of="result.gradients.x"),
        keeps_dtype(of="result.value"),
        leaves_inputs_alone(),
    ],
    forbidden=LIBRARY_SIGMOIDS,
    equivalent_mutants={
        "rising = torch.exp(x.clamp(max=0)) => rising = torch.exp(x.clamp(max=1))": "used for "
        "negative x only, which neither cuts off",
        "return torch.where(x >= 0, 1 / (1 + falling), rising / (1 + rising)) => "
        "return torch.where(x > 0, 1 / (1 + falling), rising / (1 + rising))": "at 0 both forms have "
        "the value 1/2 and the slope 1/4",
    },
    hints=(
        "Which of the two forms is safe for positive x, which for negative x?",
        "`x.clamp(max=0)` is x where it is negative and 0 elsewhere: its exponential is at most 1.",
        "`rising = torch.exp(x.clamp(max=0))`, `falling = torch.exp(-x.clamp(min=0))`; then choose "
        "between the two forms with `torch.where(x >= 0, …, …)`.",
    ),
)


@sigmoid.mistake(
    "Your values are right, but for large negative x the term e^(−x) is infinite and the gradient "
    "through it 0 · ∞ = nan. Take the exponential of negative numbers only: e^x / (1 + e^x) "
    "there.",
    origin="the textbook formula",
)
def textbook(x):
    return 1 / (1 + torch.exp(-x))


@sigmoid.mistake(
    "Each form is on its right side, and the values are right. But `torch.where` computes both "
    "sides everywhere: the one that is not taken overflows, and its gradient is 0 · ∞ = nan. "
    "Clamp x before the exponential."
)
def where_of_two_overflows(x):
    return torch.where(x >= 0, 1 / (1 + torch.exp(-x)), torch.exp(x) / (1 + torch.exp(x)))


@sigmoid.mistake(
    "e^x / (1 + e^x) is ∞/∞, not a number, for large x. This form is for negative x; for positive "
    "x use 1 / (1 + e^(−x))."
)
def other_textbook(x):
    return torch.exp(x) / (1 + torch.exp(x))


@sigmoid.mistake(
    "You clip x before you use it. That avoids the overflow, but within ±100 a sigmoid still has "
    "other values, and a slope that is not exactly zero. Only the argument of each exponential "
    "may be cut off, at 0, where it would have been positive."
)
def clipped(x):
    return 1 / (1 + torch.exp(-x.clamp(-5, 5)))


@sigmoid.mistake(
    "Your function falls where it should rise: you return σ(−x). Check the sign in the exponent."
)
def mirrored(x):
    return torch.exp(-torch.logaddexp(torch.zeros_like(x), x))


@sigmoid.mistake(
    "The minus in the exponent is missing: 1 / (1 + e^x) is σ(−x) and falls where it should rise. "
    "(And e^x overflows for large x, so that the gradient there is 0 · ∞ = nan.)"
)
def minus_forgotten(x):
    return 1 / (1 + torch.exp(x))


@sigmoid.mistake(
    "`if x >= 0` asks for one answer, and a tensor has as many as entries. Choose entry by entry: "
    "`torch.where(x >= 0, …, …)`.",
    raises="RuntimeError",
)
def asks_a_whole_tensor(x):
    if x >= 0:
        return 1 / (1 + torch.exp(-x))
    return torch.exp(x) / (1 + torch.exp(x))


@sigmoid.mistake("This is tanh, from −1 to 1. The sigmoid goes from 0 to 1.")
def tanh_instead(x):
    return torch.tanh(x)


@sigmoid.mistake(
    "Almost: σ(x) = (1 + tanh(x/2))/2. Without the halved argument your curve is twice as steep."
)
def through_tanh_unscaled(x):
    return 0.5 * (1 + torch.tanh(x))


@sigmoid.mistake(
    "These are three straight lines, the “hard” sigmoid. Asked for is 1 / (1 + e^(−x))."
)
def hard_sigmoid(x):
    return (x / 6 + 0.5).clamp(0, 1)


@sigmoid.mistake(
    "The two forms are swapped: 1/(1 + e^(−x)) is the safe one for x ≥ 0, e^x/(1 + e^x) for "
    "negative x."
)
def forms_swapped(x):
    rising, falling = torch.exp(x.clamp(max=0)), torch.exp(-x.clamp(min=0))
    return torch.where(x >= 0, rising / (1 + rising), 1 / (1 + falling))


@sigmoid.mistake(
    "`detach` (or a detour through numpy) takes your function out of autograd's graph: no "
    "gradient comes back. Clamp instead."
)
def out_of_the_graph(x):
    return 1 / (1 + torch.exp(-x.detach().clamp(min=-80)))


@sigmoid.alternative
def by_tanh(x):
    return 0.5 * (1 + torch.tanh(x / 2))


@sigmoid.alternative
def by_logaddexp(x):
    return torch.exp(-torch.logaddexp(torch.zeros_like(x), -x))


@sigmoid.alternative
def two_sides(x):
    out = torch.empty_like(x)
    right = x >= 0
    out[right] = 1 / (1 + torch.exp(-x[right]))
    e = torch.exp(x[~right])
    out[~right] = e / (1 + e)
    return out


@sigmoid.alternative
def by_softmax(x):
    return torch.softmax(torch.stack([x, torch.zeros_like(x)]), dim=0)[0]

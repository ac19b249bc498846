"""The scale of weights before batch normalization: what halving them does, and to the step."""

import torch

from autograder import probes
from autograder.exercises.normalization.lab import lab
from autograder.judging.checks import matches_reference
from course_lib import normalization
from course_lib.normalization import batch_norm

HALVED_WEIGHTS = (
    "the outputs are halved, and so are the gradients",
    "the outputs are halved, the gradients stay the same",
    "the outputs stay the same, and so do the gradients",
    "the outputs stay the same, the gradients double",
)


def outcome_for_halved_weights() -> str:
    """Outputs and weight gradients at W/2 compared with those at W."""
    generator = torch.Generator().manual_seed(5)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x, upstream, weight, gamma, beta = draw(32, 8), draw(32, 6), draw(6, 8), draw(6), draw(6)

    def outputs_and_gradient(w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        w = w.clone().requires_grad_()
        y = batch_norm(x @ w.T, gamma, beta)
        return y.detach(), torch.autograd.grad((y * upstream).sum(), w)[0]

    (y, gradient), (y_half, gradient_half) = map(outputs_and_gradient, (weight, weight / 2))
    same_output = bool((y - y_half).abs().max() < 0.01 * y.abs().max())
    ratio = float(gradient_half.norm() / gradient.norm())
    if same_output:
        return HALVED_WEIGHTS[3 if ratio > 1.5 else 2]
    return HALVED_WEIGHTS[0 if ratio < 0.7 else 1]


lab.prediction(
    "halved_weights",
    title="Predict: weights halved before batch normalization",
    statement="""Weight decay has halved all weights of a linear layer that stands before a batch
normalization in train mode. What happens to the output of the batch normalization, and to the
gradient of these weights?""",
    minutes=2,
    difficulty=2,
    syllabus=("5.6",),
    choices=HALVED_WEIGHTS,
    outcome=outcome_for_halved_weights,
    explanation="""The standard deviation is halved with the values, and the quotient stays the same
(but for ε). So weight decay does not make *this function* any smaller. Its gradient doubles: the
same change of the function takes a step half as long. A gradient twice as large on weights half as
large makes the same learning rate act like one four times as large, which is the real effect of
weight decay here.""",
)


def draw_scale(rng):
    """A learning rate and a scale well away from 1, where all powers agree."""
    scale = float(rng.uniform(1.5, 5))
    return {
        "learning_rate": float(10 ** rng.uniform(-3, 0)),
        "weight_scale": scale if rng.random() < 0.5 else 1 / scale,
    }


effective_learning_rate = lab.value(
    normalization.effective_learning_rate,
    title="Small weights, large steps",
    statement="""Batch normalization undoes any scale of the weights before it: with a > 0 and a
negligible ε, the network with `a * W` computes the same function as the network with `W`.

So f(aW) = f(W) for every a. What does this say about the gradient with respect to the weights, at
`a * W` compared with at `W`? (Try it with one weight and a difference quotient.) And how large is
an SGD step there, *relative to the weights*?

Write the learning rate with which SGD at `W` makes the same relative step as SGD with
`learning_rate` at `a * W`, where a is `weight_scale`. It tells you what weight decay really does
before batch normalization: the function does not shrink at all, but…""",
    points=2,
    difficulty=3,
    syllabus=("5.6",),
    hide=("Formula",),
    inputs=draw_scale,
    probe=probes.call(),
    checks=[matches_reference("the effective learning rate")],
    hints=(
        "Differentiate both sides of f(aW) = f(W) with respect to W; the left side needs the "
        "chain rule.",
        "a ∇f(aW) = ∇f(W): at weights twice as large, the gradient is half as large.",
        "The step is η ∇f(aW) = (η/a) ∇f(W), at weights a times as large. For the same step "
        "relative to W, divide by a once more.",
    ),
)


@effective_learning_rate.mistake(
    "You divide by a once. The gradient at aW is 1/a of that at W, and the weights it is compared "
    "with are a times as large: that makes two factors, η/a²."
)
def divided_once(learning_rate, weight_scale):
    return learning_rate / weight_scale


@effective_learning_rate.mistake(
    "The *function* does not change with the scale of the weights, but the size of a step "
    "relative to the weights does. Differentiate f(aW) = f(W) by W."
)
def unchanged(learning_rate, weight_scale):
    return learning_rate


@effective_learning_rate.mistake(
    "It is the other way round: larger weights are turned *less* by the same learning rate, and "
    "have smaller gradients besides: η/a²."
)
def the_other_way_round(learning_rate, weight_scale):
    return learning_rate * weight_scale**2


@effective_learning_rate.mistake(
    "Larger weights have smaller gradients (the chain rule gives a ∇f(aW) = ∇f(W)), and they are "
    "larger to begin with. Divide by a for each of the two: η/a²."
)
def multiplied_once(learning_rate, weight_scale):
    return learning_rate * weight_scale


@effective_learning_rate.mistake(
    "You divide by a once too often. Once for the gradient, once for the weights that it is "
    "compared with: η/a²."
)
def divided_three_times(learning_rate, weight_scale):
    return learning_rate / weight_scale**3


@effective_learning_rate.alternative
def step_over_weight(learning_rate, weight_scale):
    gradient = 1 / weight_scale
    return learning_rate * gradient / weight_scale


@effective_learning_rate.alternative
def to_the_power_minus_two(learning_rate, weight_scale):
    return learning_rate * pow(weight_scale, -2)

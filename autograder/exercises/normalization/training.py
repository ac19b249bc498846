"""Normalizing a batch in training."""

import torch

from autograder import probes
from autograder.exercises.normalization.drawing import (
    TORCH_BATCH_NORM,
    draw_bias,
    draw_eps,
    draw_features,
    draw_rows,
    draw_table,
    draw_weight,
    without,
)
from autograder.exercises.normalization.lab import lab
from autograder.judging import Part
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import normalization


LEARNED_THROUGH = ("x", "weight", "bias")
OUTSIDE_OF_THE_GRAPH = (
    "The numbers are right, but no gradient flows back from them: what runs under "
    "`torch.no_grad()`, or is made of `.detach()`, `.data` or `.item()`, is constant for autograd. "
    "Then nothing before the layer learns, nor do γ and β."
)


def layer_parts(what, value, gradient):
    """The parts of a layer's forward pass: what it gives, and that autograd finds its way back."""
    return [
        Part(
            what,
            value,
            (
                matches_reference(what, of="result.value"),
                leaves_inputs_alone(),
                keeps_dtype(of="result.value"),
            ),
        ),
        Part(
            "gradients through it",
            gradient,
            tuple(
                matches_reference(
                    f"the gradient that reaches {name}", of=f"result.gradients.{name}"
                )
                for name in LEARNED_THROUGH
            ),
        ),
    ]


def draw_batch(rng):
    """A small batch with an affine transform of both signs and an ε that shows."""
    features = draw_features(rng)
    return {
        "x": draw_table(rng, draw_rows(rng), features),
        "weight": draw_weight(rng, features),
        "bias": draw_bias(rng, features),
        "eps": draw_eps(rng),
    }


batch_norm = lab.exercise(
    normalization.batch_norm,
    title="Normalize a batch",
    statement="""A layer learns more easily when its inputs have a known mean and spread. Batch
normalization provides them: for **each feature** it takes the mean and the variance over the
examples of the batch, and then lets the network choose a new scale $\\gamma$ (`weight`) and a new
mean $\\beta$ (`bias`):

$$\\mu = \\frac1N\\sum_i x_i,\\qquad \\sigma^2 = \\frac1N\\sum_i (x_i-\\mu)^2,\\qquad
y = \\gamma\\,\\frac{x-\\mu}{\\sqrt{\\sigma^2+\\varepsilon}} + \\beta$$

Write the body of `batch_norm` for `x` of shape (N, C), with torch's own operations throughout:
gradients must flow back through it to `x`, γ and β, on their way also through μ and σ².

*Conventions:* the variance divides by N (the *biased* one), and ε stands inside the root, where it
keeps a feature that never varies from dividing by zero.""",
    parts=layer_parts("the normalized batch", 3, 1),
    minutes=10,
    difficulty=2,
    syllabus=("5.1",),
    inputs=(draw_batch, without(draw_batch, "eps"), draw_batch),
    probe=probes.gradients(*LEARNED_THROUGH),
    forbidden=TORCH_BATCH_NORM,
    hints=(
        "Rows are examples, columns are features. Over which of the two axes must the mean run "
        "so that one number per feature is left?",
        "`x.mean(dim=0)` has shape (C,) and broadcasts against `x`. For the variance, average "
        "the squared deviations yourself, or tell `x.var` not to divide by N − 1.",
        "`normalized = (x - mean) / torch.sqrt(variance + eps)`; what is left is to scale it "
        "by `weight` and add `bias`.",
    ),
)


@batch_norm.mistake(
    "You divide the variance by N − 1, which is the default of `x.var`. Batch normalization "
    "normalizes with the biased variance, σ² = (1/N) Σ (x − μ)².",
    origin="4 of 120 students",
)
def unbiased_variance(x, weight, bias, *, eps=1e-5):
    return weight * (x - x.mean(dim=0)) / torch.sqrt(x.var(dim=0) + eps) + bias


@batch_norm.mistake(
    "You leave ε out. A feature that is the same in all examples then gives 0/0; divide by √(σ² + "
    "ε).",
    origin="2 of 127 students",
)
def no_eps(x, weight, bias, *, eps=1e-5):
    variance = x.var(dim=0, unbiased=False)
    return weight * (x - x.mean(dim=0)) / torch.sqrt(variance) + bias


@batch_norm.mistake(
    "You add ε after taking the root: √σ² + ε. Here ε is added to the variance, under the root: "
    "√(σ² + ε). The two differ where the variance is small.",
    origin="2 of 127 students",
)
def eps_outside_the_root(x, weight, bias, *, eps=1e-5):
    variance = x.var(dim=0, unbiased=False)
    return weight * (x - x.mean(dim=0)) / (torch.sqrt(variance) + eps) + bias


@batch_norm.mistake(
    "You add ε twice: once to the variance itself (perhaps with `+=`) and again under the root. "
    "Divide by √(σ² + ε).",
    origin="1 of 127 students",
)
def eps_twice(x, weight, bias, *, eps=1e-5):
    variance = x.var(dim=0, unbiased=False)
    variance += eps
    return weight * (x - x.mean(dim=0)) / torch.sqrt(variance + eps) + bias


@batch_norm.mistake(
    "You changed the default of `eps` in the signature. It is 1e-5, as in torch.",
    origin="2 of 127 students",
)
def another_default(x, weight, bias, *, eps=1e-8):
    variance = x.var(dim=0, unbiased=False)
    return weight * (x - x.mean(dim=0)) / torch.sqrt(variance + eps) + bias


@batch_norm.mistake(
    "You square the sum of the deviations, which is always (nearly) zero. Square each deviation "
    "first and average then: σ² = mean((x − μ)²).",
    origin="1 of 127 students",
)
def square_of_the_sum(x, weight, bias, *, eps=1e-5):
    mean = x.mean(dim=0)
    variance = ((x - mean).sum(dim=0)) ** 2 / len(x)
    return weight * (x - mean) / torch.sqrt(variance + eps) + bias


@batch_norm.mistake(
    "You always use ε = 1e-5, whatever value the caller passes. Use the argument `eps`.",
    origin="1 of 127 students",
)
def eps_is_ignored(x, weight, bias, *, eps=1e-5):
    variance = x.var(dim=0, unbiased=False)
    return weight * (x - x.mean(dim=0)) / torch.sqrt(variance + 1e-5) + bias


@batch_norm.mistake(
    "Two things: `x.std` divides by N − 1 unless told otherwise, where N is wanted; and ε is "
    "added to the variance, under the root. Divide by √(σ² + ε) with the biased σ²."
)
def deviation_as_it_comes(x, weight, bias, *, eps=1e-5):
    return weight * (x - x.mean(dim=0)) / (x.std(dim=0) + eps) + bias


@batch_norm.mistake(
    "Two things: `x.std` divides by N − 1 unless told otherwise, where N is wanted; and ε is "
    "missing. Divide by √(σ² + ε) with the biased σ²."
)
def deviation_without_eps(x, weight, bias, *, eps=1e-5):
    return weight * (x - x.mean(dim=0)) / x.std(dim=0) + bias


@batch_norm.mistake(
    "You normalize but leave out the last step: multiply by γ (`weight`) and add β (`bias`)."
)
def no_scale_and_shift(x, weight, bias, *, eps=1e-5):
    return (x - x.mean(dim=0)) / torch.sqrt(x.var(dim=0, unbiased=False) + eps)


@batch_norm.mistake("You scale by γ but never add β (`bias`): y = γ x̂ + β.")
def no_shift(x, weight, bias, *, eps=1e-5):
    return weight * (x - x.mean(dim=0)) / torch.sqrt(x.var(dim=0, unbiased=False) + eps)


@batch_norm.mistake(
    "You add β before you multiply by γ, so that β is scaled too: γ (x̂ + β). Scale first: γ x̂ + β."
)
def shifts_before_it_scales(x, weight, bias, *, eps=1e-5):
    normalized = (x - x.mean(dim=0)) / torch.sqrt(x.var(dim=0, unbiased=False) + eps)
    return weight * (normalized + bias)


@batch_norm.mistake(
    "You take the mean and variance of each example over its features (dim=1): that is layer "
    "normalization. Batch normalization has one mean and variance per feature, taken over the "
    "batch (dim=0)."
)
def statistics_of_each_example(x, weight, bias, *, eps=1e-5):
    mean = x.mean(dim=1, keepdim=True)
    variance = x.var(dim=1, keepdim=True, unbiased=False)
    return weight * (x - mean) / torch.sqrt(variance + eps) + bias


@batch_norm.mistake(
    "You divide by the variance. Divide by its root, √(σ² + ε), so that the result has a variance "
    "of 1."
)
def divides_by_the_variance(x, weight, bias, *, eps=1e-5):
    return weight * (x - x.mean(dim=0)) / (x.var(dim=0, unbiased=False) + eps) + bias


@batch_norm.mistake(
    "You take one mean and one variance over the whole table. Every feature (column) has its own: "
    "take them over the batch with dim=0."
)
def one_mean_for_all_features(x, weight, bias, *, eps=1e-5):
    return weight * (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + eps) + bias


@batch_norm.mistake(
    "You divide by the spread but do not subtract the mean: x̂ = (x − μ) / √(σ² + ε)."
)
def does_not_center(x, weight, bias, *, eps=1e-5):
    return weight * x / torch.sqrt(x.var(dim=0, unbiased=False) + eps) + bias


@batch_norm.mistake(OUTSIDE_OF_THE_GRAPH)
def outside_of_the_graph(x, weight, bias, *, eps=1e-5):
    with torch.no_grad():
        variance, mean = torch.var_mean(x, dim=0, unbiased=False)
        return weight * (x - mean) / torch.sqrt(variance + eps) + bias


@batch_norm.mistake(
    "The numbers are right, but μ and σ² are constants for autograd (`torch.no_grad()`, "
    "`.detach()`). They are made of x, and its gradient must flow through them as well."
)
def constant_statistics(x, weight, bias, *, eps=1e-5):
    variance, mean = torch.var_mean(x.detach(), dim=0, unbiased=False)
    return weight * (x - mean) / torch.sqrt(variance + eps) + bias


@batch_norm.alternative
def with_torch_var(x, weight, bias, *, eps=1e-5):
    variance, mean = torch.var_mean(x, dim=0, unbiased=False)
    return weight * (x - mean) / torch.sqrt(variance + eps) + bias


@batch_norm.alternative
def with_std_squared(x, weight, bias, *, eps=1e-5):
    mean = x.mean(0, keepdim=True)
    deviation = x.std(0, keepdim=True, unbiased=False)
    return (x - mean) / (deviation**2 + eps) ** 0.5 * weight + bias


@batch_norm.alternative
def with_rsqrt(x, weight, bias, *, eps=1e-5):
    centered = x - x.mean(dim=0)
    return centered * torch.rsqrt(centered.pow(2).mean(dim=0) + eps) * weight + bias


@batch_norm.alternative
def over_loops(x, weight, bias, *, eps=1e-5):
    y = torch.empty_like(x)
    for j in range(x.shape[1]):
        column = x[:, j]
        mean = column.sum() / len(column)
        variance = sum((value - mean) ** 2 for value in column) / len(column)
        y[:, j] = weight[j] * (column - mean) / (variance + eps).sqrt() + bias[j]
    return y


@batch_norm.alternative
def folded(x, weight, bias, *, eps=1e-5):
    mean = x.mean(dim=0)
    scale = weight / torch.sqrt(x.var(dim=0, correction=0) + eps)
    return x * scale + (bias - mean * scale)


@batch_norm.alternative
def from_mean_of_squares(x, weight, bias, *, eps=1e-5):
    mean = x.mean(dim=0)
    variance = (x * x).mean(dim=0) - mean * mean
    return weight * (x - mean) / torch.sqrt(variance + eps) + bias

"""The backward pass of batch normalization in training."""

import torch

from autograder import probes
from autograder.exercises.normalization.drawing import (
    AUTOGRAD,
    TORCH_BATCH_NORM,
    draw_eps,
    draw_features,
    draw_rows,
    draw_table,
    draw_weight,
    without,
)
from autograder.exercises.normalization.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import normalization


def draw_gradient(rng):
    """A batch and a random upstream gradient: that of Σ y² would nearly cancel."""
    rows, features = draw_rows(rng), draw_features(rng)
    return {
        "grad_output": rng.normal(size=(rows, features)) + rng.normal(size=features),
        "x": draw_table(rng, rows, features),
        "weight": draw_weight(rng, features),
        "eps": draw_eps(rng),
    }


def gradient_parts(grad_x, grad_weight, grad_bias):
    """The parts of a backward pass that returns the gradients of input, weight and bias."""
    return [
        Part(
            "the gradient of the input",
            grad_x,
            (
                matches_reference("the gradient of the input", "result.0", float32_constants=True),
                leaves_inputs_alone(),
                keeps_dtype(),
            ),
        ),
        Part(
            "the gradient of the weight",
            grad_weight,
            (matches_reference("the gradient of the weight", "result.1", float32_constants=True),),
        ),
        Part(
            "the gradient of the bias",
            grad_bias,
            (matches_reference("the gradient of the bias", "result.2", float32_constants=True),),
        ),
    ]


batch_norm_backward = lab.exercise(
    normalization.batch_norm_backward,
    title="Backward through the batch",
    statement="""Autograd would do this for you; doing it once by hand shows what batch
normalization does to gradients. Given `grad_output` = ∂L/∂y, return the gradients of L with respect
to the input, the weight and the bias, in this order: shapes (N, C), (C,), (C,).

With $\\hat x = (x-\\mu)/s$ and $s = \\sqrt{\\sigma^2+\\varepsilon}$, the layer is
$y = \\gamma\\hat x + \\beta$. The weight and the bias are quick: who gets multiplied by them, and
over which axis were they broadcast? The input reaches $y$ by **three paths**: directly, through
$\\mu$, and through $\\sigma^2$, because the mean and the variance are made of the same examples.
Add up the three and simplify; the result is short. Two ways to test a formula: per feature,
∂L/∂x sums to zero over the batch, and so (up to ε) does ∂L/∂x · x̂.

Without `torch.autograd`, please.""",
    parts=gradient_parts(3, 1, 1),
    minutes=20,
    difficulty=4,
    core=False,
    syllabus=("5.3",),
    hide=("Formula",),
    inputs=(draw_gradient, without(draw_gradient, "eps"), draw_gradient),
    probe=probes.call(),
    forbidden=(*TORCH_BATCH_NORM, *AUTOGRAD),
    hints=(
        "Start with x̂ and s, as in the forward pass. ∂L/∂β sums `grad_output` over the batch; "
        "∂L/∂γ sums `grad_output` times what γ was multiplied by.",
        "Were μ and σ² constants, ∂L/∂x would be (γ/s) · dy. The path through μ takes away the "
        "part of dy that is the same for the whole batch, its mean. The path through σ² takes "
        "away the part of dy that is proportional to x̂.",
        "dx = (γ/s) · (dy − mean(dy) − x̂ · mean(…)), both means over the batch. What goes into "
        "the last one makes the whole bracket orthogonal to x̂ when ε = 0 (mean(x̂²) is 1 then).",
    ),
)


batch_norm_backward.mistake(
    "no_eps",
    edit(".mean(dim=0) + eps)", ".mean(dim=0))"),
    "Your backward pass leaves ε out, but the forward pass divides by √(σ² + ε). Use the same s "
    "in both.",
)
batch_norm_backward.mistake(
    "eps_in_the_input_gradient_missing",
    edit("weight / deviation", "weight / torch.sqrt((centered**2).mean(dim=0))"),
    "Your x̂ has ε, but the factor γ/s in front of the input's gradient does not. There is one s "
    "= √(σ² + ε) for all of it.",
    origin="4 of 120 students",
)
batch_norm_backward.mistake(
    "unbiased_variance",
    edit("(centered**2).mean(dim=0)", "x.var(dim=0)"),
    "You recompute the variance with N − 1. The forward pass normalized with the biased one, "
    "divided by N.",
    origin="4 of 120 students",
)
batch_norm_backward.mistake(
    "eps_in_the_weight_gradient_missing",
    edit(
        "(grad_output * normalized).sum(dim=0)",
        "(grad_output * centered).sum(dim=0) / x.std(dim=0, unbiased=False)",
    ),
    "The gradient of the weight is Σ dy · x̂ with the x̂ of the forward pass, which has ε in it; "
    "yours leaves ε out there.",
    origin="4 of 126 students",
)
batch_norm_backward.mistake(
    "keeps_an_axis",
    edit("normalized).sum(dim=0)", "normalized).sum(dim=0, keepdim=True)").also(
        "grad_output.sum(dim=0)", "grad_output.sum(dim=0, keepdim=True)"
    ),
    "The gradients of weight and bias have the shape (1, C), from `keepdim=True`. A gradient has "
    "the shape of its parameter, (C,).",
    origin="2 of 126 students",
)
batch_norm_backward.mistake(
    "direct_path_without_weight",
    edit(
        "weight / deviation * (grad_output - mean_grad - normalized * mean_product)",
        "grad_output / deviation",
    ),
    "You return dy/s for the input: the weight γ is missing, and so are the two paths through the "
    "mean and the variance of the batch.",
    origin="1 of 126 students",
)
batch_norm_backward.mistake(
    "power_the_wrong_way_round",
    edit("weight / deviation", "weight * deviation"),
    "You multiply by s where the chain rule divides: the factor is γ/s, because x̂ = (x − μ)/s.",
    origin="1 of 120 students",
)
batch_norm_backward.mistake(
    "constant_mean",
    edit("grad_output - mean_grad -", "grad_output -"),
    "The path through the mean is missing: subtract mean(dy) inside the brackets. The gradient of "
    "each feature must sum to zero over the batch.",
    origin="1 of 120 students",
)
batch_norm_backward.mistake(
    "no_root",
    edit("weight / deviation", "weight / deviation**2"),
    "You divide by the variance where s = √(σ² + ε) is wanted: a root got lost.",
    origin="1 of 126 students",
)
batch_norm_backward.mistake(
    "normalized_factor_lost",
    edit("- normalized * mean_product", "- mean_product"),
    "In the last term the factor x̂ is lost: it is x̂ · mean(dy · x̂).",
    origin="1 of 126 students",
)
batch_norm_backward.mistake(
    "one_minus_one_over_n",
    edit("grad_output - mean_grad", "grad_output * (1 - 1 / len(x))"),
    "You multiply dy by (1 − 1/N), which keeps only an example's own share of the mean. Every "
    "example moves the mean: subtract mean(dy).",
    origin="1 of 120 students",
)
batch_norm_backward.mistake(
    "own_share_of_the_mean",
    edit(
        "(grad_output - mean_grad - normalized * mean_product)",
        "(1 - 1 / len(x)) * (grad_output - normalized * mean_product)",
    ),
    "You multiply by (1 − 1/N), an example's own share of ∂(x − μ)/∂x. Every example moves the "
    "mean of all: subtract mean(dy).",
    origin="1 of 120 students",
)
batch_norm_backward.mistake(
    "variance_path_added",
    edit("- normalized * mean_product", "+ normalized * mean_product"),
    "The path through the variance has the wrong sign: a larger x moves the variance up and its x̂ "
    "down, so x̂ · mean(dy · x̂) is subtracted.",
)
batch_norm_backward.mistake(
    "gradient_for_normalized",
    edit("normalized * mean_product", "weight * grad_output * mean_product"),
    "In the last term you multiply by the gradient at x̂, γ dy, where x̂ itself is wanted: x̂ · "
    "mean(dy · x̂).",
)
batch_norm_backward.mistake(
    "gradient_in_the_product",
    edit("(grad_output * normalized).mean(dim=0)", "weight * (grad_output**2).mean(dim=0)"),
    "In the last term you average dy · γ dy, the gradient times the gradient at x̂, where x̂ itself "
    "is wanted: x̂ · mean(dy · x̂).",
)
batch_norm_backward.mistake(
    "variance_for_normalized",
    edit("- normalized * mean_product", "- (deviation**2 - eps) * mean_product"),
    "In the last term you multiply by the variance, where x̂ is wanted: x̂ · mean(dy · x̂).",
)
batch_norm_backward.mistake(
    "normalized_by_the_variance",
    edit("centered / deviation", "centered / deviation**2"),
    "Your x̂ is divided by the variance. It is divided by s = √(σ² + ε), as in the forward pass.",
)
batch_norm_backward.mistake(
    "product_not_averaged",
    edit("(grad_output * normalized).mean(dim=0)", "(grad_output * normalized) / len(x)"),
    "In the last term you multiply each example by its own dy · x̂. Every example moves the "
    "variance, so average over the batch first: x̂ · mean(dy · x̂).",
    origin="1 of 120 students",
)
batch_norm_backward.mistake(
    "raw_input_in_the_weight_gradient",
    edit("normalized).sum(dim=0)", "x).sum(dim=0)"),
    "The weight multiplies x̂, not x: its gradient is Σ dy · x̂.",
    origin="1 of 126 students",
)
batch_norm_backward.mistake(
    "eps_outside_the_root",
    edit(
        "torch.sqrt((centered**2).mean(dim=0) + eps)", "torch.sqrt((centered**2).mean(dim=0)) + eps"
    ),
    "You add ε after the root. It is added to the variance, under the root, as in the forward "
    "pass: s = √(σ² + ε).",
)
batch_norm_backward.mistake(
    "eps_is_ignored",
    edit(".mean(dim=0) + eps)", ".mean(dim=0) + 1e-5)"),
    "You always use ε = 1e-5, whatever value the caller passes. Use the argument `eps`.",
)
batch_norm_backward.mistake(
    "bias_before_weight",
    edit(
        "grad_weight.to(weight.dtype), grad_bias",
        "grad_bias, grad_weight.to(weight.dtype)",
    ),
    "You return the gradient of the bias before that of the weight. The order asked for is input, "
    "weight, bias.",
)
batch_norm_backward.mistake(
    "constant_statistics",
    edit("(grad_output - mean_grad - normalized * mean_product)", "grad_output"),
    "You treat the mean and the variance as constants. They are made of x: subtract mean(dy) for "
    "the one and x̂ · mean(dy · x̂) for the other.",
)
batch_norm_backward.mistake(
    "constant_variance",
    edit(" - normalized * mean_product", ""),
    "The path through the variance is missing: subtract x̂ · mean(dy · x̂) as well.",
)
batch_norm_backward.mistake(
    "no_weight",
    edit("weight / deviation", "1 / deviation"),
    "γ is missing from the gradient of the input: y = γ x̂ + β, so everything that goes back to x "
    "is multiplied by γ.",
)
batch_norm_backward.mistake(
    "weight_twice",
    edit(
        "(grad_output - mean_grad - normalized * mean_product)",
        "weight * (grad_output - mean_grad - normalized * mean_product)",
    ),
    "You multiply by γ twice: once in dy · γ and once more in front. Once is enough.",
)
batch_norm_backward.mistake(
    "sums_for_means",
    edit("mean_grad = grad_output.mean(", "mean_grad = grad_output.sum(").also(
        "normalized).mean(", "normalized).sum("
    ),
    "You subtract sums where means belong: the mean and the variance have a 1/N in them. dx = "
    "(γ/s)(dy − mean(dy) − x̂ · mean(dy · x̂)).",
)
batch_norm_backward.mistake(
    "means_for_sums",
    edit("normalized).sum(", "normalized).mean(").also("grad_output.sum(", "grad_output.mean("),
    "You average the gradients of weight and bias over the batch. Each example adds its part to "
    "the loss, so its gradients add up: use the sum.",
)


@batch_norm_backward.alternative
def with_sums(grad_output, x, weight, *, eps=1e-5):
    n = x.shape[0]
    inverse = torch.rsqrt(x.var(dim=0, unbiased=False) + eps)
    x_hat = (x - x.mean(dim=0)) * inverse
    grad_weight, grad_bias = torch.sum(grad_output * x_hat, 0), torch.sum(grad_output, 0)
    grad_x = weight * inverse / n * (n * grad_output - grad_bias - x_hat * grad_weight)
    return grad_x, grad_weight, grad_bias


@batch_norm_backward.alternative
def staged(grad_output, x, weight, *, eps=1e-5):
    n = len(x)
    centered = x - x.mean(dim=0)
    variance = (centered**2).mean(dim=0)
    inverse = 1 / torch.sqrt(variance + eps)
    grad_x_hat = grad_output * weight
    grad_inverse = (grad_x_hat * centered).sum(dim=0)
    grad_variance = -0.5 * (variance + eps) ** -1.5 * grad_inverse
    grad_centered = grad_x_hat * inverse + 2 / n * centered * grad_variance
    grad_x = grad_centered - grad_centered.sum(dim=0) / n
    return grad_x, (grad_output * centered * inverse).sum(dim=0), grad_output.sum(dim=0)


@batch_norm_backward.alternative
def staged_with_ones(grad_output, x, weight, *, eps=1e-5):
    n, c = x.shape
    centered = x - x.mean(dim=0)
    variance = (centered**2).mean(dim=0)
    deviation = torch.sqrt(variance + eps)
    grad_hat = grad_output * weight
    grad_inverse = (grad_hat * centered).sum(dim=0)
    grad_deviation = -1 / deviation**2 * grad_inverse
    grad_variance = 0.5 / deviation * grad_deviation
    grad_square = torch.ones(n, c) / n * grad_variance
    grad_centered = grad_hat / deviation + 2 * centered * grad_square
    grad_mean = -grad_centered.sum(dim=0)
    grad_x = grad_centered + 1 / n * torch.ones((n, c)) * grad_mean
    return grad_x, (grad_output * centered / deviation).sum(dim=0), grad_output.sum(dim=0)


@batch_norm_backward.alternative
def as_in_the_paper(grad_output, x, weight, *, eps=1e-5):
    m = x.shape[0]
    mean, variance = x.mean(0), x.var(0, unbiased=False)
    d_hat = grad_output * weight
    d_variance = (d_hat * (x - mean) * -0.5 * (variance + eps) ** (-3 / 2)).sum(0)
    d_mean = (-d_hat / (variance + eps) ** 0.5).sum(0) + d_variance * (-2 * (x - mean)).sum(0) / m
    d_x = d_hat / (variance + eps) ** 0.5 + d_variance * 2 * (x - mean) / m + d_mean / m
    x_hat = (x - mean) / (variance + eps) ** 0.5
    return d_x, (grad_output * x_hat).sum(0), grad_output.sum(0)


@batch_norm_backward.alternative
def jacobian_of_each_feature(grad_output, x, weight, *, eps=1e-5):
    n = len(x)
    s = torch.sqrt(x.var(dim=0, unbiased=False) + eps)
    x_hat = (x - x.mean(dim=0)) / s
    grad_x = torch.empty_like(x)
    for j in range(x.shape[1]):
        column = x_hat[:, j : j + 1]
        identity = torch.eye(n, dtype=x.dtype)
        jacobian = (identity - 1 / n - column @ column.T / n) * weight[j] / s[j]
        grad_x[:, j] = jacobian.T @ grad_output[:, j]
    return grad_x, torch.einsum("nc,nc->c", grad_output, x_hat), grad_output.sum(dim=0)


@batch_norm_backward.alternative
def with_centering_matrix(grad_output, x, weight, *, eps=1e-5):
    n = len(x)
    centering = torch.eye(n, dtype=x.dtype) - torch.ones(n, n, dtype=x.dtype) / n
    centered = centering @ x
    s = ((centered**2).sum(0) / n + eps).sqrt()
    g = weight * grad_output
    inner = g / s - centered * (g * centered).sum(0) / (n * s**3)
    return centering @ inner, (grad_output * centered / s).sum(0), grad_output.sum(0)

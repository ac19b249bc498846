"""The backward pass of batch normalization in evaluation, where the statistics are constants."""

import torch

from autograder import probes
from autograder.exercises.normalization.backward import gradient_parts
from autograder.exercises.normalization.drawing import (
    AUTOGRAD,
    TORCH_BATCH_NORM,
    draw_eps,
    draw_features,
    draw_rows,
    draw_weight,
    without,
)
from autograder.exercises.normalization.lab import lab
from autograder.judging import edit
from course_lib import normalization


def draw_inference_gradient(rng):
    """A few examples far from the running statistics; the first variance is tiny."""
    rows, features = draw_rows(rng), draw_features(rng)
    running_var = rng.uniform(0.3, 4, features)
    running_var[0] = 1e-3
    return {
        "grad_output": rng.normal(size=(rows, features)) + rng.normal(size=features),
        "x": 2 * rng.normal(size=(rows, features)) + rng.normal(size=features),
        "running_mean": 2 * rng.normal(size=features),
        "running_var": running_var,
        "weight": draw_weight(rng, features),
        "eps": draw_eps(rng),
    }


batch_norm_inference_backward = lab.exercise(
    normalization.batch_norm_inference_backward,
    title="Backward in evaluation mode",
    statement="""Sometimes one needs gradients through a network in evaluation mode: when its
statistics are frozen for fine-tuning, or for the gradient with respect to an image. Return the
gradients of the input, the weight and the bias, in this order, of

$$y = \\gamma\\,\\frac{x-r_\\text{mean}}{\\sqrt{r_\\text{var}+\\varepsilon}} + \\beta .$$

Ask yourself which of the three paths of the training mode are still there. Without
`torch.autograd`, please.""",
    parts=gradient_parts(1, 1, 1),
    minutes=8,
    difficulty=2,
    core=False,
    syllabus=("5.3",),
    hide=("Formula",),
    inputs=(
        draw_inference_gradient,
        without(draw_inference_gradient, "eps"),
        draw_inference_gradient,
    ),
    probe=probes.call(),
    forbidden=(*TORCH_BATCH_NORM, *AUTOGRAD),
    hints=(
        "The running statistics do not depend on x. What is y then, as a function of x?",
        "Per feature, y is a straight line in x with the slope γ/s.",
        "dx = (γ/s) · dy; the weight multiplies (x − r_mean)/s, and the bias 1.",
    ),
)


@batch_norm_inference_backward.mistake(
    "You use the formula of the training mode. Here the mean and the variance are constants, no "
    "gradient flows through them: dx = (γ/s) dy.",
    origin="17 of 120 students",
)
def training_formula(grad_output, x, running_mean, running_var, weight, *, eps=1e-5):
    s = torch.sqrt(running_var + eps)
    x_hat = (x - running_mean) / s
    grad_mean, grad_product = grad_output.mean(dim=0), (grad_output * x_hat).mean(dim=0)
    grad_x = weight / s * (grad_output - grad_mean - x_hat * grad_product)
    return grad_x, (grad_output * x_hat).sum(dim=0), grad_output.sum(dim=0)


@batch_norm_inference_backward.mistake(
    "You go backward through the training mode, statistics of the batch and all. In evaluation "
    "the running statistics are used, and they are constants: dx = (γ/s) dy."
)
def as_in_training(grad_output, x, running_mean, running_var, weight, *, eps=1e-5):
    s = torch.sqrt(x.var(dim=0, unbiased=False) + eps)
    x_hat = (x - x.mean(dim=0)) / s
    grad_mean, grad_product = grad_output.mean(dim=0), (grad_output * x_hat).mean(dim=0)
    grad_x = weight / s * (grad_output - grad_mean - x_hat * grad_product)
    return grad_x, (grad_output * x_hat).sum(dim=0), grad_output.sum(dim=0)


@batch_norm_inference_backward.mistake(
    "For the gradient of the weight you normalize x with the statistics of the batch. The forward "
    "pass used the running ones."
)
def weight_gradient_of_the_batch(grad_output, x, running_mean, running_var, weight, *, eps=1e-5):
    s = torch.sqrt(running_var + eps)
    x_hat = (x - x.mean(dim=0)) / torch.sqrt(x.var(dim=0, unbiased=False) + eps)
    return weight / s * grad_output, (grad_output * x_hat).sum(dim=0), grad_output.sum(dim=0)


batch_norm_inference_backward.mistake(
    "handed_through",
    edit("weight / deviation * grad_output", "grad_output"),
    "You hand `grad_output` through as it came. The layer multiplies x by γ/s, so the gradient of "
    "the input is (γ/s) dy.",
)
batch_norm_inference_backward.mistake(
    "gradient_forgotten",
    edit("weight / deviation * grad_output", "(weight / deviation).expand_as(x)"),
    "`grad_output` is missing from the gradient of the input: γ/s is the slope alone, and the "
    "chain rule multiplies it by dy.",
)
batch_norm_inference_backward.mistake(
    "slope_of_each_feature",
    edit("weight / deviation * grad_output", "weight / deviation"),
    "You return γ/s for the input, of shape (C,). That is the slope alone: multiply it by "
    "`grad_output`, which has one entry for each of x: (γ/s) dy, of shape (N, C).",
)
batch_norm_inference_backward.mistake(
    "summed_over_the_batch",
    edit("weight / deviation * grad_output", "weight / deviation * grad_output.sum(dim=0)"),
    "You sum the gradient of the input over the batch. γ and β are shared by all examples, so "
    "their gradients are sums; every entry of x has its own: (γ/s) dy, of shape (N, C).",
)
batch_norm_inference_backward.mistake(
    "gradients_of_the_parameters_without_output",
    edit("grad_output * (x", "(x").also("grad_output.sum(dim=0)", "torch.ones_like(x).sum(dim=0)"),
    "`grad_output` is missing from the gradients of weight and bias: the chain rule gives Σ dy · "
    "x̂ and Σ dy.",
)


@batch_norm_inference_backward.mistake(
    "γ is missing from the gradient of the input: dx = (γ/s) dy."
)
def no_weight(grad_output, x, running_mean, running_var, weight, *, eps=1e-5):
    s = torch.sqrt(running_var + eps)
    x_hat = (x - running_mean) / s
    return grad_output / s, (grad_output * x_hat).sum(dim=0), grad_output.sum(dim=0)


@batch_norm_inference_backward.mistake(
    "The forward pass divides by s = √(r_var + ε), so the gradient of the input does too: dx = "
    "(γ/s) dy."
)
def not_divided(grad_output, x, running_mean, running_var, weight, *, eps=1e-5):
    x_hat = (x - running_mean) / torch.sqrt(running_var + eps)
    return weight * grad_output, (grad_output * x_hat).sum(dim=0), grad_output.sum(dim=0)


@batch_norm_inference_backward.mistake("You leave ε out: s = √(r_var + ε), as in the forward pass.")
def no_eps(grad_output, x, running_mean, running_var, weight, *, eps=1e-5):
    s = torch.sqrt(running_var)
    x_hat = (x - running_mean) / s
    return weight / s * grad_output, (grad_output * x_hat).sum(dim=0), grad_output.sum(dim=0)


@batch_norm_inference_backward.mistake(
    "You add ε after the root. It is added to the variance, under the root, as in the forward "
    "pass: s = √(r_var + ε)."
)
def eps_outside_the_root(grad_output, x, running_mean, running_var, weight, *, eps=1e-5):
    s = torch.sqrt(running_var) + eps
    x_hat = (x - running_mean) / s
    return weight / s * grad_output, (grad_output * x_hat).sum(dim=0), grad_output.sum(dim=0)


@batch_norm_inference_backward.mistake(
    "You divide by the running variance. The forward pass divides by its root, s = √(r_var + ε)."
)
def divides_by_the_variance(grad_output, x, running_mean, running_var, weight, *, eps=1e-5):
    s = running_var + eps
    x_hat = (x - running_mean) / s
    return weight / s * grad_output, (grad_output * x_hat).sum(dim=0), grad_output.sum(dim=0)


@batch_norm_inference_backward.mistake(
    "You always use ε = 1e-5, whatever value the caller passes. Use the argument `eps`."
)
def eps_is_ignored(grad_output, x, running_mean, running_var, weight, *, eps=1e-5):
    s = torch.sqrt(running_var + 1e-5)
    x_hat = (x - running_mean) / s
    return weight / s * grad_output, (grad_output * x_hat).sum(dim=0), grad_output.sum(dim=0)


@batch_norm_inference_backward.mistake(
    "You return the gradient of the bias before that of the weight. The order asked for is input, "
    "weight, bias."
)
def bias_before_weight(grad_output, x, running_mean, running_var, weight, *, eps=1e-5):
    s = torch.sqrt(running_var + eps)
    x_hat = (x - running_mean) / s
    return weight / s * grad_output, grad_output.sum(dim=0), (grad_output * x_hat).sum(dim=0)


@batch_norm_inference_backward.mistake(
    "The weight multiplies the normalized input: its gradient is Σ dy · (x − r_mean)/s."
)
def raw_input(grad_output, x, running_mean, running_var, weight, *, eps=1e-5):
    s = torch.sqrt(running_var + eps)
    return weight / s * grad_output, (grad_output * x).sum(dim=0), grad_output.sum(dim=0)


@batch_norm_inference_backward.mistake(
    "The gradients of weight and bias have the shape (1, C), from `keepdim=True`. A gradient has "
    "the shape of its parameter, (C,)."
)
def keeps_an_axis(grad_output, x, running_mean, running_var, weight, *, eps=1e-5):
    s = torch.sqrt(running_var + eps)
    grad_weight = (grad_output * (x - running_mean) / s).sum(dim=0, keepdim=True)
    return weight / s * grad_output, grad_weight, grad_output.sum(dim=0, keepdim=True)


@batch_norm_inference_backward.mistake(
    "You average the gradients of weight and bias over the batch. Each example adds its part to "
    "the loss: use the sum."
)
def means_for_sums(grad_output, x, running_mean, running_var, weight, *, eps=1e-5):
    s = torch.sqrt(running_var + eps)
    x_hat = (x - running_mean) / s
    return weight / s * grad_output, (grad_output * x_hat).mean(dim=0), grad_output.mean(dim=0)


@batch_norm_inference_backward.alternative
def with_rsqrt(grad_output, x, running_mean, running_var, weight, *, eps=1e-5):
    inverse = torch.rsqrt(running_var + eps)
    grad_weight = ((x - running_mean) * grad_output).sum(0) * inverse
    return grad_output * (weight * inverse), grad_weight, grad_output.sum(0)


@batch_norm_inference_backward.alternative
def with_matrices(grad_output, x, running_mean, running_var, weight, *, eps=1e-5):
    s = (running_var + eps) ** 0.5
    x_hat = (x - running_mean) / s
    ones = torch.ones(len(x), dtype=x.dtype)
    grad_weight = torch.diagonal(grad_output.T @ x_hat)
    return grad_output @ torch.diag(weight / s), grad_weight, ones @ grad_output

"""Layer normalization: each example by itself."""

import torch

from autograder import probes
from autograder.exercises.normalization.backward import gradient_parts
from autograder.exercises.normalization.drawing import (
    AUTOGRAD,
    TORCH_BATCH_NORM,
    draw_bias,
    draw_eps,
    draw_features,
    draw_table,
    draw_weight,
    without,
)
from autograder.exercises.normalization.lab import lab
from autograder.exercises.normalization.training import (
    LEARNED_THROUGH,
    OUTSIDE_OF_THE_GRAPH,
    layer_parts,
)
from autograder.judging import edit
from course_lib import normalization

EXAMPLES = 3
ANOTHER_DEFAULT = "You changed the default of `eps` in the signature. It is 1e-5, as in torch."


def draw_examples(rng):
    """Three examples of different mean and spread; one hardly varies, the next not at all."""
    return _examples(rng, draw_features(rng))


def _examples(rng, features):
    return {
        "x": draw_table(rng, features, EXAMPLES).T.copy(),
        "weight": draw_weight(rng, features),
        "bias": draw_bias(rng, features),
        "eps": draw_eps(rng),
    }


layer_norm = lab.exercise(
    normalization.layer_norm,
    title="Layer normalization",
    statement="""A batch of one has no spread, and in a sequence model batches are hard to compare.
Layer normalization turns the table around: mean and variance are taken over the D **features of
each example**, so that examples do not depend on each other, and training and evaluation are the
same. Scale and shift still belong to the features:

$$y_{nd} = \\gamma_d\\,\\frac{x_{nd}-\\mu_n}{\\sqrt{\\sigma_n^2+\\varepsilon}} + \\beta_d$$

*Conventions:* the variance divides by D (biased), ε stands inside the root. Gradients must flow
back through it to `x`, γ and β.""",
    parts=layer_parts("the normalized examples", 2, 1),
    minutes=6,
    core=False,
    syllabus=("5.1",),
    inputs=(draw_examples, without(draw_examples, "eps"), draw_examples),
    probe=probes.gradients(*LEARNED_THROUGH),
    forbidden=TORCH_BATCH_NORM,
    hints=(
        "Which axis holds the features of one example?",
        "`x.mean(dim=1)` has shape (N,). To subtract it from (N, D) it must be (N, 1).",
        "`x.mean(dim=1, keepdim=True)`, the same for the mean of `(x - mean) ** 2`; the rest "
        "is the last line of `batch_norm`.",
    ),
)


@layer_norm.mistake(
    "You take mean and variance over the batch (dim=0): that is batch normalization. Layer "
    "normalization takes them over the features of each example (dim=1).",
    origin="2 of 75 students",
)
def statistics_of_the_batch(x, weight, bias, *, eps=1e-5):
    variance = x.var(dim=0, unbiased=False)
    return weight * (x - x.mean(dim=0)) / torch.sqrt(variance + eps) + bias


@layer_norm.mistake(
    "You divide the variance by D − 1, the default of `x.var`. Normalizing uses the biased "
    "variance, divided by D."
)
def unbiased_variance(x, weight, bias, *, eps=1e-5):
    mean, variance = x.mean(dim=1, keepdim=True), x.var(dim=1, keepdim=True)
    return weight * (x - mean) / torch.sqrt(variance + eps) + bias


@layer_norm.mistake(
    "You add ε after the root. It is added to the variance, under the root: √(σ² + ε)."
)
def eps_outside_the_root(x, weight, bias, *, eps=1e-5):
    mean, deviation = x.mean(dim=1, keepdim=True), x.std(dim=1, keepdim=True, unbiased=False)
    return weight * (x - mean) / (deviation + eps) + bias


@layer_norm.mistake(
    "You leave ε out; an example whose features are all equal then gives 0/0. Divide by √(σ² + ε)."
)
def no_eps(x, weight, bias, *, eps=1e-5):
    mean, deviation = x.mean(dim=1, keepdim=True), x.std(dim=1, keepdim=True, unbiased=False)
    return weight * (x - mean) / deviation + bias


@layer_norm.mistake(
    "Shapes that do not line up: one number per example must have the shape (N, 1) beside (N, D), "
    "so `x.mean(dim=1)` needs `keepdim=True`; γ and β, (D,), meet x as (N, D).",
    raises="RuntimeError",
)
def loses_an_axis(x, weight, bias, *, eps=1e-5):
    variance = x.var(dim=1, unbiased=False)
    return weight * (x - x.mean(dim=1)) / torch.sqrt(variance + eps) + bias


@layer_norm.mistake(
    "You always use ε = 1e-5, whatever value the caller passes. Use the argument `eps`."
)
def eps_is_ignored(x, weight, bias, *, eps=1e-5):
    mean, variance = x.mean(dim=1, keepdim=True), x.var(dim=1, keepdim=True, unbiased=False)
    return weight * (x - mean) / torch.sqrt(variance + 1e-5) + bias


@layer_norm.mistake(
    "Two things: `x.std` divides by D − 1 unless told otherwise, where D is wanted; and ε is "
    "added to the variance, under the root. Divide by √(σ² + ε) with the biased σ²."
)
def deviation_as_it_comes(x, weight, bias, *, eps=1e-5):
    mean, deviation = x.mean(dim=1, keepdim=True), x.std(dim=1, keepdim=True)
    return weight * (x - mean) / (deviation + eps) + bias


layer_norm.mistake(
    "another_default",
    edit("eps: float = 1e-5", "eps: float = 1e-8"),
    ANOTHER_DEFAULT,
)
layer_norm.mistake(
    "a_larger_default", edit("eps: float = 1e-5", "eps: float = 1e-6"), ANOTHER_DEFAULT
)
layer_norm.mistake(
    "a_tiny_default", edit("eps: float = 1e-5", "eps: float = 1e-12"), ANOTHER_DEFAULT
)


@layer_norm.mistake("You scale by γ but never add β (`bias`): γ x̂ + β.")
def no_shift(x, weight, bias, *, eps=1e-5):
    mean, variance = x.mean(dim=1, keepdim=True), x.var(dim=1, keepdim=True, unbiased=False)
    return weight * (x - mean) / torch.sqrt(variance + eps)


@layer_norm.mistake("You normalize but leave out the last step: γ x̂ + β.")
def no_scale_and_shift(x, weight, bias, *, eps=1e-5):
    mean, variance = x.mean(dim=1, keepdim=True), x.var(dim=1, keepdim=True, unbiased=False)
    return (x - mean) / torch.sqrt(variance + eps)


@layer_norm.mistake("You divide by the variance. Divide by its root, √(σ² + ε).")
def divides_by_the_variance(x, weight, bias, *, eps=1e-5):
    mean, variance = x.mean(dim=1, keepdim=True), x.var(dim=1, keepdim=True, unbiased=False)
    return weight * (x - mean) / (variance + eps) + bias


@layer_norm.mistake(
    "You take one mean and variance over the whole table. Every example (row) has its own: dim=1, "
    "keepdim=True."
)
def one_mean_for_all(x, weight, bias, *, eps=1e-5):
    return weight * (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + eps) + bias


@layer_norm.mistake(OUTSIDE_OF_THE_GRAPH)
def outside_of_the_graph(x, weight, bias, *, eps=1e-5):
    with torch.no_grad():
        variance, mean = torch.var_mean(x, dim=1, keepdim=True, unbiased=False)
        return weight * (x - mean) / torch.sqrt(variance + eps) + bias


@layer_norm.alternative
def transposed(x, weight, bias, *, eps=1e-5):
    columns = x.T
    x_hat = (columns - columns.mean(0)) / torch.sqrt(columns.var(0, unbiased=False) + eps)
    return weight * x_hat.T + bias


@layer_norm.alternative
def with_var_mean(x, weight, bias, *, eps=1e-5):
    variance, mean = torch.var_mean(x, dim=-1, keepdim=True, correction=0)
    return (x - mean) * torch.rsqrt(variance + eps) * weight + bias


@layer_norm.alternative
def row_by_row(x, weight, bias, *, eps=1e-5):
    rows = []
    for row in x:
        centered = row - row.mean()
        rows.append(weight * centered / (centered.pow(2).mean() + eps) ** 0.5 + bias)
    return torch.stack(rows)


def draw_layer_gradient(rng):
    """Examples and a random upstream gradient.

    1/D has no rounding in it: `torch.ones(N, D) / D`, which is in float32, is as right as 1 / D.
    """
    drawn = _examples(rng, int(rng.choice([8, 16])))
    del drawn["bias"]
    shape = drawn["x"].shape
    return {"grad_output": rng.normal(size=shape) + rng.normal(size=shape[1]), **drawn}


layer_norm_backward = lab.exercise(
    normalization.layer_norm_backward,
    title="Backward through a layer normalization",
    statement="""Return the gradients of the input, the weight and the bias of `layer_norm`, in this
order: shapes (N, D), (D,), (D,).

The three paths are those of batch normalization, along the other axis. Beware of one thing: there,
γ was the same number for everything that a mean ran over, and could stand in front of the bracket.
Here the mean runs over the features, and each has its own γ. Without `torch.autograd`, please.""",
    parts=gradient_parts(2, 1, 1),
    minutes=12,
    difficulty=3,
    core=False,
    syllabus=("5.3",),
    hide=("Formula", "Convention"),
    inputs=(draw_layer_gradient, without(draw_layer_gradient, "eps"), draw_layer_gradient),
    probe=probes.call(),
    forbidden=(*TORCH_BATCH_NORM, *AUTOGRAD),
    hints=(
        "Let g = γ · dy be the gradient that arrives at x̂. From x̂ to x everything is as in "
        "batch normalization without a weight.",
        "Means over dim=1 with `keepdim=True`; sums for the weight and the bias over dim=0.",
        "dx = (g − mean(g) − x̂ · mean(g · x̂)) / s.",
    ),
)


layer_norm_backward.mistake(
    "weight_outside_the_means",
    edit("weight * grad_output", "grad_output").also("grad_x = (", "grad_x = weight * ("),
    "You put γ in front of the bracket, as for batch normalization. Here it differs within each "
    "mean and must go in: use g = γ · dy in place of dy throughout.",
    origin="2 of 75 students",
)


@layer_norm_backward.mistake(
    "You go backward through batch normalization: statistics over dim=0. The mean and variance of "
    "`layer_norm` run over the features of each example, dim=1.",
    origin="2 of 75 students",
)
def backward_through_the_batch(grad_output, x, weight, *, eps=1e-5):
    s = torch.sqrt(x.var(dim=0, unbiased=False) + eps)
    x_hat = (x - x.mean(dim=0)) / s
    grad_mean, grad_product = grad_output.mean(dim=0), (grad_output * x_hat).mean(dim=0)
    grad_x = weight / s * (grad_output - grad_mean - x_hat * grad_product)
    return grad_x, (grad_output * x_hat).sum(dim=0), grad_output.sum(dim=0)


layer_norm_backward.mistake(
    "gradients_of_each_example",
    edit("normalized).sum(dim=0)", "normalized).sum(dim=1)").also(
        "grad_output.sum(dim=0)", "grad_output.sum(dim=1)"
    ),
    "You sum the gradients of weight and bias over the features, which leaves (N,). γ and β "
    "belong to the features: sum over the batch, dim=0.",
    origin="2 of 75 students",
)
layer_norm_backward.mistake(
    "batch_size_for_features",
    edit(
        "grad_normalized.mean(dim=1, keepdim=True)",
        "grad_normalized.sum(dim=1, keepdim=True) / len(x)",
    ).also(
        "normalized).mean(dim=1, keepdim=True)", "normalized).sum(dim=1, keepdim=True) / len(x)"
    ),
    "You divide the sums by the batch size N. They run over the D features of an example: divide "
    "by D.",
    origin="1 of 75 students",
)
layer_norm_backward.mistake(
    "backward_ignores_eps",
    edit("+ eps)", "+ 1e-5)"),
    "You always use ε = 1e-5, whatever value the caller passes. Use the argument `eps`.",
    origin="1 of 75 students",
)
layer_norm_backward.mistake(
    "backward_without_eps",
    edit(" + eps)", ")"),
    "You leave ε out: s = √(σ² + ε), as in the forward pass.",
    origin="1 of 75 students",
)
layer_norm_backward.mistake(
    "constant_statistics",
    edit("(grad_normalized - mean_grad - normalized * mean_product)", "grad_normalized"),
    "You treat the mean and the variance of an example as constants. They are made of its "
    "features: subtract mean(g) and x̂ · mean(g · x̂), with g = γ · dy.",
)
layer_norm_backward.mistake(
    "no_weight",
    edit("weight * grad_output", "grad_output"),
    "γ is missing from the gradient of the input: use g = γ · dy in place of dy.",
)
layer_norm_backward.mistake(
    "weight_in_the_weight_gradient",
    edit("(grad_output * normalized)", "(grad_normalized * normalized)").also(
        "grad_output.sum(", "grad_normalized.sum("
    ),
    "You use g = γ · dy for the gradients of weight and bias too. In y = γ x̂ + β, γ is "
    "multiplied by x̂ and β by 1: Σ dy · x̂ and Σ dy.",
)
layer_norm_backward.mistake(
    "bias_before_weight",
    edit(
        "grad_weight.to(weight.dtype), grad_bias",
        "grad_bias, grad_weight.to(weight.dtype)",
    ),
    "You return the gradient of the bias before that of the weight. The order asked for is input, "
    "weight, bias.",
)
layer_norm_backward.mistake(
    "keeps_an_axis",
    edit("normalized).sum(dim=0)", "normalized).sum(dim=0, keepdim=True)").also(
        "grad_output.sum(dim=0)", "grad_output.sum(dim=0, keepdim=True)"
    ),
    "The gradients of weight and bias have the shape (1, D), from `keepdim=True`. A gradient has "
    "the shape of its parameter, (D,).",
)


@layer_norm_backward.alternative
def as_one_division(grad_output, x, weight, *, eps=1e-5):
    d = x.shape[1]
    s = torch.sqrt(x.var(dim=-1, keepdim=True, unbiased=False) + eps)
    x_hat = (x - x.mean(dim=-1, keepdim=True)) / s
    g = grad_output * weight
    sums = g.sum(-1, keepdim=True) + x_hat * (g * x_hat).sum(-1, keepdim=True)
    return (d * g - sums) / (d * s), (grad_output * x_hat).sum(0), grad_output.sum(0)


@layer_norm_backward.alternative
def staged(grad_output, x, weight, *, eps=1e-5):
    d = x.shape[1]
    centered = x - x.mean(dim=1, keepdim=True)
    inverse = ((centered**2).mean(dim=1, keepdim=True) + eps) ** -0.5
    g = grad_output * weight
    grad_variance = (g * centered).sum(dim=1, keepdim=True) * -0.5 * inverse**3
    grad_centered = g * inverse + 2 / d * centered * grad_variance
    grad_x = grad_centered - grad_centered.mean(dim=1, keepdim=True)
    return grad_x, (grad_output * centered * inverse).sum(dim=0), grad_output.sum(dim=0)


@layer_norm_backward.alternative
def jacobian_of_each_example(grad_output, x, weight, *, eps=1e-5):
    n, d = x.shape
    grad_x, x_hat = torch.empty_like(x), torch.empty_like(x)
    for i in range(n):
        s = torch.sqrt(x[i].var(unbiased=False) + eps)
        x_hat[i] = (x[i] - x[i].mean()) / s
        identity = torch.eye(d, dtype=x.dtype)
        jacobian = (identity - 1 / d - torch.outer(x_hat[i], x_hat[i]) / d) / s
        grad_x[i] = jacobian @ (weight * grad_output[i])
    return grad_x, (grad_output * x_hat).sum(dim=0), grad_output.sum(dim=0)

"""Normalizing with the running statistics, after training."""

import torch

from autograder import probes
from autograder.exercises.normalization.drawing import (
    TORCH_BATCH_NORM,
    draw_bias,
    draw_eps,
    draw_features,
    draw_weight,
    without,
)
from autograder.exercises.normalization.lab import lab
from autograder.exercises.normalization.training import (
    LEARNED_THROUGH,
    OUTSIDE_OF_THE_GRAPH,
    layer_parts,
)
from course_lib import normalization


def draw_inference(rng):
    """Three examples far from the running statistics; the first variance is tiny."""
    features = draw_features(rng)
    running_var = rng.uniform(0.3, 4, features)
    running_var[0] = 1e-3
    return {
        "x": 2 * rng.normal(size=(3, features)) + rng.normal(size=features),
        "running_mean": 2 * rng.normal(size=features),
        "running_var": running_var,
        "weight": draw_weight(rng, features),
        "bias": draw_bias(rng, features),
        "eps": draw_eps(rng),
    }


batch_norm_inference = lab.exercise(
    normalization.batch_norm_inference,
    title="Normalize without a batch",
    statement="""After training, what the network says about one picture must not depend on which
other pictures happen to be processed with it. So in evaluation the **running** mean and variance
stand in for those of the batch, and are constants:

$$y = \\gamma\\,\\frac{x-r_\\text{mean}}{\\sqrt{r_\\text{var}+\\varepsilon}} + \\beta$$

Everything else is as in training: ε inside the root, then scale and shift. The result must be right
for a batch of one as well, and gradients must flow back through it to `x`, γ and β.""",
    parts=layer_parts("the normalized examples", 1, 1),
    syllabus=("5.2",),
    inputs=(draw_inference, without(draw_inference, "eps"), draw_inference),
    probe=probes.gradients(*LEARNED_THROUGH),
    forbidden=TORCH_BATCH_NORM,
    hints=(
        "Take the formula of training and ask of each symbol: does it come from the batch?",
        "Nothing here may be averaged over `x`: the mean and the variance are arguments.",
        "`(x - running_mean) / torch.sqrt(running_var + eps)`, then scale and shift.",
    ),
)


@batch_norm_inference.mistake(
    "You leave ε out. In evaluation, too, divide by √(r_var + ε), or the network computes another "
    "function than the one that was trained.",
    origin="6 of 127 students",
)
def no_eps(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    return weight * (x - running_mean) / torch.sqrt(running_var) + bias


@batch_norm_inference.mistake(
    "You add ε after taking the root: √r_var + ε. As in training, ε is added to the variance, "
    "under the root: √(r_var + ε).",
    origin="2 of 120 students",
)
def eps_outside_the_root(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    return weight * (x - running_mean) / (torch.sqrt(running_var) + eps) + bias


@batch_norm_inference.mistake(
    "You leave out γ and β. They were learned and are as much needed in evaluation: y = γ x̂ + β.",
    origin="2 of 127 students",
)
def no_scale_and_shift(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    return (x - running_mean) / torch.sqrt(running_var + eps)


@batch_norm_inference.mistake(
    "You square the running variance, as if it were a standard deviation. It is a variance "
    "already: divide by √(r_var + ε).",
    origin="2 of 127 students",
)
def squares_the_variance(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    return weight * (x - running_mean) / torch.sqrt(running_var**2 + eps) + bias


@batch_norm_inference.mistake(
    "You divide by the running variance. Divide by its root: √(r_var + ε).",
    origin="1 of 120 students",
)
def divides_by_the_variance(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    return weight * (x - running_mean) / (running_var + eps) + bias


@batch_norm_inference.mistake(
    "You multiply by √(r_var + ε) where it should divide. (An inverse that was inverted once "
    "more?) x̂ = (x − r_mean) / √(r_var + ε).",
    origin="1 of 120 students",
)
def multiplies_by_the_deviation(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    return weight * (x - running_mean) * torch.sqrt(running_var + eps) + bias


@batch_norm_inference.mistake(
    "Your root covers the numerator too, and is NaN wherever x lies below the mean. Only the "
    "variance is under the root: (x − r_mean) / √(r_var + ε).",
    origin="1 of 120 students",
)
def root_of_the_whole_quotient(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    return weight * torch.sqrt((x - running_mean) / (running_var + eps)) + bias


@batch_norm_inference.mistake(
    "You subtract β (`bias`). It is added: y = γ x̂ + β.", origin="1 of 127 students"
)
def subtracts_the_bias(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    return weight * (x - running_mean) / torch.sqrt(running_var + eps) - bias


@batch_norm_inference.mistake(
    "You add β before you multiply by γ, so that β is scaled too: γ (x̂ + β). Scale first: γ x̂ + β.",
    origin="1 of 127 students",
)
def shifts_before_it_scales(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    return weight * ((x - running_mean) / torch.sqrt(running_var + eps) + bias)


@batch_norm_inference.mistake(
    "You normalize with the mean and variance of this batch, as in training. In evaluation use "
    "the running ones: an example's output must not depend on the rest of its batch.",
    origin="1 of 111 students",
)
def uses_the_batch(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    variance = x.var(dim=0, unbiased=False)
    return weight * (x - x.mean(dim=0)) / torch.sqrt(variance + eps) + bias


@batch_norm_inference.mistake(
    "You normalize with the mean and variance of this batch. In evaluation use `running_mean` and "
    "`running_var`: an example's output must not depend on the rest of its batch."
)
def uses_the_batch_unbiased(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    return weight * (x - x.mean(dim=0)) / torch.sqrt(x.var(dim=0) + eps) + bias


@batch_norm_inference.mistake("You scale by γ but never add β (`bias`): y = γ x̂ + β.")
def no_shift(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    return weight * (x - running_mean) / torch.sqrt(running_var + eps)


@batch_norm_inference.mistake(
    "You changed the default of `eps` in the signature. It is 1e-5, as in torch."
)
def another_default(x, running_mean, running_var, weight, bias, *, eps=1e-8):
    return weight * (x - running_mean) / torch.sqrt(running_var + eps) + bias


@batch_norm_inference.mistake(
    "You subtract the mean of this batch. In evaluation subtract `running_mean`."
)
def uses_the_mean_of_the_batch(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    return weight * (x - x.mean(dim=0)) / torch.sqrt(running_var + eps) + bias


@batch_norm_inference.mistake(
    "You divide by the spread of this batch. In evaluation use `running_var`."
)
def uses_the_variance_of_the_batch(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    variance = x.var(dim=0, unbiased=False)
    return weight * (x - running_mean) / torch.sqrt(variance + eps) + bias


@batch_norm_inference.mistake(
    "You always use ε = 1e-5, whatever value the caller passes. Use the argument `eps`."
)
def eps_is_ignored(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    return weight * (x - running_mean) / torch.sqrt(running_var + 1e-5) + bias


@batch_norm_inference.mistake(OUTSIDE_OF_THE_GRAPH)
def outside_of_the_graph(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    with torch.no_grad():
        return weight * (x - running_mean) / torch.sqrt(running_var + eps) + bias


@batch_norm_inference.alternative
def folded(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    scale = weight / (running_var + eps) ** 0.5
    return x * scale + (bias - running_mean * scale)


@batch_norm_inference.alternative
def with_rsqrt(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    return torch.addcmul(bias, (x - running_mean) * torch.rsqrt(running_var + eps), weight)


@batch_norm_inference.alternative
def over_features(x, running_mean, running_var, weight, bias, *, eps=1e-5):
    columns = []
    for j in range(x.shape[1]):
        normalized = (x[:, j] - running_mean[j]) / torch.sqrt(running_var[j] + eps)
        columns.append(weight[j] * normalized + bias[j])
    return torch.stack(columns, dim=1)

"""Batch normalization as an affine map: the way back, and folding."""

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
from autograder.judging import Part, edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import normalization


def draw_identity(rng):
    """A small batch that hardly varies in one feature and not at all in another."""
    return {"x": draw_table(rng, draw_rows(rng), draw_features(rng)), "eps": draw_eps(rng)}


identity_parameters = lab.exercise(
    normalization.identity_parameters,
    title="The way back",
    statement="""Does normalizing take anything away from what a network can compute? No: with the
right γ and β, batch normalization gives a batch back exactly as it came. Find them: return
`(weight, bias)`, shapes (C,) and (C,), such that
`batch_norm(x, weight, bias, eps=eps)` equals `x`, up to rounding and *with* its ε.

(This does not make the layer useless. What changes is how gradient descent *gets* anywhere: scale
and mean of a feature have become two parameters of their own.)""",
    points=2,
    difficulty=2,
    core=False,
    syllabus=("5.6",),
    hide=("Formula", "Convention"),
    inputs=(draw_identity, without(draw_identity, "eps"), draw_identity),
    probe=probes.call(),
    equivalent_mutants={
        "everything is done under torch.no_grad()": "they are set once, and are parameters then",
    },
    parts=[
        Part(
            "the weight",
            1,
            (
                matches_reference("the weight", of="result.0"),
                leaves_inputs_alone(),
                keeps_dtype(),
            ),
        ),
        Part("the bias", 1, (matches_reference("the bias", of="result.1"),)),
    ],
    forbidden=TORCH_BATCH_NORM,
    hints=(
        "Write y = γ (x − μ)/s + β and ask for y = x, whatever x is.",
        "γ undoes the division by s, β the subtraction of μ. What exactly is s?",
        "s = √(σ² + ε) with the biased variance.",
    ),
)


@identity_parameters.mistake(
    "You return γ = σ, as the paper does, which leaves ε out. What was divided by √(σ² + ε) has "
    "to be multiplied by just that."
)
def without_eps(x, *, eps=1e-5):
    return x.std(dim=0, unbiased=False), x.mean(dim=0)


@identity_parameters.mistake(
    "You return γ = σ + ε. The layer divides by √(σ² + ε), so γ = √(σ² + ε)."
)
def eps_outside(x, *, eps=1e-5):
    return x.std(dim=0, unbiased=False) + eps, x.mean(dim=0)


@identity_parameters.mistake(
    "You return the variance for γ. The layer divides by its root: γ = √(σ² + ε)."
)
def variance_for_deviation(x, *, eps=1e-5):
    return x.var(dim=0, unbiased=False) + eps, x.mean(dim=0)


@identity_parameters.mistake(
    "Your variance divides by N − 1, but the layer normalizes with the biased one."
)
def unbiased_deviation(x, *, eps=1e-5):
    return torch.sqrt(x.var(dim=0) + eps), x.mean(dim=0)


@identity_parameters.mistake(
    "Two things: `x.std` divides by N − 1 unless told otherwise, but the layer normalizes with "
    "the biased variance; and ε is missing. γ = √(σ² + ε)."
)
def deviation_as_it_comes(x, *, eps=1e-5):
    return x.std(dim=0), x.mean(dim=0)


@identity_parameters.mistake(
    "Your γ and β would normalize once more. Solve γ (x − μ)/s + β = x for γ and β."
)
def normalizes_again(x, *, eps=1e-5):
    deviation = torch.sqrt(x.var(dim=0, unbiased=False) + eps)
    return 1 / deviation, -x.mean(dim=0) / deviation


@identity_parameters.mistake(
    "With γ = 1 and β = 0 the layer returns x̂, not x. Undo the division and the subtraction."
)
def one_and_zero(x, *, eps=1e-5):
    return torch.ones_like(x[0]), torch.zeros_like(x[0])


@identity_parameters.mistake(
    "You return them in the other order: first the weight γ, then the bias β."
)
def mean_before_deviation(x, *, eps=1e-5):
    return x.mean(dim=0), torch.sqrt(x.var(dim=0, unbiased=False) + eps)


@identity_parameters.alternative
def identity_with_var_mean(x, *, eps=1e-5):
    variance, mean = torch.var_mean(x, dim=0, correction=0)
    return (variance + eps) ** 0.5, mean


@identity_parameters.alternative
def identity_from_squares(x, *, eps=1e-5):
    mean = x.sum(0) / len(x)
    return [((x**2).mean(0) - mean**2 + eps).sqrt(), mean]


def draw_folding(rng):
    """A linear layer, not square, and the batch norm after it."""
    inputs, outputs = (int(n) for n in rng.permutation([3, 4, 5, 6, 7])[:2])
    running_var = rng.uniform(0.3, 4, outputs)
    running_var[0] = 1e-3
    return {
        "linear_weight": rng.normal(size=(outputs, inputs)),
        "linear_bias": rng.normal(size=outputs),
        "running_mean": 2 * rng.normal(size=outputs),
        "running_var": running_var,
        "weight": draw_weight(rng, outputs),
        "bias": draw_bias(rng, outputs),
        "eps": draw_eps(rng),
    }


fold_batch_norm = lab.exercise(
    normalization.fold_batch_norm,
    title="Fold batch normalization away",
    statement="""In evaluation, batch normalization is an affine map with constant numbers, and a
linear layer before it is one too. Two affine maps in a row are one: before a network is put to use,
its batch normalization layers are usually *folded* into the weights and cost nothing anymore.

Return `(folded_weight, folded_bias)`, shapes (out, in) and (out,), such that for every input z

$$z\\,W'^\\top + b' \\;=\\; \\text{batch norm in evaluation of}\\;(z\\,W^\\top + b).$$

W and b are `linear_weight` and `linear_bias`; γ and β are `weight` and `bias`.""",
    points=3,
    minutes=10,
    difficulty=2,
    core=False,
    syllabus=("5.5",),
    hide=("Formula",),
    inputs=(draw_folding, without(draw_folding, "eps"), draw_folding),
    probe=probes.call(),
    equivalent_mutants={
        "everything is done under torch.no_grad()": "a network is folded when it has learned",
    },
    parts=[
        Part(
            "the folded weight",
            1,
            (
                matches_reference("the folded weight", of="result.0"),
                leaves_inputs_alone(),
                keeps_dtype(),
            ),
        ),
        Part("the folded bias", 2, (matches_reference("the folded bias", of="result.1"),)),
    ],
    forbidden=TORCH_BATCH_NORM,
    hints=(
        "Put a = W z + b into γ (a − r_mean)/s + β and multiply out. What stands before z?",
        "With scale = γ/s, one number per output: z is multiplied by scale · W, row by row.",
        "`scale[:, None] * linear_weight`; all that does not contain z is the new bias.",
    ),
)


fold_batch_norm.mistake(
    "scales_columns",
    edit("scale[:, None] * linear_weight", "linear_weight * scale"),
    "A scale of shape (out,) lines up with the columns of W, the inputs. Each *row* of W makes "
    "one output: use `scale[:, None]`.",
    raises="RuntimeError",
)
fold_batch_norm.mistake(
    "drops_the_linear_bias",
    edit("linear_bias - running_mean", "-running_mean"),
    "The bias b of the linear layer is lost. It reaches the batch normalization with W z: b' = "
    "(γ/s)(b − r_mean) + β.",
)
fold_batch_norm.mistake(
    "does_not_scale_the_linear_bias",
    edit("scale * (linear_bias - running_mean)", "linear_bias - scale * running_mean"),
    "The bias b is scaled with everything else that is normalized: b' = (γ/s)(b − r_mean) + β.",
)
fold_batch_norm.mistake(
    "does_not_center",
    edit("linear_bias - running_mean", "linear_bias"),
    "The running mean is missing: it is subtracted before scaling, b' = (γ/s)(b − r_mean) + β.",
)
fold_batch_norm.mistake(
    "adds_the_mean",
    edit("linear_bias - running_mean", "linear_bias + running_mean"),
    "You add the running mean; it is subtracted: b' = (γ/s)(b − r_mean) + β.",
)
fold_batch_norm.mistake(
    "forgets_beta",
    edit(") + bias", ")"),
    "β is missing: it is added at the end, b' = (γ/s)(b − r_mean) + β.",
)
fold_batch_norm.mistake(
    "scales_beta",
    edit("running_mean) + bias", "running_mean + bias)"),
    "You scale β as well. β comes after the scaling: b' = (γ/s)(b − r_mean) + β.",
)
fold_batch_norm.mistake(
    "without_eps",
    edit("running_var + eps", "running_var"),
    "ε is missing: the layer you fold divides by √(r_var + ε).",
)
fold_batch_norm.mistake(
    "divides_by_variance",
    edit("torch.sqrt(running_var + eps)", "(running_var + eps)"),
    "You divide by the variance. The layer divides by its root, √(r_var + ε).",
)


@fold_batch_norm.alternative
def with_a_diagonal(linear_weight, linear_bias, running_mean, running_var, weight, bias, *,
                    eps=1e-5):  # fmt: skip
    scale = weight * torch.rsqrt(running_var + eps)
    return torch.diag(scale) @ linear_weight, (linear_bias - running_mean) * scale + bias


@fold_batch_norm.alternative
def transposed_twice(linear_weight, linear_bias, running_mean, running_var, weight, bias, *,
                     eps=1e-5):  # fmt: skip
    scale = weight / (running_var + eps) ** 0.5
    return (linear_weight.T * scale).T, bias + scale * linear_bias - scale * running_mean


@fold_batch_norm.alternative
def row_by_row(linear_weight, linear_bias, running_mean, running_var, weight, bias, *, eps=1e-5):
    folded_weight, folded_bias = linear_weight.clone(), linear_bias.clone()
    for i in range(len(linear_weight)):
        s = torch.sqrt(running_var[i] + eps)
        folded_weight[i] = weight[i] * linear_weight[i] / s
        folded_bias[i] = weight[i] * (linear_bias[i] - running_mean[i]) / s + bias[i]
    return folded_weight, folded_bias

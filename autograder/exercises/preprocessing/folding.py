"""A linear layer on standardized features, written for raw ones."""

import torch

from autograder import probes
from autograder.exercises.preprocessing.drawing import LIBRARIES, PREPARED, draw_table
from autograder.exercises.preprocessing.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import preprocessing


def draw_layer(rng):
    columns, outputs = int(rng.integers(5, 8)), int(rng.integers(2, 5))
    return {
        "weight": rng.normal(size=(outputs, columns)),
        "bias": rng.normal(size=outputs),
        "mean": draw_table(rng, 1, columns)[0],
        "std": rng.uniform(0.3, 4, columns),
    }


fold_standardization = lab.exercise(
    preprocessing.fold_standardization,
    title="The same function, written for raw features",
    statement="""“Standardized features let a linear model express more.” Test it: take a linear
layer that was trained on standardized inputs, $y = W\\,\\frac{x-\\mu}{\\sigma} + b$, and find the
layer $y = W'x + b'$ that gives the same outputs for the **raw** inputs. Return `(W', b')`.

`weight` is (out, in) as in torch, `bias` (out,), `mean` and `std` (in,).""",
    points=3,
    minutes=7,
    difficulty=2,
    core=False,
    syllabus=("3.6",),
    hide=("Formula", "Source"),
    inputs=draw_layer,
    probe=probes.call(),
    checks=[
        matches_reference("the weight", of="result.0"),
        matches_reference("the bias", of="result.1"),
        leaves_inputs_alone(),
    ],
    forbidden=LIBRARIES,
    equivalent_mutants=PREPARED,
    hints=(
        "Multiply out: W((x − μ)/σ) + b. What stands in front of x_i?",
        "`weight / std` divides column i by `std[i]`.",
    ),
)


@fold_standardization.mistake(
    "You leave the bias as it is. Subtracting μ from the input shifts the output by −W'μ."
)
def bias_kept(weight, bias, mean, std):
    return weight / std, bias


@fold_standardization.mistake(
    "In the bias you use W where W' = W/σ belongs: the mean is divided by σ too."
)
def old_weight_in_the_bias(weight, bias, mean, std):
    return weight / std, bias - weight @ mean


@fold_standardization.mistake(
    "This is the way back: a layer for raw inputs, rewritten for standardized ones. Asked for is "
    "y = W'x + b' for raw x, with W' = W/σ."
)
def other_direction(weight, bias, mean, std):
    return weight * std, bias + weight @ mean


@fold_standardization.mistake("You multiply by σ. The inputs were divided by it.")
def multiplied(weight, bias, mean, std):
    folded = weight * std
    return folded, bias - folded @ mean


@fold_standardization.mistake("The sign of the mean's part is the other way round: b' = b − W'μ.")
def added(weight, bias, mean, std):
    folded = weight / std
    return folded, bias + folded @ mean


@fold_standardization.mistake("You leave the weight as it is. Column i is divided by σ_i.")
def weight_kept(weight, bias, mean, std):
    return weight, bias - weight @ (mean / std)


@fold_standardization.mistake(
    "In the bias you multiply the mean by σ. It is divided by it: W (μ/σ)."
)
def mean_multiplied_by_std(weight, bias, mean, std):
    return weight / std, bias - weight @ (mean * std)


@fold_standardization.mistake(
    "You divide the bias by a standard deviation. It is added behind the scaling."
)
def bias_divided(weight, bias, mean, std):
    folded = weight / std
    return folded, (bias - weight @ mean) / std.mean()


@fold_standardization.mistake("You divide by σ². The inputs are divided by σ.")
def by_the_variance(weight, bias, mean, std):
    folded = weight / std**2
    return folded, bias - folded @ mean


@fold_standardization.alternative
def by_probing(weight, bias, mean, std):
    def layer(x):
        return weight @ ((x - mean) / std) + bias

    at_zero = layer(torch.zeros_like(mean))
    columns = [layer(unit) - at_zero for unit in torch.eye(len(mean), dtype=mean.dtype)]
    return torch.stack(columns, dim=1), at_zero


@fold_standardization.alternative
def by_diagonal_matrix(weight, bias, mean, std):
    return weight @ torch.diag(1 / std), bias - weight @ (mean / std)

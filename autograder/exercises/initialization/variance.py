"""What a linear layer does to the variance of its input."""

import math

import torch

from autograder import probes
from autograder.exercises.initialization.lab import lab
from autograder.judging.checks import matches_reference
from course_lib import initialization


# Near enough for an answer that computes in torch's float32 and returns a number.
FLOAT32 = 1e-5


def _layer(rng):
    return {
        "fan_in": int(rng.integers(20, 500)),
        "weight_variance": float(rng.uniform(0.01, 0.9)),
        # The mean is far from zero: only then does E[x²] differ from Var(x).
        "input_mean": float(rng.uniform(0.8, 3) * rng.choice([-1, 1])),
        "input_variance": float(rng.uniform(0.2, 4)),
    }


linear_output_variance = lab.value(
    initialization.linear_output_variance,
    title="The variance of one output",
    statement=(
        "One output of a linear layer is $y_i = \\sum_{j=1}^{D} w_{ij}\\,x_j$ with $D$ = `fan_in`. "
        "The weights are independent of one another and of the inputs, and have **mean zero** and "
        "variance `weight_variance`. The inputs are independent with mean `input_mean` (not "
        "zero!) and variance `input_variance`.\n\n"
        "Derive $\\mathrm{Var}(y_i)$ and return it as a number."
    ),
    points=4,
    minutes=12,
    difficulty=2,
    syllabus=("4.3",),
    hide=("Formula", "Source"),
    inputs=_layer,
    probe=probes.call(),
    checks=[matches_reference("the variance of the output", rtol=FLOAT32)],
    hints=(
        "What is the variance of a sum of independent terms?",
        "For independent w and x: Var(w·x) = E[w²]·E[x²] − E[w]²·E[x]². Now E[w] = 0.",
        "E[x²] is not Var(x) here. How do they differ?",
    ),
)


@linear_output_variance.mistake(
    "You use Var(x) where E[x²] belongs. Var(w·x) = Var(w)·E[x²] when w has mean zero, and E[x²] "
    "= Var(x) + mean². The two agree only for inputs with mean zero, which the output of a ReLU "
    "never has."
)
def centered_input(fan_in, weight_variance, input_mean, input_variance):
    return fan_in * weight_variance * input_variance


@linear_output_variance.mistake("E[x²] = Var(x) + mean²: the mean enters squared.")
def mean_not_squared(fan_in, weight_variance, input_mean, input_variance):
    return fan_in * weight_variance * (input_variance + input_mean)


@linear_output_variance.mistake(
    "The sign is off: Var(x) = E[x²] − mean², so E[x²] = Var(x) + mean²."
)
def mean_subtracted(fan_in, weight_variance, input_mean, input_variance):
    return fan_in * weight_variance * (input_variance - input_mean**2)


@linear_output_variance.mistake(
    "This is the variance of one term w·x. The output sums fan_in independent terms, and "
    "variances of independent terms add."
)
def one_input_only(fan_in, weight_variance, input_mean, input_variance):
    return weight_variance * (input_variance + input_mean**2)


@linear_output_variance.mistake(
    "A sum of D independent terms has D times the variance of one, not D² times (D² would hold "
    "for D copies of the same term)."
)
def fan_in_squared(fan_in, weight_variance, input_mean, input_variance):
    return fan_in**2 * weight_variance * (input_variance + input_mean**2)


@linear_output_variance.mistake(
    "This is the standard deviation. Asked for is the variance, its square."
)
def root_of_it(fan_in, weight_variance, input_mean, input_variance):
    return math.sqrt(fan_in * weight_variance * (input_variance + input_mean**2))


@linear_output_variance.mistake("The variance of the inputs is missing: E[x²] = Var(x) + mean².")
def squared_mean_only(fan_in, weight_variance, input_mean, input_variance):
    return fan_in * weight_variance * input_mean**2


@linear_output_variance.mistake(
    "You square the variance of the inputs. A variance is a square already: E[x²] = Var(x) + mean²."
)
def variance_squared(fan_in, weight_variance, input_mean, input_variance):
    return fan_in * weight_variance * (input_variance**2 + input_mean**2)


@linear_output_variance.mistake(
    "Var(w) multiplies both terms: Var(w·x) = Var(w)·(Var(x) + mean²). In yours the mean has no "
    "weight in front."
)
def mean_without_weight(fan_in, weight_variance, input_mean, input_variance):
    return fan_in * (weight_variance * input_variance + input_mean**2)


@linear_output_variance.alternative
def by_second_moment(fan_in, weight_variance, input_mean, input_variance):
    second_moment = input_variance + input_mean * input_mean
    return fan_in * (weight_variance * second_moment)


@linear_output_variance.alternative
def by_product_rule(fan_in, weight_variance, input_mean, input_variance):
    weight_mean = 0.0
    product = (
        weight_variance * input_variance
        + weight_variance * input_mean**2
        + weight_mean**2 * input_variance
    )
    return torch.tensor(fan_in * product, dtype=torch.float64)

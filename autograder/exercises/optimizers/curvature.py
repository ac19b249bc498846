"""What the Hessian says: its condition, and the best momentum for it."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.judging import Part
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import optimizers


def _orthogonal(rng, size):
    return np.linalg.qr(rng.normal(size=(size, size)))[0]


def symmetric(rng, eigenvalues):
    """A symmetric matrix with these eigenvalues along random axes."""
    axes = _orthogonal(rng, len(eigenvalues))
    return (axes * eigenvalues) @ axes.T


def draw_indefinite(rng):
    """A symmetric matrix whose largest eigenvalue in absolute value is negative."""
    size = int(rng.integers(3, 6))
    values = rng.uniform(0.5, 3, size)
    values[0] = -rng.uniform(4, 9)
    return {"matrix": symmetric(rng, values)}


def draw_oblique(rng):
    """A matrix that is not symmetric: its eigenvalues are not its singular values."""
    size = int(rng.integers(3, 6))
    stretched = _orthogonal(rng, size) * np.exp(rng.uniform(-1.5, 1.5, size))
    return {"matrix": stretched @ _orthogonal(rng, size)}


condition_number = lab.exercise(
    optimizers.condition_number,
    title="The condition number",
    statement="""How much harder is one direction than another? The condition number of a matrix is

$$\\kappa = \\frac{\\sigma_{max}}{\\sigma_{min}},$$

its largest over its smallest **singular value**. For a Hessian with positive eigenvalues these are
the eigenvalues. In general they are not: eigenvalues have signs, and a matrix that is not
symmetric stretches by other factors than its eigenvalues. diag(1, −2) has κ = 2.

Return κ of a square `matrix`.""",
    points=2,
    minutes=4,
    core=False,
    syllabus=("6.3",),
    inputs=(draw_indefinite, draw_oblique, draw_indefinite),
    probe=probes.call(),
    equivalent_mutants={"everything is done under torch.no_grad()": "it is read, not lowered"},
    checks=[matches_reference("the condition number"), leaves_inputs_alone()],
    forbidden=("torch.linalg.cond", "numpy.linalg.cond"),
    hints=("`torch.linalg.svdvals` gives the singular values.",),
)


@condition_number.mistake(
    "You divide the largest eigenvalue by the smallest, signs and all. For diag(1, −2) that is "
    "−0.5 where κ is 2. Take singular values.",
    origin="folklore",
)
def eigenvalues_with_sign(matrix):
    eigenvalues = torch.linalg.eigvals(matrix).real
    return eigenvalues.max() / eigenvalues.min()


@condition_number.mistake(
    "You take absolute values of eigenvalues. That is right for symmetric matrices only; how much "
    "a matrix stretches is told by its singular values."
)
def eigenvalues_without_sign(matrix):
    eigenvalues = torch.linalg.eigvals(matrix).abs()
    return eigenvalues.max() / eigenvalues.min()


@condition_number.mistake(
    "`eigvalsh` is for symmetric matrices and reads one half of any other; and eigenvalues have "
    "signs. κ is a ratio of singular values."
)
def half_with_sign(matrix):
    eigenvalues = torch.linalg.eigvalsh(matrix)
    return eigenvalues.max() / eigenvalues.min()


@condition_number.mistake(
    "`eigvalsh` is for symmetric matrices and reads one half of any other. κ is a ratio of "
    "singular values, which every matrix has."
)
def half_without_sign(matrix):
    eigenvalues = torch.linalg.eigvalsh(matrix).abs()
    return eigenvalues.max() / eigenvalues.min()


@condition_number.mistake(
    "This is the condition of AᵀA, the square of what is asked for. (For least squares with data "
    "X the Hessian is XᵀX, and its κ is that of X squared.)"
)
def squared(matrix):
    s = torch.linalg.svdvals(matrix.T @ matrix)
    return s.max() / s.min()


@condition_number.mistake(
    "You take the root of κ. (√κ is what counts for the heavy ball; κ itself has no root.)"
)
def square_root(matrix):
    s = torch.linalg.svdvals(matrix)
    return torch.sqrt(s.max() / s.min())


@condition_number.mistake("You divide the smallest by the largest. κ is at least 1.")
def upside_down(matrix):
    s = torch.linalg.svdvals(matrix)
    return s.min() / s.max()


@condition_number.mistake(
    "You look at the diagonal only. Unless the matrix is diagonal, its singular values are others."
)
def of_the_diagonal(matrix):
    diagonal = matrix.diagonal().abs()
    return diagonal.max() / diagonal.min()


@condition_number.mistake(
    "This is ‖A‖·‖A⁻¹‖ in the Frobenius norm, another condition number, which counts all singular "
    "values. Here it is the largest over the smallest."
)
def frobenius(matrix):
    return matrix.norm() * torch.linalg.inv(matrix).norm()


@condition_number.alternative
def from_the_gram_matrix(matrix):
    values = torch.linalg.eigvalsh(matrix.double().T @ matrix.double())
    return torch.sqrt(values[-1] / values[0])


@condition_number.alternative
def by_two_norms(matrix):
    longest = torch.linalg.matrix_norm(matrix, 2)
    return float(longest * torch.linalg.matrix_norm(torch.linalg.inv(matrix), 2))


def draw_curvatures(rng):
    smallest = float(np.exp(rng.uniform(-2, 1)))
    return {"smallest": smallest, "largest": smallest * float(rng.uniform(5, 200))}


heavy_ball_settings = lab.value(
    optimizers.heavy_ball_settings,
    title="Derive: the best rate and momentum",
    statement="""On a quadratic the heavy ball $b \\leftarrow \\mu b + g$, $w \\leftarrow w - \\eta b$ acts on every
eigendirection by itself: the error e obeys $e_{k+1} = (1+\\mu-\\eta\\lambda)\\,e_k - \\mu\\,e_{k-1}$. Its two
characteristic roots have the product μ. Where they are complex both have the absolute value √μ,
whatever λ is.

So one wants the **smallest** μ for which no eigenvalue between `smallest` and `largest` has
two different real roots. At the two ends the roots are then just double. Solve the two conditions
for η and μ, and return the pair (η, μ).""",
    parts=[
        Part("the rate", 2, (matches_reference("the rate", of="result.0"),)),
        Part("the momentum", 2, (matches_reference("the momentum", of="result.1"),)),
    ],
    minutes=12,
    difficulty=3,
    core=False,
    syllabus=("6.3", "6.5"),
    hide=("Formula",),
    inputs=draw_curvatures,
    probe=probes.call(),
    equivalent_mutants={
        f"{name} = {value} => {name} = -({value})": "the result has its square only"
        for name, value in (
            ("total", "math.sqrt(largest) + math.sqrt(smallest)"),
            ("difference", "math.sqrt(largest) - math.sqrt(smallest)"),
        )
    },
    hints=(
        "The roots are equal where (1 + μ − ηλ)² = 4μ, that is 1 + μ − ηλ = ± 2√μ.",
        "ηλ = (1 ∓ √μ)²: with λ = `smallest` it is (1 − √μ)², with `largest` (1 + √μ)².",
        "Add the two roots √(ηl) + √(ηL) = 2, and divide their difference by their sum.",
    ),
)


@heavy_ball_settings.mistake(
    "Your rate is the best one for plain gradient descent. With momentum it may be larger: √(ηλ) "
    "= 1 ± √μ at the two ends."
)
def rate_of_gradient_descent(smallest, largest):
    a, b = math.sqrt(smallest), math.sqrt(largest)
    return 2 / (smallest + largest), ((b - a) / (b + a)) ** 2


@heavy_ball_settings.mistake(
    "(√L − √l)/(√L + √l) is √μ, the factor by which the error shrinks. μ is its square."
)
def momentum_not_squared(smallest, largest):
    a, b = math.sqrt(smallest), math.sqrt(largest)
    return 4 / (a + b) ** 2, (b - a) / (b + a)


@heavy_ball_settings.mistake(
    "You use the eigenvalues where their roots are wanted: √(ηλ) = 1 ± √μ."
)
def roots_forgotten(smallest, largest):
    total, difference = largest + smallest, largest - smallest
    return 4 / total**2, (difference / total) ** 2


@heavy_ball_settings.mistake(
    "From √(ηL) + √(ηl) = 2 follows η = (2/(√L + √l))²: the square is missing."
)
def rate_not_squared(smallest, largest):
    a, b = math.sqrt(smallest), math.sqrt(largest)
    return 2 / (a + b), ((b - a) / (b + a)) ** 2


@heavy_ball_settings.mistake(
    "Your rate is half of what it should be: (2/(√L + √l))² = 4/(√L + √l)²."
)
def two_for_four(smallest, largest):
    a, b = math.sqrt(smallest), math.sqrt(largest)
    return 2 / (a + b) ** 2, ((b - a) / (b + a)) ** 2


@heavy_ball_settings.mistake(
    "These are settings for Nesterov's method. For the heavy ball, solve √(ηλ) = 1 ± √μ at both "
    "ends."
)
def nesterovs(smallest, largest):
    a, b = math.sqrt(smallest), math.sqrt(largest)
    return 1 / largest, (b - a) / (b + a)


@heavy_ball_settings.mistake("Both numbers are right, in the wrong order: the rate comes first.")
def momentum_first(smallest, largest):
    a, b = math.sqrt(smallest), math.sqrt(largest)
    return ((b - a) / (b + a)) ** 2, 4 / (a + b) ** 2


@heavy_ball_settings.mistake(
    "0.9 is a good guess, not the best momentum for every curvature: that depends on κ."
)
def the_customary_momentum(smallest, largest):
    return 4 / (math.sqrt(smallest) + math.sqrt(largest)) ** 2, 0.9


@heavy_ball_settings.alternative
def from_the_condition(smallest, largest):
    root = math.sqrt(largest / smallest)
    return 4 / (smallest * (root + 1) ** 2), ((root - 1) / (root + 1)) ** 2


@heavy_ball_settings.alternative
def from_the_momentum(smallest, largest):
    mu = ((largest**0.5 - smallest**0.5) ** 2 / (largest - smallest)) ** 2
    return [(1 + mu**0.5) ** 2 / largest, mu]

"""The mean that an ELU leaves: closer to zero than that of ReLU, not zero."""

import math

import torch

from autograder import probes
from autograder.exercises.activations.lab import lab
from autograder.judging.checks import matches_reference
from course_lib import activations


def _spread(rng):
    return {"std": float(rng.uniform(0.5, 2)), "alpha": float(rng.uniform(0.4, 2))}


def _rectified(rng):
    return {"std": float(rng.uniform(0.5, 2)), "alpha": 0.0}


elu_mean = lab.value(
    activations.elu_mean,
    title="How zero-centered is ELU?",
    statement=r"""The lecture notes list “zero-centered” among the virtues of ELU. Derive the mean of
$\text{ELU}_\alpha(y)$ for $y \sim \mathcal{N}(0, \sigma^2)$, with σ = `std`, and return it as a
number. α = `alpha` may be 0: then ELU is ReLU, and you have its mean too.

Two integrals: $E[\max(0, y)]$, and $E[e^{y};\, y<0]$, for which you complete the square in the
exponent. The distribution function of the standard normal is
$\Phi(t) = \tfrac12\,\text{erfc}(-t/\sqrt2)$, with `math.erfc`.

Evaluate yours at σ = α = 1, and at σ = 1, α = 0. (A numerical integral that is right to six digits
passes as well.)""",
    points=3,
    minutes=10,
    difficulty=3,
    core=False,
    syllabus=("2.3", "2.6"),
    hide=("Formula", "Convention"),
    inputs=(_spread, _rectified, _spread),
    probe=probes.call(),
    checks=[matches_reference("the mean", rtol=1e-6)],
    hints=(
        "Split the mean at y = 0. On the right: ∫ y φ(y) dy over y > 0 is σ/√(2π).",
        "On the left: α (E[e^y; y < 0] − ½). Under the integral, y − y²/(2σ²) = "
        "σ²/2 − (y − σ²)²/(2σ²).",
        "So E[e^y; y < 0] = e^(σ²/2) Φ(−σ).",
    ),
)


@elu_mean.mistake(
    "You say that the mean is 0. The left side is bounded by −α and the right side is not: the "
    "mean is positive, 0.16 for σ = α = 1. Smaller than ReLU's 0.40, but not zero.",
    origin="lecture notes",
)
def zero_centered(std, alpha):
    return 0.0


@elu_mean.mistake(
    "This is the mean of the right side, ReLU's. The left side contributes α E[e^y − 1; y < 0]."
)
def positive_side_only(std, alpha):
    return std / math.sqrt(2 * math.pi)


@elu_mean.mistake(
    "The −1 in α(e^y − 1) is missing. Its mean over y < 0, which has probability ½, is −α/2."
)
def half_forgotten(std, alpha):
    tail = 0.5 * math.erfc(std / math.sqrt(2))
    return std / math.sqrt(2 * math.pi) + alpha * math.exp(std**2 / 2) * tail


@elu_mean.mistake("You subtract α. The left side is taken with probability ½ only: α/2.")
def one_for_half(std, alpha):
    tail = 0.5 * math.erfc(std / math.sqrt(2))
    return std / math.sqrt(2 * math.pi) + alpha * (math.exp(std**2 / 2) * tail - 1)


@elu_mean.mistake(
    "The factor e^(σ²/2) is missing: it is what is left over when you complete the square."
)
def exponential_of_the_mean(std, alpha):
    tail = 0.5 * math.erfc(std / math.sqrt(2))
    return std / math.sqrt(2 * math.pi) + alpha * (tail - 0.5)


@elu_mean.mistake(
    "You take Φ(σ), the larger part. After completing the square the normal distribution has mean "
    "σ², and y < 0 lies σ below it: Φ(−σ)."
)
def other_tail(std, alpha):
    tail = 0.5 * math.erfc(-std / math.sqrt(2))
    return std / math.sqrt(2 * math.pi) + alpha * (math.exp(std**2 / 2) * tail - 0.5)


@elu_mean.mistake("You take the mean of e^y − 1 over *all* y. It counts for y < 0 only.")
def whole_exponential(std, alpha):
    return std / math.sqrt(2 * math.pi) + alpha * (math.exp(std**2 / 2) - 1)


@elu_mean.mistake("You ignore α: the whole left side is multiplied by it.")
def alpha_ignored(std, alpha):
    tail = 0.5 * math.erfc(std / math.sqrt(2))
    return std / math.sqrt(2 * math.pi) + math.exp(std**2 / 2) * tail - 0.5


@elu_mean.mistake(
    "You have e^(σ/2). Completing the square leaves the variance in the exponent: e^(σ²/2)."
)
def deviation_in_the_exponent(std, alpha):
    tail = 0.5 * math.erfc(std / math.sqrt(2))
    return std / math.sqrt(2 * math.pi) + alpha * (math.exp(std / 2) * tail - 0.5)


@elu_mean.mistake("σ√(2/π) is the mean of |y|. The right side alone has half of it, σ/√(2π).")
def mean_of_absolute(std, alpha):
    tail = 0.5 * math.erfc(std / math.sqrt(2))
    return std * math.sqrt(2 / math.pi) + alpha * (math.exp(std**2 / 2) * tail - 0.5)


@elu_mean.mistake("The mean of the right side grows with σ, not with σ².")
def variance_for_deviation(std, alpha):
    tail = 0.5 * math.erfc(std / math.sqrt(2))
    return std**2 / math.sqrt(2 * math.pi) + alpha * (math.exp(std**2 / 2) * tail - 0.5)


@elu_mean.mistake("You set σ = 1. The spread is given as `std`.")
def unit_std(std, alpha):
    tail = 0.5 * math.erfc(1 / math.sqrt(2))
    return 1 / math.sqrt(2 * math.pi) + alpha * (math.exp(0.5) * tail - 0.5)


@elu_mean.alternative
def by_normal(std, alpha):
    tail = torch.distributions.Normal(0.0, 1.0).cdf(torch.tensor(-std, dtype=torch.float64))
    return std * (2 * math.pi) ** -0.5 + alpha * (math.exp(std * std / 2) * tail - 0.5)


@elu_mean.alternative
def by_quadrature(std, alpha):
    z = torch.linspace(-10, 10, 200_001, dtype=torch.float64)
    density = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    y = std * z
    values = torch.where(y > 0, y, alpha * torch.expm1(y.clamp(max=0)))
    return torch.trapezoid(values * density, z)

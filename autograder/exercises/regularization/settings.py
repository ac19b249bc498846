"""An elastic net said in the settings of scikit-learn."""

from autograder import probes
from autograder.exercises.regularization.lab import lab
from autograder.judging.checks import matches_reference
from course_lib import regularization


def _strengths(rng):
    return {"l1": float(rng.uniform(0.1, 0.9)), "l2": float(rng.uniform(1.1, 3))}


def _ridge(rng):
    return {"l1": 0.0, "l2": float(rng.uniform(0.3, 3))}


sklearn_settings = lab.value(
    regularization.sklearn_settings,
    title="The same penalty in another library",
    statement=r"""scikit-learn's `ElasticNet` minimizes
$\frac{1}{2n}\|y - Xw\|^2 + \alpha\rho\|w\|_1 + \frac{\alpha(1-\rho)}{2}\|w\|^2$ with `alpha` = α and
`l1_ratio` = ρ. Which (α, ρ) give the penalty $\lambda_1\|w\|_1 + \frac{\lambda_2}{2}\|w\|^2$? Return the two
numbers.""",
    points=2,
    minutes=4,
    core=False,
    syllabus=("8.3",),
    hide=("Formula",),
    inputs=(_strengths, _ridge, _strengths),
    probe=probes.call(),
    checks=[matches_reference("α and ρ")],
    hints=("αρ = λ₁ and α(1 − ρ) = λ₂: add the two.",),
)


@sklearn_settings.mistake("You return them the other way round: first α, then ρ.")
def ratio_first(l1, l2):
    return l1 / (l1 + l2), l1 + l2


@sklearn_settings.mistake(
    "Your ρ is the share of the L2 part. `l1_ratio` is that of L1: λ₁/(λ₁ + λ₂)."
)
def ratio_of_l2(l1, l2):
    return l1 + l2, l2 / (l1 + l2)


@sklearn_settings.mistake("You take λ₁ for α. α is the sum: αρ + α(1 − ρ) = λ₁ + λ₂.")
def alpha_is_l1(l1, l2):
    return l1, l1 / (l1 + l2)


@sklearn_settings.mistake(
    "You left out the ½, or used it twice: it stands before w² in both penalties, so that α(1 − ρ) = λ₂."
)
def half_on_one_side(l1, l2):
    return l1 + l2 / 2, l1 / (l1 + l2 / 2)


@sklearn_settings.mistake(
    "You left out the ½, or used it twice: it stands before w² in both penalties, so that α(1 − ρ) = λ₂."
)
def half_on_the_other_side(l1, l2):
    return l1 + 2 * l2, l1 / (l1 + 2 * l2)


@sklearn_settings.mistake("Your ρ is λ₁/λ₂. It is the share of the sum: λ₁/(λ₁ + λ₂).")
def ratio_of_the_two(l1, l2):
    return l1 + l2, l1 / l2


@sklearn_settings.alternative
def by_substitution(l1, l2):
    alpha = l1 + l2
    return [alpha, 1 - l2 / alpha]

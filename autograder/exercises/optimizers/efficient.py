"""Adam's efficient form: the corrections folded into the rate and into ε."""

import math

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.judging import Part
from autograder.judging.checks import matches_reference
from course_lib import optimizers


def draw_moment(rng):
    """A step early enough for the corrections to matter."""
    return {
        "step": int(rng.integers(2, 9)),
        "lr": float(rng.uniform(0.01, 1.0)),
        "betas": [float(rng.uniform(0.7, 0.9)), float(rng.uniform(0.92, 0.99))],
        "eps": float(rng.uniform(0.01, 0.2)),
    }


def first_step_of_the_notes() -> float:
    """Of t = 1: without corrections the step is m/√v = (1 − β₁) g / (√(1 − β₂) |g|)."""
    rate, _ = optimizers.efficient_form(1, 1.0, (0.9, 0.999), 0.0)
    return 1 / rate


lab.prediction(
    "first_step_of_the_notes",
    title="Predict: Adam, as the lecture notes print it",
    statement="""The notes give Adam as `m = 0.9*m + 0.1*dx`, `v = 0.999*v + 0.001*dx**2`,
`x += -rate * m / (sqrt(v) + eps)`, with m = v = 0 at the start and no bias correction. Adam's first
step has the size η. How many times η is the **first** step of the notes' version? (ε is negligible.)
A number.""",
    minutes=3,
    difficulty=2,
    core=False,
    syllabus=("6.9",),
    outcome=first_step_of_the_notes,
    explanation="""(1 − β₁)/√(1 − β₂) = 0.1/√0.001 = 3.16. The step is too *large*, because v starts even
farther below its right size than m does. It stays too large for hundreds of steps.""",
)


efficient_form = lab.value(
    optimizers.efficient_form,
    title="Derive: Adam without correcting the averages",
    statement="""The paper mentions a cheaper way to compute the same step: leave m and v as they are,

$$\\eta\\,\\frac{\\hat m}{\\sqrt{\\hat v}+\\varepsilon} \\;=\\; \\alpha_t\\,\\frac{m}{\\sqrt{v}+\\hat\\varepsilon_t},$$

and put the corrections into a rate $\\alpha_t$ and an $\\hat\\varepsilon_t$ that change with t. Insert
$\\hat m = m/(1-\\beta_1^t)$ and $\\hat v = v/(1-\\beta_2^t)$ on the left, and read them off. Return the
pair $(\\alpha_t, \\hat\\varepsilon_t)$ for t = `step`, counted from 1.

Seven students used this form with $\\hat\\varepsilon_t = \\varepsilon$. What do you find?""",
    parts=[
        Part("the rate", 1, (matches_reference("the rate α_t", of="result.0"),)),
        Part("the ε", 2, (matches_reference("the ε̂_t", of="result.1"),)),
    ],
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("6.9",),
    hide=("Formula",),
    inputs=draw_moment,
    probe=probes.call(),
    hints=(
        "√v̂ = √v / r with r = √(1 − β₂ᵗ). Multiply numerator and denominator by r.",
        "The denominator becomes √v + r ε, the numerator η r m / (1 − β₁ᵗ).",
    ),
)


@efficient_form.mistake(
    "Your ε does not change. Taking √(1 − β₂ᵗ) out of √v̂ + ε takes it out of both terms: ε̂ = ε "
    "√(1 − β₂ᵗ).",
    origin="7 of 134 students",
)
def constant_eps(step, lr, betas, eps):
    return lr * math.sqrt(1 - betas[1] ** step) / (1 - betas[0] ** step), eps


@efficient_form.mistake(
    "You multiply ε by 1 − β₂ᵗ. What is taken out of √v̂ is the root of that: ε √(1 − β₂ᵗ).",
    origin="folklore",
)
def eps_without_the_root(step, lr, betas, eps):
    rest = 1 - betas[1] ** step
    return lr * math.sqrt(rest) / (1 - betas[0] ** step), eps * rest


@efficient_form.mistake(
    "You divide ε by √(1 − β₂ᵗ). The denominator √v/r + ε is (√v + ε r)/r: multiply."
)
def eps_divided(step, lr, betas, eps):
    root = math.sqrt(1 - betas[1] ** step)
    return lr * root / (1 - betas[0] ** step), eps / root


@efficient_form.mistake(
    "Your rate is upside down: m̂ divides by 1 − β₁ᵗ, so α_t does too, and the root of 1 − β₂ᵗ "
    "goes up."
)
def rate_upside_down(step, lr, betas, eps):
    root = math.sqrt(1 - betas[1] ** step)
    return lr * (1 - betas[0] ** step) / root, eps * root


@efficient_form.mistake("In your rate 1 − β₂ᵗ has no root. It comes out of √v̂: √(1 − β₂ᵗ).")
def rate_without_the_root(step, lr, betas, eps):
    rest = 1 - betas[1] ** step
    return lr * rest / (1 - betas[0] ** step), eps * math.sqrt(rest)


@efficient_form.mistake("1 − β₂ᵗ comes out of √v̂, as a root: √(1 − β₂ᵗ), in the rate and at the ε.")
def no_roots(step, lr, betas, eps):
    rest = 1 - betas[1] ** step
    return lr * rest / (1 - betas[0] ** step), eps * rest


@efficient_form.mistake(
    "Your rate corrects m only. √v̂ = √v / r brings the factor r = √(1 − β₂ᵗ) up into the rate."
)
def rate_of_the_first_alone(step, lr, betas, eps):
    return lr / (1 - betas[0] ** step), eps * math.sqrt(1 - betas[1] ** step)


@efficient_form.mistake("β₁ and β₂ are exchanged: β₁ belongs to m, β₂ to v.")
def betas_exchanged(step, lr, betas, eps):
    root = math.sqrt(1 - betas[0] ** step)
    return lr * root / (1 - betas[1] ** step), eps * root


@efficient_form.mistake("You leave out the power t: this is right for the first step only.")
def first_step_only(step, lr, betas, eps):
    root = math.sqrt(1 - betas[1])
    return lr * root / (1 - betas[0]), eps * root


@efficient_form.mistake("`step` counts from 1 already; you add one to it.")
def counts_from_zero(step, lr, betas, eps):
    root = math.sqrt(1 - betas[1] ** (step + 1))
    return lr * root / (1 - betas[0] ** (step + 1)), eps * root


@efficient_form.alternative
def with_powers_of_one_half(step, lr, betas, eps):
    beta1, beta2 = betas
    rest = (1 - beta2**step) ** 0.5
    return [lr / (1 - beta1**step) * rest, rest * eps]


@efficient_form.alternative
def by_logarithms(step, lr, betas, eps):
    first = -math.expm1(step * math.log(betas[0]))
    second = -math.expm1(step * math.log(betas[1]))
    return lr / first * math.exp(0.5 * math.log(second)), eps * second**0.5

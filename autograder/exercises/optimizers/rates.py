"""Which rates a quadratic allows, and which of them is best."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.judging import Part
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import optimizers
from course_lib.optimizers import GradientDescent


_NEVER_DIFFERENTIATED = "what was derived here is read, and nobody differentiates it"


RATES = (0.0004, 0.004, 0.039, 0.041)
SMALLER_RATE = (
    "0.0004, a hundredth of the limit",
    "0.004, a tenth of the limit",
    "0.039, just below the limit",
    "0.041, just above the limit",
)


def best_of_the_rates() -> str:
    """Fifty steps with each rate on curvatures of 1 and 50."""
    losses = []
    for rate in RATES:
        w = torch.tensor([1.0, 1.0], dtype=torch.float64)
        optimizer = GradientDescent([w], lr=rate)
        for _ in range(50):
            w.grad = w * torch.tensor([1.0, 50.0])
            optimizer.step()
        losses.append(float((w**2 * torch.tensor([1.0, 50.0])).sum()) / 2)
    return SMALLER_RATE[losses.index(min(losses))]


lab.prediction(
    "smaller_rate",
    title="Predict: is a small rate the safe choice?",
    statement="""*"In theory a low learning rate is best; it only takes longer."* (lecture notes)

A quadratic has the curvatures 1 and 50, so that rates up to 2/50 = 0.04 are stable. Gradient
descent starts at (1, 1) and may take **50 steps**. Which rate ends with the lowest loss?""",
    minutes=2,
    syllabus=("6.1",),
    choices=SMALLER_RATE,
    outcome=best_of_the_rates,
    explanation="""0.039 leaves 0.961⁵⁰ = 14 % of the flat direction's error and 0.95⁵⁰ = 8 % of the
steep one's. 0.0004 leaves 98 % of the flat one. At any fixed budget the loss is U-shaped in the
rate, and the best rate stands close to where it breaks.""",
)


def _spectrum(rng):
    """In any order, but the smallest and the largest neither first nor last."""
    smallest, *others, largest = sorted(np.exp(rng.uniform(-3, 3, int(rng.integers(4, 9)))))
    first, last, *between = rng.permutation(others)
    return {"eigenvalues": np.array([first, *rng.permutation([smallest, *between, largest]), last])}


critical_learning_rates = lab.value(
    optimizers.critical_learning_rates,
    title="Derive: which rates are stable, and which is best?",
    statement="""On a quadratic with Hessian H, one step of gradient descent multiplies the error
along every eigenvector of H by $1 - \\eta\\lambda$. Derive from this, for positive eigenvalues
`eigenvalues` in any order,

1. the **stability limit**: below which η do all these factors have absolute value less than 1?
2. the **best fixed rate**: which η makes the largest absolute value of all factors smallest?

Return the pair (limit, best).""",
    parts=[
        Part("the stability limit", 2, (matches_reference("the stability limit", of="result.0"),)),
        Part(
            "the best rate",
            2,
            (matches_reference("the best rate", of="result.1"), leaves_inputs_alone()),
        ),
    ],
    minutes=8,
    difficulty=2,
    syllabus=("6.1",),
    hide=("Formula",),
    inputs=_spectrum,
    probe=probes.call(),
    equivalent_mutants={
        "everything is done under torch.no_grad()": _NEVER_DIFFERENTIATED,
        "right only for positive eigenvalues": "the statement gives positive ones",
    },
    hints=(
        "|1 − ηλ| < 1 for all λ. For which λ is it hardest?",
        "At the best η the steepest direction overshoots as much as the flattest lags behind.",
        "ηλ_max − 1 = 1 − ηλ_min.",
    ),
)


@critical_learning_rates.mistake(
    "Your limit is 1/λ_max. There the factor 1 − ηλ is 0, the error is gone in one step; it may "
    "go on to −1, which is η = 2/λ_max.",
    origin="folklore",
)
def one_over_the_largest(eigenvalues):
    largest, smallest = eigenvalues.max(), eigenvalues.min()
    return 1 / largest, 2 / (largest + smallest)


@critical_learning_rates.mistake(
    "Both rates are half of what they should be: a factor between −1 and 0 still shrinks the "
    "error. Solve 1 − ηλ > −1."
)
def one_over_both(eigenvalues):
    largest, smallest = eigenvalues.max(), eigenvalues.min()
    return 1 / largest, 1 / (largest + smallest)


@critical_learning_rates.mistake(
    "Your best rate 1/λ_max kills the steepest direction in one step, and leaves the flattest "
    "with 1 − λ_min/λ_max. Balance both: ηλ_max − 1 = 1 − ηλ_min."
)
def newton_rate_is_best(eigenvalues):
    largest = eigenvalues.max()
    return 2 / largest, 1 / largest


@critical_learning_rates.mistake(
    "Your limit comes from the smallest eigenvalue. The steepest direction diverges first: take "
    "the largest."
)
def from_the_smallest(eigenvalues):
    largest, smallest = eigenvalues.max(), eigenvalues.min()
    return 2 / smallest, 2 / (largest + smallest)


@critical_learning_rates.mistake(
    "Your best rate is one over the mean eigenvalue. Only the two extreme ones count: 2/(λ_max + "
    "λ_min)."
)
def from_the_mean(eigenvalues):
    return 2 / eigenvalues.max(), 1 / eigenvalues.mean()


@critical_learning_rates.mistake(
    "Your best rate is one over the geometric mean of the extreme eigenvalues. The two factors "
    "have equal size where η is 2/(λ_max + λ_min)."
)
def geometric_mean(eigenvalues):
    largest, smallest = eigenvalues.max(), eigenvalues.min()
    return 2 / largest, 1 / (largest * smallest) ** 0.5


@critical_learning_rates.mistake(
    "You take the first and the last eigenvalue. They come in any order: use min and max."
)
def first_and_last(eigenvalues):
    return 2 / eigenvalues[-1], 2 / (eigenvalues[-1] + eigenvalues[0])


@critical_learning_rates.mistake(
    "You take the first eigenvalue for the largest. They come in any order: use min and max."
)
def last_and_first(eigenvalues):
    return 2 / eigenvalues[0], 2 / (eigenvalues[0] + eigenvalues[-1])


@critical_learning_rates.mistake(
    "Both numbers are right, in the wrong order: the stability limit comes first."
)
def best_first(eigenvalues):
    largest, smallest = eigenvalues.max(), eigenvalues.min()
    return 2 / (largest + smallest), 2 / largest


@critical_learning_rates.alternative
def sorted_in_a_list(eigenvalues):
    ordered = torch.sort(eigenvalues).values
    return [2 / ordered[-1], 1 / (0.5 * (ordered[0] + ordered[-1]))]


@critical_learning_rates.alternative
def python_floats(eigenvalues):
    values = eigenvalues.tolist()
    return 2 / max(values), 2 / (max(values) + min(values))

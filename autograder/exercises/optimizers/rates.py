"""Which rates a quadratic allows, and how noisy the gradient of a mini-batch is."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.judging import Part
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import optimizers


_NEVER_DIFFERENTIATED = "what was derived here is read, and nobody differentiates it"


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


def _noise(rng):
    examples = int(rng.integers(12, 40))
    return {
        "variance": rng.uniform(0.5, 4, int(rng.integers(3, 6))),
        "batch_size": int(rng.integers(3, examples - 3)),
        "examples": examples,
    }


minibatch_variance = lab.value(
    optimizers.minibatch_variance,
    title="Derive: the noise of a mini-batch",
    statement="""The gradients of single examples scatter around the full gradient with variance S²
(for each entry; S² divides by N − 1). A mini-batch of B of the N examples is drawn **without
replacement**, as an epoch does it. What is the variance of its mean gradient?

Two cases you know: B = 1 gives $S^2\\,(1 - 1/N)$, the variance that divides by N. And B = N?""",
    points=3,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("6.2",),
    hide=("Formula", "Convention"),
    inputs=_noise,
    probe=probes.call(),
    equivalent_mutants={"everything is done under torch.no_grad()": _NEVER_DIFFERENTIATED},
    checks=[matches_reference("the variance"), leaves_inputs_alone()],
    hints=(
        "With replacement it would be S²/B.",
        "At B = N the batch is the whole set. The factor that is missing is 0 there.",
        "The factor is linear in B: 1 − B/N.",
    ),
)


@minibatch_variance.mistake(
    "S²/B is the variance when examples are drawn with replacement. Without, a batch of all N has "
    "no noise at all: multiply by 1 − B/N."
)
def with_replacement(variance, batch_size, examples):
    return variance / batch_size


@minibatch_variance.mistake(
    "You divide by B². The variance of a mean of B falls like 1/B, its standard deviation like "
    "1/√B.",
    origin="folklore",
)
def falls_with_the_square(variance, batch_size, examples):
    return variance / batch_size**2 * (1 - batch_size / examples)


@minibatch_variance.mistake(
    "Two things: the variance of a mean falls like 1/B, not 1/B²; and without replacement the "
    "factor 1 − B/N belongs to it."
)
def with_replacement_and_square(variance, batch_size, examples):
    return variance / batch_size**2


@minibatch_variance.mistake(
    "This is the standard deviation. Asked for is the variance, its square."
)
def standard_deviation(variance, batch_size, examples):
    return (variance / batch_size * (1 - batch_size / examples)) ** 0.5


@minibatch_variance.mistake(
    "(N − B)/(N − 1) belongs to the variance that divides by N, another convention. For S², which "
    "divides by N − 1, the factor is 1 − B/N."
)
def for_the_biased_variance(variance, batch_size, examples):
    return variance / batch_size * (examples - batch_size) / (examples - 1)


@minibatch_variance.mistake(
    "You correct by √(1 − B/N). That is the factor of the standard deviation; the variance takes "
    "1 − B/N."
)
def corrects_the_deviation(variance, batch_size, examples):
    return variance / batch_size * (1 - batch_size / examples) ** 0.5


@minibatch_variance.mistake(
    "A mean of B examples scatters less than one example: divide by B as well."
)
def only_what_is_left(variance, batch_size, examples):
    return variance * (1 - batch_size / examples)


@minibatch_variance.mistake(
    "1 − 1/N is the factor for B = 1. For a batch of B it has to become 0 at B = N: 1 − B/N."
)
def factor_of_one(variance, batch_size, examples):
    return variance / batch_size * (1 - 1 / examples)


@minibatch_variance.mistake(
    "You divide by N, whatever the batch. The mean is over the B examples of the batch."
)
def divides_by_all(variance, batch_size, examples):
    return variance / examples


@minibatch_variance.alternative
def as_a_difference(variance, batch_size, examples):
    return variance / batch_size - variance / examples


@minibatch_variance.alternative
def as_a_fraction(variance, batch_size, examples):
    return variance * (examples - batch_size) / (batch_size * examples)

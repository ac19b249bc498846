"""How noisy the gradient of a mini-batch is."""

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import optimizers

_NEVER_DIFFERENTIATED = "what was derived here is read, and nobody differentiates it"


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

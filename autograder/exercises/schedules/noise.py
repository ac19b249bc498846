"""What a constant rate cannot do: the floor that noise sets."""

from autograder import probes
from autograder.exercises.schedules.lab import lab
from autograder.judging.checks import matches_reference
from course_lib import schedules

# Measured on MNIST-1D (4000 signals, batches of 32) with the small convolutional network of the
# notebook, SGD with momentum 0.9, 1000 steps, three runs side by side; the loss on all training signals after
# the last step, and the mean test accuracy:
#     constant 0.01     1.18  1.17  1.14  (50 %)
#     constant 0.03     0.61  0.49  0.62  (77 %)
#     constant 0.1      1.38  1.43  1.15  (54 %)
#     cosine from 0.1   0.44  0.41  0.36  (79 %)
THREE_RATES = (
    "0.01 ends clearly lowest",
    "0.03 ends clearly lowest",
    "0.1 ends clearly lowest",
    "all three end at about the same loss",
)


def outcome_of_three_rates() -> str:
    """Measured: mean losses 1.16, 0.57 and 1.32."""
    return THREE_RATES[1]


lab.prediction(
    "three_constant_rates",
    title="Predict: “a constant rate needs no tuning”",
    statement=(
        "The same small network learns MNIST-1D for 1000 steps (SGD, momentum 0.9) with the "
        "**constant** rates 0.01, 0.03 and 0.1. What will the training losses be at the end?"
    ),
    minutes=2,
    syllabus=("7.1",),
    choices=THREE_RATES,
    outcome=outcome_of_three_rates,
    explanation=(
        "A constant schedule has one number, and it matters more than any other: three times less "
        "or more about doubles the loss. 0.01 is still on its way, 0.1 rattles about."
    ),
)


def _noisy_parabola(rng):
    curvature = float(rng.uniform(0.3, 4))
    return {
        "base_lr": float(rng.uniform(0.3, 1.6)) / curvature,
        "curvature": curvature,
        "noise_variance": float(rng.uniform(1.5, 5)),
    }


noise_floor = lab.value(
    schedules.noise_floor,
    title="Where a constant rate stops",
    statement=(
        "Why change the rate at all? Take the simplest loss, $L(x) = \\tfrac{h}{2}x^2$ with "
        "`curvature` $h$, and gradients with noise, as a batch gives them: every step is\n\n"
        "$$x \\leftarrow x - \\alpha\\,(h x + \\xi),$$\n\n"
        "where ξ has mean 0 and variance `noise_variance`, drawn afresh at every step. After many "
        "steps at the constant rate α = `base_lr` (0 < αh < 2) the *expected* loss $E[L]$ no longer "
        "changes. Derive it.\n\n"
        "It is not zero, and how it depends on α is the reason for everything that follows."
    ),
    points=3,
    minutes=10,
    difficulty=2,
    syllabus=("7.1",),
    hide=("Formula", "Source"),
    inputs=_noisy_parabola,
    probe=probes.call(),
    checks=[matches_reference("the expected loss", rtol=1e-5)],
    hints=(
        "Write the new x as (1 − αh) x − α ξ. What is E[x²] after the step?",
        "ξ has mean 0 and does not depend on x: the mixed term is 0. Set the new E[x²] equal to "
        "the old one.",
        "1 − (1 − αh)² = αh (2 − αh).",
    ),
)


@noise_floor.mistake("This is E[x²]. The loss is h x²/2: multiply by h/2.")
def second_moment(base_lr, curvature, noise_variance):
    return base_lr * noise_variance / (curvature * (2 - base_lr * curvature))


@noise_floor.mistake("You have forgotten the ½ of the loss: E[L] = ½ h E[x²].")
def without_the_half(base_lr, curvature, noise_variance):
    return base_lr * noise_variance / (2 - base_lr * curvature)


@noise_floor.mistake(
    "In one step x shrinks by 1 − αh, so x² shrinks by its *square*. You solve with 1 − αh."
)
def contraction_not_squared(base_lr, curvature, noise_variance):
    return base_lr * noise_variance / 2


@noise_floor.mistake(
    "α s²/4 is right for very small rates only, where αh can be left out beside 2. Keep it."
)
def for_tiny_rates(base_lr, curvature, noise_variance):
    return base_lr * noise_variance / 4


@noise_floor.mistake("The noise reaches x as α ξ, so its variance enters with α², not with α.")
def rate_not_squared(base_lr, curvature, noise_variance):
    return noise_variance / (2 * (2 - base_lr * curvature))


@noise_floor.mistake(
    "Your noise is not multiplied by the rate. It is part of the gradient, so x moves by −α ξ: "
    "its variance enters as α² s²."
)
def noise_not_scaled(base_lr, curvature, noise_variance):
    return noise_variance / (2 * base_lr * (2 - base_lr * curvature))


@noise_floor.mistake(
    "You use the standard deviation of the noise. Variances add: s² itself belongs there."
)
def noise_not_squared(base_lr, curvature, noise_variance):
    return base_lr * noise_variance**0.5 / (2 * (2 - base_lr * curvature))


@noise_floor.mistake("`noise_variance` is a square already; you square it once more.")
def variance_squared(base_lr, curvature, noise_variance):
    return base_lr * noise_variance**2 / (2 * (2 - base_lr * curvature))


@noise_floor.mistake("An h too many: the h of the loss cancels that of the denominator of E[x²].")
def curvature_left_over(base_lr, curvature, noise_variance):
    return curvature * base_lr * noise_variance / (2 * (2 - base_lr * curvature))


@noise_floor.alternative
def by_iterating(base_lr, curvature, noise_variance):
    moment = 0.0
    for _ in range(3000):
        moment = (1 - base_lr * curvature) ** 2 * moment + base_lr**2 * noise_variance
    return curvature * moment / 2


@noise_floor.alternative
def by_the_fixed_point(base_lr, curvature, noise_variance):
    shrink = (1 - base_lr * curvature) ** 2
    return 0.5 * curvature * base_lr**2 * noise_variance / (1 - shrink)

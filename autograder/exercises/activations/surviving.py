"""What is said to keep units alive: weight decay, and a slightly positive bias."""

import functools
import itertools
import math

import torch
import torch.nn.functional as F

from autograder import probes
from autograder.exercises.activations.lab import lab
from autograder.exercises.experiments import seeded
from autograder.judging.checks import matches_reference
from course_lib import activations, data

REVIVED = (
    "yes: smaller weights bring the pre-activation back above 0",
    "no: the weights shrink, and the pre-activation stays ≤ 0",
)


@seeded
def _decay_on_a_dead_unit():
    # A dead unit with a negative bias: only weight decay moves it.
    weight, bias = torch.randn(20), torch.tensor(-1.0)
    x = torch.randn(200, 20)
    x = x[x @ weight + bias <= 0]
    active = False
    for _ in range(1000):
        weight, bias = 0.99 * weight, 0.99 * bias
        active |= bool((x @ weight + bias > 0).any())
    return REVIVED[0] if active else REVIVED[1]


lab.prediction(
    "decay_revives",
    title="Predict: does weight decay revive a dead unit?",
    statement=(
        "A unit with a negative bias is dead: w·x + b ≤ 0 for every example, so its gradient is "
        "exactly 0. Weight decay does not care and multiplies w and b by 0.99 at every step. Will "
        "the unit come back to life?"
    ),
    minutes=1,
    core=False,
    syllabus=("2.11",),
    choices=REVIVED,
    outcome=_decay_on_a_dead_unit,
    explanation="Decay multiplies w·x + b by a positive number: its sign stays. (If only w decays "
    "and b ≤ 0, the sum moves toward b, which is no help either.)",
)

FEWER = (
    "hardly any unit dies",
    "clearly fewer die than with zero biases",
    "about as many die as with zero biases",
)


def _die(signals, bias, seed, learning_rate=1.0, steps=100):
    """The share of dead units in the second hidden layer after training a small network."""
    generator = torch.Generator().manual_seed(seed)
    widths = (40, 100, 100, 100, 10)
    weights = [
        (torch.randn(b, a, generator=generator) * math.sqrt(2 / a)).requires_grad_()
        for a, b in itertools.pairwise(widths)
    ]
    biases = [torch.full((b,), bias if b == 100 else 0.0, requires_grad=True) for b in widths[1:]]

    def pre_activations(x):
        found = []
        for weight, shift in zip(weights, biases, strict=True):
            found.append(x @ weight.T + shift)
            x = found[-1].clamp(min=0)
        return found

    for _ in range(steps):
        batch = torch.randint(len(signals.x_train), (64,), generator=generator)
        scores = pre_activations(signals.x_train[batch])[-1]
        loss = F.cross_entropy(scores, signals.y_train[batch])
        gradients = torch.autograd.grad(loss, weights + biases)
        with torch.no_grad():
            for parameter, gradient in zip(weights + biases, gradients, strict=True):
                parameter -= learning_rate * gradient
    with torch.no_grad():
        return float(activations.dead_fraction([pre_activations(signals.x_train)[1]]))


@functools.cache
def _with_a_small_bias():
    signals = data.mnist1d(2000, 1)
    without, slightly = (
        sum(_die(signals, bias, seed) for seed in range(5)) / 5 for bias in (0.0, 0.01)
    )
    if slightly < 0.02:
        return FEWER[0]
    return FEWER[1] if slightly < 0.6 * without else FEWER[2]


lab.prediction(
    "slightly_positive_bias",
    title="Predict: slightly positive biases",
    statement=(
        "Three hidden ReLU layers of 100 units learn MNIST-1D for 100 steps of SGD at a learning rate "
        "of 1, which is too large for them. Once all biases start at 0, once at 0.01, slightly "
        "positive, as the notes advise against dying units. With 0.01 …"
    ),
    minutes=1,
    core=False,
    syllabus=("2.11",),
    choices=FEWER,
    outcome=_with_a_small_bias,
    explanation="The units die by large steps during training, and one step moves a bias by far more "
    "than 0.01. At the start, 0.01 turns 50 % active examples into 50.4 %.",
)


def _pulled(rng):
    return {"bias": float(-rng.uniform(0.5, 2)), "std": float(rng.uniform(0.5, 2))}


def _pushed(rng):
    return {"bias": float(rng.uniform(0.5, 2)), "std": float(rng.uniform(1.5, 3))}


active_probability = lab.value(
    activations.active_probability,
    title="What is a small positive bias worth?",
    statement=r"""To keep ReLU units alive, the notes start their biases slightly positive, at 0.01. How
much does it help? Let the pre-activation of a unit be $z = b + s$ with $s \sim \mathcal{N}(0,
\sigma^2)$ over the examples. Return the probability that the unit is active, P(z > 0), for b =
`bias` and σ = `std`.

Then evaluate it at b = 0.01 and σ = 1, and compare with b = 0. (The distribution function of the
standard normal is $\Phi(t) = \tfrac12\,\big(1 + \text{erf}(t/\sqrt2)\big)$, with `math.erf`.)""",
    points=2,
    difficulty=2,
    core=False,
    syllabus=("2.11",),
    hide=("Formula",),
    inputs=(_pulled, _pushed, _pulled),
    probe=probes.call(),
    # Near enough for an answer that computes in torch's float32.
    checks=[matches_reference("the probability", rtol=1e-5)],
    hints=("z > 0 means s > −b. Measure b in units of σ.",),
)


@active_probability.mistake(
    "You say that a positive bias makes a unit active. It only shifts the odds: Φ(b/σ), which for "
    "b = 0.01 and σ = 1 is 0.504.",
    origin="lecture notes",
)
def guaranteed(bias, std):
    return 1.0 if bias > 0 else 0.0


@active_probability.mistake("½ holds without a bias. With one it is Φ(b/σ).")
def always_half(bias, std):
    return 0.5


@active_probability.mistake("This is P(z ≤ 0). A positive bias must make activity *more* likely.")
def other_side(bias, std):
    return 0.5 * math.erfc(bias / (std * math.sqrt(2)))


@active_probability.mistake("You compare b with 1. It counts relative to the spread: b/σ.")
def std_forgotten(bias, std):
    return 0.5 * math.erfc(-bias / math.sqrt(2))


@active_probability.mistake("You divide by σ². It is b/σ.")
def variance_for_std(bias, std):
    return 0.5 * math.erfc(-bias / (std**2 * math.sqrt(2)))


@active_probability.mistake("You multiply b by σ. A larger spread makes b matter less.")
def multiplied(bias, std):
    return 0.5 * math.erfc(-bias * std / math.sqrt(2))


@active_probability.mistake("The √2 is missing: Φ(t) = ½ (1 + erf(t/√2)).")
def root_forgotten(bias, std):
    return 0.5 * (1 + math.erf(bias / std))


@active_probability.mistake("erf goes from −1 to 1. The probability is ½ (1 + erf(…)).")
def erf_itself(bias, std):
    return math.erf(bias / (std * math.sqrt(2)))


@active_probability.mistake(
    "You use the sigmoid. It looks like Φ, but asked for is the normal distribution."
)
def sigmoid_for_phi(bias, std):
    return 1 / (1 + math.exp(-bias / std))


@active_probability.alternative
def by_erfc(bias, std):
    return math.erfc(-bias / std / math.sqrt(2)) / 2


@active_probability.alternative
def by_distribution(bias, std):
    normal = torch.distributions.Normal(torch.tensor(float(bias)).double(), std)
    return 1 - normal.cdf(torch.zeros((), dtype=torch.float64))

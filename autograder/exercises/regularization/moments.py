"""How one predicts with DropConnect: the mean of a ReLU under matched moments."""

import math

import torch

from autograder import probes
from autograder.exercises.regularization.drawing import computed_or_drawn
from autograder.exercises.regularization.lab import lab
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import regularization


def _moments(low, high):
    def draw(rng):
        units, features = int(rng.integers(3, 5)), int(rng.integers(7, 10))
        x = rng.normal(size=(6, features))
        x[2] = 0.0
        bias = rng.choice([-1.0, 1.0], size=units) * rng.uniform(0.2, 0.6, size=units)
        bias[:3] = 0.4, -0.3, 0.0
        return {
            "x": x,
            "weight": rng.normal(size=(units, features)) / 2,
            "bias": bias,
            "p": float(rng.uniform(low, high)),
        }

    return draw


drop_connect_inference = lab.exercise(
    regularization.drop_connect_inference,
    title="The mean of a ReLU over all masks",
    statement=r"""After a ReLU the average over the masks is not the ReLU of the average. But u is a sum of many
independent terms, so take it to be normal with the right two moments,

$$\mu = (1-p)\,W x + b, \qquad \sigma^2 = \mathrm{Var}[u] = \;?$$

(each term $M w x$ has the variance of a coin times $(w x)^2$). The mean of a ReLU over it has a closed form, with
φ and Φ the density and the distribution function of a standard normal number:

$$\mathbb{E}[\mathrm{relu}(u)] = \mu\,\Phi(\mu/\sigma) + \sigma\,\varphi(\mu/\sigma).$$

Return it, (N, K). For an example of zeros σ is 0: then it is relu(μ), not NaN.""",
    points=4,
    minutes=9,
    difficulty=3,
    core=False,
    syllabus=("8.10", "8.7"),
    hide=("Formula",),
    inputs=(_moments(0.15, 0.3), _moments(0.65, 0.8), _moments(0.15, 0.3)),
    probe=probes.call(),
    signature=computed_or_drawn,
    checks=[
        matches_reference("the mean after the ReLU"),
        leaves_inputs_alone(),
        keeps_dtype(),
    ],
    equivalent_mutants={
        "everything is done under torch.no_grad()": "one predicts with it, and does not train through it",
        "z = mean / std.clamp(min=torch.finfo(x.dtype).tiny) => "
        "z = mean / std.clamp_(min=torch.finfo(x.dtype).tiny)": "the smallest number there is, times φ, is 0",
    },
    hints=(
        "σ² = p (1 − p) (W∘W)(x∘x), as a product of two squared tables.",
        "`torch.special.ndtr(z)` is Φ(z); φ(z) = exp(−z²/2)/√(2π).",
        "`std.clamp(min=tiny)` below the fraction keeps 0/0 away.",
    ),
)


@drop_connect_inference.mistake(
    "This is relu(E[u]). The noise pushes some of what is below 0 above it: where μ = 0 the "
    "answer is σ φ(0) > 0."
)
def relu_of_the_mean(x, weight, bias, p):
    return torch.relu((1 - p) * x @ weight.T + bias)


@drop_connect_inference.mistake("This is E[u], without the ReLU.")
def the_mean_itself(x, weight, bias, p):
    return (1 - p) * x @ weight.T + bias


@drop_connect_inference.mistake("This is the layer with all its weights.")
def no_dropping(x, weight, bias, p):
    return torch.relu(x @ weight.T + bias)


@drop_connect_inference.mistake("You put the variance where σ belongs: take the root.")
def variance_for_std(x, weight, bias, p):
    mean = (1 - p) * x @ weight.T + bias
    std = (p * (1 - p) * x**2 @ (weight.T**2)).clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake(
    "A coin that is 0 with probability p has the variance p (1 − p), not p (nor 1 − p)."
)
def variance_p(x, weight, bias, p):
    mean = (1 - p) * x @ weight.T + bias
    std = (p * x**2 @ (weight.T**2)).sqrt().clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake(
    "A coin that is 0 with probability p has the variance p (1 − p), not p (nor 1 − p)."
)
def variance_keep(x, weight, bias, p):
    mean = (1 - p) * x @ weight.T + bias
    std = ((1 - p) * x**2 @ (weight.T**2)).sqrt().clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake(
    "Your variance is p (1 − p) (W x)². Variances of independent terms add up: square each term "
    "first, (W∘W)(x∘x)."
)
def square_of_the_sum(x, weight, bias, p):
    mean = (1 - p) * x @ weight.T + bias
    std = (p * (1 - p) * (x @ weight.T) ** 2).sqrt().clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake("Your mean is p W x. Weights are kept with probability 1 − p.")
def p_is_keep(x, weight, bias, p):
    mean = p * x @ weight.T + bias
    std = (p * (1 - p) * x**2 @ (weight.T**2)).sqrt().clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake("The bias is not dropped: it stands in the mean as it is.")
def bias_scaled(x, weight, bias, p):
    mean = (1 - p) * (x @ weight.T + bias)
    std = (p * (1 - p) * x**2 @ (weight.T**2)).sqrt().clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake(
    "Your mean is W x + b. Weights are there with probability 1 − p only."
)
def mean_not_scaled(x, weight, bias, p):
    mean = x @ weight.T + bias
    std = (p * (1 - p) * x**2 @ (weight.T**2)).sqrt().clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake("The second term is σ φ(μ/σ); the σ is missing.")
def density_without_std(x, weight, bias, p):
    mean = (1 - p) * x @ weight.T + bias
    std = (p * (1 - p) * x**2 @ (weight.T**2)).sqrt().clamp(min=1e-30)
    z = mean / std
    return mean * torch.special.ndtr(z) + torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake(
    "For an example of zeros σ is 0, and μ/σ is not a number (or infinite, times 0). Then the "
    "answer is relu(μ)."
)
def nan_without_variance(x, weight, bias, p):
    mean = (1 - p) * x @ weight.T + bias
    std = (p * (1 - p) * x**2 @ (weight.T**2)).sqrt()
    z = mean / std
    return mean * torch.special.ndtr(z) + std * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@drop_connect_inference.mistake(
    "You draw from the normal distribution, as the paper does: an estimate, another one at every "
    "call. For a ReLU the mean has the closed form above."
)
def by_drawing(x, weight, bias, p):
    mean = (1 - p) * x @ weight.T + bias
    std = (p * (1 - p) * x**2 @ (weight.T**2)).sqrt().clamp(min=1e-30)
    return torch.relu(mean + std * torch.randn(2000, *mean.shape, dtype=x.dtype)).mean(0)


@drop_connect_inference.alternative
def by_erf(x, weight, bias, p):
    mean = bias + (1 - p) * torch.einsum("nd,kd->nk", x, weight)
    variance = p * (1 - p) * torch.einsum("nd,kd->nk", x * x, weight * weight)
    std = variance.sqrt()
    z = torch.where(std > 0, mean / torch.where(std > 0, std, 1), 0)
    below = 0.5 * (1 + torch.erf(z / math.sqrt(2)))
    noisy = mean * below + std * torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return torch.where(std > 0, noisy, torch.relu(mean))

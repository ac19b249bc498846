"""The average over all masks, exactly: the integral over the noise, for few units."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.regularization.drawing import computed_or_drawn
from autograder.exercises.regularization.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import regularization


def _probability(rng, often):
    return float(rng.uniform(0.6, 0.75) if often else rng.uniform(0.15, 0.35))


def _hidden_layer(units, often):
    """A function of one vector or of many, for a number of units drawn out of a few."""

    def draw(rng):
        n, hidden, outputs = (
            int(rng.choice(units)),
            int(rng.integers(7, 9)),
            int(rng.integers(3, 5)),
        )
        layer = {
            "make": "function",
            "kind": "hidden layer",
            "first": rng.normal(size=(hidden, n)),
            "bias": rng.normal(size=hidden) - 0.3,
            "last": rng.normal(size=(outputs, hidden)),
        }
        return {"function": layer, "x": rng.normal(size=n) + 0.7, "p": _probability(rng, often)}

    return draw


def _one_number(rng):
    """A function of one vector alone, which gives a tensor without axes."""
    n = int(rng.integers(4, 6))
    cubic = {"make": "function", "kind": "cubic", "coefficients": rng.normal(size=n)}
    return {"function": cubic, "x": rng.normal(size=n) + 0.7, "p": _probability(rng, False)}


def _to_four_digits(observation):
    """What was computed: the powers of a tensor of whole numbers are in float32, whatever x is."""
    result = observation["result"]
    returned = result.get("returned") if isinstance(result, dict) else None
    if isinstance(returned, np.ndarray) and returned.dtype.kind == "f":
        result = {**result, "returned": returned.astype(np.float32)}
    return computed_or_drawn({**observation, "result": result})


average_over_masks = lab.exercise(
    regularization.average_over_masks,
    title="All masks at once",
    statement=r"""With noise z in the network, what one wants to predict is the average
$y = \int p(z)\, f(x, z)\, dz$. For dropout on n units the noise is a mask, and the integral is a
sum with $2^n$ terms:

$$\mathbb{E}[f] = \sum_m P(m)\; f\!\left(\frac{x\,m}{1-p}\right), \qquad
P(m) = (1-p)^{\text{kept}}\, p^{\text{dropped}}.$$

Compute it exactly: x has shape (n,) with small n (1 is allowed), `function` takes *one* such vector and gives a
tensor of any shape. No random numbers here.""",
    points=4,
    minutes=9,
    difficulty=2,
    syllabus=("8.7", "8.9"),
    inputs=(
        _hidden_layer((5, 6), often=False),
        _one_number,
        _hidden_layer((1,), often=False),
        _hidden_layer((5, 6), often=True),
        _hidden_layer((5, 6), often=False),
    ),
    probe=probes.supplied(),
    signature=_to_four_digits,
    equivalent_mutants={
        "everything is done under torch.no_grad()": "the average is looked at, not trained through",
    },
    checks=[
        matches_reference("the average", of="result.returned", float32_constants=True),
        leaves_inputs_alone(),
    ],
    hints=(
        "The binary digits of 0, 1, …, 2ⁿ − 1 are all the masks; so is "
        "`torch.cartesian_prod(*[torch.tensor([0, 1])] * n).reshape(-1, n)`.",
        "In a loop over the masks: add probability × `function(x * mask / (1 - p))`.",
    ),
)


@average_over_masks.mistake(
    "This is f(x), one pass without dropout: the *scaled pass*. It is the average for linear f only, "
    "and what is behind a dropout is hardly ever linear. Add up all 2ⁿ masks.",
    origin="folklore",
)
def scaled_pass(function, x, p):
    return function(x)


@average_over_masks.mistake(
    "All masks count alike in yours. That is right for p = ½ only: a mask has the probability "
    "(1 − p)^kept · p^dropped."
)
def all_alike(function, x, p):
    masks = torch.cartesian_prod(*[torch.tensor([0, 1])] * len(x))
    return torch.stack([function(x * m / (1 - p)) for m in masks]).mean(0)


@average_over_masks.mistake("You add up the outputs of all masks without their probabilities.")
def plain_sum(function, x, p):
    masks = torch.cartesian_prod(*[torch.tensor([0, 1])] * len(x))
    return torch.stack([function(x * m / (1 - p)) for m in masks]).sum(0)


@average_over_masks.mistake(
    "p and 1 − p are exchanged in the probabilities: kept units have 1 − p, dropped ones p."
)
def probabilities_exchanged(function, x, p):
    total = 0
    for m in torch.cartesian_prod(*[torch.tensor([0, 1])] * len(x)):
        k = int(m.sum())
        total = total + p**k * (1 - p) ** (len(x) - k) * function(x * m / (1 - p))
    return total


@average_over_masks.mistake(
    "You take p for the probability of keeping, in the probabilities and in the factor. Here p is that "
    "of dropping."
)
def p_is_keep(function, x, p):
    total = 0
    for m in torch.cartesian_prod(*[torch.tensor([0, 1])] * len(x)):
        k = int(m.sum())
        total = total + p**k * (1 - p) ** (len(x) - k) * function(x * m / p)
    return total


@average_over_masks.mistake(
    "The kept units are not enlarged: inverted dropout gives f the input x m / (1 − p)."
)
def not_enlarged(function, x, p):
    total = 0
    for m in torch.cartesian_prod(*[torch.tensor([0, 1])] * len(x)):
        k = int(m.sum())
        total = total + (1 - p) ** k * p ** (len(x) - k) * function(x * m)
    return total


@average_over_masks.mistake(
    "The kept units are divided by p instead of 1 − p, the probability to be kept."
)
def divided_by_p(function, x, p):
    total = 0
    for m in torch.cartesian_prod(*[torch.tensor([0, 1])] * len(x)):
        k = int(m.sum())
        total = total + (1 - p) ** k * p ** (len(x) - k) * function(x * m / p)
    return total


@average_over_masks.mistake(
    "You average n subnetworks, each with one unit dropped. Every unit is kept or dropped by itself: "
    "there are 2ⁿ masks."
)
def n_models(function, x, p):
    masks = 1 - torch.eye(len(x), dtype=x.dtype)
    return torch.stack([function(x * m / (1 - p)) for m in masks]).mean(0)


@average_over_masks.mistake(
    "One mask is missing, that which drops everything or that which keeps everything. Both count, "
    "with their probabilities."
)
def without_the_empty_mask(function, x, p):
    total = 0
    for m in torch.cartesian_prod(*[torch.tensor([0, 1])] * len(x))[1:]:
        k = int(m.sum())
        total = total + (1 - p) ** k * p ** (len(x) - k) * function(x * m / (1 - p))
    return total


@average_over_masks.mistake(
    "One mask is missing, that which drops everything or that which keeps everything. Both count, "
    "with their probabilities."
)
def without_the_full_mask(function, x, p):
    total = 0
    for m in torch.cartesian_prod(*[torch.tensor([0, 1])] * len(x))[:-1]:
        k = int(m.sum())
        total = total + (1 - p) ** k * p ** (len(x) - k) * function(x * m / (1 - p))
    return total


@average_over_masks.mistake(
    "You draw masks at random: that is an estimate, which is another one at every call. With few units "
    "all 2ⁿ masks can be added up exactly."
)
def monte_carlo(function, x, p):
    drawn = [function(x * (torch.rand(len(x)) >= p) / (1 - p)) for _ in range(500)]
    return torch.stack(drawn).mean(0)


_ONE_CALL = (
    "You hand all masks to `function` in one call, as a table (2ⁿ, n). It takes one vector (n,): a function that adds "
    "up its entries, or multiplies from the left, gives something else for a table. Call it once for each mask."
)


@average_over_masks.mistake(_ONE_CALL)
def all_in_one_call(function, x, p):
    n = len(x)
    masks = (torch.arange(2**n)[:, None] >> torch.arange(n)) & 1
    kept = masks.sum(dim=1)
    probabilities = ((1 - p) ** kept * p ** (n - kept)).to(x.dtype)
    return probabilities @ function(x * masks / (1 - p))


@average_over_masks.mistake(_ONE_CALL)
def all_products_in_one_call(function, x, p):
    n = len(x)
    masks = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * n).to(x)
    kept = masks.sum(1)
    return ((1 - p) ** kept * p ** (n - kept)) @ function(masks * x / (1 - p))


@average_over_masks.mistake(
    "You divide the *output* by 1 − p. Inverted dropout enlarges what is kept of the input: f(x m / (1 − p)). For a "
    "linear function the two are the same; here there is more.",
)
def divided_outside(function, x, p):
    total = 0
    for m in torch.cartesian_prod(*[torch.tensor([0, 1])] * len(x)):
        k = int(m.sum())
        total = total + (1 - p) ** k * p ** (len(x) - k) * function(x * m) / (1 - p)
    return total


@average_over_masks.alternative
def mapped(function, x, p):
    n = len(x)
    masks = (torch.arange(2**n)[:, None] >> torch.arange(n)) & 1
    kept = masks.sum(dim=1)
    probabilities = ((1 - p) ** kept * p ** (n - kept)).to(x.dtype)
    outputs = torch.vmap(function)(x * masks / (1 - p))
    return torch.tensordot(probabilities, outputs, dims=1)


@average_over_masks.alternative
def one_unit_after_the_other(function, x, p):
    def average(z, i):
        if i == len(z):
            return function(z)
        kept, dropped = z.clone(), z.clone()
        kept[i] /= 1 - p
        dropped[i] = 0
        return (1 - p) * average(kept, i + 1) + p * average(dropped, i + 1)

    return average(x, 0)


@average_over_masks.alternative
def product_of_factors(function, x, p):
    y = 0
    for m in torch.cartesian_prod(*[torch.tensor([False, True])] * len(x)):
        weight = torch.where(m, 1 - p, p).prod()
        y = y + weight * function(torch.where(m, x / (1 - p), 0))
    return y

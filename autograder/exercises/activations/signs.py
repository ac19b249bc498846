"""The signs of gradients: one-sided for an example, mixed for a batch."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from autograder import probes
from autograder.exercises.activations.lab import IN_FLOAT32, lab
from autograder.exercises.experiments import seeded
from autograder.judging import Part, edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import activations


def _signed_rows(rng):
    """Inputs of one sign throughout, or only up to zeros, of both, or of nothing but zeros."""
    rows, units, inputs = int(rng.integers(14, 22)), int(rng.integers(23, 30)), 3
    x = np.abs(rng.normal(size=(rows, inputs))) + 0.1
    kind = rng.permutation(np.arange(rows) % 5)
    x[kind == 1] *= -1
    x[kind >= 3] *= rng.permuted(np.tile([1.0, -1.0, 1.0], (rows, 1)), axis=1)[kind >= 3]
    x[kind == 2, 0] = 0.0
    x[np.flatnonzero(kind == 1)[0], 1] = 0.0
    x[np.flatnonzero(kind == 0)[0]] = 0.0
    return {"grad_output": rng.normal(size=(rows, units)), "x": x}


def _rectified(rng):
    rows, units, inputs = int(rng.integers(14, 22)), int(rng.integers(23, 30)), 3
    x = np.maximum(rng.normal(size=(rows, inputs)) + 0.5, 0)
    x[rng.choice(rows, size=3, replace=False), 0] = -0.3
    x[rng.choice(np.flatnonzero(x[:, 0] >= 0), size=2, replace=False)] = 0.0
    return {"grad_output": rng.normal(size=(rows, units)) + 0.3, "x": x}


one_sided_fractions = lab.exercise(
    activations.one_sided_fractions,
    title="Gradients all of one sign?",
    statement=r"""The lecture notes say that behind a sigmoid, where all inputs of a unit are
positive, the gradients on its weights are all of one sign, so that the weights can only rise or
fall together and training zig-zags. For **one example** this is so: the gradient on the weights of
unit m is $\delta_{nm} x_n$. But a step follows the gradient of a **batch**,
$\sum_n \delta_{nm} x_n$.

Given `grad_output` δ of shape (N, M), the gradients at the pre-activations (none is exactly 0), and
the layer's input `x` (N, D), return two numbers:

1. **per example**: the share of pairs (n, m) for which the D gradients of that example are one-sided,
2. **per batch**: the share of units m for which the D gradients of the whole batch are one-sided.

*One-sided*: no two of the D numbers have opposite signs. Zeros go with either sign (behind a ReLU
there are many).""",
    parts=[
        Part(
            "per example",
            1,
            (
                matches_reference("the share per example", of="result.0", rtol=IN_FLOAT32),
                leaves_inputs_alone(),
            ),
        ),
        Part(
            "per batch",
            2,
            (matches_reference("the share per batch", of="result.1", rtol=IN_FLOAT32),),
        ),
    ],
    minutes=10,
    difficulty=2,
    core=False,
    syllabus=("2.10",),
    hide=("Formula",),
    inputs=(_signed_rows, _rectified, _signed_rows, _rectified),
    probe=probes.call(),
    equivalent_mutants={
        "gradient = grad_output.T @ x => gradient = -(grad_output.T @ x)": "whether signs differ does "
        "not depend on which is which",
        "gradient = grad_output.T @ x => gradient = through_half(grad_output.T @ x)": "of which only "
        "the signs are asked",
    },
    hints=(
        "For one example all D gradients are x times one number δ_nm: what decides whether they are "
        "one-sided?",
        "`((x >= 0).all(dim=1) | (x <= 0).all(dim=1))` says it for every example.",
        "The gradient of the batch is `grad_output.T @ x`, one row for each unit.",
    ),
)


one_sided_fractions.mistake(
    "the_batch_is_like_its_examples",
    edit("(x, gradient)", "(x, x)"),
    "You give the batch the share of its examples. But δ has another sign for every example, so "
    "that the *sum* Σ δ x mixes signs: compute it.",
    origin="lecture notes",
)
one_sided_fractions.mistake(
    "batch_for_both",
    edit("(x, gradient)", "(gradient, gradient)"),
    "Both numbers are those of the batch. For a single example the gradient is δ_nm x_n.",
)
one_sided_fractions.mistake(
    "order_swapped",
    edit("return per_example, per_batch", "return per_batch, per_example"),
    "The two numbers are swapped: per example first.",
)
one_sided_fractions.mistake(
    "only_positive",
    edit(" | (rows <= 0).all(dim=1)", ""),
    "You count gradients that are all positive. All negative is one-sided too.",
)
one_sided_fractions.mistake(
    "zeros_count_as_signs",
    edit("rows >= 0", "rows > 0").also("rows <= 0", "rows < 0"),
    "You demand that no entry is 0. Zeros go with either sign: use `>= 0` and `<= 0`.",
)
one_sided_fractions.mistake(
    "by_input",
    edit("(x, gradient)", "(x.T, gradient.T)"),
    "You compare along the wrong axis: the D weights of *one* unit are looked at together.",
)
one_sided_fractions.mistake(
    "examples_by_input",
    edit("(x, gradient)", "(x.T, gradient)"),
    "For the examples you reduce along the wrong axis: one row of x is one example, and its D "
    "numbers are looked at together.",
)
one_sided_fractions.mistake(
    "batch_over_all_units",
    edit("(x, gradient)", "(x, gradient.T)"),
    "Your second number asks for too much: that all *units*, or all examples, agree. Look at each "
    "unit by itself, at its D numbers Σ_n δ_nm x_n: `grad_output.T @ x` has one row for each "
    "unit.",
)
one_sided_fractions.mistake(
    "of_the_deltas",
    edit("(x, gradient)", "(grad_output, gradient)"),
    "For the examples you look at the signs of δ. The D gradients of one pair are δ_nm x_n, and "
    "δ_nm is the same for all of them.",
)
one_sided_fractions.mistake(
    "mean_input",
    edit("grad_output.T @ x", "grad_output.mean(dim=0)[:, None] * x.mean(dim=0)"),
    "You multiply mean δ with mean x. The gradient of the batch is the sum of the products, "
    "`grad_output.T @ x`.",
)
one_sided_fractions.mistake(
    "entries_not_rows",
    edit("((rows >= 0).all(dim=1) | (rows <= 0).all(dim=1))", "(rows >= 0)"),
    "You count single positive numbers. One-sided is said of the D gradients of one unit together.",
)


@one_sided_fractions.alternative
def by_outer_products(grad_output, x):
    products = grad_output[:, :, None] * x[:, None, :]
    one = (products >= 0).all(2) | (products <= 0).all(2)
    g = products.sum(dim=0)
    both = (g >= 0).all(1) | (g <= 0).all(1)
    return one.double().mean(), both.double().mean()


@one_sided_fractions.alternative
def by_extremes(grad_output, x):
    def mixed(rows):
        return (rows.amin(dim=1) * rows.amax(dim=1) < 0).float().mean()

    return [1 - mixed(x), 1 - mixed(torch.einsum("nm,nd->md", grad_output, x))]


BATCH_SIGNS = ("nearly all of them", "some of them, between 20 and 80 %", "practically none")


@seeded
def _signs_of_a_batch():
    shares = []
    for _ in range(20):
        h = torch.sigmoid(torch.randn(64, 40) @ torch.randn(40, 50) / math.sqrt(40))
        z = (h @ torch.randn(50, 100) / math.sqrt(50)).requires_grad_()
        scores = torch.sigmoid(z) @ torch.randn(100, 10) / 10
        F.cross_entropy(scores, torch.randint(10, (64,))).backward()
        shares.append(activations.one_sided_fractions(z.grad, h)[1])
    share = float(torch.stack(shares).mean())
    return BATCH_SIGNS[0 if share > 0.8 else 1 if share > 0.2 else 2]


lab.prediction(
    "signs_of_a_batch",
    title="Predict: do all weights move the same way?",
    statement=(
        "A layer of 100 units gets 50 inputs, all of them positive because they come out of sigmoids. "
        "Per example all 50 gradients on a unit’s weights have one sign. Now a **batch** of 64 "
        "examples with random labels. For how many of the units have all 50 weight gradients one "
        "sign?"
    ),
    minutes=1,
    core=False,
    syllabus=("2.10",),
    choices=BATCH_SIGNS,
    outcome=_signs_of_a_batch,
    explanation="δ differs in sign from example to example, so the sum mixes. It does not mix "
    "everything: sigmoids of small signals are all close to ½, so that the inputs of all "
    "examples look alike.",
)

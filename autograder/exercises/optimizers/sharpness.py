"""The sharpest direction of a loss, found by power iteration, and what training makes of it."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import optimizers
from course_lib.optimizers import hessian_vector_product


_NORM = "norm = torch.stack([(v ** 2).sum() for v in vectors]).sum().sqrt()"
_PAIRS = "pairs = zip(vectors, products, strict=True)"


def draw_valley(rng):
    """A network near its targets, so that one direction is far sharper than the others."""
    inputs, hidden = (int(n) for n in rng.permutation([3, 4, 5])[:2])
    x = rng.normal(size=(7, inputs)) * 0.3
    x += rng.choice([-1, 1], size=inputs) * rng.uniform(0.8, 1.2, inputs)
    weights = [rng.normal(size=(hidden, inputs)) * 0.5, rng.normal(size=(1, hidden)) * 0.7]
    y = np.tanh(x @ weights[0].T) @ weights[1].T + 0.3 * rng.normal(size=(7, 1))
    return {
        "x": x,
        "y": y,
        "weights": weights,
        "start": [rng.uniform(0.5, 1.5, w.shape) for w in weights],
        "iterations": int(rng.integers(16, 20)),
    }


def _iterated(x, y, weights, start, iterations):
    """λ and ‖Hv‖ of every iteration. Shapes: (iterations, 2)."""
    x, y, *tensors = (torch.from_numpy(array) for array in (x, y, *weights, *start))
    weights, vectors = tensors[: len(weights)], tensors[len(weights) :]
    found = []
    for _ in range(iterations):
        norm = torch.cat([v.flatten() for v in vectors]).norm()
        units = [v / norm for v in vectors]
        vectors = hessian_vector_product(x, y, weights, units)
        products = torch.cat([p.flatten() for p in vectors])
        along = torch.cat([u.flatten() for u in units]) @ products
        found.append((float(along), float(products.norm())))
    return np.array(found)


def draw_early(rng):
    """A few iterations, which end far from where the ones before and after do, and below zero."""
    while True:
        inputs = draw_valley(rng)
        count = inputs["iterations"] = int(rng.integers(2, 5))
        inputs["y"] *= rng.uniform(-3, -2)  # far from the targets H has eigenvalues of both signs
        inputs["start"] = [rng.normal(size=w.shape) for w in inputs["weights"]]
        found = _iterated(**{**inputs, "iterations": count + 1})
        last = found[count - 1, 0]
        others = [*np.delete(found[:, 0], count - 1), -found[count - 1, 1]]
        if last < 0 and all(abs(last - other) > 0.05 * abs(found).max() for other in others):
            return inputs


sharpness = lab.exercise(
    optimizers.sharpness,
    title="Sharpness",
    statement="""The largest eigenvalue of the Hessian, the **sharpness**, decides which learning
rates are stable. Power iteration finds it: multiply a vector by H again and again, and what is left
is the sharpest direction, for its part grows fastest. In each of the `iterations`

$$v \\leftarrow \\frac{v}{\\|v\\|},\\qquad \\lambda = v\\cdot Hv,\\qquad v \\leftarrow Hv .$$

Return the last λ as it is: after few iterations it is not yet the largest eigenvalue, and it is
negative if the loss bends downward along v. All tensors of `start` together are one vector, with one
length. Call your `hessian_vector_product`.""",
    points=3,
    minutes=10,
    difficulty=2,
    core=False,
    syllabus=("6.13",),
    inputs=(draw_valley, draw_early, draw_valley),
    probe=probes.call(),
    checks=[matches_reference("the last λ"), leaves_inputs_alone()],
    forbidden=("torch.linalg.eigvalsh", "torch.linalg.eigh", "torch.lobpcg"),
    needs=("optimizers/hessian_vector_product",),
    equivalent_mutants={
        f"{_NORM} => norm = -{_NORM.removeprefix('norm = ')}": "v and −v have the same λ",
        **{
            f"{_PAIRS} => {_PAIRS.replace(old, new)}": why
            for old, new, why in (
                ("vectors, products", "products, vectors", "a product has no order"),
                (", strict=True", "", "the lists are equally long"),
                ("strict=True", "strict=False", "the lists are equally long"),
            )
        },
    },
    hints=(
        "‖v‖² is the sum of the squares of all entries of all tensors.",
        "A loop: normalize, multiply by H, take the dot product, go on with the product.",
    ),
)


sharpness.mistake(
    "never_normalizes",
    edit("v / norm", "v"),
    "You never normalize v, which grows by the factor λ in every iteration, and v · Hv with it. "
    "Divide by ‖v‖ first.",
)
sharpness.mistake(
    "every_layer_to_length_one",
    edit("v / norm", "v / v.norm()"),
    "You bring every tensor to length 1 by itself. Together they are one vector with one length; "
    "otherwise the proportions between layers are lost.",
)
sharpness.mistake(
    "one_iteration",
    edit("range(iterations)", "range(1)"),
    "You multiply by H only once. The result still depends on the start.",
)
sharpness.mistake(
    "square_of_the_length",
    edit("return eigenvalue", "return sum((v**2).sum() for v in vectors)"),
    "You return ‖Hv‖², the square of the eigenvalue.",
)
sharpness.mistake(
    "divides_by_the_square",
    edit(".sum().sqrt()", ".sum()"),
    "You divide by ‖v‖² where ‖v‖ is wanted: the root is missing.",
)
sharpness.mistake(
    "ignores_iterations",
    edit("range(iterations)", "range(50)"),
    "You always take 50 iterations. Take as many as `iterations` says.",
)
sharpness.mistake(
    "first_layer_only",
    edit(
        "torch.stack([(v * p).sum() for v, p in pairs]).sum()", "(vectors[0] * products[0]).sum()"
    ),
    "Your v · Hv adds up the first tensor's part only. It runs over all tensors.",
)
sharpness.mistake(
    "stable_rate",
    edit("return eigenvalue", "return 2 / eigenvalue"),
    "This is 2/λ, the largest stable rate. Asked for is λ.",
)
sharpness.mistake(
    "last_layer_only",
    edit("vectors = start", "vectors = [0 * v for v in start[:-1]] + start[-1:]").also(
        "vectors = products", "vectors = [0 * p for p in products[:-1]] + products[-1:]"
    ),
    "You vary the last layer's weights only. The sharpest direction runs through all layers.",
)
sharpness.mistake(
    "one_iteration_more",
    edit("range(iterations)", "range(iterations + 1)"),
    "Your λ is that of one iteration more. Nothing is multiplied after the last of `iterations`: "
    "its λ is v · Hv, with the v that this iteration began with, brought to length 1.",
)
sharpness.mistake(
    "one_iteration_less",
    edit("range(iterations)", "range(iterations - 1)"),
    "Your λ is that of one iteration less. The first iteration gives a λ already, and `iterations` "
    "says how many there are.",
)
sharpness.mistake(
    "length_of_the_product",
    edit("return eigenvalue", "return sum((v**2).sum() for v in vectors) ** 0.5"),
    "You return ‖Hv‖. That is |λ| when v is an eigenvector; before, it is larger, and it has no "
    "sign. λ = v · Hv, with v of length 1.",
)
sharpness.mistake(
    "without_the_sign",
    edit("return eigenvalue", "return eigenvalue.abs()"),
    "You return |λ|. Along v the loss may bend downward, and then λ = v · Hv is negative.",
)


@sharpness.alternative
def as_one_vector(x, y, weights, start, iterations=50):
    sizes = [tensor.numel() for tensor in start]
    v = torch.cat([tensor.flatten() for tensor in start])
    for _ in range(iterations):
        v = v / v.norm()
        parts = [p.view_as(w) for p, w in zip(v.split(sizes), weights, strict=True)]
        product = torch.cat([p.flatten() for p in hessian_vector_product(x, y, weights, parts)])
        eigenvalue, v = v @ product, product
    return eigenvalue.item()


@sharpness.alternative
def as_a_quotient(x, y, weights, start, iterations=50):
    vectors = start
    for _ in range(iterations):
        products = hessian_vector_product(x, y, weights, vectors)
        upper = sum((v * p).sum() for v, p in zip(vectors, products, strict=True))
        lower = sum((v * v).sum() for v in vectors)
        largest = max(p.abs().max() for p in products)
        vectors = [p / largest for p in products]
    return upper / lower


GROWING_SHARPNESS = (
    "the sharpness passes 2/η and training diverges",
    "the sharpness stops near 2/η; the loss still falls, but not in every step",
    "the sharpness stays far below 2/η, and the loss falls in every step",
)


# Measured with the tanh network of the notebook (64-32-10, squared loss, 400 digits, 1500 full-batch
# steps): at rates 0.2, 0.4, 0.8 the sharpness ends at 9.8, 5.1, 2.6, and the loss rises in 65, 637
# and 684 steps.
def outcome_of_growing_sharpness() -> str:
    """Measured: sharpness 5.1 at a rate of 0.4, where 2/η = 5."""
    return GROWING_SHARPNESS[1]


lab.prediction(
    "growing_sharpness",
    title="Predict: full-batch training at a rate of 0.4",
    statement="""A small tanh network is trained with **all** data in every step (no noise at all) and
η = 0.4. At the start its sharpness is about 4.5, below 2/η = 5, and training makes it grow. What
happens when it gets to 5?""",
    minutes=2,
    difficulty=2,
    core=False,
    syllabus=("6.13",),
    choices=GROWING_SHARPNESS,
    outcome=outcome_of_growing_sharpness,
    explanation="""The network hovers at the **edge of stability** (Cohen et al. 2021): sharper than 2/η the
steps begin to swing across the valley, and the swings push the weights to where the valley is wider.
The rate has chosen how sharp a minimum is found. A quadratic would diverge.""",
)

"""The sharpest direction of a loss, found without ever forming the Hessian."""

import itertools

import numpy as np
import torch

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.judging import Alternative, Mistake
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import optimizers
from course_lib.optimizers import hessian_vector_product


_ALONG = (
    "along = torch.stack([(g * v).sum() for g, v in zip(gradients, vectors, strict=True)]).sum()"
)
_NORM = "norm = torch.stack([(v ** 2).sum() for v in vectors]).sum().sqrt()"
_PAIRS = "pairs = zip(vectors, products, strict=True)"


def draw_product(rng):
    """A small tanh network with two or three layers, and a vector of both signs."""
    widths = [int(n) for n in rng.permutation([2, 3, 4, 5])[: int(rng.integers(3, 5))]]
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(widths)]
    return {
        "x": rng.normal(size=(7, widths[0])),
        "y": rng.normal(size=(7, widths[-1])),
        "weights": weights,
        "vectors": [rng.normal(size=w.shape) for w in weights],
    }


def gradient_times_vector(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.tanh(h @ w.T)
    loss = ((h @ leaves[-1].T - y) ** 2).sum() / (2 * len(x))
    gradients = torch.autograd.grad(loss, leaves)
    return [g * v for g, v in zip(gradients, vectors, strict=True)]


def outer_product(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.tanh(h @ w.T)
    loss = ((h @ leaves[-1].T - y) ** 2).sum() / (2 * len(x))
    gradients = torch.autograd.grad(loss, leaves)
    along = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    return [g * along for g in gradients]


def graph_forgotten(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.tanh(h @ w.T)
    loss = ((h @ leaves[-1].T - y) ** 2).sum() / (2 * len(x))
    gradients = torch.autograd.grad(loss, leaves)
    along = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    return list(torch.autograd.grad(along, leaves))


def without_the_half(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.tanh(h @ w.T)
    loss = ((h @ leaves[-1].T - y) ** 2).sum() / len(x)
    gradients = torch.autograd.grad(loss, leaves, create_graph=True)
    along = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    return list(torch.autograd.grad(along, leaves))


def mean_over_everything(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.tanh(h @ w.T)
    loss = 0.5 * ((h @ leaves[-1].T - y) ** 2).mean()
    gradients = torch.autograd.grad(loss, leaves, create_graph=True)
    along = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    return list(torch.autograd.grad(along, leaves))


def summed_over_examples(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.tanh(h @ w.T)
    loss = 0.5 * ((h @ leaves[-1].T - y) ** 2).sum()
    gradients = torch.autograd.grad(loss, leaves, create_graph=True)
    along = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    return list(torch.autograd.grad(along, leaves))


def activates_the_output(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves:
        h = torch.tanh(h @ w.T)
    loss = ((h - y) ** 2).sum() / (2 * len(x))
    gradients = torch.autograd.grad(loss, leaves, create_graph=True)
    along = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    return list(torch.autograd.grad(along, leaves))


def every_layer_by_itself(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.tanh(h @ w.T)
    loss = ((h @ leaves[-1].T - y) ** 2).sum() / (2 * len(x))
    gradients = torch.autograd.grad(loss, leaves, create_graph=True)
    return [
        torch.autograd.grad((g * v).sum(), w, retain_graph=True)[0]
        for g, v, w in zip(gradients, vectors, leaves, strict=True)
    ]


def with_torch_func(x, y, weights, vectors):
    def loss(*ws):
        h = x
        for w in ws[:-1]:
            h = torch.tanh(h @ w.T)
        return 0.5 * ((h @ ws[-1].T - y) ** 2).sum(dim=1).mean()

    return torch.autograd.functional.vhp(loss, tuple(weights), tuple(vectors))[1]


def forward_over_reverse(x, y, weights, vectors):
    def gradient(*ws):
        def loss(*inner):
            h = x
            for w in inner[:-1]:
                h = (h @ w.T).tanh()
            return (h @ inner[-1].T - y).pow(2).sum() / x.shape[0] / 2

        return torch.func.grad(loss, argnums=tuple(range(len(ws))))(*ws)

    return torch.func.jvp(gradient, tuple(weights), tuple(vectors))[1]


lab.exercise(
    optimizers.hessian_vector_product,
    title="Multiply by the Hessian without having it",
    statement="""A network with a million weights has a Hessian of 10¹² entries. Nobody stores it, and
one need not: the product with a vector v costs about two backward passes, because

$$H v = \\nabla\\,(\\nabla L\\cdot v),$$

the gradient of one **number**, the slope of L in the direction of v.

Do it for the loss $L = \\frac1{2N}\\sum_n \\|f(x_n)-y_n\\|^2$ (divided by the number of examples, not of
entries) of a tanh network without biases, $f(x) = W_L\\tanh(\\dots\\tanh(W_1x))$; the output is linear,
weights have torch's shape (out, in). `vectors` has one tensor for each weight, and all of them
together are **one** vector v. Return H v in the same form.""",
    points=3,
    minutes=12,
    difficulty=3,
    core=False,
    syllabus=("6.13",),
    inputs=draw_product,
    probe=probes.call(),
    checks=[matches_reference("the product"), leaves_inputs_alone()],
    mistakes=[
        Mistake(
            "graph_forgotten",
            graph_forgotten,
            "The gradient has no graph, so that it cannot be differentiated again. Ask for one: "
            "`torch.autograd.grad(loss, leaves, create_graph=True)`.",
        ),
        Mistake(
            "gradient_times_vector",
            gradient_times_vector,
            "You multiply gradient and vector, entry by entry. Their dot product is one number; H v "
            "is the gradient of that number.",
        ),
        Mistake(
            "outer_product",
            outer_product,
            "You return (∇L · v) ∇L. That is a product with the matrix ∇L ∇Lᵀ, which is not the Hessian. "
            "Differentiate ∇L · v once more.",
        ),
        Mistake(
            "every_layer_by_itself",
            every_layer_by_itself,
            "You differentiate every layer's part by itself: the Hessian's blocks between layers "
            "are missing. Add up all dot products first, then take one gradient.",
        ),
        Mistake(
            "without_the_half",
            without_the_half,
            "Your loss lacks the ½, and everything comes out twice as large.",
        ),
        Mistake(
            "mean_over_everything",
            mean_over_everything,
            "You average over all entries. The loss divides by the number of examples only.",
        ),
        Mistake(
            "summed_over_examples",
            summed_over_examples,
            "You do not divide by the number of examples.",
        ),
        Mistake(
            "activates_the_output",
            activates_the_output,
            "You put a tanh behind the last layer. The output is linear.",
        ),
    ],
    alternatives=[
        Alternative("torch's own vhp", with_torch_func),
        Alternative("forward over reverse", forward_over_reverse),
    ],
    equivalent_mutants={
        f"{_ALONG} => {_ALONG.replace(old, new)}": why
        for old, new, why in (
            ("zip(gradients, vectors", "zip(vectors, gradients", "a product has no order"),
            (", strict=True", "", "the lists are equally long"),
            ("strict=True", "strict=False", "the lists are equally long"),
        )
    },
    hints=(
        "Make leaves of the weights (`weight.detach().requires_grad_()`), compute the loss, and "
        "its gradients with `torch.autograd.grad(…, create_graph=True)`.",
        "Σ (g · v) over all weights is one number. Differentiate it with respect to the leaves.",
    ),
)


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


def never_normalizes(x, y, weights, start, iterations=50):
    vectors = start
    for _ in range(iterations):
        products = hessian_vector_product(x, y, weights, vectors)
        eigenvalue = sum((v * p).sum() for v, p in zip(vectors, products, strict=True))
        vectors = products
    return eigenvalue


def every_layer_to_length_one(x, y, weights, start, iterations=50):
    vectors = start
    for _ in range(iterations):
        vectors = [v / v.norm() for v in vectors]
        products = hessian_vector_product(x, y, weights, vectors)
        eigenvalue = sum((v * p).sum() for v, p in zip(vectors, products, strict=True))
        vectors = products
    return eigenvalue


def one_iteration(x, y, weights, start, iterations=50):
    norm = torch.sqrt(sum((v**2).sum() for v in start))
    vectors = [v / norm for v in start]
    products = hessian_vector_product(x, y, weights, vectors)
    return sum((v * p).sum() for v, p in zip(vectors, products, strict=True))


def square_of_the_length(x, y, weights, start, iterations=50):
    vectors = start
    for _ in range(iterations):
        norm = torch.sqrt(sum((v**2).sum() for v in vectors))
        vectors = hessian_vector_product(x, y, weights, [v / norm for v in vectors])
    return sum((v**2).sum() for v in vectors)


def divides_by_the_square(x, y, weights, start, iterations=50):
    vectors = start
    for _ in range(iterations):
        square = sum((v**2).sum() for v in vectors)
        vectors = [v / square for v in vectors]
        products = hessian_vector_product(x, y, weights, vectors)
        eigenvalue = sum((v * p).sum() for v, p in zip(vectors, products, strict=True))
        vectors = products
    return eigenvalue


def stable_rate(x, y, weights, start, iterations=50):
    vectors = start
    for _ in range(iterations):
        norm = torch.sqrt(sum((v**2).sum() for v in vectors))
        vectors = hessian_vector_product(x, y, weights, [v / norm for v in vectors])
    return 2 / torch.sqrt(sum((v**2).sum() for v in vectors))


def last_layer_only(x, y, weights, start, iterations=50):
    vectors = [torch.zeros_like(v) for v in start[:-1]] + [start[-1]]
    for _ in range(iterations):
        norm = vectors[-1].norm()
        vectors = [torch.zeros_like(v) for v in start[:-1]] + [vectors[-1] / norm]
        products = hessian_vector_product(x, y, weights, vectors)
        eigenvalue = (vectors[-1] * products[-1]).sum()
        vectors = products
    return eigenvalue


def length_of_the_product(x, y, weights, start, iterations=50):
    vectors = start
    for _ in range(iterations):
        norm = torch.cat([v.flatten() for v in vectors]).norm()
        vectors = hessian_vector_product(x, y, weights, [v / norm for v in vectors])
    return torch.cat([v.flatten() for v in vectors]).norm()


def quotient_at_the_end(x, y, weights, start, iterations=50):
    vectors = start
    for _ in range(iterations):
        vectors = hessian_vector_product(x, y, weights, vectors)
        largest = max(v.abs().max() for v in vectors)
        vectors = [v / largest for v in vectors]
    products = hessian_vector_product(x, y, weights, vectors)
    upper = sum((v * p).sum() for v, p in zip(vectors, products, strict=True))
    return (upper / sum((v * v).sum() for v in vectors)).item()


lab.exercise(
    optimizers.sharpness,
    title="Sharpness",
    statement="""The largest eigenvalue of the Hessian, the **sharpness**, decides which learning
rates are stable. Power iteration finds it: multiply a vector by H again and again, and what is left
is the sharpest direction, for its part grows fastest. In every iteration

$$v \\leftarrow \\frac{v}{\\|v\\|},\\qquad \\lambda = v\\cdot Hv,\\qquad v \\leftarrow Hv .$$

Return the last λ. All tensors of `start` together are one vector, with one length. Call your
`hessian_vector_product`.""",
    points=3,
    minutes=10,
    difficulty=2,
    core=False,
    syllabus=("6.13",),
    inputs=draw_valley,
    probe=probes.call(),
    checks=[matches_reference("the largest eigenvalue", rtol=1e-4), leaves_inputs_alone()],
    mistakes=[
        Mistake(
            "never_normalizes",
            never_normalizes,
            "You never normalize v, which grows by the factor λ in every iteration, and v · Hv with "
            "it. Divide by ‖v‖ first.",
        ),
        Mistake(
            "every_layer_to_length_one",
            every_layer_to_length_one,
            "You bring every tensor to length 1 by itself. Together they are one vector with one "
            "length; otherwise the proportions between layers are lost.",
        ),
        Mistake(
            "one_iteration",
            one_iteration,
            "You multiply by H only once. The result still depends on the start.",
        ),
        Mistake(
            "square_of_the_length",
            square_of_the_length,
            "You return ‖Hv‖², the square of the eigenvalue.",
        ),
        Mistake(
            "divides_by_the_square",
            divides_by_the_square,
            "You divide by ‖v‖² where ‖v‖ is wanted: the root is missing.",
        ),
        Mistake(
            "stable_rate",
            stable_rate,
            "This is 2/λ, the largest stable rate. Asked for is λ.",
        ),
        Mistake(
            "last_layer_only",
            last_layer_only,
            "You vary the last layer's weights only. The sharpest direction runs through all layers.",
        ),
    ],
    alternatives=[
        Alternative("the length of the product", length_of_the_product),
        Alternative("the quotient at the end", quotient_at_the_end),
    ],
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

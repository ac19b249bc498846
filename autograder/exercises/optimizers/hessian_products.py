"""The Hessian times a vector, without ever forming the Hessian."""

import itertools

import torch

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import optimizers


_ALONG = (
    "along = torch.stack([(g * v).sum() for g, v in zip(gradients, vectors, strict=True)]).sum()"
)


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


hessian_vector_product = lab.exercise(
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


@hessian_vector_product.mistake(
    "The gradient has no graph, so that it cannot be differentiated again. Ask for one: "
    "`torch.autograd.grad(loss, leaves, create_graph=True)`.",
    raises="RuntimeError",
)
def graph_forgotten(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.tanh(h @ w.T)
    loss = ((h @ leaves[-1].T - y) ** 2).sum() / (2 * len(x))
    gradients = torch.autograd.grad(loss, leaves)
    along = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    return list(torch.autograd.grad(along, leaves))


@hessian_vector_product.mistake(
    "You multiply gradient and vector, entry by entry. Their dot product is one number; H v is "
    "the gradient of that number."
)
def gradient_times_vector(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.tanh(h @ w.T)
    loss = ((h @ leaves[-1].T - y) ** 2).sum() / (2 * len(x))
    gradients = torch.autograd.grad(loss, leaves)
    return [g * v for g, v in zip(gradients, vectors, strict=True)]


@hessian_vector_product.mistake(
    "You return (∇L · v) ∇L. That is a product with the matrix ∇L ∇Lᵀ, which is not the Hessian. "
    "Differentiate ∇L · v once more."
)
def outer_product(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.tanh(h @ w.T)
    loss = ((h @ leaves[-1].T - y) ** 2).sum() / (2 * len(x))
    gradients = torch.autograd.grad(loss, leaves)
    along = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    return [g * along for g in gradients]


@hessian_vector_product.mistake(
    "You differentiate every layer's part by itself: the Hessian's blocks between layers are "
    "missing. Add up all dot products first, then take one gradient."
)
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


@hessian_vector_product.mistake("Your loss lacks the ½, and everything comes out twice as large.")
def without_the_half(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.tanh(h @ w.T)
    loss = ((h @ leaves[-1].T - y) ** 2).sum() / len(x)
    gradients = torch.autograd.grad(loss, leaves, create_graph=True)
    along = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    return list(torch.autograd.grad(along, leaves))


@hessian_vector_product.mistake(
    "You average over all entries. The loss divides by the number of examples only."
)
def mean_over_everything(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.tanh(h @ w.T)
    loss = 0.5 * ((h @ leaves[-1].T - y) ** 2).mean()
    gradients = torch.autograd.grad(loss, leaves, create_graph=True)
    along = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    return list(torch.autograd.grad(along, leaves))


@hessian_vector_product.mistake(
    "Your loss is `F.mse_loss`: the average over all entries, without the ½. Here it is the sum "
    "over all entries, divided by 2N."
)
def mse_loss(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.tanh(h @ w.T)
    loss = ((h @ leaves[-1].T - y) ** 2).mean()
    gradients = torch.autograd.grad(loss, leaves, create_graph=True)
    along = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    return list(torch.autograd.grad(along, leaves))


@hessian_vector_product.mistake(
    "You return ∇L + H v: the second `backward()` adds to the `.grad` that the first one left. "
    "Use `torch.autograd.grad`, which returns what it finds."
)
def adds_to_the_gradient(x, y, weights, vectors):
    leaves = [w.clone().detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.tanh(h @ w.T)
    loss = ((h @ leaves[-1].T - y) ** 2).sum() / (2 * len(x))
    gradients = torch.autograd.grad(loss, leaves, create_graph=True)
    along = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    products = torch.autograd.grad(along, leaves)
    return [(g + p).detach() for g, p in zip(gradients, products, strict=True)]


@hessian_vector_product.mistake("The tanh between the layers is missing.")
def no_activation(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves:
        h = h @ w.T
    loss = ((h - y) ** 2).sum() / (2 * len(x))
    gradients = torch.autograd.grad(loss, leaves, create_graph=True)
    along = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    return list(torch.autograd.grad(along, leaves))


@hessian_vector_product.mistake("You do not divide by the number of examples.")
def summed_over_examples(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.tanh(h @ w.T)
    loss = 0.5 * ((h @ leaves[-1].T - y) ** 2).sum()
    gradients = torch.autograd.grad(loss, leaves, create_graph=True)
    along = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    return list(torch.autograd.grad(along, leaves))


@hessian_vector_product.mistake("You put a tanh behind the last layer. The output is linear.")
def activates_the_output(x, y, weights, vectors):
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves:
        h = torch.tanh(h @ w.T)
    loss = ((h - y) ** 2).sum() / (2 * len(x))
    gradients = torch.autograd.grad(loss, leaves, create_graph=True)
    along = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    return list(torch.autograd.grad(along, leaves))


@hessian_vector_product.alternative
def with_torch_func(x, y, weights, vectors):
    def loss(*ws):
        h = x
        for w in ws[:-1]:
            h = torch.tanh(h @ w.T)
        return 0.5 * ((h @ ws[-1].T - y) ** 2).sum(dim=1).mean()

    return torch.autograd.functional.vhp(loss, tuple(weights), tuple(vectors))[1]


@hessian_vector_product.alternative
def forward_over_reverse(x, y, weights, vectors):
    def gradient(*ws):
        def loss(*inner):
            h = x
            for w in inner[:-1]:
                h = (h @ w.T).tanh()
            return (h @ inner[-1].T - y).pow(2).sum() / x.shape[0] / 2

        return torch.func.grad(loss, argnums=tuple(range(len(ws))))(*ws)

    return torch.func.jvp(gradient, tuple(weights), tuple(vectors))[1]

"""The Hessian times a vector, without ever forming the Hessian."""

import itertools
from functools import partial

import torch

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import optimizers


_ALONG = (
    "along = torch.stack([(g * v).sum() for g, v in zip(gradients, vectors, strict=True)]).sum()"
)

_LEAVES = "leaves = [weight{}.requires_grad_() for weight in weights]"
_LOSS = "loss = ((h @ leaves[-1].T - y) ** 2).sum() / (2 * len(x))"
_PRODUCT = "torch.autograd.grad(along, leaves)"


def _product(rng, layers):
    """A small tanh network and a vector of both signs.

    With two outputs an average over all entries would be the average over examples, halved.
    """
    outputs = rng.choice([3, 4, 5])
    others = [n for n in rng.permutation([2, 3, 4, 5]) if n != outputs]
    widths = [int(n) for n in (*others[:layers], outputs)]
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(widths)]
    return {
        "x": rng.normal(size=(7, widths[0])),
        "y": rng.normal(size=(7, widths[-1])),
        "weights": weights,
        "vectors": [rng.normal(size=w.shape) for w in weights],
    }


_TWO_LAYERS, _THREE_LAYERS = partial(_product, layers=2), partial(_product, layers=3)

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
    inputs=(_THREE_LAYERS, _TWO_LAYERS, _THREE_LAYERS),
    probe=probes.call(),
    checks=[matches_reference("the product"), leaves_inputs_alone()],
    equivalent_mutants={
        f"{_LEAVES.format('.detach()')} => {_LEAVES.format('')}": "weights without a graph are leaves",
        **{
            f"{name} = {value} => {name} = through_half({value})": "only its slope is used"
            for name, value in (s.split(" = ", 1) for s in (_LOSS, _ALONG))
        },
        f"return list({_PRODUCT}) => return {_PRODUCT}": "a tuple of them is as good as a list",
        **{
            f"{_ALONG} => {_ALONG.replace(old, new)}": why
            for old, new, why in (
                ("zip(gradients, vectors", "zip(vectors, gradients", "a product has no order"),
                (", strict=True", "", "the lists are equally long"),
                ("strict=True", "strict=False", "the lists are equally long"),
            )
        },
    },
    hints=(
        "Make leaves of the weights (`weight.detach().requires_grad_()`), compute the loss, and "
        "its gradients with `torch.autograd.grad(…, create_graph=True)`.",
        "Σ (g · v) over all weights is one number. Differentiate it with respect to the leaves.",
    ),
)


hessian_vector_product.mistake(
    "graph_forgotten",
    edit(", create_graph=True", ""),
    "The gradient has no graph, so that it cannot be differentiated again. Ask for one: "
    "`torch.autograd.grad(loss, leaves, create_graph=True)`.",
    raises="RuntimeError",
)
hessian_vector_product.mistake(
    "gradient_times_vector",
    edit(
        "list(torch.autograd.grad(along, leaves))", "[g * v for g, v in zip(gradients, vectors)]"
    ).also(", create_graph=True", ""),
    "You multiply gradient and vector, entry by entry. Their dot product is one number; H v is "
    "the gradient of that number.",
)
hessian_vector_product.mistake(
    "outer_product",
    edit("list(torch.autograd.grad(along, leaves))", "[g * along for g in gradients]").also(
        ", create_graph=True", ""
    ),
    "You return (∇L · v) ∇L. That is a product with the matrix ∇L ∇Lᵀ, which is not the Hessian. "
    "Differentiate ∇L · v once more.",
)
hessian_vector_product.mistake(
    "every_layer_by_itself",
    edit(
        "list(torch.autograd.grad(along, leaves))",
        "[torch.autograd.grad((g * v).sum(), w, retain_graph=True)[0]\n for g, v, w in zip(gradients, vectors, leaves)]",
    ),
    "You differentiate every layer's part by itself: the Hessian's blocks between layers are "
    "missing. Add up all dot products first, then take one gradient.",
)
hessian_vector_product.mistake(
    "without_the_half",
    edit("(2 * len(x))", "len(x)"),
    "Your loss lacks the ½, and everything comes out twice as large.",
)
hessian_vector_product.mistake(
    "mean_over_everything",
    edit(".sum() / (2 * len(x))", ".mean() / 2"),
    "You average over all entries. The loss divides by the number of examples only.",
)
hessian_vector_product.mistake(
    "mse_loss",
    edit(".sum() / (2 * len(x))", ".mean()"),
    "Your loss is `F.mse_loss`: the average over all entries, without the ½. Here it is the sum "
    "over all entries, divided by 2N.",
)
hessian_vector_product.mistake(
    "adds_to_the_gradient",
    edit(
        "list(torch.autograd.grad(along, leaves))",
        "[(g + p).detach() for g, p in zip(gradients, torch.autograd.grad(along, leaves))]",
    ),
    "You return ∇L + H v: the second `backward()` adds to the `.grad` that the first one left. "
    "Use `torch.autograd.grad`, which returns what it finds.",
)
hessian_vector_product.mistake(
    "no_activation",
    edit("torch.tanh(h @ weight.T)", "h @ weight.T"),
    "The tanh between the layers is missing.",
)
hessian_vector_product.mistake(
    "summed_over_examples",
    edit("(2 * len(x))", "2"),
    "You do not divide by the number of examples.",
)
hessian_vector_product.mistake(
    "activates_the_output",
    edit("h @ leaves[-1].T", "torch.tanh(h @ leaves[-1].T)"),
    "You put a tanh behind the last layer. The output is linear.",
)


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

"""The L2 penalty, its gradient, and the decay that it is under plain SGD."""

import torch

from autograder import probes
from autograder.exercises.regularization.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import regularization


def _weights(rng):
    """Tensors of two, one and four axes; neither the first nor the last is the one like a bias."""
    hidden, features, classes = int(rng.integers(4, 6)), int(rng.integers(7, 9)), 3
    shapes = [(hidden, features), (hidden,), (2, 3, 5, 4), (classes, hidden)]
    return {
        "weights": [rng.normal(size=shape) + 0.4 for shape in shapes],
        "gradients": [rng.normal(size=shape) for shape in shapes],
        "lr": float(rng.uniform(0.15, 0.35)),
        "weight_decay": float(rng.uniform(0.4, 0.9)),
    }


_RETURNED = "return (penalty, [shrink * w - lr * g for w, g in zip(weights, gradients"

l2_step = lab.exercise(
    regularization.l2_step,
    title="A penalty that is a decay",
    statement=r"""An L2 penalty adds $\frac\lambda2\sum_W\sum w^2$ to the loss. Plain SGD follows the
gradient of the sum: with g the gradient of the loss alone,

$$w \leftarrow w - \eta\,(g + \text{gradient of the penalty}).$$

Work out that gradient. Return the penalty (of the weights *before* the step), a number, and a list of the
new weights; leave the tensors you were given as they were. λ is `weight_decay`, η is `lr`; it is one λ for all
tensors in the list, of whatever shape.

**Convention.** The ½ stands in the penalty, as in torch. Of 126 students 77 left it out: a numeric
gradient check cannot see that, for the gradient of a wrong penalty fits the wrong penalty.""",
    parts=[
        Part(
            "the penalty",
            2,
            (matches_reference("the penalty", of="result.0"),),
        ),
        Part(
            "the step",
            2,
            (
                matches_reference("the new weights", of="result.1"),
                leaves_inputs_alone(stated=True),
                keeps_dtype(),
            ),
        ),
    ],
    minutes=8,
    difficulty=1,
    syllabus=("8.1", "8.4"),
    hide=("Formula",),
    inputs=_weights,
    probe=probes.call(),
    forbidden=("torch.optim",),
    equivalent_mutants={
        f"{_RETURNED}, strict=True)]) => {_RETURNED}{less})])": "there are as many gradients as weights"
        for less in ("", ", strict=False")
    },
    hints=(
        "The derivative of λ/2 · w² is …?",
        "w − η (g + λ w) = (1 − η λ) w − η g: the weight shrinks by a factor.",
    ),
)

l2_step.mistake(
    "without_the_half",
    edit("weight_decay / 2", "weight_decay").also(
        "1 - lr * weight_decay", "1 - 2 * lr * weight_decay"
    ),
    "Your penalty is λ Σ w², with the gradient 2 λ w. The two belong together, but λ is now twice what "
    "it says. With the ½ the gradient is λ w.",
    origin="77 of 126 students",
)
l2_step.mistake(
    "half_missing_in_the_penalty",
    edit("weight_decay / 2", "weight_decay"),
    "The step is right and the penalty is twice as large as it should be: λ w is the gradient of "
    "(λ/2) Σ w².",
    origin="2 of 126 students",
)
l2_step.mistake(
    "gradient_twice",
    edit("1 - lr * weight_decay", "1 - 2 * lr * weight_decay"),
    "The penalty is right and the step decays twice as fast as it should: the gradient of (λ/2) w² is "
    "λ w, not 2 λ w.",
)
l2_step.mistake(
    "half_of_the_gradient",
    edit("1 - lr * weight_decay", "1 - lr * weight_decay / 2"),
    "The penalty is right and the step decays half as fast as it should: the derivative of w² is 2 w, so that "
    "the gradient of (λ/2) w² is λ w, not (λ/2) w.",
)
l2_step.mistake(
    "step_without_the_penalty",
    edit("1 - lr * weight_decay", "1"),
    "The penalty is in the loss and its gradient is not in the step, so the weights never notice it.",
    origin="9 of 126 students",
)
l2_step.mistake(
    "penalty_of_zero",
    edit("weight_decay / 2", "0"),
    "The weights decay, but the penalty is 0: the loss that you report is not the one that you minimize.",
    origin="3 of 126 students",
)

_BIASES = (
    "Tensors with one axis are left out, in the penalty or in the step. To leave biases alone is good practice, "
    "but whoever calls does that: every tensor in the list is penalized, of whatever shape."
)
l2_step.mistake(
    "biases_free",
    edit("(w * w).sum() for w in weights]", "(w * w).sum() for w in weights if w.ndim > 1]").also(
        "shrink * w", "(shrink if w.ndim > 1 else 1) * w"
    ),
    _BIASES,
)
l2_step.mistake(
    "biases_undecayed", edit("shrink * w", "(shrink if w.ndim > 1 else 1) * w"), _BIASES
)
l2_step.mistake(
    "biases_unpenalized",
    edit("(w * w).sum() for w in weights]", "(w * w).sum() for w in weights if w.ndim > 1]"),
    _BIASES,
)

_LAST = (
    "One of the tensors is left out, in the penalty or in the step. Go over all of them, the last one "
    "too, in both."
)
l2_step.mistake(
    "last_tensor_free",
    edit("squares.sum()", "squares[:-1].sum()"),
    _LAST,
    origin="10 of 126 students",
)
l2_step.mistake(
    "last_tensor_undecayed", edit("shrink * w", "(1 if w is weights[-1] else shrink) * w"), _LAST
)
l2_step.mistake(
    "one_tensor_alone",
    edit("squares.sum()", "squares[0]"),
    "Your penalty is that of the first tensor. Go over all of them, and add up.",
)
l2_step.mistake(
    "overwritten_in_the_loop",
    edit("squares.sum()", "squares[-1]"),
    "Your penalty is that of the last tensor: in a loop, `penalty = …` starts over for every tensor. Add up, "
    "`penalty = penalty + …`.",
)
l2_step.mistake(
    "norms",
    edit("(w * w).sum()", "w.norm()").also(
        "shrink * w", "w - lr * weight_decay / 2 * w / w.norm()"
    ),
    "You penalize the norms, roots of sums of squares. Their gradient has the same length for large "
    "weights and for small ones. Asked for are the squares: gradient λ w.",
)
l2_step.mistake(
    "norm_in_the_penalty",
    edit("(w * w).sum()", "w.norm()"),
    "The step is right, the penalty takes the norm without squaring it. It is λ/2 times the sum of squares.",
)
l2_step.mistake(
    "absolute_values",
    edit("(w * w)", "w.abs()")
    .also("weight_decay / 2", "weight_decay")
    .also("shrink * w", "w - lr * weight_decay * w.sign()"),
    "You penalize |w|, with the gradient λ sign(w). That is an L1 penalty; asked for are squares.",
)

_PRODUCT = (
    "`W.T @ W` is a matrix product: its sum mixes different weights, and it is defined for some shapes only. "
    "Square entry by entry: `W * W`."
)
l2_step.mistake(
    "matrix_products",
    edit("(w * w)", "(w.T @ w)"),
    _PRODUCT,
    origin="1 of 117 students",
    raises="RuntimeError",
)
l2_step.mistake(
    "products_of_batches", edit("(w * w)", "(w.mT @ w)"), _PRODUCT, raises="RuntimeError"
)

_MEANS = (
    "You take a mean of squares, in the penalty or in its gradient. They are summed, over entries and tensors: "
    "otherwise large layers would hardly be penalized."
)
l2_step.mistake(
    "means_of_squares",
    edit("(w * w).sum()", "(w * w).mean()").also(
        "shrink * w", "w - lr * weight_decay * w / w.numel()"
    ),
    _MEANS,
    origin="2 of 117 students divided it with the data's loss",
)
l2_step.mistake("mean_in_the_penalty", edit("(w * w).sum()", "(w * w).mean()"), _MEANS)
l2_step.mistake("mean_over_tensors", edit("squares.sum()", "squares.mean()"), _MEANS)
l2_step.mistake(
    "decay_without_the_rate",
    edit("1 - lr * weight_decay", "1 - weight_decay"),
    "The weights shrink by 1 − λ, without the learning rate. The penalty's gradient goes through the same "
    "step as the loss's: 1 − η λ.",
)
l2_step.mistake(
    "decays_the_new_weight",
    edit("shrink * w - lr * g", "shrink * (w - lr * g)"),
    "You take the step first and shrink the result, so that the step shrinks as well. The penalty's "
    "gradient is that at the *old* weight: (1 − η λ) w − η g.",
)
l2_step.mistake(
    "grows",
    edit("1 - lr * weight_decay", "1 + lr * weight_decay"),
    "Your weights grow by 1 + η λ. The penalty pulls them toward 0: 1 − η λ.",
)
l2_step.mistake(
    "uphill",
    edit("- lr * g", "+ lr * g"),
    "You step uphill: the gradient of the loss is added. Subtract it, η g, like the penalty's.",
)


@l2_step.mistake(
    "The penalty is that of the weights after the step. Asked for is that of the weights you were given."
)
def penalty_after_the_step(weights, gradients, *, lr, weight_decay):
    stepped = [
        (1 - lr * weight_decay) * w - lr * g for w, g in zip(weights, gradients, strict=True)
    ]
    return weight_decay / 2 * sum((w**2).sum() for w in stepped), stepped


_IN_PLACE = (
    "The numbers are right, but you write them into tensors that you were given (`-=`, `+=`, `add_`). Make new "
    "ones: `w = w - …`."
)


@l2_step.mistake(_IN_PLACE)
def weights_overwritten(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay / 2 * sum((w**2).sum() for w in weights)
    for w, g in zip(weights, gradients, strict=True):
        w -= lr * (g + weight_decay * w)
    return penalty, weights


@l2_step.mistake(_IN_PLACE)
def gradients_overwritten(weights, gradients, *, lr, weight_decay):
    penalty, stepped = 0, []
    for w, g in zip(weights, gradients, strict=True):
        penalty = penalty + weight_decay / 2 * (w**2).sum()
        g += weight_decay * w
        stepped.append(w - lr * g)
    return penalty, stepped


@l2_step.alternative
def through_the_gradient(weights, gradients, *, lr, weight_decay):
    penalty, stepped = 0, []
    for i in range(len(weights)):
        penalty += 0.5 * weight_decay * torch.sum(torch.square(weights[i]))
        gradient = gradients[i] + weight_decay * weights[i]
        stepped.append(weights[i] - lr * gradient)
    return penalty, stepped


@l2_step.alternative
def by_autograd(weights, gradients, *, lr, weight_decay):
    leaves = [w.detach().clone().requires_grad_() for w in weights]
    penalty = weight_decay / 2 * sum(w.norm() ** 2 for w in leaves)
    penalty.backward()
    pairs = zip(leaves, gradients, strict=True)
    return penalty.detach(), [(w - lr * (g + w.grad)).detach() for w, g in pairs]


@l2_step.alternative
def penalty_as_a_float(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay / 2 * sum((w**2).sum().item() for w in weights)
    return penalty, [
        w - lr * (g + weight_decay * w) for w, g in zip(weights, gradients, strict=True)
    ]

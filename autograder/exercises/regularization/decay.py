"""The L2 penalty, its gradient, and the decay that it is under plain SGD."""

import torch

from autograder import probes
from autograder.exercises.regularization.lab import lab
from autograder.judging import Part
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import regularization


def _weights(rng):
    hidden, features, classes = int(rng.integers(4, 6)), int(rng.integers(7, 9)), 3
    shapes = [(hidden, features), (2, 3, 5, 4), (classes, hidden)]
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

Work out that gradient. Return the penalty (of the weights *before* the step) as a tensor without axes,
and a list of the new weights. λ is `weight_decay`, η is `lr`; it is one λ for all tensors, of whatever
shape.

**Convention.** The ½ stands in the penalty, as in torch. Of 126 students 77 left it out: a numeric
gradient check cannot see that, for the gradient of a wrong penalty fits the wrong penalty.""",
    parts=[
        Part(
            "the penalty",
            2,
            (matches_reference("the penalty", of="result.0"), leaves_inputs_alone()),
        ),
        Part(
            "the step",
            2,
            (matches_reference("the new weights", of="result.1"), keeps_dtype()),
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


@l2_step.mistake(
    "Your penalty is λ Σ w², with the gradient 2 λ w. The two belong together, but λ is now twice what "
    "it says. With the ½ the gradient is λ w.",
    origin="77 of 126 students",
)
def without_the_half(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay * sum((w**2).sum() for w in weights)
    pairs = zip(weights, gradients, strict=True)
    return penalty, [w - lr * (g + 2 * weight_decay * w) for w, g in pairs]


@l2_step.mistake(
    "The step is right and the penalty is twice as large as it should be: λ w is the gradient of "
    "(λ/2) Σ w².",
    origin="2 of 126 students",
)
def half_missing_in_the_penalty(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay * sum((w**2).sum() for w in weights)
    return penalty, [
        w - lr * (g + weight_decay * w) for w, g in zip(weights, gradients, strict=True)
    ]


@l2_step.mistake(
    "The penalty is right and the step decays twice as fast as it should: the gradient of (λ/2) w² is "
    "λ w, not 2 λ w."
)
def gradient_twice(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay / 2 * sum((w**2).sum() for w in weights)
    pairs = zip(weights, gradients, strict=True)
    return penalty, [w - lr * (g + 2 * weight_decay * w) for w, g in pairs]


@l2_step.mistake(
    "The penalty is in the loss and its gradient is not in the step, so the weights never notice it.",
    origin="9 of 126 students",
)
def step_without_the_penalty(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay / 2 * sum((w**2).sum() for w in weights)
    return penalty, [w - lr * g for w, g in zip(weights, gradients, strict=True)]


@l2_step.mistake(
    "The weights decay, but the penalty is 0: the loss that you report is not the one that you minimize.",
    origin="3 of 126 students",
)
def penalty_of_zero(weights, gradients, *, lr, weight_decay):
    stepped = [
        (1 - lr * weight_decay) * w - lr * g for w, g in zip(weights, gradients, strict=True)
    ]
    return 0 * weights[0].sum(), stepped


_LAST = (
    "One of the tensors is left out, in the penalty or in the step. Go over all of them, the last one "
    "too, in both."
)


@l2_step.mistake(_LAST, origin="10 of 126 students")
def last_tensor_free(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay / 2 * sum((w**2).sum() for w in weights[:-1])
    stepped = [
        (1 - lr * weight_decay) * w - lr * g for w, g in zip(weights, gradients, strict=True)
    ]
    return penalty, stepped


@l2_step.mistake(_LAST)
def last_tensor_undecayed(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay / 2 * sum((w**2).sum() for w in weights)
    shrink = [1 - lr * weight_decay] * (len(weights) - 1) + [1]
    return penalty, [s * w - lr * g for s, w, g in zip(shrink, weights, gradients, strict=True)]


@l2_step.mistake(_LAST)
def first_tensor_alone(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay / 2 * (weights[0] ** 2).sum()
    stepped = [
        (1 - lr * weight_decay) * w - lr * g for w, g in zip(weights, gradients, strict=True)
    ]
    return penalty, stepped


@l2_step.mistake(
    "You penalize the norms, roots of sums of squares. Their gradient has the same length for large "
    "weights and for small ones. Asked for are the squares: gradient λ w."
)
def norms(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay / 2 * sum(w.norm() for w in weights)
    pairs = zip(weights, gradients, strict=True)
    return penalty, [w - lr * (g + weight_decay / 2 * w / w.norm()) for w, g in pairs]


@l2_step.mistake(
    "The step is right, the penalty takes the norm without squaring it. It is λ/2 times the sum of squares."
)
def norm_in_the_penalty(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay / 2 * sum(w.norm() for w in weights)
    stepped = [
        (1 - lr * weight_decay) * w - lr * g for w, g in zip(weights, gradients, strict=True)
    ]
    return penalty, stepped


@l2_step.mistake(
    "You penalize |w|, with the gradient λ sign(w). That is an L1 penalty; asked for are squares."
)
def absolute_values(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay * sum(w.abs().sum() for w in weights)
    pairs = zip(weights, gradients, strict=True)
    return penalty, [w - lr * (g + weight_decay * w.sign()) for w, g in pairs]


@l2_step.mistake(
    "`W.T @ W` is a matrix product: its sum mixes different weights. Square entry by entry: `W * W`.",
    origin="1 of 117 students",
)
def matrix_products(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay / 2 * sum((w.mT @ w).sum() for w in weights)
    stepped = [
        (1 - lr * weight_decay) * w - lr * g for w, g in zip(weights, gradients, strict=True)
    ]
    return penalty, stepped


@l2_step.mistake(
    "You take the mean of the squares of every tensor. They are summed: otherwise large layers would "
    "hardly be penalized.",
    origin="2 of 117 students divided it with the data's loss",
)
def means_of_squares(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay / 2 * sum((w**2).mean() for w in weights)
    pairs = zip(weights, gradients, strict=True)
    return penalty, [w - lr * (g + weight_decay * w / w.numel()) for w, g in pairs]


@l2_step.mistake(
    "The weights shrink by 1 − λ, without the learning rate. The penalty's gradient goes through the same "
    "step as the loss's: 1 − η λ."
)
def decay_without_the_rate(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay / 2 * sum((w**2).sum() for w in weights)
    return penalty, [
        (1 - weight_decay) * w - lr * g for w, g in zip(weights, gradients, strict=True)
    ]


@l2_step.mistake(
    "You take the step first and shrink the result, so that the step shrinks as well. The penalty's "
    "gradient is that at the *old* weight: (1 − η λ) w − η g."
)
def decays_the_new_weight(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay / 2 * sum((w**2).sum() for w in weights)
    pairs = zip(weights, gradients, strict=True)
    return penalty, [(1 - lr * weight_decay) * (w - lr * g) for w, g in pairs]


@l2_step.mistake("Your weights grow by 1 + η λ. The penalty pulls them toward 0: 1 − η λ.")
def grows(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay / 2 * sum((w**2).sum() for w in weights)
    stepped = [
        (1 + lr * weight_decay) * w - lr * g for w, g in zip(weights, gradients, strict=True)
    ]
    return penalty, stepped


@l2_step.mistake(
    "You step uphill: the gradient of the loss is added. Subtract it, η g, like the penalty's."
)
def uphill(weights, gradients, *, lr, weight_decay):
    penalty = weight_decay / 2 * sum((w**2).sum() for w in weights)
    stepped = [
        (1 - lr * weight_decay) * w + lr * g for w, g in zip(weights, gradients, strict=True)
    ]
    return penalty, stepped


@l2_step.mistake(
    "The penalty is that of the weights after the step. Asked for is that of the weights you were given."
)
def penalty_after_the_step(weights, gradients, *, lr, weight_decay):
    stepped = [
        (1 - lr * weight_decay) * w - lr * g for w, g in zip(weights, gradients, strict=True)
    ]
    return weight_decay / 2 * sum((w**2).sum() for w in stepped), stepped


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


UNDER_ADAM = (
    "100 times as far as with 0.001",
    "about 10 times as far",
    "about as far: it makes nearly no difference",
)


def outcome_under_adam() -> str:
    """How far a weight of 1 goes in 200 steps of Adam on nothing but the penalty."""
    gone = []
    for weight_decay in (0.1, 0.001):
        w = torch.ones(1, requires_grad=True)
        optimizer = torch.optim.Adam([w], lr=1e-3)
        for _ in range(200):
            w.grad = weight_decay * w.detach()
            optimizer.step()
        gone.append(1 - w.item())
    ratio = gone[0] / gone[1]
    return UNDER_ADAM[0 if ratio > 50 else 1 if ratio > 3 else 2]


lab.prediction(
    "strength_under_adam",
    title="Predict: a penalty 100 times as strong",
    statement=(
        "A weight starts at 1, and the loss does not depend on it: only the penalty's gradient λ w pulls. "
        "200 steps of plain **Adam** (not AdamW) with rate 0.001. How far does the weight go toward 0 with "
        "λ = 0.1, compared to λ = 0.001?"
    ),
    minutes=2,
    syllabus=("8.4",),
    choices=UNDER_ADAM,
    outcome=outcome_under_adam,
    explanation=(
        "Adam divides every gradient by its own size. Where the penalty is the only gradient, λ cancels, and "
        "the weight goes one learning rate per step, however weak the penalty. For SGD penalty and decay are "
        "one thing; for Adam only AdamW's decay does what λ says."
    ),
)

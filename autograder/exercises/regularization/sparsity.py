"""L1 and the elastic net: penalties, and what gradient steps make of the corner at 0."""

import torch

from autograder import probes
from autograder.exercises.experiments import seeded
from autograder.exercises.regularization.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import regularization


def _penalized(l1=True, l2=True):
    def draw(rng):
        shapes = [(int(rng.integers(4, 6)), int(rng.integers(7, 9))), (6,), (2, 3, 5)]
        weights = [rng.normal(size=shape) + 0.4 for shape in shapes]
        for w in weights:
            w.flat[rng.choice(w.size, 3, replace=False)] = 0.0
        return {
            "weights": weights,
            "l1": float(rng.uniform(0.3, 0.6)) if l1 else 0.0,
            "l2": float(rng.uniform(0.7, 1.2)) if l2 else 0.0,
        }

    return draw


elastic_net = lab.exercise(
    regularization.elastic_net,
    title="L1, L2, and both",
    statement=r"""The L1 penalty charges for |w| instead of w²: its pull does not fade as w gets small. The
elastic net has both,

$$\lambda_1 \sum_W\sum |w| + \frac{\lambda_2}{2}\sum_W\sum w^2.$$

Return it, a number, and a list with its gradient for every tensor, of whatever shape. |w| has a corner at 0:
there take 0, the middle of all slopes, so that a weight that is 0 stays there.""",
    parts=[
        Part("the penalty", 2, (matches_reference("the penalty", of="result.0"),)),
        Part(
            "the gradients",
            2,
            (
                matches_reference("the gradients", of="result.1"),
                leaves_inputs_alone(),
                keeps_dtype(),
            ),
        ),
    ],
    minutes=6,
    core=False,
    syllabus=("8.2", "8.3"),
    hide=("Formula",),
    inputs=(_penalized(), _penalized(l2=False), _penalized(l1=False), _penalized()),
    probe=probes.call(),
    equivalent_mutants={
        "everything is done under torch.no_grad()": "the gradients are returned beside the penalty",
    },
    hints=("`torch.sign(w)` is the slope of |w|, with sign(0) = 0.",),
)

elastic_net.mistake(
    "without_the_half",
    edit("l2 / 2 *", "l2 *").also("l2 * w", "2 * l2 * w"),
    "Your L2 part is λ₂ Σ w², with the gradient 2 λ₂ w: consistent, and twice as strong as it says. Here "
    "it has the ½.",
)
elastic_net.mistake(
    "half_missing_in_the_penalty",
    edit("l2 / 2 *", "l2 *"),
    "The gradients are right. They belong to λ₂/2 Σ w², and your penalty has no ½.",
)
elastic_net.mistake(
    "half_for_both",
    edit("l1 * w.abs()", "l1 / 2 * w.abs()"),
    "Only the squares have a ½; λ₁ Σ|w| has none.",
)
elastic_net.mistake(
    "slope_of_one_at_zero",
    edit("torch.sign(w)", "torch.where(w >= 0, 1.0, -1.0).to(w.dtype)"),
    "At w = 0 your slope is 1, so that a weight of exactly 0 is pushed away from it. Take sign(0) = 0.",
)
elastic_net.mistake(
    "no_absolute_value",
    edit("w.abs()", "w"),
    "You add up w instead of |w|: negative weights are paid for being large.",
)
elastic_net.mistake(
    "gradient_of_l2_only",
    edit("l1 * torch.sign(w) + l2 * w", "l2 * w"),
    "The gradient of the L1 part, λ₁ sign(w), is missing.",
)
elastic_net.mistake(
    "gradient_of_l1_only",
    edit("l1 * torch.sign(w) + l2 * w", "l1 * torch.sign(w)"),
    "The gradient of the L2 part, λ₂ w, is missing.",
)
elastic_net.mistake(
    "exchanged",
    edit("l1 * w.abs()", "l2 * w.abs()")
    .also("l2 / 2 * (w * w)", "l1 / 2 * (w * w)")
    .also("l1 * torch.sign(w) + l2 * w", "l2 * torch.sign(w) + l1 * w"),
    "λ₁ and λ₂ are exchanged: `l1` belongs to |w|, `l2` to w².",
)
elastic_net.mistake(
    "gradient_twice",
    edit("l2 * w", "2 * l2 * w"),
    "The penalty is right; the gradient of (λ₂/2) w² is λ₂ w, without a 2.",
)
elastic_net.mistake(
    "norm_not_squared",
    edit("(w * w).sum()", "(w * w).sum().sqrt()"),
    "You take the root of the sum of squares. The L2 part is the sum of squares itself.",
)

_ONE_AXIS = (
    "Tensors with one axis are left out, in the penalty or in the gradients. Whoever calls decides what is "
    "penalized: every tensor in the list, of whatever shape."
)
elastic_net.mistake(
    "biases_free",
    edit("(w * w).sum() for w in weights]", "(w * w).sum() for w in weights if w.ndim > 1]").also(
        "[l1 * torch.sign(w) + l2 * w", "[(w.ndim > 1) * (l1 * torch.sign(w) + l2 * w)"
    ),
    _ONE_AXIS,
)
elastic_net.mistake(
    "biases_without_gradient",
    edit("[l1 * torch.sign(w) + l2 * w", "[(w.ndim > 1) * (l1 * torch.sign(w) + l2 * w)"),
    _ONE_AXIS,
)
elastic_net.mistake(
    "biases_unpenalized",
    edit("(w * w).sum() for w in weights]", "(w * w).sum() for w in weights if w.ndim > 1]"),
    _ONE_AXIS,
)
elastic_net.mistake(
    "overwritten_in_the_loop",
    edit("each.sum()", "each[-1]"),
    "Your penalty is that of the last tensor: in a loop, `penalty = …` starts over for every tensor. Add up.",
)

_MEANS = "You take a mean, of entries or of tensors. Both penalties are sums over all of them."
elastic_net.mistake(
    "means",
    edit("w.abs().sum()", "w.abs().mean()").also("(w * w).sum()", "(w * w).mean()"),
    _MEANS,
)
elastic_net.mistake("mean_over_tensors", edit("each.sum()", "each.mean()"), _MEANS)
elastic_net.mistake(
    "half_of_the_gradient",
    edit("l2 * w for", "l2 / 2 * w for"),
    "The penalty is right; the derivative of w² is 2 w, so that the gradient of (λ₂/2) w² is λ₂ w, not (λ₂/2) w.",
)


@elastic_net.alternative
def by_autograd(weights, *, l1, l2):
    leaves = [w.detach().clone().requires_grad_() for w in weights]
    penalty = sum(l1 * w.abs().sum() + 0.5 * l2 * w.pow(2).sum() for w in leaves)
    penalty.backward()
    return penalty.detach(), [w.grad for w in leaves]


@elastic_net.alternative
def in_loops(weights, *, l1, l2):
    total, gradients = 0, []
    for w in weights:
        total = total + l1 * w.norm(p=1) + l2 * (w**2).sum() / 2
        gradients.append(l1 * (1.0 * (w > 0) - 1.0 * (w < 0)) + l2 * w)
    return total, gradients


ZEROS = ("none of them", "about half of them", "nearly all of them")


@seeded
def outcome_zeros() -> str:
    """How many of 24 useless weights are exactly 0 after gradient steps on an L1 penalty."""
    x = torch.randn(200, 30)
    y = x[:, :6] @ torch.tensor([2.0, -1, 1, -2, 1, 1]) + 0.5 * torch.randn(200)
    w = 0.1 * torch.randn(30)
    for _ in range(2000):
        _, (gradient,) = regularization.elastic_net([w], l1=0.2, l2=0.0)
        w = w - 0.05 * (x.T @ (x @ w - y) / 200 + gradient)
    zeros = int((w[6:] == 0).sum())
    return ZEROS[0 if zeros == 0 else 1 if zeros < 20 else 2]


lab.prediction(
    "exact_zeros",
    title="Predict: “L1 makes weights zero”",
    statement=(
        "A regression has 30 weights, of which 24 are useless. Gradient descent on squared error plus L1 "
        "penalty, 2000 steps with your gradient. How many of the 24 are **exactly** 0 at the end?"
    ),
    minutes=2,
    core=False,
    syllabus=("8.2",),
    choices=ZEROS,
    outcome=outcome_zeros,
    explanation=(
        "The *minimum* has exact zeros; gradient steps jump to and fro across it, η λ₁ wide. A step that lands in "
        "the corner needs the soft threshold."
    ),
)

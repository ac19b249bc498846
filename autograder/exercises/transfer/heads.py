"""What a linear head on frozen features minimizes: logistic regression, and what C says of it."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.transfer.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import transfer


def _several_classes(rng):
    features, classes = (int(n) for n in rng.permutation([3, 4]))
    examples = int(rng.integers(6, 10))
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, examples - classes)])
    return {
        "weight": rng.normal(size=(classes, features)),
        "bias": rng.permutation([-1.5, *rng.normal(size=classes - 1)]) + rng.uniform(0.5, 1),
        "features": rng.normal(size=(examples, features)) + 0.5,
        "labels": rng.permutation(labels),
        "l2": float(rng.uniform(0.3, 0.9)),
    }


logistic_head_loss = lab.exercise(
    transfer.logistic_head_loss,
    title="A logistic head",
    statement=r"""A linear head on frozen features is logistic regression, and its loss has one valley. It is

$$\frac1N\sum_n \ell_n + \frac{λ}{2}\sum_{ck} W_{ck}^2$$

with the cross-entropy ℓ of the scores $s = x W^\top + b$. The intercept b is **not** penalized: the penalty shall
not depend on where the features' zero lies. Return the loss as a tensor without axes that carries a
gradient; `F.cross_entropy` is welcome.""",
    points=2,
    minutes=5,
    core=False,
    syllabus=("11.6",),
    hide=("Formula",),
    inputs=_several_classes,
    probe=probes.gradients("weight", "bias"),
    checks=[
        matches_reference("the loss", of="result.value"),
        matches_reference("its gradient for the weights", of="result.gradients.weight"),
        matches_reference("its gradient for the intercepts", of="result.gradients.bias"),
        leaves_inputs_alone(),
    ],
    hints=("`features @ weight.T + bias`", "`F.cross_entropy` takes the mean already."),
)

logistic_head_loss.mistake(
    "intercept_penalized",
    edit("(weight * weight).sum()", "((weight * weight).sum() + (bias * bias).sum())"),
    "You penalize the intercepts, too. Shift the features, and the best head would be another one: only W is "
    "penalized.",
)
logistic_head_loss.mistake(
    "without_the_half",
    edit("l2 / 2 *", "l2 *"),
    "Your penalty is λ Σ W². It is (λ/2) Σ W², with the gradient λW.",
)
logistic_head_loss.mistake(
    "sum_of_losses",
    edit("F.cross_entropy(scores, labels)", 'F.cross_entropy(scores, labels, reduction="sum")'),
    "You add the losses up. It is their mean, so that λ means the same for any N.",
)
logistic_head_loss.mistake(
    "penalty_over_n",
    edit("l2 / 2 *", "l2 / 2 / len(features) *"),
    "You divide the penalty by N, too. Only the losses are averaged.",
)
logistic_head_loss.mistake(
    "without_the_intercept",
    edit("features @ weight.T + bias", "features @ weight.T + 0 * bias"),
    "Your scores are without the intercept: s = x Wᵀ + b.",
)
logistic_head_loss.mistake(
    "no_penalty",
    edit(" + l2 / 2 * (weight * weight).sum()", ""),
    "The penalty is missing.",
)
logistic_head_loss.mistake(
    "mean_of_squares",
    edit("(weight * weight).sum()", "(weight * weight).mean()"),
    "You take the mean of the squares. They are summed.",
)
logistic_head_loss.mistake(
    "norm_not_squared",
    edit("(weight * weight).sum()", "weight.norm()"),
    "You penalize the norm, without squaring it.",
)
_NO_GRADIENT = (
    "The loss is right, but no gradient leads from it to the weights: `.item()`, `.detach()` or `no_grad` cuts them off, "
    "and nothing could be trained by it. Return the tensor as it was computed."
)
logistic_head_loss.mistake(
    "a_number",
    edit("return F.cross_entropy(scores, labels) + l2 / 2 * (weight * weight).sum()",
         "return (F.cross_entropy(scores, labels) + l2 / 2 * (weight * weight).sum()).item()"),
    _NO_GRADIENT,
)  # fmt: skip
logistic_head_loss.mistake(
    "penalty_without_a_gradient",
    edit("(weight * weight).sum()", "(weight * weight).sum().item()"),
    "Your penalty is a number without a gradient, so that it changes the loss and not the training. Leave `.item()` and "
    "`.detach()` out.",
)
logistic_head_loss.mistake(
    "softmax_before",
    edit("F.cross_entropy(scores, labels)", "F.cross_entropy(scores.softmax(dim=1), labels)"),
    "`F.cross_entropy` takes scores and does the softmax itself. You give it probabilities.",
)
logistic_head_loss.mistake(
    "absolute_values",
    edit("l2 / 2 * (weight * weight).sum()", "l2 * weight.abs().sum()"),
    "You penalize absolute values. Asked for are squares, (λ/2) Σ W².",
)
logistic_head_loss.mistake(
    "strength_squared",
    edit("l2 / 2 * (weight * weight).sum()", "(l2 * weight).square().sum() / 2"),
    "You square λ together with the weights. It stands outside: (λ/2) Σ W².",
)
logistic_head_loss.mistake(
    "intercept_penalized_without_the_half",
    edit(
        "l2 / 2 * (weight * weight).sum()", "l2 * ((weight * weight).sum() + (bias * bias).sum())"
    ),
    "You penalize the intercepts, too, and without the ½. It is (λ/2) Σ W², of the weights alone.",
)
logistic_head_loss.mistake(
    "rewards_large_weights",
    edit("labels) + l2", "labels) - l2"),
    "You subtract the penalty, so that large weights are rewarded. Add it.",
)
logistic_head_loss.mistake(
    "one_loss_for_each",
    edit("F.cross_entropy(scores, labels)", 'F.cross_entropy(scores, labels, reduction="none")'),
    "You return a loss for every example. Asked for is their mean, a tensor without axes.",
)
logistic_head_loss.mistake(
    "not_transposed",
    edit("weight.T", "weight"),
    "`weight` is (C, D), one row for each class, and the features are (N, D): multiply by its transpose, "
    "`features @ weight.T`.",
    raises="RuntimeError",
)


@logistic_head_loss.alternative
def by_hand(weight, bias, features, labels, *, l2):
    scores = torch.nn.functional.linear(features, weight, bias)
    of_label = scores.gather(1, labels[:, None])[:, 0]
    losses = torch.logsumexp(scores, dim=1) - of_label
    return losses.mean() + 0.5 * l2 * weight.square().sum()


def _strength(rng):
    return {"l2": float(10 ** rng.uniform(-3, 0)), "examples": int(rng.integers(30, 900))}


c_of_l2 = lab.value(
    transfer.c_of_l2,
    title="λ in the language of scikit-learn",
    statement=r"""scikit-learn's `LogisticRegression` minimizes $C\sum_n\ell_n + \frac12\sum W^2$: a *sum* of
losses, and C before them. Which C has the same minimum as $\frac1N\sum_n\ell_n + \fracλ2\sum W^2$?""",
    points=1,
    minutes=3,
    core=False,
    syllabus=("11.6",),
    hide=("Formula",),
    inputs=_strength,
    probe=probes.call(),
    checks=[matches_reference("C")],
    hints=("Multiply one of them by a number, so that the penalties are the same.",),
)

c_of_l2.mistake(
    "without_n",
    edit("1 / (l2 * examples)", "1 / l2"),
    "1/λ would do if scikit-learn took the mean of the losses. It takes their sum, N times as much.",
    origin="the field's folklore",
)
c_of_l2.mistake(
    "half",
    edit("1 / (l2 * examples)", "1 / (2 * l2 * examples)"),
    "There is a factor 2 too much: both penalties have the ½.",
)
c_of_l2.mistake(
    "twice",
    edit("1 / (l2 * examples)", "2 / (l2 * examples)"),
    "There is a factor 2 too much: both penalties have the ½.",
)
_NO_N = "N is missing: scikit-learn takes the *sum* of the losses. And there is a factor 2 too much: both penalties have the ½."
c_of_l2.mistake("half_without_n", edit("1 / (l2 * examples)", "1 / (2 * l2)"), _NO_N)
c_of_l2.mistake("twice_without_n", edit("1 / (l2 * examples)", "2 / l2"), _NO_N)
c_of_l2.mistake(
    "the_strength_itself",
    edit("1 / (l2 * examples)", "l2"),
    "λ weighs the penalty and C the losses: a strong penalty is a small C. And N counts, for scikit-learn takes the sum "
    "of the losses.",
)
c_of_l2.mistake(
    "times_n",
    edit("1 / (l2 * examples)", "examples / l2"),
    "N is on the wrong side: a sum of more losses needs a smaller C.",
)
c_of_l2.mistake(
    "upside_down",
    edit("1 / (l2 * examples)", "l2 * examples"),
    "Upside down: C weighs the losses, so a strong penalty is a small C.",
)
c_of_l2.mistake(
    "l2_over_n",
    edit("1 / (l2 * examples)", "l2 / examples"),
    "A strong penalty is a small C, for C weighs the losses: λ belongs below the bar.",
)


@c_of_l2.alternative
def in_two_steps(l2, examples):
    share = 1 / examples
    return share / l2

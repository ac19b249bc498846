"""What a linear head on frozen features minimizes: logistic regression, and a support vector machine."""

from functools import partial

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


def _two_classes(rng, sign=-1):
    """Two of each class far on their side; of the others one is a 1 and more are a 0."""
    features, zeros = int(rng.integers(3, 5)), int(rng.integers(3, 6))
    labels = np.array([1, 1, 0, 0, 1] + [0] * zeros)
    sides = np.concatenate([rng.uniform(2, 4, 4), rng.uniform(-1, 0.3, 1 + zeros)])
    weight, x = rng.normal(size=features), rng.normal(size=(len(labels), features))
    x += np.outer((2 * labels - 1) * sides - x @ weight, weight) / (weight @ weight)
    order = rng.permutation(len(labels))
    return {
        "weight": weight,
        "bias": np.array(sign * rng.uniform(0.2, 0.5)),
        "features": x[order],
        "labels": labels[order],
        "c": float(rng.uniform(1.5, 4)),
    }


svm_head_loss = lab.exercise(
    transfer.svm_head_loss,
    title="A support vector head",
    statement=r"""The other classic on frozen features, here for two classes: a linear support vector machine. It asks
for a margin of 1, and does not care how far beyond an example is:

$$\tfrac12\|w\|^2 + C\sum_n \max(0,\, 1 - t_n s_n),\qquad s = x\,w + b,$$

with $t = +1$ for the label 1 and $t = -1$ for the label **0**. The intercept is not penalized, and the hinges are
*summed*, as in scikit-learn. Return the loss as a tensor without axes that carries a gradient.

A score of +2 for a 1 and of −2 for a 0 costs nothing.""",
    points=2,
    minutes=5,
    core=False,
    syllabus=("11.7",),
    hide=("Formula",),
    inputs=(_two_classes, partial(_two_classes, sign=1), _two_classes),
    probe=probes.gradients("weight", "bias"),
    checks=[
        matches_reference("the loss", of="result.value"),
        matches_reference("its gradient for the weights", of="result.gradients.weight"),
        matches_reference("its gradient for the intercept", of="result.gradients.bias"),
        leaves_inputs_alone(),
    ],
    hints=("`2 * labels - 1` makes ±1 of 0 and 1.", "`torch.relu(1 - …)`"),
)

svm_head_loss.mistake(
    "labels_0_and_1",
    edit("signs = 2 * labels - 1", "signs = labels"),
    "You multiply by the labels 0 and 1, so that every example of class 0 costs exactly 1, whatever its score. "
    "t is −1 there.",
    origin="the field's folklore",
)
svm_head_loss.mistake(
    "intercept_penalized",
    edit("weight @ weight / 2", "(weight @ weight + bias * bias) / 2"),
    "You penalize the intercept, too (liblinear does so, and its result depends on where the features' zero lies). "
    "Only w is penalized.",
)
svm_head_loss.mistake(
    "mean_of_hinges",
    edit("hinges.sum()", "hinges.mean()"),
    "You average the hinges. They are summed, so that C means what it does in scikit-learn.",
)
svm_head_loss.mistake(
    "squared_hinges",
    edit("hinges.sum()", "(hinges * hinges).sum()"),
    "You square the hinges. That is `LinearSVC`'s default, but not what is asked for.",
)
svm_head_loss.mistake(
    "without_the_half",
    edit("weight @ weight / 2", "weight @ weight"),
    "The penalty is ½ ‖w‖².",
)
svm_head_loss.mistake(
    "c_at_the_penalty",
    edit("weight @ weight / 2 + c * hinges.sum()", "c * weight @ weight / 2 + hinges.sum()"),
    "C stands before the penalty with you. It weighs the hinges.",
)
svm_head_loss.mistake(
    "wrong_side",
    edit("1 - signs * scores", "1 + signs * scores"),
    "The sign is wrong: yours costs most where an example is far on its own side. 1 − t s.",
)
svm_head_loss.mistake(
    "no_margin",
    edit("1 - signs * scores", "-signs * scores"),
    "Yours is content as soon as an example is on the right side. A margin of 1 is wanted: 1 − t s.",
)
svm_head_loss.mistake(
    "no_hinge",
    edit("torch.relu(1 - signs * scores)", "1 - signs * scores"),
    "You never stop at 0, so that examples far on their side pay for wrong ones. max(0, …).",
)


@svm_head_loss.alternative
def by_clamping(weight, bias, features, labels, *, c):
    signs = torch.where(labels == 1, 1.0, -1.0).to(features.dtype)
    return (
        0.5 * weight.square().sum()
        + c * (1 - signs * (features @ weight + bias)).clamp(min=0).sum()
    )

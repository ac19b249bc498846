"""What a linear support vector machine on frozen features minimizes."""

from functools import partial

import numpy as np
import torch

from autograder import probes
from autograder.exercises.transfer.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import transfer


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
svm_head_loss.mistake(
    "without_the_intercept",
    edit("features @ weight + bias", "features @ weight"),
    "Your scores are without the intercept: s = x w + b.",
)
svm_head_loss.mistake(
    "norm_not_squared",
    edit("weight @ weight / 2", "weight.norm() / 2"),
    "You penalize the norm, without squaring it: ½ ‖w‖².",
)
svm_head_loss.mistake(
    "mean_of_squares",
    edit("weight @ weight / 2", "(weight * weight).mean() / 2"),
    "You take the mean of the squares. They are summed: ½ ‖w‖².",
)
svm_head_loss.mistake(
    "no_penalty",
    edit("weight @ weight / 2 + ", ""),
    "The penalty ½ ‖w‖² is missing.",
)
svm_head_loss.mistake(
    "no_c",
    edit("c * hinges", "hinges"),
    "C is missing: it weighs the hinges.",
)
svm_head_loss.mistake(
    "hinge_of_the_sum",
    edit("torch.relu(1 - signs * scores)", "torch.relu((1 - signs * scores).sum())"),
    "You sum first and stop at 0 afterwards, so that examples far on their side pay for wrong ones. Every example has a "
    "max(0, …) of its own.",
)
svm_head_loss.mistake(
    "ones_alone",
    edit("hinges.sum()", "hinges[labels == 1].sum()"),
    "You count examples of class 1 only. Those of class 0 have a hinge as well, with t = −1.",
)
svm_head_loss.mistake(
    "sign_outside",
    edit("torch.relu(1 - signs * scores)", "signs * torch.relu(1 - scores)"),
    "You multiply the hinge by t, so that examples of class 0 lower the loss. t belongs to the score: max(0, 1 − t s).",
)
svm_head_loss.mistake(
    "logistic_loss",
    edit("torch.relu(1 - signs * scores)", "torch.nn.functional.softplus(-signs * scores)"),
    "You take the logistic loss, which never stops. A hinge is exactly 0 beyond the margin.",
)


@svm_head_loss.alternative
def by_clamping(weight, bias, features, labels, *, c):
    signs = torch.where(labels == 1, 1.0, -1.0).to(features.dtype)
    return (
        0.5 * weight.square().sum()
        + c * (1 - signs * (features @ weight + bias)).clamp(min=0).sum()
    )

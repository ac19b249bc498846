"""The hinge loss and its gradient."""

import numpy as np
import torch
from torch.nn import functional as F

from autograder import probes
from autograder.exercises.training_loop.drawing import AUTOGRAD, draw_scores
from autograder.exercises.training_loop.lab import lab
from autograder.judging import edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import training_loop

MARGIN_LOSSES = ("torch.nn.functional.multi_margin_loss", "torch.nn.MultiMarginLoss")


def _margins(rng):
    """In one row a wrong class has the score of the true one; in others margins are nearly met."""
    drawn, margin = draw_scores(rng), float(rng.uniform(1.3, 2.5))
    scores, target = drawn["scores"], drawn["target"]
    places = (target + np.arange(1, 3)[:, None]) % scores.shape[1]
    scores[2, places[0, 2]] = scores[2, target[2]]
    for row in (3, 4):
        scores[row, places[:, row]] = scores[row, target[row]] - margin + np.array([1e-5, -1e-5])
    return {**drawn, "margin": margin}


def _on_the_kink(rng):
    """Scores in steps of a half, exact in every precision: many margins are met exactly."""
    drawn, margin = _margins(rng), 1.5
    target, scores = drawn["target"], np.round(2 * drawn["scores"]) / 2
    scores[0, (target[0] + 1) % scores.shape[1]] = scores[0, target[0]] - margin
    scores[1, (target[1] + 1) % scores.shape[1]] = scores[1, target[1]] - 1
    return {"scores": scores, "target": target, "margin": margin}


hinge_loss = lab.exercise(
    training_loop.hinge_loss,
    title="The hinge loss",
    statement="""Another loss for the same scores: every wrong class should stay behind the true one by
at least a `margin` Δ, and costs what is missing:
$\\ell_i = \\sum_{j\\ne y} \\max(0,\\; s_{ij} - s_{iy} + \\Delta)$, averaged over the batch.

Whoever compares with torch should know that `F.multi_margin_loss` is this one **divided by C**.""",
    points=2,
    minutes=7,
    difficulty=2,
    core=False,
    syllabus=("1.5",),
    inputs=_margins,
    probe=probes.differentiated(by="scores"),
    checks=[
        matches_reference("the loss", of="result.value"),
        matches_reference("gradients flow through it", of="result.gradient"),
        leaves_inputs_alone(),
        keeps_dtype(of="result.value"),
    ],
    forbidden=MARGIN_LOSSES,
    hints=(
        "The scores of the true classes as a column: "
        "`scores[torch.arange(len(scores)), target][:, None]`.",
        "Set the entries of the true classes to 0 after `.clamp(min=0)`, then sum over the classes.",
    ),
)


hinge_loss.mistake(
    "not_clamped",
    edit(".clamp(min=0)", ""),
    "Violations below 0 are counted: a class that is far behind earns a reward. The hinge sets "
    "them to 0: `.clamp(min=0)`.",
    origin="2 of 117 students",
)


@hinge_loss.mistake(
    "The sum runs over the true class too, and max(0, s_y − s_y + Δ) = Δ: every example pays Δ "
    "too much. With equal scores the loss is Δ(C − 1), not ΔC.",
    origin="1 of 117 students",
)
def true_class_counted(scores, target, *, margin=1.0):
    true = scores[torch.arange(len(scores)), target][:, None]
    return (scores - true + margin).clamp(min=0).sum(dim=1).mean()


@hinge_loss.mistake(
    "Your loss is torch's `multi_margin_loss`, which divides by the number of classes C. Only "
    "another convention; ours is the sum over the wrong classes, C times as much."
)
def torch_divides_by_classes(scores, target, *, margin=1.0):
    return F.multi_margin_loss(scores, target, margin=margin)


@hinge_loss.mistake(
    "The loss can be computed but not differentiated: relu keeps its result for the backward "
    "pass, and you write zeros into it afterwards. Use `.clamp(min=0)`, which keeps its input "
    "instead, or multiply by a mask (`masked_fill` makes a new tensor).",
    raises="RuntimeError",
)
def zeros_written_into_relu(scores, target, *, margin=1.0):
    violation = F.relu(scores - scores.gather(1, target[:, None]) + margin)
    violation[torch.arange(len(scores)), target] = 0
    return violation.sum(dim=1).mean()


@hinge_loss.mistake(
    "You take 1 off for the true class. Its term is max(0, s_y − s_y + Δ) = Δ: take off the "
    "margin, whatever it is."
)
def one_taken_off_the_sum(scores, target, *, margin=1.0):
    true = scores.gather(1, target[:, None])
    return (scores - true + margin).clamp(min=0).sum(dim=1).mean() - 1


@hinge_loss.mistake(
    "You add up first and cut at 0 then, so a class that is far behind pays for one that is too "
    "near. Cut each term: Σ max(0, …), not max(0, Σ …)."
)
def clamped_after_the_sum(scores, target, *, margin=1.0):
    true = scores.gather(1, target[:, None])
    return ((scores - true + margin).sum(dim=1) - margin).clamp(min=0).mean()


@hinge_loss.mistake(
    "You average over the C − 1 wrong classes. The terms of an example are added up; only the "
    "examples are averaged."
)
def averaged_over_wrong_classes(scores, target, *, margin=1.0):
    classes = scores.shape[1]
    return F.multi_margin_loss(scores, target, margin=margin) * classes / (classes - 1)


@hinge_loss.mistake(
    "You sum over the batch; asked for is the mean over the examples.",
    origin="4 of 117 students, in the gradient",
)
def hinge_summed(scores, target, *, margin=1.0):
    return F.multi_margin_loss(scores, target, margin=margin, reduction="sum") * scores.shape[1]


@hinge_loss.mistake(
    "You square the violations: that is the squared hinge loss. In the plain one a violation "
    "twice as large costs twice as much."
)
def squared_hinge(scores, target, *, margin=1.0):
    return F.multi_margin_loss(scores, target, p=2, margin=margin) * scores.shape[1]


hinge_loss.mistake(
    "largest_violation",
    edit(".sum(dim=1).mean()", ".amax(dim=1).mean()"),
    "You take the largest violation of each example (Crammer & Singer's form). Asked for is the "
    "sum over all wrong classes (Weston & Watkins).",
)


@hinge_loss.mistake("You use a margin of 1 whatever `margin` says.")
def margin_ignored(scores, target, *, margin=1.0):
    return F.multi_margin_loss(scores, target) * scores.shape[1]


hinge_loss.mistake(
    "difference_turned",
    edit("scores - true_score", "true_score - scores"),
    "The difference is the other way round: it costs when a *wrong* class is high, s_j − s_y + Δ.",
)
hinge_loss.mistake(
    "margin_of_the_other_sign",
    edit("true_score + margin", "true_score - margin"),
    "You subtract the margin: wrong classes may then lead by Δ before it costs anything. They "
    "have to stay behind: s_j − s_y + Δ.",
)


@hinge_loss.mistake("Neither is the violation cut at 0 nor is the true class left out of the sum.")
def true_class_counted_and_not_clamped(scores, target, *, margin=1.0):
    return (scores - scores[torch.arange(len(scores)), target][:, None] + margin).sum(1).mean()


EQUAL_LEFT_OUT = (
    "You leave out whatever has the score of the true class. A wrong class may have the same score, "
    "and has violated its margin then: leave out the entries at `[rows, target]` only."
)
hinge_loss.mistake(
    "equal_scores_left_out",
    edit("violation[rows, target]", "violation[scores == true_score]"),
    EQUAL_LEFT_OUT,
)


@hinge_loss.alternative
def two_loops(scores, target, *, margin=1.0):
    loss = 0.0
    for i in range(scores.shape[0]):
        for j in range(scores.shape[1]):
            if j != target[i]:
                loss = loss + torch.relu(scores[i, j] - scores[i, target[i]] + margin)
    return loss / scores.shape[0]


@hinge_loss.alternative
def margin_taken_off_again(scores, target, *, margin=1.0):
    true = scores.gather(1, target.view(-1, 1))
    zero = torch.zeros((), dtype=scores.dtype)
    return torch.maximum(zero, scores - true + margin).sum() / len(scores) - margin


@hinge_loss.alternative
def by_mask(scores, target, *, margin=1.0):
    wrong = F.one_hot(target, scores.shape[1]) == 0
    violation = F.relu(scores - scores.gather(1, target[:, None]) + margin)
    return violation[wrong].sum() / target.shape[0]


hinge_loss_gradient = lab.exercise(
    training_loop.hinge_loss_gradient,
    title="The gradient of the hinge loss",
    statement="""The gradient with respect to the scores, by hand. Every violated margin pushes its own
class down and the true class up, each by the same amount, however large the violation is. Exactly
at the kink, where s_j − s_y + Δ is 0, take 0 (the check has such margins).""",
    points=2,
    minutes=8,
    difficulty=3,
    core=False,
    syllabus=("1.5",),
    hide=("Formula",),
    inputs=(_margins, _margins, _on_the_kink),
    probe=probes.call(),
    checks=[matches_reference("the gradient"), leaves_inputs_alone(), keeps_dtype()],
    forbidden=AUTOGRAD + MARGIN_LOSSES,
    hints=(
        "Differentiate one term max(0, s_j − s_y + Δ) by s_j and by s_y.",
        "`(… > 0).to(scores.dtype)` gives the ones; count them in each row.",
    ),
)


hinge_loss_gradient.mistake(
    "margins_instead_of_ones",
    edit(
        "(scores - true_score + margin > 0).to(scores.dtype)",
        "(scores - true_score + margin).clamp(min=0)",
    ),
    "You use the size of the violations. The hinge is linear where it is not flat: its slope is 1 "
    "for every violated margin and 0 otherwise.",
    origin="5 of 117 students",
)
hinge_loss_gradient.mistake(
    "gradient_summed",
    edit(" / len(scores)", ""),
    "Your gradient is that of the sum over the batch. The loss is the mean: divide by N.",
    origin="4 of 117 students",
)
hinge_loss_gradient.mistake(
    "true_class_counts_itself",
    edit("violated[rows, target] = 0", ""),
    "The true class counts as a violation of itself (s_y − s_y + Δ > 0), so its entry is one too "
    "low. Take it out before you count.",
)
hinge_loss_gradient.mistake(
    "true_class_once",
    edit("-violated.sum(dim=1)", "-1"),
    "The true class gets −1 whatever happens. Its score stands in every violated term: it gets −1 "
    "for each of them, and 0 if there is none.",
)
hinge_loss_gradient.mistake(
    "true_class_forgotten",
    edit("violated[rows, target] = -violated.sum(dim=1)", ""),
    "The score of the true class has no gradient in yours, but it stands in every term: minus the "
    "number of violated margins. Every row adds up to 0.",
)
hinge_loss_gradient.mistake(
    "one_at_the_kink",
    edit("margin > 0)", "margin >= 0)"),
    "A margin that is met exactly counts as violated in yours (`>= 0`). At the kink the gradient "
    "is 0 here: ask for `> 0`.",
)


@hinge_loss_gradient.mistake(
    "You count all wrong classes. One that stays behind by the margin costs nothing and has "
    "gradient 0."
)
def all_wrong_classes_counted(scores, target, *, margin=1.0):
    gradient = torch.ones_like(scores)
    gradient[torch.arange(len(scores)), target] = 1.0 - scores.shape[1]
    return gradient / len(scores)


hinge_loss_gradient.mistake(
    "gradient_divided_by_classes",
    edit("/ len(scores)", "/ scores.numel()"),
    "You divide by the classes as well, as torch's `multi_margin_loss` does. Only another "
    "convention; ours divides by N alone.",
)
hinge_loss_gradient.mistake(
    "gradient_with_margin_one",
    edit("true_score + margin", "true_score + 1"),
    "You use a margin of 1 whatever `margin` says.",
)
hinge_loss_gradient.mistake(
    "gradient_sign_turned",
    edit("return violated", "return -violated"),
    "The sign is the other way round: raising a wrong class that violates its margin raises the "
    "loss.",
)
hinge_loss_gradient.mistake(
    "without_the_margin",
    edit("true_score + margin > 0", "true_score > 0"),
    "You count the classes that lead the true one. A margin is violated earlier: as soon as s_j − "
    "s_y + Δ > 0.",
)


hinge_loss_gradient.mistake(
    "equal_scores_not_counted",
    edit("violated[rows, target] = 0", "violated[scores == true_score] = 0"),
    EQUAL_LEFT_OUT,
)


@hinge_loss_gradient.alternative
def row_after_row(scores, target, *, margin=1.0):
    gradient = torch.zeros_like(scores)
    for i, y in enumerate(target.tolist()):
        for j in range(scores.shape[1]):
            if j != y and scores[i, j] - scores[i, y] + margin > 0:
                gradient[i, j] += 1
                gradient[i, y] -= 1
    return gradient / len(scores)


@hinge_loss_gradient.alternative
def one_taken_off(scores, target, *, margin=1.0):
    true = scores.gather(1, target[:, None])
    violated = (scores - true + margin > 0).to(scores.dtype)
    one_hot = F.one_hot(target, scores.shape[1]).to(scores.dtype)
    return (violated - one_hot * violated.sum(dim=1, keepdim=True)) / scores.shape[0]

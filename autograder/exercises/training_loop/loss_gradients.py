"""The gradient of softmax cross-entropy, by hand."""

import torch
from torch.nn import functional as F

from autograder import probes
from autograder.exercises.training_loop.drawing import (
    AUTOGRAD,
    AXIS_LOST,
    PAIR,
    draw_distant_rows,
    draw_large_scores,
    draw_scores,
)
from autograder.exercises.training_loop.lab import lab
from autograder.judging import edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import training_loop


softmax_cross_entropy_gradient = lab.exercise(
    training_loop.softmax_cross_entropy_gradient,
    title="Its gradient, by hand",
    statement="""Derive the gradient of your loss with respect to the scores, ∂L/∂s, and return it: a
tensor of the shape of `scores`. It is one of the simplest results of the whole field, and it
explains a lot: what an example teaches, and how much.

Mind that L is a **mean** over N examples, and that large scores must not hurt here either.
`torch.softmax` is allowed.""",
    points=3,
    minutes=8,
    difficulty=2,
    core=False,
    syllabus=("1.3",),
    hide=("Formula",),
    inputs=(draw_scores, draw_distant_rows, draw_large_scores),
    probe=probes.call(),
    checks=[matches_reference("the gradient"), leaves_inputs_alone(), keeps_dtype()],
    forbidden=AUTOGRAD,
    equivalent_mutants={
        "exponentials = torch.exp(scores - scores.amax(dim=1, keepdim=True)) => "
        "exponentials = -torch.exp(scores - scores.amax(dim=1, keepdim=True))": "the sign cancels "
        "in the quotient"
    },
    hints=(
        "Differentiate ℓ = ln Σ_k e^{s_k} − s_y by s_j, for j ≠ y first.",
        "∂/∂s_j ln Σ_k e^{s_k} = e^{s_j} / Σ_k e^{s_k}, which is p_j.",
        "So it is p_j for a wrong class and p_y − 1 for the true one, divided by N.",
    ),
)


@softmax_cross_entropy_gradient.mistake(
    "Your gradient is that of the sum over the batch. L is the mean: divide by N, so that "
    "doubling a batch leaves the step as it was.",
    origin="2 of 116 students",
)
def not_divided_by_n(scores, target):
    gradient = torch.softmax(scores, dim=1)
    gradient[torch.arange(len(scores)), target] -= 1
    return gradient


softmax_cross_entropy_gradient.mistake(
    "gradient_without_shift",
    edit(" - scores.amax(dim=1, keepdim=True)", ""),
    "You take the exponential of the scores as they are; large ones overflow and inf/inf is NaN. "
    "Subtract the largest score of each row first, or use `torch.softmax`.",
    origin="6 of 116 students",
)
softmax_cross_entropy_gradient.mistake(
    "gradient_with_global_maximum",
    edit("scores.amax(dim=1, keepdim=True)", "scores.max()"),
    "You subtract the largest score of the whole matrix: rows far below it become 0/0. Each row "
    "needs its own maximum.",
    origin="5 of 116 students",
)


@softmax_cross_entropy_gradient.mistake(
    "Right where nothing underflows. You multiply −1/p_y by the derivative of p_y, and where p_y "
    "rounds to 0 that is −∞ · 0, which is NaN. On paper p_y cancels: p_j − [j = y] is left."
)
def quotient_and_derivative_kept_apart(scores, target):
    p = torch.softmax(scores, dim=1)
    true = p[torch.arange(len(scores)), target][:, None]
    of_softmax = true * (F.one_hot(target, scores.shape[1]) - p)
    return -1 / true * of_softmax / len(scores)


softmax_cross_entropy_gradient.mistake(
    "maximum_without_values",
    edit("scores.amax(dim=1, keepdim=True)", "scores.max(dim=1, keepdim=True)"),
    PAIR,
    raises="TypeError",
)
softmax_cross_entropy_gradient.mistake(
    "keepdim_missing",
    edit("scores.amax(dim=1, keepdim=True)", "scores.amax(dim=1)"),
    AXIS_LOST,
    origin="3 of 116 students",
    raises="RuntimeError",
)


@softmax_cross_entropy_gradient.mistake(
    "You divide the probabilities by N, and then subtract a whole 1. The 1/N of the mean belongs "
    "to both: (p_y − 1) / N. Your rows do not add up to 0."
)
def only_the_probabilities_divided(scores, target):
    gradient = torch.softmax(scores, dim=1) / len(scores)
    gradient[torch.arange(len(scores)), target] -= 1
    return gradient


@softmax_cross_entropy_gradient.mistake(
    "You divide by the number of classes C. The mean is over the examples: divide by N.",
    origin="1 of 116 students",
)
def divided_by_classes(scores, target):
    gradient = torch.softmax(scores, dim=1)
    gradient[torch.arange(len(scores)), target] -= 1
    return gradient / scores.shape[1]


@softmax_cross_entropy_gradient.mistake(
    "You divide by N·C, the number of entries. L is a mean over the N examples."
)
def divided_by_all_entries(scores, target):
    gradient = torch.softmax(scores, dim=1)
    gradient[torch.arange(len(scores)), target] -= 1
    return gradient / scores.numel()


@softmax_cross_entropy_gradient.mistake(
    "These are the probabilities (over N). The true class is missing: its score lowers the loss, "
    "and its entry is p_y − 1."
)
def one_not_subtracted(scores, target):
    return torch.softmax(scores, dim=1) / len(scores)


@softmax_cross_entropy_gradient.mistake(
    "The sign is the other way round: raising the score of the true class lowers the loss, so its "
    "entry is negative, p_y − 1. This is the direction of the step, not the gradient."
)
def sign_turned(scores, target):
    gradient = -torch.softmax(scores, dim=1)
    gradient[torch.arange(len(scores)), target] += 1
    return gradient / len(scores)


@softmax_cross_entropy_gradient.mistake(
    "Only the true classes have a gradient in yours. The wrong ones are in the sum under the "
    "logarithm too: their entry is p_j / N, and every row adds up to 0."
)
def true_classes_only(scores, target):
    probabilities = torch.softmax(scores, dim=1)
    rows = torch.arange(len(scores))
    gradient = torch.zeros_like(scores)
    gradient[rows, target] = probabilities[rows, target] - 1
    return gradient / len(scores)


@softmax_cross_entropy_gradient.mistake(
    "`gradient[:, target]` means whole columns. Row i has one true class: "
    "`gradient[torch.arange(N), target] -= 1`."
)
def subtracted_in_whole_columns(scores, target):
    gradient = torch.softmax(scores, dim=1)
    gradient[:, target] -= 1
    return gradient / len(scores)


@softmax_cross_entropy_gradient.mistake(
    "Your softmax runs over the batch, `dim=0`. The classes of one example add up to 1: `dim=1`."
)
def softmax_over_the_batch(scores, target):
    gradient = torch.softmax(scores, dim=0)
    gradient[torch.arange(len(scores)), target] -= 1
    return gradient / len(scores)


@softmax_cross_entropy_gradient.mistake(
    "You multiply by p(1 − p), the derivative of the softmax. It cancels against the logarithm: "
    "what is left is p − one-hot. (With squared errors it would stay, which is why they learn so "
    "slowly from confident mistakes.)"
)
def derivative_of_softmax_kept(scores, target):
    probabilities = torch.softmax(scores, dim=1)
    difference = probabilities - F.one_hot(target, scores.shape[1])
    return difference * probabilities * (1 - probabilities) / len(scores)


@softmax_cross_entropy_gradient.alternative
def by_one_hot(scores, target):
    one_hot = F.one_hot(target, scores.shape[1]).to(scores)
    return (torch.softmax(scores, dim=1) - one_hot) / scores.shape[0]


@softmax_cross_entropy_gradient.alternative
def by_scatter(scores, target):
    shifted = scores - scores.max(1, keepdim=True).values
    p = shifted.exp()
    p = p / p.sum(1, keepdim=True)
    minus_one = torch.full((len(scores), 1), -1.0, dtype=scores.dtype)
    return p.scatter_add(1, target[:, None], minus_one).div(len(scores))

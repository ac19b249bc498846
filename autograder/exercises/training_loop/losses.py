"""Softmax cross-entropy: the loss that stays finite."""

import torch
from torch.nn import functional as F

from autograder import probes
from autograder.exercises.training_loop.drawing import (
    AXIS_LOST,
    CROSS_ENTROPY,
    PAIR,
    draw_distant_rows,
    draw_high_scores,
    draw_large_scores,
    draw_scores,
)
from autograder.exercises.training_loop.lab import lab
from autograder.exercises.training_loop.signatures import value_and_its_gradient
from autograder.judging.checks import (
    is_finite,
    keeps_dtype,
    leaves_inputs_alone,
    matches_reference,
)
from course_lib import training_loop


softmax_cross_entropy = lab.exercise(
    training_loop.softmax_cross_entropy,
    title="A loss that stays finite",
    statement="""Softmax turns the scores of an example into probabilities,
$p_j = e^{s_j} / \\sum_k e^{s_k}$; the loss of the example is $-\\ln p_y$, with y its true class.
Return the **mean** over the batch, as a tensor of no dimensions that gradients flow through: you will
train with it.

Mathematics is patient, floating point numbers are not: $e^{s}$ is infinite from s = 89 on in
float32, and a probability that rounds to 0 has the logarithm −∞. Your loss must be finite and
right for scores of any size, and for rows at very different levels. Two things together do it:
subtract the largest score **of each row** before the exponential, and **never take the logarithm of
a probability**: simplify $-\\ln p_y$ on paper first.""",
    points=4,
    minutes=10,
    difficulty=2,
    syllabus=("1.3",),
    hide=("Formula",),
    inputs=(draw_scores, draw_high_scores, draw_distant_rows, draw_large_scores),
    probe=probes.differentiated(by="scores"),
    signature=value_and_its_gradient,
    checks=[
        is_finite("the loss is finite", of="result.value"),
        matches_reference("the loss", of="result.value"),
        matches_reference("gradients flow through it", of="result.gradient"),
        leaves_inputs_alone(),
        keeps_dtype(of="result.value"),
    ],
    forbidden=CROSS_ENTROPY,
    hints=(
        "−ln(e^{s_y} / Σ e^{s_j}) = ln Σ e^{s_j} − s_y. What changes if m is subtracted from all "
        "scores of the row?",
        "Nothing: so ln Σ e^{s_j} = m + ln Σ e^{s_j − m}, and with m the maximum the sum is between "
        "1 and C.",
        "`scores.amax(dim=1, keepdim=True)`; the true scores are "
        "`scores[torch.arange(len(scores)), target]`.",
    ),
)


@softmax_cross_entropy.mistake(
    "You subtract the row's maximum, and then take the logarithm of a probability. Where the true "
    "class is far behind, that probability rounds to 0 and the loss is infinite. Put the "
    "logarithm in first: −ln p_y = ln Σ e^(s_j − m) − (s_y − m), which never sees a rounded 0.",
    origin="65 of 116 students",
)
def log_of_the_probability(scores, target):
    shifted = scores - scores.max(dim=1, keepdim=True).values
    probabilities = torch.exp(shifted) / torch.exp(shifted).sum(dim=1, keepdim=True)
    return -torch.log(probabilities[torch.arange(len(scores)), target]).mean()


@softmax_cross_entropy.mistake(
    "You take the exponential of the scores as they are: it overflows, and inf/inf is NaN. "
    "Subtract the largest score of each row first, and do not take the logarithm of a "
    "probability: −ln p_y = ln Σ e^(s_j − m) − (s_y − m).",
    origin="6 of 116 students",
)
def no_shift_and_log_of_the_probability(scores, target):
    exponentials = torch.exp(scores)
    probabilities = exponentials / exponentials.sum(dim=1, keepdim=True)
    return -torch.log(probabilities[torch.arange(len(scores)), target]).mean()


@softmax_cross_entropy.mistake(
    "You take the exponential of the scores as they are; it overflows for large ones and is 0 for "
    "very negative ones. Subtract the largest score of each row first and add it back outside: ln "
    "Σ e^s = m + ln Σ e^(s − m)."
)
def no_shift(scores, target):
    log_sum = torch.log(torch.exp(scores).sum(dim=1))
    return (log_sum - scores[torch.arange(len(scores)), target]).mean()


@softmax_cross_entropy.mistake(
    "You subtract the largest score of the whole matrix. In every row far below it all "
    "exponentials round to 0, and 0/0 is NaN. Each row needs its own maximum: `dim=1`, "
    "`keepdim=True`. And put the logarithm in before you divide.",
    origin="5 of 116 students",
)
def global_maximum_and_log_of_the_probability(scores, target):
    exponentials = torch.exp(scores - scores.max())
    probabilities = exponentials / exponentials.sum(dim=1, keepdim=True)
    return -torch.log(probabilities[torch.arange(len(scores)), target]).mean()


@softmax_cross_entropy.mistake(
    "You subtract the largest score of the whole matrix. In every row far below it all "
    "exponentials round to 0. Each row needs its own maximum: `dim=1`, `keepdim=True`."
)
def global_maximum(scores, target):
    shifted = scores - scores.max()
    log_sum = torch.log(torch.exp(shifted).sum(dim=1))
    return (log_sum - shifted[torch.arange(len(scores)), target]).mean()


@softmax_cross_entropy.mistake(
    "A small number inside the logarithm makes the loss finite and wrong: no example can cost "
    "more than −ln(1e-9) = 20.7, and its gradient is 0 where it is needed most. Nothing has to be "
    "added: −ln p_y = ln Σ e^(s_j − m) − (s_y − m).",
    origin="1 of 116 students",
)
def epsilon_in_the_log(scores, target):
    probabilities = torch.softmax(scores, dim=1)
    return -torch.log(probabilities[torch.arange(len(scores)), target] + 1e-9).mean()


@softmax_cross_entropy.mistake(
    "A small number inside the logarithm makes the loss finite and wrong: no example can cost "
    "more than −ln(1e-8) = 18.4, and its gradient is 0 where it is needed most. Nothing has to be "
    "added: −ln p_y = ln Σ e^(s_j − m) − (s_y − m).",
)
def larger_epsilon_in_the_log(scores, target):
    probabilities = torch.softmax(scores, dim=1)
    return -torch.log(probabilities[torch.arange(len(scores)), target] + 1e-8).mean()


@softmax_cross_entropy.mistake(
    "A small number inside the logarithm makes the loss finite and wrong: no example can cost "
    "more than −ln(1e-10) = 23.0, and its gradient is 0 where it is needed most. Nothing has to be "
    "added: −ln p_y = ln Σ e^(s_j − m) − (s_y − m).",
)
def small_epsilon_in_the_log(scores, target):
    probabilities = torch.softmax(scores, dim=1)
    return -torch.log(probabilities[torch.arange(len(scores)), target] + 1e-10).mean()


@softmax_cross_entropy.mistake(
    "A small number inside the logarithm, added or as the lower limit, makes the loss finite and "
    "wrong: no example can cost more than −ln(1e-12) = 27.6. Nothing has to be added: −ln p_y = ln "
    "Σ e^(s_j − m) − (s_y − m).",
    origin="3 of 141 students, with three constants",
)
def tiny_epsilon_in_the_log(scores, target):
    probabilities = torch.softmax(scores, dim=1)
    return -torch.log(probabilities[torch.arange(len(scores)), target] + 1e-12).mean()


@softmax_cross_entropy.mistake(
    "You clip the probability from below. The loss is finite and wrong, and beyond the clip its "
    "gradient is 0: the worst examples teach nothing. Simplify −ln p_y instead."
)
def clipped_probability(scores, target):
    probabilities = torch.softmax(scores, dim=1)
    return -torch.log(probabilities[torch.arange(len(scores)), target].clamp(min=1e-7)).mean()


@softmax_cross_entropy.mistake(
    "You sum over the batch; asked for is the mean, the sum divided by N.",
    origin="2 of 116 students, in the gradient",
)
def summed(scores, target):
    largest = scores.amax(dim=1, keepdim=True)
    log_sum = torch.log(torch.exp(scores - largest).sum(dim=1)) + largest[:, 0]
    return (log_sum - scores[torch.arange(len(scores)), target]).sum()


@softmax_cross_entropy.mistake(
    "Your softmax runs over the batch, `dim=0`: it compares examples. The probabilities of the "
    "classes of one example add up to 1: `dim=1`."
)
def softmax_over_the_batch(scores, target):
    shifted = scores - scores.max(dim=0, keepdim=True).values
    log_probabilities = shifted - shifted.exp().sum(dim=0, keepdim=True).log()
    return -log_probabilities[torch.arange(len(scores)), target].mean()


@softmax_cross_entropy.mistake(
    "You return one loss for each example. Asked for is their mean, a single number."
)
def one_loss_for_each_example(scores, target):
    shifted = scores - scores.max(dim=1, keepdim=True).values
    return shifted.exp().sum(dim=1).log() - shifted[torch.arange(len(scores)), target]


@softmax_cross_entropy.mistake(
    "Your mean runs over all N·C entries of a table in which only N are not 0. Add up each row "
    "first (`sum(dim=1)`), then take the mean over the N examples."
)
def averaged_over_all_entries(scores, target):
    shifted = scores - scores.max(dim=1, keepdim=True).values
    log_probabilities = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return -(F.one_hot(target, scores.shape[1]) * log_probabilities).mean()


@softmax_cross_entropy.mistake(
    "You divide by the number of classes. The mean is over the examples: divide by N, the first "
    "size of `scores`.",
    origin="1 of 116 students",
)
def averaged_over_classes(scores, target):
    largest = scores.amax(dim=1, keepdim=True)
    log_sum = torch.log(torch.exp(scores - largest).sum(dim=1)) + largest[:, 0]
    return (log_sum - scores[torch.arange(len(scores)), target]).sum() / scores.shape[1]


@softmax_cross_entropy.mistake(
    "You return minus the probability of the true class. The loss is minus its logarithm.",
    origin="1 of 116 students",
)
def minus_the_probability(scores, target):
    probabilities = torch.softmax(scores, dim=1)
    return -probabilities[torch.arange(len(scores)), target].mean()


@softmax_cross_entropy.mistake(
    "Your loss is no number in any batch: you take the logarithm of p_y − 1, which is negative. "
    "The 1 is subtracted for the gradient; take the logarithm of what was there before.",
    origin="1 of 116 students",
)
def log_after_one_was_subtracted(scores, target):
    exponentials = torch.exp(scores - scores.max(dim=1, keepdim=True).values)
    probabilities = exponentials / exponentials.sum(dim=1, keepdim=True)
    probabilities[torch.arange(len(scores)), target] -= 1
    return -torch.log(probabilities[torch.arange(len(scores)), target]).mean()


@softmax_cross_entropy.mistake(
    "The backward pass fails: you change in place (`p[…] -= 1`, say) what the gradient of the loss "
    "is computed from. The 1 belongs to the gradient by hand, and the loss needs p as it was.",
    raises="RuntimeError",
)
def one_subtracted_from_a_softmax(scores, target):
    probabilities = torch.softmax(scores, dim=1)
    probabilities[torch.arange(len(scores)), target] -= 1
    return -torch.log(probabilities[torch.arange(len(scores)), target]).mean()


@softmax_cross_entropy.mistake(
    "You multiply the logarithms of all probabilities by a one-hot table. Where a probability "
    "rounds to 0, that is 0 · (−∞), which is NaN, also for classes that do not count. Choose the "
    "true class by its index, and never take the logarithm of a probability: −ln p_y = ln Σ e^(s_j "
    "− m) − (s_y − m)."
)
def one_hot_times_all_logarithms(scores, target):
    log_probabilities = torch.log(torch.softmax(scores, dim=1))
    return -(F.one_hot(target, scores.shape[1]) * log_probabilities).sum(dim=1).mean()


@softmax_cross_entropy.mistake(PAIR, raises="TypeError")
def maximum_without_values(scores, target):
    shifted = scores - scores.max(dim=1, keepdim=True)
    log_sum = torch.log(torch.exp(shifted).sum(dim=1))
    return (log_sum - shifted[torch.arange(len(scores)), target]).mean()


@softmax_cross_entropy.mistake(AXIS_LOST, origin="3 of 116 students", raises="RuntimeError")
def keepdim_missing(scores, target):
    shifted = scores - scores.amax(dim=1)
    log_sum = torch.log(torch.exp(shifted).sum(dim=1))
    return (log_sum - shifted[torch.arange(len(scores)), target]).mean()


@softmax_cross_entropy.mistake(
    "Softmax is applied twice: to the scores, and to the probabilities that came out. The second "
    "one sees numbers between 0 and 1 only, so the loss cannot come near 0 even for a perfect "
    "answer (0.55 at best for three classes)."
)
def softmax_twice(scores, target):
    return F.cross_entropy(torch.softmax(scores, dim=1), target)


@softmax_cross_entropy.mistake(
    "You subtract the row's maximum inside the sum but not from the score of the true class (or "
    "do not add it back): ln Σ e^s = m + ln Σ e^(s − m)."
)
def maximum_not_added_back(scores, target):
    largest = scores.amax(dim=1, keepdim=True)
    log_sum = torch.log(torch.exp(scores - largest).sum(dim=1))
    return (log_sum - scores[torch.arange(len(scores)), target]).mean()


@softmax_cross_entropy.mistake(
    "`scores[:, target]` is an (N, N) table: every row with every true class. Row i needs its own "
    "class only: `scores[torch.arange(len(scores)), target]`."
)
def every_true_class_for_every_row(scores, target):
    largest = scores.amax(dim=1, keepdim=True)
    log_sum = torch.log(torch.exp(scores - largest).sum(dim=1)) + largest[:, 0]
    return (log_sum[:, None] - scores[:, target]).mean()


@softmax_cross_entropy.mistake(
    "You subtract a maximum for each column. That changes the probabilities of a row; only a "
    "number common to the whole row cancels. Take the maximum over `dim=1`."
)
def maximum_of_each_column(scores, target):
    shifted = scores - scores.max(dim=0).values
    log_sum = torch.log(torch.exp(shifted).sum(dim=1))
    return (log_sum - shifted[torch.arange(len(scores)), target]).mean()


@softmax_cross_entropy.mistake(
    "Your loss is in bits: logarithm to base 2. Ours is natural, as torch's."
)
def base_two(scores, target):
    return F.cross_entropy(scores, target) / torch.log(torch.tensor(2.0))


@softmax_cross_entropy.mistake(
    "The value is right, but it was put together from Python numbers, so no gradient can flow "
    "back to the scores and nothing would learn. Keep to tensors: no `.item()`, no "
    "`torch.tensor(…)`."
)
def out_of_the_graph(scores, target):
    losses = []
    for row, y in zip(scores, target, strict=True):
        largest = row.max()
        losses.append((torch.log(torch.exp(row - largest).sum()) + largest - row[y]).item())
    return torch.tensor(losses, dtype=scores.dtype).mean()


@softmax_cross_entropy.alternative
def by_shifted_scores(scores, target):
    shifted = scores - scores.max(dim=1, keepdim=True)[0]
    log_probabilities = shifted - shifted.exp().sum(1, keepdim=True).log()
    return -log_probabilities.gather(1, target.unsqueeze(1)).mean()


@softmax_cross_entropy.alternative
def row_by_row(scores, target):
    loss = 0
    for i in range(len(scores)):
        row = scores[i] - scores[i].max()
        loss = loss + row.exp().sum().log() - row[target[i]]
    return loss / scores.shape[0]


@softmax_cross_entropy.alternative
def in_place(scores, target):
    scores -= scores.max(dim=1, keepdim=True).values
    one_hot = F.one_hot(target, scores.shape[1])
    return (scores.exp().sum(dim=1).log() - (one_hot * scores).sum(dim=1)).mean()

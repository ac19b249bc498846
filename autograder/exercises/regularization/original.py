"""Dropout as it was published first: nothing is enlarged until training is over."""

import torch

from autograder import probes
from autograder.exercises.regularization.drawing import (
    DROPOUTS,
    dropped_with_p,
    each_by_itself,
    evaluated,
    is_zero,
    often,
    p_or_the_rest,
    seldom,
    share_of_coins,
    sizes_of,
    stays_in_the_graph,
    survivors_are,
    table,
    table_of_one_number,
    three_axes,
    told_apart_by,
)
from autograder.exercises.regularization.lab import lab
from autograder.judging.checks import leaves_inputs_alone
from course_lib import regularization


_COINS = each_by_itself("every entry is dropped by itself", of=is_zero)

original_dropout = lab.repair(
    regularization.original_dropout,
    planted="times_p",
    title="Mend it: the original form, from a set of notes",
    statement=r"""In 2012 nothing was enlarged: training set entries to 0 with probability p, $y = x\,m$, and
evaluation made up for it, so that the next layer sees the mean that it saw in training. The code follows a set of
notes: “at test time multiply by the dropout probability”. At p = ½ nobody noticed. Mend it. p is, as always
here, the probability of *dropping*.""",
    points=3,
    minutes=4,
    core=False,
    syllabus=("8.5",),
    hide=("Formula",),
    inputs=(
        table(seldom),
        evaluated(table(seldom)),
        three_axes(often),
        evaluated(three_axes(often)),
        table_of_one_number(seldom),
    ),
    probe=probes.draws(count=6, differentiable=True),
    signature=told_apart_by(sizes_of, lambda draws, inputs: draws == 0, p_or_the_rest),
    checks=[
        survivors_are(kept=lambda x, p: x, evaluation=lambda x, p: (1 - p) * x),
        share_of_coins(
            dropped_with_p, "entries are dropped with probability p", of=is_zero, thrown=_COINS
        ),
        _COINS,
        stays_in_the_graph(),
        leaves_inputs_alone(),
    ],
    forbidden=DROPOUTS,
    equivalent_mutants={
        "right only for arguments that hold something": "nothing has no entry to drop",
    },
    hints=("E[x m] = (1 − p) x.",),
)


@original_dropout.mistake(
    "Evaluation multiplies by p, the probability of *dropping*. At p = ½ that is right by chance; the mean "
    "in training is (1 − p) x.",
    origin="lecture notes",
)
def times_p(x, p, training=True):
    return x * (torch.rand(x.shape) >= p) if training else p * x


@original_dropout.mistake(
    "Nobody makes up for the entries that are 0: in evaluation the next layer sees larger signals than "
    "ever in training. Multiply by 1 − p there.",
    origin="13 of 126 students",
)
def never_scaled(x, p, training=True):
    return x * (torch.rand(x.shape) >= p) if training else x


@original_dropout.mistake(
    "This is inverted dropout: training divides by 1 − p. In the original form evaluation multiplies by it."
)
def inverted(x, p, training=True):
    return x * (torch.rand(x.shape) >= p) / (1 - p) if training else x


@original_dropout.mistake(
    "You make up for it twice: division in training and multiplication in evaluation."
)
def scaled_in_both(x, p, training=True):
    return x * (torch.rand(x.shape) >= p) / (1 - p) if training else (1 - p) * x


@original_dropout.mistake("Evaluation divides by 1 − p. Training was smaller than x, so multiply.")
def divided_in_evaluation(x, p, training=True):
    return x * (torch.rand(x.shape) >= p) if training else x / (1 - p)


@original_dropout.mistake(
    "You take p for the probability of keeping: 1 − p of the entries are 0, and evaluation multiplies by p. "
    "Consistent, and the papers' convention; here p is that of dropping."
)
def p_is_keep(x, p, training=True):
    return x * (torch.rand(x.shape) < p) if training else p * x


@original_dropout.mistake(
    "Evaluation is right, but training drops 1 − p of the entries: the comparison is the other way round."
)
def mask_inverted(x, p, training=True):
    return x * (torch.rand(x.shape) < p) if training else (1 - p) * x


@original_dropout.mistake(
    "Not every entry has a coin of its own: one mask for the whole batch, or one coin for a row or column."
)
def one_mask_for_all_examples(x, p, training=True):
    return x * (torch.rand(x.shape[1:]) >= p) if training else (1 - p) * x


@original_dropout.mistake(
    "Not every entry has a coin of its own: one mask for the whole batch, or one coin for a row or column."
)
def one_coin_for_each_example(x, p, training=True):
    shape = [len(x)] + [1] * (x.ndim - 1)
    return x * (torch.rand(shape) >= p) if training else (1 - p) * x


@original_dropout.mistake(
    "In evaluation nothing comes back: the `return` is inside of `if training:`. With `training=False` return (1 − p) x."
)
def nothing_in_evaluation(x, p, training=True):
    if training:
        return x * (torch.rand(x.shape) >= p)


@original_dropout.mistake("You return the mask beside the output. Asked for is the output alone.")
def with_the_mask(x, p, training=True):
    mask = torch.rand(x.shape) >= p
    return (x * mask, mask) if training else ((1 - p) * x, None)


@original_dropout.mistake("You drop in evaluation as well.")
def drops_in_evaluation(x, p, training=True):
    return x * (torch.rand(x.shape) >= p) * (1 if training else 1 - p)


@original_dropout.mistake(
    "You compare *normal* numbers with a probability: `torch.rand`, not `randn`."
)
def normal_numbers(x, p, training=True):
    return x * (torch.randn(x.shape) >= p) if training else (1 - p) * x


@original_dropout.mistake(
    "The same entries are dropped at every call: do not seed in the function."
)
def seeded(x, p, training=True):
    torch.manual_seed(0)
    return x * (torch.rand(x.shape) >= p) if training else (1 - p) * x


@original_dropout.alternative
def by_bernoulli(x, p, training=True):
    if training:
        return torch.bernoulli(torch.full_like(x, 1 - p)) * x
    return x - p * x

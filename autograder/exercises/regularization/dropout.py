"""Inverted dropout, forward: the technique that students get wrong most."""

import torch

from autograder import probes
from autograder.exercises.regularization.drawing import (
    DROPOUTS,
    at_times,
    dropped_with_p,
    each_by_itself,
    entries,
    evaluated,
    is_zero,
    often,
    seldom,
    share_of_coins,
    stays_in_the_graph,
    survivors_are,
    table,
    table_of_one_number,
    three_axes,
)
from autograder.exercises.regularization.lab import lab
from autograder.judging import Part
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone
from course_lib import regularization


def _line(rng):
    return {"x": entries(rng, int(rng.integers(600, 700))), "p": at_times(rng)}


_ENTRIES = survivors_are(kept=lambda x, p: x / (1 - p), evaluation=lambda x, p: x)
_COINS = each_by_itself("every entry is dropped by itself", of=is_zero)
_SHARE = share_of_coins(
    dropped_with_p, "entries are dropped with probability p", of=is_zero, thrown=_COINS
)

dropout = lab.exercise(
    regularization.dropout,
    title="Inverted dropout",
    statement=r"""In training every entry of x is set to 0 with probability p, each by a coin of its own,
and the others are enlarged so that the *expected* output is x:

$$y = \frac{x\,m}{1-p}, \qquad m = 0 \text{ with probability } p, \text{ else } 1.$$

With `training=False` the output is x as it is. x may have any number of axes.

**Convention.** `p` is the probability of **dropping**, as in torch. In CS231n's notes and in the
papers p is the probability of *keeping*; at p = ½ nobody can tell the two apart, so the check never
uses ½. It looks at how often entries are 0, at the *size* of the others, and at whether every entry has
a coin of its own. Any way to throw the coins is right.""",
    parts=[
        Part(
            "how large entries are",
            3,
            (_ENTRIES, _SHARE, stays_in_the_graph(), leaves_inputs_alone(), keeps_dtype()),
        ),
        Part(
            "a coin for each",
            2,
            (
                _ENTRIES,
                _SHARE,
                _COINS,
                stays_in_the_graph(),
            ),
        ),
    ],
    minutes=8,
    difficulty=2,
    syllabus=("8.6",),
    hide=("Formula",),
    inputs=(
        table(seldom),
        three_axes(often),
        evaluated(_line),
        table_of_one_number(at_times),
    ),
    probe=probes.draws(count=6, differentiable=True),
    forbidden=DROPOUTS,
    equivalent_mutants={
        "right only for arguments that hold something": "nothing has no entry to drop",
    },
    hints=(
        "`torch.rand(x.shape)` holds uniform numbers: how many of them are below p?",
        "The entries with a number of at least p are kept, and divided by the probability to be kept.",
        "`torch.where(torch.rand(x.shape) >= p, x / (1 - p), 0)`",
    ),
)


@dropout.mistake(
    "The right entries are dropped, but the others are not enlarged: the mean shrinks to (1 − p) x, "
    "and evaluation expects x. Divide by 1 − p in training.",
    origin="13 of 126 students, and 15 of 139",
)
def not_enlarged(x, p, training=True):
    return x * (torch.rand(x.shape) >= p) if training else x


@dropout.mistake(
    "This is dropout's original form: nothing is enlarged in training, and evaluation multiplies by "
    "1 − p. Asked for is *inverted* dropout: divide by 1 − p in training, leave evaluation alone.",
    origin="5 of 126 students, and 6 of 139",
)
def original_form(x, p, training=True):
    return x * (torch.rand(x.shape) >= p) if training else x * (1 - p)


@dropout.mistake(
    "You take p for the probability of *keeping*: 1 − p of the entries are 0 (count them!) and the "
    "others are divided by p. The mean is right, and so is any gradient check. Here, as in torch, p "
    "is the probability of dropping.",
    origin="5 of 126 students, and 18 of 139",
)
def p_is_keep(x, p, training=True):
    return x * (torch.rand(x.shape) < p) / p if training else x


@dropout.mistake(
    "Your mask is the wrong way round: the entries that you *keep* have probability p, 1 − p of them "
    "are 0. (`x[torch.rand(x.shape) > p] = 0` drops where the number is above p.) And the others are "
    "not enlarged: divide by 1 − p.",
    origin="10 of 126 students, and 4 of 139",
)
def index_mask_inverted(x, p, training=True):
    if not training:
        return x
    y = x.clone()
    y[torch.rand(x.shape) > p] = 0
    return y


@dropout.mistake(
    "The right entries are dropped, but you divide the others by p. They were kept with probability "
    "1 − p, so divide by that. (Dividing by p belongs to a p that is the probability of keeping.)",
    origin="7 of 126 students, and 3 of 139",
)
def divided_by_p(x, p, training=True):
    return x * (torch.rand(x.shape) >= p) / p if training else x


@dropout.mistake(
    "You drop 1 − p of the entries and divide by 1 − p: mask and divisor belong to two conventions. "
    "Here p is the probability of dropping: keep where the number is at least p.",
    origin="2 of 126 students",
)
def keeps_p_divides_by_the_rest(x, p, training=True):
    return x * (torch.rand(x.shape) < p) / (1 - p) if training else x


@dropout.mistake(
    "No entry is dropped in yours: x comes back as it was. If you wrote `rand < p / p`, the division "
    "is done first, and every number in [0, 1) is below 1: put the comparison into parentheses.",
    origin="2 of 139 students",
)
def nothing_dropped(x, p, training=True):
    return x * (torch.rand(x.shape) < p / p) if training else x


@dropout.mistake(
    "Python divides before it compares: `rand >= p / (1 - p)` drops p/(1 − p) of the entries and "
    "enlarges none. Put the comparison into parentheses.",
)
def compared_with_a_quotient(x, p, training=True):
    return x * (torch.rand(x.shape) >= p / (1 - p)) if training else x


@dropout.mistake(
    "You multiply by 1 − p where you should divide: the mean becomes (1 − p)² x.",
    origin="1 of 126 students",
)
def multiplied_by_keep(x, p, training=True):
    return x * (torch.rand(x.shape) >= p) * (1 - p) if training else x


@dropout.mistake(
    "The factor 1/(1 − p) is cut down to a whole number (a conversion to integers): at p = 0.3 it is "
    "1 instead of 1.43. It is right for p = ½ only. Do not round it.",
    origin="1 of 126 students",
)
def whole_factor(x, p, training=True):
    return x * ((torch.rand(x.shape) >= p) / (1 - p)).long() if training else x


@dropout.mistake(
    "You drop entries also when `training` is False. Then x comes back as it is.",
    origin="1 of 139 students",
)
def drops_in_evaluation(x, p, training=True):
    return x * (torch.rand(x.shape) >= p) / (1 - p)


@dropout.mistake(
    "Evaluation is multiplied by p, the probability of *dropping*, and training enlarges nothing. Here "
    "training divides by 1 − p and evaluation changes nothing.",
    origin="lecture notes",
)
def evaluation_times_p(x, p, training=True):
    return x * (torch.rand(x.shape) >= p) if training else x * p


@dropout.mistake(
    "You make up for the dropped entries twice: training divides by 1 − p, and evaluation multiplies "
    "by it as well. Evaluation changes nothing."
)
def scaled_in_both(x, p, training=True):
    return x * (torch.rand(x.shape) >= p) / (1 - p) if training else x * (1 - p)


@dropout.mistake(
    "`x.get_device()` is −1 on a CPU, which is no device. Use `x.device`, or `torch.rand_like(x)`.",
    origin="2 of 126 students",
)
def runs_on_a_gpu_only(x, p, training=True):
    return x * (torch.rand(x.shape, device=x.get_device()) >= p) / (1 - p) if training else x


@dropout.mistake(
    "A boolean mask cannot be divided in place (`mask /= 1 - p`): its entries would have to become "
    "floats. Divide into a new tensor, or divide x.",
    origin="1 of 126 students",
)
def mask_divided_in_place(x, p, training=True):
    if not training:
        return x
    mask = torch.rand(x.shape) >= p
    mask /= 1 - p
    return x * mask


@dropout.mistake(
    "In evaluation nothing comes back: the `return` is inside of `if training:`. With `training=False` return x."
)
def nothing_in_evaluation(x, p, training=True):
    if training:
        return x * (torch.rand(x.shape) >= p) / (1 - p)


_WITH_THE_MASK = (
    "You return two things, the output and its mask. Asked for is the output alone: whoever writes "
    "`x = dropout(x, 0.5)` goes on with a tuple."
)


@dropout.mistake(_WITH_THE_MASK)
def with_the_mask(x, p, training=True):
    mask = torch.rand(x.shape) >= p
    return (x * mask / (1 - p), mask) if training else (x, None)


@dropout.mistake(_WITH_THE_MASK)
def with_the_mask_in_training(x, p, training=True):
    mask = torch.rand(x.shape) >= p
    return (x * mask / (1 - p), mask) if training else x


@dropout.mistake(_WITH_THE_MASK)
def with_a_mask_of_numbers(x, p, training=True):
    mask = (torch.rand(x.shape) >= p).to(x.dtype)
    return (x * mask / (1 - p), mask) if training else (x, mask)


@dropout.mistake(_WITH_THE_MASK)
def with_a_mask_of_numbers_in_training(x, p, training=True):
    mask = (torch.rand(x.shape) >= p).to(x.dtype) / (1 - p)
    return (x * mask, mask) if training else x


_NEGATIVE = (
    "Negative entries come out as 0: a `clamp(min=0)` or a ReLU is in it. x may be negative, and an entry that is kept "
    "keeps its sign."
)


@dropout.mistake(_NEGATIVE)
def negative_ones_lost(x, p, training=True):
    return (x * (torch.rand(x.shape) >= p) / (1 - p)).clamp(min=0) if training else x


@dropout.mistake(_NEGATIVE)
def negative_ones_lost_in_both(x, p, training=True):
    y = x * (torch.rand(x.shape) >= p) / (1 - p) if training else x
    return y.clamp(min=0)


@dropout.alternative
def by_bernoulli(x, p, training=True):
    if not training:
        return x.clone()
    keep = 1 - p
    return x * torch.bernoulli(torch.full_like(x, keep)) / keep


@dropout.alternative
def by_indices(x, p, training=True):
    out = x.clone()
    if training:
        out[torch.rand_like(x) < p] = 0
        out /= 1 - p
    return out


@dropout.alternative
def scaled_mask(x, p, training=True):
    if training:
        mask = (torch.rand(x.shape, dtype=torch.float64) > p).to(x.dtype) / (1.0 - p)
        x = mask * x
    return x


@dropout.alternative
def entry_by_entry(x, p, training=True):
    if not training:
        return x
    coins = torch.rand(x.numel())
    kept = [v / (1 - p) if c < 1 - p else 0 * v for v, c in zip(x.flatten(), coins, strict=True)]
    return torch.stack(kept).reshape(x.shape)

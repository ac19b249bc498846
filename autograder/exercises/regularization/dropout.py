"""Inverted dropout, forward: the technique that students get wrong most."""

import torch

from autograder import probes
from autograder.exercises.regularization.drawing import (
    DROPOUTS,
    at_times,
    dropped_with_p,
    entries,
    evaluated,
    everywhere_alike,
    is_zero,
    often,
    seldom,
    survivors_are,
)
from autograder.exercises.regularization.lab import lab
from autograder.judging import Part
from autograder.judging.checks import keeps_dtype, keeps_the_graph, leaves_inputs_alone
from autograder.judging.statistics import coins_are_independent, share_is
from course_lib import regularization


def _table(rng):
    return {
        "x": entries(rng, int(rng.integers(41, 47)), int(rng.integers(58, 67))),
        "p": seldom(rng),
    }


def _three_axes(rng):
    shape = int(rng.integers(43, 49)), int(rng.integers(5, 7)), int(rng.integers(8, 10))
    return {"x": entries(rng, *shape), "p": often(rng)}


def _alike(rng):
    shape = int(rng.integers(41, 47)), int(rng.integers(58, 67))
    return {"x": everywhere_alike(rng, *shape), "p": at_times(rng)}


def _line(rng):
    return {"x": entries(rng, int(rng.integers(600, 700))), "p": at_times(rng)}


_ENTRIES = survivors_are(kept=lambda x, p: x / (1 - p), evaluation=lambda x, p: x)
_SHARE = share_is(dropped_with_p, "entries are dropped with probability p", of=is_zero)

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
            (_ENTRIES, _SHARE, keeps_the_graph(), leaves_inputs_alone(), keeps_dtype()),
        ),
        Part(
            "a coin for each",
            2,
            (
                _ENTRIES,
                _SHARE,
                coins_are_independent("every entry is dropped by itself", of=is_zero),
                keeps_the_graph(),
            ),
        ),
    ],
    minutes=8,
    difficulty=2,
    syllabus=("8.6",),
    hide=("Formula",),
    inputs=(_table, _three_axes, evaluated(_line), _alike),
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


_NORMAL = (
    "You compare *normal* numbers with a probability (`randn`). Only half of them are above 0, and many "
    "are far from [0, 1]. Uniform numbers are below p with probability p: `torch.rand`."
)


@dropout.mistake(_NORMAL, origin="4 of 126 students, and 7 of 139")
def normal_numbers(x, p, training=True):
    return x * (torch.randn(x.shape) > p) / (1 - p) if training else x


@dropout.mistake(_NORMAL)
def normal_numbers_and_p_is_keep(x, p, training=True):
    return x * (torch.randn(x.shape) < p) / p if training else x


@dropout.mistake(_NORMAL)
def normal_numbers_not_enlarged(x, p, training=True):
    return x * (torch.randn(x.shape) > p) if training else x


@dropout.mistake(_NORMAL)
def normal_numbers_below_the_rest(x, p, training=True):
    return x * (torch.randn(x.shape) < 1 - p) / (1 - p) if training else x


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


_SHARED = (
    "Not every entry has a coin of its own: one number decides over a whole row, column or more. How many "
    "are 0 is right on average, but whole examples or features vanish together. Draw as many numbers as x "
    "has entries: `torch.rand(x.shape)`."
)


@dropout.mistake(_SHARED, origin="2 of 139 students")
def one_mask_for_all_examples(x, p, training=True):
    return x * (torch.rand(x.shape[1:]) >= p) / (1 - p) if training else x


@dropout.mistake(_SHARED)
def one_coin_for_each_example(x, p, training=True):
    if not training:
        return x
    shape = [len(x)] + [1] * (x.ndim - 1)
    return x * (torch.rand(shape) >= p) / (1 - p)


@dropout.mistake(_SHARED)
def one_coin_for_each_feature(x, p, training=True):
    return x * (torch.rand(x.shape[-1]) >= p) / (1 - p) if training else x


@dropout.mistake(
    "It works for two axes only (`N, D = x.shape`). x may have any number of them: "
    "`torch.rand(x.shape)`.",
    origin="10 of 139 students",
)
def for_tables_only(x, p, training=True):
    if not training:
        return x
    n, d = x.shape
    return x * (torch.rand(n, d) >= p) / (1 - p)


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
    "The entries that are kept are multiplied by their random numbers. The numbers only decide; what "
    "is kept is divided by 1 − p.",
    origin="1 of 126 students",
)
def random_weights(x, p, training=True):
    if not training:
        return x
    mask = torch.rand(x.shape)
    mask[mask < p] = 0
    return x * mask


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
    "You multiply by normal noise of the right mean and variance. That is another technique "
    "(Gaussian dropout): here entries are 0 or x/(1 − p)."
)
def gaussian_noise(x, p, training=True):
    return x * (1 + (p / (1 - p)) ** 0.5 * torch.randn(x.shape)) if training else x


@dropout.mistake(
    "The same entries are dropped at every call: the generator is seeded inside the function. Every "
    "call needs fresh coins."
)
def seeded(x, p, training=True):
    torch.manual_seed(0)
    return x * (torch.rand(x.shape) >= p) / (1 - p) if training else x


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

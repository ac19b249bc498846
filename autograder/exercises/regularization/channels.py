"""Channel dropout: whole feature maps, of every example its own."""

import torch

from autograder import probes
from autograder.exercises.regularization.drawing import (
    DROPOUTS,
    dropped_with_p,
    each_by_itself,
    entries,
    evaluated,
    is_training,
    is_zero,
    p_or_the_rest,
    share_of_coins,
    sizes_of,
    stays_in_the_graph,
    survivors_are,
    told_apart_by,
)
from autograder.exercises.regularization.lab import lab
from autograder.judging import Part
from autograder.judging.checks import Check, finding, leaves_inputs_alone
from course_lib import regularization


def _images(low, high, *maps):
    def draw(rng):
        shape = int(rng.integers(19, 23)), int(rng.integers(13, 17)), *maps
        return {"x": entries(rng, *shape), "p": float(rng.uniform(low, high))}

    return draw


_SELDOM, _OFTEN = _images(0.15, 0.2, 3, 2), _images(0.58, 0.64, 2, 3)


def _maps(case):
    """Which maps of all draws are 0 at their first place: one coin for each."""
    zeros = is_zero(case)
    return zeros.reshape(*zeros.shape[:3], -1)[..., 0]


def _whole_maps(case):
    zeros = is_zero(case)
    maps = zeros.reshape(*zeros.shape[:3], -1)
    torn = float((maps.any(axis=-1) != maps.all(axis=-1)).mean())
    gist = "maps are 0 in some places and not in others"
    observed = f"{torn:.0%} of the maps are torn"
    return finding(torn == 0 or not is_training(case.inputs), "whole maps", observed, gist)


_SIZES = survivors_are(kept=lambda x, p: x / (1 - p), evaluation=lambda x, p: x)
_WHOLE = Check("a feature map is dropped as a whole", _whole_maps)
_COINS = each_by_itself("every map has a coin of its own", of=_maps)
_SHARE = share_of_coins(
    dropped_with_p, "maps are dropped with probability p", of=_maps, thrown=_COINS
)

channel_dropout = lab.exercise(
    regularization.channel_dropout,
    title="Drop whole feature maps",
    statement="""Neighboring pixels of a feature map say nearly the same: drop one of them, and the next
convolution sees it in the other. So for convolutions one drops **whole maps**: one coin for every channel of
every example. x has shape (N, C, …) with any number of further axes; everything else as in your `dropout`.

(“Dropout occurs only in fully connected layers”, say some notes. `nn.Dropout2d` is this.)""",
    parts=[
        Part(
            "what is dropped",
            2,
            (_SIZES, _WHOLE, _SHARE, stays_in_the_graph(), leaves_inputs_alone()),
        ),
        Part(
            "the coins",
            1,
            (
                _SIZES,
                _WHOLE,
                _SHARE,
                _COINS,
                stays_in_the_graph(),
            ),
        ),
    ],
    minutes=5,
    core=False,
    syllabus=("8.8",),
    hide=("Formula",),
    inputs=(_SELDOM, _OFTEN, evaluated(_SELDOM), _images(0.15, 0.2, 5)),
    probe=probes.draws(count=16, differentiable=True),
    signature=told_apart_by(sizes_of, lambda draws, inputs: draws == 0, p_or_the_rest),
    forbidden=DROPOUTS,
    hints=("A mask of shape (N, C, 1, 1) multiplies every pixel of a map alike.",),
)


@channel_dropout.mistake(
    "Every pixel has a coin of its own: that is ordinary dropout. Here a map is dropped as a whole."
)
def every_pixel(x, p, training=True):
    return x * (torch.rand(x.shape) >= p) / (1 - p) if training else x


@channel_dropout.mistake(
    "The same channels are dropped in all examples of the batch. Every example has coins of its "
    "own: shape (N, C, 1, 1)."
)
def the_same_channels_for_all(x, p, training=True):
    if not training:
        return x
    shape = [1, x.shape[1]] + [1] * (x.ndim - 2)
    return x * (torch.rand(shape) >= p) / (1 - p)


@channel_dropout.mistake(
    "You drop whole examples, all channels at once. One coin for each *channel* of each example: "
    "shape (N, C, 1, 1)."
)
def whole_examples(x, p, training=True):
    if not training:
        return x
    shape = [len(x)] + [1] * (x.ndim - 1)
    return x * (torch.rand(shape) >= p) / (1 - p)


@channel_dropout.mistake(
    "You drop places, through all channels. One coin for each channel: shape (N, C, 1, 1)."
)
def pixels_through_all_channels(x, p, training=True):
    if not training:
        return x
    return x * (torch.rand(len(x), 1, *x.shape[2:]) >= p) / (1 - p)


@channel_dropout.mistake("You take p for the probability of keeping: 1 − p of the maps are 0.")
def p_is_keep(x, p, training=True):
    if not training:
        return x
    shape = [*x.shape[:2]] + [1] * (x.ndim - 2)
    return x * (torch.rand(shape) < p) / p


@channel_dropout.mistake("The maps that stay are not enlarged: divide by 1 − p.")
def not_enlarged(x, p, training=True):
    if not training:
        return x
    shape = [*x.shape[:2]] + [1] * (x.ndim - 2)
    return x * (torch.rand(shape) >= p)


@channel_dropout.mistake("You divide by p. Maps are kept with probability 1 − p: divide by that.")
def divided_by_p(x, p, training=True):
    if not training:
        return x
    shape = [*x.shape[:2]] + [1] * (x.ndim - 2)
    return x * (torch.rand(shape) >= p) / p


@channel_dropout.mistake(
    "Evaluation multiplies by 1 − p and training does not divide: the original form. Asked for is "
    "the inverted one, as in `dropout`."
)
def original_form(x, p, training=True):
    if not training:
        return (1 - p) * x
    shape = [*x.shape[:2]] + [1] * (x.ndim - 2)
    return x * (torch.rand(shape) >= p)


@channel_dropout.mistake(
    "In evaluation nothing comes back: the `return` is inside of `if training:`. With `training=False` return x."
)
def nothing_in_evaluation(x, p, training=True):
    if training:
        shape = [*x.shape[:2]] + [1] * (x.ndim - 2)
        return x * (torch.rand(shape) >= p) / (1 - p)


@channel_dropout.mistake("You return the mask beside the output. Asked for is the output alone.")
def with_the_mask(x, p, training=True):
    mask = torch.rand([*x.shape[:2]] + [1] * (x.ndim - 2)) >= p
    return (x * mask / (1 - p), mask) if training else (x, None)


@channel_dropout.mistake("You drop maps in evaluation as well.")
def drops_in_evaluation(x, p, training=True):
    shape = [*x.shape[:2]] + [1] * (x.ndim - 2)
    return x * (torch.rand(shape) >= p) / (1 - p)


@channel_dropout.mistake(
    "Your mask has the shape (N, C, 1, 1), which fits images only. There may be one further axis, "
    "or three."
)
def for_images_only(x, p, training=True):
    if not training:
        return x
    return x * (torch.rand(*x.shape[:2], 1, 1) >= p) / (1 - p)


@channel_dropout.mistake(
    "You compare *normal* numbers with a probability: `torch.rand`, not `randn`."
)
def normal_numbers(x, p, training=True):
    if not training:
        return x
    shape = [*x.shape[:2]] + [1] * (x.ndim - 2)
    return x * (torch.randn(shape) >= p) / (1 - p)


@channel_dropout.mistake("Nothing is dropped.")
def never_drops(x, p, training=True):
    return x.clone()


@channel_dropout.mistake("The same maps are dropped at every call: do not seed in the function.")
def seeded(x, p, training=True):
    torch.manual_seed(0)
    if not training:
        return x
    shape = [*x.shape[:2]] + [1] * (x.ndim - 2)
    return x * (torch.rand(shape) >= p) / (1 - p)


@channel_dropout.alternative
def by_bernoulli(x, p, training=True):
    if not training:
        return x
    coins = torch.bernoulli(torch.full(x.shape[:2], 1 - p, dtype=x.dtype))
    return (x.flatten(2) * coins[:, :, None] / (1 - p)).view(x.shape)


@channel_dropout.alternative
def by_indices(x, p, training=True):
    y = x.clone()
    if training:
        y = y / (1 - p)
        y[torch.rand(x.shape[:2]) < p] = 0
    return y

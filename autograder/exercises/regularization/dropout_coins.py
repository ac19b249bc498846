"""Inverted dropout: wrong ways to throw the coins."""

import torch

from autograder.exercises.regularization.dropout import dropout

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

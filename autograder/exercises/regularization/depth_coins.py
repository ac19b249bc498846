"""Stochastic depth: wrong ways to throw the coins."""

import torch

from autograder.exercises.regularization.depth import stochastic_depth


@stochastic_depth.mistake(
    "Every entry of the branch has a coin of its own: that is dropout. Here a branch is kept or "
    "dropped as a whole, one coin for each example."
)
def one_coin_for_each_entry(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    return x + (torch.rand(x.shape) < survival) * branch


_ONE_FOR_ALL = (
    "All examples of a batch share their fate: one coin decides for the whole batch, as in the paper, or none is "
    "thrown at all. Here every example has its own: as many random numbers as there are examples."
)


@stochastic_depth.mistake(_ONE_FOR_ALL)
def one_coin_for_the_batch(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    return x + (torch.rand(1) < survival) * branch


@stochastic_depth.mistake(_ONE_FOR_ALL)
def one_coin_in_python(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    return x + branch if torch.rand(1).item() < survival else x


@stochastic_depth.mistake(_ONE_FOR_ALL)
def always_dropped(x, branch, survival, training=True):
    return x.clone() if training else x + survival * branch


@stochastic_depth.mistake(
    "The coins lie along the wrong axis: examples are the first one. As many random numbers as "
    "examples, in the shape (N, 1, …)."
)
def one_coin_for_each_feature(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    return x + (torch.rand(1, *x.shape[1:]) < survival) * branch


@stochastic_depth.mistake(
    "The channels of an image have a coin each in yours. One coin decides over all of an "
    "example's branch: shape (N, 1, 1, …)."
)
def one_coin_for_each_channel(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    shape = [*x.shape[:2]] + [1] * (x.ndim - 2)
    if x.ndim == 2:
        shape = [len(x), 1]
    return x + (torch.rand(shape) < survival) * branch


@stochastic_depth.mistake(
    "Your coins have the shape (N, 1), which fits tables only. For images it has to be (N, 1, 1, "
    "1): one axis of length 1 for every further axis of x."
)
def for_tables_only(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    return x + (torch.rand(len(x), 1) < survival) * branch


@stochastic_depth.mistake(
    "You compare *normal* numbers with a probability (`randn`). Uniform ones are below it with "
    "that probability: `torch.rand`."
)
def normal_numbers(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    shape = [len(x)] + [1] * (x.ndim - 1)
    return x + (torch.randn(shape) < survival) * branch


@stochastic_depth.mistake(
    "The same branches are dropped at every call: do not seed the generator in the function."
)
def seeded(x, branch, survival, training=True):
    torch.manual_seed(0)
    if not training:
        return x + survival * branch
    shape = [len(x)] + [1] * (x.ndim - 1)
    return x + (torch.rand(shape) < survival) * branch


@stochastic_depth.mistake(
    "Your coins have the shape (N, 1, 1, 1), which fits images only: added to a table (N, D) they give another shape. "
    "One axis of length 1 for every further axis of x, however many there are."
)
def for_images_only(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    return x + (torch.rand(len(x), 1, 1, 1) < survival) * branch


@stochastic_depth.mistake(
    "One coin for every channel decides in all examples alike. The coins belong to the examples, the first axis: "
    "(N, 1, …)."
)
def one_coin_for_each_channel_of_all(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    shape = [1, x.shape[1]] + [1] * (x.ndim - 2)
    return x + (torch.rand(shape) < survival) * branch


@stochastic_depth.mistake(
    "Every channel of an example has a coin of its own (in a table: every entry). One coin decides over all of an "
    "example's branch: shape (N, 1, 1, …)."
)
def one_coin_for_each_channel_or_entry(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    shape = [*x.shape[:2]] + [1] * (x.ndim - 2)
    return x + (torch.rand(shape) < survival) * branch


@stochastic_depth.mistake(
    "The coins are right but for their probability: it is near to `survival` and not the same. Compare `torch.rand`, "
    "which is below it with that probability, with `survival` itself."
)
def a_little_too_often(x, branch, survival, training=True):
    if not training:
        return x + survival * branch
    shape = [len(x)] + [1] * (x.ndim - 1)
    return x + (torch.rand(shape) < survival + 0.05) * branch

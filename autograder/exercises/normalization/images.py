"""Batch normalization of images: one mean and variance per channel."""

import torch

from autograder import probes
from autograder.exercises.normalization.drawing import (
    TORCH_BATCH_NORM,
    draw_bias,
    draw_eps,
    draw_image_shape,
    draw_images,
    draw_weight,
    without,
)
from autograder.exercises.normalization.lab import lab
from autograder.exercises.normalization.training import (
    LEARNED_THROUGH,
    OUTSIDE_OF_THE_GRAPH,
    layer_parts,
)
from course_lib import normalization
from course_lib.normalization import batch_norm


def draw_image_batch(rng):
    """A few images whose channels, examples and positions all differ."""
    shape = draw_image_shape(rng)
    return {
        "x": draw_images(rng, shape),
        "weight": draw_weight(rng, shape[1]),
        "bias": draw_bias(rng, shape[1]),
        "eps": draw_eps(rng),
    }


batch_norm_2d = lab.repair(
    normalization.batch_norm_2d,
    planted="reshape_without_moving_the_channels",
    title="Repair: normalize images",
    statement="""In a convolutional network a channel means the same at every position. So batch
normalization of images has **one** mean, variance, γ and β **per channel**, taken over all examples
*and all positions*: a batch (N, C, H, W) is treated as N·H·W examples with C features.

The code below says just that. It runs, its output has the right shape, and even a numerical
gradient check passes. Still it is wrong. Find the bug and mend it: some lines of yours will do.
(Gradients must flow back through it as before.)

*Where to look:* `x.reshape` never moves a number in memory, it only cuts the same sequence into
other rows. Take `x = torch.arange(2 * 3 * 2 * 2).reshape(2, 3, 2, 2)` and look at one column of
`x.reshape(-1, 3)`. Which channels are its numbers from?""",
    parts=layer_parts("the normalized images", 2, 1),
    minutes=8,
    difficulty=2,
    core=False,
    syllabus=("5.4",),
    hide=("Convention", "Raises"),
    inputs=(draw_image_batch, without(draw_image_batch, "eps"), draw_image_batch),
    probe=probes.gradients(*LEARNED_THROUGH),
    forbidden=TORCH_BATCH_NORM,
    needs=("normalization/batch_norm",),
    hints=(
        "Every row given to `batch_norm` should be one position of one image, with its C "
        "channel values. In which order of axes do these values stand side by side?",
        "`x.movedim(1, -1)` gives (N, H, W, C); now `reshape(-1, C)` does what the comment says.",
        "On the way back, undo both steps in reverse order: reshape to (N, H, W, C), then "
        "`movedim(-1, 1)`.",
    ),
)


@batch_norm_2d.mistake(
    "`x.reshape(-1, C)` cuts (N, C, H, W) into rows of C neighboring pixels, so every column "
    "mixes the channels. Move the channel axis last before you reshape.",
    origin="9 of 116 students",
)
def reshape_without_moving_the_channels(x, weight, bias, *, eps=1e-5):
    channels = x.shape[1]
    rows = x.reshape(-1, channels)  # one row per position
    y = batch_norm(rows, weight, bias, eps=eps)
    return y.reshape(x.shape)


@batch_norm_2d.mistake(
    "You give every pixel position its own mean and variance, taken over the N examples alone. A "
    "channel has one of each, over examples and positions.",
    origin="6 of 111 students",
)
def statistics_of_each_position(x, weight, bias, *, eps=1e-5):
    y = torch.empty_like(x)
    for c in range(x.shape[1]):
        positions = x[:, c].reshape(len(x), -1)
        scale, shift = weight[c].expand(positions.shape[1]), bias[c].expand(positions.shape[1])
        y[:, c] = batch_norm(positions, scale, shift, eps=eps).reshape(y[:, c].shape)
    return y


@batch_norm_2d.mistake(
    "You normalize every image by itself (that is instance normalization). Take the mean and "
    "variance of a channel over all images of the batch as well.",
    origin="1 of 111 students",
)
def statistics_of_each_example(x, weight, bias, *, eps=1e-5):
    mean = x.mean(dim=(2, 3), keepdim=True)
    variance = x.var(dim=(2, 3), keepdim=True, unbiased=False)
    x_hat = (x - mean) / torch.sqrt(variance + eps)
    return weight[:, None, None] * x_hat + bias[:, None, None]


@batch_norm_2d.mistake(
    "`view` cannot flatten a tensor whose axes were moved, because its numbers are not in that "
    "order in memory. Use `reshape`, or `.contiguous()` first.",
    origin="1 of 116 students",
    raises="RuntimeError",
)
def view_of_moved_channels(x, weight, bias, *, eps=1e-5):
    moved = x.permute(0, 2, 3, 1)
    y = batch_norm(moved.view(-1, x.shape[1]), weight, bias, eps=eps)
    return y.view(moved.shape).permute(0, 3, 1, 2)


@batch_norm_2d.mistake(
    "You move the channels last before you normalize, but reshape straight back to (N, C, H, W). "
    "Undo the steps in reverse: reshape to (N, H, W, C), then move the channels to the front."
)
def channels_not_moved_back(x, weight, bias, *, eps=1e-5):
    rows = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
    return batch_norm(rows, weight, bias, eps=eps).reshape(x.shape)


@batch_norm_2d.mistake("Your result is (N, H, W, C): move the channels back to the second place.")
def channels_left_at_the_end(x, weight, bias, *, eps=1e-5):
    moved = x.permute(0, 2, 3, 1)
    y = batch_norm(moved.reshape(-1, x.shape[1]), weight, bias, eps=eps)
    return y.reshape(moved.shape)


@batch_norm_2d.mistake(
    "A weight of shape (C,) lines up with the last axis, the width, not with the channels (and "
    "goes unnoticed where W = C). Give it the shape (C, 1, 1).",
    raises="RuntimeError",
)
def broadcasts_along_the_width(x, weight, bias, *, eps=1e-5):
    mean = x.mean(dim=(0, 2, 3), keepdim=True)
    variance = x.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
    return weight * (x - mean) / torch.sqrt(variance + eps) + bias


@batch_norm_2d.mistake(
    "You divide the variance by N·H·W − 1. Normalizing uses the biased variance, divided by N·H·W."
)
def unbiased_variance(x, weight, bias, *, eps=1e-5):
    mean, variance = x.mean(dim=(0, 2, 3), keepdim=True), x.var(dim=(0, 2, 3), keepdim=True)
    x_hat = (x - mean) / torch.sqrt(variance + eps)
    return weight[:, None, None] * x_hat + bias[:, None, None]


@batch_norm_2d.mistake(
    "You do not pass `eps` on to `batch_norm`, which then uses its default of 1e-5."
)
def forgets_eps(x, weight, bias, *, eps=1e-5):
    moved = x.movedim(1, -1)
    y = batch_norm(moved.reshape(-1, x.shape[1]), weight, bias)
    return y.reshape(moved.shape).movedim(-1, 1)


@batch_norm_2d.mistake(
    "You take one mean and variance for all channels together. Each channel has its own."
)
def over_all_channels(x, weight, bias, *, eps=1e-5):
    x_hat = (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + eps)
    return weight[:, None, None] * x_hat + bias[:, None, None]


@batch_norm_2d.mistake(OUTSIDE_OF_THE_GRAPH)
def outside_of_the_graph(x, weight, bias, *, eps=1e-5):
    moved = x.movedim(1, -1).detach()
    y = batch_norm(moved.reshape(-1, x.shape[1]), weight.detach(), bias.detach(), eps=eps)
    return y.reshape(moved.shape).movedim(-1, 1)


@batch_norm_2d.alternative
def permuted(x, weight, bias, *, eps=1e-5):
    n, c, h, w = x.shape
    rows = x.permute(0, 2, 3, 1).contiguous().view(-1, c)
    y = batch_norm(rows, weight, bias, eps=eps)
    return y.view(n, h, w, c).permute(0, 3, 1, 2)


@batch_norm_2d.alternative
def swapped_axes(x, weight, bias, *, eps=1e-5):
    turned = x.swapaxes(1, 3)  # (N, W, H, C)
    y = batch_norm(turned.reshape(-1, x.shape[1]), weight, bias, eps=eps)
    return y.reshape(turned.shape).swapaxes(1, 3)


@batch_norm_2d.alternative
def transposed(x, weight, bias, *, eps=1e-5):
    n, c, h, w = x.shape
    rows = x.transpose(0, 1).reshape(c, -1).T
    y = batch_norm(rows, weight, bias, eps=eps)
    return y.T.reshape(c, n, h, w).transpose(0, 1)


@batch_norm_2d.alternative
def over_three_axes(x, weight, bias, *, eps=1e-5):
    mean = x.mean(dim=(0, 2, 3), keepdim=True)
    variance = ((x - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
    x_hat = (x - mean) / (variance + eps) ** 0.5
    return x_hat * weight.view(1, -1, 1, 1) + bias.view(1, -1, 1, 1)


@batch_norm_2d.alternative
def channel_by_channel(x, weight, bias, *, eps=1e-5):
    y = torch.empty_like(x)
    for c in range(x.shape[1]):
        column = x[:, c].reshape(-1, 1)
        y[:, c] = batch_norm(column, weight[c : c + 1], bias[c : c + 1], eps=eps).reshape(
            x[:, c].shape
        )
    return y

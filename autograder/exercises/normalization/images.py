"""Batch normalization of images: one mean and variance per channel."""

import torch

from autograder import probes
from autograder.exercises.normalization.drawing import (
    TORCH_BATCH_NORM,
    draw_eps,
    draw_image_shape,
    draw_images,
    draw_weight,
    spread_out,
    without,
)
from autograder.exercises.normalization.lab import lab
from autograder.exercises.normalization.modules import BUFFERS, trajectory_parts
from autograder.judging import edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import normalization
from course_lib.normalization import batch_norm


def draw_image_batch(rng):
    """A few images whose channels, examples and positions all differ."""
    shape = draw_image_shape(rng)
    return {
        "x": draw_images(rng, shape),
        "weight": draw_weight(rng, shape[1]),
        "bias": rng.normal(size=shape[1]) + 1,
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

*Where to look:* `x.reshape` never moves a number in memory, it only cuts the same sequence into
other rows. Take `x = torch.arange(2 * 3 * 2 * 2).reshape(2, 3, 2, 2)` and look at one column of
`x.reshape(-1, 3)`. Which channels are its numbers from?""",
    points=3,
    minutes=8,
    difficulty=2,
    syllabus=("5.4",),
    hide=("Convention", "Raises"),
    inputs=(draw_image_batch, without(draw_image_batch, "eps"), draw_image_batch),
    probe=probes.call(),
    checks=[matches_reference("the normalized images"), leaves_inputs_alone(), keeps_dtype()],
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


def draw_image_training(rng):
    """Batches of images of different spread in training, then evaluation, then a gradient."""
    shape = draw_image_shape(rng)
    channels = shape[1]
    spreads = rng.permutation([0.4, 1.0, 2.5, 5.0])
    batches = [spread_out(draw_images(rng, shape), spread) for spread in spreads]
    one = (1, *shape[1:])
    return {
        "construct": {
            "num_features": channels,
            "eps": draw_eps(rng),
            "momentum": float(rng.uniform(0.15, 0.4)),
        },
        "steps": [
            {"do": "state", "as": "at the start", "names": BUFFERS},
            {
                "do": "set",
                "as": "parameters",
                "values": {"weight": draw_weight(rng, channels), "bias": rng.normal(size=channels)},
            },
            {"do": "train"},
            {"do": "call", "as": "first batch", "x": batches[0]},
            {"do": "state", "as": "after one batch", "names": BUFFERS},
            {"do": "call", "as": "second batch", "x": batches[1]},
            {"do": "call", "as": "third batch", "x": batches[2][:1]},
            {"do": "state", "as": "after three batches", "names": BUFFERS},
            {"do": "call", "as": "batch without gradients", "x": batches[3], "grad": False},
            {"do": "state", "as": "after training", "names": BUFFERS},
            {"do": "eval"},
            {"do": "call", "as": "one example", "x": draw_images(rng, one), "grad": False},
            {"do": "call", "as": "two examples", "x": draw_images(rng, shape)},
            {"do": "state", "as": "after evaluation", "names": BUFFERS},
            {"do": "train"},
            {"do": "call", "as": "last batch", "x": draw_images(rng, shape)},
            {"do": "backward", "as": "gradients", "grad_output": rng.normal(size=shape)},
            {"do": "eval"},
            {"do": "call", "as": "evaluation with gradients", "x": draw_images(rng, shape)},
            {
                "do": "backward",
                "as": "gradients in evaluation",
                "grad_output": rng.normal(size=shape),
            },
        ],
    }


batch_norm2d = lab.exercise(
    normalization.BatchNorm2d,
    title="Batch normalization of images as a layer",
    statement="""`BatchNorm2d` for images inherits from your `BatchNorm1d`: parameters, buffers and
the two modes are all there. Only the shape is another. Write `forward` for `x` of shape
(N, C, H, W).

*Convention:* the running variance divides by N·H·W − 1, the number of values in a channel less one.
One image of more than one pixel is therefore enough to train on.""",
    parts=trajectory_parts(1, 1, 1, 1),
    minutes=8,
    difficulty=2,
    core=False,
    syllabus=("5.4",),
    blank=("forward",),
    inputs=draw_image_training,
    probe=probes.module(),
    dtypes=("float32", "float32", "float32"),
    forbidden=TORCH_BATCH_NORM,
    needs=("normalization/BatchNorm1d",),
    hints=(
        "The layer you inherit from takes a table of examples and features. Make one.",
        "`x.movedim(1, -1).reshape(-1, self.num_features)` has one row per position.",
        "`y = super().forward(rows)`, then reshape to (N, H, W, C) and move the channels back.",
    ),
)


@batch_norm2d.mistake(
    "`x.reshape(-1, C)` mixes the channels: it cuts (N, C, H, W) into rows of neighboring pixels. "
    "Move the channel axis last first.",
    origin="9 of 116 students",
)
def mixes_the_channels(self, x):
    rows = x.reshape(-1, self.num_features)
    return super().forward(rows).reshape(x.shape)


@batch_norm2d.mistake(
    "The running statistics keep their first values. Training must move them, which your "
    "`BatchNorm1d` already does.",
    origin="1 of 116 students",
)
def never_stores(self, x):
    mean, variance = self.running_mean, self.running_var
    if self.training:
        mean = x.mean(dim=(0, 2, 3))
        variance = x.var(dim=(0, 2, 3), unbiased=False)
    x_hat = (x - mean[:, None, None]) / torch.sqrt(variance[:, None, None] + self.eps)
    return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


@batch_norm2d.mistake(
    "In training you normalize every image by itself (instance normalization). Take the "
    "statistics of a channel over all images of the batch as well.",
    origin="1 of 111 students",
)
def statistics_of_each_example(self, x):
    if self.training:
        mean = x.mean(dim=(2, 3), keepdim=True)
        variance = x.var(dim=(2, 3), keepdim=True, unbiased=False)
        with torch.no_grad():
            self.running_mean.lerp_(x.mean(dim=(0, 2, 3)), self.momentum)
            self.running_var.lerp_(x.var(dim=(0, 2, 3)), self.momentum)
    else:
        mean = self.running_mean[:, None, None]
        variance = self.running_var[:, None, None]
    x_hat = (x - mean) / torch.sqrt(variance + self.eps)
    return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


batch_norm2d.mistake(
    "statistics_move_twice",
    edit(
        "y = super()", "super().forward(channels_last.reshape(-1, self.num_features))\ny = super()"
    ),
    "You call the layer twice for one batch, so that the running statistics move twice.",
    origin="1 of 111 students",
)


@batch_norm2d.mistake(
    "In evaluation you still use the statistics of the batch. Use the running ones.",
    origin="1 of 111 students",
)
def evaluates_with_the_batch(self, x):
    mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)
    if self.training:
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(x.var(dim=(0, 2, 3)), self.momentum)
    x_hat = (x - mean[:, None, None]) / torch.sqrt(variance[:, None, None] + self.eps)
    return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


@batch_norm2d.mistake(
    "You correct the running variance with N/(N − 1). A channel has N·H·W values, so the factor "
    "is N·H·W / (N·H·W − 1)."
)
def bessel_counts_images(self, x):
    mean, variance = self.running_mean, self.running_var
    if self.training:
        mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)
        n = len(x)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * n / (n - 1), self.momentum)
    x_hat = (x - mean[:, None, None]) / torch.sqrt(variance[:, None, None] + self.eps)
    return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


@batch_norm2d.mistake("You store the biased variance. The running variance divides by N·H·W − 1.")
def biased_running_variance(self, x):
    mean, variance = self.running_mean, self.running_var
    if self.training:
        mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance, self.momentum)
    x_hat = (x - mean[:, None, None]) / torch.sqrt(variance[:, None, None] + self.eps)
    return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


@batch_norm2d.mistake(
    "You use the variance divided by N·H·W − 1 for both. It is what is stored; normalizing in "
    "training uses the biased one, divided by N·H·W."
)
def unbiased_everywhere(self, x):
    mean, variance = self.running_mean, self.running_var
    if self.training:
        mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3))
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance, self.momentum)
    x_hat = (x - mean[:, None, None]) / torch.sqrt(variance[:, None, None] + self.eps)
    return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


@batch_norm2d.mistake(
    "Your buffers require a gradient: each keeps the graph of all batches before it, and memory "
    "grows. Update them under `torch.no_grad()`."
)
def buffers_in_the_graph(self, x):
    mean, variance = self.running_mean, self.running_var
    if self.training:
        m = self.momentum
        mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)
        self.running_mean = (1 - m) * self.running_mean + m * mean
        self.running_var = (1 - m) * self.running_var + m * x.var(dim=(0, 2, 3))
    x_hat = (x - mean[:, None, None]) / torch.sqrt(variance[:, None, None] + self.eps)
    return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


@batch_norm2d.mistake(
    "You average every image over its positions first, so all pixels come out alike. Each "
    "position is an example of its own.",
    raises="ValueError",
)
def variance_of_image_means(self, x):
    return super().forward(x.mean(dim=(2, 3)))[:, :, None, None].expand_as(x)


batch_norm2d.mistake(
    "channels_left_at_the_end",
    edit(".movedim(-1, 1)", ""),
    "Your result is (N, H, W, C): move the channels back to the second place.",
    raises="RuntimeError",
)
batch_norm2d.mistake(
    "channels_not_moved_back",
    edit("channels_last.shape).movedim(-1, 1)", "x.shape)"),
    "You reshape straight back to (N, C, H, W). Undo the steps in reverse: reshape to (N, H, W, "
    "C), then move the channels to the front.",
)


@batch_norm2d.alternative
def permuted(self, x):
    n, c, h, w = x.shape
    y = super().forward(x.permute(0, 2, 3, 1).contiguous().view(-1, c))
    return y.view(n, h, w, c).permute(0, 3, 1, 2)


@batch_norm2d.alternative
def flattened(self, x):
    rows = x.transpose(0, 1).flatten(1).T
    y = super().forward(rows).T
    return y.reshape(x.shape[1], x.shape[0], *x.shape[2:]).transpose(0, 1)


@batch_norm2d.alternative
def over_three_axes(self, x):
    mean, variance = self.running_mean, self.running_var
    if self.training:
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        n = x.numel() / x.shape[1]
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * n / (n - 1), self.momentum)
    scale = self.weight / torch.sqrt(variance + self.eps)
    shift = self.bias - mean * scale
    return x * scale[:, None, None] + shift[:, None, None]

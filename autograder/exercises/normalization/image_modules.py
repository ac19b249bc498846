"""Batch normalization of images as a module."""

import torch

from autograder import probes
from autograder.exercises.normalization.drawing import (
    TORCH_BATCH_NORM,
    draw_image_shape,
    draw_images,
)
from autograder.exercises.normalization.lab import lab
from autograder.exercises.normalization.trajectory import draw_trajectory, trajectory_parts
from autograder.judging import edit
from course_lib import normalization


def draw_image_training(rng):
    """Batches of images of different spread, the third of a single one."""
    shape = draw_image_shape(rng)

    def draw(size):
        return draw_images(rng, (size, *shape[1:]))

    batches = [draw(size) for size in (shape[0], shape[0], 1, shape[0], shape[0])]
    return draw_trajectory(rng, batches, draw)


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
    "You call the layer for one image after the other: each is normalized by itself, and the "
    "running statistics move once an image. Make one table of all images, and call it once a "
    "batch."
)
def image_by_image(self, x):
    normalized = []
    for image in x:
        normalized.append(super().forward(image.flatten(1).T).T.reshape(image.shape))
    return torch.stack(normalized)


@batch_norm2d.mistake(
    "The output is right, but your running statistics move once for every image. They move once a "
    "batch, toward the mean and variance of all its images."
)
def statistics_move_once_an_image(self, x):
    mean, variance = self.running_mean, self.running_var
    if self.training:
        mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)
        with torch.no_grad():
            for image in x:
                self.running_mean.lerp_(image.mean(dim=(1, 2)), self.momentum)
                self.running_var.lerp_(image.var(dim=(1, 2)), self.momentum)
    x_hat = (x - mean[:, None, None]) / torch.sqrt(variance[:, None, None] + self.eps)
    return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


@batch_norm2d.mistake(
    "Your buffers have the shape (1, C, 1, 1) instead of (C,), from `keepdim=True`. The numbers "
    "are right, but they no longer fit a saved model."
)
def buffers_of_four_axes(self, x):
    m = self.momentum
    mean, variance = (b.reshape(1, -1, 1, 1) for b in (self.running_mean, self.running_var))
    if self.training:
        with torch.no_grad():
            self.running_mean = (1 - m) * mean + m * x.mean(dim=(0, 2, 3), keepdim=True)
            self.running_var = (1 - m) * variance + m * x.var(dim=(0, 2, 3), keepdim=True)
        mean = x.mean(dim=(0, 2, 3), keepdim=True)
        variance = x.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
    x_hat = (x - mean) / torch.sqrt(variance + self.eps)
    return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


batch_norm2d.mistake(
    "view_of_moved_channels",
    edit(".reshape(-1,", ".view(-1,"),
    "`view` cannot flatten a tensor whose axes were moved, because its numbers are not in that "
    "order in memory. Use `reshape`, or `.contiguous()` first.",
    origin="1 of 116 students",
    raises="RuntimeError",
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


COUNTS_IMAGES = (
    "You correct the running variance with N/(N − 1). A channel has N·H·W values, so the factor is "
    "N·H·W / (N·H·W − 1); with a single image yours divides by zero."
)


@batch_norm2d.mistake(COUNTS_IMAGES)
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


@batch_norm2d.mistake(COUNTS_IMAGES, raises="ZeroDivisionError")
def bessel_counts_images_in_python(self, x):
    mean, variance = self.running_mean, self.running_var
    if self.training:
        mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)
        n = len(x)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(n / (n - 1) * variance, self.momentum)
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

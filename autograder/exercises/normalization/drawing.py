"""Inputs on which no two normalizations agree by chance."""

from __future__ import annotations

import numpy as np

from autograder.judging.exercise import Draw, Inputs

TORCH_BATCH_NORM = (
    "torch.nn.functional.batch_norm",
    "torch.nn.BatchNorm1d",
    "torch.nn.BatchNorm2d",
    "torch.nn.BatchNorm3d",
    "torch.nn.LazyBatchNorm1d",
    "torch.nn.LazyBatchNorm2d",
    "torch.nn.SyncBatchNorm",
    "torch.nn.functional.instance_norm",
    "torch.nn.functional.layer_norm",
    "torch.nn.functional.group_norm",
    "torch.nn.LayerNorm",
    "torch.nn.GroupNorm",
    "torch.batch_norm",
    "torch.native_batch_norm",
    "torch.layer_norm",
    "torch.native_layer_norm",
    "torch.group_norm",
    "torch.native_group_norm",
    "torch.instance_norm",
    "torch.ops",
)
AUTOGRAD = ("torch.autograd", "torch.func", ".backward", ".requires_grad_", "torch.nn.grad")


def without(draw: Draw, *names: str) -> Draw:
    """The same inputs without some arguments, so that their defaults count."""

    def draw_the_others(rng: np.random.Generator) -> Inputs:
        return {name: value for name, value in draw(rng).items() if name not in names}

    return draw_the_others


def draw_rows(rng: np.random.Generator) -> int:
    """A batch size at which dividing by N and by N − 1 differ, and that no answer knows.

    1/N has no rounding in it: `torch.ones(N, C) / N`, which is in float32, is as right as 1 / N.
    """
    return int(rng.choice([4, 8]))


def draw_features(rng: np.random.Generator) -> int:
    """A number of features that is never the batch size."""
    return int(rng.choice([5, 7, 9]))


def draw_eps(rng: np.random.Generator) -> float:
    """An ε large enough to show where it stands, and whether it stands there at all."""
    return float(rng.uniform(0.02, 0.1))


def draw_table(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """A table whose columns differ in mean and spread; the first hardly varies, the next not at all.

    In the first, ε dominates the variance; the constant one divides by zero without ε. No mean is
    so large that E[x²] − E[x]² loses its digits in float32.
    """
    x: np.ndarray = rng.normal(size=(rows, columns)) * rng.uniform(0.5, 3, columns)
    x[:, 0] *= 0.02
    x += rng.uniform(-3, 3, columns)
    x[:, 1] = rng.integers(-8, 9) / 4  # so round that its mean is exact and 0/0 is 0/0
    return x


def draw_weight(rng: np.random.Generator, size: int) -> np.ndarray:
    """Weights of both signs, none near zero or one in absolute value twice."""
    signs = rng.permutation(np.where(np.arange(size) % 2, 1.0, -1.0))
    return np.asarray(signs * rng.uniform(0.3, 2.5, size))


def draw_bias(rng: np.random.Generator, size: int) -> np.ndarray:
    """Biases around 1, which is seen wherever it is forgotten; one of them is negative."""
    bias = rng.normal(size=size) + 1
    bias[rng.integers(size)] = rng.uniform(-2, -0.5)
    return bias


def draw_image_shape(rng: np.random.Generator) -> tuple[int, int, int, int]:
    """N, C, H and W, no two of them equal."""
    channels, height, width, images = (int(n) for n in rng.permutation([3, 4, 5, 6]))
    return int(rng.choice([2, images])), channels, height, width


def draw_images(rng: np.random.Generator, shape: tuple[int, int, int, int]) -> np.ndarray:
    """Images whose channels differ in mean and spread, and whose examples and positions do too.

    The first channel hardly varies, so that ε dominates its variance.
    """
    n, c, h, w = shape
    x: np.ndarray = rng.normal(size=shape) * rng.uniform(0.5, 3, (1, c, 1, 1))
    x += rng.normal(size=(n, 1, 1, 1)) + rng.normal(size=(1, 1, h, w))
    x[:, 0] *= 0.05
    return x + rng.uniform(-3, 3, (1, c, 1, 1))


def spread_out(x: np.ndarray, spread: float) -> np.ndarray:
    """The same batch with other deviations from the mean of each feature or channel."""
    mean = x.mean(axis=(0, *range(2, x.ndim)), keepdims=True)
    spread_x: np.ndarray = mean + spread * (x - mean)
    return spread_x

"""Data on which no two ways of preprocessing agree by chance."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograder.judging.checks import float_dtype
from autograder.judging.comparison import Tolerance, same
from autograder.judging.exercise import Draw, Inputs

LIBRARIES = ("sklearn", "scipy", "torchvision")
"""Libraries that would do the exercise. `torch.cov`, `eigh` and `svd` are tools and allowed."""

PRINCIPAL_COMPONENTS = (*LIBRARIES, "torch.pca_lowrank", "torch.svd_lowrank")

NOT_TRAINED = {
    "everything is done under torch.no_grad()": "data are prepared, and their constants measured or "
    "read, before anything is trained: no gradient is asked for"
}
"""Mutants that make no difference to preprocessing."""


def without(draw: Draw, *names: str) -> Draw:
    """The same inputs without some arguments, so that their defaults count."""

    def draw_the_others(rng: np.random.Generator) -> Inputs:
        return {name: value for name, value in draw(rng).items() if name not in names}

    return draw_the_others


def draw_table(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Columns of different mean and spread, far from centered."""
    spread = rng.uniform(0.5, 3, columns)
    mean = rng.choice([-1, 1], columns) * rng.uniform(2, 8, columns)
    x: np.ndarray = mean + spread * rng.normal(size=(rows, columns))
    return x


def draw_image_shape(rng: np.random.Generator) -> tuple[int, int, int, int]:
    """N, C, H and W, no two of them equal, and neither of the first two 1."""
    images, channels, height, width = (int(n) for n in rng.permutation([3, 4, 5, 6]))
    return images, channels, height, width


def draw_images(rng: np.random.Generator, shape: tuple[int, int, int, int]) -> np.ndarray:
    """Images whose channels differ in mean and spread, and whose images and positions do too."""
    n, c, h, w = shape
    x: np.ndarray = rng.normal(size=shape) * rng.uniform(0.5, 2, (1, c, 1, 1))
    x += rng.normal(size=(n, 1, 1, 1)) + rng.normal(size=(1, 1, h, w))
    means = rng.permutation(np.linspace(-4, 4, c) + rng.uniform(-0.5, 0.5, c))
    return np.asarray(x + means[:, None, None])


def draw_bytes(rng: np.random.Generator, shape: tuple[int, int, int, int]) -> np.ndarray:
    """The same as bytes, bright enough that their sums do not fit into a byte."""
    x = draw_images(rng, shape)
    return np.clip(110 + 15 * x, 0, 255).astype(np.uint8)


def draw_correlated(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Rows spread by about 4, 2, 1, … along random directions, around a mean far from zero.

    Every variance is clearly another one, so that components are unique up to their sign.
    """
    directions, _ = np.linalg.qr(rng.normal(size=(columns, columns)))
    # Rows are made uncorrelated first: a few drawn ones could come out nearly round.
    scores, _ = np.linalg.qr(rng.normal(size=(rows, columns)) - 0.1)
    scores -= scores.mean(axis=0)
    spread = 4.0 * 2.0 ** -np.arange(columns) * rng.uniform(0.85, 1.15, columns) * np.sqrt(rows)
    mean = rng.choice([-1, 1], columns) * rng.uniform(3, 8, columns)
    return np.asarray(mean + scores * spread @ directions.T)


def draw_rows_and_columns(rng: np.random.Generator) -> tuple[int, int]:
    """More rows than columns; dividing by n and by n − 1 differ."""
    return int(rng.integers(9, 14)), int(rng.integers(4, 6))


class UpToSign:
    """What a decomposition found, equal to another whose vectors differ in sign alone."""

    def __init__(self, values: Any) -> None:
        self.values, self.dtype = values, float_dtype(values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UpToSign):
            return False
        coarser = min(self.dtype, other.dtype)  # "float32" comes before "float64"
        return same(self.values, other.values, Tolerance(dtype=coarser))

    __hash__ = None  # type: ignore[assignment]


def without_signs(observation: dict[str, Any]) -> UpToSign:
    """The signature of answers that return matrices whose columns have arbitrary signs."""
    result = observation.get("result")
    items = result if isinstance(result, list) else [result]
    return UpToSign([_magnitudes(item) for item in items])


def _magnitudes(item: Any) -> Any:
    matrix = isinstance(item, np.ndarray) and item.ndim == 2 and item.dtype.kind == "f"
    return np.abs(item) if matrix else item

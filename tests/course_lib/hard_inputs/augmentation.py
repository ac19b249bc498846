"""Scores and images far out, for what mixes losses and what cuts and resizes."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from course_lib import augmentation
from tests.course_lib.hard_inputs.case import NOT_HALF, Case, normal

_ONE, _OTHER = torch.tensor([0, 2, 1, 2, 0]), torch.tensor([1, 2, 0, 0, 2])
_SCORES = {
    "ordinary": normal(5, 3),
    "far out": 80 * normal(5, 3, seed=1),
    "far from zero": 300 + normal(5, 3, seed=2),
}
_PICTURES = {
    "ordinary": normal(2, 3, 7, 10),
    "far from zero": 100 + normal(2, 3, 7, 10, seed=1),
    "narrow": 1e-3 * normal(2, 3, 7, 10, seed=2),
}
_BOX = torch.tensor([[1, 2, 4, 7]] * 2)


def _with_mixed_targets(
    scores: torch.Tensor, one: torch.Tensor, other: torch.Tensor, weight: float
) -> torch.Tensor:
    first, second = (F.one_hot(labels, 3).to(scores.dtype) for labels in (one, other))
    return F.cross_entropy(scores, weight * first + (1 - weight) * second)


def _slice_and_interpolate(
    images: torch.Tensor, boxes: torch.Tensor, size: tuple[int, int]
) -> torch.Tensor:
    top, left, height, width = boxes[0].tolist()
    piece = images[..., top : top + height, left : left + width]
    return F.interpolate(piece, size, mode="bilinear")


AUGMENTATION = [
    *(
        Case(
            f"mixed_cross_entropy: {name}",
            augmentation.mixed_cross_entropy,
            _with_mixed_targets,
            (scores, _ONE, _OTHER, 0.3),
            dtypes=NOT_HALF,
        )
        for name, scores in _SCORES.items()
    ),
    *(
        Case(
            f"crop_and_resize: {name}",
            augmentation.crop_and_resize,
            _slice_and_interpolate,
            (images, _BOX, (3, 5)),
        )
        for name, images in _PICTURES.items()
    ),
]

"""Data whose sums overflow, and spreads whose squares vanish."""

from __future__ import annotations

import torch

from course_lib import preprocessing
from tests.course_lib.hard_inputs.case import ALL, IMAGES, NOT_HALF, ROWS, TABLES, Case


def _standardized(x_train: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return (x - x_train.mean(0)) / x_train.std(0, correction=0)


def _variances(x: torch.Tensor) -> torch.Tensor:
    return torch.linalg.svdvals(x - x.mean(0)) ** 2 / (len(x) - 1)


PREPROCESSING = [
    Case(f"{name}: {kind}", ours, torchs, arguments, whole=True, dtypes=dtypes)
    for kind, x in TABLES.items()
    for name, ours, torchs, arguments, dtypes in (
        ("center", preprocessing.center, lambda a, b: b - a.mean(0), (x, x[:5]), ALL),
        ("pca", lambda a: preprocessing.pca(a)[1], _variances, (x,), NOT_HALF),
        (
            "largest_stable_rate",
            preprocessing.largest_stable_rate,
            lambda a: 2 * len(a) / torch.linalg.matrix_norm(a, 2) ** 2,
            (x,),
            NOT_HALF,
        ),
        *(
            ("standardize", preprocessing.standardize, _standardized, (a, a[:5]), ALL)
            for a in [x]
            if kind != "one feature constant"
        ),
        (
            "condition_number",
            preprocessing.condition_number,
            lambda a: torch.linalg.cond(a) ** 2,
            (x,),
            NOT_HALF,
        ),
    )
] + [
    Case(f"{name}: {kind}", ours, torchs, arguments, whole=True)
    for kind, x in IMAGES.items()
    for name, ours, torchs, arguments in (
        (
            "channel_statistics",
            preprocessing.channel_statistics,
            lambda a: torch.std_mean(a, (0, 2, 3), correction=0)[::-1],
            (x,),
        ),
        (
            "center_channels",
            preprocessing.center_channels,
            lambda a, b: b - a.mean((0, 2, 3), keepdim=True),
            (x, x[:1]),
        ),
    )
]
PREPROCESSING += [
    Case(
        f"standardize: spreads of {spread:g}",
        preprocessing.standardize,
        _standardized,
        (spread * ROWS, spread * ROWS[:5]),
        whole=True,
        dtypes=(torch.float64, torch.float32, torch.bfloat16),
    )
    for spread in (1e-20, 1e-25, 1e-30)
]

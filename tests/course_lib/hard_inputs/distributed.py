"""Batches on several workers, unlike in size and place, against one process on the whole."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from course_lib import distributed
from course_lib.workers import simulate
from tests.course_lib.hard_inputs.case import NOT_HALF, Case, normal

BATCH = torch.cat([normal(5, 3), 100 + normal(2, 3, seed=1), 1e-3 * normal(4, 3, seed=2)])
TARGET = torch.arange(len(BATCH)) % 4
CUTS = (5, 7)
HIDDEN_CUTS = (2, 3)


def _step(weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    shards = zip(x.tensor_split(CUTS), TARGET.tensor_split(CUTS), strict=True)
    each = [{"x": part, "target": target} for part, target in shards]
    run = simulate(distributed.data_parallel_step, 3, each=each, weight=weight, lr=0.5)
    return run.returned[0]


def _one_process(weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    leaf = weight.clone().requires_grad_()
    F.cross_entropy(x @ leaf, TARGET).backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    return weight - 0.5 * leaf.grad


def _synchronized(x: torch.Tensor) -> torch.Tensor:
    each = [{"x": part} for part in x.tensor_split(CUTS)]
    return torch.cat(simulate(distributed.sync_batch_norm, 3, each=each, eps=0.125).returned)


def _block(x: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> Any:
    each = [
        {"first": a, "first_bias": a.new_zeros(a.shape[1]), "second": b}
        for a, b in zip(
            first.tensor_split(HIDDEN_CUTS, dim=1), second.tensor_split(HIDDEN_CUTS), strict=True
        )
    ]
    bias = second.new_zeros(second.shape[1])
    run = simulate(distributed.tensor_parallel_block, 3, each=each, x=x, second_bias=bias)
    return run.returned[0]


DISTRIBUTED = [
    Case(
        "mean_over_shards",
        lambda a, b: distributed.mean_over_shards([a, b], (7, 3)),
        lambda a, b: (7 * a + 3 * b) / 10,
        (normal(6), 1e3 * normal(6, seed=1)),
        whole=True,
    ),
    Case(
        "data_parallel_step",
        _step,
        _one_process,
        (normal(3, 4, seed=3), BATCH),
        whole=True,
        dtypes=NOT_HALF,
    ),
    Case(
        "sync_batch_norm",
        _synchronized,
        lambda x: F.batch_norm(x, None, None, training=True, eps=0.125),
        (BATCH,),
        whole=True,
        dtypes=NOT_HALF,
    ),
    Case(
        "tensor_parallel_block",
        _block,
        lambda x, first, second: torch.relu(x @ first) @ second,
        (BATCH, normal(3, 6, seed=4), normal(6, 2, seed=5)),
        whole=True,
        dtypes=NOT_HALF,
    ),
]

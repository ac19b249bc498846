"""Lines between processes: tensors of any shape over gloo, which asks how long they are."""

from __future__ import annotations

import contextlib
import datetime
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from course_lib.workers.ledger import Ledger, Unwatched
from course_lib.workers.worker import Worker

_DTYPES = tuple(
    getattr(torch, name)
    for name in "float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool".split()
)
_MOST_AXES = 8


def join(rank: int, size: int, store: Path, seconds: float) -> None:
    """Join the group of a file, as torch's default group; what gloo says about it is not shown."""
    with _silent():
        dist.init_process_group(
            "gloo",
            store=dist.FileStore(str(store), size),  # type: ignore[attr-defined]
            rank=rank,
            world_size=size,
            timeout=datetime.timedelta(seconds=seconds),
        )


def joined() -> Worker:
    """The worker that this process is under torchrun, which tells rank and size by variables.

    Raises: ValueError where torchrun has not started this process.
    """
    if not dist.is_initialized():
        with _silent():
            dist.init_process_group("gloo")
    return Worker(dist.get_rank(), GlooLines(Unwatched(dist.get_world_size())))


class GlooLines:
    """What a worker sends over torch's default group, noted in a ledger.

    A message that is longer than what its receiver expects would end the receiver's process, so
    that each has a header before it: dtype and shape.
    """

    def __init__(self, ledger: Ledger | Unwatched) -> None:
        self.size = ledger.size
        self._ledger = ledger
        self._on_their_way: list[Any] = []  # gloo keeps none of them; who forgets one unsends it

    def post(self, tensor: torch.Tensor, source: int, to: int) -> Callable[[], None]:
        """Send a tensor on its way; what is returned waits until it is received."""
        parts = [part for part in (_header(tensor), _as_bytes(tensor)) if part.numel()]
        number = self._ledger.post(source, to)
        works = [dist.isend(part, to) for part in parts]
        self._on_their_way.append((parts, works))

        def wait() -> None:
            self._ledger.sends(source, to, number)
            for work in works:
                assert work is not None
                work.wait()
            while not self._ledger.is_taken(source, to, number):
                time.sleep(1e-4)
            self._ledger.goes_on(source)

        return wait

    def take(self, source: int, to: int) -> torch.Tensor:
        """Wait for the next tensor from one rank to another."""
        self._ledger.receives(source, to)
        header = torch.empty(2 + _MOST_AXES, dtype=torch.int64, device="cpu")
        dist.recv(header, source)
        code, axes, *shape = header.tolist()
        tensor = torch.empty(shape[:axes], dtype=_DTYPES[code], device="cpu")
        if tensor.numel():
            raw = _as_bytes(tensor)
            dist.recv(raw, source)
            tensor = raw.view(tensor.dtype).reshape(tensor.shape)
        self._ledger.took(source, to)
        return tensor


def _header(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.dtype not in _DTYPES or tensor.ndim > _MOST_AXES:
        raise ValueError(
            f"tensor: got {tensor.dtype} with {tensor.ndim} axes, allowed are numbers that are "
            f"not complex, and at most {_MOST_AXES} axes"
        )
    shape = list(tensor.shape) + [0] * (_MOST_AXES - tensor.ndim)
    return torch.tensor([_DTYPES.index(tensor.dtype), tensor.ndim, *shape], device="cpu")


def _as_bytes(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.cpu().contiguous().reshape(-1).view(torch.uint8)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Close this process's mouth, also for what C prints."""
    kept = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in (1, 2):
            os.dup2(nowhere, number)
        yield
    finally:
        for number, before in zip((1, 2), kept, strict=True):
            os.dup2(before, number)
            os.close(before)
        os.close(nowhere)

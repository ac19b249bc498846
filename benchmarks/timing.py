"""How long calls take on a GPU, without what a cache or a slow host would do to the number."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import torch

Call = Callable[[], Any]
Clock = Callable[[Sequence[Call]], float]
"""Runs calls one after the other; the seconds that all of them took."""

WARM_UP, REPEATS, TOGETHER = 3, 15, 10
CACHES = 4
"""How many times the L2 cache the memory is that is gone through before any of it comes again."""


def rotating(prepare: Callable[[], Call], bytes_of_one: int, cache: int) -> list[Call]:
    """As many calls, each on memory of its own, as go through four times the cache."""
    return [prepare() for _ in range(max(1, math.ceil(CACHES * cache / bytes_of_one)))]


def seconds_a_call(calls: Sequence[Call], clock: Clock) -> float:
    """The median of several measurements of calls in a row, for one of them; warmed up before."""
    batch = [*calls] * math.ceil(TOGETHER / len(calls))
    for _ in range(WARM_UP):
        clock(calls)
    return statistics.median(clock(batch) / len(batch) for _ in range(REPEATS))


def on_the_gpu(calls: Sequence[Call]) -> float:
    """The clock of the GPU, by its own events."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    # While the GPU waits the host gets ahead of it, so that it does not wait between the calls.
    torch.cuda._sleep(20_000_000)
    start.record()
    for call in calls:
        call()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1000


def cache_of_the_gpu() -> int:
    """Bytes of its L2 cache."""
    return int(torch.cuda.get_device_properties(0).L2_cache_size)

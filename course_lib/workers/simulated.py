"""Workers as threads of this process that take turns: repeatable, cheap, and easy to look into."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from course_lib.workers.turns import Turns
from course_lib.workers.worker import Arguments, Run, Worker, arguments_of


def simulate(
    function: Callable[..., Any],
    size: int,
    *,
    each: Sequence[Mapping[str, Any]] | None = None,
    **shared: Any,
) -> Run:
    """Call ``function(worker, …)`` for every rank of a group, in threads that take turns.

    ``each`` has one dict of arguments for every rank, what else is named is given to all. Who has
    to wait hands on, so that a run repeats, and a deadlock is proved the moment it happens.

    Raises: what was raised first, with a note on which rank; Deadlock, which says who waits for
    whom; ValueError unless there are arguments for every rank.
    """
    run, raised = attempt(function, arguments_of(size, each, shared))
    if raised is not None:
        rank, error = raised
        error.add_note(f"(on rank {rank})")
        raise error
    return run


def attempt(
    function: Callable[..., Any], arguments: Sequence[Arguments]
) -> tuple[Run, tuple[int, BaseException] | None]:
    """Run a function on a group, with arguments for every rank: what came of it, and who raised
    what first.
    """
    group = _Group(len(arguments))
    workers = [Worker(rank, group) for rank in range(group.size)]
    returned: list[Any] = [None] * group.size

    def work(rank: int) -> Callable[[], None]:
        def call() -> None:
            returned[rank] = function(workers[rank], **arguments[rank])

        return call

    raised = group.turns.run([work(rank) for rank in range(group.size)])
    return Run.of(returned, [w.sent for w in workers]), raised[0] if raised else None


class _Message:
    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor
        self.received = False


class _Group:
    """Lines in memory."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.turns = Turns()
        self._posted: dict[tuple[int, int], list[_Message]] = {}

    def post(self, tensor: torch.Tensor, source: int, to: int) -> Callable[[], None]:
        message = _Message(tensor)
        self._between(source, to).append(message)
        what = f"waits until rank {to} receives"
        return lambda: self.turns.wait(source, lambda: message.received, what)

    def take(self, source: int, to: int) -> torch.Tensor:
        posted = self._between(source, to)
        self.turns.wait(to, lambda: bool(posted), f"waits for a message of rank {source}")
        message = posted.pop(0)
        message.received = True
        return message.tensor

    def _between(self, source: int, to: int) -> list[_Message]:
        return self._posted.setdefault((source, to), [])

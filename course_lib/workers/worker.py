"""What one member of a group sees of it, however the group is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

Arguments = dict[str, Any]

NOTHING_SENT = {"messages": 0, "numbers": 0, "forgotten": 0}
"""What a `Worker` has sent before it sends, and how many messages it has not waited for."""


class Lines(Protocol):
    """What carries tensors between the members of a group, in their order."""

    size: int

    def post(self, tensor: torch.Tensor, source: int, to: int) -> Callable[[], None]:
        """Send a tensor on its way; what is returned waits until it is received."""

    def take(self, source: int, to: int) -> torch.Tensor:
        """Wait for the next tensor from one rank to another."""


class Worker:
    """One rank of a group: what a function sends and receives by.

    ``send`` waits until the message is received, ``isend`` does not, but gives a function that
    does. Messages from one rank to another arrive in their order, as copies.
    """

    def __init__(self, rank: int, lines: Lines) -> None:
        self.rank = rank
        self.size = lines.size
        self.sent = dict(NOTHING_SENT)
        self._lines = lines

    def send(self, tensor: torch.Tensor, to: int) -> None:
        """Send a tensor to another rank and wait until it is received."""
        self.isend(tensor, to)()

    def isend(self, tensor: torch.Tensor, to: int) -> Callable[[], None]:
        """Send a tensor to another rank; what is returned waits until it is received."""
        self._check(self.rank, to)
        received = self._lines.post(tensor.detach().clone(), self.rank, to)
        self.sent["messages"] += 1
        self.sent["numbers"] += tensor.numel()
        self.sent["forgotten"] += 1
        waited_for = False

        def wait() -> None:
            nonlocal waited_for
            if not waited_for:  # gloo would wait for ever the second time
                received()
                self.sent["forgotten"] -= 1
                waited_for = True

        return wait

    def receive(self, source: int) -> torch.Tensor:
        """Wait for the next tensor from another rank."""
        self._check(source, self.rank)
        return self._lines.take(source, self.rank)

    def _check(self, source: int, to: int) -> None:
        if source == to or not {source, to} <= set(range(self.size)):
            raise ValueError(f"rank {source} sends to rank {to}: it must be another of {self.size}")


@dataclass(frozen=True)
class Run:
    """What a function gave on every rank, how much each of them sent, and how many of its messages
    it had not waited for when it returned.
    """

    returned: list[Any]
    messages: list[int]
    numbers: list[int]
    forgotten: list[int]

    @staticmethod
    def of(returned: list[Any], sent: Sequence[Mapping[str, int]]) -> Run:
        """What came of a run, from what every `Worker` has `sent`."""
        return Run(returned, *([s[n] for s in sent] for n in ("messages", "numbers", "forgotten")))


def arguments_of(
    size: int, each: Sequence[Mapping[str, Any]] | None, shared: Arguments
) -> list[Arguments]:
    """The arguments of every rank: its own, and what all are given.

    Raises: ValueError for a group of nobody and unless there is one entry for every rank.
    """
    if size < 1 or (each is not None and len(each) != size):
        got = "none" if each is None else f"{len(each)}"
        raise ValueError(
            f"size and each: got {size} workers and arguments for {got}, allowed is one or more "
            "workers, and an entry of `each` for every one"
        )
    return [{**shared, **(each[rank] if each is not None else {})} for rank in range(size)]

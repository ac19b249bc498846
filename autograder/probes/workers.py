"""A probe whose answers work together: one call a rank, messages handed on in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from autograder.probes.generators import Generators
from autograder.probes.observing import Observing
from autograder.probes.registry import Inputs, Observation, probe
from autograder.probes.state import use_device
from autograder.probes.turns import Turns
from autograder.probes.values import changed, describe, to_plain, to_torch, type_name


class Worker:
    """One rank of a group: what an answer sends and receives by.

    ``send`` waits until the message is received, ``isend`` does not, but gives a function that
    does. Messages from one rank to another arrive in their order, as copies.
    """

    def __init__(self, rank: int, group: _Group) -> None:
        self.rank = rank
        self.size = group.size
        self.sent = {"messages": 0, "numbers": 0}
        self._group = group

    def send(self, tensor: torch.Tensor, to: int) -> None:
        """Send a tensor to another rank and wait until it is received."""
        self.isend(tensor, to)()

    def isend(self, tensor: torch.Tensor, to: int) -> Callable[[], None]:
        """Send a tensor to another rank; what is returned waits until it is received."""
        message = self._group.post(tensor.detach().clone(), self.rank, to)
        self.sent["messages"] += 1
        self.sent["numbers"] += tensor.numel()
        what = f"waits until rank {to} receives"
        return lambda: self._group.turns.wait(self.rank, lambda: message.received, what)

    def receive(self, source: int) -> torch.Tensor:
        """Wait for the next tensor from another rank."""
        return self._group.take(source, self.rank)


class _Message:
    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor
        self.received = False


class _Group:
    def __init__(self, size: int) -> None:
        self.size = size
        self.turns = Turns()
        self._posted: dict[tuple[int, int], list[_Message]] = {}

    def post(self, tensor: torch.Tensor, source: int, to: int) -> _Message:
        message = _Message(tensor)
        self._between(source, to).append(message)
        return message

    def take(self, source: int, to: int) -> torch.Tensor:
        posted = self._between(source, to)
        self.turns.wait(to, lambda: bool(posted), f"waits for a message of rank {source}")
        message = posted.pop(0)
        message.received = True
        return message.tensor

    def _between(self, source: int, to: int) -> list[_Message]:
        if source == to or not {source, to} <= set(range(self.size)):
            raise ValueError(f"rank {source} sends to rank {to}: it must be another of {self.size}")
        return self._posted.setdefault((source, to), [])


@probe()
def ranks(answer: Callable[..., Any], inputs: Inputs, generators: Generators) -> Observation:
    """Call the answer once for every rank of a group, in threads that take turns.

    ``inputs`` has ``"each"``, one dict of arguments for every rank, and what all are given; the
    answer is called as ``answer(worker, …)`` with a ``Worker``. The result has what every rank
    ``returned``, in order, and how many ``messages`` and ``numbers`` each sent. What raised first,
    or the deadlock they ended in, is raised for all.
    """
    own = inputs["each"]
    given = [{**{k: v for k, v in inputs.items() if k != "each"}, **rank} for rank in own]
    arguments = [to_torch(each) for each in given]
    group = _Group(len(own))
    workers = [Worker(rank, group) for rank in range(len(own))]
    returned: list[Any] = [None] * len(own)
    device = torch.get_default_device()

    def work(rank: int) -> Callable[[], None]:
        def call() -> None:
            use_device(device)
            returned[rank] = answer(workers[rank], **arguments[rank])

        return call

    raised = group.turns.run([work(rank) for rank in range(len(own))])
    with Observing(result=None, type=None, changed=[]) as seen:
        seen["result"] = {
            "returned": [to_plain(value) for value in returned],
            "messages": [worker.sent["messages"] for worker in workers],
            "numbers": [worker.sent["numbers"] for worker in workers],
        }
        seen["type"] = type_name(returned[0])
        names = {n for old, new in zip(given, arguments, strict=True) for n in changed(old, new)}
        seen["changed"] = sorted(names)
    if raised:
        rank, first = raised[0]
        seen.update(result=None, raised=describe(first))
        seen["raised"]["message"] += f" (on rank {rank})"
    return seen

"""Probes whose answers work together: one call a rank, in memory or in processes of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from autograder.probes.generators import Generators
from autograder.probes.registry import Inputs, Observation, probe
from autograder.probes.state import use_device
from autograder.probes.values import changed, describe, to_plain, to_torch, type_name
from course_lib.workers import Run, processes, simulated

SECONDS = 8.0
"""How long a group of processes may take for one case."""


@probe()
def ranks(answer: Callable[..., Any], inputs: Inputs, generators: Generators) -> Observation:
    """Call the answer once for every rank of a group, in threads that take turns.

    ``inputs`` has ``"each"``, one dict of arguments for every rank, and what all are given; the
    answer is called as ``answer(worker, …)`` with a ``Worker``. The result has what every rank
    ``returned``, in order, and how many ``messages`` and ``numbers`` each sent; beside it is how
    many messages each had ``forgotten`` to wait for. What raised first, or the deadlock they ended
    in, is raised for all.
    """
    return _in_threads(answer, inputs)


@probe(cpu_seconds=1.0, rehearsed=ranks)
def forked(answer: Callable[..., Any], inputs: Inputs, generators: Generators) -> Observation:
    """Call the answer once for every rank of a group, each in a process forked from this one.

    As ``ranks``, whose observations it shares: references and mistakes are looked at by that one.
    A process that dies, or that is not done in time, is raised for all. What it does to the random
    generators stays with it. Where processes cannot be forked, or are not to work on the CPU (a
    fork cannot use its parent's GPU), the ranks are threads.
    """
    if not processes.can_fork() or torch.get_default_device().type != "cpu":
        return _in_threads(answer, inputs)
    run, failure = processes.attempt(
        _noted(answer), _given(inputs), seconds=SECONDS, describe=describe
    )
    if failure is None:
        return _seen(run)
    if isinstance(failure.what, Exception):  # which names the ranks that it is about
        return _ended(describe(failure.what), None)
    return _ended(failure.what, failure.rank)


def _in_threads(answer: Callable[..., Any], inputs: Inputs) -> Observation:
    run, raised = simulated.attempt(_noted(answer), _given(inputs))
    if raised is None:
        return _seen(run)
    rank, error = raised
    return _ended(describe(error), rank)


def _given(inputs: Inputs) -> list[Inputs]:
    common = {name: value for name, value in inputs.items() if name != "each"}
    return [{"plain": {**common, **own}} for own in inputs["each"]]


def _noted(answer: Callable[..., Any]) -> Callable[..., Observation]:
    """The answer with what is to be seen of its call on one rank, as plain data."""
    device = torch.get_default_device()

    def call(worker: Any, plain: Inputs) -> Observation:
        use_device(device)
        arguments = to_torch(plain)
        returned = answer(worker, **arguments)
        return {
            "returned": to_plain(returned),
            "type": type_name(returned),
            "changed": changed(plain, arguments),
        }

    return call


def _seen(run: Run) -> Observation:
    returned = [one["returned"] for one in run.returned]
    return {
        "result": {"returned": returned, "messages": run.messages, "numbers": run.numbers},
        "type": run.returned[0]["type"],
        "changed": sorted({name for one in run.returned for name in one["changed"]}),
        "forgotten": run.forgotten,
        "raised": None,
    }


def _ended(raised: Observation, rank: int | None) -> Observation:
    # A deadlock names its ranks, and is nobody's in particular.
    where = "" if rank is None or raised["type"] == "Deadlock" else f" (on rank {rank})"
    raised = {**raised, "message": f"{raised['message']}{where}"}
    return {"result": None, "type": None, "changed": [], "raised": raised}

"""Probes that ask one answer many times: for every value of an argument, or for a whole history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from autograder.probes.generators import Generators
from autograder.probes.observing import Observing
from autograder.probes.registry import Inputs, Observation, probe
from autograder.probes.values import changed, to_plain, to_torch, type_name


@probe()
def each(
    answer: Callable[..., Any], inputs: Inputs, generators: Generators, argument: str
) -> Observation:
    """Call the answer once for every entry of one list among its inputs, named in the singular.

    The other inputs are the same in every call, as fresh copies. What was returned is a list with
    one entry a call; an answer that raises at one entry is observed to raise, and the message says
    at which.
    """
    results: list[Any] = []
    value = None
    with Observing(result=None, type=None, changed=[]) as seen:
        for value in inputs[argument]:
            given = {**inputs, argument: value}
            arguments = to_torch(given)
            result = answer(**arguments)
            seen["type"] = type_name(result)
            seen["changed"] = sorted({*seen["changed"], *changed(given, arguments)})
            results.append(to_plain(result))
        seen["result"] = _as_array(results)
    if seen["raised"]:
        seen["raised"]["message"] += f" (at {argument} = {value})"
    return seen


@probe()
def histories(
    answer: Callable[..., Any], inputs: Inputs, generators: Generators, method: str
) -> Observation:
    """Construct stateful answers and feed each its history through one method, in turns.

    ``inputs`` is ``{"runs": [{"construct": {…}, "history": [value, …]}, …]}``. All are constructed
    first and then take turns, value by value, so that state they share shows. What was returned
    is one list for each run. ``changed`` looks at what was given when all is over. The values of a
    run that is ``in_place`` are dicts of the same tensors, which move on from turn to turn as those
    of a model do; ``changed`` looks at them after every call.
    """
    runs = inputs["runs"]
    results: list[list[Any]] = [[] for _ in runs]
    with Observing(result=None, type=None, changed=[]) as seen:
        given = to_torch(runs)
        instances = [answer(**run["construct"]) for run in given]
        names: set[str] = set()
        for turn in range(max(len(run["history"]) for run in runs)):
            for instance, run, now, returned in zip(instances, runs, given, results, strict=True):
                if turn < len(run["history"]):
                    moves, history = run.get("in_place"), now["history"]
                    value = _moved(history, turn) if moves else history[turn]
                    result = getattr(instance, method)(value)
                    seen["type"] = type_name(result)
                    returned.append(to_plain(result))
                    names |= {*changed({"history": run["history"][turn]}, {"history": value})}
        for run, now in zip(runs, given, strict=True):
            asked = ("construct",) if run.get("in_place") else ("construct", "history")
            names |= {*changed({name: run[name] for name in asked}, now)}
        seen["result"] = [_as_array(returned) for returned in results]
        seen["changed"] = sorted(names)
    return seen


def _moved(history: list[dict[str, torch.Tensor]], turn: int) -> dict[str, torch.Tensor]:
    """A fresh dict of the first value's tensors, with the numbers of this turn."""
    return {name: tensor.copy_(history[turn][name]) for name, tensor in history[0].items()}


def _as_array(results: list[Any]) -> Any:
    """Plain numbers as one array of float64; anything else, tensors too, as the list it is."""
    if results and all(type(result) in (int, float) for result in results):
        try:
            return np.array(results, dtype=np.float64)
        except OverflowError:  # whole numbers beyond every float
            return results
    return results

"""Probes that ask one answer many times: for every value of an argument, or for a whole history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

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
    is one list for each run. ``changed`` looks at what was given when all is over.
    """
    runs = inputs["runs"]
    results: list[list[Any]] = [[] for _ in runs]
    with Observing(result=None, type=None, changed=[]) as seen:
        given = to_torch(runs)
        instances = [answer(**run["construct"]) for run in given]
        for turn in range(max(len(run["history"]) for run in runs)):
            for instance, run, returned in zip(instances, given, results, strict=True):
                if turn < len(run["history"]):
                    result = getattr(instance, method)(run["history"][turn])
                    seen["type"] = type_name(result)
                    returned.append(to_plain(result))
        seen["result"] = [_as_array(returned) for returned in results]
        names = {name for run, now in zip(runs, given, strict=True) for name in _changed(run, now)}
        seen["changed"] = sorted(names)
    return seen


def _changed(run: Inputs, now: Inputs) -> list[str]:
    history = changed({"history": run["history"]}, now)
    return changed(run["construct"], now["construct"]) + history


def _as_array(results: list[Any]) -> Any:
    """Plain numbers as one array of float64; anything else, tensors too, as the list it is."""
    if results and all(type(result) in (int, float) for result in results):
        try:
            return np.array(results, dtype=np.float64)
        except OverflowError:  # whole numbers beyond every float
            return results
    return results

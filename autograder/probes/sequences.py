"""Probes that ask one answer many times: for every value of an argument, or for a whole history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.probes.values import describe, to_plain, to_torch, type_name

Inputs = dict[str, Any]
Observation = dict[str, Any]


def each(answer: Callable[..., Any], inputs: Inputs, *, seed: int, argument: str) -> Observation:
    """Call the answer once for every entry of the list ``argument``, in its order.

    The other inputs are the same in every call, as fresh copies. What was returned is a list with
    one entry a call; an answer that raises at one entry is observed to raise, and the message says
    at which.
    """
    results: list[Any] = []
    kind = None
    for value in inputs[argument]:
        others = {name: to_torch(other) for name, other in inputs.items() if name != argument}
        try:
            result = answer(**{argument: to_torch(value)}, **others)
            kind = type_name(result)
            results.append(to_plain(result))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raised = describe(error)
            raised["message"] = f"{raised['message']} (at {argument} = {value})"
            return {"result": None, "type": None, "raised": raised}
    return {"result": _as_array(results), "type": kind, "raised": None}


def histories(answer: Callable[..., Any], inputs: Inputs, *, seed: int, method: str) -> Observation:
    """Construct stateful answers and call ``method`` of each with every value of its history.

    ``inputs`` is ``{"runs": [{"construct": {…}, "history": [value, …]}, …]}``. All are constructed
    first and then take turns, value by value, so that state they share shows. What was returned
    is one list for each run.
    """
    results: list[list[Any]] = [[] for _ in inputs["runs"]]
    kind = None
    try:
        instances = [answer(**to_torch(run["construct"])) for run in inputs["runs"]]
        longest = max(len(run["history"]) for run in inputs["runs"])
        for turn in range(longest):
            for instance, run, seen in zip(instances, inputs["runs"], results, strict=True):
                if turn < len(run["history"]):
                    result = getattr(instance, method)(to_torch(run["history"][turn]))
                    kind = type_name(result)
                    seen.append(to_plain(result))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return {"result": None, "type": None, "raised": describe(error)}
    return {"result": [_as_array(seen) for seen in results], "type": kind, "raised": None}


def _as_array(results: list[Any]) -> Any:
    """Plain numbers as one array of float64; anything else, tensors too, as the list it is."""
    if results and all(type(result) in (int, float) for result in results):
        try:
            return np.array(results, dtype=np.float64)
        except OverflowError:  # whole numbers beyond every float
            return results
    return results

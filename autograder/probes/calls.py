"""The plain probes: call an answer once or often, or read a variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograder.probes.generators import Generators
from autograder.probes.observing import Observing
from autograder.probes.registry import Form, Inputs, Observation, probe
from autograder.probes.values import all_plain, changed, stacked, to_plain, to_torch, type_name


@probe()
def call(answer: Callable[..., Any], inputs: Inputs, generators: Generators) -> Observation:
    """Call the answer once a case with the inputs as keyword arguments.

    Observed are its result, what it raised and which inputs it changed in place.
    """
    with Observing(result=None, type=None, changed=[]) as seen:
        arguments = to_torch(inputs)
        result = answer(**arguments)
        seen.update(
            result=to_plain(result), type=type_name(result), changed=changed(inputs, arguments)
        )
    return seen


@probe(form=Form.PORTRAIT)
def draws(
    answer: Callable[..., Any], inputs: Inputs, generators: Generators, count: int
) -> Observation:
    """Call a random answer ``count`` times a case, each time with fresh random numbers.

    Shapes: an answer that returns arrays of shape S is observed as one array (count, *S).
    """
    results = []
    with Observing(result=None, type=None, changed=[]) as seen:
        for _ in range(count):
            generators.renew()
            arguments = to_torch(inputs)
            result = answer(**arguments)
            seen["type"] = type_name(result)
            seen["changed"] = sorted({*seen["changed"], *changed(inputs, arguments)})
            results.append(to_plain(result))
        seen["result"] = stacked(results)
    return seen


@probe()
def epochs(
    answer: Callable[..., Any], inputs: Inputs, generators: Generators, count: int
) -> Observation:
    """Ask the answer for the batches of ``count`` epochs, each time with fresh random numbers.

    The answer returns batches as anything that can be walked through; of each epoch they are
    observed as a list.
    """
    walked = []
    with Observing(result=None, changed=[]) as seen:
        for _ in range(count):
            generators.renew()
            arguments = to_torch(inputs)
            walked.append(all_plain(answer(**arguments)))
            seen["changed"] = sorted({*seen["changed"], *changed(inputs, arguments)})
        seen["result"] = walked
    return seen


@probe()
def read(answer: Any, inputs: Inputs, generators: Generators) -> Observation:
    """Read a variable that the student has set: the answer is a value, not a callable."""
    with Observing(result=None, type=None) as seen:
        seen.update(result=to_plain(answer), type=type_name(answer))
    return seen

"""The plain probes: call an answer once or often, or read a variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from autograder.probes.generators import Generators
from autograder.probes.observing import Observing
from autograder.probes.registry import Form, Inputs, Observation, probe
from autograder.probes.values import all_plain, changed, stacked, to_plain, to_torch, type_name


@probe()
def call(
    answer: Callable[..., Any],
    inputs: Inputs,
    generators: Generators,
    differentiable: bool = False,
) -> Observation:
    """Call the answer once a case with the inputs as keyword arguments.

    Observed are its result, what it raised and which inputs it changed in place. A
    ``differentiable`` answer is then called with inputs that ask for a gradient: whether what it
    gives ``carries_gradient``.
    """
    with Observing(result=None, type=None, changed=[]) as seen:
        arguments = to_torch(inputs)
        result = answer(**arguments)
        seen.update(
            result=to_plain(result), type=type_name(result), changed=changed(inputs, arguments)
        )
        if differentiable:
            seen["carries_gradient"] = _carries_gradient(answer, inputs)
    return seen


def _carries_gradient(answer: Callable[..., Any], inputs: Inputs) -> bool:
    asking = {
        # A leaf that asks for a gradient could not be changed in place, which is no matter here.
        name: value.requires_grad_().clone() if _is_float(value) else value
        for name, value in to_torch(inputs).items()
    }
    try:
        result = answer(**asking)
    except Exception:
        return False
    results = result if isinstance(result, (list, tuple)) else [result]
    tensors = [item for item in results if isinstance(item, torch.Tensor)]
    return bool(tensors) and all(bool(tensor.requires_grad) for tensor in tensors)


def _is_float(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()


@probe(form=Form.PORTRAIT)
def draws(
    answer: Callable[..., Any],
    inputs: Inputs,
    generators: Generators,
    count: int,
    differentiable: bool = False,
) -> Observation:
    """Call a random answer ``count`` times a case, each time with fresh random numbers.

    Shapes: an answer that returns arrays of shape S is observed as one array (count, *S). A
    ``differentiable`` one is then called once more, as by ``call``.
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
        if differentiable:
            seen["carries_gradient"] = _carries_gradient(answer, inputs)
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

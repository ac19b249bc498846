"""A probe that leads a stateful answer through a script: calls, gradients, looks at its state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from autograder.probes.generators import Generators
from autograder.probes.observing import Observing
from autograder.probes.registry import Inputs, Observation, known, probe
from autograder.probes.values import changed, stacked, to_plain, to_torch, type_name


@probe(substance="steps", by_steps=True)
def module(answer: Callable[..., Any], inputs: Inputs, generators: Generators) -> Observation:
    """Construct a stateful answer and lead it through the steps its inputs ask for.

    ``inputs`` is ``{"construct": {…}, "steps": [{"do": …}, …]}``; a torch module is given the dtype
    of the inputs it will be called with. Steps:
    ``train``, ``eval``; ``set`` ({"values": {name: array}}) copies into parameters and buffers;
    ``call`` ({"x": array, "grad": bool}) calls it, under ``no_grad`` unless "grad" is true (the
    default), and says of the result whether it ``carries_gradient``; with {"count": n} it is called
    n times with fresh random numbers, and the step has ``draws`` (n, …) for a result, which is
    compared as a sample; ``backward`` ({"grad_output": array}) backpropagates through the last
    call; ``state`` ({"names": […]}) reads attributes (dotted names allowed), and says of a module's
    whether they are ``persistent``: in its ``state_dict``; ``parameters`` lists names and shapes;
    ``sgd`` ({"learning_rate": η}) takes one plain gradient step.
    A step that raises ends the case; what came before it is kept. ``changed`` names the arguments
    of the construction that are not at the end what they were.

    Raises: UnknownKind for a step that there is not.
    """
    with Observing(steps=[], changed=[]) as seen:
        arguments = to_torch(inputs["construct"])
        instance = answer(**arguments)
        if isinstance(instance, torch.nn.Module):
            instance.to(torch.get_default_device(), _float_dtype(inputs["steps"]))
        led = _Led(instance, generators)
        for step in inputs["steps"]:
            seen["steps"].append(known("step", step["do"], _STEPS)(led, step))
        seen["changed"] = changed(inputs["construct"], arguments)
    return seen


@dataclass
class _Led:
    """The answer's instance while it is led, with its last call."""

    instance: Any
    generators: Generators
    x: Any = None
    result: Any = None


def _float_dtype(steps: list[Inputs]) -> torch.dtype:
    called = [step["x"] for step in steps if step["do"] == "call"]
    floats = [torch.from_numpy(x).dtype for x in called if x.dtype.kind == "f"]
    return floats[0] if floats else torch.float32


def _train(led: _Led, step: Inputs) -> Observation:
    led.instance.train(step["do"] == "train")
    return {}


def _set(led: _Led, step: Inputs) -> Observation:
    with torch.no_grad():
        for name, value in step["values"].items():
            _attribute(led.instance, name).copy_(torch.from_numpy(value.copy()))
    return {}


def _call(led: _Led, step: Inputs) -> Observation:
    seen = {"changed": False}
    results = []
    for _ in range(step.get("count", 1)):
        if "count" in step:
            led.generators.renew()
        _call_once(led, step)
        results.append(to_plain(led.result))
        seen["changed"] |= not np.array_equal(step["x"], to_plain(led.x), equal_nan=True)
    what = {"draws": stacked(results)} if "count" in step else {"result": results[0]}
    return {
        **what,
        "type": type_name(led.result),
        "carries_gradient": bool(getattr(led.result, "requires_grad", False)),
        **seen,
    }


def _call_once(led: _Led, step: Inputs) -> None:
    led.x = to_torch(step["x"])
    wants_grad = step.get("grad", True)
    if wants_grad and led.x.is_floating_point():
        led.x.requires_grad_()
    with torch.set_grad_enabled(wants_grad):
        led.result = led.instance(led.x)


def _backward(led: _Led, step: Inputs) -> Observation:
    for parameter in led.instance.parameters():
        parameter.grad = None
    led.result.backward(to_torch(step["grad_output"]))
    gradients = {name: to_plain(p.grad) for name, p in led.instance.named_parameters()}
    return {"x": to_plain(led.x.grad), "parameters": gradients}


def _state(led: _Led, step: Inputs) -> Observation:
    kept = led.instance.state_dict() if isinstance(led.instance, torch.nn.Module) else None
    values = {}
    for name in step["names"]:
        value = _attribute(led.instance, name)
        values[name] = {
            "value": to_plain(value),
            "requires_grad": bool(getattr(value, "requires_grad", False)),
        }
        if kept is not None:
            values[name]["persistent"] = name in kept
    return values


def _parameters(led: _Led, step: Inputs) -> Observation:
    return {
        "parameters": {n: list(p.shape) for n, p in led.instance.named_parameters()},
        "buffers": {n: list(b.shape) for n, b in led.instance.named_buffers()},
        "persistent": sorted(led.instance.state_dict()),
    }


def _sgd(led: _Led, step: Inputs) -> Observation:
    with torch.no_grad():
        for parameter in led.instance.parameters():
            if parameter.grad is not None:
                parameter -= step["learning_rate"] * parameter.grad
    return {}


_STEPS: dict[str, Callable[[_Led, Inputs], Observation]] = {
    "train": _train,
    "eval": _train,
    "set": _set,
    "call": _call,
    "backward": _backward,
    "state": _state,
    "parameters": _parameters,
    "sgd": _sgd,
}


def _attribute(instance: Any, name: str) -> Any:
    for part in name.split("."):
        instance = getattr(instance, part)
    return instance

"""The probes: each calls an answer on inputs and returns an observation.

A probe observes and never judges. One observation per case; every case gets its own copies of its
inputs and known global state, so that one case cannot spoil the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from autograder.probes import training
from autograder.probes.backpropagation import gradients
from autograder.probes.sequences import each, histories
from autograder.probes.state import known_state, seed_everything
from autograder.probes.trajectory import optimizer
from autograder.probes.values import describe, to_plain, to_torch, type_name

Inputs = dict[str, Any]
Observation = dict[str, Any]


def run(
    probe: str,
    parameters: dict[str, Any],
    answer: Any,
    cases: list[Inputs],
    seed: int,
    device: str = "cpu",
) -> list[Observation]:
    """Run one probe on every case, with tensors on ``device``.

    Shapes: ``cases`` is a list of inputs, plain data; the result has one observation for each.
    Raises: KeyError for a probe that does not exist, ValueError for a device that is not there;
    never what the answer raises.
    """
    observe = PROBES[probe]
    observations = []
    for index, inputs in enumerate(cases):
        with known_state(seed + index, device):
            observations.append(observe(answer, inputs, seed=seed + index, **parameters))
    return observations


def call(answer: Callable[..., Any], inputs: Inputs, *, seed: int) -> Observation:
    """Call the answer once: its result, what it raised, which inputs it changed in place."""
    arguments = to_torch(inputs)
    try:
        result = answer(**arguments)
        return {
            "result": to_plain(result),
            "type": type_name(result),
            "raised": None,
            "changed": _changed(inputs, arguments),
        }
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return {"result": None, "type": None, "raised": describe(error), "changed": []}


def draws(answer: Callable[..., Any], inputs: Inputs, *, seed: int, count: int) -> Observation:
    """Call a random answer ``count`` times and stack what it returns.

    Shapes: an answer that returns arrays of shape S is observed as one array (count, *S).
    """
    results = []
    kind = None
    try:
        for index in range(count):
            seed_everything(seed + 1000 * index)
            result = answer(**to_torch(inputs))
            kind = type_name(result)
            results.append(to_plain(result))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return {"result": None, "type": kind, "raised": describe(error)}
    if all(isinstance(r, np.ndarray) and r.shape == results[0].shape for r in results):
        return {"result": np.stack(results), "type": kind, "raised": None}
    return {"result": results, "type": kind, "raised": None}


def module(answer: Callable[..., Any], inputs: Inputs, *, seed: int) -> Observation:
    """Construct a stateful answer and lead it through the steps its inputs ask for.

    ``inputs`` is ``{"construct": {…}, "steps": [{"do": …}, …]}``; a torch module is given the dtype
    of the inputs it will be called with. Steps:
    ``train``, ``eval``; ``set`` ({"values": {name: array}}) copies into parameters and buffers;
    ``call`` ({"x": array, "grad": bool}) calls it, under ``no_grad`` unless "grad" is true (the
    default); ``backward`` ({"grad_output": array}) backpropagates through the last call;
    ``state`` ({"names": […]}) reads attributes (dotted names allowed); ``parameters`` lists names
    and shapes; ``sgd`` ({"learning_rate": η}) takes one plain gradient step.
    A step that raises ends the case; what came before it is kept.
    """
    steps: list[Observation] = []
    try:
        instance = answer(**to_torch(inputs["construct"]))
        if isinstance(instance, torch.nn.Module):
            instance.to(torch.get_default_device(), _float_dtype(inputs["steps"]))
        memory: dict[str, Any] = {}
        for step in inputs["steps"]:
            steps.append(_STEPS[step["do"]](instance, step, memory))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return {"steps": steps, "raised": describe(error)}
    return {"steps": steps, "raised": None}


def read(answer: Any, inputs: Inputs, *, seed: int) -> Observation:
    """Read a variable: the answer is a value, not a callable."""
    return {"result": to_plain(answer), "type": type_name(answer), "raised": None}


PROBES: dict[str, Callable[..., Observation]] = {
    "call": call,
    "draws": draws,
    "module": module,
    "each": each,
    "gradients": gradients,
    "histories": histories,
    "optimizer": optimizer,
    "read": read,
    "supplied": training.supplied,
    "differentiated": training.differentiated,
    "descent": training.descent,
    "epochs": training.epochs,
    "checkpoint": training.checkpoint,
    "devices": training.devices,
}


def _changed(inputs: Inputs, arguments: dict[str, Any]) -> list[str]:
    def same(before: Any, after: Any) -> bool:
        if isinstance(before, np.ndarray):
            return np.array_equal(before, to_plain(after), equal_nan=before.dtype.kind == "f")
        if isinstance(before, list):
            return len(before) == len(after) and all(map(same, before, after))
        return True

    return [name for name, before in inputs.items() if not same(before, arguments[name])]


def _float_dtype(steps: list[Inputs]) -> torch.dtype:
    called = [step["x"] for step in steps if step["do"] == "call"]
    floats = [torch.from_numpy(x).dtype for x in called if x.dtype.kind == "f"]
    return floats[0] if floats else torch.float32


def _train(instance: Any, step: Inputs, memory: dict[str, Any]) -> Observation:
    instance.train(step["do"] == "train")
    return {}


def _set(instance: Any, step: Inputs, memory: dict[str, Any]) -> Observation:
    with torch.no_grad():
        for name, value in step["values"].items():
            target = _attribute(instance, name)
            target.copy_(torch.from_numpy(value.copy()))
    return {}


def _call(instance: Any, step: Inputs, memory: dict[str, Any]) -> Observation:
    x = to_torch(step["x"])
    wants_grad = step.get("grad", True)
    if wants_grad and x.is_floating_point():
        x.requires_grad_()
    with torch.set_grad_enabled(wants_grad):
        result = instance(x)
    memory.update(x=x, result=result)
    return {
        "result": to_plain(result),
        "type": type_name(result),
        "changed": not np.array_equal(step["x"], to_plain(x), equal_nan=True),
    }


def _backward(instance: Any, step: Inputs, memory: dict[str, Any]) -> Observation:
    for parameter in instance.parameters():
        parameter.grad = None
    memory["result"].backward(to_torch(step["grad_output"]))
    gradients = {name: to_plain(parameter.grad) for name, parameter in instance.named_parameters()}
    return {"x": to_plain(memory["x"].grad), "parameters": gradients}


def _state(instance: Any, step: Inputs, memory: dict[str, Any]) -> Observation:
    values = {}
    for name in step["names"]:
        value = _attribute(instance, name)
        values[name] = {
            "value": to_plain(value),
            "requires_grad": bool(getattr(value, "requires_grad", False)),
        }
    return values


def _parameters(instance: Any, step: Inputs, memory: dict[str, Any]) -> Observation:
    return {
        "parameters": {n: list(p.shape) for n, p in instance.named_parameters()},
        "buffers": {n: list(b.shape) for n, b in instance.named_buffers()},
    }


def _sgd(instance: Any, step: Inputs, memory: dict[str, Any]) -> Observation:
    with torch.no_grad():
        for parameter in instance.parameters():
            if parameter.grad is not None:
                parameter -= step["learning_rate"] * parameter.grad
    return {}


_STEPS: dict[str, Callable[[Any, Inputs, dict[str, Any]], Observation]] = {
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

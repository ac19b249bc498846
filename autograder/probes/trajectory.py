"""Leading an optimizer through given gradients, and watching the parameters step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from autograder.probes.generators import Generators
from autograder.probes.observing import Observing
from autograder.probes.registry import Inputs, Observation, probe
from autograder.probes.values import stacked, to_plain, to_torch


@probe(by_steps=True)
def optimizer(answer: Callable[..., Any], inputs: Inputs, generators: Generators) -> Observation:
    """Construct an optimizer on parameters and observe them after every step.

    ``inputs`` is ``{"parameters": [array, …], "settings": {…}, "steps": [{…}, …]}``: the optimizer
    is made with the parameters (a generator, as a module gives them) and the settings. A step is
    ``{"gradients": [array or None, …]}``, one for each parameter, and may hold ``"set"`` ({name:
    value}), attributes that are changed before it, and ``"clear"``: then ``zero_grad`` is called
    and the gradients are added to what it leaves, as a backward pass does. Otherwise they
    overwrite the earlier ones in the same tensors, where there are any.

    ``result`` has one array (steps, *shape) for each parameter, its values after every step.
    ``steps`` says of each step whether all parameters are still leaves that require a gradient
    (``leaves``), whether the gradients were left as they were given (``gradients``), and for which
    parameters, by number, the answer's own ``update(parameter, gradient, state)`` was called with a
    state that no other parameter got (``updated``). A step that raises ends the case; what came
    before it is kept.
    """
    parameters = [to_torch(start).requires_grad_() for start in inputs["parameters"]]
    values: list[list[Any]] = [[] for _ in parameters]
    steps: list[Observation] = []
    with Observing() as seen:
        instance = answer((p for p in parameters), **to_torch(inputs["settings"]))
        updated = _watch_updates(instance, parameters)
        for step in inputs["steps"]:
            updated.clear()
            for name, value in to_torch(step.get("set", {})).items():
                setattr(instance, name, value)
            if step.get("clear"):
                instance.zero_grad()
            given = _give(parameters, step)
            instance.step()
            steps.append(
                {
                    "leaves": all(p.is_leaf and p.requires_grad for p in parameters),
                    "gradients": all(map(_is_still, parameters, given)),
                    "updated": sorted(updated),
                }
            )
            for kept, parameter in zip(values, parameters, strict=True):
                kept.append(to_plain(parameter))
    return {**seen, "steps": steps, "result": [stacked(kept) for kept in values]}


@probe()
def descent(answer: Callable[..., Any], inputs: Inputs, generators: Generators) -> Observation:
    """Let the answer take steps on parameters that have gradients, and look at them after each.

    ``inputs`` is ``{"parameters": [array, …], "steps": [{"gradients": [array or None, …],
    "learning_rate": η}, …]}``: before each step the loss Σ g·w, over the parameters that have a g,
    is backpropagated. The answer is called with an iterator over the parameters and η. After every
    step the tensors that the model would hold are looked at.
    """
    held = [torch.nn.Parameter(value) for value in to_torch(inputs["parameters"])]
    with Observing(result=[]) as seen:
        for step in inputs["steps"]:
            pairs = [(p, g) for p, g in zip(held, step["gradients"], strict=True) if g is not None]
            torch.stack([(p * to_torch(g)).sum() for p, g in pairs]).sum().backward()
            answer(iter(held), step["learning_rate"])
            seen["result"].append(
                {
                    "values": [to_plain(p) for p in held],
                    "cleared": all(p.grad is None or not p.grad.any() for p in held),
                    "leaves": all(p.is_leaf and p.requires_grad for p in held),
                }
            )
    return seen


def _watch_updates(instance: Any, parameters: list[torch.Tensor]) -> list[int]:
    """Have every call of ``update`` noted; the list that the notes go to."""
    noted: list[int] = []
    states: dict[int, Any] = {}
    update: Any = getattr(instance, "update", None)

    def noting(parameter: Any, gradient: Any, state: Any) -> Any:
        number = next((n for n, p in enumerate(parameters) if p is parameter), -1)
        states.setdefault(number, state)
        if all((kept is state) == (other == number) for other, kept in states.items()):
            noted.append(number)
        return update(parameter, gradient, state)

    if callable(update):
        instance.update = noting
    return noted


def _give(parameters: list[torch.Tensor], step: Inputs) -> list[np.ndarray | None]:
    """Give every parameter its gradient; return what each then has."""
    for parameter, array in zip(parameters, step["gradients"], strict=True):
        gradient = to_torch(array)
        if gradient is None or parameter.grad is None:
            parameter.grad = gradient
            continue
        with torch.no_grad():
            if step.get("clear"):
                parameter.grad += gradient
            else:
                parameter.grad.copy_(gradient)
    return [to_plain(parameter.grad) for parameter in parameters]


def _is_still(parameter: torch.Tensor, given: np.ndarray | None) -> bool:
    now = to_plain(parameter.grad)
    if now is None or given is None:
        return now is given
    return np.array_equal(now, given, equal_nan=True)

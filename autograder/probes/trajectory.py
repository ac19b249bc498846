"""Leading an optimizer through given gradients, and watching the parameters step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from autograder.probes.values import describe, to_plain, to_torch

Inputs = dict[str, Any]
Observation = dict[str, Any]


def optimizer(answer: Callable[..., Any], inputs: Inputs, *, seed: int) -> Observation:
    """Construct an optimizer on parameters, give it gradients and let it step.

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
    raised = None
    try:
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
            for seen, parameter in zip(values, parameters, strict=True):
                seen.append(to_plain(parameter))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raised = describe(error)
    return {"steps": steps, "result": [_stacked(seen) for seen in values], "raised": raised}


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


def _stacked(values: list[Any]) -> Any:
    """One array of all steps, unless an answer gave a parameter another shape on the way."""
    if values and all(value.shape == values[0].shape for value in values):
        return np.stack(values)
    return values

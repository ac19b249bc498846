"""Probes for training: answers that are handed a model, an optimizer, a function or batches.

What they are handed is made here, of plain data: a dict with the key ``make`` stands for an object
of torch. What random numbers an answer meets is fixed by its inputs, so that two runs agree.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from autograder.probes.state import seed_everything
from autograder.probes.values import describe, to_plain, to_torch, type_name

Inputs = dict[str, Any]
Observation = dict[str, Any]


class Network(nn.Sequential):
    """Layers in a row that note, at every call, their mode and whether gradients are on."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__(*layers)
        self.calls: list[list[bool]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls.append([self.training, torch.is_grad_enabled()])
        return super().forward(x)


def supplied(answer: Callable[..., Any], inputs: Inputs, *, seed: int) -> Observation:
    """Call the answer once with objects of torch, and look at it and at the objects afterwards.

    An input ``{"make": "network", "layers": […], "training": bool, "seed": int}`` is a network of
    the layers ``{"kind": "linear", "weight", "bias"}``, ``{"kind": "batch_norm", "features"}``,
    ``{"kind": "dropout", "p"}`` and ``{"kind": "relu"}``; ``{"make": "sgd", "of": name, …}`` is
    ``torch.optim.SGD`` of that network, with its other entries as options; ``{"make": "function",
    "kind", …}`` is one of ``FUNCTIONS``. The result has what the answer ``returned``, whether that
    is ``in_graph``, and each network's state, mode, calls and whether a gradient is left.
    """
    try:
        arguments = _made(inputs)
        result = answer(**arguments)
        networks = {n: _seen(a) for n, a in arguments.items() if isinstance(a, Network)}
        return {
            "result": {
                "returned": to_plain(result),
                "in_graph": _in_graph(result),
                **networks,
            },
            "type": type_name(result),
            "raised": None,
        }
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return {"result": None, "type": None, "raised": describe(error)}


def differentiated(
    answer: Callable[..., Any], inputs: Inputs, *, seed: int, by: str
) -> Observation:
    """Call the answer once and differentiate the number it returns by the input called ``by``.

    The result has the ``value`` and its ``gradient``, None where none flows back.
    """
    try:
        arguments = to_torch(inputs)
        leaf = arguments[by].requires_grad_()
        arguments[by] = leaf.clone()  # answers may change what they are given in place
        result = answer(**arguments)
        changed = [
            name
            for name, value in arguments.items()
            if isinstance(value, torch.Tensor) and not np.array_equal(inputs[name], to_plain(value))
        ]
        if _in_graph(result):
            result.sum().backward()
        return {
            "result": {"value": to_plain(result), "gradient": to_plain(leaf.grad)},
            "type": type_name(result),
            "raised": None,
            "changed": changed,
        }
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return {"result": None, "type": None, "raised": describe(error), "changed": []}


def descent(answer: Callable[..., Any], inputs: Inputs, *, seed: int) -> Observation:
    """Let the answer take steps on parameters whose gradients come from linear losses.

    ``inputs`` is ``{"parameters": [array, …], "steps": [{"gradients": [array or None, …],
    "learning_rate": η}, …]}``: before each step the loss Σ g·w, over the parameters that have a g,
    is backpropagated. The answer is called with an iterator over the parameters and η. After every
    step the tensors that the model would hold are looked at.
    """
    held = [nn.Parameter(value) for value in to_torch(inputs["parameters"])]
    looks = []
    try:
        for step in inputs["steps"]:
            pairs = [(p, g) for p, g in zip(held, step["gradients"], strict=True) if g is not None]
            torch.stack([(p * to_torch(g)).sum() for p, g in pairs]).sum().backward()
            answer(iter(held), step["learning_rate"])
            looks.append(
                {
                    "values": [to_plain(p) for p in held],
                    "cleared": all(p.grad is None or not p.grad.any() for p in held),
                    "leaves": all(p.is_leaf and p.requires_grad for p in held),
                }
            )
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return {"result": looks, "raised": describe(error)}
    return {"result": looks, "raised": None}


def epochs(answer: Callable[..., Any], inputs: Inputs, *, seed: int, count: int) -> Observation:
    """Ask the answer for the batches of ``count`` epochs, each time with fresh random numbers.

    The answer returns batches as anything that can be walked through; of each epoch they are
    observed as a list.
    """
    walked = []
    try:
        for index in range(count):
            seed_everything(seed + 1000 * index)
            walked.append([to_plain(batch) for batch in answer(**to_torch(inputs))])
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return {"result": None, "raised": describe(error)}
    return {"result": walked, "raised": None}


def checkpoint(answer: Callable[..., Any], inputs: Inputs, *, seed: int) -> Observation:
    """Train, let the answer keep the state half-way, train on; then resume twice and compare.

    ``inputs`` is ``{"first": network, "other": network, "batches": [[x, y], …], "step": int, "lr",
    "momentum", "decay": [steps, factor]}`` with networks as for ``supplied``. The answer is
    constructed with model, optimizer, scheduler and step; its ``restore(model, optimizer,
    scheduler)`` gives the step.
    """
    try:
        # Whose random numbers a checkpoint keeps, those of a GPU too or not, is not the question.
        with torch.device("cpu") if torch.get_default_device().type != "cpu" else nullcontext():
            return {"result": _interrupted(answer, inputs), "raised": None}
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return {"result": None, "raised": describe(error)}


def devices(answer: Callable[..., Any], inputs: Inputs, *, seed: int) -> Observation:
    """Call the answer on the device at hand, and on torch's meta device, which has no numbers.

    The result has the ``value``, its ``dtype``, and ``elsewhere`` the device, dtype and shape that
    came back from meta, or the type of the exception that was raised there; None where the answer
    cannot be looked at so, because it reads numbers or meta lacks what it calls.
    """
    try:
        result = answer(**to_torch(inputs))
        observed = {"value": to_plain(result), "dtype": _dtype_name(result)}
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return {"result": None, "type": None, "raised": describe(error)}
    return {
        "result": {**observed, "elsewhere": _on_meta(answer, inputs)},
        "type": type_name(result),
        "raised": None,
    }


def _on_meta(answer: Callable[..., Any], inputs: Inputs) -> Observation | None:
    arguments = {
        name: value.to("meta") if isinstance(value, torch.Tensor) else value
        for name, value in to_torch(inputs).items()
    }
    try:
        result = answer(**arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        said = describe(error)
        blind = isinstance(error, NotImplementedError) or "on meta tensors" in said["message"]
        return None if blind else {"raised": said["type"]}
    if not isinstance(result, torch.Tensor):
        return {"raised": type_name(result)}
    return {
        "device": str(result.device.type),
        "dtype": _dtype_name(result),
        "shape": list(result.shape),
    }


def _dtype_name(value: Any) -> str | None:
    return str(value.dtype).removeprefix("torch.") if isinstance(value, torch.Tensor) else None


def _cubic(x: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
    flat = x.reshape(-1)
    return (coefficients * flat**3).sum() + (flat[1:] * flat[:-1]).sum()


def _hinges(x: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
    flat = x.reshape(-1)
    return (coefficients * (torch.relu(flat) + 0.1 * flat**2)).sum()


def _noisy(x: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
    flat = x.reshape(-1)
    kept = torch.rand(flat.shape) > 0.3
    return (coefficients * kept.to(flat.device) * flat**3).sum()


FUNCTIONS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "cubic": _cubic,
    "hinges": _hinges,
    "noisy": _noisy,
}
"""What a gradient is checked of: Σ a x³ + Σ x x', Σ a (relu(x) + x²/10), Σ a m x³ with masks m."""


def _made(inputs: Inputs) -> dict[str, Any]:
    kinds = {n: v["make"] for n, v in inputs.items() if isinstance(v, dict) and "make" in v}
    made = {n: to_torch(v) for n, v in inputs.items() if n not in kinds}
    for name, kind in kinds.items():
        if kind == "network":
            made[name] = _network(inputs[name])
        elif kind == "function":
            made[name] = _function(inputs[name])
    for name, kind in kinds.items():
        if kind == "sgd":
            options = {k: v for k, v in inputs[name].items() if k not in ("make", "of")}
            made[name] = torch.optim.SGD(made[inputs[name]["of"]].parameters(), **options)
    return {name: made[name] for name in inputs}


def _function(spec: Inputs) -> Callable[[torch.Tensor], torch.Tensor]:
    compute, coefficients = FUNCTIONS[spec["kind"]], to_torch(spec["coefficients"])
    return lambda x: compute(x, coefficients)


def _network(spec: Inputs) -> Network:
    layers = [_layer(layer) for layer in spec["layers"]]
    dtype = next(p.dtype for layer in layers for p in layer.parameters())
    network = Network(layers).to(torch.get_default_device(), dtype).train(spec["training"])
    seed_everything(spec["seed"])
    return network


def _layer(spec: Inputs) -> nn.Module:
    if spec["kind"] == "linear":
        weight = to_torch(spec["weight"])
        linear = nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight = nn.Parameter(weight)
        linear.bias = nn.Parameter(to_torch(spec["bias"]))
        return linear
    if spec["kind"] == "batch_norm":
        return nn.BatchNorm1d(spec["features"])
    if spec["kind"] == "dropout":
        return nn.Dropout(spec["p"])
    return nn.ReLU()


def _seen(network: Network) -> Observation:
    gradients = [p.grad for p in network.parameters()]
    return {
        "state": {name: to_plain(value) for name, value in network.state_dict().items()},
        "training": network.training,
        "calls": np.array(network.calls, dtype=bool).reshape(-1, 2),
        "leaves": all(p.is_leaf for p in network.parameters()),
        "gradients": any(g is not None and bool(g.any()) for g in gradients),
    }


def _in_graph(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_in_graph(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_in_graph(item) for item in value)
    return bool(getattr(value, "requires_grad", False))


Run = tuple[Network, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]


def _run(inputs: Inputs, which: str) -> Run:
    model = _network(inputs[which])
    optimizer = torch.optim.SGD(model.parameters(), inputs["lr"], inputs["momentum"])
    return model, optimizer, torch.optim.lr_scheduler.StepLR(optimizer, *inputs["decay"])


def _train(run: Run, batches: list[tuple[torch.Tensor, ...]]) -> None:
    model, optimizer, scheduler = run
    for x, y in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        scheduler.step()


def _interrupted(answer: Callable[..., Any], inputs: Inputs) -> Observation:
    """Where the uninterrupted run ends, and where two runs resumed from the checkpoint do."""
    batches, half = [tuple(b) for b in to_torch(inputs["batches"])], inputs["step"]
    run = _run(inputs, "first")
    _train(run, batches[:half])
    kept = answer(*run, half)
    _train(run, batches[half:])
    observed = {"uninterrupted": _state(run)}
    for name in ("resumed", "resumed again"):
        run = _run(inputs, "other")
        step = kept.restore(*run)
        _train(run, batches[half:])
        observed[name] = {**_state(run), "step": to_plain(step)}
    return observed


def _state(run: Run) -> Observation:
    model, _, scheduler = run
    state = {name: to_plain(value) for name, value in model.state_dict().items()}
    return {"state": state, "rate": float(scheduler.get_last_lr()[0])}

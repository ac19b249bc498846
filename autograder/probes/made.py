"""Networks, functions and optimizers made of plain data, and what is to be seen of them afterwards.

A dict with the key ``make`` stands for one of ``MAKERS``; in a list of such dicts each does. What
is misspelt is refused: it would quietly be another network.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

from autograder.probes.functions import Logged, function
from autograder.probes.generators import Generators
from autograder.probes.registry import Inputs, Observation, known
from autograder.probes.state import on_the_cpu
from autograder.probes.values import to_plain, to_torch


class Network(nn.Sequential):
    """Layers in a row that note, at every call, their mode and whether gradients are on."""

    def __init__(self, layers: dict[str, nn.Module]) -> None:
        super().__init__(OrderedDict(layers))
        self.calls: list[list[bool]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls.append([self.training, torch.is_grad_enabled()])
        result: torch.Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return result


class Dropout(nn.Dropout):
    """Drops the same numbers on every device and in every dtype, as ``nn.Dropout`` does not.

    What an answer gives is compared with what a reference gives in float64.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return x
        kept = torch.rand(x.shape, dtype=torch.float32, device="cpu") >= self.p
        return x * kept.to(x.device) / (1 - self.p)


def made(inputs: Inputs, generators: Generators) -> dict[str, Any]:
    """Arguments for an answer, with an object wherever a dict says ``make``.

    Raises: UnknownKind for a kind that there is not.
    """
    arguments: dict[str, Any] = {}
    for name in sorted(inputs, key=lambda name: _is_optimizer(inputs[name])):
        arguments[name] = _made(inputs[name], arguments, generators)
    return {name: arguments[name] for name in inputs}


def is_made(value: Any) -> bool:
    """Whether an input stands for an object, or for a list of them."""
    if isinstance(value, list):
        return any(map(is_made, value))
    return isinstance(value, dict) and "make" in value


def network(spec: Inputs, generators: Generators) -> Network:
    """A network of ``{"layers": […] or {name: layer}, "training": bool, "seed": int}``.

    A layer is ``{"kind": …}`` with what ``LAYERS`` says; any may be ``"frozen"``. The seed is that
    of the random numbers that the network, and the answer with it, draws.

    Raises: UnknownKind for a kind of layer that there is not.
    """
    before = torch.get_rng_state()
    with on_the_cpu():
        layers = Network(_layers(spec["layers"]))
    # Layers drew weights that were replaced at once, which is not the answer's doing.
    torch.set_rng_state(before)
    dtype = next((p.dtype for p in layers.parameters()), torch.get_default_dtype())
    layers.to(torch.get_default_device(), dtype).train(spec["training"])
    generators.seed(spec["seed"])
    return layers


def seen_of(value: Any) -> Any:
    """What an answer did to an object that was made for it; None where nothing is looked at."""
    if isinstance(value, Network):
        return _seen(value)
    if isinstance(value, Logged):
        return {"calls": value.count, "trace": to_plain(value.trace)}
    if isinstance(value, list) and value and all(isinstance(i, Network) for i in value):
        return [_seen(item) for item in value]
    return None


def parts_of(value: Any) -> Any:
    """The mode of every module of a network, the ``momenta`` of its batch normalizations and which
    parameters are ``trainable``, by name; the options of every parameter group of an optimizer.
    """
    if isinstance(value, Network):
        return {
            "modes": {name: module.training for name, module in value.named_modules() if name},
            "momenta": {
                name: module.momentum
                for name, module in value.named_modules()
                if isinstance(module, nn.modules.batchnorm._BatchNorm)
            },
            "trainable": {name: p.requires_grad for name, p in value.named_parameters()},
        }
    if isinstance(value, torch.optim.Optimizer):
        return [
            {
                "sizes": [list(p.shape) for p in group["params"]],
                **{k: v for k, v in group.items() if type(v) in (bool, int, float)},
            }
            for group in value.param_groups
        ]
    return None


def names_of(tensors: Iterable[torch.Tensor], arguments: dict[str, Any]) -> list[str]:
    """Which parameters of the networks among the arguments these tensors are; "" for none."""
    networks = [network for network in arguments.values() if isinstance(network, Network)]
    names = {id(p): name for network in networks for name, p in network.named_parameters()}
    return [names.get(id(tensor), "") for tensor in tensors]


def _is_optimizer(value: Any) -> bool:
    return isinstance(value, dict) and value.get("make") == "sgd"


def _made(value: Any, arguments: dict[str, Any], generators: Generators) -> Any:
    if not is_made(value):
        return to_torch(value)
    if isinstance(value, list):
        return [_made(item, arguments, generators) for item in value]
    return known("object", value["make"], MAKERS)(value, arguments, generators)


def _layers(specs: Any) -> dict[str, nn.Module]:
    named = specs if isinstance(specs, dict) else {str(n): spec for n, spec in enumerate(specs)}
    return {name: _layer(spec) for name, spec in named.items()}


def _layer(spec: Inputs) -> nn.Module:
    layer = known("layer", spec["kind"], LAYERS)(spec)
    return layer.requires_grad_(False) if spec.get("frozen") else layer


def _linear(spec: Inputs) -> nn.Module:
    weight = to_torch(spec["weight"])
    return _filled(nn.Linear(weight.shape[1], weight.shape[0]), spec)


def _batch_norm(layer: type[nn.BatchNorm1d] | type[nn.BatchNorm2d], spec: Inputs) -> nn.Module:
    norm = layer(spec["features"], momentum=spec.get("momentum", 0.1))
    for name, value in spec.get("values", {}).items():
        of_its_own = known("value", name, norm.state_dict())
        trained, tensor = name in norm._parameters, to_torch(value).to(of_its_own.device)
        setattr(norm, name, nn.Parameter(tensor) if trained else tensor)
    return norm


def _conv(spec: Inputs) -> nn.Module:
    out, channels, *size = spec["weight"].shape
    options = {name: spec[name] for name in ("stride", "padding", "groups") if name in spec}
    channels *= options.get("groups", 1)
    return _filled(nn.Conv2d(channels, out, tuple(size), **options), spec)


def _filled(layer: Any, spec: Inputs) -> nn.Module:
    layer.weight = nn.Parameter(to_torch(spec["weight"]))
    layer.bias = nn.Parameter(to_torch(spec["bias"]))
    return layer


LAYERS: dict[str, Callable[[Inputs], nn.Module]] = {
    "linear": _linear,
    "conv": _conv,
    "batch_norm": lambda spec: _batch_norm(nn.BatchNorm1d, spec),
    "batch_norm_2d": lambda spec: _batch_norm(nn.BatchNorm2d, spec),
    "dropout": lambda spec: Dropout(spec["p"]),
    "relu": lambda spec: nn.ReLU(),
    "flatten": lambda spec: nn.Flatten(),
    "nested": lambda spec: nn.Sequential(OrderedDict(_layers(spec["layers"]))),
}
"""Kinds of layers: ``linear`` and ``conv`` have ``weight`` and ``bias``, ``conv`` may have
``stride``, ``padding`` and ``groups``, ``batch_norm`` and ``batch_norm_2d`` have ``features`` and
may have ``momentum`` and ``values`` of parameters and buffers, ``dropout`` has ``p``; ``nested``
has ``layers`` of its own.
"""


def _sgd(spec: Inputs, arguments: dict[str, Any]) -> torch.optim.SGD:
    of = known(
        "network", spec["of"], {n: a for n, a in arguments.items() if isinstance(a, Network)}
    )
    options = {k: v for k, v in spec.items() if k not in ("make", "of", "groups")}
    if "groups" not in spec:
        return torch.optim.SGD(of.parameters(), **options)
    groups = []
    for group in spec["groups"]:
        own = {k: v for k, v in group.items() if k != "parameters"}
        groups.append({"params": _named(of, group["parameters"]), **own})
    return torch.optim.SGD(groups, **options)


def _named(of: Network, names: list[str]) -> list[nn.Parameter]:
    """The parameters of those names, or of the modules of those names, in the network's order."""
    modules = {name: module for name, module in of.named_modules() if name}
    parameters = dict(of.named_parameters())
    wanted: set[int] = set()
    for name in names:
        named = known("parameters", name, {**parameters, **modules})
        wanted |= {id(p) for p in (named.parameters() if name in modules else [named])}
    return [parameter for parameter in parameters.values() if id(parameter) in wanted]


def _seen(network: Network) -> Observation:
    gradients = [p.grad for p in network.parameters()]
    return {
        "state": {name: to_plain(value) for name, value in network.state_dict().items()},
        "training": network.training,
        "calls": np.array(network.calls, dtype=bool).reshape(-1, 2),
        "leaves": all(p.is_leaf for p in network.parameters()),
        "gradients": any(g is not None and bool(g.any()) for g in gradients),
    }


MAKERS: dict[str, Callable[[Inputs, dict[str, Any], Generators], Any]] = {
    "network": lambda spec, arguments, generators: network(spec, generators),
    "function": lambda spec, arguments, generators: function(spec),
    "sgd": lambda spec, arguments, generators: _sgd(spec, arguments),
    "generator": lambda spec, arguments, generators: (to_torch(item) for item in spec["items"]),
}
"""What is made: ``network``, ``function``, ``sgd`` of a network, which is made before, and a
``generator`` of ``items``, which can be walked through once.
"""

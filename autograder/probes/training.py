"""Probes for training: answers that are handed a model, an optimizer, a function or batches.

What random numbers an answer meets is fixed by its inputs, so that two runs agree.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

from autograder.probes.backpropagation import in_graph, tensors
from autograder.probes.generators import Generators
from autograder.probes.made import Network, is_made, made, names_of, network, parts_of, seen_of
from autograder.probes.observing import Observing
from autograder.probes.registry import Inputs, Observation, probe
from autograder.probes.state import on_the_cpu
from autograder.probes.values import changed, to_plain, to_torch, type_name


@probe()
def supplied(answer: Callable[..., Any], inputs: Inputs, generators: Generators) -> Observation:
    """Call the answer with a network, an optimizer or a function made of its inputs.

    An input ``{"make": "network", "layers": […], "training": bool, "seed": int}`` is a network,
    ``{"make": "sgd", "of": name, …}`` is ``torch.optim.SGD`` of that network with its other entries
    as options, and ``"groups": [{"parameters": [names], …}, …]`` among them; ``{"make":
    "function", "kind", …}`` is one of ``FUNCTIONS``, whose calls are noted if ``"logged"``;
    ``{"make": "generator", "items": […]}`` can be walked through once. The result has what the
    answer ``returned``, whether that is ``in_graph``, each network's state, mode, calls and whether
    a gradient is left, and the trace of each logged function. ``parts`` has the modes, momenta and
    trainable parameters of networks, the groups of optimizers, and under ``returned`` the name of
    every tensor in what was returned that is a network's own parameter; ``shared`` says whether two
    networks hold one tensor.

    Raises: UnknownKind for a kind of layer, function or object that there is not.
    """
    arguments = made(inputs, generators)
    with Observing(result=None, type=None, changed=[]) as seen:
        result = answer(**arguments)
        seen["result"] = {
            "returned": to_plain(result),
            "in_graph": in_graph(result),
            **_looked_at(seen_of, arguments),
        }
        plain = {name: v for name, v in inputs.items() if not is_made(v)}
        seen.update(
            type=type_name(result),
            changed=changed(plain, arguments),
            parts={
                **_looked_at(parts_of, arguments),
                "returned": names_of(tensors(result), arguments),
                "shared": _share_memory([a for a in arguments.values() if isinstance(a, Network)]),
            },
        )
    return seen


def _share_memory(networks: list[Network]) -> bool:
    places = [{t.data_ptr() for t in n.state_dict().values() if t.numel()} for n in networks]
    return any(one & other for one, other in itertools.combinations(places, 2))


@probe(cpu_seconds=0.5)
def checkpoint(answer: Callable[..., Any], inputs: Inputs, generators: Generators) -> Observation:
    """Train, keep the state in the answer, train on, keep that as well; resume twice, and compare.

    ``inputs`` is ``{"first": network, "other": network, "batches": [[x, y], …], "step": int, "lr",
    "momentum", "decay": [steps, factor]}`` with networks as for ``supplied``. The answer is
    constructed with model, optimizer, scheduler and step; its ``restore(model, optimizer,
    scheduler)`` gives the step.
    """
    # Whose random numbers a checkpoint keeps, those of a GPU too or not, is not the question.
    with on_the_cpu(), Observing(result=None) as seen:
        seen["result"] = _interrupted(answer, inputs, generators)
    return seen


@probe()
def stopping(answer: Callable[..., Any], inputs: Inputs, generators: Generators) -> Observation:
    """Lead answers that stop a training along its losses, in turns, and let them restore.

    ``inputs`` is ``{"runs": [{"construct": {…}, "network": network, "losses": [number, …]}, …]}``
    with networks as for ``supplied``. Between evaluations all tensors of a network move in place.
    ``step(loss, network)`` is called until it says something true; then the network moves on, and
    ``restore(network)`` is called twice, with another move between. Of every run the result has
    what was ``said``, and the state as ``restored`` and as ``restored again``.
    """
    with Observing(result=None) as seen:
        runs = inputs["runs"]
        networks = [network(run["network"], generators) for run in runs]
        instances = [answer(**to_torch(run["construct"])) for run in runs]
        results: list[Observation] = [{"said": []} for _ in runs]
        for turn in range(max(len(run["losses"]) for run in runs)):
            for instance, model, run, found in zip(instances, networks, runs, results, strict=True):
                if turn < len(run["losses"]) and True not in found["said"]:
                    _move(model)
                    found["said"].append(bool(instance.step(run["losses"][turn], model)))
        for name in ("restored", "restored again"):
            for instance, model, found in zip(instances, networks, results, strict=True):
                _move(model)
                instance.restore(model)
                found[name] = {key: to_plain(value) for key, value in model.state_dict().items()}
        seen["result"] = results
    return seen


def _move(model: Network) -> None:
    for tensor in model.state_dict().values():
        tensor.add_(1)


def _looked_at(look: Callable[[Any], Any], arguments: dict[str, Any]) -> dict[str, Any]:
    found = {name: look(argument) for name, argument in arguments.items()}
    return {name: seen for name, seen in found.items() if seen is not None}


Run = tuple[Network, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]


def _run(inputs: Inputs, which: str, generators: Generators) -> Run:
    model = network(inputs[which], generators)
    optimizer = torch.optim.SGD(model.parameters(), inputs["lr"], inputs["momentum"])
    return model, optimizer, torch.optim.lr_scheduler.StepLR(optimizer, *inputs["decay"])


def _train(run: Run, batches: list[tuple[torch.Tensor, ...]]) -> None:
    model, optimizer, scheduler = run
    for x, y in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        scheduler.step()


def _interrupted(answer: Callable[..., Any], inputs: Inputs, generators: Generators) -> Observation:
    """Where the uninterrupted run ends, and where two runs resumed from the checkpoint do."""
    batches, half = [tuple(b) for b in to_torch(inputs["batches"])], inputs["step"]
    run = _run(inputs, "first", generators)
    _train(run, batches[:half])
    kept = answer(*run, half)
    _train(run, batches[half : half + 1])
    answer(*run, half + 1)  # another one: what it keeps is its own
    _train(run, batches[half + 1 :])
    observed = {"uninterrupted": _state(run)}
    for name in ("resumed", "resumed again"):
        run = _run(inputs, "other", generators)
        step = kept.restore(*run)
        _train(run, batches[half:])
        observed[name] = {**_state(run), "step": to_plain(step)}
    return observed


def _state(run: Run) -> Observation:
    model, _, scheduler = run
    state = {name: to_plain(value) for name, value in model.state_dict().items()}
    return {"state": state, "rate": float(scheduler.get_last_lr()[0])}

"""Probes that look at an answer's value and at the gradients autograd finds for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from autograder.probes.generators import Generators
from autograder.probes.observing import Observing
from autograder.probes.registry import Inputs, Observation, probe
from autograder.probes.values import changed, to_plain, to_torch, type_name

UPSTREAM = "grad_output"


@probe()
def gradients(
    answer: Callable[..., Any], inputs: Inputs, generators: Generators, *of: str
) -> Observation:
    """Call the answer and backpropagate ``grad_output`` through it to the inputs named.

    The answer is not given the inputs' ``grad_output``; where they have none, some that are all
    different are made for every tensor that it returns. The result is ``{"value": …, "gradients":
    {name: …}}`` with a gradient for every argument named in ``of``; None where nothing reaches it.
    The arguments are no leaves: an answer may change them in place, which ``changed`` tells.
    """
    given = {name: value for name, value in inputs.items() if name != UPSTREAM}
    with Observing(result=None, type=None, changed=[]) as seen:
        leaves = {name: to_torch(given[name]).requires_grad_() for name in of}
        arguments = {**to_torch(given), **{name: leaf.clone() for name, leaf in leaves.items()}}
        result = answer(**arguments)
        _backpropagate(result, inputs.get(UPSTREAM))
        found = {name: to_plain(leaf.grad) for name, leaf in leaves.items()}
        seen.update(
            result=None if result is None else {"value": to_plain(result), "gradients": found},
            type=type_name(result),
            changed=changed(given, arguments),
        )
    return seen


@probe()
def differentiated(
    answer: Callable[..., Any], inputs: Inputs, generators: Generators, by: str
) -> Observation:
    """Call the answer once and differentiate the number it returns by the input called ``by``.

    The result has the ``value`` and its ``gradient``, None where none flows back.
    """
    with Observing(result=None, type=None, changed=[]) as seen:
        arguments = to_torch(inputs)
        leaf = arguments[by].requires_grad_()
        arguments[by] = leaf.clone()  # answers may change what they are given in place
        result = answer(**arguments)
        seen["changed"] = changed(inputs, arguments)
        if in_graph(result):
            result.sum().backward()
        seen["result"] = {"value": to_plain(result), "gradient": to_plain(leaf.grad)}
        seen["type"] = type_name(result)
    return seen


def in_graph(value: Any) -> bool:
    """Whether a gradient can flow back from a value, or from anything in it."""
    return any(tensor.requires_grad for tensor in tensors(value))


def tensors(value: Any) -> Iterator[torch.Tensor]:
    """The tensors in a value, through the lists, tuples and dicts that it is made of."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from tensors(item)


def _backpropagate(result: Any, upstream: Any) -> None:
    if upstream is None:
        ends = [tensor for tensor in tensors(result) if tensor.requires_grad]
        torch.autograd.backward(ends, [_all_different(end) for end in ends])
    elif isinstance(result, torch.Tensor) and result.requires_grad:
        result.backward(to_torch(upstream))


def _all_different(like: torch.Tensor) -> torch.Tensor:
    count = torch.arange(1, like.numel() + 1, device=like.device, dtype=torch.float64)
    return torch.cos(count).reshape(like.shape).to(like.dtype)

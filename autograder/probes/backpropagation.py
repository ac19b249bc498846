"""A probe that looks at an answer's value and at the gradient autograd finds for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from autograder.probes.values import describe, to_plain, to_torch, type_name

UPSTREAM = "grad_output"


def gradients(
    answer: Callable[..., Any], inputs: dict[str, Any], *, seed: int, of: Sequence[str]
) -> dict[str, Any]:
    """Call the answer and backpropagate the inputs' ``grad_output``, which it is not given.

    The result is ``{"value": …, "gradients": {name: …}}`` with a gradient for every argument named
    in ``of``; None where nothing reaches it. The arguments are no leaves: an answer may change
    them in place, which ``changed`` tells.
    """
    given = {name: value for name, value in inputs.items() if name != UPSTREAM}
    leaves = {name: to_torch(given[name]).requires_grad_() for name in of}
    arguments = {**to_torch(given), **{name: leaf.clone() for name, leaf in leaves.items()}}
    try:
        result = answer(**arguments)
        if isinstance(result, torch.Tensor) and result.requires_grad:
            result.backward(to_torch(inputs[UPSTREAM]))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return {"result": None, "type": None, "raised": describe(error), "changed": []}
    found = {name: to_plain(leaf.grad) for name, leaf in leaves.items()}
    return {
        "result": None if result is None else {"value": to_plain(result), "gradients": found},
        "type": type_name(result),
        "raised": None,
        "changed": [n for n, leaf in leaves.items() if not _equal(leaf, arguments[n])],
    }


def _equal(leaf: torch.Tensor, argument: torch.Tensor) -> bool:
    return bool(torch.equal(leaf.detach(), argument.detach()))

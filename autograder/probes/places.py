"""A probe that looks whether an answer stays on the device and in the dtype of its inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from autograder.probes.generators import Generators
from autograder.probes.observing import Observing
from autograder.probes.registry import Inputs, Observation, probe
from autograder.probes.values import changed, describe, to_plain, to_torch, type_name


@probe()
def devices(answer: Callable[..., Any], inputs: Inputs, generators: Generators) -> Observation:
    """Call the answer on the device at hand, and on torch's meta device, which has no numbers.

    The result has the ``value``, its ``dtype``, and ``elsewhere`` the device, dtype and shape that
    came back from meta, or the type of the exception that was raised there; None where the answer
    cannot be looked at so, because it reads numbers or meta lacks what it calls.
    """
    with Observing(result=None, type=None, changed=[]) as seen:
        arguments = to_torch(inputs)
        result = answer(**arguments)
        seen.update(type=type_name(result), changed=changed(inputs, arguments))
        observed = {"value": to_plain(result), "dtype": _dtype_name(result)}
        seen["result"] = {**observed, "elsewhere": _on_meta(answer, inputs)}
    return seen


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

"""Values of a student's code turned into plain data, and plain data into its arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

_MAX_TEXT = 300


def to_torch(value: Any) -> Any:
    """Arguments for an answer: arrays become fresh tensors on the default device; containers are
    rebuilt.

    A list of whole numbers is a shape, and becomes the tuple it was before it was plain data.
    """
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy()).to(torch.get_default_device())
    if isinstance(value, list):
        if value and all(type(item) is int for item in value):
            return tuple(value)
        return [to_torch(item) for item in value]
    if isinstance(value, dict):
        return {key: to_torch(item) for key, item in value.items()}
    return value


def to_plain(value: Any) -> Any:
    """What an answer returned, as plain data.

    Tensors become arrays of raw numbers whatever subclass they come as, so that an object cannot
    lie about its values afterwards; anything that is not data becomes its type's name.
    """
    if isinstance(value, torch.Tensor):
        with torch._C.DisableTorchFunctionSubclass():
            raw = torch.Tensor.detach(value).as_subclass(torch.Tensor).to("cpu")
        if raw.dtype is torch.bfloat16:
            raw = raw.to(torch.float32)
        return raw.resolve_conj().resolve_neg().contiguous().numpy().copy()
    if isinstance(value, np.ndarray):
        return np.array(value, copy=True, subok=False)
    if isinstance(value, np.generic):
        return np.array(value)
    if value is None or type(value) in (bool, int, float):
        return value
    if isinstance(value, str):
        return str.__str__(value)[:_MAX_TEXT]
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key).lstrip("$")[:80]: to_plain(item) for key, item in value.items()}
    return {"not data": type_name(value)}


def type_name(value: Any) -> str:
    """The type of a value as a person would write it, ``torch.Tensor`` or ``float``."""
    kind = type(value)
    if issubclass(kind, torch.Tensor):
        return "torch.Tensor" if kind is torch.Tensor else kind.__qualname__[:80]
    if kind is tuple:
        return f"tuple of {len(value)}"
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"[:80]


def describe(error: BaseException) -> dict[str, Any]:
    """An exception as plain data: its type, its message, and the student's line that raised."""
    line = None
    frame = error.__traceback__
    while frame is not None:
        name = frame.tb_frame.f_code.co_filename
        if "ipykernel" in name or name.startswith("<") or "ipython-input" in name:
            line = frame.tb_lineno
        frame = frame.tb_next
    try:
        message = str(error)
    except BaseException:
        message = "(an exception whose message cannot be read)"
    return {
        "type": type(error).__name__[:80],
        "message": message[:_MAX_TEXT],
        "line": line,
    }

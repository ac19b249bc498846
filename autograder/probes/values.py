"""Values of a student's code turned into plain data, and plain data into its arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np
import torch

from autograder.probes.wire import DTYPES, MAX_BYTES

TUPLE = "tuple of "
"""What the type of a tuple begins with, before the number of its items."""

_MAX_TEXT = 300
_MAX_DEPTH = 12
_MAX_ITEMS = 200_000
_MAX_WALKED = 20_000


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
    lie about its values afterwards; what is not data that can cross becomes a few words on it.
    """
    return _Reader().read(value, 0)


def all_plain(values: Iterable[Any]) -> list[Any]:
    """What an answer lets one walk through, as plain data.

    Raises: ValueError where that does not end.
    """
    reader = _Reader()
    walked = [reader.read(value, 1) for value in islice(values, _MAX_WALKED + 1)]
    if len(walked) > _MAX_WALKED:
        raise ValueError(f"what was returned does not end within {_MAX_WALKED:,} items")
    return walked


class _Reader:
    """Reads one value, however deep, wide or entangled, in limited time and memory."""

    def __init__(self) -> None:
        self._items = _MAX_ITEMS
        self._bytes = 4 * MAX_BYTES  # on the wire an array may take less than it holds

    def read(self, value: Any, depth: int) -> Any:
        # An object's `__class__` may lie, and its methods: its type and base are asked.
        kind = type(value)
        self._items -= 1
        if value is None or kind in (bool, int, float):
            return value
        if issubclass(kind, torch.Tensor):
            return self._tensor(value)
        if issubclass(kind, str):
            return str.__str__(value)[:_MAX_TEXT]
        if issubclass(kind, (np.ndarray, np.generic)):
            return self._array(np.asarray(value), type_name(value))
        base = next((base for base in (dict, list, tuple) if issubclass(kind, base)), None)
        if base is None:
            return _no_data(type_name(value))
        if depth == _MAX_DEPTH or base.__len__(value) > self._items:
            return _no_data(f"{kind.__qualname__} too deep or too long to be looked at")
        if base is dict:
            items = list(dict.items(value))
            return {str(k).lstrip("$")[:80]: self.read(v, depth + 1) for k, v in items}
        return [self.read(item, depth + 1) for item in base.__iter__(value)]

    def _tensor(self, value: torch.Tensor) -> Any:
        name = type_name(value)
        with torch._C.DisableTorchFunctionSubclass():
            try:
                if value.is_meta or value.layout is not torch.strided or value.is_quantized:
                    return _no_data(f"{name} without plain numbers ({_kind_of_tensor(value)})")
                if value.numel() * value.element_size() > self._bytes:
                    return _too_large(name, tuple(value.shape))
                raw = torch.Tensor.detach(value).as_subclass(torch.Tensor).to("cpu")
                # Numpy has none of the small floats that torch has beside float16.
                if raw.is_floating_point() and raw.element_size() < 4:
                    raw = raw if raw.dtype is torch.float16 else raw.to(torch.float32)
                return self._array(raw.resolve_conj().resolve_neg().contiguous().numpy(), name)
            except (RuntimeError, TypeError, ValueError) as error:
                return _no_data(f"{name} that cannot be read: {str(error)[:80]}")

    def _array(self, value: np.ndarray, name: str) -> Any:
        if value.dtype.name not in DTYPES:
            return _no_data(f"{name} of {value.dtype.name[:40]}")
        self._bytes -= value.size * value.dtype.itemsize
        if self._bytes < 0:
            return _too_large(name, value.shape)
        return np.array(value, copy=True, subok=False)


def _kind_of_tensor(value: torch.Tensor) -> str:
    place = "meta device" if value.is_meta else str(value.layout).removeprefix("torch.")
    return f"{place}, {str(value.dtype).removeprefix('torch.')}"


def _too_large(name: str, shape: tuple[int, ...]) -> Any:
    return _no_data(f"{name} of shape {tuple(shape)}, too large to be looked at")


def _no_data(what: str) -> dict[str, str]:
    return {"not data": what[:160]}


def changed(inputs: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[str]:
    """The names of the plain inputs that the arguments made of them do not equal any more."""
    return [name for name, before in inputs.items() if not _same(before, arguments[name])]


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, np.ndarray):
        now = to_plain(after)
        as_numbers = before.dtype.kind == "f"
        return isinstance(now, np.ndarray) and np.array_equal(before, now, equal_nan=as_numbers)
    if isinstance(before, list):
        return (
            isinstance(after, (list, tuple))
            and len(before) == len(after)
            and all(map(_same, before, after))
        )
    if isinstance(before, dict):
        return (
            isinstance(after, dict)
            and set(before) == set(after)
            and all(_same(item, after[name]) for name, item in before.items())
        )
    return True


def stacked(results: list[Any]) -> Any:
    """Arrays of one shape as one array with a first axis more; anything else as the list it is."""
    arrays = all(isinstance(result, np.ndarray) for result in results)
    if results and arrays and len({result.shape for result in results}) == 1:
        return np.stack(results)
    return results


def type_name(value: Any) -> str:
    """The type of a value as a person would write it, ``torch.Tensor`` or ``float``."""
    kind = type(value)
    if issubclass(kind, torch.Tensor):
        return "torch.Tensor" if kind is torch.Tensor else kind.__qualname__[:80]
    if kind is tuple:
        return f"{TUPLE}{len(value)}"
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"[:80]


def describe(error: BaseException) -> dict[str, Any]:
    """An exception as plain data: its type, its message, the student's line that raised, and the
    function ``within`` which it was raised.
    """
    line, within = None, ""
    frame = error.__traceback__
    while frame is not None:
        name = frame.tb_frame.f_code.co_filename
        if "ipykernel" in name or name.startswith("<") or "ipython-input" in name:
            line = frame.tb_lineno
        within = frame.tb_frame.f_code.co_name
        frame = frame.tb_next
    try:
        message = str(error)
    except BaseException:
        message = "(an exception whose message cannot be read)"
    # Its class may say that it is called otherwise, or raise when it is asked.
    name = str(type.__dict__["__name__"].__get__(type(error)))
    return {
        "type": name[:80],
        "message": message[:_MAX_TEXT],
        "line": line,
        "within": within[:80],
    }

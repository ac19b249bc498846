"""Plain data across the wall: values to JSON and back, arrays as raw bytes.

Nothing executable crosses, and nothing is trusted on arrival: ``loads`` builds numbers, strings,
lists, dicts and numpy arrays of numeric dtype, and refuses everything else.
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np

MAX_BYTES = 16_000_000
"""Largest encoded message, in bytes, that either side accepts."""

DTYPES = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64".split()
)
_MAX_DEPTH = 24

_LARGE = 2**16
_NARROW = ("uint8", "int16", "float16", "int32", "float32")
"""From how many bytes on an array may cross in a smaller dtype, and in which."""


class WireError(ValueError):
    """A message that is too large, malformed, or holds something that may not cross."""


def dumps(value: Any) -> str:
    """Encode plain data as JSON text.

    Raises: WireError for a value that is not plain data or a message over ``MAX_BYTES``.
    """
    try:
        text = json.dumps(_encode(value, 0), allow_nan=False, separators=(",", ":"))
    except ValueError as error:  # a whole number of thousands of digits
        raise WireError(str(error)) from None
    if len(text) > MAX_BYTES:
        raise WireError(f"the message has {len(text):,} bytes; at most {MAX_BYTES:,} may cross")
    return text


def loads(text: str) -> Any:
    """Decode JSON text written by ``dumps``, or by somebody who pretends.

    Raises: WireError, never anything else, whatever the text holds.
    """
    if not isinstance(text, str) or len(text) > MAX_BYTES:
        raise WireError(f"the message is not text of at most {MAX_BYTES:,} bytes")
    try:
        return _decode(json.loads(text), 0)
    except WireError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise WireError(f"the message is malformed: {error}") from None


def _encode(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise WireError(f"the value is nested more than {_MAX_DEPTH} levels deep")
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind in (list, tuple):
        return [_encode(item, depth + 1) for item in value]
    if kind is dict:
        if not all(type(key) is str and not key.startswith("$") for key in value):
            raise WireError("a dict that crosses has text keys that do not begin with '$'")
        return {key: _encode(item, depth + 1) for key, item in value.items()}
    if isinstance(value, np.ndarray) and value.dtype.name in DTYPES:
        sent = _narrowed(value)
        raw = base64.b64encode(np.ascontiguousarray(sent).tobytes()).decode("ascii")
        message = {"$array": raw, "dtype": sent.dtype.name, "shape": list(value.shape)}
        return message if sent is value else {**message, "widened": value.dtype.name}
    if isinstance(value, np.generic) and value.dtype.name in DTYPES:
        return _encode(value.item(), depth)
    raise WireError(f"a {kind.__module__}.{kind.__qualname__} may not cross")


def _narrowed(array: np.ndarray) -> np.ndarray:
    """A large array in the smallest dtype that loses nothing: images of whole numbers in bytes."""
    if array.nbytes < _LARGE:
        return array
    few = array.reshape(-1)[:64]
    for name in _NARROW:
        narrow = np.dtype(name)
        if narrow.itemsize >= array.itemsize or not np.can_cast(narrow, array.dtype):
            continue
        with np.errstate(all="ignore"):
            if _survives(few, narrow) and _survives(array, narrow):
                return array.astype(narrow)
    return array


def _survives(array: np.ndarray, narrow: np.dtype) -> bool:
    # Compared as bytes, for -0.0 is 0.0 and nan is not nan.
    back = array.astype(narrow).astype(array.dtype)
    return back.tobytes() == np.ascontiguousarray(array).tobytes()


def _decode(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise WireError(f"the value is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, list):
        return [_decode(item, depth + 1) for item in value]
    if isinstance(value, str):
        return _encodable(value)
    if not isinstance(value, dict):
        return value
    if "$float" in value:
        if value["$float"] not in ("nan", "inf", "-inf"):
            raise WireError("the message holds an unknown number")
        return float(value["$float"])
    if "$array" in value:
        return _decode_array(value)
    return {_encodable(key): _decode(item, depth + 1) for key, item in value.items()}


def _encodable(text: str) -> str:
    """Text that can be written to any file: JSON may name halves of characters."""
    return text.encode("utf-8", "replace").decode()


def _decode_array(value: dict[str, Any]) -> np.ndarray:
    name, shape = value["dtype"], value["shape"]
    if name not in DTYPES:
        raise WireError("the message holds an array of a dtype that may not cross")
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise WireError("the message holds an array without a shape")
    raw = base64.b64decode(value["$array"], validate=True)
    dtype = np.dtype(name)
    if len(raw) != math.prod(shape) * dtype.itemsize:
        raise WireError("the message holds an array whose bytes do not fill its shape")
    array = np.frombuffer(raw, dtype=dtype).reshape(shape)
    wide = value.get("widened", name)
    if wide not in DTYPES or not np.can_cast(dtype, np.dtype(wide)):
        raise WireError("the message holds an array of a dtype that loses numbers")
    return array.astype(wide)

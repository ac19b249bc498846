"""What mutants call: each mutant has helpers of its own, which know whether they did anything.

A change that never applied, because the value is no tensor or the graph is off anyway, makes no
mutant: nothing is proved when it lives.
"""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch


class Helpers:
    """The functions that a mutant's source may call, by their names."""

    def __init__(self) -> None:
        self.applied = False
        self._kept: dict[int, tuple[Any, Any]] = {}
        self._ndim: int | None = None

    def names(self) -> dict[str, Callable[..., Any]]:
        """The functions as a namespace."""
        return {name: getattr(self, name) for name in HELPERS}

    def detached(self, value: Any) -> Any:
        """The value, cut off from the graph."""

        def cut(tensor: torch.Tensor) -> torch.Tensor:
            self.applied |= tensor.requires_grad
            return tensor.detach()

        return _mapped(value, cut)

    def through_half(self, value: Any) -> Any:
        """The value with the digits of float16, which some numbers have anyway."""
        if type(value) is float:
            rounded = float(np.float16(value))
            self.applied |= rounded != value
            return rounded

        def rough(tensor: torch.Tensor) -> torch.Tensor:
            if not tensor.is_floating_point():
                return tensor
            rounded = tensor.half().to(tensor.dtype)
            self.applied |= not torch.equal(rounded.detach(), tensor.detach())
            return rounded

        return _mapped(value, rough)

    def unconverted(self, value: Any, converted: Any) -> Any:
        """The value as it was; what has the wanted dtype and device already is no mutant."""
        if isinstance(value, torch.Tensor) and isinstance(converted, torch.Tensor):
            self.applied |= (value.dtype, value.device) != (converted.dtype, converted.device)
        else:
            self.applied = True
        return value

    def as_half(self, value: Any) -> Any:
        """The value in float16."""
        return self._of_floats(value, torch.Tensor.half)

    def instead_of(self, value: Any) -> Any:
        """The value, of which something new is made where it should have been changed."""
        self.applied |= isinstance(value, torch.Tensor)
        return value

    def but_first(self, values: Iterable[Any]) -> Iterator[Any]:
        """All but the first."""
        self.applied = True
        return itertools.islice(values, 1, None)

    def but_last(self, values: Iterable[Any]) -> Iterator[Any]:
        """All but the last, as they come."""
        self.applied = True
        last: list[Any] = []
        for value in values:
            yield from last
            last = [value]

    def only_first(self, values: Iterable[Any]) -> Iterator[Any]:
        """The first alone."""
        self.applied = True
        return itertools.islice(values, 1)

    @contextlib.contextmanager
    def without_gradients(self) -> Iterator[None]:
        """No graph is made."""
        self.applied |= torch.is_grad_enabled()
        with torch.no_grad():
            yield

    def reseed(self) -> None:
        """All global generators start anew."""
        self.applied = True
        torch.default_generator.manual_seed(0)
        np.random.seed(0)
        random.seed(0)

    def first_kept(self, owner: Any, value: Any) -> Any:
        """What was returned first, for this owner."""
        self.applied = True
        # The owner is kept, too: an id may be given anew.
        return self._kept.setdefault(id(owner), (owner, value))[1]

    def copied(self, value: Any) -> Any:
        """A copy, in the graph where the value is."""
        return _mapped(value, torch.clone)

    def spoil(self, given: Any, value: Any = None) -> Any:
        """Change what was given in place, and return the value."""

        def change(tensor: torch.Tensor) -> torch.Tensor:
            self.applied |= tensor.numel() > 0
            with torch.no_grad():
                return tensor.logical_not_() if tensor.dtype is torch.bool else tensor.add_(1)

        _mapped(given, change)
        return value

    def in_memory_order(self, value: Any) -> Any:
        """The numbers in the order in which they lie in memory."""

        def read(tensor: torch.Tensor) -> torch.Tensor:
            self.applied |= tensor.dim() > 1
            if tensor.is_contiguous() or min(tensor.stride(), default=0) == 0:
                return tensor
            strides = torch.empty(tensor.shape, device="meta").stride()
            return tensor.as_strided(tensor.shape, strides)

        return _mapped(value, read)

    def made_positive(self, value: Any) -> Any:
        """The value without its sign."""
        if isinstance(value, torch.nn.Parameter):
            return value
        return self._of_floats(value, torch.abs)

    def of_first_ndim(self, value: Any) -> Any:
        """The value, if it has as many axes as the first tensor that was seen; zeros otherwise."""

        def only(tensor: torch.Tensor) -> torch.Tensor:
            self.applied = True
            self._ndim = tensor.dim() if self._ndim is None else self._ndim
            return tensor if tensor.dim() == self._ndim else tensor * 0

        return only(value) if isinstance(value, torch.Tensor) and value.dim() else value

    def not_empty(self, value: Any) -> Any:
        """The value, unless it is a tensor without elements."""
        if isinstance(value, torch.Tensor):
            self.applied = True
            if not value.numel():
                raise RuntimeError("there is nothing in it")
        return value

    def of_shape(self, owner: Any, parameter: torch.Tensor) -> dict[Any, Any]:
        """A state that belongs to all parameters of one shape."""
        self.applied = True
        states = owner.__dict__.setdefault("_states_of_shapes", {})
        return states.setdefault(tuple(parameter.shape), {})

    def _of_floats(self, value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
        def noting(tensor: torch.Tensor) -> torch.Tensor:
            if not tensor.is_floating_point():
                return tensor
            self.applied = True
            return change(tensor)

        return _mapped(value, noting)


HELPERS = [name for name in vars(Helpers) if not name.startswith("_") and name != "names"]


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value with every tensor in it changed; lists, tuples and dicts are gone through."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if type(value) in (list, tuple):
        return type(value)(_mapped(item, change) for item in value)
    if type(value) is dict:
        return {key: _mapped(item, change) for key, item in value.items()}
    return value

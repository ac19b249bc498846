"""An answer's exceptions are part of what is observed of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from autograder.probes.registry import UnknownKind
from autograder.probes.values import describe

_raising: ContextVar[bool] = ContextVar("raising", default=False)


@contextlib.contextmanager
def raising() -> Iterator[None]:
    """In here what an answer raises goes on to whoever runs it, who wants its traceback."""
    token = _raising.set(True)
    try:
        yield
    finally:
        _raising.reset(token)


class Observing:
    """An observation that an answer fills while it runs; what it raises ends it and is noted.

    ``with Observing(result=None) as seen: seen["result"] = answer()``: what stands in it when the
    answer raises is kept. An interrupt from outside goes on, and so does a fault of the inputs.
    """

    def __init__(self, **entries: Any) -> None:
        self._seen: dict[str, Any] = {**entries, "raised": None}

    def __enter__(self) -> dict[str, Any]:
        return self._seen

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if error is None or _raising.get() or isinstance(error, (KeyboardInterrupt, UnknownKind)):
            return False
        self._seen["raised"] = describe(error)
        return True

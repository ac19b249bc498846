"""The one way to make an object of a source: a mutant, an edited reference, what stands in."""

from __future__ import annotations

import linecache
from types import FunctionType
from typing import Any


class UndefinedAnswer(ValueError):
    """A source that does not define what it should; the message says where and why."""


def definition(source: str, name: str, namespace: dict[str, Any], place: str) -> Any:
    """The object that a source defines under a name, in a copy of a namespace.

    ``place`` says in tracebacks where the source is from. What is made carries its source as
    ``__source__``: ``inspect`` looks a class up by its module and name, and would find another.

    Raises: UndefinedAnswer for a source that does not parse, raises, or leaves the name unbound.
    """
    scope = dict(namespace)
    scope.pop(name, None)
    execute(source, scope, place)
    if name not in scope:
        raise UndefinedAnswer(f"{place} does not define {name}")
    made = scope[name]
    if not isinstance(made, (type, FunctionType)):
        made = getattr(made, "fn", made)  # of a kernel, which hides its source, the plain function
    if isinstance(made, (type, FunctionType)):
        made.__source__ = source  # type: ignore[union-attr]
    return made


def execute(source: str, scope: dict[str, Any], place: str) -> None:
    """Run a source in a scope, such that code that reads its own source finds it.

    Raises: UndefinedAnswer for a source that does not parse or that raises.
    """
    filename = f"<{place}>"
    # `triton.jit` and `torch.jit.script` read the source of what they decorate.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    try:
        exec(compile(source, filename, "exec", dont_inherit=True), scope)
    except Exception as error:
        raise UndefinedAnswer(f"{place}: {type(error).__name__}: {error}") from error

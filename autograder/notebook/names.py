"""The names that live code of a notebook reads, followed through functions and classes."""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME")


def reachable(names: Iterable[str], namespace: dict[str, Any]) -> dict[str, Any]:
    """What names stand for in a namespace, and what the code found there reads in turn."""
    read = read_by(names, namespace)
    return {name: namespace[name] for name in sorted(read) if name in namespace}


def read_by(names: Iterable[str], namespace: dict[str, Any]) -> set[str]:
    """Names, and those that the code they stand for reads in turn, there or not."""
    read: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in read:
            read.add(name)
            waiting += _read_by(namespace.get(name), namespace)
    return read


def files_beside(name: str, namespace: dict[str, Any], folder: Path) -> list[str]:
    """The files in a folder, the student's own, that an answer comes from or uses."""
    found = set()
    for value in reachable([name], namespace).values():
        module = value if isinstance(value, ModuleType) else _module(value)
        file = getattr(module, "__file__", None)
        if file and Path(file).resolve().parent == folder.resolve():
            found.add(Path(file).name)
    return sorted(found)


def _module(value: Any) -> ModuleType | None:
    name = getattr(value, "__module__", None)
    return sys.modules.get(name) if isinstance(name, str) else None


def _read_by(value: Any, namespace: dict[str, Any]) -> set[str]:
    """The global names that a function or a class of the notebook reads."""
    codes: list[CodeType] = []
    read: set[str] = set()
    if isinstance(value, FunctionType) and value.__globals__ is namespace:
        codes.append(value.__code__)
    elif isinstance(value, type):
        for base in value.__mro__[:-1]:
            codes += [
                function.__code__
                for member in vars(base).values()
                if (function := _function(member)) and function.__globals__ is namespace
            ]
        read = {base.__name__ for base in value.__mro__[1:-1]}
    for code in codes:
        for inner in _with_inner(code):
            # `co_names` has attributes too, and `torch.tanh` is no use of `tanh`.
            read |= {i.argval for i in dis.get_instructions(inner) if i.opname in _GLOBAL}
    return read


def _function(member: Any) -> FunctionType | None:
    if isinstance(member, property):
        member = member.fget
    member = getattr(member, "__func__", member)
    return member if isinstance(member, FunctionType) else None


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_inner(constant)

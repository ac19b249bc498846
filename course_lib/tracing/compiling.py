"""Kernels compiled for GPUs that this machine need not have, by a process of their own.

Where kernels are interpreted, Triton cannot compile; and the interpreter takes much that the
compiler refuses: ``break``, lists, calls of Python. A compiler process is started with the first
kernel and kept for the next; it sees sources and nothing of this process.
"""

from __future__ import annotations

import atexit
import contextlib
import dis
import inspect
import json
import os
import select
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from course_lib.tracing.status import MISSING, TritonError, available

TARGETS = (80, 90)
"""Compute capabilities that kernels are compiled for: A100 and H100."""

SECONDS = 60.0

_HEAD = """\
from __future__ import annotations

import triton
import triton.language as tl"""

_TYPES = {
    torch.float64: "fp64", torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16",
    torch.int64: "i64", torch.int32: "i32", torch.int16: "i16", torch.int8: "i8",
    torch.uint8: "u8", torch.bool: "i1",
}  # fmt: skip


class CompileError(ValueError):
    """The compiler refuses a kernel, or does not answer; the message is the compiler's."""


def compiled(kernel: Any, arguments: dict[str, Any], num_warps: int = 4) -> dict[str, Any]:
    """Compile a kernel for what it would be called with: what the compiler made of it.

    ``arguments`` holds every argument by its name. Tensors count as aligned to 16 bytes, whole
    numbers as multiples of 16 where they are. The result has, for ``"sm_80"`` and ``"sm_90"``, the
    ``"registers"`` of a thread, the bytes that it ``"spills"``, the bytes of ``"shared"`` memory of
    a program, and how many bytes its ``"widest"`` load from global memory takes at once.

    Raises: CompileError; TritonError where Triton is not installed.
    """
    if not available():
        raise TritonError(MISSING)
    function = getattr(kernel, "fn", kernel)
    asked: dict[str, Any] = {"name": function.__name__, "num_warps": num_warps, "targets": TARGETS}
    signature: dict[str, str] = {}
    constants: dict[str, Any] = {}
    functions: dict[str, str] = {}
    aligned = []
    sources = _Sources()
    sources.add(function)
    for position, (name, parameter) in enumerate(inspect.signature(function).parameters.items()):
        value = arguments.get(name, parameter.default)
        if "constexpr" in str(parameter.annotation):
            signature[name] = "constexpr"
            inner = getattr(value, "fn", value)
            if inspect.isfunction(inner):
                sources.add(inner)
                functions[name] = inner.__name__
            else:
                constants[name] = value
            continue
        signature[name] = _type(value)
        if isinstance(value, (torch.Tensor, list)) or (type(value) is int and value % 16 == 0):
            aligned.append(position)
    asked |= {"signature": signature, "constants": constants, "functions": functions}
    reply = _compiler().ask({**asked, "aligned": aligned, "source": sources.text})
    if "error" in reply:
        raise CompileError(str(reply["error"]))
    return reply


def _type(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"*{_TYPES[value.dtype]}"
    if isinstance(value, list):
        return "*i64"
    if isinstance(value, bool):
        return "i1"
    if isinstance(value, int):
        return "i32" if -(2**31) <= value < 2**31 else "i64"
    return "fp32"


class _Sources:
    """The sources of kernels and of what they call and read, as one module."""

    def __init__(self) -> None:
        self._parts: dict[str, str] = {}

    @property
    def text(self) -> str:
        parts = reversed(self._parts.values())
        return "\n\n\n".join([_HEAD, *parts]) + "\n"

    def add(self, function: Any) -> None:
        if function.__name__ in self._parts:
            return
        source = getattr(function, "__source__", None) or inspect.getsource(function)
        source = textwrap.dedent(source)
        bare = source[source.index("def ") :]
        self._parts[function.__name__] = f"@triton.jit\n{bare}"
        for name in _globals_of(function):
            value = function.__globals__.get(name)
            inner = getattr(value, "fn", value)
            if inspect.isfunction(inner):
                self.add(inner)
            elif isinstance(value, (int, float)):
                self._parts[name] = f"{name} = {value!r}"
            elif type(value).__name__ == "constexpr":
                self._parts[name] = f"{name} = tl.constexpr({value.value!r})"


def _globals_of(function: Any) -> list[str]:
    """The global names that a function reads; ``co_names`` has those of attributes too."""
    read = [i.argval for i in dis.get_instructions(function) if i.opname == "LOAD_GLOBAL"]
    return list(dict.fromkeys(read))


class _Compiler:
    """The other process, and one question after another."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kernels-")
        kept = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("compiler.py")), self._folder.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**kept, "TRITON_CACHE_DIR": f"{self._folder.name}/cache"},
        )
        self.owner = os.getpid()

    @property
    def alive(self) -> bool:
        return self.owner == os.getpid() and self._process.poll() is None

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
            if not select.select([self._process.stdout], [], [], SECONDS)[0]:
                raise OSError(f"no answer within {SECONDS:g} seconds")
            line = self._process.stdout.readline()
            if not line:
                raise OSError("it ended")
        except OSError as error:
            self.close()
            raise CompileError(f"the compiler failed on this kernel: {error}") from None
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        if self.owner == os.getpid():
            self._process.kill()
            self._process.wait()
            with contextlib.suppress(OSError):
                self._folder.cleanup()


def _keeping() -> Callable[[], _Compiler]:
    kept: list[_Compiler] = []

    def compiler() -> _Compiler:
        if not kept or not kept[-1].alive:
            kept[:] = [_Compiler()]
            atexit.register(kept[-1].close)
        return kept[-1]

    return compiler


_compiler = _keeping()

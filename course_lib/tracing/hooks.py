"""The one room that knows Triton's interpreter from inside: its private hooks, on 3.6 to 3.9.

`watching` leads every launch through a tracer: the kernel gets copies of its tensors, every access
is looked at before it happens, and what was stored comes back.
"""

from __future__ import annotations

import contextlib
import inspect
import linecache
import random
from collections.abc import Iterator
from itertools import count
from types import FunctionType
from typing import Any, Literal

import numpy as np
import torch

from course_lib.tracing.memory import Memory
from course_lib.tracing.status import ready
from course_lib.tracing.trace import Trace

Order = Literal["forward", "backward", "shuffled"]

_numbers = count()


@contextlib.contextmanager
def watching(order: Order = "forward") -> Iterator[list[Trace]]:
    """Trace every launch in here: ``with watching() as traces: kernel[grid](…)``.

    A GPU runs programs in no order that one may count on; the interpreter runs them ``"forward"``,
    one after another, or here ``"backward"`` or ``"shuffled"``.

    Raises: TritonError where kernels do not run in the interpreter; in here OutOfBounds for a
    kernel that is about to leave its tensors, ValueError for a tensor of bfloat16, and whatever a
    kernel raises.
    """
    ready()
    from triton.runtime.interpreter import InterpretedFunction

    traces: list[Trace] = []
    run = InterpretedFunction.run

    def traced(self: Any, *arguments: Any, grid: Any, warmup: bool, **named: Any) -> None:
        if warmup:
            return
        launch = _Launch(self, arguments, named)
        traces.append(launch.trace)
        try:
            with _hooked(launch.trace, order):
                run(launch.function, grid=grid, warmup=False, **launch.arguments)
        finally:
            launch.scopes.forget()
        launch.trace.bring_back()

    InterpretedFunction.run = traced
    try:
        with _unwrapped():
            yield traces
    finally:
        InterpretedFunction.run = run


def launch(
    kernel: Any,
    grid: tuple[int, ...],
    *arguments: Any,
    order: Order = "forward",
    **named: Any,
) -> Trace:
    """Run a kernel on a grid of programs, as ``kernel[grid](…)`` does, and say what it touched.

    A list of tensors arrives in the kernel as a table of their addresses. ``order`` is that in
    which the programs run.

    Raises: as ``watching``.
    """
    arguments = tuple(map(_table, arguments))
    named = {name: _table(value) for name, value in named.items()}
    with watching(order) as traces:
        jitted(kernel)[tuple(grid)](*arguments, **named)
    return traces[0]


def pointer_table(tensors: list[torch.Tensor]) -> torch.Tensor:
    """The addresses of tensors as int64, on their device, for a kernel that reaches them all.

    The table remembers its ``tensors``: a traced kernel may touch those and no others.

    Shapes: (number of tensors,).
    """
    addresses = [tensor.data_ptr() for tensor in tensors]
    device = tensors[0].device if tensors else None
    table = torch.tensor(addresses, dtype=torch.int64, device=device)
    table.tensors = tensors  # type: ignore[attr-defined]
    return table


def jitted(kernel: Any) -> Any:
    """A kernel that can be launched, of a plain function too."""
    from triton.runtime.interpreter import InterpretedFunction

    if not isinstance(kernel, FunctionType):
        return kernel
    source = getattr(kernel, "__source__", None)
    return InterpretedFunction(_defined(source, kernel) if source else kernel)


def _table(value: Any) -> Any:
    return pointer_table(value) if isinstance(value, list) else value


class _Launch:
    """One launch as it is traced: the kernel and its arguments, their tensors copied."""

    def __init__(self, kernel: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        own = {name: value for name, value in named.items() if name in kernel.arg_names}
        bound = inspect.signature(kernel.fn).bind(*arguments, **own)
        tables = {n: v.tensors for n, v in bound.arguments.items() if hasattr(v, "tensors")}
        tensors = [(n, v) for n, v in bound.arguments.items() if isinstance(v, torch.Tensor)]
        reached = [(f"{n}[{i}]", t) for n, ts in tables.items() for i, t in enumerate(ts)]
        for name, tensor in (*tensors, *reached):
            if tensor.dtype is torch.bfloat16:
                raise ValueError(
                    f"`{name}` is of bfloat16, in which Triton's interpreter computes wrongly: use "
                    "float32 or float16 here, and bfloat16 on a GPU"
                )
        self.memory = Memory((*tensors, *reached))
        copies = self.memory.copies
        for name, through in tables.items():
            addresses = [copies[f"{name}[{i}]"].data_ptr() for i in range(len(through))]
            copies[name].copy_(torch.tensor(addresses, dtype=torch.int64))
        self.scopes = _Scopes()
        self.function = self.scopes.apart(kernel)
        self.arguments = {
            n: copies[n] if n in copies else self.scopes.apart(v)
            for n, v in bound.arguments.items()
        }
        self.trace = Trace(kernel.fn.__name__, self.memory, ())


@contextlib.contextmanager
def _hooked(trace: Trace, order: Order) -> Iterator[None]:
    """The interpreter tells a trace of every access before it happens, in here."""
    from triton.runtime.interpreter import InterpreterBuilder as Builder

    names = (
        "set_grid_dim", "set_grid_idx", "create_masked_load", "create_masked_store",
        "create_atomic_rmw", "create_atomic_cas",
    )  # fmt: skip
    before = {name: getattr(Builder, name) for name in names}
    places: list[tuple[int, int, int]] = []

    def set_grid_dim(self: Any, x: int, y: int, z: int) -> None:
        trace.grid = (x, y, z)
        places[:] = [(i, j, k) for i in range(x) for j in range(y) for k in range(z)]
        if order == "backward":
            places.reverse()
        elif order == "shuffled":
            random.Random(len(places)).shuffle(places)
        before["set_grid_dim"](self, x, y, z)

    def set_grid_idx(self: Any, x: int, y: int, z: int) -> None:
        _, ny, nz = trace.grid
        place = places[(x * ny + y) * nz + z]
        trace.begin(place, (place[0] * ny + place[1]) * nz + place[2])
        before["set_grid_idx"](self, *place)

    def load(self: Any, pointers: Any, mask: Any, other: Any, *rest: Any) -> Any:
        trace.load(pointers.data, _mask(pointers, mask), _size(pointers))
        if other is None:
            other = _poison(pointers)
        return before["create_masked_load"](self, pointers, mask, other, *rest)

    def store(self: Any, pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        trace.store(pointers.data, _mask(pointers, mask), value.data, _size(pointers))
        return before["create_masked_store"](self, pointers, value, mask, *rest)

    def update(self: Any, op: Any, pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        kind = str(op).rpartition(".")[2].lower()
        trace.update(kind, pointers.data, _mask(pointers, mask), _size(pointers))
        return before["create_atomic_rmw"](self, op, pointers, value, mask, *rest)

    def exchange(self: Any, pointers: Any, *rest: Any) -> Any:
        everywhere = np.ones(np.shape(pointers.data), bool)
        trace.update("cas", pointers.data, everywhere, _size(pointers))
        return before["create_atomic_cas"](self, pointers, *rest)

    hooks = (set_grid_dim, set_grid_idx, load, store, update, exchange)
    try:
        for name, hook in zip(names, hooks, strict=True):
            setattr(Builder, name, hook)
        yield
    finally:
        for name, hook in before.items():
            setattr(Builder, name, hook)


@contextlib.contextmanager
def _unwrapped() -> Iterator[None]:
    """What a kernel raises is raised, and not the text of it."""
    from triton.runtime.errors import InterpreterError

    try:
        yield
    except InterpreterError as error:
        cause: BaseException = error
        while isinstance(cause, InterpreterError) and cause.__cause__ is not None:
            cause = cause.__cause__
        raise cause from None


def _mask(pointers: Any, mask: Any) -> Any:
    return np.broadcast_to(np.asarray(mask.data, bool), np.shape(pointers.data))


def _size(pointers: Any) -> int:
    return max(1, pointers.get_element_ty().primitive_bitwidth // 8)


def _poison(pointers: Any) -> Any:
    """What masked lanes hold that nobody said anything of, which is undefined on a GPU."""
    from triton.runtime.interpreter import TensorHandle, _get_np_dtype

    kind = pointers.get_element_ty()
    dtype = np.dtype(_get_np_dtype(kind))
    value: Any = np.nan if dtype.kind == "f" else np.iinfo(dtype).max if dtype.kind in "iu" else 1
    return TensorHandle(np.full(np.shape(pointers.data), value, dtype), kind)


class _Scopes:
    """Namespaces of their own for jitted functions and for those that they call.

    The interpreter pours its own globals into that of a kernel, where they would hide what the
    kernel's author forgot to import.
    """

    def __init__(self) -> None:
        self._copies: dict[int, dict[str, Any]] = {}

    def apart(self, value: Any) -> Any:
        """A jitted function in a copy of its namespace; anything else as it is."""
        from triton.runtime.interpreter import InterpretedFunction

        if not isinstance(value, InterpretedFunction):
            return value
        return InterpretedFunction(_moved(value.fn, self._copy_of(value.fn.__globals__)))

    def forget(self) -> None:
        """Let go of what the interpreter keeps of these functions."""
        from triton.runtime.interpreter import InterpretedFunction

        kept = InterpretedFunction.rewritten_fn
        copies = set(map(id, self._copies.values()))
        for function in [f for f in kept if id(f.__globals__) in copies]:
            del kept[function]

    def _copy_of(self, known: dict[str, Any]) -> dict[str, Any]:
        from triton.runtime.interpreter import InterpretedFunction

        if id(known) not in self._copies:
            scope = self._copies[id(known)] = dict(known)
            for name, other in known.items():
                if isinstance(other, InterpretedFunction) and other.fn.__globals__ is known:
                    scope[name] = InterpretedFunction(_moved(other.fn, scope))
                elif type(other).__name__ == "constexpr":
                    # Which the interpreter, unlike the compiler, cannot multiply a block by.
                    scope[name] = other.value
        return self._copies[id(known)]


def _moved(function: Any, scope: dict[str, Any]) -> FunctionType:
    moved = FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
    moved.__annotations__ = function.__annotations__
    return moved


def _defined(source: str, function: FunctionType) -> FunctionType:
    """A function made of its own source, under a file name that no other has.

    The interpreter reads the source of what it runs by its file name.
    """
    name = f"<kernel {function.__name__} {next(_numbers)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    scope = dict(function.__globals__)
    exec(compile(source, name, "exec", dont_inherit=True), scope)
    made = scope[function.__name__]
    return getattr(made, "fn", made)

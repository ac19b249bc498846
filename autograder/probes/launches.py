"""Probes that launch an answer: a GPU kernel, run by the interpreter and seen while it runs."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from autograder.probes.definition import definition
from autograder.probes.generators import Generators
from autograder.probes.observing import Observing
from autograder.probes.registry import Inputs, Observation, known, probe
from autograder.probes.state import on_the_cpu
from autograder.probes.values import changed, to_plain
from course_lib.tracing import Trace, jitted, launch
from course_lib.tracing.compiling import CompileError, compiled

_UNTIDY = 3.0
"""What outputs hold before the second launch is of the size of ordinary numbers; before the first
it is NaN. Whoever relies on it is seen by the difference.
"""


@probe(cpu_seconds=1.0, apart=True)
def interpreted(answer: Any, inputs: Inputs, generators: Generators, *outputs: str) -> Observation:
    """Launch the answer once in the interpreter: as ``launched``, without order and compiler.

    What hangs on the order of programs is seen as a race, and what hangs on leftovers as unwritten.
    """
    with Observing(result=None, again=None, traced=None, compiled=None, changed=[]) as seen:
        _interpret(answer, inputs, outputs, seen)
        seen["again"] = seen["result"]
    return seen


@probe(cpu_seconds=1.0, apart=True, rehearsed=interpreted)
def launched(answer: Any, inputs: Inputs, generators: Generators, *outputs: str) -> Observation:
    """Launch the answer, a Triton kernel or a plain function that is to be one.

    ``inputs`` has its ``"arguments"`` by their names and the ``"grid"``. An array is a tensor, a
    list of arrays a table of the addresses of float32 tensors, ``{"make": "output", "shape": […]}``
    memory that nobody has written, of the dtype of the case, ``{"make": "jit", "source": …}`` a
    function on loaded values. Where the answer is itself such a function, ``"around"`` is the
    source of a kernel, and ``"as"`` names the argument by which that is handed the answer.

    The result has what the arguments called ``outputs`` hold after the launch; ``again``, what
    they hold when the programs run in another order over other leftovers. ``traced`` says how
    many bytes were ``loaded`` and ``stored``, which ``races`` there were and how many elements of
    each output stayed ``unwritten``. ``inputs["gpu"]`` holds settings, such as ``"BLOCK"`` or
    ``"num_warps"``, with which it is then ``compiled``: what the compiler made of it, or its
    ``error``.
    """
    with Observing(result=None, again=None, traced=None, compiled=None, changed=[]) as seen:
        _interpret(answer, inputs, outputs, seen)
        arguments, _ = _run(answer, inputs, "backward", _UNTIDY)
        seen["again"] = {name: to_plain(arguments[name]) for name in outputs}
        if "gpu" in inputs:
            seen["compiled"] = _compile(answer, inputs)
    return seen


def _interpret(answer: Any, inputs: Inputs, outputs: tuple[str, ...], seen: Observation) -> None:
    arguments, trace = _run(answer, inputs, "forward", math.nan)
    seen["result"] = {name: to_plain(arguments[name]) for name in outputs}
    given = {n: v for n, v in inputs["arguments"].items() if n not in outputs}
    seen["changed"] = changed(_arrays(given), arguments)
    seen["traced"] = {
        "loaded": trace.loaded,
        "stored": trace.stored,
        "races": trace.races,
        "unwritten": {n: trace.unwritten(n) for n in outputs if torch.is_tensor(arguments[n])},
    }


def _run(answer: Any, inputs: Inputs, order: Any, leftover: float) -> tuple[dict[str, Any], Trace]:
    kernel, arguments = _called(answer, inputs, leftover)
    with on_the_cpu():
        trace = launch(kernel, tuple(inputs["grid"]), order=order, **arguments)
    return arguments, trace


def _compile(answer: Any, inputs: Inputs) -> dict[str, Any]:
    settings = dict(inputs["gpu"])
    warps = settings.pop("num_warps", 4)
    kernel, arguments = _called(answer, inputs, 0.0)
    try:
        compiled(kernel, arguments)  # what runs in here compiles as well
        return compiled(kernel, arguments | settings, num_warps=warps)
    except CompileError as error:
        return {"error": str(error)}


def _called(answer: Any, inputs: Inputs, leftover: float) -> tuple[Any, dict[str, Any]]:
    """The kernel to launch and its arguments, all of them fresh."""
    given = inputs["arguments"]
    arrays = [v for v in _arrays(given).values() if isinstance(v, np.ndarray)]
    dtype = next((v.dtype.name for v in arrays if v.dtype.kind == "f"), "float32")
    made = {name: _made(value, dtype, leftover) for name, value in given.items()}
    if "around" not in inputs:
        return jitted(answer), made
    return _function(inputs["around"]), {**made, inputs["as"]: jitted(answer)}


def _made(value: Any, dtype: str, leftover: float) -> Any:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, list):
        # Behind an address there is no dtype: a kernel that reads a table assumes one.
        return [torch.from_numpy(item.copy()).to(torch.float32) for item in value]
    if isinstance(value, dict):
        return known("argument", value["make"], _MAKERS)(value, dtype, leftover)
    return value


def _output(value: dict[str, Any], dtype: str, leftover: float) -> torch.Tensor:
    noise = np.random.default_rng().normal(
        size=value["shape"]
    )  # leftover of another case, as it were
    return torch.from_numpy(leftover * noise).to(getattr(torch, dtype))


def _function(source: str) -> Any:
    name = next(n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef))
    from course_lib.tracing.language import tl, triton  # imports Triton, so not before it is needed

    return jitted(definition(source, name, {"tl": tl, "triton": triton}, f"the given {name}"))


_MAKERS: dict[str, Callable[..., Any]] = {
    "output": _output,
    "jit": lambda value, dtype, leftover: _function(value["source"]),
}


def _arrays(given: Inputs) -> Inputs:
    """The arguments that are arrays or lists of them."""
    return {n: v for n, v in given.items() if isinstance(v, (np.ndarray, list))}

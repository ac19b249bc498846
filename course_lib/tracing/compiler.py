"""The process that compiles: each line it reads is a question, each that it writes an answer.

It is a program of its own and imports nothing of ours. Its argument is a folder to work in.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

_LOAD = re.compile(r"ld\.global(?:\.\w+)*?(?:\.v(\d))?\.[a-z](\d+)\s")
_USAGE = re.compile(r"(REG|STACK|LOCAL|SHARED):(\d+)")


def answer(question: dict[str, Any], folder: Path, number: int) -> dict[str, Any]:
    """What the compiler makes of one kernel, for every target; ``error`` where it refuses."""
    file = folder / f"kernel_{number}.py"
    file.write_text(question["source"])
    try:
        module = _loaded(file)
        return {
            f"sm_{target}": _compiled(question, module, target, folder)
            for target in question["targets"]
        }
    except Exception as error:
        return {"error": _told(error)}


def _loaded(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _compiled(
    question: dict[str, Any], module: ModuleType, target: int, folder: Path
) -> dict[str, int]:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    functions = {name: getattr(module, of) for name, of in question["functions"].items()}
    source = ASTSource(
        fn=getattr(module, question["name"]),
        signature=question["signature"],
        constexprs={**question["constants"], **functions},
        attrs={(position,): [["tt.divisibility", 16]] for position in question["aligned"]},
    )
    made = triton.compile(
        source,
        target=GPUTarget("cuda", target, 32),
        options={"num_warps": question["num_warps"]},
    )
    binary = folder / "kernel.cubin"
    binary.write_bytes(made.asm["cubin"])
    tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
    told = subprocess.run(
        [tool, "-res-usage", binary], capture_output=True, text=True, check=True
    ).stdout
    usage = {name: int(value) for name, value in _USAGE.findall(told)}
    loads = [int(many or 1) * int(bits) // 8 for many, bits in _LOAD.findall(made.asm["ptx"])]
    return {
        "registers": usage["REG"],
        "spills": usage["STACK"] + usage["LOCAL"],
        "shared": made.metadata.shared,
        "widest": max(loads, default=0),
    }


def _told(error: BaseException) -> str:
    """What the compiler says, the innermost reason first, without the frames of the compiler."""
    reasons = []
    known: BaseException | None = error
    while known is not None:
        reasons.append(f"{type(known).__name__}: {known}".strip())
        known = known.__cause__ or known.__context__
    # The line that says why comes last, below the code.
    place, _, reason = reasons[-1].rpartition("\n")
    return f"{reason}\n{place}"[:600]


def main() -> None:
    """Answer until nobody asks any more."""
    folder = Path(sys.argv[1])
    # What a kernel prints while it is compiled must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for number, line in enumerate(sys.stdin):
        print(json.dumps(answer(json.loads(line), folder, number)), file=answers, flush=True)


if __name__ == "__main__":
    main()

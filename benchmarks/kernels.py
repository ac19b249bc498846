"""What the kernels of the course move and how long they take: ``python -m benchmarks.kernels``.

With ``--bytes``, on any machine: the bytes that each moves in the interpreter against the fewest
that any could. Without, on a GPU: times against that of a copy, of torch, of ``torch.compile`` and
of other projects that are installed. Both print tables as they stand in ``docs/kernels.md``.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from benchmarks.timing import Clock, cache_of_the_gpu, on_the_gpu, rotating, seconds_a_call

if TYPE_CHECKING:
    from benchmarks.kernel_cases import Case, Work

MOST_BYTES = 1.02
"""How many times the fewest bytes a kernel may move."""

TOO_GOOD = 1.05
"""A fraction of a copy's bandwidth that nothing reaches: a cache's was measured, or no work."""


TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 1e-2}
"""How far from torch a kernel may be that is worth a measurement; tests are stricter."""


@dataclass(frozen=True)
class Moved:
    """The bytes that one case has moved in the interpreter."""

    name: str
    dtype: str
    moved: int
    fewest: int
    note: str = ""

    @property
    def ratio(self) -> float:
        """Bytes moved for each that had to be."""
        return self.moved / self.fewest


@dataclass(frozen=True)
class Timed:
    """How long one call of a case took by one implementation; ``bandwidth`` is that of a copy."""

    name: str
    dtype: str
    by: str
    seconds: float
    fewest: int
    bandwidth: float

    @property
    def fraction(self) -> float:
        """The time of a copy that moves the fewest bytes, over the time."""
        return self.fewest / self.bandwidth / self.seconds

    @property
    def wrong(self) -> bool:
        """Whether it is faster than memory."""
        return self.fraction > TOO_GOOD


def count_bytes() -> list[Moved]:
    """Run every case once in the interpreter, on small tensors, and count."""
    from benchmarks.kernel_cases import CASES
    from course_lib.tracing import watching

    counted = []
    for case in CASES:
        for dtype in (torch.float32, torch.float16) if case.halves else (torch.float32,):
            work = case.make("cpu", dtype, False)
            call = case.ours(work)
            with watching() as traces:
                call()
            moved = sum(trace.moved for trace in traces)
            counted.append(Moved(case.name, _name(dtype), moved, work.budget, case.note))
    return counted


def table_of_bytes(counted: Iterable[Moved]) -> str:
    """A table for people, one line a case and dtype."""
    rows = [
        (one.name, one.dtype, f"{one.moved:,}", f"{one.fewest:,}", f"{one.ratio:.4f}", one.note)
        for one in counted
    ]
    return _table(("kernel", "dtype", "bytes moved", "fewest", "ratio", "what is counted"), rows)


def distance(case: Case, make: Callable[[], Work]) -> float:
    """How far ours is from what torch gives in float32 for the same inputs, over the size of that.

    Formula: the largest ‖y − t‖ / ‖t‖ of all tensors that are returned, or stepped.
    """
    found = []
    for way, widen in ((case.ours, False), (case.torchs, True)):
        torch.manual_seed(0)
        work = make().wider() if widen else make()
        result = way(work)()
        given = work.inputs if result is None else result
        found.append([t for t in ([given] if torch.is_tensor(given) else given) if t is not None])
    pairs = [(y.detach().double(), t.detach().double()) for y, t in zip(*found, strict=True)]
    return max(float((y - t).norm() / t.norm()) for y, t in pairs)


@dataclass(frozen=True)
class Place:
    """Where is measured, and by which clock; what is ``large`` is for a GPU."""

    device: str
    large: bool
    clock: Clock
    cache: int
    bandwidth: float


def measure(cases: Iterable[Case], place: Place) -> Iterator[Timed]:
    """Time cases by every implementation that there is.

    Raises: what ours raises, and a RuntimeError where it does not give what torch gives; of others,
    what they cannot do here is printed.
    """
    for case in cases:
        ways = {"ours": case.ours, "torch": case.torchs, **case.others}
        if case.compiled is not None:
            ways["torch.compile"] = case.compiled
        for dtype in (torch.float32, torch.bfloat16) if case.halves else (torch.float32,):
            make = functools.partial(case.make, place.device, dtype, place.large)
            fewest = make().fewest
            error = 0.0 if case.drawn else distance(case, make)
            if not error <= TOLERANCE[dtype]:
                raise RuntimeError(f"{case.name}, {_name(dtype)}: off by {error:.1e} of its size")
            for by, way in ways.items():
                try:
                    calls = rotating(lambda way=way, make=make: way(make()), fewest, place.cache)
                    seconds = seconds_a_call(calls, place.clock)
                except Exception as error:
                    if by == "ours":
                        raise
                    print(f"{case.name}, {by}: {type(error).__name__}: {str(error)[:200]}")
                else:
                    yield Timed(case.name, _name(dtype), by, seconds, fewest, place.bandwidth)
                calls = []  # their memory is needed by the next


def bandwidth_of_a_copy() -> float:
    """Bytes a second, read and written, of the faster of torch's copy and one in Triton."""
    from course_lib.kernels.activations import activation

    n = 2**27
    moved = 2 * 4 * n

    def torchs() -> Callable[[], object]:
        x, out = torch.rand(n, device="cuda"), torch.empty(n, device="cuda")
        return lambda: out.copy_(x)

    def in_triton() -> Callable[[], object]:
        x = torch.rand(n, device="cuda")
        return lambda: activation(x, "relu")

    return max(
        moved / seconds_a_call(rotating(prepare, moved, cache_of_the_gpu()), on_the_gpu)
        for prepare in (torchs, in_triton)
    )


def table_of_times(timed: Sequence[Timed]) -> str:
    """A table for people: microseconds, and the fraction of a copy's bandwidth, for each way."""
    ways = list(dict.fromkeys(one.by for one in timed))
    cells = {(one.name, one.dtype, one.by): one for one in timed}
    rows = []
    for name, dtype in dict.fromkeys((one.name, one.dtype) for one in timed):
        found = [cells.get((name, dtype, by)) for by in ways]
        rows.append((name, dtype, *map(_cell, found)))
    return _table(("kernel", "dtype", *ways), rows)


def _cell(one: Timed | None) -> str:
    if one is None:
        return "—"
    said = f"{one.seconds * 1e6:.0f} µs, {one.fraction:.2f}"
    return f"{said} (measurement wrong)" if one.wrong else said


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _print_bytes() -> int:
    counted = count_bytes()
    print(table_of_bytes(counted))
    over = [one.name for one in counted if one.ratio > MOST_BYTES]
    if over:
        print(f"\nMore than {MOST_BYTES:g} times the fewest: {', '.join(over)}", file=sys.stderr)
    return 1 if over else 0


def _print_times() -> int:
    from benchmarks.gpu import machine, what_is_missing

    missing = what_is_missing()
    if missing:
        print(f"{missing} `--bytes` needs no GPU.", file=sys.stderr)
        return 1
    import torch._functorch.config

    from benchmarks.kernel_cases import CASES

    # The backward pass is timed alone, again and again on what one forward pass has left.
    torch._functorch.config.donated_buffer = False
    place = Place("cuda", True, on_the_gpu, cache_of_the_gpu(), bandwidth_of_a_copy())
    print(f"{machine()}; a copy: {place.bandwidth / 1e12:.2f} TB/s\n", flush=True)
    timed = list(measure(CASES, place))
    print(table_of_times(timed))
    wrong = [one for one in timed if one.wrong]
    if wrong:
        print(f"\n{len(wrong)} measurements are wrong: faster than memory.", file=sys.stderr)
    return 1 if wrong else 0


def main() -> int:
    """Print what was asked for; 0 where nothing is amiss."""
    parser = argparse.ArgumentParser(description=__doc__)
    text = "count bytes in the interpreter, which needs no GPU"
    parser.add_argument("--bytes", action="store_true", help=text)
    counting = parser.parse_args().bytes
    # Triton reads it when it is imported, as torch may do.
    wanted = "1" if counting else "0"
    if os.environ.get("TRITON_INTERPRET", "0") != wanted:
        environment = {**os.environ, "TRITON_INTERPRET": wanted}
        os.execve(
            sys.executable, [sys.executable, "-m", "benchmarks.kernels", *sys.argv[1:]], environment
        )
    return _print_bytes() if counting else _print_times()


if __name__ == "__main__":
    sys.exit(main())

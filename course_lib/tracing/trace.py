"""What a traced launch has touched: bytes, races between programs, what was never written."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from course_lib.tracing.memory import Marks, Memory, Offsets

_NOBODY, _SEVERAL = 0, -1


class OutOfBounds(IndexError):
    """A kernel was about to touch memory that it was not given; it did not."""


class Trace:
    """What one launch has touched, argument by argument.

    ``loads`` and ``stores`` are bytes by the name of the argument; an atomic is both. Every access
    counts, also one that a cache would serve. ``races`` are sentences: where two programs touch one
    element and one of them writes, the result hangs on which comes first.
    """

    def __init__(self, kernel: str, memory: Memory, grid: tuple[int, ...]) -> None:
        self.kernel = kernel
        self.grid = grid
        self.loads: Counter[str] = Counter()
        self.stores: Counter[str] = Counter()
        self.races: list[str] = []
        self._memory = memory
        self._program: tuple[int, ...] = ()
        self._number = _NOBODY
        self._written: Marks = np.zeros(memory.size, bool)
        self._by: dict[str, npt.NDArray[np.int32]] = {}
        self._reported: set[tuple[str, str]] = set()

    @property
    def loaded(self) -> int:
        """Bytes loaded."""
        return self.loads.total()

    @property
    def stored(self) -> int:
        """Bytes stored."""
        return self.stores.total()

    @property
    def moved(self) -> int:
        """Bytes loaded and stored."""
        return self.loaded + self.stored

    @property
    def programs(self) -> int:
        """How many programs the launch had."""
        return int(np.prod(self.grid))

    def unwritten(self, name: str) -> int:
        """How many elements of an argument no program has stored."""
        at = _bytes(self._memory.offsets(name).ravel(), self._memory.copies[name].element_size())
        return int((~self._written[at].all(axis=1)).sum())

    def begin(self, program: tuple[int, ...], number: int) -> None:
        """What is touched from now on, a program touches, the ``number``-th of the grid."""
        used = max([axis for axis, size in enumerate(self.grid) if size > 1], default=0) + 1
        self._program, self._number = program[:used], number + 1

    def load(self, addresses: Any, mask: Any, size: int) -> None:
        """Note that a program reads elements of ``size`` bytes where a mask is true.

        Raises: OutOfBounds.
        """
        at = self._touched("loads", addresses, mask, size)
        self._count(self.loads, at, size)
        self._meet(at, size, "read")

    def store(self, addresses: Any, mask: Any, values: Any, size: int) -> None:
        """Note that it writes.

        Raises: OutOfBounds.
        """
        at = self._touched("stores", addresses, mask, size)
        self._count(self.stores, at, size)
        self._meet(at, size, "write")
        self._mark(at, size)
        chosen = np.broadcast_to(values, mask.shape)[mask].ravel()
        self._agree(at, chosen)

    def update(self, kind: str, addresses: Any, mask: Any, size: int) -> None:
        """Note that it reads and writes in one step that nobody comes between, an atomic.

        Of one ``kind`` they may come in any order, but for ``xchg`` and ``cas``.

        Raises: OutOfBounds.
        """
        at = self._touched("updates", addresses, mask, size)
        self._count(self.loads, at, size)
        self._count(self.stores, at, size)
        self._meet(at, size, "write" if kind in ("xchg", "cas") else f"update by {kind}")
        self._mark(at, size)

    def bring_back(self) -> None:
        """Put what was stored into the tensors that the launch was given."""
        self._memory.bring_back(self._written)

    def _touched(self, does: str, addresses: Any, mask: Any, size: int) -> Offsets:
        at: Offsets = np.asarray(addresses).astype(np.int64)
        at = np.broadcast_to(at, mask.shape)[mask].ravel() - self._memory.start
        inside = (at >= 0) & (at + size <= self._memory.size)
        inside[inside] = self._memory.given[at[inside]] & self._memory.given[at[inside] + size - 1]
        if not inside.all():
            raise OutOfBounds(self._strayed(does, at[~inside], size))
        return at

    def _strayed(self, does: str, outside: Offsets, size: int) -> str:
        first = int(outside[0])
        block = self._memory.nearest(first)
        count = f"{len(outside)} element{'s' * (len(outside) > 1)}"
        held = (block.end - block.start) // size
        if first >= block.end:
            where = f"beyond the end of `{block.name}`, which holds {held}: "
            where += f"the first is element {(first - block.start) // size}"
        elif first < block.start:
            where = f"before the beginning of `{block.name}`"
        else:
            where = f"between the elements of `{block.name}`, which are not side by side"
        return f"{self._named()} {does} {count} {where}"

    def _named(self, program: tuple[int, ...] | None = None) -> str:
        program = self._program if program is None else program
        return f"program {program[0] if len(program) == 1 else program}"

    def _count(self, into: Counter[str], at: Offsets, size: int) -> None:
        numbers, counts = np.unique(self._memory.numbers(at), return_counts=True)
        for number, count in zip(numbers, counts, strict=True):
            name = self._memory.blocks[number].name.partition("[")[0]
            into[name] += int(count) * size

    def _mark(self, at: Offsets, size: int) -> None:
        self._written[_bytes(at, size)] = True

    def _meet(self, at: Offsets, size: int, own: str) -> None:
        """Note who has touched which bytes how, and where another program has been.

        Two that read do not disturb one another, nor do two that update in the same way.
        """
        every = _bytes(at, size)
        for other, numbers in self._by.items():
            if other == own != "write":
                continue
            by = numbers[every]
            met = (by != _NOBODY) & (by != self._number)
            if met.any():
                count = int(met.any(axis=1).sum())
                self._race(own, other, int(every[met][0]), int(by[met][0]), count)
        numbers = self._by.setdefault(own, np.zeros(self._memory.size, np.int32))
        before = numbers[every]
        numbers[every] = np.where(
            (before == _NOBODY) | (before == self._number), self._number, _SEVERAL
        )

    def _race(self, own: str, other: str, at: int, by: int, count: int) -> None:
        block = self._memory.nearest(at).name
        kind = (block, " ".join(sorted((own, other))))
        if kind in self._reported:
            return
        self._reported.add(kind)
        who = "another program" if by == _SEVERAL else self._named(self._at(by - 1))
        does, did = _third(own), _third(other)
        more = f" (and {count - 1} more)" if count > 1 else ""
        self.races.append(
            f"{self._named()} {does} `{self._memory.element(at)}`{more}, which {who} {did}: "
            "nothing says which comes first"
        )

    def _at(self, number: int) -> tuple[int, ...]:
        grid = (*self.grid, 1, 1)[:3]
        place = tuple(int(i) for i in np.unravel_index(number, grid))
        return place[: len(self._program)]

    def _agree(self, at: Offsets, values: Any) -> None:
        """Note where one store writes two values to one element."""
        order = np.argsort(at, kind="stable")
        at, values = at[order], values[order]
        twice = (at[1:] == at[:-1]) & (values[1:] != values[:-1])
        block = self._memory.nearest(int(at[0])).name if len(at) else ""
        if twice.any() and (block, "itself") not in self._reported:
            self._reported.add((block, "itself"))
            element = self._memory.element(int(at[1:][twice][0]))
            self.races.append(
                f"{self._named()} stores two values to `{element}` at once: nothing says which "
                "stays"
            )

    def __repr__(self) -> str:
        names = list(dict.fromkeys([*self.loads, *self.stores]))
        width = max(map(len, [*names, "in all"]))
        lines = [
            f"{self.kernel}: {self.programs:,} program{'s' * (self.programs != 1)}, "
            f"{self.moved:,} bytes moved",
            f"{'':{width}}  {'loaded':>12}  {'stored':>12}",
        ]
        for name in names:
            lines.append(f"{name:{width}}  {self.loads[name]:>12,}  {self.stores[name]:>12,}")
        lines.append(f"{'in all':{width}}  {self.loaded:>12,}  {self.stored:>12,}")
        return "\n".join([*lines, *(f"race: {race}" for race in self.races)])


def _third(kind: str) -> str:
    verb, _, how = kind.partition(" ")
    return f"{verb}s {how}".rstrip()


def _bytes(at: Offsets, size: int) -> Offsets:
    """All bytes of elements that begin at offsets, a row for each."""
    return at[:, None] + np.arange(size)

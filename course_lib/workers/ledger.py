"""Who waits for whom, in memory that processes share: what proves a deadlock without a clock.

A worker that waits for a message that nobody has posted, or for the receipt of one that nobody has
taken, cannot go on by itself. Where that is so of all that have not ended, at one moment, none of
them ever will.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

_RUNS, _RECEIVES, _SENDS, _ENDED = range(4)


class Ledger:
    """What every worker has posted, taken and waits for. Each writes its own entries only."""

    def __init__(self, size: int, path: Path) -> None:
        self.size = size
        # Where memory is counted, only a file's may be shared with forks.
        table = np.memmap(path, dtype=np.int64, mode="w+", shape=(size, 2 * size + 3))
        self._table = np.asarray(table)
        # From which rank to which: the sender counts what it posted, the receiver what it took.
        self._posted, self._taken = self._table[:, :size], self._table[:, size : 2 * size].T
        self._state = self._table[:, 2 * size :]  # what it does, with whom, and up to which message

    def post(self, source: int, to: int) -> int:
        """Note a message before it leaves; its number, from 1."""
        self._posted[source, to] += 1
        return int(self._posted[source, to])

    def receives(self, source: int, to: int) -> None:
        """Note that a rank begins to wait for the next message of another."""
        self._state[to] = _RECEIVES, source, self._taken[source, to] + 1

    def took(self, source: int, to: int) -> None:
        """Note that it has come."""
        self._state[to] = _RUNS, 0, 0
        self._taken[source, to] += 1

    def is_taken(self, source: int, to: int, number: int) -> bool:
        """Whether a message has been received."""
        return bool(self._taken[source, to] >= number)

    def sends(self, source: int, to: int, number: int) -> None:
        """Note that a rank begins to wait until another has received a message."""
        self._state[source] = _SENDS, to, number

    def goes_on(self, rank: int) -> None:
        """Note that a rank waits no longer."""
        self._state[rank] = _RUNS, 0, 0

    def ends(self, rank: int) -> None:
        """Note that a rank has returned."""
        self._state[rank] = _ENDED, 0, 0

    def deadlock(self) -> str | None:
        """Who waits for whom, if nobody can ever go on; None where somebody can.

        Between two looks that see the same numbers nothing happened, for every wait that begins or
        ends changes one that is not changed back.
        """
        before = self._table.copy()
        stuck = self._stuck(before)
        return stuck if stuck and np.array_equal(before, self._table) else None

    def _stuck(self, table: np.ndarray) -> str | None:
        posted, taken = table[:, : self.size], table[:, self.size : 2 * self.size].T
        told = []
        for rank, (does, other, number) in enumerate(table[:, 2 * self.size :].tolist()):
            if does == _ENDED:
                continue
            if does == _RECEIVES and posted[other, rank] < number:
                told.append(f"rank {rank} waits for a message of rank {other}")
            elif does == _SENDS and taken[rank, other] < number:
                told.append(f"rank {rank} waits until rank {other} receives")
            else:
                return None
        return "; ".join(told) or None


class Unwatched:
    """In the place of a ledger where nobody would read it: in processes that torchrun started."""

    def __init__(self, size: int) -> None:
        self.size = size

    def post(self, source: int, to: int) -> int:
        return 0

    def is_taken(self, source: int, to: int, number: int) -> bool:
        return True

    def receives(self, source: int, to: int) -> None: ...

    def took(self, source: int, to: int) -> None: ...

    def sends(self, source: int, to: int, number: int) -> None: ...

    def goes_on(self, rank: int) -> None: ...


def ranks_of(numbers: Sequence[int]) -> str:
    """Ranks as people list them."""
    word = "rank" if len(numbers) == 1 else "ranks"
    return f"{word} {', '.join(map(str, numbers))}"

"""How much memory a process and everything that it started hold, read from ``/proc``."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections import defaultdict
from collections.abc import Mapping, Sequence

_MOST = re.compile(rb"^(?:VmRSS|VmPTE):\s+(\d+) kB$", re.MULTILINE)
_RSS = re.compile(rb"^(?:RssAnon|RssShmem|VmPTE):\s+(\d+) kB$", re.MULTILINE)
_TABLES = re.compile(rb"^VmPTE:\s+(\d+) kB$", re.MULTILINE)
_PSS = re.compile(rb"^Pss:\s+(\d+) kB$", re.MULTILINE)


def over(limits: Mapping[int, int]) -> list[int]:
    """The processes that hold more bytes, with all their descendants, than they may.

    Memory that is shared counts once. That is exact and slow to find out, so it is asked only of a
    tree that would hold too much if every page counted wherever it is mapped.
    """
    if not limits:
        return []
    children = defaultdict(list)
    for pid in _processes():
        children[_parent(pid)].append(pid)
    return [root for root, limit in limits.items() if _holds_more(_tree(root, children), limit)]


def _tree(root: int, children: dict[int, list[int]]) -> list[int]:
    tree, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        tree.append(pid)
        waiting += children.get(pid, [])
    return tree


def _holds_more(tree: Sequence[int], limit: int) -> bool:
    most = sum(_kilobytes(pid, "status", _MOST) for pid in tree)
    if most * 1024 <= limit:
        return False
    exact = [_exactly(pid) for pid in tree]
    # A process that forbids a look at its pages is counted as it says of itself.
    held = sum(pss or _kilobytes(pid, "status", _RSS) for pss, pid in zip(exact, tree, strict=True))
    return held * 1024 > limit


def end_orphans(known: set[int]) -> set[int]:
    """Kill what has been left to this process, the first of its namespace, by one that ended."""
    here, found = os.getpid(), set()
    for pid in _processes():
        if _parent(pid) == here and pid not in known:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            found.add(pid)
    return found


def _exactly(pid: int) -> int:
    pss = _kilobytes(pid, "smaps_rollup", _PSS)
    return pss + _kilobytes(pid, "status", _TABLES) if pss else 0


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _parent(pid: int) -> int:
    # The name of a process, in parentheses, may hold anything but is the last to do so.
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0


def _kilobytes(pid: int, name: str, pattern: re.Pattern[bytes]) -> int:
    found = pattern.findall(_read(pid, name))
    if not found:
        # The first thread may have ended, and its process lives on in the others.
        found = next(filter(None, (pattern.findall(_read(task, name)) for task in _tasks(pid))), [])
    return sum(int(number) for number in found)


def _tasks(pid: int) -> list[str]:
    try:
        return [f"{pid}/task/{task}" for task in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def _read(pid: int | str, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""  # it has ended

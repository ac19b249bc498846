"""How a cell or a probe ended: what is made of a kernel's reply, or of its end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_EXHAUSTED = re.compile(
    r"can't allocate memory|not enough memory|out of memory|can't start new thread|"
    r"\[Errno (11|12|23|24|27|28)\]",
    re.IGNORECASE,
)
"""Memory, threads, processes, descriptors or disk space: words of torch and numbers of errors."""


@dataclass(frozen=True)
class Outcome:
    """How a cell or a probe ended.

    ``status`` is ``ok``, ``error``, ``timed_out``, ``crashed`` or ``out_of_memory``.
    """

    status: str
    error: str = ""
    message: str = ""
    reply: dict[str, Any] = field(default_factory=dict)
    ended_kernel: bool = False

    @property
    def sentence(self) -> str:
        """What happened, in words."""
        return f"{self.error}: {self.message}" if self.error else self.message


def outcome_of(content: dict[str, Any]) -> Outcome:
    """How what a kernel has answered ended."""
    if _asks_to_exit(content):
        # The kernel answers first and goes a moment later, in the middle of another cell.
        what = "the code called quit() or exit()"
        return Outcome("error", "SystemExit", what, ended_kernel=True)
    if content.get("status") == "ok":
        return Outcome("ok", reply=content)
    error, message = as_text(content.get("ename", "")), as_text(content.get("evalue", ""))
    status = "out_of_memory" if lacks_memory(error, message) else "error"
    return Outcome(status, error[:80], message[:500], content)


def outcome_of_death(end: str) -> Outcome:
    """How what ran in a kernel ended that has not answered; ``end`` is what became of it."""
    if end == "out_of_memory":
        return Outcome("out_of_memory", "", "the kernel was ended: it used too much memory")
    what = "the kernel died while this ran" if end == "ended" else f"the kernel {end}"
    return Outcome("crashed", "", what)


def lacks_memory(error: str, message: str) -> bool:
    """Whether an exception of this type and message says that memory, or what needs some, ran out.

    Processes, threads, descriptors and disk space count too: the next cell would hang for want of
    them.
    """
    if error in ("MemoryError", "OutOfMemoryError"):
        return True
    kinds = ("RuntimeError", "OSError", "BlockingIOError")
    return error in kinds and bool(_EXHAUSTED.search(message))


def as_text(value: Any) -> str:
    """What came as text, fit to be written to any file."""
    return str(value).encode("utf-8", "replace").decode()


def _asks_to_exit(content: dict[str, Any]) -> bool:
    payload = content.get("payload")
    asked = [p for p in payload if isinstance(p, dict)] if isinstance(payload, list) else []
    return any(p.get("source") == "ask_exit" for p in asked)

"""A kernel of its own for one submission: runs cells, runs probes, survives what they do to it.

The receive loop is ours: it drains what a kernel writes and keeps none of it, so that endless
output costs time (which is limited) and no memory, and nothing that a student's code has seen in a
probe comes back as output.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

from autograder.judging import Exercise
from autograder.probes import wire
from autograder.probes.kernel import MIME

MAX_MESSAGE = 2 * wire.MAX_BYTES
MAX_WAITING = 100
"""Messages that wait in a socket; a kernel drops what it displays beyond them."""

START_SECONDS = 60.0
GRACE_SECONDS = 2.0
_PRELUDE = "__import__('autograder.probes.kernel')"

# Code in a kernel holds its key and can send what no kernel sends.
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
_RESET = re.compile(r"^\s*%reset\b|magic\(.reset\b", re.MULTILINE)


@dataclass(frozen=True)
class Limits:
    """Seconds that a cell, a probe and a whole submission may take."""

    cell: float = 20.0
    probe: float = 20.0
    submission: float = 240.0


DEFAULT_LIMITS = Limits()


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


class Launcher(Protocol):
    """Starts a kernel that sees ``room`` and may write to ``home``.

    The seam at which a confined kernel takes the place of a plain one.
    """

    def __call__(self, room: Path, home: Path) -> KernelManager: ...


class OwnKernelManager(KernelManager):
    """Starts ipykernel in this environment, whatever kernels the user has installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """The one kernel that student code runs in."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="graded", language="python")


def launch(room: Path, home: Path) -> KernelManager:
    """Start a plain kernel of this environment, with a home, caches and a folder of its own."""
    manager = OwnKernelManager()
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "TZ")}
    own = {
        "HOME": str(home),
        "IPYTHONDIR": str(home / ".ipython"),
        "MPLCONFIGDIR": str(home / ".matplotlib"),
        "TMPDIR": str(home),
        "PYTHONPATH": str(room),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    nowhere = subprocess.DEVNULL
    manager.start_kernel(cwd=str(home), env={**kept, **own}, stdout=nowhere, stderr=nowhere)
    return manager


def _capped_context() -> zmq.Context[Any]:
    context: zmq.Context[Any] = zmq.Context()
    context.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
    context.setsockopt(zmq.RCVHWM, MAX_WAITING)
    return context


class Session:
    """One kernel after another for one submission; use it as a context manager."""

    def __init__(
        self, room: Path, limits: Limits = DEFAULT_LIMITS, launcher: Launcher = launch
    ) -> None:
        self._room = room
        self.limits = limits
        self._launcher = launcher
        self._home: Path | None = None
        self._manager: KernelManager | None = None
        self._client: BlockingKernelClient | None = None
        self._context: zmq.Context[Any] | None = None
        self._history: list[str] = []
        self._deadline = time.monotonic() + limits.submission

    def __enter__(self) -> Session:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @property
    def spent(self) -> bool:
        """Whether the submission has used up its time."""
        return time.monotonic() >= self._deadline

    def run_cell(self, source: str) -> Outcome:
        """Run one cell; a cell that kills or hangs its kernel is left out when it is replayed."""
        outcome = self._execute(source, self.limits.cell)
        if outcome.status == "ok" and _RESET.search(source):
            # Who empties the namespace means their own names, not the lab's imports.
            self._replay()
        elif outcome.status in ("ok", "error") and not outcome.ended_kernel:
            self._history.append(source)
        return outcome

    def observe(
        self,
        exercise: Exercise,
        cases: list[dict[str, Any]],
        seed: int,
        given: dict[str, str] | None = None,
        again: str = "",
    ) -> tuple[Outcome, dict[str, Any]]:
        """Probe the answer to an exercise: how that ended, and the decoded reply, empty if none."""
        request = wire.dumps(
            {
                "name": exercise.name,
                "probe": exercise.probe.name,
                "parameters": exercise.probe.parameters,
                "cases": cases,
                "seed": seed,
                "given": given or {},
                "again": again,
            }
        )
        expression = (
            "__import__('autograder.probes.kernel', fromlist=['observe'])"
            f".observe({request!r}, get_ipython().user_ns)"
        )
        outcome = self._execute("", self.limits.probe, {"observation": expression})
        if outcome.status != "ok":
            return outcome, {}
        answer = outcome.reply.get("user_expressions", {}).get("observation", {})
        if answer.get("status") != "ok":
            error, message = str(answer.get("ename", "")), str(answer.get("evalue", ""))
            return Outcome("error", error[:80], message[:300]), {}
        try:
            decoded = wire.loads(answer.get("data", {}).get(MIME))
        except wire.WireError as problem:
            return Outcome("error", "", f"the observation was refused: {problem}"), {}
        if not isinstance(decoded, dict):
            return Outcome("error", "", "the observation was refused: it is no reply"), {}
        return outcome, decoded

    def _execute(
        self, source: str, seconds: float, expressions: dict[str, str] | None = None
    ) -> Outcome:
        if self.spent:
            return Outcome("timed_out", "", "the submission used up its time")
        if self._client is None:
            self._start()
            self._replay()
        assert self._client is not None and self._manager is not None
        request = self._client.execute(
            source,
            silent=expressions is not None,
            store_history=False,
            allow_stdin=False,
            stop_on_error=False,
            user_expressions=expressions or {},
        )
        deadline = min(time.monotonic() + seconds, self._deadline)
        outcome = self._await(request, deadline)
        if outcome is None:
            outcome = self._interrupt(request, seconds)
        if outcome.ended_kernel or outcome.status in ("crashed", "out_of_memory"):
            self._stop()
        return outcome

    def _await(self, request: str, deadline: float) -> Outcome | None:
        """Wait until the request is answered; None when the deadline passes first."""
        assert self._client is not None and self._manager is not None
        while time.monotonic() < deadline:
            self._drain(deadline)
            try:
                reply = self._client.get_shell_msg(timeout=0.05)
            except queue.Empty:
                if not self._manager.is_alive():
                    return Outcome("crashed", "", "the kernel died while this ran")
                continue
            except _MALFORMED:
                continue
            if reply.get("parent_header", {}).get("msg_id") != request:
                continue
            content = reply["content"]
            if _asks_to_exit(content):
                # The kernel answers first and goes a moment later, in the middle of another cell.
                what = "the code called quit() or exit()"
                return Outcome("error", "SystemExit", what, ended_kernel=True)
            if content.get("status") == "ok":
                return Outcome("ok", reply=content)
            error, message = str(content.get("ename", "")), str(content.get("evalue", ""))
            status = "out_of_memory" if error == "MemoryError" else "error"
            return Outcome(status, error[:80], message[:500], content)
        return None

    def _drain(self, deadline: float) -> None:
        assert self._client is not None
        for _ in range(1000):
            if time.monotonic() >= deadline:
                return
            try:
                self._client.get_iopub_msg(timeout=0)
            except queue.Empty:
                return
            except _MALFORMED:
                continue

    def _interrupt(self, request: str, seconds: float) -> Outcome:
        assert self._manager is not None
        self._manager.interrupt_kernel()
        answered = self._await(request, time.monotonic() + GRACE_SECONDS)
        hung = answered is None or answered.ended_kernel or answered.status == "crashed"
        what = f"it did not end within {seconds:g} seconds"
        return Outcome("timed_out", "", what, ended_kernel=hung)

    def _replay(self) -> None:
        history, self._history = self._history, []
        for source in history:
            self.run_cell(source)

    def _start(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="course-kernel-"))
        self._manager = self._launcher(self._room, self._home)
        self._client = self._manager.blocking_client()
        # Left to itself, a client makes a context of its own, which caps nothing.
        self._context = self._client.context = _capped_context()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=START_SECONDS)
        # torch and the probes are loaded here, at nobody's expense.
        request = self._client.execute(_PRELUDE, silent=True, store_history=False)
        loaded = self._await(request, time.monotonic() + START_SECONDS)
        if loaded is None or loaded.status != "ok":
            reason = loaded.sentence if loaded else f"no answer in {START_SECONDS:g} seconds"
            raise RuntimeError(f"the kernel could not load the probes: {reason}")

    def _stop(self) -> None:
        if self._client is not None:
            self._client.stop_channels()
        if self._manager is not None:
            self._manager.shutdown_kernel(now=True)
            self._manager.context.destroy(linger=0)
        if self._context is not None:
            self._context.destroy(linger=0)
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
        self._client = self._manager = self._home = self._context = None


def _asks_to_exit(content: dict[str, Any]) -> bool:
    payload = content.get("payload")
    asked = [p for p in payload if isinstance(p, dict)] if isinstance(payload, list) else []
    return any(p.get("source") == "ask_exit" for p in asked)

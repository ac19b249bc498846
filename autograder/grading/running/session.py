"""One submission's kernels: runs cells, runs probes, survives what they do to it.

Only the channel that answers is connected. What a kernel prints and displays is sent to nobody, so
that endless output costs time (which is limited) and no memory, and nothing that a student's code
has seen in a probe comes back as output.
"""

from __future__ import annotations

import queue
import re
import time
from dataclasses import dataclass
from typing import Any, cast

import zmq
from jupyter_client.blocking.client import BlockingKernelClient

from autograder.answering.outcome import Outcome, as_text, outcome_of, outcome_of_death
from autograder.grading.running.kernels import Kernel, Launcher
from autograder.grading.running.valve import Valve
from autograder.judging import Exercise
from autograder.probes import wire
from autograder.probes.kernel import MIME, request

MAX_MESSAGE = 2 * wire.MAX_BYTES
MOST_BYTES = 2 * MAX_MESSAGE
"""What a kernel may send for each request, before the request or after it."""

MAX_WAITING = 100
"""Messages that wait in a socket; a kernel drops what it sends beyond them."""

START_SECONDS = 60.0

_RESET = re.compile(r"^\s*%reset\b|magic\(.reset\b", re.MULTILINE)


@dataclass(frozen=True)
class Limits:
    """Seconds that a cell, a probe and a whole submission may take."""

    cell: float = 20.0
    probe: float = 20.0
    submission: float = 240.0


DEFAULT_LIMITS = Limits()


def _capped_context() -> zmq.Context[Any]:
    context: zmq.Context[Any] = zmq.Context()
    context.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
    context.setsockopt(zmq.RCVHWM, MAX_WAITING)
    return context


class Session:
    """One kernel after another for one submission; use it as a context manager."""

    def __init__(self, launcher: Launcher, limits: Limits = DEFAULT_LIMITS) -> None:
        self._launcher = launcher
        self.limits = limits
        self._kernel: Kernel | None = None
        self._valve: Valve | None = None
        self._client: BlockingKernelClient | None = None
        self._context = _capped_context()
        self._history: list[str] = []
        self._deadline = time.monotonic() + limits.submission
        self._other: Session | None = None
        self._is_apart = False

    def __enter__(self) -> Session:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._other is not None:
            self._other.__exit__()
        self._stop()
        self._context.destroy(linger=0)

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
        alone: bool = False,
    ) -> tuple[Outcome, dict[str, Any]]:
        """Probe the answer to an exercise: how that ended, and the decoded reply, empty if none.

        ``alone``: in a kernel in which no cell of the submission has run, nor will.
        """
        if alone and not self._is_apart:
            return self._apart().observe(exercise, cases, seed, given, again, alone)
        asked = request(
            exercise.name,
            exercise.probe,
            cases,
            seed,
            device=self._launcher.device,
            given=given,
            again=again,
            alone=alone,
        )
        expression = (
            "__import__('autograder.probes.kernel', fromlist=['observe'])"
            f".observe({asked!r}, get_ipython().user_ns)"
        )
        seconds = self.limits.probe * exercise.probe.observer.patience
        outcome = self._execute("", seconds, {"observation": expression})
        return _decoded(outcome) if outcome.status == "ok" else (outcome, {})

    def renew(self) -> None:
        """Go on in a fresh kernel: this one has nothing left to go on with."""
        self._stop()

    def _apart(self) -> Session:
        """Another kernel of the same submission, in which only probes run."""
        if self._other is None:
            self._other = Session(self._launcher, self.limits)
            self._other._deadline = self._deadline
            self._other._is_apart = True
        return self._other

    def _execute(
        self, source: str, seconds: float, expressions: dict[str, str] | None = None
    ) -> Outcome:
        if self.spent:
            return Outcome("timed_out", "", "the submission used up its time")
        if self._client is None:
            self._start()
            self._replay()
        assert self._client is not None and self._valve is not None
        self._valve.allow()
        sent = self._client.execute(
            source,
            silent=expressions is not None,
            store_history=False,
            allow_stdin=False,
            stop_on_error=False,
            user_expressions=expressions or {},
        )
        deadline = min(time.monotonic() + seconds, self._deadline)
        outcome = self._await(sent, deadline)
        if outcome is None:
            # What it has started may go on, and take the time of what comes next.
            what = f"it did not end within {seconds:g} seconds"
            outcome = Outcome("timed_out", "", what, ended_kernel=True)
        if outcome.ended_kernel or outcome.status in ("crashed", "out_of_memory"):
            self._stop()
        return outcome

    def _await(self, sent: str, deadline: float) -> Outcome | None:
        """Wait until a request is answered; None when the deadline passes first."""
        assert self._client is not None and self._kernel is not None
        while time.monotonic() < deadline:
            if self._valve is not None and self._valve.burst:
                return Outcome("crashed", "", "the kernel sent more than it may")
            try:
                reply = self._client.get_shell_msg(timeout=0.05)
                answers = reply["parent_header"].get("msg_id") == sent
            except queue.Empty:
                if end := self._kernel.end:
                    return outcome_of_death(end)
                continue
            except Exception:
                # Code in a kernel holds its key and can send what no kernel sends.
                continue
            if answers and isinstance(reply["content"], dict):
                return outcome_of(reply["content"])
        return None

    def _replay(self) -> None:
        history, self._history = self._history, []
        for source in history:
            self.run_cell(source)

    def _start(self) -> None:
        self._kernel = self._launcher.start(heard=False)
        self._client = BlockingKernelClient()
        connection = self._kernel.connection
        self._valve = Valve(connection["ip"], connection["shell_port"], MOST_BYTES)
        self._client.load_connection_info(cast(Any, {**connection, "ip": self._valve.ip}))
        # Left to itself, a client makes a context of its own, which caps nothing.
        self._client.context = self._context
        self._client.start_channels(iopub=False, stdin=False, hb=False, control=False)
        sent = self._client.execute(self._launcher.prelude, silent=True, store_history=False)
        loaded = self._await(sent, time.monotonic() + START_SECONDS)
        if loaded is None or loaded.status != "ok":
            reason = loaded.sentence if loaded else f"no answer in {START_SECONDS:g} seconds"
            raise RuntimeError(f"the kernel could not load the probes: {reason}")

    def _stop(self) -> None:
        if self._client is not None:
            self._client.stop_channels()
        if self._kernel is not None:
            self._kernel.kill()
        if self._valve is not None:
            self._valve.close()
        self._client = self._kernel = self._valve = None


def _decoded(outcome: Outcome) -> tuple[Outcome, dict[str, Any]]:
    """What a probe has sent with a request's reply; whatever is no reply of ours is an error."""
    answer = _inside(outcome.reply, "user_expressions", "observation")
    if not isinstance(answer, dict) or answer.get("status") != "ok":
        answer = answer if isinstance(answer, dict) else {}
        error, message = as_text(answer.get("ename", "")), as_text(answer.get("evalue", ""))
        return Outcome("error", error[:80], message[:300]), {}
    try:
        decoded = wire.loads(_inside(answer, "data", MIME))
    except wire.WireError as problem:
        return Outcome("error", "", f"the observation was refused: {problem}"), {}
    if not isinstance(decoded, dict):
        return Outcome("error", "", "the observation was refused: it is no reply"), {}
    return outcome, decoded


def _inside(value: Any, *keys: str) -> Any:
    """What lies under keys, one in another; None where there are none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value

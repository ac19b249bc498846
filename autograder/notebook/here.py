"""The student's own kernel as the place where answers are looked at."""

from __future__ import annotations

import builtins
import contextlib
import io
from collections.abc import Iterator
from typing import Any

from autograder.answering.outcome import Outcome
from autograder.judging import Exercise
from autograder.notebook.limits import TimeIsUp, limited
from autograder.probes import wire
from autograder.probes.kernel import observe, request
from autograder.probes.state import heard

PROBE_SECONDS = 20.0
"""What a look at an answer may take: as long as when it is graded."""

_MOST_PRINTED = 4000


class Here:
    """Looks at answers in this process, in a namespace; keeps what was seen and printed last."""

    def __init__(self, namespace: dict[str, Any], seconds: float = PROBE_SECONDS) -> None:
        self._namespace = namespace
        self._seconds = seconds
        self.observed: list[dict[str, Any]] = []
        self.printed = ""

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

        Raises: KeyboardInterrupt when the student interrupts it.
        """
        seconds = self._seconds * exercise.probe.observer.patience
        asked = request(
            exercise.name, exercise.probe, cases, seed, given=given, again=again, alone=alone
        )
        output = _Capped()
        self.observed = []
        try:
            with heard(output), _nobody_to_type():
                reply = limited(lambda: observe(asked, self._namespace), seconds)
        except TimeIsUp:
            what = f"it did not end within {seconds:g} seconds"
            return Outcome("timed_out", "", what), {}
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the student's: a definition that raises, SystemExit
            return Outcome("error", type(error).__name__, str(error)[:300]), {}
        finally:
            self.printed = output.getvalue()
        decoded = wire.loads(reply.text)
        self.observed = decoded["observations"]
        return Outcome("ok"), decoded

    def renew(self) -> None:
        """There is no other kernel than the student's."""


@contextlib.contextmanager
def _nobody_to_type() -> Iterator[None]:
    """An answer that asks for input gets none, as when it is graded."""

    def refuse(prompt: object = "") -> str:
        raise EOFError("an answer is judged with nobody there to type")

    before = builtins.input
    builtins.input = refuse
    try:
        yield
    finally:
        builtins.input = before


class _Capped(io.StringIO):
    """Output up to a length: an answer may print in a loop without end."""

    def write(self, text: str) -> int:
        room = _MOST_PRINTED - self.tell()
        if room > 0:
            super().write(text[:room] + ("…" if len(text) > room else ""))
        return len(text)

"""What judging an answer gives: findings, a reason, a score, a diagnosis."""

from __future__ import annotations

import builtins
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

CELL_RUNS = "the cell runs"
"""The property that is missed where there is no answer to be looked at."""


class Reason(StrEnum):
    """Why an exercise has the score it has."""

    CORRECT = "correct"
    PARTLY_CORRECT = "partly_correct"
    WRONG = "wrong"
    NOT_ATTEMPTED = "not_attempted"
    RAISED = "raised"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out_of_memory"
    FORBIDDEN = "forbidden"
    NOT_RUN = "not_run"
    AWAITING_REVIEW = "awaiting_review"


@dataclass(frozen=True)
class Finding:
    """What one check saw.

    ``expected``, ``observed`` and ``where`` speak of the inputs and are shown to the student only
    for inputs that were drawn locally; ``gist`` says the same without them ("4 times too large").
    ``margin`` is the distance from the threshold, in thresholds, for a statistical check. ``case``
    is the number of the case on which it failed. What could not be looked at everywhere, for the
    answer raised before, is not ``seen``, and has not passed. ``measured`` is what of an answer is
    compared across a class, such as the points that a training gains.
    """

    property: str
    passed: bool
    expected: str = ""
    observed: str = ""
    where: str = ""
    gist: str = ""
    margin: float | None = None
    case: int | None = None
    seen: bool = True
    measured: float | None = None


@dataclass(frozen=True)
class Verdict:
    """The judgement of one answer."""

    exercise: str
    kind: str
    score: float
    points: float
    reason: Reason
    findings: list[Finding] = field(default_factory=list)
    diagnosis: str | None = None
    explanation: str = ""
    remarks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    value: Any = None

    @property
    def passed(self) -> bool:
        """Whether the answer earned all its points."""
        return self.reason is Reason.CORRECT

    def to_dict(self) -> dict[str, Any]:
        """The verdict as plain data, for records and ``--json``."""
        data = asdict(self)
        data["id"] = data.pop("exercise")
        data["reason"] = str(self.reason)
        return data

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Verdict:
        """The inverse of ``to_dict``."""
        data = dict(data)
        findings = [Finding(**finding) for finding in data.pop("findings")]
        reason = Reason(data.pop("reason"))
        return Verdict(exercise=data.pop("id"), reason=reason, findings=findings, **data)


RUNS = "it runs"
"""The property of an answer that raises nothing."""

WRITTEN = "all of it is written"
"""The property of an answer of which nothing is still the starter's."""

RETURNS = "it gives back a result"
"""The property of an answer that gives back something else than None."""

_LIBRARIES = frozenset(
    "AcceleratorError AxisError Deadlock InternalTorchDynamoError LinAlgError OutOfBounds "
    "OutOfMemoryError PicklingError StdinNotImplementedError UFuncTypeError UsageError WorkerError "
    "WriteThisYourself".split()
)


def told_type(name: str) -> str:
    """The type of an exception as people are told it.

    Code that has seen hidden inputs could put them into the name of a type of its own.
    """
    known = getattr(builtins, name, None)
    public = isinstance(known, type) and issubclass(known, BaseException)
    return name if public or name in _LIBRARIES else "an exception of its own"

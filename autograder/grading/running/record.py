"""The record: the judge's own account of one submission, the only source of automatic scores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from autograder.answering.verdicts import unjudged
from autograder.judging import Kind, Lab, Reason, Verdict


@dataclass(frozen=True)
class Record:
    """One submission's verdicts, with what a person should know about it."""

    student: str
    lab: str
    version: int
    status: str
    verdicts: list[Verdict]
    submission: str = ""
    seconds: float = 0.0
    confined: bool = False
    notes: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)

    @property
    def score(self) -> float:
        """The automatic points earned."""
        return sum(v.score for v in self.verdicts if v.kind != Kind.WRITTEN)

    @property
    def max_score(self) -> float:
        """The automatic points there are."""
        return sum(v.points for v in self.verdicts if v.kind != Kind.WRITTEN)

    @property
    def manual_points(self) -> float:
        """The points given by hand."""
        return sum(v.points for v in self.verdicts if v.kind == Kind.WRITTEN)

    def to_dict(self) -> dict[str, Any]:
        """The record as plain data."""
        return {
            "student": self.student,
            "lab": self.lab,
            "version": self.version,
            "status": self.status,
            "score": self.score,
            "max_score": self.max_score,
            "manual_points": self.manual_points,
            "seconds": round(self.seconds, 3),
            "confined": self.confined,
            "submission": self.submission,
            "notes": self.notes,
            "flags": self.flags,
            "exercises": [_strict(verdict.to_dict()) for verdict in self.verdicts],
        }

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Record:
        """The inverse of ``to_dict``."""
        keys = ("student", "lab", "version", "status", "submission", "seconds", "confined")
        fields = {key: data[key] for key in keys}
        verdicts = [Verdict.from_dict(verdict) for verdict in data["exercises"]]
        return Record(**fields, verdicts=verdicts, notes=data["notes"], flags=data["flags"])


def not_run(
    student: str, lab: Lab, reason: str, *, submission: str = "", notes: list[str] | None = None
) -> Record:
    """The record of a submission that could not be graded: every exercise has the reason."""
    verdicts = [unjudged(exercise, Reason.NOT_RUN) for exercise in lab.exercises.values()]
    return Record(
        student, lab.name, lab.version, "not_run", verdicts, submission,
        notes=[reason, *(notes or [])],
    )  # fmt: skip


def _strict(value: Any) -> Any:
    """JSON has no infinity and no nan: a margin without bound is written as null."""
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_strict(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value

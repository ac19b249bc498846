"""What an audit found out about one exercise."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from autograder.judging import Exercise

MIN_KILLED = 0.99
"""Share of a lab's mutants that must die, of those that nobody explains as equivalent."""


@dataclass
class Survivor:
    """A mutant that passes: on how many of the seeds, and why that is right, where it is."""

    operator: str
    mutant: str
    passes: int
    seeds: int
    equivalent: str = ""


@dataclass
class Audit:
    """What was found out about one exercise; ``problems`` is empty when every promise holds.

    ``alike`` lists the mistakes that cannot be told apart, with the text that all of them get.
    ``crashed`` counts the killed mutants that raise in every case: they prove little.
    """

    lab: str
    exercise: str
    kind: str
    seeds: int
    reference_ok: bool = True
    alternatives: int = 0
    alternatives_ok: int = 0
    flakes: int = 0
    mistakes: int = 0
    rejected: int = 0
    diagnosed: int = 0
    alike: list[dict[str, Any]] = field(default_factory=list)
    margin: float | None = None
    starter_ok: bool = True
    forgeries: int = 0
    forgeries_rejected: int = 0
    mutants: int = 0
    killed: int = 0
    crashed: int = 0
    survivors: list[Survivor] = field(default_factory=list)
    cpu_seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    @staticmethod
    def of(exercise: Exercise, seeds: int) -> Audit:
        """An audit that has found nothing yet."""
        return Audit(exercise.lab, exercise.id, str(exercise.kind), seeds)

    @property
    def unexplained(self) -> list[Survivor]:
        """The survivors that nobody explains."""
        return [survivor for survivor in self.survivors if not survivor.equivalent]

    def to_dict(self) -> dict[str, Any]:
        """The audit as plain data."""
        return asdict(self)

"""What of an observation counts: by it two answers are told apart, and a mistake is recognized."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from autograder.judging.comparison import Tolerance, same
from autograder.judging.exercise import Exercise
from autograder.judging.samples import Sample, portrait, sample_of
from autograder.judging.statistics import same_portrait
from autograder.probes import Form

Observation = dict[str, Any]

ASIDE = frozenset({"type", "changed", "carries_gradient", "persistent"})
"""What steps and results hold beside their numbers. It tells answers apart only where a check that
costs points looks at it, as do entries beside the substance (``generators``, ``parts``).
"""


@dataclass(frozen=True)
class Numbers:
    """Plain data, the same up to rounding."""

    value: Any

    def like(self, other: Any, tolerance: Tolerance) -> bool:
        """Whether another piece is the same."""
        return isinstance(other, Numbers) and same(self.value, other.value, tolerance)


@dataclass(frozen=True)
class Drawn:
    """The portrait of random numbers, the same if they are of one distribution."""

    portrait: Any

    def like(self, other: Any, tolerance: Tolerance) -> bool:
        """Whether another piece is the same."""
        return isinstance(other, Drawn) and same_portrait(self.portrait, other.portrait)


@dataclass(frozen=True)
class Signature:
    """What an exercise says is not chance."""

    value: Any

    def like(self, other: Any, tolerance: Tolerance) -> bool:
        """Whether another piece is the same."""
        return isinstance(other, Signature) and bool(self.value == other.value)


@dataclass(frozen=True)
class Essence:
    """What two answers are compared by: what was raised, and what was seen, piece by piece."""

    raised: dict[str, Any] | None
    took_steps: bool
    seen: tuple[Numbers | Drawn | Signature, ...]


def same_observation(exercise: Exercise, one: Observation, other: Observation, dtype: str) -> bool:
    """Whether two observations of a probe on the same inputs, of a dtype, are the same."""
    return same_essence(essence(exercise, one), essence(exercise, other), dtype)


def essence(
    exercise: Exercise,
    observation: Observation,
    sample: Sample | None = None,
    inputs: dict[str, Any] | None = None,
) -> Essence:
    """What of an observation counts; ``sample`` is what it drew, where that is known already.

    ``inputs`` are those that the answer was observed on, for a signature that asks for them.
    """
    observer = exercise.probe.observer
    raised = observation.get("raised")
    took_steps = observer.by_steps and bool(observation.get("steps"))
    if raised and not took_steps:
        return Essence(raised, took_steps, ())
    looked_at = {e for check in exercise.checks if not check.remark for e in check.entries}
    beside = Numbers({name: observation.get(name) for name in sorted(looked_at)})
    seen = observation.get(observer.substance)
    if exercise.signature is not None:
        signed = {**observation, "inputs": inputs or {}}
        return Essence(raised, took_steps, (Signature(exercise.signature(signed)), beside))
    if observer.form is Form.PORTRAIT:
        return Essence(
            raised, took_steps, (Drawn(portrait(seen, sample or sample_of(seen))), beside)
        )
    drawn = _draws(seen) if observer.substance == "steps" else ()
    numbers = Numbers(_without(seen, (ASIDE | ({"draws"} if drawn else set())) - looked_at))
    return Essence(raised, took_steps, (numbers, *drawn, beside))


def same_essence(one: Essence, other: Essence, dtype: str, *, coarse: bool = True) -> bool:
    """Whether what counts of two observations on the same inputs, of a dtype, is the same.

    ``coarse``: up to the rounding of the dtype that the answer computed in, if that is float32.
    """
    if bool(one.raised) != bool(other.raised):
        return False
    if one.raised and other.raised:
        if one.raised["type"] != other.raised["type"]:
            return False
        if not one.took_steps and not other.took_steps:
            return bool(one.raised["message"][:40] == other.raised["message"][:40])
    pairs = zip(one.seen, other.seen, strict=False)
    tolerance = Tolerance(dtype=dtype, alike=coarse)
    return len(one.seen) == len(other.seen) and all(a.like(b, tolerance) for a, b in pairs)


def _draws(steps: Any) -> tuple[Drawn, ...]:
    """Portraits of what was drawn in steps that called an answer often."""
    drawn = [step["draws"] for step in steps if "draws" in step] if isinstance(steps, list) else []
    return tuple(Drawn(portrait(values, sample_of(values))) for values in drawn)


def _without(value: Any, names: Set[str]) -> Any:
    if isinstance(value, dict):
        return {k: _without(v, names) for k, v in value.items() if k not in names}
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    return value

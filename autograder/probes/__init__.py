"""Probes: what calls an answer on inputs and observes it. Data across the wall, never closures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Probe:
    """A registered probe's name with its JSON parameters."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)


def call() -> Probe:
    """Call the answer once a case with the inputs as keyword arguments."""
    return Probe("call")


def draws(count: int) -> Probe:
    """Call a random answer ``count`` times a case, each time with fresh random numbers."""
    return Probe("draws", {"count": count})


def module() -> Probe:
    """Construct a stateful answer and lead it through the steps its inputs ask for."""
    return Probe("module")


def read() -> Probe:
    """Read a variable that the student has set."""
    return Probe("read")

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


def optimizer() -> Probe:
    """Construct an optimizer on parameters and observe them after every step."""
    return Probe("optimizer")


def each(argument: str) -> Probe:
    """Call the answer once for every entry of one list among its inputs, named in the singular."""
    return Probe("each", {"argument": argument})


def histories(method: str) -> Probe:
    """Construct stateful answers and feed each its history through one method, in turns."""
    return Probe("histories", {"method": method})


def gradients(*of: str) -> Probe:
    """Call the answer and backpropagate ``grad_output`` through it to the inputs named."""
    return Probe("gradients", {"of": list(of)})


def read() -> Probe:
    """Read a variable that the student has set."""
    return Probe("read")


def supplied() -> Probe:
    """Call the answer with a network, an optimizer or a function made of its inputs."""
    return Probe("supplied")


def differentiated(by: str) -> Probe:
    """Call the answer once and differentiate the number it returns by one of its inputs."""
    return Probe("differentiated", {"by": by})


def descent() -> Probe:
    """Let the answer take steps on parameters that have gradients, and look at them after each."""
    return Probe("descent")


def epochs(count: int) -> Probe:
    """Ask the answer for the batches of several epochs, each with fresh random numbers."""
    return Probe("epochs", {"count": count})


def checkpoint() -> Probe:
    """Train, keep the state in the answer, train on; resume twice and compare."""
    return Probe("checkpoint")


def devices() -> Probe:
    """Call the answer on the device at hand and on one without numbers."""
    return Probe("devices")

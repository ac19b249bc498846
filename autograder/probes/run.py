"""Running a probe on the cases of an exercise.

A probe observes and never judges. One observation per case; every case gets its own copies of its
inputs and known global state, so that one case cannot spoil the next.
"""

from __future__ import annotations

from typing import Any

from autograder.probes.registry import PROBES, Inputs, Observation
from autograder.probes.state import known_state


def run(
    probe: str,
    parameters: dict[str, Any],
    answer: Any,
    cases: list[Inputs],
    seed: int,
    device: str = "cpu",
    *,
    rehearsed: bool = False,
) -> list[Observation]:
    """Run one probe on every case, with tensors on ``device``; ``rehearsed`` where that is cheaper.

    Beside what the probe saw, an observation says under ``generators`` whether the answer left the
    global random generators ``untouched``, ``used`` them or ``reseeded`` one. What raises on a
    GPU is looked at on the CPU instead: whoever leaves for numpy, or uses a tensor that an earlier
    cell has made, was right on their own machine, and is right.

    Shapes: ``cases`` is a list of inputs, plain data; the result has one observation for each.
    Raises: KeyError for a probe that does not exist, ValueError for a device that is not there or
    inputs that ask for something unknown; never what the answer raises.
    """

    def look(inputs: Inputs, seed: int, device: str) -> Observation:
        with known_state(seed, device) as generators:
            seen = PROBES[probe](answer, inputs, generators, parameters, rehearsed=rehearsed)
            return {**seen, "generators": generators.done()}

    observations = []
    for number, inputs in enumerate(cases, seed):
        seen = look(inputs, number, device)
        if seen["raised"] and device != "cpu":
            seen = look(inputs, number, "cpu")
        observations.append(seen)
    return observations


def refused(observations: list[Observation], why: str) -> list[Observation]:
    """What is handed on in the place of observations that cannot cross, and why they cannot."""
    return [{"result": None, "raised": None, "refused": why} for _ in observations]

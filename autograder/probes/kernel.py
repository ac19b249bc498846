"""The end of a probe that runs inside a student's kernel.

The grader sends ``observe(request)`` as a user expression of an execute request; what comes back
with the reply is a message of ``wire`` under a MIME type of ours.
"""

from __future__ import annotations

from typing import Any

from autograder.probes import wire
from autograder.probes.definition import execute
from autograder.probes.registry import Probe
from autograder.probes.run import refused, run


def _import(name: str, *rest: Any) -> Any:
    if name.partition(".")[0] not in ("__future__", "triton"):
        raise ImportError(f"a kernel has no use for {name}")
    return __import__(name, *rest)


_FEW = {
    "__import__": _import,
    **{
        one.__name__: one
        for one in (NotImplementedError, AssertionError, abs, float, int, max, min, print, range)
    },
}
"""What of Python is there for answers that are looked at alone."""

MIME = "application/vnd.training-course.observation+json"


class Reply:
    """Carries an encoded observation through IPython's display machinery untouched."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {MIME: self.text}


def request(
    name: str,
    probe: Probe,
    cases: list[dict[str, Any]],
    seed: int,
    *,
    device: str = "cpu",
    given: dict[str, str] | None = None,
    again: str = "",
    alone: bool = False,
) -> str:
    """What ``observe`` is asked: to look with a probe at the answer of a name.

    Tensors are made on ``device``. ``given`` maps names to sources that stand in for earlier
    answers that failed, for this probe only; ``again`` is the student's own definition of the
    answer, run again so that a class inherits from what stands in, or from what was defined anew;
    ``alone``, nothing but that is known to it.
    """
    return wire.dumps(
        {
            "name": name,
            "probe": probe.name,
            "parameters": probe.parameters,
            "cases": cases,
            "seed": seed,
            "device": device,
            "given": given or {},
            "again": again,
            "alone": alone,
        }
    )


def observe(request: str, namespace: dict[str, Any]) -> Reply:
    """Run the requested probe on the answer that the namespace holds under the requested name."""
    asked = wire.loads(request)
    if asked["alone"]:
        namespace = {"__name__": "__main__", "__builtins__": dict(_FEW)}
        execute(asked["again"], namespace, "the answer")
        asked["again"] = ""
    if asked["name"] not in namespace:
        return Reply(wire.dumps({"defined": False, "observations": []}))
    changed = {*asked["given"], asked["name"]}
    saved = {name: namespace[name] for name in changed if name in namespace}
    try:
        namespace.update(_define(asked["given"]))
        if asked["again"]:
            execute(asked["again"], namespace, "the answer, again")
        observations = run(
            asked["probe"],
            asked["parameters"],
            namespace[asked["name"]],
            asked["cases"],
            asked["seed"],
            asked["device"],
        )
    finally:
        for name in changed:
            namespace.pop(name, None)
        namespace.update(saved)
    try:
        return Reply(wire.dumps({"defined": True, "observations": observations}))
    except wire.WireError as error:
        instead = refused(observations, str(error))
        return Reply(wire.dumps({"defined": True, "observations": instead}))


def _define(sources: dict[str, str]) -> dict[str, Any]:
    """The objects that sources define, which may call one another."""
    scope: dict[str, Any] = {}
    for name, source in sources.items():
        execute(source, scope, f"what stands in for {name}")
    return {name: scope[name] for name in sources}

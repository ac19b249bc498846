"""The end of a probe that runs inside a student's kernel.

The grader sends ``observe(request)`` as a user expression of an execute request; what comes back
with the reply is a message of ``wire`` under a MIME type of ours.
"""

from __future__ import annotations

from typing import Any

from autograder.probes import wire
from autograder.probes.run import run

MIME = "application/vnd.training-course.observation+json"


class Reply:
    """Carries an encoded observation through IPython's display machinery untouched."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {MIME: self.text}


def observe(request: str, namespace: dict[str, Any]) -> Reply:
    """Run the requested probe on the answer that the namespace holds under the requested name.

    The request is ``{"name", "probe", "parameters", "cases", "seed", "given"}``; ``given`` maps
    names to sources that stand in for earlier answers that failed, for this probe only.
    """
    asked = wire.loads(request)
    if asked["name"] not in namespace:
        return Reply(wire.dumps({"defined": False, "observations": []}))
    saved = {name: namespace[name] for name in asked["given"] if name in namespace}
    try:
        for name, source in asked["given"].items():
            namespace[name] = _define(name, source)
        observations = run(
            asked["probe"],
            asked["parameters"],
            namespace[asked["name"]],
            asked["cases"],
            asked["seed"],
        )
    finally:
        for name in asked["given"]:
            namespace.pop(name, None)
        namespace.update(saved)
    try:
        return Reply(wire.dumps({"defined": True, "observations": observations}))
    except ValueError as error:
        return Reply(wire.dumps({"defined": True, "observations": [], "refused": str(error)}))


def _define(name: str, source: str) -> Any:
    scope: dict[str, Any] = {}
    exec(
        "import math\nimport numpy as np\nimport torch\nfrom torch import nn\n" + source,
        scope,
    )
    return scope[name]

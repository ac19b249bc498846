"""Runs on which no two update rules agree by chance, and what is looked at in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograder.judging.checks import Case, check, finding, keeps_dtype
from autograder.judging.checks import Check
from autograder.judging.comparison import Tolerance, difference
from autograder.judging.exercise import Draw, Inputs
from autograder.judging.verdict import Finding

TORCH_OPTIMIZERS = ("torch.optim",)

STEPS = 12
_CHANGES = (4, 8)
"""The steps, counted from 0, before which settings change."""

_NEAR = Tolerance(dtype="float32")
"""Right answers may count their steps, or start their memory, in float32."""


def draw_run(
    rng: np.random.Generator,
    settings: Inputs,
    *,
    later: tuple[Inputs, Inputs] = ({}, {}),
    tiny: float = 0.03,
    rests: bool = False,
) -> Inputs:
    """Twelve steps on three parameters, two of them of one shape, whose settings change twice.

    The gradients have both signs and a lasting direction, and their scale changes from step to
    step. Those of the second parameter are ``tiny``. With ``rests`` the third starts a step late,
    and the second has no gradient for two steps. ``later`` has what is set at each change.
    """
    rows, columns, features = (int(n) for n in rng.permutation([2, 3, 4, 5])[:3])
    shapes = [(rows, columns), (features,), (features,)]
    scales = np.array([1.0, tiny, 0.2]) * np.exp(rng.uniform(-0.3, 0.3, 3))
    lasting = [rng.normal(size=shape) for shape in shapes]
    steps: list[dict[str, Any]] = []
    for number in range(STEPS):
        scale = scales * np.exp(rng.uniform(-1.0, 1.0))
        gradients: list[np.ndarray | None] = [
            s * (0.6 * d + rng.normal(size=d.shape)) for s, d in zip(scale, lasting, strict=True)
        ]
        if rests and number == 0:
            gradients[2] = None
        if rests and number in (5, 6):
            gradients[1] = None
        step: dict[str, Any] = {"gradients": gradients}
        if number in _CHANGES:
            step["set"] = later[_CHANGES.index(number)]
        steps.append(step)
    starts = [rng.normal(size=shape) for shape in shapes]
    for start in starts:
        # Nothing is near where all of a parameter is near zero.
        start.flat[0] = rng.choice([-1, 1]) * rng.uniform(2, 3)
    return {"parameters": starts, "settings": settings, "steps": steps}


def changed_rates(rng: np.random.Generator, rate: float) -> tuple[Inputs, Inputs]:
    """A rate that falls to a third or so, and then rises a little."""
    low = rate * float(rng.uniform(0.25, 0.4))
    return {"lr": low}, {"lr": low * float(rng.uniform(1.5, 2.0))}


def cleared(draw: Draw) -> Draw:
    """The same run, its gradients cleared and added to before each step."""

    def draw_cleared(rng: np.random.Generator) -> Inputs:
        inputs = draw(rng)
        return {**inputs, "steps": [{**step, "clear": True} for step in inputs["steps"]]}

    return draw_cleared


def _rests(case: Case) -> bool:
    return any(g is None for step in case.inputs["steps"] for g in step["gradients"])


def _follows(case: Case) -> Finding:
    """Compare step by step, so that the first wrong one can be named."""
    wanted, seen = case.expected["result"], case.observed["result"]
    starts = case.inputs["parameters"]
    if not isinstance(seen, list) or len(seen) != len(wanted):
        return finding(False, f"{len(wanted)} parameters", "others", "other parameters than given")
    if all(len(s) and _equal(s[-1], start) for s, start in zip(seen, starts, strict=True)):
        return finding(
            False,
            "parameters that move",
            "parameters that stay where they are",
            "the tensors that the optimizer was given do not change",
        )
    for number in range(STEPS):
        for name, (one, other) in enumerate(zip(seen, wanted, strict=True)):
            if len(one) <= number:
                return finding(
                    False, f"{STEPS} steps", f"{len(one)}", f"it ends in step {number + 1}"
                )
            found = difference(one[number], other[number], _NEAR)
            if found is not None:
                where = f"parameter {name} after step {number + 1}"
                return finding(
                    False,
                    f"{where}: {found.expected}",
                    found.observed,
                    _when(case, number),
                )
    return finding(True)


def _equal(one: Any, other: np.ndarray) -> bool:
    return difference(one, other, Tolerance(dtype="float64")) is None


def _when(case: Case, number: int) -> str:
    """What the first wrong step has about it that the ones before had not."""
    if number == 0:
        return "the first step is wrong"
    if number == 1:
        return "the first step is right, the second is not"
    if case.inputs["steps"][number].get("set"):
        return "it goes wrong where a setting is changed on the way"
    if any(g is None for g in case.inputs["steps"][number - 1]["gradients"]):
        return "it goes wrong after a parameter had no gradient"
    return f"right for {number} steps, then not"


def follows(property: str = "the parameters after every step") -> Check:
    """The parameters are where the reference has them, after every step."""
    return Check(property, _follows)


def follows_with_gradients(property: str = "the parameters after every step") -> Check:
    """The same, in the runs in which every parameter always has a gradient."""
    return Check(property, lambda case: finding(True) if _rests(case) else _follows(case))


def follows_without_gradients(property: str = "parameters without a gradient rest") -> Check:
    """The same, in the runs in which some parameters at times have none."""
    return Check(property, lambda case: _follows(case) if _rests(case) else finding(True))


@check("the parameters stay leaves that require a gradient")
def stay_leaves(case: Case) -> Finding:
    passed = all(step["leaves"] is True for step in case.observed["steps"])
    if passed:
        return finding(True)
    return finding(False, "leaves", "others", "a parameter can no longer be trained")


def _left_alone(case: Case) -> Finding:
    passed = all(step["gradients"] is True for step in case.observed["steps"])
    return finding(passed, "unchanged gradients", "other gradients after the step")


leave_gradients_alone = Check("the gradients are left as they were", _left_alone, remark=True)

RUN_CHECKS = (follows(), stay_leaves, leave_gradients_alone, keeps_dtype(of="result.0"))

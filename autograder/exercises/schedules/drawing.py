"""Steps on which no two schedules agree by chance, and checks that look at one stretch of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograder import probes
from autograder.judging.checks import Case, check, finding
from autograder.judging.wording import brief
from autograder.judging.exercise import Draw, Inputs
from autograder.judging.verdict import Finding

SCHEDULERS = ("torch.optim.lr_scheduler", "torch.optim.swa_utils")
AT_EVERY_STEP = probes.each("step")

# Near enough for an answer that computes in torch's float32; near zero, relative to the largest.
FLOAT32 = 1e-5
_ATOL = 1e-6


def draw_steps(rng: np.random.Generator, until: int, around: Sequence[int] = ()) -> list[int]:
    """Steps up to ``until`` in any order, some asked for twice; those around the given ones too.

    Step 0 comes first, so that an answer that begins anew there always does the same.
    """
    special = {0, 1, 2, *(step + shift for step in around for shift in (-1, 0, 1))}
    some = {int(step) for step in rng.integers(0, until, size=12)}
    once = sorted(step for step in special | some if step >= 0)
    again = rng.choice(once, size=6, replace=False)
    return [0, *(int(step) for step in rng.permutation([*once, *again]))]


def draw_rate(rng: np.random.Generator) -> float:
    """A learning rate over two decades."""
    return float(10 ** rng.uniform(-2.5, -0.5))


def without(name: str, draw: Draw) -> Draw:
    """The same inputs without one of them, so that its default counts."""

    def draw_without(rng: np.random.Generator) -> Inputs:
        return {given: value for given, value in draw(rng).items() if given != name}

    return draw_without


def draw_falling(rng: np.random.Generator) -> Inputs:
    """A rate that falls forever, by ``k`` per step."""
    return {
        "step": draw_steps(rng, 40),
        "base_lr": draw_rate(rng),
        "k": float(rng.uniform(0.02, 0.2)),
    }


def _rates(observation: dict[str, Any]) -> np.ndarray:
    rates = [np.asarray(rate, dtype=float).reshape(()) for rate in observation["result"]]
    return np.array(rates)


def follows(property: str, when: Callable[[Inputs, int], bool] = lambda inputs, t: True):
    """Compare the rates at some of the steps with the reference's; say at which step they differ."""

    @check(property)
    def look(case: Case) -> Finding:
        steps = case.inputs["step"]
        if len(case.observed["result"]) != len(steps):
            return finding(False, "one rate for every step", brief(case.observed["result"]))
        wanted, given = _rates(case.expected), _rates(case.observed)
        near = np.abs(given - wanted) <= FLOAT32 * np.abs(wanted) + _ATOL * np.abs(wanted).max()
        missing = [rate is None for rate in case.observed["result"]]
        for step, one, other, none, ok in zip(steps, wanted, given, missing, near, strict=True):
            if when(case.inputs, step) and not ok:
                return finding(
                    False,
                    f"{one:.6g} at step {step}",
                    f"{'None' if none else format(other, '.6g')} at step {step}",
                    "nothing comes back: a `return` is missing" if none else "another rate",
                    where=_where(case),
                )
        return finding(True)

    return look


def _where(case: Case) -> str:
    """The arguments of the schedule; the step is named beside its rate."""
    others = {name: value for name, value in case.inputs.items() if name != "step"}
    return Case(others, {}, {}).where


@check("the same step gives the same rate, whatever was asked before")
def is_pure(case: Case) -> Finding:
    """A schedule looks at nothing but its arguments."""
    seen: dict[int, float] = {}
    for step, rate in zip(case.inputs["step"], _rates(case.observed), strict=True):
        first = seen.setdefault(step, float(rate))
        if not np.isclose(rate, first, rtol=FLOAT32, atol=0, equal_nan=True):
            return finding(
                False,
                f"{first:.6g} at step {step} both times",
                f"{rate:.6g} the second time",
                "another rate the second time",
                where=_where(case),
            )
    return finding(True)


def warmup_checks() -> list:
    """What is asked of a schedule that begins with a warm-up and has no last step."""
    return [
        follows("the rate at step 0", lambda inputs, t: t == 0),
        follows("the warm-up", lambda inputs, t: 0 < t < inputs["warmup_steps"]),
        follows("the rates after it", lambda inputs, t: t >= inputs["warmup_steps"]),
        is_pure,
    ]


def endless_checks() -> list:
    """What is asked of a schedule that has no last step."""
    return [
        follows("the rate at step 0", lambda inputs, t: t == 0),
        follows("the rates after it", lambda inputs, t: t > 0),
        is_pure,
    ]


def ending_checks() -> list:
    """What is asked of a schedule that ends after ``total_steps``."""
    return [
        follows("the rate at step 0", lambda inputs, t: t == 0),
        follows("the rates on the way", lambda inputs, t: 0 < t < inputs["total_steps"] - 1),
        follows("the rate at the last step", lambda inputs, t: t == inputs["total_steps"] - 1),
        follows("the rates after the last step", lambda inputs, t: t >= inputs["total_steps"]),
        is_pure,
    ]

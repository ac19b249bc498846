"""From an exercise and a seed to a verdict: cases, observations, findings, diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cache
from typing import Any

import numpy as np
import torch

from autograder.judging.checks import Case, Check
from autograder.judging.comparison import Tolerance, same
from autograder.judging.exercise import Answer, Exercise, Inputs, Kind, Mistake
from autograder.judging.samples import Sample, portrait, sample_of
from autograder.judging.statistics import same_portrait
from autograder.judging.verdict import Finding, Reason, Verdict, told_type
from autograder.probes import wire
from autograder.probes.run import run

FALSE_ALARM_BUDGET = 1e-6
"""Probability that a right answer fails one grading of one exercise by chance."""

Observation = dict[str, Any]


class Form(Enum):
    """How what was seen is compared."""

    NUMBERS = auto()
    PORTRAIT = auto()
    SIGNATURE = auto()


@dataclass(frozen=True)
class Essence:
    """What of an observation two answers are compared by: what was raised, and what was seen.

    ``seen`` is plain numbers, the portrait of a random answer, or an exercise's signature.
    """

    raised: dict[str, Any] | None
    took_steps: bool
    seen: Any
    form: Form


Mistaken = dict[tuple[str, int], Essence]
"""What mistakes give, by their name and the number of the case.

It holds at most one entry for each mistake and case, however large the batch, and random arrays as
a few numbers: less than a megabyte for a lab.
"""

# A forged observation need not have the form that a check expects.
_FORGED = (KeyError, TypeError, ValueError, AttributeError, IndexError)


def cases(exercise: Exercise, seed: int) -> list[Inputs]:
    """The inputs of every case, drawn from the seed: plain data, ready to cross the wall."""
    drawn = []
    for number, (draw, dtype) in enumerate(exercise.draws):
        rng = np.random.default_rng([seed, number])
        drawn.append({k: _plain(v, dtype) for k, v in draw(rng).items()})
    return drawn


def observe(
    exercise: Exercise, answer: Answer, drawn: Sequence[Inputs], seed: int, device: str = "cpu"
) -> list[Observation]:
    """Observe trusted code here and now: a reference, a mistake, a student's own notebook.

    What it returns has been through ``wire``, as if it had come from a kernel.
    """
    probe = exercise.probe
    observed = run(probe.name, probe.parameters, answer, list(drawn), seed, device)
    decoded: list[Observation] = wire.loads(wire.dumps(observed))
    return decoded


def expected_observations(
    exercise: Exercise, drawn: Sequence[Inputs], seed: int, device: str = "cpu"
) -> list[Observation]:
    """What the reference gives, in float64 whatever the case's dtype."""
    assert exercise.reference is not None
    precise = [{k: _plain(v, "float64") for k, v in inputs.items()} for inputs in drawn]
    return observe(exercise, exercise.reference, precise, seed, device)


NOTHING = "it gave back None; if the answer is written, a `return` is missing"


def judge(
    exercise: Exercise,
    drawn: Sequence[Inputs],
    observed: Sequence[Observation],
    expected: Sequence[Observation],
    seed: int,
    *,
    untouched: bool = False,
    mistaken: Mistaken | None = None,
    device: str = "cpu",
) -> Verdict:
    """Judge observations of an answer against those of the reference.

    ``untouched`` says that the answer has the starter's syntax tree; ``mistaken`` keeps what
    mistakes gave on these cases and this seed, for the next answer to be judged on them.
    """
    verdict = Verdict(exercise.id, str(exercise.kind), 0.0, exercise.points, Reason.WRONG)
    observed = [_well_formed(observation) for observation in observed]
    if untouched or (observed and all(_not_written(o) for o in observed)):
        silent = not untouched and not any(o.get("raised") for o in observed)
        return replace(verdict, reason=Reason.NOT_ATTEMPTED, notes=[NOTHING] if silent else [])
    if len(observed) != len(drawn):
        return replace(verdict, notes=["the answer could not be observed"])
    looked_at = _cases(exercise, drawn, observed, expected)
    score, findings = _score(exercise, looked_at)
    raised = [o["raised"] for o in observed if o["raised"]]
    reason = Reason.PARTLY_CORRECT if score > 0 else Reason.WRONG
    if score == exercise.points and all(f.passed for f in findings):
        reason = Reason.CORRECT
    elif score == 0 and len(raised) == len(observed):
        reason = Reason.RAISED
    verdict = replace(
        verdict,
        score=score,
        reason=reason,
        findings=_with_exceptions(raised) + ([] if reason is Reason.RAISED else findings),
        remarks=_remarks(exercise, looked_at),
    )
    if reason is Reason.CORRECT:
        return verdict
    mistakes = _Mistakes(exercise, seed, {} if mistaken is None else mistaken, device)
    return diagnose(exercise, verdict, looked_at, mistakes)


class _Mistakes:
    """What the mistakes of an exercise do on its cases, observed when first asked for."""

    def __init__(self, exercise: Exercise, seed: int, known: Mistaken, device: str) -> None:
        self._exercise, self._seed, self._device = exercise, seed, device
        self._known = known

    def on(self, mistake: Mistake, case: Case) -> Essence:
        """What a mistake does on a case."""
        key = (mistake.name, case.number)
        if key not in self._known:
            asked = (self._exercise, mistake.answer, [case.inputs], self._seed, self._device)
            self._known[key] = essence(self._exercise, observe(*asked)[0])
        return self._known[key]


def diagnose(
    exercise: Exercise, verdict: Verdict, looked_at: Sequence[Case], mistakes: _Mistakes
) -> Verdict:
    """Name the mistake that behaves like the answer on every case, if there is one."""

    @cache
    def seen(number: int) -> Essence:
        case = looked_at[number]
        return essence(exercise, case.observed, case.sample)

    def alike(mistake: Mistake, case: Case) -> bool:
        try:
            return same_essence(seen(case.number), mistakes.on(mistake, case), case.dtype)
        except _FORGED:
            return False

    for mistake in exercise.mistakes:
        if all(alike(mistake, case) for case in looked_at):
            return replace(verdict, diagnosis=mistake.name, explanation=mistake.diagnosis)
    return verdict


def same_observation(exercise: Exercise, one: Observation, other: Observation, dtype: str) -> bool:
    """Whether two observations of a probe on the same inputs, of a dtype, are the same."""
    return same_essence(essence(exercise, one), essence(exercise, other), dtype)


def essence(exercise: Exercise, observation: Observation, sample: Sample | None = None) -> Essence:
    """What of an observation counts; ``sample`` is what it drew, where that is known already."""
    raised, took_steps = observation.get("raised"), bool(observation.get("steps"))
    if raised and not took_steps:
        return Essence(raised, took_steps, None, Form.NUMBERS)
    if exercise.probe.name == "draws":
        result = observation.get("result")
        drawn = portrait(result, sample or sample_of(result))
        return Essence(raised, took_steps, drawn, Form.PORTRAIT)
    if exercise.signature is not None:
        return Essence(raised, took_steps, exercise.signature(observation), Form.SIGNATURE)
    key = "steps" if exercise.probe.name == "module" else "result"
    return Essence(raised, took_steps, _numbers(observation.get(key)), Form.NUMBERS)


def same_essence(one: Essence, other: Essence, dtype: str) -> bool:
    """Whether what counts of two observations on the same inputs, of a dtype, is the same."""
    if bool(one.raised) != bool(other.raised):
        return False
    if one.raised and other.raised:
        if one.raised["type"] != other.raised["type"]:
            return False
        if not one.took_steps and not other.took_steps:
            return bool(one.raised["message"][:40] == other.raised["message"][:40])
    if one.form is not other.form:
        return False
    if one.form is Form.PORTRAIT:
        return same_portrait(one.seen, other.seen)
    if one.form is Form.SIGNATURE:
        return bool(one.seen == other.seen)
    return same(one.seen, other.seen, Tolerance(dtype=dtype))


def _cases(
    exercise: Exercise,
    drawn: Sequence[Inputs],
    observed: Sequence[Observation],
    expected: Sequence[Observation],
) -> list[Case]:
    looks = sum(check.statistical for check in exercise.checks) * len(drawn)
    alpha = FALSE_ALARM_BUDGET / max(looks, 1)
    return [
        Case(inputs, seen, wanted, alpha, number)
        for number, (inputs, seen, wanted) in enumerate(zip(drawn, observed, expected, strict=True))
    ]


def _score(exercise: Exercise, looked_at: list[Case]) -> tuple[float, list[Finding]]:
    score, findings = 0.0, []
    for part in exercise.parts:
        found = [_worst_finding(check, looked_at) for check in part.checks if not check.remark]
        findings += found
        if found and all(finding.passed for finding in found):
            score += part.points
    return score, findings


def _worst_finding(check: Check, looked_at: list[Case]) -> Finding:
    first = _look(check, looked_at[0])
    if not first.passed:
        return first
    others = (_look(check, case) for case in looked_at[1:])
    return next((found for found in others if not found.passed), first)


def _look(check: Check, case: Case) -> Finding:
    raised = case.observed.get("raised")
    if raised and "steps" not in case.observed:
        return Finding(check.property, False, observed=f"{raised['type']} raised",
                       where=case.where, gist="the code raised an exception")  # fmt: skip
    try:
        return check(case)
    except _FORGED:
        return Finding(check.property, False, observed="something else", where=case.where)


def _remarks(exercise: Exercise, looked_at: list[Case]) -> list[str]:
    remarks: list[str] = []
    if any(case.observed["raised"] for case in looked_at):
        return remarks
    for check in exercise.checks:
        if check.remark and not (found := _worst_finding(check, looked_at)).passed:
            remarks.append(f"{found.property}: wanted {found.expected}, got {found.observed}")
    return remarks


def _with_exceptions(raised: list[dict[str, Any]]) -> list[Finding]:
    if not raised:
        return []
    first = raised[0]
    line = f" (line {first['line']} of its cell)" if first["line"] else ""
    # The message may speak of the inputs; the type of the exception does not.
    observed = f"{first['type']}: {first['message']}{line}"
    return [
        Finding("it runs", False, "a result", observed, gist=f"{told_type(first['type'])}{line}")
    ]


def _well_formed(observation: Any) -> Observation:
    """An observation with the entries that judging relies on, whatever came across."""
    if not isinstance(observation, dict):
        return {"result": None, "raised": None}
    raised = observation.get("raised")
    if raised is not None:
        raised = raised if isinstance(raised, dict) else {}
        line = raised.get("line")
        raised = {
            "type": str(raised.get("type"))[:80],
            "message": str(raised.get("message"))[:300],
            "line": line if isinstance(line, int) else None,
        }
    return {**observation, "raised": raised}


def _not_written(observation: Observation) -> bool:
    raised = observation.get("raised")
    if raised:
        return bool(raised["type"] == "NotImplementedError")
    if "steps" in observation:
        return False
    result = observation.get("result")
    return result is None or (isinstance(result, list) and all(r is None for r in result))


def _plain(value: Any, dtype: str) -> Any:
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    if isinstance(value, np.ndarray):
        return value.astype(dtype) if value.dtype.kind == "f" else value.copy()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [_plain(item, dtype) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item, dtype) for key, item in value.items()}
    return value


def _numbers(value: Any) -> Any:
    """A step's observation without what says nothing about values."""
    if isinstance(value, dict):
        return {k: _numbers(v) for k, v in value.items() if k not in ("type", "changed")}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return value


def is_prediction_made(exercise: Exercise, value: Any) -> bool:
    """Whether a prediction is a number, or one of the exercise's choices."""
    assert exercise.kind is Kind.PREDICTION
    if exercise.choices:
        return value in exercise.choices
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value

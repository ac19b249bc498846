"""From an exercise and a seed to a verdict: cases, observations, findings, diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import torch

from autograder.judging.checks import AS_MANY, SEEDS_NOTHING, Case, Check
from autograder.judging.essence import Essence, essence, same_essence
from autograder.judging.exercise import Exercise, Inputs, Mistake
from autograder.judging.failures import gave_nothing, nothing_finding, raised_finding
from autograder.judging.source.edits import Answer
from autograder.judging.verdict import WRITTEN, Finding, Reason, Verdict
from autograder.probes import wire
from autograder.probes.run import refused, run

FALSE_ALARM_BUDGET = 1e-6
"""Probability that a right answer fails one grading of one exercise by chance."""

Observation = dict[str, Any]


Mistaken = dict[tuple[str, int], Essence]
"""What mistakes give, by their name and the number of the case.

It holds at most one entry for each mistake and case, however large the batch, and random arrays as
a few numbers: less than a megabyte for a lab.
"""


@dataclass(frozen=True)
class Hidden:
    """What answers to an exercise are judged on: the inputs drawn, and what the reference gives.

    ``mistaken`` keeps what mistakes gave on them, for the next answer to be judged.
    """

    drawn: list[Inputs]
    expected: list[Observation]
    seed: int
    device: str = "cpu"
    mistaken: Mistaken = field(default_factory=dict)


def hidden(exercise: Exercise, seed: int, device: str = "cpu") -> Hidden:
    """Draw an exercise's cases from a seed, and look at its reference on a device.

    Where that ``trains`` at full size nobody waits for it: its checks compare with nothing.
    """
    drawn = cases(exercise, seed)
    if exercise.probe.observer.trains:
        return Hidden(drawn, [{"raised": None} for _ in drawn], seed, device)
    return Hidden(drawn, expected_observations(exercise, drawn, seed, device), seed, device)


def cases(exercise: Exercise, seed: int) -> list[Inputs]:
    """The inputs of every case, drawn from the seed: plain data, ready to cross the wall."""
    drawn = []
    for number, (draw, dtype) in enumerate(exercise.draws):
        rng = np.random.default_rng([seed, number])
        drawn.append({k: _plain(v, dtype) for k, v in draw(rng).items()})
    return drawn


def observe(
    exercise: Exercise,
    answer: Answer,
    drawn: Sequence[Inputs],
    seed: int,
    device: str = "cpu",
    *,
    rehearsed: bool = True,
) -> list[Observation]:
    """Observe trusted code here and now: a reference, a mistake, a student's own notebook.

    What it returns has been through ``wire``, as if it had come from a kernel; where it cannot
    cross, every observation says why it was ``refused``. It is ``rehearsed`` where the exercise's
    probe has a cheaper way to see the same of trusted code.
    """
    probe = exercise.probe
    observed = run(
        probe.name, probe.parameters, answer, list(drawn), seed, device, rehearsed=rehearsed
    )
    try:
        decoded: list[Observation] = wire.loads(wire.dumps(observed))
    except wire.WireError as error:
        return refused(observed, str(error))
    return decoded


def expected_observations(
    exercise: Exercise, drawn: Sequence[Inputs], seed: int, device: str = "cpu"
) -> list[Observation]:
    """What the reference gives, in float64 whatever the case's dtype."""
    assert exercise.reference is not None
    precise = [{k: _plain(v, "float64") for k, v in inputs.items()} for inputs in drawn]
    return observe(exercise, exercise.reference, precise, seed, device)


def judge(
    exercise: Exercise,
    hidden: Hidden,
    observed: Sequence[Observation],
    *,
    untouched: bool = False,
) -> Verdict:
    """Judge observations of an answer against those of the reference.

    ``untouched`` says that the answer has the starter's syntax tree.
    """
    verdict = Verdict(exercise.id, str(exercise.kind), 0.0, exercise.points, Reason.WRONG)
    observed = [_well_formed(observation) for observation in observed]
    whys = [o["refused"] for o in observed if isinstance(o.get("refused"), str)]
    if untouched:
        return replace(verdict, reason=Reason.NOT_ATTEMPTED)
    if whys:
        return replace(verdict, notes=[f"what it gives cannot be looked at: {whys[0][:200]}"])
    if len(observed) != len(hidden.drawn):
        return replace(verdict, notes=["the answer could not be observed"])
    looked_at = _cases(exercise, hidden, observed)
    missing = nothing_finding(exercise, looked_at)
    if missing and all(gave_nothing(exercise, case) for case in looked_at):
        return diagnose(exercise, replace(verdict, findings=[missing]), looked_at, hidden)
    score, findings = _score(exercise, looked_at)
    raised = raised_finding(exercise, looked_at)
    reason = Reason.PARTLY_CORRECT if score > 0 else Reason.WRONG
    if score == exercise.points and all(f.passed for f in findings):
        reason = Reason.CORRECT
    elif raised and score == 0 and all(case.observed["raised"] for case in looked_at):
        reason = Reason.WRONG if raised.property == WRITTEN else Reason.RAISED
        findings = []
    verdict = replace(
        verdict,
        score=score,
        reason=reason,
        findings=[*filter(None, (raised, missing)), *findings],
        remarks=_remarks(exercise, looked_at),
    )
    if reason is Reason.CORRECT:
        return verdict
    return diagnose(exercise, verdict, looked_at, hidden)


def diagnose(
    exercise: Exercise, verdict: Verdict, looked_at: Sequence[Case], hidden: Hidden
) -> Verdict:
    """Name the mistake that behaves like the answer on every case, if there is one.

    What is wrong in its precision alone has none: its findings say so. What gives the reference's
    numbers and fails all the same is named only by a mistake that fails the same checks. What
    trains at full size is told by its first case, which is small.
    """
    if exercise.probe.observer.trains:
        looked_at = looked_at[:1]

    @cache
    def seen(number: int) -> Essence:
        case = looked_at[number]
        return essence(exercise, case.observed, case.sample, case.inputs)

    def behaves_like(other: Essence, case: Case, *, coarse: bool = True) -> bool:
        try:
            return same_essence(seen(case.number), other, case.dtype, coarse=coarse)
        except Exception:  # what was observed, or forged, may have no form that can be compared
            return False

    right = [(essence(exercise, c.expected, inputs=c.inputs), c) for c in looked_at]
    as_coarse = all(behaves_like(*one) for one in right)
    as_right = as_coarse and all(behaves_like(*one, coarse=False) for one in right)
    if as_coarse and not as_right:
        return verdict
    for mistake in exercise.mistakes:
        alike = all(behaves_like(_mistaken(exercise, mistake, c, hidden), c) for c in looked_at)
        if alike and (not as_right or _failed_by(exercise, mistake, hidden) == _failed(verdict)):
            told = exercise.told(mistake)
            return replace(verdict, diagnosis=mistake.name, explanation=told)
    return verdict


def _mistaken(exercise: Exercise, mistake: Mistake, case: Case, hidden: Hidden) -> Essence:
    """What a mistake does on a case, observed when first asked for."""
    key = (mistake.name, case.number)
    if key not in hidden.mistaken:
        seen = observe(exercise, mistake.answer, [case.inputs], hidden.seed, hidden.device)
        hidden.mistaken[key] = essence(exercise, seen[0], inputs=case.inputs)
    return hidden.mistaken[key]


def _failed_by(exercise: Exercise, mistake: Mistake, hidden: Hidden) -> set[str]:
    """The properties that a mistake does not have."""
    seen = observe(exercise, mistake.answer, hidden.drawn, hidden.seed, hidden.device)
    looked_at = _cases(exercise, hidden, [_well_formed(observation) for observation in seen])
    return {finding.property for finding in _score(exercise, looked_at)[1] if not finding.passed}


def _failed(verdict: Verdict) -> set[str]:
    return {finding.property for finding in verdict.findings if not finding.passed}


def _cases(exercise: Exercise, hidden: Hidden, observed: Sequence[Observation]) -> list[Case]:
    looks = sum(check.statistical for check in exercise.checks) * len(hidden.drawn)
    alpha = FALSE_ALARM_BUDGET / max(looks, 1)
    return [
        Case(inputs, seen, wanted, alpha, number)
        for number, (inputs, seen, wanted) in enumerate(
            zip(hidden.drawn, observed, hidden.expected, strict=True)
        )
    ]


def _score(exercise: Exercise, looked_at: list[Case]) -> tuple[float, list[Finding]]:
    score, findings = 0.0, []
    for part in exercise.parts:
        found = [
            _worst_finding(exercise, check, looked_at) for check in part.checks if not check.remark
        ]
        findings += found
        if found and all(finding.passed for finding in found):
            score += part.points
    for case in looked_at:
        for unasked in (AS_MANY,) if exercise.seeds else (AS_MANY, SEEDS_NOTHING):
            found_here = unasked(case)
            if not found_here.passed:
                return 0.0, [replace(found_here, case=case.number), *findings]
    return score, findings


def _worst_finding(exercise: Exercise, check: Check, looked_at: list[Case]) -> Finding:
    """Where a check fails first, a statistical one furthest from its threshold; else that it could
    not look everywhere; else what it saw first.
    """
    seen, failed = [], []
    for case in looked_at:
        if _gave_something(exercise, case):
            found = check(case)
            if found.seen and not found.passed:
                failed.append(replace(found, case=case.number))
                if found.margin is None:
                    break
            seen += [found] * found.seen
    if failed:
        return max(failed, key=lambda found: found.margin or 0.0)
    if len(seen) == len(looked_at):
        return next((found for found in seen if found.measured is not None), seen[0])
    gist = "right wherever it ran" if seen else ""
    return Finding(check.property, False, gist=gist, seen=False)


def _gave_something(exercise: Exercise, case: Case) -> bool:
    """Whether there is something to look at: what a script saw before an exception counts."""
    if case.observed.get("raised"):
        return exercise.probe.observer.by_steps and bool(case.observed.get("steps"))
    return not gave_nothing(exercise, case)


def _remarks(exercise: Exercise, looked_at: list[Case]) -> list[str]:
    remarks: list[str] = []
    if any(case.observed["raised"] for case in looked_at):
        return remarks
    for check in exercise.checks:
        if check.remark and not (found := _worst_finding(exercise, check, looked_at)).passed:
            remarks.append(f"{found.property}: wanted {found.expected}, got {found.observed}")
    return remarks


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
            "within": str(raised.get("within"))[:80],
        }
    return {**observation, "raised": raised}


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

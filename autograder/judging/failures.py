"""What is said of an answer that gave nothing to look at: it raised, or gave back None."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograder.judging.checks import Case
from autograder.judging.exercise import Exercise
from autograder.judging.verdict import RETURNS, RUNS, WRITTEN, Finding, told_type
from autograder.judging.wording import brief


def raised_finding(exercise: Exercise, looked_at: Sequence[Case]) -> Finding | None:
    """One finding on what an answer raised, in however many cases; None where it raised nothing."""
    failed = [case for case in looked_at if case.observed["raised"]]
    if not failed:
        return None
    first = failed[0]
    raised = first.observed["raised"]
    line = f" (line {raised['line']} of its cell)" if raised["line"] else ""
    some = len(failed) < len(looked_at)
    often = f", in {len(failed)} of {len(looked_at)} cases" if some else ""
    if missing := unwritten(exercise, raised):
        return Finding(WRITTEN, False, gist=missing + line + often, case=first.number)
    # The message may speak of the inputs; the type of the exception does not.
    observed = f"{raised['type']}: {raised['message']}"
    gist = f"{told_type(raised['type'])}{line}{often}"
    return Finding(RUNS, False, "", observed, first.where, gist, case=first.number)


def unwritten(exercise: Exercise, raised: dict[str, Any]) -> str:
    """What an exception says is still to be written; empty where it says something else."""
    if raised["type"] != "NotImplementedError":
        return ""
    if 'missing the required "forward" function' in raised["message"]:
        return "`forward` is still to be written"
    if raised["message"].partition(" (at ")[0]:
        return ""
    within = raised["within"]
    if within in (need.partition("/")[2] for need in exercise.needs):
        return f"`{within}`, which it calls, is still to be written"
    if isinstance(exercise.reference, type) and hasattr(exercise.reference, within):
        return f"`{within}` is still to be written"
    return "`raise NotImplementedError` is still in it"


def nothing_finding(exercise: Exercise, looked_at: Sequence[Case]) -> Finding | None:
    """One finding on an answer that gave back None where something was asked for; else None."""
    silent = [case for case in looked_at if gave_nothing(exercise, case)]
    if not silent:
        return None
    first = silent[0]
    words = brief(first.expected.get("result")), "None", first.where
    everywhere = len(silent) == len(looked_at)
    gist = (
        "None came back in every case: is a `return` missing?"
        if everywhere
        else "None came back for some inputs: is a `return` missing in one of the branches?"
    )
    return Finding(RETURNS, False, *words, gist, case=first.number)


def gave_nothing(exercise: Exercise, case: Case) -> bool:
    """Whether an answer gave back None where the reference gives something."""
    if exercise.probe.observer.by_steps or case.observed["raised"]:
        return False
    return _is_nothing(case.observed.get("result")) and not _is_nothing(case.expected.get("result"))


def _is_nothing(result: Any) -> bool:
    return result is None or (isinstance(result, list) and bool(result) and _all_none(result))


def _all_none(items: list[Any]) -> bool:
    return all(item is None or (isinstance(item, list) and _all_none(item)) for item in items)

"""A verdict as a card in a notebook and as text in a terminal.

With ``local`` the inputs were drawn for this student alone and are shown; without it they are the
hidden ones of grading, and only what a finding says without them is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from autograder.judging.verdict import Finding, Reason, Verdict
from autograder.reporting.pages import render


@dataclass(frozen=True)
class Look:
    """How a reason looks: its mark, its color on light and dark ground alike, its words."""

    mark: str
    color: str
    words: str


LOOKS = {
    Reason.CORRECT: Look("✓", "#0a7d55", "correct"),
    Reason.PARTLY_CORRECT: Look("◐", "#b07500", "partly correct"),
    Reason.WRONG: Look("✗", "#c4501b", "not right yet"),
    Reason.NOT_ATTEMPTED: Look("○", "#7a7a7a", "not attempted"),
    Reason.RAISED: Look("!", "#8a4fbf", "raised an exception"),
    Reason.TIMED_OUT: Look("!", "#8a4fbf", "did not end in time"),
    Reason.CRASHED: Look("!", "#8a4fbf", "ended its kernel"),
    Reason.OUT_OF_MEMORY: Look("!", "#8a4fbf", "ran out of memory"),
    Reason.FORBIDDEN: Look("⊘", "#b3261e", "uses what it may not"),
    Reason.NOT_RUN: Look("–", "#7a7a7a", "not run"),
    Reason.AWAITING_REVIEW: Look("…", "#2f6fb3", "to be read by a person"),
}

_MANY = 3


def verdict_html(verdict: Verdict, *, local: bool) -> str:
    """The card under a check cell; inline styles only, for JupyterLab removes others."""
    failed = [f for f in verdict.findings if not f.passed]
    passed = [f for f in verdict.findings if f.passed]
    return render(
        "verdict.html",
        verdict=verdict,
        look=LOOKS[verdict.reason],
        failed=failed,
        passed=passed,
        fold=len(passed) > _MANY or bool(failed),
        named=verdict.diagnosis is not None,
        local=local,
        way_on=way_on(verdict, local=local),
    )


def verdict_text(verdict: Verdict, *, local: bool) -> str:
    """The card as plain text, for terminals and `nbgrader validate`."""
    look = LOOKS[verdict.reason]
    lines = [f"{look.mark} {verdict.exercise}: {look.words}, {_points(verdict)}"]
    if verdict.diagnosis:
        lines.append(f"  This looks like a known mistake: {verdict.explanation}")
    elif verdict.explanation:
        lines.append(f"  {verdict.explanation}")
    lines += [f"  {_line(finding, local)}" for finding in verdict.findings]
    lines += [f"  by the way: {remark}" for remark in (verdict.remarks if local else [])]
    lines += [f"  note: {note}" for note in verdict.notes]
    if on := way_on(verdict, local=local):
        lines.append(f"  → {on}")
    return "\n".join(lines)


def way_on(verdict: Verdict, *, local: bool) -> str:
    """What to do next, in a sentence."""
    if verdict.reason is Reason.NOT_ATTEMPTED:
        here = "and run this cell again" if local else "and hand it in again, if you still can"
        return f"Write the answer in its cell, {here}." if verdict.points else ""
    if verdict.reason in (Reason.CORRECT, Reason.AWAITING_REVIEW):
        return ""
    if verdict.reason is Reason.NOT_RUN:
        return "Hand in the notebook itself, as it came, with your answers in it."
    if verdict.reason is Reason.TIMED_OUT:
        return "Look for a loop that does not end, or for far too much work."
    if not local:
        return "Run the check in your notebook: it draws fresh inputs and shows the numbers."
    failed = next((f for f in verdict.findings if not f.passed), None)
    if failed is not None and verdict.diagnosis is None:
        return f"Begin with “{failed.property}”; the hints above lead on."
    return ""


def _points(verdict: Verdict) -> str:
    return f"{verdict.score:g} of {verdict.points:g} points" if verdict.points else "no points"


def _line(finding: Finding, local: bool) -> str:
    mark = "✓" if finding.passed else "✗"
    if finding.passed or not local:
        gist = f": {finding.gist}" if finding.gist and not finding.passed else ""
        return f"{mark} {finding.property}{gist}"
    parts = [f"expected {finding.expected}, observed {finding.observed}"]
    if finding.gist and finding.gist != finding.observed:
        parts.append(finding.gist)
    if finding.where:
        parts.append(f"on {finding.where}")
    return f"{mark} {finding.property}: {'; '.join(parts)}"

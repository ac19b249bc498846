"""A verdict as a card in a notebook and as text in a terminal.

With ``local`` the inputs were drawn for this student alone and are shown; without it they are the
hidden ones of grading, and only what a finding says without them is shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.judging.verdict import CELL_RUNS, RETURNS, RUNS, WRITTEN, Finding, Reason, Verdict
from autograder.reporting.pages import plain, render, visible

if TYPE_CHECKING:  # a card without a picture needs no matplotlib
    from autograder.reporting.pictures import Picture


@dataclass(frozen=True)
class Look:
    """How a reason looks: its mark, its color under white text, its words, its area in figures.

    Marks and lightness tell reasons apart for those who do not see the colors; what is right is
    pale in figures, so that what is not stands out.
    """

    mark: str
    color: str
    words: str
    fill: str
    ink: str = "#ffffff"

    @property
    def key(self) -> str:
        """The name of its style class."""
        return re.sub(r"\W+", "-", self.words)


LOOKS = {
    Reason.CORRECT: Look("✓", "#0a7d55", "correct", "#b4dfce", "#0b4a35"),
    Reason.PARTLY_CORRECT: Look("◐", "#946200", "partly correct", "#f0c65a", "#4a3200"),
    Reason.WRONG: Look("✗", "#bd4a17", "not right yet", "#cf5a22"),
    Reason.NOT_ATTEMPTED: Look("○", "#6b6b6b", "not attempted", "#dcdcdc", "#555555"),
    Reason.RAISED: Look("!", "#7d47ad", "raised an exception", "#8f5cc0"),
    Reason.TIMED_OUT: Look("∞", "#7d47ad", "did not end in time", "#6f3fa0"),
    Reason.CRASHED: Look("†", "#7d47ad", "ended its kernel", "#4b2a73"),
    Reason.OUT_OF_MEMORY: Look("▲", "#7d47ad", "ran out of memory", "#5d3a5f"),
    Reason.FORBIDDEN: Look("⊘", "#a3241d", "uses what it may not", "#3b3b3b"),
    Reason.NOT_RUN: Look("–", "#6b6b6b", "not run", "#f3f3f3", "#8a8a8a"),
    Reason.AWAITING_REVIEW: Look("…", "#2f6fb3", "to be read by a person", "#b9d3ee", "#17406f"),
}

_FIRST = {
    CELL_RUNS: "Mend the line that Python names under the cell, and run it again.",
    RUNS: "Call it yourself on a small input and read the traceback from its last line up.",
    WRITTEN: "Write what is still to be written and run this cell again.",
    RETURNS: "End it with a `return` of the result and run this cell again.",
}
"""What to do first where there is nothing yet to be looked at."""

_MANY = 3
_LONGEST_LINE = 1200


def verdict_html(
    verdict: Verdict, *, local: bool, printed: str = "", picture: Picture | None = None
) -> str:
    """The card under a check cell; inline styles only, for JupyterLab removes others.

    ``printed`` is what the answer printed while it was looked at. A ``picture`` speaks of the
    inputs: it is given for local ones alone.
    """
    passed = _passed(verdict)
    return render(
        "verdict.html",
        verdict=verdict,
        look=LOOKS[verdict.reason],
        rows=rows(verdict, local=local),
        unseen=unseen(verdict),
        passed=passed,
        fold=len(passed) > _MANY or not all(f.passed for f in verdict.findings),
        named=verdict.diagnosis is not None,
        local=local,
        way_on=way_on(verdict, local=local),
        printed=printed.strip("\n"),
        picture=picture if local else None,
    )


def verdict_text(verdict: Verdict, *, local: bool) -> str:
    """The card as plain text, for terminals and `nbgrader validate`."""
    look = LOOKS[verdict.reason]
    lines = [f"{look.mark} {verdict.exercise}: {look.words}, {_points(verdict)}"]
    if verdict.diagnosis:
        lines.append(f"  This looks like a known mistake: {verdict.explanation}")
    elif verdict.explanation:
        lines.append(f"  {verdict.explanation}")
    lines += [f"  ✗ {_row_text(row)}" for row in rows(verdict, local=local)]
    lines += [f"  – {line}" for line in unseen(verdict)]
    lines += [f"  ✓ {finding.property}" for finding in _passed(verdict)]
    lines += [f"  by the way: {remark}" for remark in (verdict.remarks if local else [])]
    lines += [f"  note: {note}" for note in verdict.notes]
    if on := way_on(verdict, local=local):
        lines.append(f"  → {on}")
    return "\n".join(_indented(plain(line)) for line in lines)


def _passed(verdict: Verdict) -> list[Finding]:
    """What is right, each property once: several checks of one property all have to pass."""
    missed = {f.property for f in verdict.findings if not f.passed}
    right = {f.property: f for f in verdict.findings if f.property not in missed}
    return list(right.values())


@dataclass(frozen=True)
class Row:
    """What failed, and how: properties that failed in one way share a row."""

    properties: str
    expected: str
    observed: str
    gist: str
    where: str


def rows(verdict: Verdict, *, local: bool) -> list[Row]:
    """The rows of what failed; without ``local`` nothing in them speaks of the inputs."""
    shared: dict[tuple[str, str, str], list[Finding]] = {}
    for f in verdict.findings:
        if not f.passed and f.seen:
            gist = "" if local and f.gist == f.observed else f.gist
            how = (f.expected, f.observed, gist) if local else ("", "", gist)
            shared.setdefault(how, []).append(f)
    return [
        Row(", ".join(dict.fromkeys(f.property for f in alike)), *how, alike[0].where * local)
        for how, alike in shared.items()
    ]


def unseen(verdict: Verdict) -> list[str]:
    """What could not be looked at everywhere, in a line for each thing that is said of it."""
    lines: dict[str, list[str]] = {}
    for f in verdict.findings:
        if not f.passed and not f.seen:
            lines.setdefault(f.gist or "not looked at", []).append(f.property)
    return [f"{said}: {', '.join(properties)}" for said, properties in lines.items()]


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
    if verdict.reason is Reason.FORBIDDEN:
        return "Write out yourself what that call does for you."
    if not local:
        return "Run the check in your notebook: it draws fresh inputs and shows the numbers."
    if verdict.diagnosis:
        return "Mend that and run this cell again."
    failed = next((f.property for f in verdict.findings if not f.passed), "")
    if not failed:
        return "Call it yourself on a small input and look at what it gives."
    return _FIRST.get(failed, f"Begin with “{failed}”; the hints above lead on.")


def _indented(line: str) -> str:
    return "  " * line.startswith("  ") + visible(line, _LONGEST_LINE)


def _points(verdict: Verdict) -> str:
    return f"{verdict.score:g} of {verdict.points:g} points" if verdict.points else "no points"


def _row_text(row: Row) -> str:
    named = {"expected": row.expected, "observed": row.observed}
    compared = ", ".join(f"{name} {value}" for name, value in named.items() if value)
    parts = [compared] if compared else []
    parts += [row.gist] if row.gist else []
    parts += [f"on {row.where}"] if row.where else []
    return f"{row.properties}: {'; '.join(parts)}" if parts else row.properties

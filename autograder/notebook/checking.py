"""``check``: the verdict on an answer, as a student reads it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from functools import cached_property
from typing import Any

from autograder.exercises import find_lab
from autograder.judging import Exercise, Reason, Verdict
from autograder.notebook.cards import Note
from autograder.notebook.current import ipython, is_validating, named, opened_lab
from autograder.notebook.opened import Look, OpenLab
from autograder.notebook.panel import refresh
from autograder.reporting.pictures import Picture, picture
from autograder.reporting.verdict import verdict_html, verdict_text

ATTEMPTED = frozenset(Reason) - {Reason.NOT_ATTEMPTED, Reason.NOT_RUN, Reason.AWAITING_REVIEW}


class CheckResult:
    """A verdict as a notebook shows it: rich for a person, the score as text for nbgrader."""

    def __init__(self, exercise: Exercise, look: Look, score: float | None = None) -> None:
        self.verdict = look.verdict
        self._exercise = exercise
        self._look = look
        self._score = look.verdict.score if score is None else score

    def __repr__(self) -> str:
        return f"{self._score:g}"

    def _repr_html_(self) -> str:
        return verdict_html(
            self.verdict, local=True, printed=self._look.printed, picture=self._drawn
        )

    @cached_property
    def _drawn(self) -> Picture | None:
        if self._look.on is None or is_validating():
            return None
        return picture(self._exercise, self._look.on, self._look.observed, self.verdict)


def check(exercise: str | Callable[..., Any], *, seed: int | None = None) -> CheckResult | Note:
    """Judge your answer to an exercise on freshly drawn inputs.

    ``exercise`` is its id (``"initialization/kaiming_normal"``) or the answer itself. A failed
    check prints its seed; ``check(…, seed=that)`` repeats it on the same inputs. A check that is
    interrupted judges nothing.

    Raises: UnknownName for an exercise that does not exist.
    """
    found = named(exercise)
    opened = opened_lab(find_lab(found.lab))
    if not found.automatic:
        return Note(
            f"`{found.name}` is not checked here: a person reads it, or an experiment does."
        )
    try:
        look = opened.look(found, seed)
    except KeyboardInterrupt:
        return Note("Interrupted: nothing was judged. Run the check again when you like.", "■")
    _note_try(opened, found, look.verdict)
    if is_validating():
        return _validated(found, look)
    if not look.verdict.passed and not _is_rich():
        print(verdict_text(look.verdict, local=True))
    refresh(opened)
    return CheckResult(found, look)


def _note_try(opened: OpenLab, exercise: Exercise, verdict: Verdict) -> None:
    """Count the try, and keep what was solved for a kernel that is restarted."""
    if verdict.reason not in ATTEMPTED:
        return
    source = opened.cells.defining(exercise.name)
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    with opened.progressing() as progress:
        standing = progress.of(exercise.id)
        standing.tries += not (standing.solved and verdict.passed)
        standing.points = verdict.points
        if verdict.passed or not standing.solved:
            standing.reason = str(verdict.reason)
            standing.score = max(standing.score, verdict.score)
        if verdict.passed:
            standing.source = opened.whole_source(exercise)
        elif digest not in standing.failed:
            standing.failed.append(digest)


def _validated(exercise: Exercise, look: Look) -> CheckResult:
    """A verdict for nbgrader's Validate, which shows what a failed cell wrote to stderr.

    What is optional and untouched is nothing to mend.
    """
    verdict = look.verdict
    if verdict.reason is Reason.NOT_ATTEMPTED and not exercise.core:
        return CheckResult(exercise, look, verdict.points)
    if not verdict.passed:
        print(verdict_text(verdict, local=True), file=sys.stderr)
    return CheckResult(exercise, look)


def _is_rich() -> bool:
    shell = ipython()
    return shell is not None and hasattr(shell, "kernel")

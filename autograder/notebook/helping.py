"""Help on an exercise: hints one after the other, and the course's own way."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from autograder.answering.cells import definition_in
from autograder.exercises import find_lab
from autograder.judging import Exercise
from autograder.judging.source.comparing import without_docstrings
from autograder.judging.source.laying import answer_source
from autograder.notebook.cards import Note, Page
from autograder.notebook.current import named, opened_lab
from autograder.reporting.pages import render

TRIES = 3
"""So many different answers have failed before the reference is shown on request."""


def hint(exercise: str | Callable[..., Any]) -> Note:
    """The next hint of an exercise; each call shows one more, and the last one stays.

    Raises: UnknownName for an exercise that does not exist.
    """
    found = named(exercise)
    count = len(found.hints)
    if not count:
        return Note(f"`{found.name}` has no hints; its statement says all.")
    with opened_lab(find_lab(found.lab)).progressing() as progress:
        standing = progress.of(found.id)
        standing.hints = min(standing.hints + 1, count)
        number = standing.hints
    last = "" if number < count else " (the last one)" if count > 1 else ""
    return Note(f"{found.hints[number - 1].strip()}", f"Hint {number} of {count}{last}:")


def reference(exercise: str | Callable[..., Any]) -> Note | Page:
    """The course's own answer, and how yours differs from it: once yours is right.

    After three different answers that failed it is shown on request too.

    Raises: UnknownName for an exercise that does not exist.
    """
    found = named(exercise)
    if found.reference is None:
        return Note(f"`{found.name}` has no answer in code.")
    opened = opened_lab(find_lab(found.lab))
    standing = opened.progress.of(found.id)
    missing = TRIES - len(standing.failed)
    if not standing.solved and missing > 0:
        more = "one more answer" if missing == 1 else f"{missing} more different answers"
        hints = f' `hint("{found.name}")` helps on.' if standing.hints < len(found.hints) else ""
        return Note(f"Shown once yours is right, or when {more} of yours failed.{hints}")
    return _page(
        found, definition_in(opened.cells.defining(found.name), found.name), standing.solved
    )


def _page(exercise: Exercise, yours: str, solved: bool) -> Page:
    theirs = answer_source(exercise, exercise.reference)
    one, other = (without_docstrings(source).split("\n") for source in (yours, theirs))
    lines = list(difflib.unified_diff(one, other, n=2, lineterm=""))[2:]
    same = bool(yours) and not lines
    if not yours:
        lines = []
    reminder = (
        "There is more than one right way: read where it differs, and say why both are right."
        if solved
        else "The point is to understand it, not to have it: read it, close it, and write your own."
    )
    text = f"{theirs}\n\n" + "\n".join(lines)
    html = render(
        "reference.html", source=theirs, lines=lines, same=same, reminder=reminder, solved=solved
    )
    return Page(html, f"{text}\n{reminder}")

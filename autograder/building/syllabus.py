"""The page that says of every entry of the syllabus where it is taught and how it is checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autograder.exercises.syllabus import Entry, entries, exercises_of
from autograder.judging import Exercise, Lab

PATH = Path("docs") / "syllabus.md"

_HEAD = """\
# Syllabus

Every entry of the course: its reference in `course_lib`, the exercises that ask for it, the lab
they are in, what the reference is held against, and how many wrong and how many right answers
written another way its checks are tested on. `course build` writes this page from the code;
*missing* says what has not been written.

| entry | title | technique | exercise | lab | oracle | mistakes | alternatives |
|---|---|---|---|---|---|---|---|
"""


def page(labs: Sequence[Lab]) -> str:
    """The page's text."""
    slugs = {lab.name: lab.slug for lab in labs}
    rows = [_row(entry, exercises_of(entry, labs), slugs) for entry in entries()]
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(entry: Entry, exercises: Sequence[Exercise], slugs: dict[str, str]) -> list[str]:
    techniques = dict.fromkeys(
        f"`{e.reference.__module__.removeprefix('course_lib.')}.{e.reference.__name__}`"
        for e in exercises
        if e.reference
    )
    return [
        entry.number,
        entry.title,
        ", ".join(techniques) or "missing",
        ", ".join(f"`{exercise.name}`" for exercise in exercises) or "missing",
        slugs.get(entry.lab, entry.lab),
        entry.oracle,
        str(sum(len(exercise.mistakes) for exercise in exercises)),
        str(sum(len(exercise.alternatives) for exercise in exercises)),
    ]

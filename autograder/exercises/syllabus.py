"""What the course covers: the entries of its syllabus, and the exercises that each has found."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.judging import Exercise, Lab


@dataclass(frozen=True)
class Entry:
    """One numbered entry; ``oracle`` is what its reference is held against in the tests."""

    number: str
    title: str
    lab: str
    oracle: str


@functools.cache
def entries() -> tuple[Entry, ...]:
    """All entries, in course order."""
    chapters = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    found = []
    for chapter, content in chapters.items():
        lab = content.pop("lab")
        for number, (title, oracle) in content.items():
            found.append(Entry(f"{chapter}.{number}", title, lab, oracle))
    return tuple(found)


def exercises_of(entry: Entry, labs: Iterable[Lab]) -> list[Exercise]:
    """The exercises that name an entry, in the order of the labs."""
    return [e for lab in labs for e in lab.exercises.values() if entry.number in e.syllabus]

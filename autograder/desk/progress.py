"""What a student has done in a lab, in a small file beside the notebook: ``progress.json``.

It is theirs: they may read it, delete it and take it along. Nothing in it counts for grading.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from autograder.student_work.writing import write_whole

FILE = "progress.json"


@dataclass
class Standing:
    """How far one exercise is.

    ``score`` is that of the best try and ``source`` the definition that earned it; ``failed`` holds
    digests of the different answers that failed.
    """

    score: float = 0.0
    points: float = 0.0
    reason: str = ""
    tries: int = 0
    hints: int = 0
    source: str = ""
    failed: list[str] = field(default_factory=list)

    @property
    def solved(self) -> bool:
        """Whether a try has earned all points."""
        return self.reason == "correct"


@dataclass
class Progress:
    """What a student has done in a lab, by the ids of exercises."""

    lab: str = ""
    version: int = 0
    exercises: dict[str, Standing] = field(default_factory=dict)
    predictions: dict[str, str | float] = field(default_factory=dict)
    outcomes: dict[str, str | float] = field(default_factory=dict)

    def of(self, exercise: str) -> Standing:
        """The standing of an exercise, a fresh one where there is none yet."""
        return self.exercises.setdefault(exercise, Standing())

    @staticmethod
    def read(folder: Path) -> Progress:
        """The progress that a folder holds; empty where there is no file or none to be read."""
        try:
            return _progress(json.loads((folder / FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            return Progress()


@contextlib.contextmanager
def changing(folder: Path) -> Iterator[Progress]:
    """The progress in a folder as it is now, written back once it has been changed.

    A file that cannot be read is set aside under another name. Another kernel on the same notebook
    may have written in the meantime, so it is read each time.

    Raises: OSError where the folder cannot be written to.
    """
    progress, file = Progress.read(folder), folder / FILE
    yield progress
    if file.exists() and not _readable(file):
        os.replace(file, _free_name(folder))
    text = json.dumps(asdict(progress), indent=1, ensure_ascii=False) + "\n"
    write_whole(file, text)


def _readable(file: Path) -> bool:
    try:
        _progress(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return False
    return True


def _free_name(folder: Path) -> Path:
    names = (folder / f"progress.damaged-{number}.json" for number in range(1, 1000))
    return next(name for name in names if not name.exists())


def _progress(data: Any) -> Progress:
    """Progress of plain data; entries that are unknown, of a later version, are left out.

    Raises: ValueError or TypeError for data that is no progress.
    """
    if not isinstance(data, dict):
        raise ValueError("it is no object")
    known = {f.name for f in fields(Standing)}
    exercises = {
        str(id): Standing(**{key: value for key, value in standing.items() if key in known})
        for id, standing in _dict(data.get("exercises")).items()
        if isinstance(standing, dict)
    }
    for standing in exercises.values():
        _require(standing)
    lab, version = data.get("lab"), data.get("version")
    return Progress(
        lab if isinstance(lab, str) else "",
        version if isinstance(version, int) else 0,
        exercises,
        _plain(data.get("predictions")),
        _plain(data.get("outcomes")),
    )


def _dict(data: Any) -> dict[Any, Any]:
    return data if isinstance(data, dict) else {}


def _plain(data: Any) -> dict[str, str | float]:
    """The texts and numbers among entries."""
    kept = {str(id): value for id, value in _dict(data).items()}
    return {id: value for id, value in kept.items() if isinstance(value, (str, int, float))}


def _require(standing: Standing) -> None:
    fresh = Standing()
    for entry in fields(Standing):
        value, kind = getattr(standing, entry.name), type(getattr(fresh, entry.name))
        if not isinstance(value, (int, float) if kind is float else kind):
            raise TypeError(f"{entry.name} is {value!r}")

"""Records as files: written whole, and last, for where a record is, all is there."""

from __future__ import annotations

import json
from pathlib import Path

from autograder.grading.running.record import Record
from autograder.student_work.writing import write_whole


def write_record(record: Record, path: Path) -> None:
    """Write a record whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(record.to_dict(), indent=1, allow_nan=False) + "\n")


def read_record(path: Path) -> Record | None:
    """The record at a path; None when there is none that can be read."""
    try:
        return Record.from_dict(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return None

"""The checkout that grading runs from: where it lies, and a fingerprint of its code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import autograder
import course_lib

REPOSITORY = Path(autograder.__file__).resolve().parents[1]


def code_digest(slug: str) -> str:
    """A fingerprint of the code that this process has loaded and of a lab's solutions."""
    solutions = REPOSITORY / "solutions" / f"{slug}.py"
    return hashlib.sha256(f"{_CODE}{_digest([solutions])}".encode()).hexdigest()


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(REPOSITORY).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


# Taken when the code is loaded: a worker may live longer than the files that it was loaded from.
_CODE = _digest(
    path
    for package in (autograder, course_lib)
    for path in sorted(Path(package.__file__ or "").resolve().parent.rglob("*.py"))
)

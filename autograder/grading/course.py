"""The course folder: where things lie, and which names may stand in its paths."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Course:
    """A course folder; every path of grading is one of these."""

    root: Path

    @property
    def gradebook(self) -> str:
        """The default database url of the gradebook."""
        return f"sqlite:///{(self.root / 'gradebook.db').resolve()}"

    def submitted(self, student: str, slug: str) -> Path:
        """The folder that a submission is collected in."""
        return self.root / "submitted" / student / slug

    def originals(self, student: str, slug: str) -> Path:
        """The folder that keeps what was handed in."""
        return self.root / "originals" / student / slug

    def autograded(self, student: str, slug: str) -> Path:
        """The folder of the graded notebook, as nbgrader has it."""
        return self.root / "autograded" / student / slug

    def feedback(self, student: str, slug: str) -> Path:
        """A student's feedback page."""
        return self.root / "feedback" / student / slug / f"{slug}.html"

    def record(self, student: str, slug: str) -> Path:
        """The judge's account of a submission."""
        return self.root / "records" / slug / f"{student}.json"

    def report(self, slug: str) -> Path:
        """The class report of a lab."""
        return self.root / "reports" / f"{slug}.html"

    def students(self, slug: str) -> list[str]:
        """Everybody with something for the lab, submitted or kept, in alphabetical order."""
        found = set()
        for step in ("submitted", "originals"):
            folder = self.root / step
            if folder.is_dir():
                found |= {
                    path.name
                    for path in folder.iterdir()
                    if path.is_symlink() or os.path.lexists(path / slug)
                }
        return sorted(name for name in found if not name.startswith("."))


def is_safe_name(name: str) -> bool:
    """Whether a student's name can stand in paths, pages and the gradebook as it is."""
    clean = name.isprintable() and not set(name) & set("/\\")
    return clean and 0 < len(name.encode()) <= 128 and not name.startswith(".")

"""The course folder: where things lie, and which names may stand in its paths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_SAFE = re.compile(r"[^/\\\0]{1,200}")


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
        """Everybody with a folder for the lab, submitted or kept, in alphabetical order."""
        found = set()
        for step in ("submitted", "originals"):
            folder = self.root / step
            if folder.is_dir():
                found |= {p.name for p in folder.iterdir() if p.is_symlink() or (p / slug).is_dir()}
        return sorted(name for name in found if is_safe_name(name))


def is_safe_name(name: str) -> bool:
    """Whether a student's name can be a folder of its own."""
    return bool(_SAFE.fullmatch(name)) and name not in (".", "..") and not name.startswith(".")

"""The labs as they are given out, and what a course home tells of them, without loading torch."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import autograder
from autograder.student_work.writing import write_whole

DISTRIBUTION = "training-neural-networks-course"


@dataclass(frozen=True)
class Task:
    """An exercise as a course home lists it."""

    exercise: str
    title: str
    kind: str
    core: bool
    minutes: int
    points: float

    @property
    def counts(self) -> bool:
        """Whether a check says how far it is; a text is graded by hand, a prediction is not."""
        return self.kind not in ("written", "prediction")


@dataclass(frozen=True)
class LabFacts:
    """A lab as a course home lists it."""

    slug: str
    name: str
    title: str
    tasks: tuple[Task, ...]

    @property
    def number(self) -> int:
        """Its place in the course."""
        return int(self.slug.partition("_")[0])

    @property
    def notebook(self) -> str:
        """Its notebook, from the folder that holds the labs."""
        return f"{self.slug}/{self.slug}.ipynb"


def given_out() -> dict[str, Path]:
    """The students' notebooks by slug, in course order: the checkout's, else the installed ones."""
    checkout = Path(autograder.__file__).resolve().parents[1] / "labs"
    found = list(checkout.glob("[0-9][0-9]_*/[0-9][0-9]_*.ipynb")) or _installed()
    return {path.stem: path for path in sorted(found, key=lambda path: path.stem)}


def _installed() -> list[Path]:
    try:
        files = importlib.metadata.files(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())) for file in files if file.suffix == ".ipynb"]


def facts_of(notebook: bytes) -> LabFacts:
    """What the build has written of a lab into its notebook.

    Raises: ValueError or KeyError for a notebook that was not built.
    """
    data = json.loads(notebook)
    ours = data["metadata"]["autograder"]
    marks = [cell["metadata"].get("autograder", {}) for cell in data["cells"]]
    tasks = tuple(_task(mark) for mark in marks if mark.get("role") == "statement")
    return LabFacts(ours["slug"], ours["lab"], ours["title"], tasks)


def _task(mark: dict[str, Any]) -> Task:
    return Task(*(mark[field] for field in Task.__dataclass_fields__))


def write_facts(path: Path, labs: Iterable[LabFacts]) -> None:
    """Keep what a course home tells of the labs.

    Raises: OSError.
    """
    write_whole(path, json.dumps([asdict(lab) for lab in labs], ensure_ascii=False) + "\n")


def read_facts(path: Path) -> list[LabFacts]:
    """What ``write_facts`` has kept; nothing where there is none, or none to be read."""
    try:
        return [
            LabFacts(lab["slug"], lab["name"], lab["title"], tuple(map(_task, lab["tasks"])))
            for lab in json.loads(path.read_text(encoding="utf-8"))
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []

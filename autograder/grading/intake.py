"""Intake: what was handed in is kept, and one pristine notebook with the student's cells is left.

Idempotent: a folder that intake has left alone is left alone; a new submission in its place is
taken in anew, and the earlier one stays beside it in ``originals``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from autograder.building.notebooks import notebook_text
from autograder.grading.course import Course
from autograder.grading.laying import belongs, lay
from autograder.grading.reading import Submission, Unreadable, look_into, read_notebook
from autograder.grading.record import write_whole

TIMESTAMP = "timestamp.txt"
REFUSED = ".refused.json"


@dataclass(frozen=True)
class Taken:
    """What intake made of one submission; ``reason`` says why there is nothing to grade."""

    student: str
    submission: str = ""
    laid: str = ""
    pristine: str = ""
    reason: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """One line for the terminal."""
        if self.reason:
            return f"not gradable: {self.reason}"
        return "; ".join(self.notes) if self.notes else "ok"


def take_in_student(course: Course, slug: str, pristine: NotebookNode, student: str) -> Taken:
    """Make one student's submission gradable, or say why it is not."""
    folder, state = course.submitted(student, slug), _state_path(course, student, slug)
    before = _read_state(state)
    if folder.parent.is_symlink():
        return Taken(student, reason="the student's folder is a symbolic link and was refused")
    text = notebook_text(pristine)
    if before is not None and _left_alone(folder, slug, before):
        if before.pristine == _digest(text.encode()):
            return before
    elif folder.is_dir() and not folder.is_symlink():
        _keep(folder, course.originals(student, slug))
    elif before is None:
        return Taken(student, reason="no submission")
    taken, notebook = _made_gradable(course.originals(student, slug), slug, pristine, student)
    taken = Taken(
        student,
        taken.submission,
        _digest(notebook.encode()) if notebook else "",
        _digest(text.encode()),
        taken.reason,
        taken.notes,
    )
    _leave(folder, slug, notebook, course.originals(student, slug))
    state.parent.mkdir(parents=True, exist_ok=True)
    write_whole(state, json.dumps(asdict(taken), indent=1) + "\n")
    return taken


def _made_gradable(
    originals: Path, slug: str, pristine: NotebookNode, student: str
) -> tuple[Taken, str | None]:
    found = look_into(originals)
    candidates, unreadable = [], []
    for path in found.files:
        if path.suffix != ".ipynb" or ".ipynb_checkpoints" in path.parts:
            continue
        try:
            notebook, notes = read_notebook(path)
        except Unreadable as problem:
            unreadable.append(str(problem))
            continue
        if belongs(pristine, notebook):
            candidates.append((path, notebook, notes))
        else:
            found.notes.append(f"{path.relative_to(originals)} holds none of the lab's cells")
    notes = [*_refused(originals), *found.notes, *_beside(found, originals)]
    if len(candidates) != 1:
        return Taken(student, reason=_why_not(slug, found, candidates, unreadable, originals),
                     notes=notes), None  # fmt: skip
    path, notebook, own = candidates[0]
    if path.relative_to(originals) != Path(f"{slug}.ipynb"):
        notes.append(f"the notebook was called {path.relative_to(originals)}")
    notes += [f"ignored: {problem}" for problem in unreadable]
    try:
        laid = lay(pristine, notebook)
    except RecursionError:
        return Taken(student, reason=f"{path.name} is nested too deeply", notes=notes), None
    made = notebook.metadata.get("autograder")
    version = made.get("version") if isinstance(made, dict) else None
    current = pristine.metadata["autograder"]["version"]
    if version not in (None, current):
        notes.append(f"made from version {str(version)[:20]} of the lab, graded as {current}")
    taken = Taken(student, _digest(path.read_bytes()), notes=[*notes, *own, *laid.notes])
    return taken, notebook_text(laid.notebook)


def _why_not(
    slug: str,
    found: Submission,
    candidates: list[tuple[Path, NotebookNode, list[str]]],
    unreadable: list[str],
    originals: Path,
) -> str:
    if candidates:
        names = " and ".join(str(path.relative_to(originals)) for path, _, _ in candidates)
        return f"several notebooks carry the lab's cells: {names}; hand in one"
    if unreadable:
        return "; ".join(unreadable)
    ours = (TIMESTAMP, REFUSED)
    others = [str(p.relative_to(originals)) for p in found.files if p.name not in ours]
    listed = ", ".join(others[:5]) if others else "nothing"
    return f"no notebook named {slug}.ipynb; found {listed}"


def _beside(found: Submission, originals: Path) -> list[str]:
    others = [
        str(p.relative_to(originals))
        for p in found.files
        if p.suffix != ".ipynb" and p.name not in (TIMESTAMP, REFUSED)
    ]
    return [f"not used, kept in originals: {', '.join(others[:10])}"] if others else []


def _keep(folder: Path, originals: Path) -> None:
    """Copy the plain files of a submission; an earlier one is set aside first."""
    taking = originals.with_name(f".taking-{originals.name}")
    shutil.rmtree(taking, ignore_errors=True)
    taking.mkdir(parents=True)
    found = look_into(folder)
    for path in found.files:
        target = taking / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    (taking / REFUSED).write_text(json.dumps(found.notes))
    if originals.exists():
        number = 1
        while (aside := originals.with_name(f"{originals.name}.{number}")).exists():
            number += 1
        originals.rename(aside)
    taking.rename(originals)


def _refused(originals: Path) -> list[str]:
    try:
        return [str(note) for note in json.loads((originals / REFUSED).read_text())]
    except (OSError, ValueError):
        return []


def _leave(folder: Path, slug: str, notebook: str | None, originals: Path) -> None:
    """Leave exactly one notebook in ``submitted`` (or none), and nbgrader's time stamp."""
    making = folder.with_name(f".taking-{folder.name}")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    if notebook is not None:
        (making / f"{slug}.ipynb").write_text(notebook, encoding="utf-8")
    stamp = originals / TIMESTAMP
    if stamp.is_file() and stamp.stat().st_size < 200:
        shutil.copyfile(stamp, making / TIMESTAMP)
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    making.rename(folder)


def _left_alone(folder: Path, slug: str, before: Taken) -> bool:
    """Whether a folder is as intake left it."""
    if folder.is_symlink() or not folder.is_dir():
        return not folder.exists() and not folder.is_symlink()
    names = {path.name for path in folder.iterdir()} - {TIMESTAMP}
    if before.reason is not None:
        return not names
    path = folder / f"{slug}.ipynb"
    if names != {path.name} or path.is_symlink() or not path.is_file():
        return False
    return _digest(path.read_bytes()) == before.laid


def _state_path(course: Course, student: str, slug: str) -> Path:
    return course.originals(student, slug).with_name(f".intake-{slug}.json")


def _read_state(path: Path) -> Taken | None:
    try:
        return Taken(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

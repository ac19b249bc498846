"""Intake: what was handed in is kept, and one pristine notebook with the student's cells is left.

Idempotent: a folder that intake has left alone is left alone; a new submission in its place is
taken in anew, and the earlier one stays beside it in ``originals``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from nbformat import NotebookNode

from autograder.grading.course import Course, is_safe_name
from autograder.grading.intake.looking import Submission, look_into
from autograder.student_work.laying import belonging, laid_text, lay
from autograder.student_work.reading import Unreadable, read_notebook
from autograder.student_work.writing import write_whole

TIMESTAMP = "timestamp.txt"
REFUSED = ".refused.json"

Candidate = tuple[Path, NotebookNode, list[str]]
"""A file, the notebook in it, and notes on what had to be mended to read it."""

_UNSAFE_NAME = (
    "this name cannot be a student's: it must be printable, at most 128 bytes long, without "
    "slashes, and not begin with a dot; rename the folder"
)


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
    if not is_safe_name(student):
        return Taken(student, reason=_UNSAFE_NAME)
    folder, originals = course.submitted(student, slug), course.originals(student, slug)
    refused = _refused_folder(folder)
    if refused:
        return Taken(student, reason=refused)
    state = _state_path(course, student, slug)
    before = _read_state(state)
    wanted = _digest(json.dumps(pristine, sort_keys=True).encode())
    alone = before is not None and _left_alone(folder, slug, before)
    if alone and before is not None and before.pristine == wanted:
        return before
    if folder.is_dir() and not alone:
        _keep(folder, originals)
    elif not originals.is_dir():
        return Taken(student, reason="no submission")
    taken, notebook = _made_gradable(originals, slug, pristine, student)
    taken = replace(
        taken,
        laid=_digest(notebook.encode()) if notebook else "",
        pristine=wanted,
        reason=_encodable(taken.reason) if taken.reason else None,
        notes=[_encodable(note) for note in taken.notes],
    )
    # Before the folder is emptied: a run killed between the two must not take what it left for a
    # new submission.
    state.parent.mkdir(parents=True, exist_ok=True)
    write_whole(state, json.dumps(asdict(taken), indent=1) + "\n")
    _leave(folder, slug, notebook, originals)
    return taken


def laid_notebook(course: Course, taken: Taken, slug: str) -> str:
    """The text of the notebook that intake has left of a submission.

    Raises: OSError where it cannot be read, ValueError where it is not what intake left.
    """
    path = course.submitted(taken.student, slug) / f"{slug}.ipynb"
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise OSError(f"{path} cannot be read: {error.strerror}; run the command again") from error
    if _digest(raw) != taken.laid:
        raise ValueError(
            f"{path} was changed after it had been taken in; run the same command again, which "
            "takes it in anew"
        )
    return raw.decode()


def _refused_folder(folder: Path) -> str | None:
    """Why a place for a submission may not be looked into: behind a link lies another's work."""
    for path in (folder.parent, folder):
        shown = path.relative_to(folder.parents[1])
        if path.is_symlink():
            return f"{shown} is a symbolic link and was refused; put a folder in its place"
    if folder.exists() and not folder.is_dir():
        return f"{folder.relative_to(folder.parents[1])} is no folder; put the notebook into one"
    return None


def _made_gradable(
    originals: Path, slug: str, pristine: NotebookNode, student: str
) -> tuple[Taken, str | None]:
    found = look_into(originals)
    ranked: list[tuple[int, Candidate]] = []
    unreadable: list[str] = []
    notebooks = _notebooks(found)
    for path in notebooks:
        try:
            notebook, notes = read_notebook(path)
        except Unreadable as problem:
            unreadable.append(str(problem))
            continue
        if sure := belonging(pristine, notebook):
            ranked.append((sure, (path, notebook, notes)))
        else:
            found.notes.append(f"{path.relative_to(originals)} holds none of the lab's cells")
    surest = max((sure for sure, _ in ranked), default=0)
    candidates = [candidate for sure, candidate in ranked if sure == surest]
    notes = [*_refused(originals), *found.notes, *_beside(found, notebooks, originals)]
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
    return taken, laid_text(laid.notebook)


def _why_not(
    slug: str,
    found: Submission,
    candidates: list[Candidate],
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


def _notebooks(found: Submission) -> list[Path]:
    """The files that may be the notebook; one whose ending a browser or a person has changed."""
    files = [path for path in found.files if ".ipynb_checkpoints" not in path.parts]
    plain = [path for path in files if path.suffix.lower() == ".ipynb"]
    return plain or [path for path in files if ".ipynb" in path.name.lower()]


def _beside(found: Submission, notebooks: list[Path], originals: Path) -> list[str]:
    others = [
        str(p.relative_to(originals))
        for p in found.files
        if p not in notebooks and p.suffix != ".ipynb" and p.name not in (TIMESTAMP, REFUSED)
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
    making, gone = (folder.with_name(f".{what}-{folder.name}") for what in ("taking", "gone"))
    for leftover in (making, gone):
        shutil.rmtree(leftover, ignore_errors=True)
    making.mkdir(parents=True)
    if notebook is not None:
        (making / f"{slug}.ipynb").write_text(notebook, encoding="utf-8")
    stamp = originals / TIMESTAMP
    if stamp.is_file() and stamp.stat().st_size < 200:
        shutil.copyfile(stamp, making / TIMESTAMP)
    # Killed here or there, a run leaves the folder whole or absent, and `originals` decides.
    if folder.exists():
        folder.rename(gone)
    making.rename(folder)
    shutil.rmtree(gone, ignore_errors=True)


def _left_alone(folder: Path, slug: str, before: Taken) -> bool:
    """Whether a folder is as intake left it."""
    if not folder.is_dir():
        return False
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


def _encodable(text: str) -> str:
    """Text that can be written to any file, whatever bytes a file name is made of."""
    return text.encode("utf-8", "replace").decode()

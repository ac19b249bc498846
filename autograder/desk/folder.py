"""A student's folder: laid out once, brought up to date ever after, never overwritten."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Collection, Mapping
from pathlib import Path

from autograder.desk import jupyter
from autograder.desk.home import FACTS, HOME, write_home
from autograder.desk.labs import LabFacts, facts_of, write_facts
from autograder.student_work.holding import work_in
from autograder.student_work.writing import write_whole

GIVEN = Path(".course") / "given"
EARLIER = "earlier"


def is_laid_out(folder: Path) -> bool:
    """Whether a folder is a student's, with labs in it."""
    return (folder / FACTS).is_file()


def lay_out(folder: Path, labs: Mapping[str, Path], open_now: Collection[str] = ()) -> list[str]:
    """Put labs, a course home and its settings into a folder; say what a student must know.

    ``labs`` are the notebooks that are given out, by slug. Those that are there stay, or are made
    new with all that the student wrote in them; the originals are kept in ``earlier``. What is
    among ``open_now``, paths in the folder, is left alone.

    Raises: OSError where something cannot be written; what was there is as it was.
    """
    (folder / GIVEN).mkdir(parents=True, exist_ok=True)
    notes = []
    for slug, path in labs.items():
        notes += _lay_lab(folder, slug, path, is_open=f"{slug}/{slug}.ipynb" in open_now)
    facts = (_facts(path, folder / GIVEN / path.name) for path in labs.values())
    write_facts(folder / FACTS, filter(None, facts))
    jupyter.configure(folder)
    if not write_home(folder):
        notes.append(f"{HOME} is not the course's and stays; move it away to get a course home")
    return notes


def _lay_lab(folder: Path, slug: str, new: Path, *, is_open: bool) -> list[str]:
    own, given = folder / slug / f"{slug}.ipynb", folder / GIVEN / f"{slug}.ipynb"
    content = new.read_bytes()
    if own.exists() and given.exists() and given.read_bytes() == content:
        return []
    if work := work_in(new):
        return [_take_over(own, new, work)]
    if not own.exists():
        own.parent.mkdir(exist_ok=True)
        write_whole(own, content)
        write_whole(given, content)
        return []
    if is_open:
        return [
            f"{own.name} is open in JupyterLab and stays as it is: save it, close it, shut down "
            "its kernel, and run `course start` again to get its new version"
        ]
    return _renew(own, given, new, folder / EARLIER)


def _take_over(own: Path, new: Path, work: str) -> str:
    """Answers lie where the course has its own copy: take them to the student's folder."""
    restore = f"give the course its own copy back (in {new.parents[2]}: `git checkout labs`)"
    if own.exists() or not _facts(new):
        return f"{new} {work}: keep what you need of it, {restore}, and run `course start` again"
    own.parent.mkdir(exist_ok=True)
    write_whole(own, new.read_bytes())
    return f"{new} {work}, and is now in your folder too: work on it there, and {restore}"


def _renew(own: Path, given: Path, new: Path, earlier: Path) -> list[str]:
    # Loaded only where there is something to renew: nbformat takes longer than the rest.
    from autograder.desk.renewal import renewed
    from autograder.student_work.reading import Unreadable

    try:
        made = renewed(own, given, new)
    except Unreadable as problem:
        return [
            f"{problem}; it stays as it is. To begin the lab anew, move the file away and run "
            "`course start` again"
        ]
    notes = []
    if made.text:
        earlier.mkdir(exist_ok=True)
        kept = _free_name(earlier, f"{own.stem}_{datetime.date.today()}")
        write_whole(kept, own.read_bytes())
        write_whole(own, made.text)
        notes = [
            f"{own.name} is the new version now, with your answers; yours as it was is "
            f"{EARLIER}/{kept.name}",
            *(f"  {note}" for note in made.notes),
        ]
    write_whole(given, new.read_bytes())
    return notes


def _free_name(folder: Path, stem: str) -> Path:
    names = itertools.chain([stem], (f"{stem}_{number}" for number in itertools.count(2)))
    return next(p for p in (folder / f"{name}.ipynb" for name in names) if not p.exists())


def _facts(*notebooks: Path) -> LabFacts | None:
    """What the first of these notebooks that the course has built says of its lab."""
    for path in notebooks:
        try:
            return facts_of(path.read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None

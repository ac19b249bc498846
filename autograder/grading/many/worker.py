"""What runs in a worker: a room made and proved once, then one submission after another.

A worker may be this process, another one, or one on another machine that sees no course folder:
what reaches it and what comes back is plain data.
"""

from __future__ import annotations

import atexit
import hashlib
import multiprocessing
import os
import platform
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

import autograder
import course_lib
from autograder.box import NoBox
from autograder.building import solved_notebook, student_notebook
from autograder.exercises import find_lab
from autograder.grading.running.grade import Graded, References, grade_notebook
from autograder.grading.running.kernels import Launcher, open_launcher
from autograder.grading.running.sealed import seal
from autograder.grading.running.session import DEFAULT_LIMITS, Limits
from autograder.judging import Lab

REPOSITORY = Path(autograder.__file__).resolve().parents[1]
ROOMS = 2
"""Rooms that a worker keeps: each holds a warm box, and a cluster may serve two graders."""

# Judging seeds the generators of its process: one submission at a time.
_ALONE = threading.RLock()


class BatchRefused(Exception):
    """A worker that does not grade the reference and the starter as it must; why, as a clause."""


@dataclass(frozen=True)
class Settings:
    """What holds for a whole batch.

    ``share`` is how much of a GPU's memory one kernel may use.
    """

    secret: bytes = field(repr=False)
    code: str
    device: str = "cpu"
    unsafe_no_box: bool = False
    share: float = 1.0
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True)
class Task:
    """One submission, as intake left it."""

    lab: str
    student: str
    submission: str
    notes: tuple[str, ...]
    notebook: str = field(repr=False)


@dataclass(frozen=True)
class Room:
    """What a worker has ready for a lab: the sealed folder, the launcher, the references."""

    lab: Lab
    folder: Path
    launcher: Launcher
    references: References
    limits: Limits

    def grade(self, notebook: NotebookNode, **about: Any) -> Graded:
        """Grade a pristine notebook with a student's cells laid in."""
        return grade_notebook(
            notebook,
            self.references,
            self.launcher,
            limits=self.limits,
            **about,
        )

    def close(self) -> None:
        """End its kernels and remove it."""
        self.launcher.close()
        shutil.rmtree(self.folder.parent, ignore_errors=True)


_rooms: dict[tuple[Settings, str], Room] = {}


def begin(scratch: str) -> None:
    """Make a new process of the grader's a worker, which ends with the grader."""
    threading.Thread(target=_end_with_the_grader, daemon=True).start()
    # Ctrl-C reaches the whole group; the grader decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = scratch


def _end_with_the_grader() -> None:
    grader = multiprocessing.parent_process()
    if grader is not None:
        grader.join()
    os._exit(1)


def grade_task(settings: Settings, task: Task) -> Graded | BatchRefused:
    """Grade one submission; a refusal is returned, so that no scheduler tries it elsewhere."""
    with _ALONE:
        try:
            room = ready(settings, task.lab)
        except BatchRefused as refusal:
            return refusal
        return room.grade(
            nbformat.reads(task.notebook, as_version=4),
            student=task.student,
            submission=task.submission,
            notes=task.notes,
        )


def prove(settings: Settings, lab_name: str) -> BatchRefused | None:
    """Make this worker ready for a lab, and say why it is not."""
    with _ALONE:
        try:
            ready(settings, lab_name)
        except BatchRefused as refusal:
            return refusal
        return None


def ready(settings: Settings, lab_name: str) -> Room:
    """The room of a lab, proved: in it the reference scores everything and the starter nothing.

    Raises: BatchRefused, with what went wrong.
    """
    key = (settings, lab_name)
    if key not in _rooms:
        while len(_rooms) >= ROOMS:
            _rooms.pop(next(iter(_rooms))).close()
        _rooms[key] = _proved_room(find_lab(lab_name), settings)
    return _rooms[key]


def _proved_room(lab: Lab, settings: Settings) -> Room:
    if code_digest(lab.slug) != settings.code:
        raise BatchRefused(
            f"{_worker_name()} has other code than the grader: install the same version there "
            "and start the worker anew"
        )
    try:
        room = _open_room(lab, settings)
    except NoBox as reason:
        raise BatchRefused(str(reason)) from reason
    try:
        problems = _problems(room)
    except Exception as error:
        room.close()
        raise BatchRefused(
            f"grading the reference failed: {type(error).__name__}: {error}; "
            "`course doctor` says what this machine lacks"
        ) from error
    if problems:
        room.close()
        raise BatchRefused(
            "this environment does not grade the reference and the starter as it must: "
            + " | ".join(problems[:5])
        )
    return room


def _problems(room: Room) -> list[str]:
    solution = room.grade(solved_notebook(room.lab, REPOSITORY))
    starter = room.grade(student_notebook(room.lab, REPOSITORY))
    return not_full(solution, room.lab) + [
        f"the starter of {v.exercise} scores {v.score:g}"
        for v in starter.record.verdicts
        if v.score > 0
    ]


def not_full(graded: Graded, lab: Lab) -> list[str]:
    """In which exercises a reference does not score everything, one line each."""
    return [
        f"the reference of {v.exercise} is {v.reason}: {'; '.join(v.notes) or v.findings}"
        for v in graded.record.verdicts
        if v.score < v.points and lab.exercises[v.exercise.partition("/")[2]].automatic
    ]


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


def _open_room(lab: Lab, settings: Settings) -> Room:
    parent = tempfile.mkdtemp(prefix="course-room-")
    # Whoever runs in a box that root has started must get in.
    os.chmod(parent, 0o711)
    try:
        folder = seal(Path(parent, "room"))
        launcher = open_launcher(
            folder,
            unsafe_no_box=settings.unsafe_no_box,
            device=settings.device,
            share=settings.share,
        )
    except BaseException:
        shutil.rmtree(parent, ignore_errors=True)
        raise
    references = References(lab, settings.secret, settings.device)
    return Room(lab, folder, launcher, references, settings.limits)


@atexit.register
def _close_rooms() -> None:
    for room in _rooms.values():
        room.close()


def _worker_name() -> str:
    worker = _cluster_worker()
    where = f" ({worker.address})" if worker else ""
    return f"the worker {platform.node()}, process {os.getpid()}{where},"


def _cluster_worker() -> Any:
    """The Dask worker that this runs in, if it does."""
    if "distributed" not in sys.modules:
        return None
    from distributed import get_worker

    try:
        return get_worker()
    except ValueError:
        return None

"""What runs in a worker: a room made and proved once, then one submission after another.

A worker may be this process, another one, or one on another machine that sees no course folder:
what reaches it and what comes back is plain data.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import tempfile
import threading
from dataclasses import dataclass, field

import nbformat

from autograder.exercises import find_lab
from autograder.grading.many.proof import BatchRefused, proved_room
from autograder.grading.many.room import Room, Settings
from autograder.grading.running.grade import Graded

ROOMS = 2
"""Rooms that a worker keeps: each holds a warm box, and a cluster may serve two graders."""

# Judging seeds the generators of its process: one submission at a time.
_ALONE = threading.RLock()

_rooms: dict[tuple[Settings, str], Room] = {}


@dataclass(frozen=True)
class Task:
    """One submission, as intake left it."""

    lab: str
    student: str
    submission: str
    notes: tuple[str, ...]
    notebook: str = field(repr=False)


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


def prove(settings: Settings, lab_name: str) -> BatchRefused | None:
    """Make this worker ready for a lab, and say why it is not."""
    with _ALONE:
        try:
            ready(settings, lab_name)
        except BatchRefused as refusal:
            return refusal
        return None


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


def ready(settings: Settings, lab_name: str) -> Room:
    """The proved room of a lab, made when it is first asked for.

    Raises: BatchRefused, with what went wrong.
    """
    key = (settings, lab_name)
    if key not in _rooms:
        while len(_rooms) >= ROOMS:
            _rooms.pop(next(iter(_rooms))).close()
        _rooms[key] = proved_room(find_lab(lab_name), settings)
    return _rooms[key]


@atexit.register
def _close_rooms() -> None:
    for room in _rooms.values():
        room.close()

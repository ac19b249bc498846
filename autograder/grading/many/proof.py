"""The proof before anybody is graded: the reference scores everything and the starter nothing."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

from nbformat import NotebookNode

from autograder.box import NoBox
from autograder.building import solved_notebook, student_notebook
from autograder.grading.checkout import REPOSITORY, code_digest
from autograder.grading.many.room import Room, Settings, open_room
from autograder.grading.running.grade import Graded, grade_notebook
from autograder.grading.running.kernels import Plain
from autograder.grading.running.references import References
from autograder.grading.running.sealed import temporary_room
from autograder.judging import Lab


class BatchRefused(Exception):
    """A worker that does not grade the reference and the starter as it must; why, as a clause."""


def proved_room(lab: Lab, settings: Settings) -> Room:
    """A new room of a lab, in which the reference scores everything and the starter nothing.

    Raises: BatchRefused, with what went wrong.
    """
    if code_digest(lab.slug) != settings.code:
        raise BatchRefused(
            f"{_worker_name()} has other code than the grader: install the same version there "
            "and start the worker anew"
        )
    try:
        room = open_room(lab, settings)
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


def unproved(solution: NotebookNode, lab: Lab) -> list[str]:
    """What is wrong with a solution notebook: the exercises in which it does not score everything.

    It is graded as a submission would be, with hidden inputs of its own.
    """
    with temporary_room() as room:
        # An author's own code, which may be built where nothing can be confined.
        graded = grade_notebook(solution, References(lab, os.urandom(32)), Plain(room))
        return _not_full(graded, lab)


def _problems(room: Room) -> list[str]:
    solution = room.grade(solved_notebook(room.lab, REPOSITORY))
    starter = room.grade(student_notebook(room.lab, REPOSITORY))
    return _not_full(solution, room.lab) + [
        f"the starter of {v.exercise} scores {v.score:g}"
        for v in starter.record.verdicts
        if v.score > 0
    ]


def _not_full(graded: Graded, lab: Lab) -> list[str]:
    """In which exercises a reference does not score everything, one line each."""
    return [
        f"the reference of {v.exercise} is {v.reason}: {'; '.join(v.notes) or v.findings}"
        for v in graded.record.verdicts
        if v.score < v.points and lab.exercises[v.exercise.partition("/")[2]].automatic
    ]


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

"""Many submissions: intake, proof of the environment, grading in workers, one writer."""

from __future__ import annotations

import atexit
import contextlib
import functools
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    as_completed,
)
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from sqlalchemy.exc import DBAPIError

import autograder
from autograder.building import instructor_notebook, student_notebook
from autograder.exercises import find_lab
from autograder.grading.course import Course
from autograder.grading.grade import Graded, References, grade_notebook
from autograder.grading.gradebook import open_gradebook, register_lab, roster
from autograder.grading.intake import Taken, take_in_student
from autograder.grading.record import Record, not_run, read_record
from autograder.grading.saving import database_url, save
from autograder.grading.sealed import seal
from autograder.judging import Lab
from autograder.judging.seeds import course_secret

UNCONFINED = (
    "The kernel that student code runs in is not yet confined: it can read and write what you can."
)
REPOSITORY = Path(autograder.__file__).resolve().parents[1]


class BatchRefused(Exception):
    """The environment does not grade the reference and the starter as it must."""


class BatchStopped(BatchRefused):
    """What is graded cannot be written; everything saved before is kept."""


@dataclass(frozen=True)
class Prepared:
    """What a lab's batch needs: the pristine notebook, the sealed room, the course's secret."""

    lab: Lab
    pristine: NotebookNode
    room: Path
    secret: bytes


def take_in(root: Path, lab: Lab) -> list[Taken]:
    """Take in every submission to a lab and make the lab known to the gradebook."""
    course, pristine = Course(root), student_notebook(lab, REPOSITORY)
    with _stopping(), open_gradebook(database_url(course)) as gradebook:
        register_lab(gradebook, lab, pristine)
        known = roster(gradebook)
    students = sorted({*course.students(lab.slug), *known})
    return [_take_in_one(course, lab, pristine, student) for student in students]


def _take_in_one(course: Course, lab: Lab, pristine: NotebookNode, student: str) -> Taken:
    try:
        return take_in_student(course, lab.slug, pristine, student)
    except Exception as error:
        reason = f"intake failed ({type(error).__name__}: {error}); look at the folder, grade again"
        return Taken(student, reason=reason.encode("utf-8", "replace").decode())


def unproved(solution: NotebookNode, lab: Lab) -> list[str]:
    """What is wrong with a solution notebook: the exercises in which it does not score everything.

    It is graded as a submission would be, with hidden inputs of its own.
    """
    with tempfile.TemporaryDirectory(prefix="course-room-") as folder:
        references = References(lab, os.urandom(32))
        return _not_full(grade_notebook(solution, references, seal(Path(folder, "room"))), lab)


def _not_full(graded: Graded, lab: Lab) -> list[str]:
    return [
        f"the reference of {v.exercise} is {v.reason}: {'; '.join(v.notes) or v.findings}"
        for v in graded.record.verdicts
        if v.score < v.points and lab.exercises[v.exercise.partition("/")[2]].automatic
    ]


@functools.cache
def prepare(lab_name: str, root: Path) -> Prepared:
    """Make the room and prove it: the reference must score everything, the starter nothing.

    Raises: BatchRefused, with what went wrong.
    """
    lab = find_lab(lab_name)
    try:
        room = Path(tempfile.mkdtemp(prefix="course-room-"))
        atexit.register(shutil.rmtree, room, ignore_errors=True)
        pristine = student_notebook(lab, REPOSITORY)
        prepared = Prepared(lab, pristine, seal(room), course_secret(root))
        references = References(lab, prepared.secret)
        solution = grade_notebook(instructor_notebook(lab, REPOSITORY), references, prepared.room)
        starter = grade_notebook(prepared.pristine, references, prepared.room)
    except Exception as error:
        raise BatchRefused(
            f"{lab.slug}: nobody was graded, because grading the reference failed: "
            f"{type(error).__name__}: {error}; `course doctor` says what this machine lacks"
        ) from error
    problems = _not_full(solution, lab)
    problems += [
        f"the starter of {v.exercise} scores {v.score:g}"
        for v in starter.record.verdicts
        if v.score > 0
    ]
    if problems:
        raise BatchRefused(
            f"{lab.slug}: nobody was graded, because this environment does not grade the "
            "reference and the starter as it must: " + " | ".join(problems[:5])
        )
    return prepared


def grade(
    root: Path,
    lab: Lab,
    *,
    jobs: int = 1,
    force: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Record]:
    """Take in and grade a lab's submissions; the records of all of them, in alphabetical order.

    What was graded before and has not changed is not graded again, unless ``force``. A failure
    costs its own submission only; whatever was finished is kept.

    Raises: BatchRefused; BatchStopped, where the database or the disk gives way.
    """
    course = Course(root)
    taken = take_in(root, lab)
    records: dict[str, Record] = {}
    waiting: list[Taken] = []
    for one in taken:
        known = None if force else read_record(course.record(one.student, lab.slug))
        if known is not None and _still_true(known, one, lab):
            records[one.student] = known
        else:
            waiting.append(one)
    if waiting:
        prepared = prepare(lab.name, root)
        coming = contextlib.closing(_graded(course, prepared, waiting, jobs))
        with _stopping(), open_gradebook(database_url(course)) as gradebook, coming as all_graded:
            for done, graded in enumerate(all_graded, 1):
                save(course, lab, graded, gradebook)
                records[graded.record.student] = graded.record
                progress(done, len(waiting))
    return [records[student] for student in sorted(records)]


@contextlib.contextmanager
def _stopping() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, OSError) as error:
        what = getattr(error, "orig", None) or error
        raise BatchStopped(
            f"grading stopped: {type(error).__name__}: {what}; what was graded before is kept: "
            "free the database or the disk, and run the same command again"
        ) from error


def grade_taken(course: Course, prepared: Prepared, taken: Taken) -> Graded:
    """Grade what intake has left of one submission."""
    lab = prepared.lab
    if taken.reason is not None:
        record = not_run(taken.student, lab, taken.reason, notes=taken.notes)
        return Graded(record, prepared.pristine)
    path = course.submitted(taken.student, lab.slug) / f"{lab.slug}.ipynb"
    return grade_notebook(
        nbformat.read(path, as_version=4),
        _references(lab.name, prepared.secret),
        prepared.room,
        student=taken.student,
        submission=taken.submission,
        notes=taken.notes,
    )


def _graded(
    course: Course, prepared: Prepared, waiting: Sequence[Taken], jobs: int
) -> Generator[Graded, None, None]:
    """Grade in workers; when one of them is killed, the rest is graded one by one."""
    left: list[Taken] = []
    executor = _executor(jobs)
    try:
        futures = {_submit(executor, course, prepared, one): one for one in waiting}
        for future in as_completed(futures):
            one = futures[future]
            if future.exception() is not None and isinstance(future.exception(), BrokenExecutor):
                left.append(one)
            else:
                yield _result(future, prepared, one)
    finally:
        executor.shutdown(cancel_futures=True)
    for one in left:
        with _executor(2) as alone:
            future = _submit(alone, course, prepared, one)
            yield _result(future, prepared, one)


def _submit(executor: Executor, course: Course, prepared: Prepared, one: Taken) -> Future[Graded]:
    try:
        return executor.submit(
            _grade_in_worker, course, prepared.lab.name, prepared.room, prepared.secret, one
        )
    except BrokenExecutor as error:
        broken: Future[Graded] = Future()
        broken.set_exception(error)
        return broken


def _result(future: Future[Graded], prepared: Prepared, one: Taken) -> Graded:
    try:
        return future.result()
    except Exception as error:
        reason = (
            f"the grader itself failed ({type(error).__name__}: {error}); "
            "grade again, and report it if it stays"
        )
        record = not_run(one.student, prepared.lab, reason, notes=one.notes)
        return Graded(record, prepared.pristine)


def _executor(jobs: int) -> Executor:
    """The seam behind which grading may run elsewhere."""
    if jobs == 1:
        return ThreadPoolExecutor(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))


def _grade_in_worker(
    course: Course, lab_name: str, room: Path, secret: bytes, taken: Taken
) -> Graded:
    lab = find_lab(lab_name)
    return grade_taken(course, Prepared(lab, _pristine(lab_name), room, secret), taken)


@functools.cache
def _references(lab_name: str, secret: bytes) -> References:
    return References(find_lab(lab_name), secret)


@functools.cache
def _pristine(lab_name: str) -> NotebookNode:
    return student_notebook(find_lab(lab_name), REPOSITORY)


def _still_true(record: Record, taken: Taken, lab: Lab) -> bool:
    if taken.reason is not None:
        return record.status == "not_run" and record.notes[:1] == [taken.reason]
    return (
        record.status == "graded"
        and record.submission == taken.submission
        and record.version == lab.version
        and len(record.verdicts) == len(lab.exercises)
    )

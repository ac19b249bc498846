"""Many submissions: intake, grading in workers that have proved themselves, one writer."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from sqlalchemy.exc import DBAPIError

from autograder.building import student_notebook
from autograder.grading.checkout import REPOSITORY, code_digest
from autograder.grading.course import Course
from autograder.grading.intake.taking import Taken, laid_notebook, take_in_student
from autograder.grading.keeping.gradebook import open_gradebook, register_lab, roster
from autograder.grading.keeping.records import read_record
from autograder.grading.keeping.saving import database_url, save
from autograder.grading.many import worker
from autograder.grading.many.cluster import Cluster
from autograder.grading.many.engine import Engine, SchedulerLost, WorkerDied, closing, run_each
from autograder.grading.many.local import Here, Local
from autograder.grading.many.proof import BatchRefused
from autograder.grading.many.room import Room, Settings
from autograder.grading.many.summary import Summary, summarize
from autograder.grading.many.worker import Task
from autograder.grading.running.grade import Graded
from autograder.grading.running.record import Record, not_run
from autograder.judging import Lab
from autograder.judging.seeds import SecretUnusable, course_secret

Progress = Callable[[int, int], None]


class BatchStopped(BatchRefused):
    """Grading cannot go on; everything saved before is kept."""


def take_in(root: Path, lab: Lab) -> Iterator[Taken]:
    """Take in every submission to a lab and make the lab known to the gradebook."""
    course, pristine = Course(root), student_notebook(lab, REPOSITORY)
    with _stopping(), open_gradebook(database_url(course)) as gradebook:
        students = _register(course, lab, pristine, gradebook)
    for student in students:
        yield _take_in_one(course, lab, pristine, student)


def _register(course: Course, lab: Lab, pristine: NotebookNode, gradebook: Any) -> list[str]:
    """Make a lab known to the gradebook; everybody who has, or owes, something for it."""
    register_lab(gradebook, lab, pristine)
    return sorted({*course.students(lab.slug), *roster(gradebook)})


def _take_in_one(course: Course, lab: Lab, pristine: NotebookNode, student: str) -> Taken:
    try:
        return take_in_student(course, lab.slug, pristine, student)
    except Exception as error:
        reason = f"intake failed ({type(error).__name__}: {error}); look at the folder, grade again"
        return Taken(student, reason=reason.encode("utf-8", "replace").decode())


def prepare(lab: Lab, root: Path, *, device: str = "cpu", unsafe_no_box: bool = False) -> Room:
    """The proved room of a lab in this process.

    Raises: BatchRefused, with what went wrong.
    """
    try:
        return worker.ready(_settings(lab, root, device, unsafe_no_box), lab.name)
    except BatchRefused as refusal:
        raise _nobody(lab, refusal) from refusal


def grade(
    root: Path,
    lab: Lab,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    device: str = "cpu",
    unsafe_no_box: bool = False,
    force: bool = False,
    progress: Progress = lambda done, total: None,
) -> list[Summary]:
    """Take in and grade a lab's submissions; a line on each of them, in alphabetical order.

    What was graded before and has not changed is not graded again, unless ``force``. A failure
    costs its own submission only; whatever was finished is kept.

    Raises: BatchRefused; BatchStopped, where the database, the disk or the cluster gives way.
    """
    course, pristine = Course(root), student_notebook(lab, REPOSITORY)
    settings = _settings(lab, root, device, unsafe_no_box, share=1 / jobs)
    with _stopping(), open_gradebook(database_url(course)) as gradebook:
        students = _register(course, lab, pristine, gradebook)
        batch = _Batch(course, lab, pristine, gradebook, force, progress, len(students))
        waiting = batch.take_in(students)
        first = next(waiting, None)
        if first is not None:
            try:
                engine = open_engine(jobs, scheduler, device)
            except BatchRefused as refusal:
                raise _nobody(lab, refusal) from refusal
            with closing(engine):
                _prove(engine, settings, lab)
                batch.grade(engine, settings, first, waiting)
    return [batch.done[student] for student in students]


def open_engine(jobs: int, scheduler: str | None, device: str) -> Engine:
    """The engine for what was asked.

    Raises: BatchRefused, where a cluster cannot be used.
    """
    if scheduler is not None:
        return Cluster(scheduler, device)
    return Here() if jobs == 1 else Local(jobs)


def _settings(
    lab: Lab, root: Path, device: str, unsafe_no_box: bool, share: float = 1.0
) -> Settings:
    try:
        secret = course_secret(root)
    except SecretUnusable as unusable:
        raise BatchRefused(str(unusable)) from unusable
    return Settings(secret, code_digest(lab.slug), device, unsafe_no_box, share)


def _nobody(lab: Lab, refusal: BatchRefused) -> BatchRefused:
    return BatchRefused(f"{lab.slug}: nobody was graded, because {refusal}")


def _prove(engine: Engine, settings: Settings, lab: Lab) -> None:
    """Have as many proofs made as there are workers; one that comes later makes its own."""
    proofs = iter(range(engine.workers))
    for _, said in run_each(engine, lambda _: (worker.prove, settings, lab.name), proofs):
        if isinstance(said, BatchRefused):
            raise _nobody(lab, said)
        if isinstance(said, Exception):
            what = f"a worker could not be made ready: {type(said).__name__}: {said}"
            raise _nobody(lab, BatchRefused(what)) from said


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
    except SchedulerLost as error:
        raise BatchStopped(
            "grading stopped: the scheduler of the cluster has gone; what was graded before is "
            "kept: start it and its workers again, and run the same command"
        ) from error


@dataclass
class _Batch:
    """The submissions of one run: what is known of them, and where it is written."""

    course: Course
    lab: Lab
    pristine: NotebookNode
    gradebook: Any
    force: bool
    progress: Progress
    total: int
    done: dict[str, Summary] = field(default_factory=dict)

    def take_in(self, students: list[str]) -> Iterator[Taken]:
        """Take in one submission after another, as they are asked for, but those graded before."""
        for student in students:
            taken = _take_in_one(self.course, self.lab, self.pristine, student)
            path = self.course.record(student, self.lab.slug)
            known = None if self.force else read_record(path)
            if known is not None and _still_true(known, taken, self.lab):
                self._count(known)
            else:
                yield taken

    def grade(
        self, engine: Engine, settings: Settings, first: Taken, waiting: Iterator[Taken]
    ) -> None:
        """Grade what waits, and save each result as it comes."""

        def call(task: Task) -> tuple[Any, ...]:
            return worker.grade_task, settings, task

        for task, outcome in run_each(engine, call, self._tasks(first, waiting)):
            if isinstance(outcome, BatchRefused):
                raise BatchStopped(
                    f"{self.lab.slug}: grading stopped, because {outcome}; {len(self.done)} of "
                    f"{self.total} submissions are graded and kept"
                )
            if isinstance(outcome, Exception):
                outcome = self._not_graded(task, outcome)
            self._save(outcome)

    def _tasks(self, first: Taken, waiting: Iterator[Taken]) -> Iterator[Task]:
        """What a worker can grade; of the rest, the record says why it cannot."""
        for taken in itertools.chain([first], waiting):
            reason = taken.reason
            if reason is None:
                try:
                    task = self._task(taken)
                except (OSError, ValueError) as error:
                    reason = str(error)
                else:
                    yield task
                    continue
            record = not_run(taken.student, self.lab, reason, notes=taken.notes)
            self._save(Graded(record, self.pristine))

    def _task(self, taken: Taken) -> Task:
        notebook = laid_notebook(self.course, taken, self.lab.slug)
        return Task(self.lab.name, taken.student, taken.submission, tuple(taken.notes), notebook)

    def _not_graded(self, task: Task, error: Exception) -> Graded:
        if isinstance(error, WorkerDied):
            reason = f"grading it killed its worker every time ({error}); read it, then grade again"
        else:
            reason = (
                f"the grader itself failed ({type(error).__name__}: {error}); "
                "grade again, and report it if it stays"
            )
        return Graded(not_run(task.student, self.lab, reason, notes=[*task.notes]), self.pristine)

    def _save(self, graded: Graded) -> None:
        save(self.course, self.lab, graded, self.gradebook)
        self._count(graded.record)

    def _count(self, record: Record) -> None:
        self.done[record.student] = summarize(record)
        self.progress(len(self.done), self.total)


def _still_true(record: Record, taken: Taken, lab: Lab) -> bool:
    if taken.reason is not None:
        return record.status == "not_run" and record.notes[:1] == [taken.reason]
    return (
        record.status == "graded"
        and record.submission == taken.submission
        and record.version == lab.version
        and len(record.verdicts) == len(lab.exercises)
    )

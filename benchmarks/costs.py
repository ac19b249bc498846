"""What one submission and one kernel cost: processor seconds by where they go, and memory."""

from __future__ import annotations

import re
import resource
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.answering.outcome import Outcome
from autograder.building import student_notebook
from autograder.grading.course import Course
from autograder.grading.intake.taking import take_in_student
from autograder.grading.keeping.gradebook import open_gradebook, register_lab
from autograder.grading.keeping.saving import database_url, save
from autograder.grading.running import grade as grading
from autograder.grading.running.kernels import Boxed
from autograder.grading.running.references import References
from autograder.grading.running.sealed import temporary_room
from autograder.grading.running.session import DEFAULT_LIMITS, Session
from autograder.judging import Exercise, Lab
from autograder.probes.kernel import _define
from autograder.probes.run import run
from benchmarks.classes import CONFIGURED, REPOSITORY, course, submissions

COUNT = 16
KERNELS = 20


class Clock:
    """Processor seconds of this process, by what they were spent on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        started = time.process_time()
        try:
            yield
        finally:
            self.seconds[what] += time.process_time() - started


def of_one_submission(lab: Lab, place: Path) -> dict[str, Any]:
    """Processor seconds a submission costs beyond its cells and probes in a warm plain process."""
    handed_in = submissions(lab, COUNT)
    bare = _bare(lab, handed_in)
    with temporary_room() as room:
        warm_only = _children(lambda: Boxed(room).close())
        starts = Clock()
        started = _children(lambda: _start_kernels(Boxed(room), starts)) - warm_only
        clock = Clock()
        whole = _children(lambda: _grade_all(lab, handed_in, Boxed(room), place, clock)) - warm_only
    spent = {what: seconds / COUNT for what, seconds in clock.seconds.items()}
    fork = (started + starts.seconds["start"]) / COUNT
    kernel = whole / COUNT
    table = {
        "fork and start of the kernel": fork,
        "protocol": spent["session"]
        + kernel
        - started / COUNT
        - bare
        - starts.seconds["start"] / COUNT,
        "judge": spent["grade"] - spent["session"],
        "notebook: intake": spent["intake"],
        "notebook, page, record and database": spent["save"],
    }
    return {
        "submissions": COUNT,
        "bare_cells_and_probes": bare,
        "beyond_that": sum(table.values()),
        "where": table,
    }


def of_kernels() -> dict[str, Any]:
    """Wall seconds until a confined warm kernel answers, and what each further one holds."""
    with temporary_room() as room:
        started = time.monotonic()
        box = Boxed(room)
        built = time.monotonic() - started
        answered = []
        for _ in range(KERNELS):
            started = time.monotonic()
            with Session(box):
                answered.append(time.monotonic() - started)
        held, sessions = [_proportional(box)], []
        for _ in range(4):
            sessions.append(Session(box).__enter__())
            sessions[-1].run_cell(
                "import torch, numpy, matplotlib.pyplot\ntorch.ones(10) @ torch.ones(10)"
            )
            held.append(_proportional(box))
        for session in sessions:
            session.__exit__()
        box.close()
    megabytes = [round(bytes / 2**20, 1) for bytes in held]
    return {
        "box_built_seconds": built,
        "kernel_answers_seconds_median": statistics.median(answered),
        "kernel_answers_seconds_worst": max(answered),
        "proportional_megabytes_with_0_to_4_kernels": megabytes,
        "each_further_kernel_megabytes": round((megabytes[-1] - megabytes[1]) / 3, 1),
    }


class _Plain:
    """Cells and probes in this process: what no box and no protocol can do without."""

    limits = DEFAULT_LIMITS
    spent = False

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._namespace: dict[str, Any] = {"__name__": "__main__"}

    def run_cell(self, source: str) -> Outcome:
        with self._clock("bare"):
            try:
                exec(compile(source, "cell", "exec"), self._namespace)
            except Exception as error:
                return Outcome("error", type(error).__name__, str(error))
        return Outcome("ok")

    def observe(
        self, exercise: Exercise, cases: list[dict[str, Any]], seed: int,
        given: dict[str, str] | None = None, again: str = "", **_: Any,
    ) -> tuple[Outcome, dict[str, Any]]:  # fmt: skip
        if exercise.name not in self._namespace:
            return Outcome("ok"), {"defined": False}
        with self._clock("bare"):
            space = {**self._namespace, **_define(given or {})}
            probe = exercise.probe
            seen = run(probe.name, probe.parameters, space[exercise.name], cases, seed)
        return Outcome("ok"), {"defined": True, "observations": seen}


def _bare(lab: Lab, handed_in: dict[str, NotebookNode]) -> float:
    references, clock = References(lab, b"benchmark" * 4), Clock()
    for measured in (Clock(), clock):
        for notebook in handed_in.values():
            visited = grading.Grading(references, _Plain(measured))  # type: ignore[arg-type]
            for cell in notebook.cells:
                visited.visit(cell)
            visited.finish()
    return clock.seconds["bare"] / len(handed_in)


def _start_kernels(box: Boxed, clock: Clock) -> None:
    for _ in range(COUNT):
        with clock("start"), Session(box):
            pass
    box.close()


def _grade_all(
    lab: Lab, handed_in: dict[str, NotebookNode], box: Boxed, place: Path, clock: Clock
) -> None:
    folder = Course(course(place / "costs", lab, handed_in, CONFIGURED))
    references = References(lab, b"benchmark" * 4)
    for exercise in lab.exercises.values():
        if exercise.automatic:
            references.of(exercise)
    pristine = student_notebook(lab, REPOSITORY)
    import nbformat

    with open_gradebook(database_url(folder)) as gradebook, _timed_sessions(clock):
        register_lab(gradebook, lab, pristine)
        for student in handed_in:
            with clock("intake"):
                taken = take_in_student(folder, lab.slug, pristine, student)
                path = folder.submitted(student, lab.slug) / f"{lab.slug}.ipynb"
                notebook = nbformat.read(path, as_version=4)
            with clock("grade"):
                graded = grading.grade_notebook(
                    notebook, references, box, student=student, submission=taken.submission
                )
            with clock("save"):
                save(folder, lab, graded, gradebook)
    box.close()


@contextmanager
def _timed_sessions(clock: Clock) -> Iterator[None]:
    names = ("__enter__", "__exit__", "run_cell", "observe")
    plain = {name: getattr(Session, name) for name in names}
    depth = 0

    def timed(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal depth
            depth += 1
            try:
                if depth > 1:
                    return method(*arguments, **options)
                with clock("session"):
                    return method(*arguments, **options)
            finally:
                depth -= 1

        return call

    for name, method in plain.items():
        setattr(Session, name, timed(method))
    try:
        yield
    finally:
        for name, method in plain.items():
            setattr(Session, name, method)


def _children(call: Callable[[], Any]) -> float:
    """Processor seconds of the child processes that ended while something was called."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _proportional(box: Boxed) -> int:
    """The proportional memory of a box and all its kernels, in bytes."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(folder.name)] = int(fields[1])
    tree = {box._box._process.pid}
    while more := {pid for pid, parent in parents.items() if parent in tree} - tree:
        tree |= more
    total = 0
    for pid in tree:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += 1024 * sum(int(n) for n in re.findall(r"^Pss:\s+(\d+) kB", text, re.MULTILINE))
    return total

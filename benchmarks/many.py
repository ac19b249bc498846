"""Ten thousand simulated submissions with real bookkeeping, and a small Dask cluster to try."""

from __future__ import annotations

import copy
import dataclasses
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from nbformat import NotebookNode

from autograder.building import student_notebook
from autograder.grading.many import batch, worker
from autograder.grading.many.room import Settings
from autograder.grading.many.worker import Task
from autograder.grading.running.grade import Graded
from autograder.judging import Lab
from benchmarks.classes import CONFIGURED, REPOSITORY, course

FEW = 100


def bookkeeping(lab: Lab, place: Path, count: int) -> dict[str, Any]:
    """Intake, database, record and page of many submissions, whose grading takes no time.

    What a submission costs among many against what it costs among a hundred, and the memory of the
    grader on the way.
    """
    tiny = _tiny(lab)
    room = batch.prepare(lab, place)
    graded = room.grade(student_notebook(lab, REPOSITORY))

    def simulated(settings: Settings, task: Task) -> Graded:
        record = dataclasses.replace(
            graded.record, student=task.student, submission=task.submission
        )
        return Graded(record, copy.deepcopy(graded.notebook))

    seen: dict[int, dict[int, tuple[float, float]]] = {}
    with mock.patch.object(worker, "grade_task", simulated):
        for size in (FEW, FEW, count):
            handed_in = {f"student-{number:05}": tiny for number in range(size)}
            folder = course(place / f"many{size}", lab, handed_in, CONFIGURED)
            marks = seen[size] = {0: (time.process_time(), _megabytes())}

            def note(done: int, total: int, marks: dict[int, Any] = marks) -> None:
                if done in (FEW, total - FEW, total) or done % 1000 == 0:
                    marks[done] = (time.process_time(), _megabytes())

            batch.grade(folder, lab, progress=note)
    few, all_of_them = seen[FEW], seen[count]
    each_of_few = (few[FEW][0] - few[0][0]) / FEW
    each_of_many = (all_of_them[count][0] - all_of_them[0][0]) / count
    last = (all_of_them[count][0] - all_of_them[count - FEW][0]) / FEW
    return {
        "submissions": count,
        "cpu_seconds_each_of_100": each_of_few,
        "cpu_seconds_each": each_of_many,
        "cpu_seconds_each_of_the_last_100": last,
        "ratio": each_of_many / each_of_few,
        "ratio_of_the_last_100": last / each_of_few,
        "megabytes": {done: round(mark[1]) for done, mark in sorted(all_of_them.items())},
    }


def _tiny(lab: Lab) -> NotebookNode:
    """A notebook with one answer of the lab, not written."""
    notebook = student_notebook(lab, REPOSITORY)
    answers = [c for c in notebook.cells if c.metadata["autograder"].get("role") == "answer"]
    notebook.cells = answers[:1]
    return notebook


def _megabytes() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def cluster(workers: int, environment: dict[str, str]) -> Iterator[str]:
    """A scheduler and workers in processes of their own; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    port = address.rpartition(":")[2]
    line = [*dask, "--host", "127.0.0.1", "--port", port, "--dashboard-address", ":0"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes = [subprocess.Popen(line, env=environment, **quiet)]
    line = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]
    for _ in range(workers):
        processes.append(subprocess.Popen([*line, "--no-nanny"], env=environment, **quiet))
    try:
        yield address
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(20)

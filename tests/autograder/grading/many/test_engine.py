"""Engines: bounded, none is lost with a worker, and the verdicts are the same on all of them."""

import copy
import json
import multiprocessing
import shutil
import sys
import time
from concurrent.futures import Future

import nbformat
import psutil
import pytest

import autograder.grading.many.batch as batch
from autograder.grading.checkout import REPOSITORY
from autograder.grading.many.batch import grade, open_engine
from autograder.grading.many.engine import (
    FOR_EACH_WORKER,
    SchedulerLost,
    WorkerDied,
    closing,
    run_each,
)
from autograder.grading.many.local import Here, Local
from autograder.grading.many.proof import BatchRefused
from tests.support.notebooks import LAB, SLUG, cell_of
from tests.support.processes import alive, dask_cluster, family, wait_until
from tests.support.workers import die_once, fail, sleep_for_a_minute, twice, twice_or_die


def run(engine, function, numbers):
    return dict(run_each(engine, lambda n: (function, n), iter(numbers)))


class Slow(Here):
    """Never finishes by itself."""

    window = 2 * FOR_EACH_WORKER

    def __init__(self):
        self.futures = []

    def submit(self, function, *arguments):
        self.futures.append(Future())
        return self.futures[-1]


def test_never_more_than_a_few_for_each_worker_are_under_way():
    engine, asked = Slow(), []

    def tasks():
        for number in range(100):
            asked.append(number)
            if len(asked) == engine.window:
                engine.futures[3].set_result("done")
            yield number

    coming = run_each(engine, lambda n: (twice, n), tasks())
    assert next(coming) == (3, "done")
    assert len(asked) == engine.window == 8
    engine.futures[0].set_result("too")
    assert next(coming) == (0, "too")
    assert len(asked) == engine.window + 1


def test_a_cancelled_future_means_that_the_scheduler_has_gone():
    engine = Slow()
    coming = run_each(engine, lambda n: (twice, n), iter([1]))
    cancelled = Future()
    cancelled.cancel()
    engine.submit = lambda *_: cancelled
    with pytest.raises(SchedulerLost):
        next(coming)


def test_a_failure_here_costs_one_task():
    found = run(Here(), fail, [1, 2])
    assert {type(error) for error in found.values()} == {MemoryError}


def test_a_task_that_kills_its_worker_twice_costs_nobody_else(tmp_path):
    with closing(Local(2)) as engine:
        found = run(engine, twice_or_die, range(12))
        assert isinstance(found.pop(3), WorkerDied)
        assert found == {n: 2 * n for n in range(12) if n != 3}
        again = dict(run_each(engine, lambda n: (die_once, str(tmp_path), n), iter(range(5))))
        assert again == {n: 2 * n for n in range(5)}


def test_an_interrupted_engine_ends_its_workers_at_once():
    engine = Local(2)
    with pytest.raises(KeyboardInterrupt), closing(engine):
        futures = [engine.submit(sleep_for_a_minute, n) for n in range(2)]
        wait_until(lambda: all(future.running() for future in futures))
        started = time.monotonic()
        workers = [psutil.Process(child.pid) for child in multiprocessing.active_children()]
        raise KeyboardInterrupt
    assert time.monotonic() - started < 10
    assert len(workers) == 2 and not alive(workers)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("localhost", "localhost is no address of a scheduler"),
        ("tls://127.0.0.1:9", "tls://127.0.0.1:9 wants a certificate"),
        ("tcp://127.0.0.1:9", "no scheduler answers at tcp://127.0.0.1:9"),
    ],
)
def test_a_scheduler_that_cannot_be_reached_is_refused(address, sentence, monkeypatch):
    monkeypatch.setattr("autograder.grading.many.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(BatchRefused, match=sentence):
        open_engine(1, address, "cpu")


def test_without_distributed_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BatchRefused, match=r"pip install -e '\.\[cluster\]'"):
        open_engine(1, "tcp://127.0.0.1:9", "cpu")


def test_a_cluster_without_workers_or_without_gpus_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("autograder.grading.many.cluster.CONNECT_SECONDS", 3)
    with dask_cluster(tmp_path, workers=0) as (address, _):
        with pytest.raises(BatchRefused, match="has no workers: start some"):
            open_engine(1, address, "cpu")
        with pytest.raises(BatchRefused, match="no workers that offer a GPU.*--resources GPU=1"):
            open_engine(1, address, "cuda")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, solved, pristine):
    """A class in which nearly everything happens, and the course's secret."""
    root = tmp_path_factory.mktemp("mixed")
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)

    def hand_in(student, exercise=None, source=None, notebook=solved):
        handed = copy.deepcopy(notebook)
        if exercise:
            cell_of(handed, exercise).source = source
        folder = root / "submitted" / student / SLUG
        folder.mkdir(parents=True)
        nbformat.write(handed, folder / f"{SLUG}.ipynb")
        return folder / f"{SLUG}.ipynb"

    hand_in("right")
    hand_in("starter", notebook=pristine)
    hand_in("raises", "gaussian", "def gaussian(shape, std):\n    return 7 / 0")
    hand_in("wrong", "relu_second_moment", "def relu_second_moment(variance):\n    return variance")
    hand_in("crashes", "gain", "def gain(*given, **named):\n    import os\n    os._exit(3)")
    hand_in(
        "random", "gain", "def gain(*given, **named):\n    import torch\n    return torch.rand(1)"
    )
    hand_in("spoiled").write_text("{")
    for number in range(3):
        hand_in(f"more{number}")
    (root / ".course_secret").write_text("5e" * 32)
    return root


def graded(mixed, root, **how):
    """What a fresh copy of the class gets, without the seconds."""
    shutil.copytree(mixed, root, dirs_exist_ok=True)
    grade(root, LAB, **how)
    found = {}
    for path in sorted((root / "records" / SLUG).glob("*.json")):
        found[path.stem] = {**json.loads(path.read_text()), "seconds": None}
    return found


@pytest.fixture(scope="module")
def serial(mixed, tmp_path_factory):
    return graded(mixed, tmp_path_factory.mktemp("serial"))


def test_the_class_is_mixed(serial):
    assert len(serial) == 10
    assert serial["right"]["score"] == serial["right"]["max_score"]
    assert serial["starter"]["score"] == 0 and serial["spoiled"]["status"] == "not_run"
    reasons = {verdict["reason"] for record in serial.values() for verdict in record["exercises"]}
    assert {"correct", "wrong", "raised", "crashed", "not_attempted", "not_run"} <= reasons


@pytest.mark.slow
def test_two_processes_give_the_verdicts_of_one(mixed, serial, tmp_path):
    assert graded(mixed, tmp_path, jobs=2) == serial


@pytest.mark.slow
def test_a_cluster_of_which_a_worker_is_killed_gives_the_same_verdicts(mixed, serial, tmp_path):
    course, elsewhere = tmp_path / "course", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with dask_cluster(elsewhere) as (address, workers):
        killed = []

        def kill_one(done, total):
            if done == 3 and not killed:
                killed.extend(family(workers[0].pid))
                workers[0].kill()
                workers[0].wait()

        assert graded(mixed, course, scheduler=address, progress=kill_one) == serial
        wait_until(lambda: not alive(killed), seconds=10)
        assert len(killed) > 1, "the worker had no box"


@pytest.mark.slow
def test_a_worker_with_other_code_grades_nobody(mixed, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "code_digest", lambda slug: "of another version")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    refused = pytest.raises(BatchRefused, match=r"nobody was graded.*tcp:.*has other code")
    with dask_cluster(elsewhere, workers=1) as (address, _), refused:
        graded(mixed, tmp_path / "course", scheduler=address)
    assert not (tmp_path / "course" / "records").exists()

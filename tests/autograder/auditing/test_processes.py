"""Exercises whose answers run in processes: looked at in threads, but not only."""

import os

import numpy as np

from autograder import probes
from autograder.auditing.audit import audit
from autograder.auditing.cost import _used
from autograder.judging import Alternative, Mistake
from autograder.judging.checks import matches_reference


def inputs(rng):
    return {"each": [{"x": rng.normal(size=3)} for _ in range(2)]}


def swapped(worker, x):
    """Give each worker what the other holds."""
    sent = worker.isend(x, 1 - worker.rank)
    other = worker.receive(1 - worker.rank)
    sent()
    return other


def kept(worker, x):
    return x


def swapped_by_turns(worker, x):
    if worker.rank == 0:
        worker.send(x, 1)
        return worker.receive(1)
    other = worker.receive(0)
    worker.send(x, 0)
    return other


HELD = {}


def through_a_variable(worker, x):
    """Right in threads, which share what they hold, and not in processes."""
    HELD[worker.rank] = x
    sent = worker.isend(x, 1 - worker.rank)
    worker.receive(1 - worker.rank)
    sent()
    return HELD.get(1 - worker.rank, x)


def exercise(make, alternative):
    return make(
        swapped,
        inputs=inputs,
        probe=probes.forked(),
        checks=[matches_reference("what came", of="result.returned")],
        mistakes=[Mistake("kept", kept, "You return your own.")],
        alternatives=[Alternative("another", alternative)],
        equivalent_mutants={
            "sent() => pass": "a copy is on its way",
            "everything is done under torch.no_grad()": "nothing has a graph",
        },
    )


def test_right_answers_pass_in_processes_and_in_threads(make):
    assert audit(exercise(make, swapped_by_turns), seeds=2).problems == []


def test_an_answer_that_is_right_in_threads_only_is_found(make):
    HELD.clear()
    problems = audit(exercise(make, through_a_variable), seeds=2).problems
    assert any("alternative another fails on seed 0" in problem for problem in problems)


def test_the_seconds_of_a_process_that_has_ended_are_counted():
    before = _used()
    child = os.fork()
    if not child:
        while sum(os.times()[:2]) < 0.2:
            np.ones(1000).sum()
        os._exit(0)
    os.waitpid(child, 0)
    assert _used() - before >= 0.2

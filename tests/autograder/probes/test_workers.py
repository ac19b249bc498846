import os

import numpy as np
import pytest
import torch

from autograder import probes
from autograder.probes import wire
from autograder.probes.registry import PROBES
from autograder.probes.run import run

EITHER = pytest.mark.parametrize("asked", [probes.ranks(), probes.forked()], ids=lambda p: p.name)


def one(answer, inputs, asked=probes.ranks(), **options):  # noqa: B008
    return run(asked.name, asked.parameters, answer, [inputs], 0, **options)[0]


def numbers(size, length=12):
    return {"each": [{"x": np.random.default_rng(r).normal(size=length)} for r in range(size)]}


def passes_on(worker, x):
    sent = worker.isend(x, (worker.rank + 1) % worker.size)
    came = worker.receive((worker.rank - 1) % worker.size)
    sent()
    return came


@EITHER
def test_what_every_rank_returned_and_sent_is_seen(asked):
    inputs = numbers(3)
    seen = one(passes_on, inputs, asked)
    assert seen["raised"] is None and seen["changed"] == [] and seen["type"] == "torch.Tensor"
    wire.dumps(seen)  # it can cross
    for rank, returned in enumerate(seen["result"]["returned"]):
        np.testing.assert_array_equal(returned, inputs["each"][rank - 1]["x"])
    assert seen["result"]["messages"] == [1] * 3 and seen["result"]["numbers"] == [12] * 3
    assert seen["forgotten"] == [0] * 3


@EITHER
def test_what_is_sent_and_not_waited_for_is_seen(asked):
    def forgets(worker, x):
        sent = [worker.isend(x, other) for other in range(worker.size) if other != worker.rank]
        received = [worker.receive(other) for other in range(worker.size) if other != worker.rank]
        if worker.rank == 2:
            sent[0]()
            sent[0]()
        return sum(received)

    assert one(forgets, numbers(3), asked)["forgotten"] == [2, 2, 1]


@EITHER
def test_a_rank_is_given_what_is_its_own_and_what_is_everybodys(asked):
    def answer(worker, x, scale):
        return [worker.rank, worker.size, x * scale]

    seen = one(answer, {"each": [{"x": 1.5}, {"x": 2.5}], "scale": 2}, asked)
    assert seen["result"]["returned"] == [[0, 2, 3.0], [1, 2, 5.0]]


@EITHER
def test_a_deadlock_is_raised_for_all(asked):
    def waits_in_a_ring(worker, x):
        worker.send(x, (worker.rank + 1) % worker.size)
        return worker.receive((worker.rank - 1) % worker.size)

    seen = one(waits_in_a_ring, numbers(3), asked)
    assert seen["result"] is None and seen["raised"]["type"] == "Deadlock"
    assert "rank 0 waits until rank 1 receives; rank 1" in seen["raised"]["message"]


@EITHER
def test_the_first_exception_is_shown_and_not_those_of_ranks_that_waited_for_it(asked):
    def breaks(worker, x):
        if worker.rank == 2:
            raise ZeroDivisionError("the first")
        return worker.receive(2)

    raised = one(breaks, numbers(3), asked)["raised"]
    assert raised["type"] == "ZeroDivisionError" and raised["message"] == "the first (on rank 2)"
    assert raised["within"] == "breaks"


@EITHER
def test_what_a_rank_changes_in_place_is_seen(asked):
    def answer(worker, x):
        if worker.rank == 1:
            x += 1
        return x

    assert one(answer, numbers(2), asked)["changed"] == ["x"]


@EITHER
def test_gradients_are_on_in_every_rank(asked):
    def answer(worker, x):
        x.requires_grad_()
        (x**2).sum().backward()
        return x.grad

    seen = one(answer, {"each": [{"x": np.ones(2)}] * 2}, asked)
    np.testing.assert_allclose(seen["result"]["returned"], 2)


@EITHER
def test_an_answer_that_returns_no_data_is_told_what_it_returned(asked):
    seen = one(lambda worker, x: lambda: x, numbers(2), asked)
    assert "function" in seen["result"]["returned"][0]["not data"]


def test_a_process_that_dies_is_raised_for_all_and_leaves_this_one_alone():
    def dies(worker, x):
        return os.abort() if worker.rank else worker.receive(1)

    seen = one(dies, numbers(2), probes.forked())
    assert seen["result"] is None and "rank 1 was ended by SIGABRT" in seen["raised"]["message"]


def test_a_process_shares_no_variables():
    held = []

    def answer(worker, x):
        held.append(worker.rank)
        return len(held)

    assert one(answer, numbers(3), probes.forked())["result"]["returned"] == [1, 1, 1]
    assert not held
    assert one(answer, numbers(3), probes.ranks())["result"]["returned"] == [1, 2, 3]


def test_trusted_answers_are_looked_at_without_processes():
    def answer(worker, x):
        return os.getpid()

    here = [os.getpid()] * 2
    seen = one(answer, numbers(2), probes.forked(), rehearsed=True)
    assert seen["result"]["returned"] == here
    assert set(one(answer, numbers(2), probes.forked())["result"]["returned"]).isdisjoint(here)


def test_ranks_are_threads_where_processes_cannot_be_forked(monkeypatch):
    monkeypatch.delattr(os, "fork")
    seen = one(lambda worker, x: os.getpid(), numbers(2), probes.forked())
    assert seen["result"]["returned"] == [os.getpid()] * 2


def test_ranks_are_threads_on_a_gpu_that_forks_could_not_use():
    look = PROBES["forked"].look
    with torch.device("meta"):
        seen = look(lambda worker, x: [os.getpid(), x.device.type], numbers(2), None)
    assert seen["result"]["returned"] == [[os.getpid(), "meta"]] * 2


def test_random_numbers_come_in_the_same_order():
    def draws(worker, x):
        return torch.rand(2) + x.sum().float()

    first, second = (one(draws, numbers(2)) for _ in range(2))
    assert first["generators"] == "used"
    for a, b in zip(first["result"]["returned"], second["result"]["returned"], strict=True):
        np.testing.assert_array_equal(a, b)

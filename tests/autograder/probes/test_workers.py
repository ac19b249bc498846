import os
import signal
import threading
import time

import numpy as np
import pytest
import torch

from autograder import probes
from autograder.probes.run import run
from course_lib.workers.turns import Turns


def one(answer, inputs):
    asked = probes.ranks()
    return run(asked.name, asked.parameters, answer, [inputs], 0)[0]


def ring(worker, x):
    """A ring all-reduce: 2 (p − 1) messages of N/p numbers from each rank."""
    parts = list(x.clone().tensor_split(worker.size))
    after, before = (worker.rank + 1) % worker.size, (worker.rank - 1) % worker.size
    for adds in (True, False):
        for step in range(worker.size - 1):
            shift = 0 if adds else 1
            sent = worker.isend(parts[(worker.rank + shift - step) % worker.size], after)
            place = (worker.rank + shift - 1 - step) % worker.size
            came = worker.receive(before)
            parts[place] = parts[place] + came if adds else came
            sent()
    return torch.cat(parts)


def waits_in_a_ring(worker, x):
    worker.send(x, (worker.rank + 1) % worker.size)
    return worker.receive((worker.rank - 1) % worker.size)


def numbers(size, length=12):
    return {"each": [{"x": np.random.default_rng(r).normal(size=length)} for r in range(size)]}


@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_ring_adds_up_on_every_rank_with_the_fewest_numbers(size):
    inputs = numbers(size)
    seen = one(ring, inputs)
    assert seen["raised"] is None and seen["changed"] == []
    total = sum(rank["x"] for rank in inputs["each"])
    for returned in seen["result"]["returned"]:
        np.testing.assert_allclose(returned, total)
    assert seen["result"]["messages"] == [2 * (size - 1)] * size
    assert seen["result"]["numbers"] == [2 * (size - 1) * 12 // size] * size


def test_a_deadlock_is_proved_and_says_who_waits_for_whom():
    raised = one(waits_in_a_ring, numbers(3))["raised"]
    assert raised["type"] == "Deadlock"
    assert "rank 0 waits until rank 1 receives; rank 1 waits until rank 2" in raised["message"]


def test_a_message_that_never_comes_is_a_deadlock_too():
    def receives(worker, x):
        return worker.receive(1) if worker.rank == 0 else x

    raised = one(receives, numbers(2))["raised"]
    assert (
        raised["type"] == "Deadlock" and "rank 0 waits for a message of rank 1" in raised["message"]
    )


def test_the_first_exception_is_shown_and_not_those_of_ranks_that_waited_for_it():
    def breaks(worker, x):
        if worker.rank == 2:
            raise ZeroDivisionError("the first")
        return worker.receive(2)

    raised = one(breaks, numbers(3))["raised"]
    assert raised["type"] == "ZeroDivisionError" and raised["message"] == "the first (on rank 2)"


def test_a_rank_is_given_what_is_its_own_and_what_is_everybodys():
    def answer(worker, x, scale):
        return [worker.rank, worker.size, x * scale]

    seen = one(answer, {"each": [{"x": 1.5}, {"x": 2.5}], "scale": 2})
    assert seen["result"]["returned"] == [[0, 2, 3.0], [1, 2, 5.0]]


def test_who_sends_to_itself_or_to_nobody_is_told():
    for to in (0, 2, -1):
        raised = one(lambda worker, x, to=to: worker.send(x, to), numbers(2))["raised"]
        assert raised["type"] == "ValueError" and f"rank {to}" in raised["message"]


def test_ranks_see_copies_and_take_their_random_numbers_in_the_same_order():
    def draws(worker, x):
        if worker.rank == 0:
            worker.send(x, 1)
            x += 100
        else:
            x = worker.receive(0)
        return torch.rand(2) + x.sum().float()

    first, second = (one(draws, numbers(2)) for _ in range(2))
    assert first["changed"] == ["x"] and first["generators"] == "used"
    assert first["result"]["returned"][1].max() < 50
    for a, b in zip(first["result"]["returned"], second["result"]["returned"], strict=True):
        np.testing.assert_array_equal(a, b)


def test_gradients_are_on_in_every_rank():
    def answer(worker, x):
        x.requires_grad_()
        (x**2).sum().backward()
        return x.grad

    np.testing.assert_allclose(
        one(answer, {"each": [{"x": np.ones(2)}] * 2})["result"]["returned"], 2
    )


def test_no_thread_is_left_when_an_interrupt_ends_an_endless_rank():
    def interrupts_and_goes_on():
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            pass

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        Turns().run([interrupts_and_goes_on, lambda: None])
    while threading.active_count() > before:
        time.sleep(0.01)

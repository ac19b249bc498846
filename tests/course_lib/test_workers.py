"""A group of workers, simulated and as processes: the same numbers, deadlocks and exceptions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist

from course_lib.workers import Deadlock, Run, Worker, WorkerError, launch, simulate
from course_lib.workers.ledger import Ledger
from course_lib.workers.turns import Turns

Runs = Callable[..., Run]


@pytest.fixture(params=[simulate, launch], ids=["simulated", "processes"])
def run(request: pytest.FixtureRequest) -> Runs:
    """Either way to run a group."""
    found: Runs = request.param
    return found


def ring(worker: Worker, x: torch.Tensor) -> torch.Tensor:
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


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_ring_adds_up_on_every_rank_and_what_is_sent_is_counted(run: Runs, size: int) -> None:
    each = [{"x": torch.arange(12.0) * 2**rank} for rank in range(size)]
    ran = run(ring, size, each=each)
    for returned in ran.returned:
        assert torch.equal(returned, torch.arange(12.0) * (2**size - 1))
    assert ran.messages == [2 * (size - 1)] * size
    assert ran.numbers == [2 * (size - 1) * 12 // size] * size


def test_a_rank_is_given_what_is_its_own_and_what_is_everybodys(run: Runs) -> None:
    def answer(worker: Worker, x: float, scale: int) -> list[float]:
        return [worker.rank, worker.size, x * scale]

    assert run(answer, 2, each=[{"x": 1.5}, {"x": 2.5}], scale=2).returned == [
        [0, 2, 3.0],
        [1, 2, 5.0],
    ]


@pytest.mark.parametrize(
    "sent",
    [
        torch.randn(3, 2, 1),
        torch.tensor(2.5, dtype=torch.float64),
        torch.zeros(0, 3),
        torch.tensor([True, False]),
        torch.arange(6).reshape(2, 3).T,
        torch.ones(2, dtype=torch.bfloat16),
    ],
    ids=lambda tensor: f"{tensor.dtype} {tuple(tensor.shape)}",
)
def test_a_message_arrives_as_it_was_sent(run: Runs, sent: torch.Tensor) -> None:
    def answer(worker: Worker) -> Any:
        return worker.send(sent, 1) if worker.rank == 0 else worker.receive(0)

    received = run(answer, 2).returned[1]
    assert received.dtype == sent.dtype and received.shape == sent.shape
    assert torch.equal(received, sent)


def test_messages_arrive_in_their_order_and_also_from_one_who_has_ended(run: Runs) -> None:
    def answer(worker: Worker) -> Any:
        if worker.rank == 0:
            for n in range(5):
                worker.isend(torch.full((n,), float(n)), 1)
            return []
        return [len(worker.receive(0)) for _ in range(5)]

    assert run(answer, 2).returned[1] == [0, 1, 2, 3, 4]


def test_what_is_sent_is_a_copy(run: Runs) -> None:
    def answer(worker: Worker) -> Any:
        x = torch.zeros(1000)
        if worker.rank == 0:
            sent = worker.isend(x, 1)
            x += 100
            return sent()
        return worker.receive(0).sum().item()

    assert run(answer, 2).returned[1] == 0


def waits_in_a_ring(worker: Worker) -> torch.Tensor:
    worker.send(torch.ones(3), (worker.rank + 1) % worker.size)
    return worker.receive((worker.rank - 1) % worker.size)


def test_a_deadlock_is_proved_and_says_who_waits_for_whom(run: Runs) -> None:
    told = (
        "rank 0 waits until rank 1 receives; rank 1 waits until rank 2 receives; "
        "rank 2 waits until rank 0 receives"
    )
    with pytest.raises(Deadlock, match=told):
        run(waits_in_a_ring, 3)


def test_a_message_that_never_comes_is_a_deadlock_too(run: Runs) -> None:
    def answer(worker: Worker) -> Any:
        return worker.receive(1) if worker.rank == 0 else None

    with pytest.raises(Deadlock, match="^rank 0 waits for a message of rank 1"):
        run(answer, 2)


def test_a_worker_that_is_at_work_is_no_deadlock(run: Runs) -> None:
    def answer(worker: Worker) -> Any:
        if worker.rank:
            time.sleep(0.3)
            return worker.send(torch.ones(1), 0)
        return worker.receive(1).item()

    assert run(answer, 2).returned[0] == 1


def test_the_first_exception_is_told_with_its_rank(run: Runs) -> None:
    def breaks(worker: Worker) -> Any:
        if worker.rank == 2:
            raise ZeroDivisionError("the first")
        return worker.receive(2)

    with pytest.raises((ZeroDivisionError, WorkerError)) as caught:
        run(breaks, 3)
    told = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert "the first" in told and "rank 2" in told


def test_who_sends_to_itself_or_to_nobody_is_told(run: Runs) -> None:
    for to in (0, 2, -1):
        with pytest.raises((ValueError, WorkerError), match=f"to rank {to}: it must be another"):
            run(lambda worker, to=to: worker.rank or worker.send(torch.ones(1), to), 2)


def test_a_group_needs_members_and_arguments_for_each(run: Runs) -> None:
    with pytest.raises(ValueError, match="size and each"):
        run(ring, 0)
    with pytest.raises(ValueError, match="size and each"):
        run(ring, 2, each=[{"x": torch.ones(2)}])


def test_a_process_that_dies_is_told_with_what_ended_it() -> None:
    def dies(worker: Worker, how: Callable[[], None]) -> Any:
        return how() if worker.rank == 1 else worker.receive(1)

    with pytest.raises(WorkerError, match="rank 1 was ended by SIGKILL"):
        launch(dies, 3, how=lambda: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(WorkerError, match="rank 1 ended with exit status 3"):
        launch(dies, 3, how=lambda: os._exit(3))


def test_a_message_that_is_longer_than_its_buffer_ends_the_worker_and_not_us() -> None:
    def torchs(worker: Worker) -> Any:
        if worker.rank == 0:
            return dist.send(torch.ones(500), 1)
        return dist.recv(torch.ones(2), 0)

    with pytest.raises(WorkerError, match="rank 1 was ended by SIGABRT"):
        launch(torchs, 2)


def test_who_does_not_end_in_time_is_ended() -> None:
    with pytest.raises(WorkerError, match="rank 1 did not end within 1 seconds"):
        launch(lambda worker: worker.rank and time.sleep(3600), 2, seconds=1)


def test_no_process_is_left(tmp_path: Path) -> None:
    def notes(worker: Worker) -> None:
        Path(tmp_path, str(worker.rank)).write_text(str(os.getpid()))
        if worker.rank == 0:
            raise ZeroDivisionError
        time.sleep(3600)

    with pytest.raises(WorkerError):
        launch(notes, 3)
    for written in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(written.read_text()), 0)


def test_a_group_in_processes_does_not_hang_after_work_with_several_threads() -> None:
    code = """
import torch
from course_lib.workers import launch
torch.set_num_threads(2)
x = torch.randn(600, 600, requires_grad=True)
(x @ x).sum().backward()
work = lambda worker: ((torch.ones(600, 600) @ torch.ones(600, 600)).sum().item())
print(launch(work, 2).returned)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ran.stdout.strip() == f"[{600.0**3}, {600.0**3}]", ran.stderr


def test_a_system_without_forks_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    with pytest.raises(NotImplementedError, match="simulate"):
        launch(ring, 2, x=torch.ones(3))


def test_simulated_workers_take_their_random_numbers_in_the_same_order() -> None:
    def draws(worker: Worker) -> float:
        if worker.rank == 0:
            worker.send(torch.rand(1), 1)
        else:
            worker.receive(0)
        return torch.rand(1).item()

    found = []
    for _ in range(2):
        torch.manual_seed(0)
        found.append(simulate(draws, 2).returned)
    assert found[0] == found[1]


def test_no_thread_is_left_when_an_interrupt_ends_an_endless_rank() -> None:
    def interrupts_and_goes_on() -> None:
        time.sleep(0.2)
        # As one that comes just before the main thread waits: nothing wakes it.
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        while True:
            pass

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        Turns().run([lambda: None, interrupts_and_goes_on])
    while threading.active_count() > before:
        time.sleep(0.01)


def test_a_ledger_proves_what_cannot_go_on_and_nothing_else(tmp_path: Path) -> None:
    ledger = Ledger(2, tmp_path / "ledger")
    assert ledger.deadlock() is None  # both are at work
    ledger.receives(1, 0)
    assert ledger.deadlock() is None
    number = ledger.post(1, 0)
    ledger.sends(1, 0, number)
    assert ledger.deadlock() is None  # rank 0 has only not taken it yet
    ledger.took(1, 0)
    ledger.receives(1, 0)
    assert ledger.deadlock() is None  # rank 1 has only not seen it yet
    ledger.goes_on(1)
    ledger.ends(1)
    assert ledger.deadlock() == "rank 0 waits for a message of rank 1"
    ledger.goes_on(0)
    ledger.ends(0)
    assert ledger.deadlock() is None

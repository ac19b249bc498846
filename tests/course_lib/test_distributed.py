"""Several workers against one, torch's own collectives, and timetables that are counted out."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from course_lib.distributed import (
    average_gradients,
    broadcast,
    data_parallel_step,
    equal_budgets,
    idle_share,
    large_batch_options,
    mean_over_shards,
    pipeline_timetable,
    ring_all_reduce,
    shard,
    sync_batch_norm,
    tensor_parallel_block,
    train_accumulating,
    train_data_parallel,
)
from course_lib.schedules import linear_warmup
from course_lib.workers import Worker, launch, simulate
from tests.support.closeness import assert_close

SIZES = (1, 2, 3, 4, 7)


def gradient_of(weight: torch.Tensor, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    leaf = weight.clone().requires_grad_()
    F.cross_entropy(x @ leaf, target).backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    return leaf.grad


def examples(count: int, features: int = 4, classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(count, features, dtype=torch.float64)
    return x + torch.arange(count)[:, None] / count, torch.randint(classes, (count,))


def test_the_mean_over_shards_is_that_of_the_whole_batch() -> None:
    weight = torch.randn(4, 3, dtype=torch.float64)
    x, target = examples(10)
    parts = [slice(0, 7), slice(7, 10)]
    gradients = [gradient_of(weight, x[p], target[p]) for p in parts]
    whole = gradient_of(weight, x, target)
    assert_close(mean_over_shards(gradients, (7, 3)), whole)
    assert not torch.allclose(torch.stack(gradients).mean(0), whole, rtol=1e-3)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("length", [0, 1, 5, 12])
def test_the_ring_adds_up_with_few_numbers_and_gives_all_the_same_bits(
    size: int, length: int
) -> None:
    held = [{"x": torch.randn(length)} for _ in range(size)]
    run = simulate(ring_all_reduce, size, each=held)
    total = torch.stack([h["x"].double() for h in held]).sum(0)
    for returned in run.returned:
        assert torch.equal(returned, run.returned[0])
        assert_close(returned, total.float())
    assert run.messages == [2 * (size - 1)] * size
    assert max(run.numbers) <= 2 * (size - 1) * math.ceil(length / size)


def by_torch(worker: Worker, x: torch.Tensor) -> torch.Tensor:
    total = x.clone()
    dist.all_reduce(total)
    return total


def test_the_ring_is_all_reduce() -> None:
    held = [{"x": torch.randn(11, dtype=torch.float64)} for _ in range(3)]
    theirs = launch(by_torch, 3, each=held).returned
    for ours in (simulate, launch):
        for a, b in zip(ours(ring_all_reduce, 3, each=held).returned, theirs, strict=True):
            assert_close(a, b)


def test_micro_batches_are_one_batch_over_several_steps() -> None:
    def network() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()

    batches = [[examples(5), examples(2)], [examples(1), examples(3), examples(6)]]
    ours, theirs = network(), network()
    losses = train_accumulating(
        ours, torch.optim.SGD(ours.parameters(), 0.3, momentum=0.8), batches, max_norm=0.5
    )
    optimizer = torch.optim.SGD(theirs.parameters(), 0.3, momentum=0.8)
    for parts, found in zip(batches, losses, strict=True):
        x, target = (torch.cat(things) for things in zip(*parts, strict=True))
        optimizer.zero_grad()
        loss = F.cross_entropy(theirs(x), target)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        assert norm > 0.1
        optimizer.step()
        assert found == pytest.approx(loss.item(), rel=1e-9)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert_close(a.detach(), b.detach())


def test_a_step_of_all_workers_is_that_of_one() -> None:
    weight = torch.randn(4, 3, dtype=torch.float64)
    parts = [examples(n) for n in (5, 1, 3)]
    each = [{"x": x, "target": target} for x, target in parts]
    x, target = (torch.cat(things) for things in zip(*parts, strict=True))
    wanted = weight - 0.7 * gradient_of(weight, x, target)
    for run in (simulate, launch):
        for returned in run(data_parallel_step, 3, each=each, weight=weight, lr=0.7).returned:
            assert_close(returned, wanted)


def test_options_go_from_the_old_rate_to_the_rescaled_one() -> None:
    options = {"lr": 0.2, "momentum": 0.9, "weight_decay": 0.01}
    rates = []
    for step in range(12):
        now = large_batch_options(step, options, factor=8, warmup_steps=10)
        assert {k: v for k, v in now.items() if k != "lr"} == {
            "momentum": 0.9,
            "weight_decay": 0.01,
        }
        rates.append(now["lr"])
    assert rates[0] == pytest.approx(0.2) and rates[10] == rates[11] == pytest.approx(1.6)
    # What is added on the way is the warm-up of lab 7, one step later.
    added = [linear_warmup(step, base_lr=1.4, warmup_steps=10) for step in range(11)]
    assert [rate - 0.2 for rate in rates[1:]] == pytest.approx(added)
    root = large_batch_options(3, options, factor=16, warmup_steps=0, rule="sqrt")
    assert root["lr"] == pytest.approx(0.8) and options["lr"] == 0.2


@pytest.mark.parametrize("stages", [1, 2, 4])
@pytest.mark.parametrize("count", [1, 3, 8])
def test_an_equal_pipeline_ends_after_m_plus_p_minus_one(stages: int, count: int) -> None:
    starts = pipeline_timetable(torch.ones(stages), count)
    assert starts.tolist() == [[s + i for i in range(count)] for s in range(stages)]
    makespan = starts.max().item() + 1
    assert makespan == count + stages - 1
    busy = {(s, int(t)) for s in range(stages) for t in starts[s].tolist()}
    assert len(busy) == stages * count  # one at a time
    share = 1 - len(busy) / (stages * makespan)
    assert idle_share(stages, count) == pytest.approx(share)


def test_no_timetable_is_earlier() -> None:
    """Nothing starts before it may, and each start waits for one of two ends."""
    durations = torch.tensor([1.5, 0.5, 3.0, 1.0], dtype=torch.float64)
    starts = pipeline_timetable(durations, 5)
    ends = starts + durations[:, None]
    for s, i in itertools.product(range(4), range(5)):
        before = [ends[s - 1, i].item()] * (s > 0) + [ends[s, i - 1].item()] * (i > 0)
        assert starts[s, i].item() == max(before, default=0.0)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_shards_are_the_batch(size: int) -> None:
    x = torch.arange(22).reshape(11, 2)
    parts = [shard(x, rank, size) for rank in range(size)]
    assert sorted(torch.cat(parts).tolist()) == x.tolist()
    assert {len(part) for part in parts} <= {11 // size, -(-11 // size)}


@pytest.mark.parametrize("root", [0, 2])
def test_a_broadcast_is_torchs(root: int) -> None:
    def theirs(worker: Worker, x: torch.Tensor) -> torch.Tensor:
        held = x.clone()
        dist.broadcast(held, root)
        return held

    each = [{"x": torch.randn(2, 3)} for _ in range(3)]
    run = simulate(broadcast, 3, each=each, root=root)
    for a, b in zip(run.returned, launch(theirs, 3, each=each).returned, strict=True):
        assert torch.equal(a, b)
    assert sum(run.messages) == 2


def test_gradients_of_all_parameters_are_averaged_in_one_all_reduce() -> None:
    each: list[dict[str, Any]] = [
        {"gradients": [torch.randn(2, 3), torch.randn(4), torch.randn(())]} for _ in range(3)
    ]
    run = simulate(average_gradients, 3, each=each)
    for n in range(3):
        mean = torch.stack([e["gradients"][n] for e in each]).mean(0)
        for returned in run.returned:
            assert_close(returned[n], mean)
    assert run.messages == [4] * 3


def test_a_training_is_that_of_one_process_with_momentum() -> None:
    weights = [torch.randn(4, 3, dtype=torch.float64) for _ in range(3)]
    steps = [[examples(n) for n in counts] for counts in ((5, 1, 3), (2, 7, 1), (1, 2, 4))]
    each = [{"weight": weights[r], "shards": [step[r] for step in steps]} for r in range(3)]
    one = weights[0].clone().requires_grad_()
    optimizer = torch.optim.SGD([one], lr=0.4, momentum=0.8)
    for step in steps:
        x, target = (torch.cat(things) for things in zip(*step, strict=True))
        optimizer.zero_grad()
        F.cross_entropy(x @ one, target).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    for returned in simulate(train_data_parallel, 3, each=each, lr=0.4, momentum=0.8).returned:
        assert_close(returned, one.detach())


def test_a_training_is_that_of_distributed_data_parallel() -> None:
    def theirs(worker: Worker, weight: Any, shards: Any, lr: float, momentum: float) -> Any:
        layer = nn.Linear(4, 3, bias=False).double()
        layer.weight.data = weight.T.clone()
        model = DistributedDataParallel(layer)
        optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)
        for x, target in shards:
            optimizer.zero_grad()
            F.cross_entropy(model(x), target).backward()
            optimizer.step()
        return layer.weight.detach().T

    each = [
        {
            "weight": torch.randn(4, 3, dtype=torch.float64),
            "shards": [examples(5) for _ in range(4)],
        }
        for _ in range(2)
    ]
    settings: dict[str, Any] = {"each": each, "lr": 0.3, "momentum": 0.9}
    ours = launch(train_data_parallel, 2, **settings).returned
    for a, b in zip(ours, launch(theirs, 2, **settings).returned, strict=True):
        assert_close(a, b)


def test_synchronized_statistics_are_those_of_the_whole_batch_and_local_ones_are_not() -> None:
    x = torch.randn(9, 3, dtype=torch.float64) + torch.arange(9)[:, None]
    parts = x.tensor_split((2, 7))
    whole = F.batch_norm(x, None, None, training=True, eps=0.1)
    run = simulate(sync_batch_norm, 3, each=[{"x": part} for part in parts], eps=0.1)
    assert_close(torch.cat(run.returned), whole)
    local = [F.batch_norm(part, None, None, training=True, eps=0.1) for part in parts]
    assert (torch.cat(local) - whole).abs().max() > 0.1


def test_a_block_cut_along_its_units_is_the_dense_one() -> None:
    x, first, bias = torch.randn(5, 4), torch.randn(4, 7), torch.randn(7)
    second, last = torch.randn(7, 3), torch.randn(3)
    cuts = (1, 4)
    each = [
        {"first": a, "first_bias": b, "second": c}
        for a, b, c in zip(
            first.tensor_split(cuts, 1), bias.tensor_split(cuts), second.tensor_split(cuts),
            strict=True,
        )
    ]  # fmt: skip
    run = simulate(tensor_parallel_block, 3, each=each, x=x, second_bias=last)
    for returned in run.returned:
        assert_close(returned, torch.relu(x @ first + bias) @ second + last)
    assert run.messages == [4] * 3


def test_budgets_are_those_of_a_clock_that_is_run() -> None:
    found = equal_budgets(1000, 32, 8, overhead=0.01, per_example=1e-4)
    budget, spent, steps = 1000 * (0.01 + 32e-4), 0.0, 0
    while spent + 0.01 + 256e-4 <= budget:
        spent, steps = spent + 0.01 + 256e-4, steps + 1
    assert found == {"examples": 125, "steps": 1000, "time": steps}


NONE = Worker(0, type("Nobody", (), {"size": 1})())


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: mean_over_shards([], ()), "gradients"),
        (lambda: mean_over_shards([torch.ones(2), torch.ones(3)], (1, 1)), "gradients"),
        (lambda: mean_over_shards([torch.ones(2)], (0,)), "counts"),
        (lambda: ring_all_reduce(NONE, torch.ones(2, 2)), "x"),
        (lambda: train_accumulating(nn.Linear(1, 1), None, [[]], max_norm=1), "batches"),
        (lambda: large_batch_options(-1, {"lr": 1}, factor=2, warmup_steps=1), "step"),
        (lambda: large_batch_options(0, {}, factor=2, warmup_steps=1), "options"),
        (lambda: large_batch_options(0, {"lr": 1}, factor=0, warmup_steps=1), "factor"),
        (
            lambda: large_batch_options(0, {"lr": 1}, factor=2, warmup_steps=1, rule="log"),
            "rule",
        ),
        (lambda: pipeline_timetable(torch.tensor([1.0, 0.0]), 2), "durations"),
        (lambda: pipeline_timetable(torch.ones(2), 0), "micro_batches"),
        (
            lambda: data_parallel_step(
                NONE, torch.ones(2, 3), torch.ones(0, 2), torch.ones(0).long(), lr=1
            ),
            "shapes",
        ),
        (lambda: shard(torch.ones(3), 2, 2), "rank"),
        (lambda: broadcast(NONE, torch.ones(3), 1), "root"),
        (lambda: average_gradients(NONE, []), "gradients"),
        (lambda: train_data_parallel(NONE, torch.ones(2, 2), [], lr=1, momentum=0), "shards"),
        (lambda: sync_batch_norm(NONE, torch.ones(3)), "x"),
        (
            lambda: tensor_parallel_block(
                NONE, torch.ones(2, 3), torch.ones(4, 2), torch.ones(2), torch.ones(2, 1),
                torch.ones(1),
            ),
            "shapes",
        ),
        (lambda: idle_share(0, 1), "stages"),
        (lambda: equal_budgets(1, 1, 0, overhead=1, per_example=1), "got"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_by_name(call: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        call()

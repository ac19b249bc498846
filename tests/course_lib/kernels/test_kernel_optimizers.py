"""Optimizer steps in one launch against torch's, step by step, and what they touch."""

import pytest
import torch
from torch import nn

from course_lib import optimizers as one_by_one
from course_lib.kernels.optimizers import (
    AdamW,
    SGDMomentum,
    adamw,
    adamw_bytes,
    sgd_momentum,
    sgd_momentum_bytes,
    work,
)
from course_lib.tracing import interpreting, pointer_table, watching
from course_lib.tracing.compiling import compiled

SHAPES = [(7, 5), (0,), (1,), (1023,), (1024,), (1025,), (3, 1, 3), ()]
STEPS = 50
interpreted = pytest.mark.skipif(not interpreting(), reason="kernels are not interpreted here")


def network(device: str, dtype: torch.dtype = torch.float32) -> list[nn.Parameter]:
    """Parameters of many shapes."""
    return [nn.Parameter(torch.randn(shape, dtype=dtype, device=device)) for shape in SHAPES]


def copied(parameters: list[nn.Parameter]) -> list[nn.Parameter]:
    return [nn.Parameter(p.detach().clone()) for p in parameters]


def set_gradients(step: int, *networks: list[nn.Parameter]) -> None:
    """The same gradients for all, of very different sizes."""
    for i, parameters in enumerate(zip(*networks, strict=True)):
        grad = torch.randn_like(parameters[0]) * 10.0 ** ((i + step) % 5 - 3)
        for parameter in parameters:
            parameter.grad = grad.clone()


def assert_same(actual: list[nn.Parameter], expected: list[nn.Parameter]) -> None:
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=2e-6, atol=2e-6)


RULES = [
    pytest.param(
        lambda p: AdamW(p, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1),
        id="adamw",
    ),
    pytest.param(
        lambda p: SGDMomentum(p, lr=0.01, momentum=0.9, weight_decay=0.1),
        lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.1),
        id="sgd",
    ),
]


@pytest.mark.parametrize(("ours", "torchs"), RULES)
def test_many_steps_are_those_of_torch(ours, torchs, anywhere: str) -> None:
    mine = network(anywhere)
    other = copied(mine)
    one, two = ours(mine), torchs(other)

    for step in range(STEPS):
        set_gradients(step, mine, other)
        if step == STEPS // 2:  # as a schedule does
            one.lr = two.param_groups[0]["lr"] = 0.003
        one.step()
        two.step()

    assert_same(mine, other)


@pytest.mark.parametrize(("ours", "torchs"), RULES)
def test_parameters_without_a_gradient_rest(ours, torchs, anywhere: str) -> None:
    mine = network(anywhere)
    other = copied(mine)
    one, two = ours(mine), torchs(other)

    for step in range(6):
        set_gradients(step, mine, other)
        for i in range(len(mine)):
            if step % (i + 1):
                mine[i].grad = other[i].grad = None
        one.step()
        two.step()

    assert_same(mine, other)


def test_the_first_step_of_adamw_has_the_length_of_the_rate(device: str) -> None:
    w = nn.Parameter(torch.tensor([1.0, -2.0, 3.0], device=device))
    w.grad = torch.tensor([1e-3, -10.0, 1e4], device=device)

    AdamW([w], lr=0.25, weight_decay=0.5, eps=1e-12).step()

    expected = torch.tensor([1.0, -2.0, 3.0]) * (1 - 0.125) - 0.25 * torch.tensor([1.0, -1.0, 1.0])
    torch.testing.assert_close(w.detach().cpu(), expected, rtol=3e-7, atol=3e-7)


def test_a_gradient_of_zero_divides_by_nothing(device: str) -> None:
    w = nn.Parameter(torch.ones(5, device=device))
    w.grad = torch.zeros_like(w)

    AdamW([w], lr=0.1, weight_decay=0.0).step()

    assert torch.equal(w.detach(), torch.ones_like(w))


@pytest.mark.parametrize(("ours", "torchs"), RULES)
def test_gradients_that_are_views_or_spread_out_are_taken(ours, torchs, device: str) -> None:
    mine = [nn.Parameter(torch.randn(6, 4, device=device)), nn.Parameter(torch.randn(7).to(device))]
    other = copied(mine)
    for parameters in (mine, other):
        parameters[0].grad = torch.arange(24.0, device=device).reshape(4, 6).T
        parameters[1].grad = torch.arange(8.0, device=device)[1:]

    ours(mine).step()
    torchs(other).step()

    assert_same(mine, other)


@pytest.mark.parametrize(("ours", "torchs"), RULES)
def test_parameters_that_the_kernel_does_not_take_are_updated_too(
    ours, torchs, device: str
) -> None:
    mine = [
        nn.Parameter(torch.randn(9, dtype=torch.float64, device=device)),
        nn.Parameter(torch.randn(8, device=device)[1:]),
        nn.Parameter(torch.randn(4, 6, device=device).T),
        nn.Parameter(torch.randn(5, device=device)),
    ]
    other = copied(mine)
    one, two = ours(mine), torchs(other)

    for step in range(3):
        set_gradients(step, mine, other)
        one.step()
        two.step()

    assert_same(mine, other)


def test_pieces_of_tensors_are_numbered() -> None:
    sizes, tensor_of, start_of, programs = work((5, 0, 4, 1), 4)

    assert sizes.tolist() == [5, 0, 4, 1]
    assert tensor_of.tolist() == [0, 0, 2, 3]
    assert start_of.tolist() == [0, 4, 0, 0]
    assert programs == 4
    assert work((), 4).programs == work((0,), 4).programs == 0


def test_other_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="allowed is weight_decay >= 0"):
        SGDMomentum([torch.ones(1)], weight_decay=-1.0)
    with pytest.raises(ValueError, match="allowed are two numbers"):
        AdamW([torch.ones(1)], betas=(0.9, 1.0))


@interpreted
@pytest.mark.parametrize(("ours", "torchs"), RULES)
def test_all_tensors_are_one_launch(ours, torchs) -> None:
    mine = network("cpu")
    one = ours(mine)

    for step in range(2):
        set_gradients(step, mine)
        with watching() as traces:
            one.step()
        assert [trace.programs for trace in traces] == [8]


@interpreted
@pytest.mark.parametrize("order", ["forward", "backward", "shuffled"])
@pytest.mark.parametrize("rule", ["adamw", "sgd"])
def test_it_moves_the_fewest_bytes_in_any_order(rule: str, order) -> None:
    sizes = (700, 0, 256, 1, 511)
    w, g, m, v = ([torch.rand(n) for n in sizes] for _ in range(4))
    todo = work(sizes, 256)
    places = (todo.sizes, todo.tensor_of, todo.start_of)
    reference: one_by_one.GradientDescent
    if rule == "adamw":
        reference = one_by_one.AdamW(
            [t.clone() for t in w], lr=0.1, betas=(0.5, 0.75), eps=1e-8, weight_decay=0.25
        )
        state = [{"t": 2, "m": a.clone(), "v": b.clone()} for a, b in zip(m, v, strict=True)]
    else:
        reference = SGDMomentum([t.clone() for t in w], lr=0.1, momentum=0.5, weight_decay=0.25)
        state = [{"b": a.clone()} for a in m]

    with watching(order) as traces:
        tables = [pointer_table(tensors) for tensors in (w, g, m)]
        if rule == "adamw":
            numbers = (0.1, 0.5, 0.75, 1e-8, 0.25, 1 - 0.5**3, 1 - 0.75**3)
            adamw[(todo.programs,)](*tables, pointer_table(v), *places, *numbers, BLOCK=256)
        else:
            sgd_momentum[(todo.programs,)](*tables, *places, 0.1, 0.5, 0.25, BLOCK=256)

    for i in range(len(sizes)):
        reference.update(reference.parameters[i], g[i], state[i])
        torch.testing.assert_close(w[i], reference.parameters[i], rtol=1e-6, atol=1e-6)
        for remembered, name in ((m, "m" if rule == "adamw" else "b"), (v, "v")):
            if name in state[i]:
                torch.testing.assert_close(remembered[i], state[i][name], rtol=1e-6, atol=1e-6)
    (trace,) = traces
    fewest = (adamw_bytes if rule == "adamw" else sgd_momentum_bytes)(sum(sizes))
    assert fewest <= trace.moved <= 1.02 * fewest
    assert trace.races == []


@interpreted
def test_they_compile_to_wide_loads() -> None:
    table, places = [torch.empty(4)], torch.empty(4, dtype=torch.int64)
    arguments = {
        "parameters": table,
        "gradients": table,
        "averages": table,
        "buffers": table,
        "squares": table,
        "sizes": places,
        "tensor_of": places,
        "start_of": places,
        "lr": 0.1,
        "momentum": 0.9,
        "beta1": 0.9,
        "beta2": 0.999,
        "eps": 1e-8,
        "weight_decay": 0.1,
        "correction1": 0.1,
        "correction2": 0.1,
        "BLOCK": 1024,
    }
    for kernel in (adamw, sgd_momentum):
        for made in compiled(kernel, arguments).values():
            assert (made["spills"], made["shared"], made["widest"]) == (0, 0, 16)
            assert made["registers"] <= 64

"""The kernels of lab 13 against torch, in several orders of their programs."""

import pytest
import torch
import torch.nn.functional as F

from course_lib.kernels import dropout, plain
from course_lib.tracing import jitted, launch

ORDERS = ("forward", "backward", "shuffled")


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("n", [1, 15, 16, 37])
def test_a_sum_is_torchs_for_any_length(n, order):
    x, y, out = torch.randn(n), torch.randn(n), torch.empty(n)
    trace = launch(plain.vector_add, (3,), x, y, out, n, order=order, BLOCK=16)
    assert torch.equal(out, x + y)
    assert trace.moved == 12 * n and not trace.races and not trace.unwritten("out_ptr")


def test_the_backward_pass_of_gelu_is_torchs():
    x = (torch.randn(50, dtype=torch.float64) * 3).requires_grad_()
    grad, out = torch.randn(50, dtype=torch.float64), torch.empty(50, dtype=torch.float64)
    F.gelu(x).backward(grad)
    slope = jitted(plain.gelu_slope)
    launch(plain.backward, (4,), x.detach(), grad, out, 50, SLOPE=slope, BLOCK=16)
    torch.testing.assert_close(out, x.grad)


@pytest.mark.parametrize("block", [8, 32])
@pytest.mark.parametrize(
    ("kernel", "mask"),
    [
        (plain.seeded_dropout, dropout.seeded_mask),
        (plain.dropout_in_fours, dropout.mask_in_fours),
    ],
)
def test_what_is_kept_is_what_philox_says(kernel, mask, block):
    x, out = torch.randn(45), torch.empty(45)
    launch(kernel, (6,), x, out, 45, 0.3, 11, BLOCK=block)
    torch.testing.assert_close(out, torch.where(mask(45, 0.3, 11), x / 0.7, 0))


@pytest.mark.parametrize(("rows", "classes"), [(1, 1), (5, 7), (8, 8), (3, 13)])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_losses_and_gradients_are_torchs(rows, classes, offset):
    logits = torch.randn(rows, classes, dtype=torch.float64) * 3 + offset
    targets, losses = torch.randint(classes, (rows,)), torch.empty(rows, dtype=torch.float64)
    wanted = logits.clone().requires_grad_()
    F.cross_entropy(wanted, targets).backward()
    expected = F.cross_entropy(wanted, targets, reduction="none").detach()
    trace = launch(
        plain.cross_entropy, (-(-rows // 2),), logits, targets, losses, rows, classes, 1 / rows,
        ROWS=2, CLASSES=16,
    )  # fmt: skip
    torch.testing.assert_close(losses, expected)
    torch.testing.assert_close(logits, wanted.grad, atol=1e-10, rtol=1e-7)
    assert trace.moved == plain.cross_entropy_bytes(rows, classes, 8) and not trace.races


@pytest.mark.parametrize("order", ORDERS)
def test_five_steps_of_adamw_are_torchs(order):
    parameters = [torch.nn.Parameter(torch.randn(n)) for n in (3, 16, 21)]
    optimizer = torch.optim.AdamW(parameters, lr=0.1, weight_decay=0.3)
    weights = [p.detach().clone() for p in parameters]
    averages, squares = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    tensor_of, start_of = torch.tensor([0, 1, 2, 2]), torch.tensor([0, 0, 0, 16])
    for step in range(1, 6):
        for parameter in parameters:
            parameter.grad = torch.randn_like(parameter)
        optimizer.step()
        launch(
            plain.adamw, (4,), weights, [p.grad for p in parameters], averages, squares,
            torch.tensor([3, 16, 21]), tensor_of, start_of, 0.1, 0.9, 0.999, 1e-8, 0.3,
            1 - 0.9**step, 1 - 0.999**step, order=order, BLOCK=16,
        )  # fmt: skip
    for weight, parameter in zip(weights, parameters, strict=True):
        torch.testing.assert_close(weight, parameter.detach(), rtol=1e-4, atol=1e-5)


def test_the_rows_of_a_biass_gradient_add_up_to_the_sum():
    grad, sums = torch.randn(21, 5), torch.empty(3, 5)
    trace = launch(plain.bias_gradient, (3,), grad, sums, 21, 5, ROWS=8, WIDTH=8)
    torch.testing.assert_close(sums.sum(dim=0), grad.sum(dim=0))
    assert not trace.races


def test_mixup_is_that_of_a_permutation():
    x, out = torch.randn(3, 20), torch.empty(3, 20)
    partner, weight = torch.tensor([2, 0, 1]), torch.rand(3)
    launch(plain.mixup, (3, 2), x, partner, weight, out, 20, BLOCK=16)
    torch.testing.assert_close(out, weight[:, None] * x + (1 - weight[:, None]) * x[partner])

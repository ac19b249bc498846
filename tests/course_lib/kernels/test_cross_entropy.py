"""Cross-entropy with the gradient in place of the logits, against torch's in float64."""

import pytest
import torch
from torch.nn import functional as F

pytest.importorskip("triton")

from course_lib.kernels import cross_entropy as module
from course_lib.kernels.cross_entropy import (
    cross_entropy,
    cross_entropy_bytes,
    mean_cross_entropy,
    online_cross_entropy,
    overwrite_by_gradient,
    rescale,
)
from course_lib.tracing import interpreting, watching
from course_lib.tracing.compiling import compiled
from tests.support.exactness import assert_as_exact

SHAPES = [(5, 7), (1, 10), (7, 130), (3, 1000), (6, 1), (4, 16)]
interpreted = pytest.mark.skipif(not interpreting(), reason="kernels are not interpreted here")


def on_chip(logits, targets, losses, scale=1.0, rows=2):
    """Several whole rows a program."""
    count, classes = logits.shape
    width = 1 << (classes - 1).bit_length()
    grid = (-(-count // rows),)
    cross_entropy[grid](logits, targets, losses, count, classes, scale, ROWS=rows, CLASSES=width)


def online(logits, targets, losses, scale=1.0):
    """A row a program, block by block."""
    count, classes = logits.shape
    online_cross_entropy[(count,)](logits, targets, losses, count, classes, scale, BLOCK=64)


def by_torch(logits, targets, scale=1.0):
    """Losses and gradient, in the dtype of the logits."""
    x = logits.clone().requires_grad_()
    losses = F.cross_entropy(x, targets, reduction="none")
    losses.sum().backward()
    return losses.detach(), x.grad * scale


def drawn(shape, dtype, device, spread=3.0):
    logits = spread * torch.randn(shape, dtype=dtype, device=device)
    return logits, torch.randint(shape[1], shape[:1], device=device)


def run(kernel, logits, targets, scale=1.0):
    """Losses and gradient by a kernel; what it gives is not there before."""
    x = logits.clone()
    wide = torch.promote_types(x.dtype, torch.float32)
    losses = torch.full(targets.shape, torch.nan, dtype=wide, device=x.device)
    kernel(x, targets, losses, scale)
    return losses, x


both = pytest.mark.parametrize("kernel", [on_chip, online])


@both
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_in_float64_it_is_torchs(kernel, shape, device):
    logits, targets = drawn(shape, torch.float64, device)
    result = run(kernel, logits, targets, 0.25)

    torch.testing.assert_close(result, by_torch(logits, targets, 0.25), rtol=1e-12, atol=1e-14)


@both
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_it_is_as_exact_as_torchs(kernel, shape, dtype, device):
    logits, targets = drawn(shape, dtype, device)
    losses, gradient = run(kernel, logits, targets)
    own, own_gradient = by_torch(logits.float(), targets)  # half precision is for memory only
    reference, reference_gradient = by_torch(logits.double(), targets)

    assert_as_exact(losses, own, reference)
    assert_as_exact(gradient, own_gradient.to(dtype), reference_gradient)


@pytest.mark.parametrize("wrong", ["zeros", "target only", "half inside", "softmax", "no scale"])
def test_what_is_not_exact_is_found(wrong):
    logits, targets = drawn((7, 130), torch.float32, "cpu")
    _, own = by_torch(logits, targets, 0.5)
    _, reference = by_torch(logits.double(), targets, 0.5)
    assert_as_exact(own, own, reference)
    bad = {
        "zeros": torch.zeros_like(own),
        "target only": own * F.one_hot(targets, 130),
        "half inside": (logits.half().softmax(1) - F.one_hot(targets, 130)).float() / 2,
        "softmax": logits.softmax(1) / 2,
        "no scale": 2 * own,
    }[wrong]

    with pytest.raises(AssertionError, match="error"):
        assert_as_exact(bad, own, reference)


@both
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_a_shift_of_a_row_changes_nothing(kernel, dtype, device):
    logits = torch.randint(-8, 9, (5, 130), device=device).to(dtype)
    targets = torch.randint(130, (5,), device=device)
    shift = torch.tensor([0.0, 512, -512, 4096, -4096], dtype=dtype, device=device)[:, None]
    losses, gradient = run(kernel, logits, targets)
    shifted_losses, shifted = run(kernel, logits + shift, targets)

    assert torch.equal(gradient, shifted)  # whole numbers: the differences are exact
    torch.testing.assert_close(shifted_losses, losses, rtol=1e-6, atol=0)


@both
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_the_gradient_of_a_row_sums_to_zero(kernel, dtype, device):
    logits, targets = drawn((7, 130), dtype, device)
    _, gradient = run(kernel, logits, targets)

    assert gradient.double().sum(1).abs().max() < 8 * torch.finfo(dtype).eps
    assert (gradient.abs().sum(1) > 0.1).all()


@both
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16], ids=str)
def test_extreme_logits_are_no_overflow(kernel, dtype, device):
    logits = torch.zeros(6, 70, dtype=dtype, device=device)
    logits[0, 3] = 1e4  # sure, and right
    logits[1, 3] = 1e4  # sure, and wrong
    logits[2] = -1e4
    logits[3] = 1e4
    logits[4, :64] = -torch.inf  # a whole block of `online`
    logits[5, 64:] = -torch.inf
    targets = torch.tensor([3, 4, 0, 69, 65, 2], device=device)
    losses, gradient = run(kernel, logits, targets)
    reference, reference_gradient = by_torch(logits.double(), targets)

    rounding = 8 * torch.finfo(dtype).eps
    torch.testing.assert_close(losses.double(), reference, rtol=rounding, atol=0)
    torch.testing.assert_close(gradient.double(), reference_gradient, rtol=rounding, atol=1e-7)


@both
def test_a_nan_stays_in_its_row(kernel, device):
    logits, targets = drawn((4, 70), torch.float32, device)
    logits[1, 5] = torch.nan
    losses, gradient = run(kernel, logits, targets)

    assert losses.isnan().tolist() == [False, True, False, False]
    assert gradient.isnan().all(1).tolist() == [False, True, False, False]
    assert not gradient[[0, 2, 3]].isnan().any()


@both
def test_rows_without_a_target_do_not_count(kernel, device):
    logits, targets = drawn((5, 70), torch.float64, device)
    targets[[0, 3]] = -1
    targets[4] = 70
    losses, gradient = run(kernel, logits, targets)
    reference, reference_gradient = by_torch(logits, targets.clamp(0, 69))

    assert losses[[0, 3]].eq(0).all() and gradient[[0, 3]].eq(0).all()
    assert losses[4] == torch.inf
    torch.testing.assert_close(losses[1:3], reference[1:3], rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient[1:3], reference_gradient[1:3], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("classes", [10, 130])
@pytest.mark.parametrize("ignore_index", [None, 3, -100])
@pytest.mark.parametrize("limit", [16384, 64])
def test_the_mean_loss_is_differentiated(classes, ignore_index, limit, monkeypatch, device):
    monkeypatch.setattr(module, "ON_CHIP", limit)
    x, targets = drawn((5, classes), torch.float64, device)
    if ignore_index is not None:
        targets[[1, 4]] = ignore_index
    known = {} if ignore_index is None else {"ignore_index": ignore_index}
    x.requires_grad_()
    loss = mean_cross_entropy(x.clone(), targets, ignore_index=ignore_index)
    (gradient,) = torch.autograd.grad(3 * loss, x)
    expected = F.cross_entropy(x, targets, **known)
    (expected_gradient,) = torch.autograd.grad(3 * expected, x)

    rtol = 1e-6 if device == "cuda" else 1e-12  # a number handed over to a GPU is float32
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, expected_gradient, rtol=rtol, atol=1e-14)


@interpreted
def test_the_gradient_is_that_of_the_loss():
    x, targets = drawn((3, 7), torch.float64, "cpu")  # by hand: gradcheck goes back twice
    step = 1e-6 * torch.eye(21, dtype=torch.float64).reshape(21, 3, 7)
    higher = torch.stack([mean_cross_entropy(x + e, targets) for e in step])
    lower = torch.stack([mean_cross_entropy(x - e, targets) for e in step])
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(mean_cross_entropy(x.clone(), targets), x)

    torch.testing.assert_close(gradient.ravel(), (higher - lower) / 2e-6, rtol=1e-6, atol=1e-9)


def test_the_mean_of_no_rows_is_torchs(device):
    x = torch.randn(2, 5, device=device).requires_grad_()
    loss = mean_cross_entropy(x.clone(), torch.full((2,), 7, device=device), ignore_index=7)
    (gradient,) = torch.autograd.grad(loss, x)

    assert loss.isnan() and gradient.eq(0).all()


def test_logits_hold_the_gradient_and_autograd_knows(device):
    x, targets = drawn((5, 7), torch.float32, device)
    _, gradient = by_torch(x, targets, 1 / 5)
    logits = x.clone()
    mean_cross_entropy(logits, targets)
    torch.testing.assert_close(logits, gradient)

    x.requires_grad_()
    logits = x * 1
    squared = logits.square().sum()  # keeps the logits
    loss = mean_cross_entropy(logits, targets)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        squared.backward()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_rescaling_by_one_moves_nothing(factor, device):
    x = torch.randn(100, device=device)
    expected = x * factor
    traces = []
    if interpreting():
        with watching() as traces:
            rescale[(4,)](x, torch.tensor(factor), 100, BLOCK=32)
        assert traces[0].loads["values_ptr"] == traces[0].stored == (400 if factor != 1 else 0)
    else:
        rescale[(4,)](x, torch.tensor(factor, device=device), 100, BLOCK=32)

    assert torch.equal(x, expected)


def test_without_the_kernel_torch_computes_it(monkeypatch):
    monkeypatch.setattr(module, "runs_on", lambda tensor: False)
    x, targets = drawn((5, 7), torch.float64, "cpu")
    targets[1] = 3
    kept = x.clone()

    assert torch.equal(mean_cross_entropy(x, targets), F.cross_entropy(x, targets))
    assert torch.equal(
        mean_cross_entropy(x, targets, ignore_index=3),
        F.cross_entropy(x, targets, ignore_index=3),
    )
    assert torch.equal(x, kept)
    with pytest.raises(ValueError, match="where a kernel runs"):
        overwrite_by_gradient(x, targets)


@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        (torch.ones(3), torch.zeros(3, dtype=torch.int64), "logits: got"),
        (torch.ones(0, 3), torch.zeros(0, dtype=torch.int64), "logits: got"),
        (torch.ones(2, 3, dtype=torch.int64), torch.zeros(2, dtype=torch.int64), "logits: got"),
        (torch.ones(2, 3), torch.zeros(3, dtype=torch.int64), "targets: got"),
        (torch.ones(2, 3), torch.zeros(2), "targets: got"),
    ],
)
def test_other_shapes_and_dtypes_are_refused(logits, targets, message):
    for function in (mean_cross_entropy, overwrite_by_gradient):
        with pytest.raises(ValueError, match=message):
            function(logits, targets)


def test_what_is_not_contiguous_is_copied_or_refused(device):
    x, targets = drawn((7, 5), torch.float64, device)
    x, targets = x.T, targets[:5] % 7
    kept = x.clone()

    with pytest.raises(ValueError, match="contiguous"):
        overwrite_by_gradient(x, targets)
    torch.testing.assert_close(mean_cross_entropy(x, targets), F.cross_entropy(x, targets))
    assert torch.equal(x, kept)


@interpreted
@pytest.mark.parametrize("order", ["forward", "backward", "shuffled"])
@pytest.mark.parametrize(("kernel", "reads"), [(on_chip, 1), (online, 2)])
def test_it_moves_the_fewest_bytes_in_any_order(kernel, reads, order):
    logits, targets = drawn((7, 130), torch.float32, "cpu")
    expected = run(kernel, logits, targets)
    with watching(order) as traces:
        result = run(kernel, logits, targets)
    (trace,) = traces

    assert trace.moved <= 1.02 * cross_entropy_bytes(7, 130, 4, reads=reads)
    assert trace.stored >= 4 * 7 * 131
    assert trace.races == [] and trace.unwritten("losses_ptr") == 0
    assert all(map(torch.equal, result, expected))


@interpreted
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    ("classes", "rows", "width", "warps", "widest"),
    [(10, 64, 16, 4, 8), (1000, 2, 1024, 4, 8), (1024, 2, 1024, 4, 16), (16384, 1, 16384, 16, 16)],
)
def test_it_compiles_without_spills(classes, rows, width, warps, widest, dtype):
    made = compiled(
        cross_entropy,
        {
            "logits_ptr": torch.empty(1, dtype=dtype),
            "targets_ptr": torch.empty(1, dtype=torch.int64),
            "losses_ptr": torch.empty(1),
            "rows": 64,
            "classes": classes,
            "scale": 0.5,
            "ROWS": rows,
            "CLASSES": width,
        },
        num_warps=warps,
    )
    for name in ("sm_80", "sm_90"):
        assert made[name]["spills"] == 0
        assert made[name]["registers"] <= 128
        assert made[name]["widest"] >= widest


@interpreted
def test_long_rows_compile_without_spills():
    made = compiled(
        online_cross_entropy,
        {
            "logits_ptr": torch.empty(1),
            "targets_ptr": torch.empty(1, dtype=torch.int64),
            "losses_ptr": torch.empty(1),
            "rows": 64,
            "classes": 50272,
            "scale": 0.5,
            "BLOCK": 4096,
        },
        num_warps=8,
    )
    of_rescale = compiled(
        rescale,
        {"values_ptr": torch.empty(1), "factor_ptr": torch.empty(1), "n": 4096, "BLOCK": 4096},
    )
    for answer in (made, of_rescale):
        for name in ("sm_80", "sm_90"):
            assert (answer[name]["spills"], answer[name]["widest"]) == (0, 16)

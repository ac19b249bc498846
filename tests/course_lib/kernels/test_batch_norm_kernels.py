"""Batch normalization by kernels against torch's in float64: forward, backward, statistics."""

import pytest
import torch
from torch.nn import functional as F

pytest.importorskip("triton")

from course_lib.kernels import batch_norm as module
from course_lib.kernels.batch_norm import (
    batch_norm,
    batch_norm_backward_bytes,
    batch_norm_bytes,
    gradient_sums,
    input_gradient,
    merge_statistics,
    merge_sums,
    normalize,
    statistics,
    tiling,
)
from course_lib.tracing import interpreting, watching
from course_lib.tracing.compiling import compiled
from tests.support.exactness import assert_as_exact

SHAPES = [(5, 3, 7), (7, 3), (4, 3, 5, 7), (1, 2, 3, 3), (3, 2, 40, 40)]
interpreted = pytest.mark.skipif(not interpreting(), reason="kernels are not interpreted here")


def by_torch(
    x, weight, bias, running_mean, running_var, *, training=True, momentum=0.1, eps=1e-5, relu=False
):
    y = F.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)
    return F.relu(y) if relu else y


def drawn(shape, dtype, device, offset=0.0):
    """The arguments and a gradient."""
    channels = shape[1]
    kind = {"dtype": dtype, "device": device}
    x = torch.randn(shape, **kind) + offset
    weight, bias = torch.rand(channels, **kind) + 0.5, torch.randn(channels, **kind)
    running = torch.randn(channels, **kind), torch.rand(channels, **kind) + 0.5
    return (x, weight, bias, *running), torch.randn(shape, **kind)


def results(function, arguments, grad, dtype=None, **known):
    """y, dx, dγ, dβ and the running statistics."""
    x, weight, bias, *running = (value.to(dtype or value.dtype).clone() for value in arguments)
    for value in (x, weight, bias):
        value.requires_grad_()
    y = function(x, weight, bias, *running, **known)
    gradients = torch.autograd.grad(y, (x, weight, bias), grad.to(y.dtype))
    return [y.detach(), *gradients, *running]


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_in_float64_it_is_torchs(shape, training, relu, device):
    arguments, grad = drawn(shape, torch.float64, device)
    known = {"training": training, "relu": relu, "momentum": 0.25, "eps": 0.125}
    result = results(batch_norm, arguments, grad, **known)

    expected = results(by_torch, arguments, grad, **known)
    torch.testing.assert_close(result, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_is_as_exact_as_torchs(shape, training, offset, device):
    arguments, grad = drawn(shape, torch.float32, device, offset)
    result = results(batch_norm, arguments, grad, training=training)
    own = results(by_torch, arguments, grad, training=training)
    reference = results(by_torch, arguments, grad, torch.float64, training=training)

    for value, of_torch, exact in zip(result, own, reference, strict=True):
        assert_as_exact(value, of_torch, exact)


def test_half_precision_is_computed_in_float32(device):
    arguments, grad = drawn((4, 3, 5, 7), torch.float16, device, offset=8.0)
    mixed = [arguments[0], *(value.float() for value in arguments[1:])]
    result = results(batch_norm, mixed, grad)
    reference = results(by_torch, mixed, grad, torch.float64)

    assert [value.dtype for value in result[:3]] == [torch.float16, torch.float16, torch.float32]
    for value, exact in zip(result, reference, strict=True):
        rounded = exact.to(value.dtype)
        assert_as_exact(value, rounded, exact)


@pytest.mark.parametrize("wrong", ["zeros", "half inside", "E[x²] − E[x]²", "unbiased"])
def test_what_is_not_exact_is_found(wrong):
    arguments, grad = drawn((4, 3, 5, 7), torch.float32, "cpu", offset=30.0)
    own = results(by_torch, arguments, grad)[0]
    reference = results(by_torch, arguments, grad, torch.float64)[0]
    assert_as_exact(own, own, reference)
    x, weight, bias = (value.reshape(-1, 1, 1) if value.ndim == 1 else value
                       for value in arguments[:3])  # fmt: skip
    across = (0, 2, 3)
    mean, variance = x.mean(across, keepdim=True), x.var(across, correction=0, keepdim=True)
    bad = {
        "zeros": torch.zeros_like(own),
        "half inside": by_torch(*(value.half() for value in arguments)).float(),
        "E[x²] − E[x]²": (x - mean)
        / (x.square().mean(across, keepdim=True) - mean**2 + 1e-5).sqrt()
        * weight
        + bias,
        "unbiased": (x - mean) / (variance * 140 / 139 + 1e-5).sqrt() * weight + bias,
    }[wrong]

    with pytest.raises(AssertionError, match="error"):
        assert_as_exact(bad, own, reference)


@interpreted
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("relu", [True, False])
def test_gradcheck(training, relu):
    (x, weight, bias, *running), _ = drawn((2, 2, 3), torch.float64, "cpu")

    assert torch.autograd.gradcheck(
        lambda x, weight, bias: batch_norm(
            x, weight, bias, *(value.clone() for value in running), training=training, relu=relu
        ),
        [value.requires_grad_() for value in (x, weight, bias)],
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_the_gradient_has_no_part_along_ones_and_along_x(dtype, device):
    arguments, grad = drawn((4, 3, 5, 7), dtype, device)
    x, dx = arguments[0].double(), results(batch_norm, arguments, grad, eps=1e-30)[1].double()
    x_hat = (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), correction=0, keepdim=True)

    size = dx.abs().sum((0, 2, 3))
    assert (size > 10).all()
    assert (dx.sum((0, 2, 3)).abs() < 4 * torch.finfo(dtype).eps * size).all()
    assert ((dx * x_hat).sum((0, 2, 3)).abs() < 4 * torch.finfo(dtype).eps * size).all()


def test_a_constant_channel_is_its_bias(device):
    arguments, grad = drawn((4, 3, 5, 7), torch.float32, device)
    arguments[0][:, 1] = 12345.678
    arguments[3].fill_(0), arguments[4].fill_(1)
    y, dx, dweight, _, mean, var = results(batch_norm, arguments, grad)

    assert torch.equal(y[:, 1], arguments[2][1].expand(4, 5, 7))
    assert dx.isfinite().all() and dweight[1] == 0
    assert torch.equal(mean[1], torch.tensor(12345.678, device=device) * 0.1)
    torch.testing.assert_close(var[1], torch.tensor(0.9, device=device))


def test_a_nan_stays_in_its_channel(device):
    arguments, grad = drawn((4, 3, 5, 7), torch.float32, device)
    arguments[0][2, 1, 3, 3] = torch.nan
    y, dx, *_ = results(batch_norm, arguments, grad, relu=True)

    for value in (y, dx):
        assert value.isnan().all(3).all(2).all(0).tolist() == [False, True, False]
        assert not value[:, [0, 2]].isnan().any()


def test_running_statistics_move_by_the_momentum(device):
    x = torch.tensor([1.0, 3.0, 5.0, 7.0], device=device).reshape(4, 1)
    one, zero = torch.ones(1, device=device), torch.zeros(1, device=device)
    mean, var = torch.full((1,), 8.0, device=device), torch.full((1,), 10.0, device=device)
    batch_norm(x, one, zero, mean, var, momentum=0.25)
    torch.testing.assert_close(mean, torch.tensor([7.0], device=device))  # 8 + (4 − 8) / 4
    torch.testing.assert_close(var, torch.tensor([9 + 1 / 6], device=device))  # 20 / 3, unbiased

    batch_norm(x, one, zero, mean, var, training=False)
    torch.testing.assert_close(mean, torch.tensor([7.0], device=device))


@pytest.mark.parametrize("parts", [1, 3, 4, 11])
def test_any_number_of_parts_is_merged(parts, device):
    counts = torch.randint(2, 9, (3, parts), device=device).double()
    means = 100 + torch.randn(3, parts, dtype=torch.float64, device=device)
    m2 = torch.rand(3, parts, dtype=torch.float64, device=device)
    partials = torch.stack([counts, means, m2])
    mean, rstd, running_mean = torch.zeros(3, 3, dtype=torch.float64, device=device)
    running_var = torch.ones(3, dtype=torch.float64, device=device)
    merge_statistics[(2,)](
        partials, mean, rstd, running_mean, running_var, 3, parts, 0.5, 1e-30, CHANNELS=2, PARTS=4
    )

    n = counts.sum(1)
    expected = (counts * means).sum(1) / n
    squares = (m2 + counts * (means - expected[:, None]) ** 2).sum(1)
    torch.testing.assert_close(mean, expected, rtol=1e-14, atol=0)
    torch.testing.assert_close(rstd, (squares / n).rsqrt(), rtol=1e-12, atol=0)
    torch.testing.assert_close(running_mean, expected / 2, rtol=1e-14, atol=0)
    torch.testing.assert_close(running_var, (1 + squares / (n - 1)) / 2, rtol=1e-12, atol=0)

    sums = torch.empty(3, dtype=torch.float64, device=device)
    merge_sums[(2,)](means, sums, 3, parts, ROWS=2, PARTS=4)
    torch.testing.assert_close(sums, means.sum(1), rtol=1e-14, atol=0)


@pytest.mark.parametrize(("images", "size"), [(1, 1), (256, 3136), (64, 256), (3, 7), (2, 50176)])
def test_tiles_cover_a_channel(images, size):
    parts, rows, pixels = tiling(images, size)

    assert parts == -(-images // rows) * -(-size // pixels)
    assert rows * pixels <= 2048 and rows & (rows - 1) == pixels & (pixels - 1) == 0
    assert parts * rows * pixels < 4 * images * size + 1


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1)])
def test_one_value_a_channel_is_an_error_as_in_torch(shape, device):
    arguments, _ = drawn(shape, torch.float32, device)
    with pytest.raises(ValueError, match="more than 1 value"):
        by_torch(*arguments)
    with pytest.raises(ValueError, match="more than 1 value"):
        batch_norm(*arguments)

    known = {"training": False}
    torch.testing.assert_close(batch_norm(*arguments, **known), by_torch(*arguments, **known))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x", torch.ones(3)),
        ("x", torch.ones(0, 3)),
        ("x", torch.ones(4, 3, dtype=torch.int64)),
        ("weight", torch.ones(4)),
        ("bias", torch.ones(1, 3)),
        ("running_mean", torch.ones(4)),
        ("running_var", torch.ones(6)[::2]),
    ],
)
def test_other_shapes_and_dtypes_are_refused(name, value):
    names = ("x", "weight", "bias", "running_mean", "running_var")
    arguments = dict(zip(names, drawn((4, 3), torch.float32, "cpu")[0], strict=True))
    with pytest.raises(ValueError, match=f"{name}: got"):
        batch_norm(**(arguments | {name: value}))


@pytest.mark.parametrize("relu", [False, True])
def test_without_the_kernel_torch_computes_it(relu, monkeypatch):
    monkeypatch.setattr(module, "runs_on", lambda tensor: False)
    arguments, grad = drawn((4, 3, 5), torch.float32, "cpu")
    result = results(batch_norm, arguments, grad, relu=relu)

    assert all(map(torch.equal, result, results(by_torch, arguments, grad, relu=relu)))


def test_what_is_not_contiguous_is_brought_in_order(device):
    arguments, grad = drawn((4, 3, 5, 7), torch.float64, device)
    x = arguments[0].to(memory_format=torch.channels_last)
    mixed = (x, *arguments[1:])
    result = results(batch_norm, mixed, grad.to(memory_format=torch.channels_last))

    assert result[0].is_contiguous()
    expected = results(by_torch, arguments, grad)
    torch.testing.assert_close(result, expected, rtol=1e-12, atol=1e-12)


def test_what_is_kept_is_x_and_two_numbers_a_channel(device):
    (x, weight, bias, *running), _ = drawn((4, 3, 5, 7), torch.float32, device)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda value: value):
        batch_norm(x.requires_grad_(), weight, bias, *running)

    assert sorted(value.numel() for value in kept) == [3, 3, 3, 3, x.numel()]


@interpreted
@pytest.mark.parametrize("order", ["forward", "backward", "shuffled"])
@pytest.mark.parametrize("shape", [(8, 2, 16, 16), (3, 2, 23, 29)], ids=str)
def test_it_moves_the_bytes_of_two_passes_in_any_order(shape, order):
    arguments, grad = drawn(shape, torch.float32, "cpu")
    expected = results(batch_norm, arguments, grad, relu=True)
    with watching(order) as traces:
        result = results(batch_norm, arguments, grad, relu=True)

    assert all(map(torch.equal, result, expected))
    names = "statistics merge_statistics normalize gradient_sums merge_sums input_gradient"
    assert [trace.kernel for trace in traces] == names.split()
    assert all(trace.races == [] for trace in traces)
    written = [("partials_ptr",), ("mean_ptr", "rstd_ptr", "running_mean_ptr", "running_var_ptr"),
               ("out_ptr",), ("partials_ptr",), ("sums_ptr",), ("out_ptr",)]  # fmt: skip
    for trace, outputs in zip(traces, written, strict=True):
        assert [trace.unwritten(name) for name in outputs] == [0] * len(outputs)
    elements = arguments[0].numel()
    moved = [trace.moved for trace in traces]
    assert sum(moved[:3]) <= 1.02 * batch_norm_bytes(elements, 2, 4)
    assert sum(moved[3:]) <= 1.02 * batch_norm_backward_bytes(elements, 2, 4)


@interpreted
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("size", "widest"), [(3136, 16), (256, 16), (49, 2)])
def test_it_compiles_without_spills(size, widest, dtype):
    _, rows, pixels = tiling(64, size)
    x, vector = torch.empty(1, dtype=dtype), torch.empty(1)
    a_channel = dict.fromkeys(("mean_ptr", "rstd_ptr", "weight_ptr", "bias_ptr"), vector)
    shape = {"images": 64, "channels": 64, "size": size, "RELU": True, "IMAGES": rows,
             "PIXELS": pixels}  # fmt: skip
    pair = {"x_ptr": x, "grad_ptr": x}
    made = [
        compiled(statistics, {"x_ptr": x, "partials_ptr": vector, **shape}),
        compiled(normalize, {"x_ptr": x, "out_ptr": x, **a_channel, **shape}),
        compiled(gradient_sums, {**pair, "partials_ptr": vector, **a_channel, **shape}),
        compiled(input_gradient, {**pair, "sums_ptr": vector, "out_ptr": x, **a_channel, **shape}),
    ]
    for of_kernel in made:
        for name in ("sm_80", "sm_90"):
            # For an odd size the compiler keeps to 64 registers, and may put one of them away.
            assert of_kernel[name]["spills"] <= (0 if size % 16 == 0 else 8)
            assert of_kernel[name]["registers"] <= 64
            assert of_kernel[name]["widest"] >= widest


@interpreted
@pytest.mark.parametrize("parts", [1, 64, 1024])
def test_merging_compiles_without_spills(parts):
    vector = torch.empty(1)
    together = 1024 // parts
    running = dict.fromkeys(("mean_ptr", "rstd_ptr", "running_mean_ptr", "running_var_ptr"), vector)
    known = {"partials_ptr": vector, "parts": 100, "PARTS": parts}
    of_statistics = compiled(
        merge_statistics,
        {**known, **running, "channels": 64, "momentum": 0.1, "eps": 1e-5, "CHANNELS": together},
    )
    of_sums = compiled(merge_sums, {**known, "sums_ptr": vector, "rows": 64, "ROWS": together})
    for made in (of_statistics, of_sums):
        assert made["sm_80"]["spills"] == made["sm_90"]["spills"] == 0

"""The end of a branch in one kernel against the four steps one by one."""

import pytest
import torch

from course_lib.kernels.activations import ACTIVATIONS, activation
from course_lib.kernels.dropout import dropout, mask_in_fours
from course_lib.kernels.elementwise import programs
from course_lib.kernels.fused import (
    add_branch,
    add_branch_bytes,
    bias_dropout_backward,
    bias_dropout_residual,
)
from course_lib.tracing import interpreting, watching
from course_lib.tracing.compiling import compiled

SHAPES = [(0, 5), (1, 1), (3, 5), (7, 37), (2, 3, 41), (64, 16), (13,)]
PRECISIONS = [torch.float64, torch.float32, torch.float16]
SEED = 11
interpreted = pytest.mark.skipif(not interpreting(), reason="kernels are not interpreted here")


def drawn(shape: tuple[int, ...], dtype: torch.dtype, device: str) -> list[torch.Tensor]:
    """A residual, a branch and its bias, all differentiated."""
    shapes = (shape, shape, shape[-1:])
    return [torch.randn(s, dtype=dtype, device=device).requires_grad_() for s in shapes]


def by_steps(
    residual: torch.Tensor, x: torch.Tensor, bias: torch.Tensor, name: str, p: float
) -> torch.Tensor:
    """Torch in float64, with the mask that Philox draws."""
    kept = mask_in_fours(x.numel(), p, SEED, str(x.device)).reshape(x.shape)
    branch = ACTIVATIONS[name][2](x.double() + bias.double())
    return residual.double() + torch.where(kept, branch / (1 - p), 0)


@pytest.mark.parametrize("name", ["gelu", "relu"])
@pytest.mark.parametrize("p", [0.0, 0.25])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_equals_the_steps_one_by_one_bit_for_bit(
    shape: tuple[int, ...], p: float, name: str, device: str
) -> None:
    residual, x, bias = (t.detach() for t in drawn(shape, torch.float32, device))

    expected = residual + dropout(activation(x + bias, name), p, SEED)

    y = add_branch(residual, x, bias, name, p, SEED)
    # A GPU rounds a product and the sum that takes it once.
    tolerance = 0 if device == "cpu" else 1e-6
    torch.testing.assert_close(y, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients_are_those_of_torch_in_float64(
    shape: tuple[int, ...], dtype: torch.dtype, anywhere: str
) -> None:
    tensors = drawn(shape, dtype, anywhere)
    # Not contiguous: one number in two, as the gradient of a slice may come.
    grad = torch.randn((*shape, 2), dtype=dtype, device=anywhere)[..., 0]

    y = add_branch(*tensors, "gelu", 0.25, SEED)
    gradients = torch.autograd.grad(y, tensors, grad)
    expected = by_steps(*tensors, "gelu", 0.25)
    wanted = torch.autograd.grad(expected, tensors, grad.double())

    assert y.dtype == dtype and all(g.dtype == dtype for g in gradients)
    eps = 8 * torch.finfo(dtype).eps
    torch.testing.assert_close(y.double(), expected, rtol=eps, atol=eps)
    for actual, right in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(actual, right.to(dtype), rtol=eps, atol=2 * eps)


def test_half_precision_is_rounded_once(anywhere: str) -> None:
    residual, x, bias = (t.detach() for t in drawn((7, 31), torch.float16, anywhere))

    exact = by_steps(residual, x, bias, "silu", 0.25)
    error = (add_branch(residual, x, bias, "silu", 0.25, SEED).double() - exact).abs()

    assert (error <= exact.abs() * 2**-11 + 2**-20).all()


@pytest.mark.parametrize("name", ["gelu", "tanh"])
def test_gradients_are_those_of_finite_differences(name: str, device: str) -> None:
    tensors = drawn((2, 3), torch.float64, device)

    assert torch.autograd.gradcheck(lambda *t: add_branch(*t, name, 0.4, SEED), tensors)


def test_what_is_not_contiguous_is_taken_in_its_own_order(device: str) -> None:
    residual, x, bias = drawn((5, 9), torch.float32, device)
    turned = x.detach().T.contiguous().T

    y = add_branch(residual, turned, bias.repeat_interleave(2)[::2], "relu", 0.25, SEED)

    assert torch.equal(y, add_branch(residual, x, bias, "relu", 0.25, SEED))


def test_nothing_is_kept_but_the_branch_and_its_bias(device: str) -> None:
    residual, x, bias = drawn((5, 9), torch.float32, device)

    y = add_branch(residual, x, bias, "gelu", 0.25, SEED)

    kept = {t.data_ptr() for t in y.grad_fn.saved_tensors}
    assert kept == {x.data_ptr(), bias.data_ptr()}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"p": 1.0}, "allowed is 0 <= p < 1"),
        ({"name": "swish"}, "allowed is one of relu"),
        ({"bias": torch.ones(4)}, "allowed are (…, D) twice and (D,)"),
        ({"residual": torch.ones(3)}, "allowed are (…, D) twice and (D,)"),
        ({"bias": torch.ones(3).double()}, "allowed is one floating-point dtype"),
    ],
)
def test_other_settings_shapes_and_dtypes_are_refused(changed: dict, message: str) -> None:
    fine = {
        "residual": torch.ones(2, 3),
        "x": torch.ones(2, 3),
        "bias": torch.ones(3),
        "name": "relu",
        "p": 0.5,
    }
    with pytest.raises(ValueError) as refused:
        add_branch(**(fine | changed))
    assert message in str(refused.value)


@interpreted
@pytest.mark.parametrize("order", ["forward", "backward", "shuffled"])
def test_it_moves_the_fewest_bytes_in_any_order(order) -> None:
    residual, x, bias = (t.detach() for t in drawn((5, 41), torch.float32, "cpu"))
    outs = torch.empty(2, 5, 41)
    value, slope, _ = ACTIVATIONS["gelu"]
    n, width = 205, 41

    with watching(order) as traces:
        bias_dropout_residual[programs(n, 64)](
            x, bias, residual, outs[0], n, width, 0.25, SEED, VALUE=value, BLOCK=64
        )
        bias_dropout_backward[programs(n, 64)](
            x, bias, residual, outs[1], n, width, 0.25, SEED, SLOPE=slope, BLOCK=64
        )

    inputs = [residual, x.requires_grad_(), bias]
    expected = by_steps(*inputs, "gelu", 0.25)
    (grad_x,) = torch.autograd.grad(expected, x, residual.double())
    torch.testing.assert_close(outs[0].double(), expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(outs[1], grad_x, rtol=1e-6, atol=1e-6)
    for trace in traces:
        # The bias, read again for every row, comes from the cache.
        again = trace.loads["bias_ptr"] - width * 4
        assert trace.moved - again == add_branch_bytes(n, width, 4)
        assert trace.loads["bias_ptr"] == n * 4
        assert trace.races == []


@interpreted
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_it_compiles_to_wide_loads(dtype: torch.dtype) -> None:
    x = torch.empty(16, dtype=dtype)
    shared = {"x_ptr": x, "bias_ptr": x, "residual_ptr": x, "grad_ptr": x, "out_ptr": x}
    shared |= {"n": 4096, "width": 256, "p": 0.3, "seed": SEED, "BLOCK": 1024}
    value, slope, _ = ACTIVATIONS["gelu"]

    for kernel, function in (
        (bias_dropout_residual, {"VALUE": value}),
        (bias_dropout_backward, {"SLOPE": slope}),
    ):
        for made in compiled(kernel, shared | function).values():
            assert (made["spills"], made["shared"], made["widest"]) == (0, 0, 16)
            assert made["registers"] <= 48

"""Kernels of activations against torch in float64, their gradients, and what they touch."""

import pytest
import torch

from course_lib.kernels.activations import (
    ACTIVATIONS,
    activation,
    activation_backward_bytes,
    activation_bytes,
    backward,
    forward,
)
from course_lib.kernels.elementwise import programs
from course_lib.tracing import interpreting, watching
from course_lib.tracing.compiling import compiled

NAMES = list(ACTIVATIONS)
PRECISIONS = [torch.float64, torch.float32, torch.float16]
interpreted = pytest.mark.skipif(not interpreting(), reason="kernels are not interpreted here")


def inputs(dtype: torch.dtype, device: str) -> torch.Tensor:
    """Ordinary numbers, small ones, and those at which formulas break."""
    hard = [0.0, -0.0, 1e4, -1e4, 90.0, -90.0, -0.5, -0.49, 20.0, -20.0, torch.inf]
    parts = [torch.randn(200), 5 * torch.randn(200), 1e-3 * torch.randn(50), torch.tensor(hard)]
    return torch.cat(parts).to(device=device, dtype=dtype)


def reference(name: str, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Torch's value and gradient in float64, of numbers that are rounded already."""
    x = x.detach().double().requires_grad_()
    value = ACTIVATIONS[name][2](x)
    (slope,) = torch.autograd.grad(value, x, grad.double())
    return value.detach(), slope


def assert_near(actual: torch.Tensor, expected: torch.Tensor) -> None:
    """A few roundings: float32 of what is narrower, then once to its own dtype."""
    eps = torch.finfo(torch.promote_types(actual.dtype, torch.float32)).eps
    own = 0.5 * torch.finfo(actual.dtype).eps if actual.dtype == torch.float16 else 0.0
    smallest = 2.0**-24 if actual.dtype == torch.float16 else 0.0
    rounded = {"rtol": 8 * eps + own, "atol": 8 * eps + smallest}
    torch.testing.assert_close(actual.double(), expected, equal_nan=True, **rounded)


@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_are_those_of_torch_in_float64(
    name: str, dtype: torch.dtype, device: str
) -> None:
    x = inputs(dtype, device).requires_grad_()
    grad = torch.rand_like(x) + 0.5
    value, slope = reference(name, x, grad)

    y = activation(x, name)
    y.backward(grad)

    assert y.dtype == dtype and y.shape == x.shape
    assert_near(y.detach(), value)
    assert x.grad is not None
    # ∞ · 0 is not a number, in torch neither.
    finite = x.detach().isfinite()
    assert_near(x.grad[finite], slope[finite])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("name", ["elu", "tanh", "silu", "gelu"])
def test_small_numbers_keep_all_their_digits(name: str, dtype: torch.dtype, device: str) -> None:
    x = 10 ** torch.linspace(-20, 0, 81, dtype=torch.float64)
    x = torch.cat([x, -x]).to(device=device, dtype=dtype)
    value, _ = reference(name, x, torch.ones_like(x))

    error = (activation(x, name).double() / value - 1).abs().max().item()

    assert error < 8 * torch.finfo(dtype).eps


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_a_number_stays_so(name: str, device: str) -> None:
    assert activation(torch.tensor([torch.nan], device=device), name).isnan().all()


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 211])
def test_vectors_of_every_length_and_nothing_beyond(n: int, device: str) -> None:
    x, grad = torch.randn(2, n, device=device)
    outs = torch.full((2, n + 64), torch.nan, device=device)

    value, slope, oracle = ACTIVATIONS["gelu"]
    forward[programs(n, 64)](x, outs[0], n, VALUE=value, BLOCK=64)
    backward[programs(n, 64)](x, grad, outs[1], n, SLOPE=slope, BLOCK=64)

    assert_near(outs[0, :n], oracle(x.double()))
    assert_near(outs[1, :n], reference("gelu", x, grad)[1])
    assert outs[:, n:].isnan().all()


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(name: str, device: str) -> None:
    x = torch.randn(3, 5, dtype=torch.float64, device=device)
    x = (x + 0.1 * x.sign()).requires_grad_()

    assert torch.autograd.gradcheck(lambda x: activation(x, name), (x,))
    assert torch.autograd.gradcheck(lambda x: activation(x.T, name), (x,))


def test_a_gradient_that_is_not_contiguous_is_taken_in_its_own_order(device: str) -> None:
    x = torch.randn(5, 9, device=device, requires_grad=True)
    grad = torch.randn(9, 5, device=device).T

    activation(x, "gelu").backward(grad)

    assert_near(x.grad, reference("gelu", x, grad)[1])


def test_nothing_is_kept_but_the_input(device: str) -> None:
    x = torch.randn(7, device=device, requires_grad=True)
    y = activation(x, "gelu")

    (kept,) = y.grad_fn.saved_tensors
    assert kept.data_ptr() == x.data_ptr()


@pytest.mark.parametrize("name", NAMES)
def test_without_the_kernel_torch_gives_the_same(
    name: str, device: str, request: pytest.FixtureRequest
) -> None:
    x = inputs(torch.float32, device)[:-1]  # of ∞, torch's GELU of float32 is not a number
    by_kernel = activation(x, name)
    request.getfixturevalue("without_kernels")

    torch.testing.assert_close(activation(x, name), by_kernel, rtol=2e-6, atol=2e-6)


def test_unknown_names_and_whole_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="got 'swish', allowed is one of relu"):
        activation(torch.ones(1), "swish")
    with pytest.raises(ValueError, match="allowed is a floating-point dtype"):
        activation(torch.ones(1, dtype=torch.int64), "relu")


@interpreted
@pytest.mark.parametrize("order", ["forward", "backward", "shuffled"])
def test_they_move_the_fewest_bytes_in_any_order(order) -> None:
    x, grad = torch.randn(2, 211)
    outs = torch.empty(2, 211)
    value, slope, oracle = ACTIVATIONS["silu"]

    with watching(order) as traces:
        forward[programs(211, 64)](x, outs[0], 211, VALUE=value, BLOCK=64)
        backward[programs(211, 64)](x, grad, outs[1], 211, SLOPE=slope, BLOCK=64)

    assert_near(outs[0], oracle(x.double()))
    assert_near(outs[1], reference("silu", x, grad)[1])
    fewest = [activation_bytes(211, 4), activation_backward_bytes(211, 4)]
    assert [trace.moved for trace in traces] == fewest
    assert [trace.races for trace in traces] == [[], []]


@interpreted
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_they_compile_to_wide_loads(name: str, dtype: torch.dtype) -> None:
    x = torch.empty(16, dtype=dtype)
    shared = {"x_ptr": x, "grad_ptr": x, "out_ptr": x, "n": 4096, "BLOCK": 1024}
    value, slope, _ = ACTIVATIONS[name]

    for kernel, function in ((forward, {"VALUE": value}), (backward, {"SLOPE": slope})):
        for made in compiled(kernel, shared | function).values():
            assert (made["spills"], made["shared"], made["widest"]) == (0, 0, 16)
            assert made["registers"] <= 48

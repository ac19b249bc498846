"""Dropout of a seed: masks exact against Philox in torch, gradients, and what is touched."""

import pytest
import torch

from course_lib.kernels.dropout import (
    dropout,
    dropout_bytes,
    dropout_in_fours,
    mask_in_fours,
    seeded_dropout,
    seeded_mask,
)
from course_lib.kernels.elementwise import programs, rounded
from course_lib.kernels.philox import rand, rand4x
from course_lib.tracing import interpreting, watching
from course_lib.tracing.compiling import compiled

RAGGED = [0, 1, 3, 63, 64, 65, 211]
PRECISIONS = [torch.float64, torch.float32, torch.float16]
SEED = 2**40 + 17
KERNELS = [
    pytest.param(seeded_dropout, seeded_mask, id="seeded"),
    pytest.param(dropout_in_fours, mask_in_fours, id="in_fours"),
]
interpreted = pytest.mark.skipif(not interpreting(), reason="kernels are not interpreted here")


def scaled(x: torch.Tensor, kept: torch.Tensor, p: float) -> torch.Tensor:
    """What dropout gives: computed in float32 or wider, rounded once."""
    wider = x.to(torch.promote_types(x.dtype, torch.float32))
    return torch.where(kept, wider * (1 / (1 - rounded(p))), 0).to(x.dtype)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("n", RAGGED)
@pytest.mark.parametrize(("kernel", "mask"), KERNELS)
def test_masks_are_exactly_those_of_philox(kernel, mask, n: int, p: float, device: str) -> None:
    x = torch.randn(n, device=device)
    out = torch.full((n + 64,), torch.nan, device=device)

    kernel[programs(n, 64)](x, out, n, p, SEED, BLOCK=64)

    kept = mask(n, p, SEED, device)
    assert torch.equal(out[:n] != 0, kept)
    torch.testing.assert_close(out[:n], scaled(x, kept, p), rtol=3e-7, atol=0)
    assert out[n:].isnan().all()


def test_element_i_of_the_first_kernel_has_counter_i() -> None:
    numbers = torch.stack([rand(3, torch.tensor(i)) for i in range(11)])

    assert torch.equal(seeded_mask(11, 0.4, 3), numbers >= 0.4)


def test_element_4c_plus_k_has_number_k_of_counter_c() -> None:
    numbers = [rand4x(3, torch.tensor(i // 4), rounds=7)[i % 4] for i in range(11)]

    assert torch.equal(mask_in_fours(11, 0.4, 3), torch.stack(numbers) >= 0.4)


@pytest.mark.parametrize("rounds", [7, 10])
def test_a_number_that_equals_p_keeps_its_element(rounds: int, device: str) -> None:
    kernel = dropout_in_fours if rounds == 7 else seeded_dropout
    p = rand(SEED, torch.tensor(0), rounds).item()
    x = torch.ones(1, device=device)
    out = torch.zeros_like(x)

    kernel[(1,)](x, out, 1, p, SEED, BLOCK=64)

    assert out.item() == pytest.approx(1 / (1 - p))
    mask = mask_in_fours if rounds == 7 else seeded_mask
    assert mask(1, p, SEED).item()


@pytest.mark.parametrize("block", [4, 16, 256])
def test_the_mask_does_not_depend_on_the_block(block: int, device: str) -> None:
    x, n = torch.ones(61, device=device), 61
    out = torch.empty_like(x)

    dropout_in_fours[programs(n, block)](x, out, n, 0.3, SEED, BLOCK=block)

    assert torch.equal(out != 0, mask_in_fours(n, 0.3, SEED, device))


def test_entries_are_kept_as_often_as_they_should_be() -> None:
    n = 400_000
    for p in (0.1, 0.5, 0.75):
        shares = torch.stack([mask_in_fours(n, p, seed).double() for seed in (1, 2)])
        tolerance = 4 * (p * (1 - p) / n) ** 0.5
        assert (shares.mean(dim=1) - (1 - p)).abs().max() < tolerance
        assert ((shares[0] * shares[1]).mean() - (1 - p) ** 2).abs() < tolerance
        assert (shares.reshape(2, -1, 4).mean(dim=1) - (1 - p)).abs().max() < 2 * tolerance


@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
def test_the_kernel_and_torch_give_the_same(
    dtype: torch.dtype, device: str, request: pytest.FixtureRequest
) -> None:
    x = torch.randn(13, 17, dtype=dtype, device=device).T
    by_kernel = dropout(x, 0.3, SEED)
    request.getfixturevalue("without_kernels")
    by_torch = dropout(x, 0.3, SEED)

    assert torch.equal(by_kernel != 0, by_torch != 0)
    # A GPU divides with fewer digits, and in float32.
    exact = 0 if device == "cpu" else max(1e-6, torch.finfo(dtype).eps)
    torch.testing.assert_close(by_kernel, by_torch, rtol=exact, atol=0)
    kept = mask_in_fours(x.numel(), 0.3, SEED, device).reshape(x.shape)
    assert torch.equal(by_torch, scaled(x, kept, 0.3))


def test_half_precision_is_computed_in_float32(device: str) -> None:
    x = torch.randn(211, device=device).half()
    kept = mask_in_fours(211, 0.3, SEED, device)

    exact = scaled(x, kept, 0.3)
    tolerance = 0 if device == "cpu" else torch.finfo(torch.float16).eps
    torch.testing.assert_close(dropout(x, 0.3, SEED), exact, rtol=tolerance, atol=0)
    assert not torch.equal(exact, torch.where(kept, x * (1 / (1 - torch.tensor(0.3).half())), 0))


@pytest.mark.parametrize("p", [0.0, 1.0, 0, 1])
def test_dropping_nothing_or_everything(p: float, anywhere: str) -> None:
    x = torch.tensor([1.5, -2.5, torch.inf, 0.0, 1e-30], device=anywhere, requires_grad=True)

    y = dropout(x, p, SEED)
    y.sum().backward()

    assert torch.equal(y, x if p == 0 else torch.zeros_like(x))
    assert x.grad is not None
    assert torch.equal(x.grad, torch.full_like(x, 1 - p))


def test_the_backward_pass_draws_the_same_mask(anywhere: str) -> None:
    x = torch.randn(7, 31, device=anywhere, requires_grad=True)
    grad = torch.randn(31, 7, device=anywhere).T

    dropout(x, 0.4, SEED).backward(grad)

    assert torch.equal(x.grad, dropout(grad, 0.4, SEED))


def test_gradients_are_those_of_finite_differences(device: str) -> None:
    x = torch.randn(3, 5, dtype=torch.float64, device=device, requires_grad=True)

    assert torch.autograd.gradcheck(lambda x: dropout(x, 0.3, SEED), (x,))


def test_no_tensor_is_kept_for_the_backward_pass(anywhere: str) -> None:
    kept: list[torch.Tensor] = []
    x = torch.randn(64, device=anywhere, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda nothing: nothing):
        y = dropout(x, 0.3, SEED)

    assert kept == []
    function = vars(y.grad_fn)
    assert not any(isinstance(value, torch.Tensor) for value in function.values())


def test_seeds_decide_and_torch_gives_them(anywhere: str) -> None:
    x = torch.ones(256, device=anywhere)
    masks = [dropout(x, 0.5, seed) for seed in (1, 2, 1 + 2**32)]
    assert not any(torch.equal(masks[i], masks[i - 1]) for i in range(3))

    torch.manual_seed(5)
    first, second = dropout(x, 0.5), dropout(x, 0.5)
    torch.manual_seed(5)
    assert torch.equal(dropout(x, 0.5), first) and not torch.equal(first, second)


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_other_probabilities_are_refused(p: float) -> None:
    with pytest.raises(ValueError, match="allowed is 0 <= p <= 1"):
        dropout(torch.ones(1), p)


def test_whole_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="allowed is a floating-point dtype"):
        dropout(torch.ones(1, dtype=torch.int64), 0.5)


@interpreted
@pytest.mark.parametrize("order", ["forward", "backward", "shuffled"])
@pytest.mark.parametrize(("kernel", "mask"), KERNELS)
def test_it_moves_the_fewest_bytes_in_any_order(kernel, mask, order) -> None:
    x = torch.randn(211)
    out = torch.empty(211)

    with watching(order) as traces:
        kernel[programs(211, 64)](x, out, 211, 0.25, SEED, BLOCK=64)

    assert torch.equal(out, scaled(x, mask(211, 0.25, SEED), 0.25))
    assert traces[0].moved == dropout_bytes(211, 4)
    assert traces[0].races == []


@interpreted
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("kernel", "mask"), KERNELS)
def test_it_compiles_to_wide_loads(kernel, mask, dtype: torch.dtype) -> None:
    x = torch.empty(16, dtype=dtype)
    arguments = {"x_ptr": x, "out_ptr": x, "n": 4096, "p": 0.3, "seed": SEED, "BLOCK": 1024}

    for made in compiled(kernel, arguments).values():
        # No shared memory: the numbers are drawn where they are used.
        assert (made["spills"], made["shared"], made["widest"]) == (0, 0, 16)
        assert made["registers"] <= 32

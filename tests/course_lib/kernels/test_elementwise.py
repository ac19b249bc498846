"""The sum of two vectors against torch, and what it touches."""

import pytest
import torch

from course_lib.kernels.elementwise import add, programs, vector_add, vector_add_bytes
from course_lib.tracing import interpreting, watching
from course_lib.tracing.compiling import compiled

RAGGED = [0, 1, 63, 64, 65, 127, 211]
PRECISIONS = [torch.float64, torch.float32, torch.float16]
interpreted = pytest.mark.skipif(not interpreting(), reason="kernels are not interpreted here")


@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
@pytest.mark.parametrize("n", RAGGED)
def test_vectors_of_every_length_are_added(n: int, dtype: torch.dtype, device: str) -> None:
    x, y = torch.randn(2, n, dtype=dtype, device=device)
    out = torch.full((n + 64,), torch.nan, dtype=dtype, device=device)

    vector_add[programs(n, 64)](x, y, out, n, BLOCK=64)

    assert torch.equal(out[:n], x + y)
    assert out[n:].isnan().all()


def test_what_is_not_contiguous_is_added_in_its_own_order(device: str) -> None:
    x, y = torch.randn(37, 41, device=device), torch.randn(41, 37, device=device)

    assert torch.equal(add(x.T, y), x.T + y)


def test_without_the_kernel_torch_adds(without_kernels: None) -> None:
    x, y = torch.randn(2, 5)

    assert torch.equal(add(x, y), x + y)


@pytest.mark.parametrize("y", [torch.ones(4), torch.ones(3, dtype=torch.float64)])
def test_two_shapes_or_dtypes_are_refused(y: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="allowed is one dtype and one shape"):
        add(torch.ones(3), y)


def test_more_elements_than_int32_counts_are_refused() -> None:
    assert programs(2**31 - 64, 64) == (2**25 - 1,)
    with pytest.raises(ValueError, match="allowed is n <= 2"):
        programs(2**31 - 63, 64)


@interpreted
@pytest.mark.parametrize("order", ["forward", "backward", "shuffled"])
def test_it_moves_the_fewest_bytes_in_any_order(order) -> None:
    x, y = torch.randn(2, 211)
    out = torch.empty(211)

    with watching(order) as traces:
        vector_add[programs(211, 64)](x, y, out, 211, BLOCK=64)

    assert torch.equal(out, x + y)
    assert traces[0].moved == vector_add_bytes(211, 4)
    assert traces[0].races == []


@interpreted
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_it_compiles_to_wide_loads(dtype: torch.dtype) -> None:
    x = torch.empty(16, dtype=dtype)

    for made in compiled(
        vector_add, {"x_ptr": x, "y_ptr": x, "out_ptr": x, "n": 4096, "BLOCK": 1024}
    ).values():
        assert (made["spills"], made["shared"], made["widest"]) == (0, 0, 16)

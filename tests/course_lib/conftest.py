"""What every technique is tested on: each device, each precision, with seeded random numbers."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(
    params=[
        "cpu",
        pytest.param(
            "cuda",
            marks=[
                pytest.mark.gpu,
                pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
            ],
        ),
    ]
)
def device(request: pytest.FixtureRequest) -> str:
    """The device on which a rule is checked."""
    return str(request.param)


@pytest.fixture(params=[torch.float64, torch.float32], ids=["float64", "float32"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    """The precision in which a rule is checked."""
    result: torch.dtype = request.param
    return result


@pytest.fixture(autouse=True)
def seed() -> Iterator[None]:
    """Make every test repeatable without touching the random state of the others."""
    with torch.random.fork_rng():
        torch.manual_seed(2024)
        yield

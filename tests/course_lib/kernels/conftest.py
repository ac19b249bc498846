"""Where kernels are tested: interpreted on the CPU, compiled on a GPU where there is one."""

import pytest
import torch

from course_lib.tracing import runs_on


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> str:
    """A device on which kernels run."""
    name = str(request.param)
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    if not runs_on(torch.empty(0, device=name)):
        pytest.skip(f"kernels do not run on {name} here")
    return name

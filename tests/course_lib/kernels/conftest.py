"""Where kernels are tested: interpreted on the CPU, compiled on a GPU where there is one."""

import importlib
import pkgutil

import pytest
import torch

from course_lib import kernels
from course_lib.tracing import runs_on


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> str:
    """A device on which kernels run."""
    return _with_kernels(str(request.param))


@pytest.fixture(params=["torch", "cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def anywhere(request: pytest.FixtureRequest) -> str:
    """A device on which kernels run, or the CPU without them."""
    if request.param == "torch":
        request.getfixturevalue("without_kernels")
        return "cpu"
    return _with_kernels(str(request.param))


@pytest.fixture
def without_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """No kernel can run: torch takes its place."""
    for found in pkgutil.iter_modules(kernels.__path__, f"{kernels.__name__}."):
        module = importlib.import_module(found.name)
        monkeypatch.setattr(module, "runs_on", lambda tensor: False, raising=False)


def _with_kernels(name: str) -> str:
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    if not runs_on(torch.empty(0, device=name)):
        pytest.skip(f"kernels do not run on {name} here")
    return name

"""Submissions that break the GPU's state: a test's docstring begins with the case it stands for."""

import pytest
import torch

from autograder.grading.running.grade import grade_notebook
from autograder.grading.running.kernels import open_launcher
from autograder.grading.running.session import Limits
from autograder.judging import Reason

TARGET = "relu_second_moment"
PATIENT = Limits(cell=60, probe=60, submission=240)

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU"),
]

BROKEN = {
    "device-side assert": (
        "torch.zeros(2, device='cuda')[torch.tensor([5], device='cuda')]\ntorch.cuda.synchronize()"
    ),
    "out of memory": "kept = []\nwhile True:\n    kept.append(torch.ones(2**28, device='cuda'))",
}


@pytest.fixture(scope="module")
def gpu_launcher(room):
    launcher = open_launcher(room, device="cuda", share=0.1)
    yield launcher
    launcher.close()


@pytest.mark.parametrize("code", BROKEN.values(), ids=BROKEN)
def test_a_broken_gpu(attack, gpu_launcher, references, room, code):
    """CUDA device-side assert, CUDA out of memory"""
    used = "assert torch.ones(3, device='cuda').sum() == 3"
    notebook = attack(code)
    for cell in notebook.cells:
        if cell.source.startswith("def gaussian"):
            cell.source += f"\n\n{used}"
    record = grade_notebook(
        notebook, references, gpu_launcher, student="ada", limits=PATIENT
    ).record
    named = {v.exercise.partition("/")[2]: v for v in record.verdicts}
    assert named[TARGET].reason in (Reason.RAISED, Reason.CRASHED, Reason.OUT_OF_MEMORY)
    for rest in ("fan_in_and_fan_out", "gaussian", "xavier_normal"):
        assert named[rest].score == named[rest].points

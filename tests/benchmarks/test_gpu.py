"""What is run where a GPU is: refused where there is none, and scores compared one by one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from autograder.exercises import find_lab
from benchmarks import gpu

REPOSITORY = Path(gpu.__file__).resolve().parents[1]
without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


@without_gpu
def test_without_a_gpu_it_says_what_to_do_before_it_does_anything():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stdout == ""
    assert "needs a GPU" in done.stderr and "make gpu" in done.stderr


@pytest.mark.skipif(os.path.exists("/dev/nvidia0"), reason="there is a GPU")
@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
def test_make_gpu_fails_where_there_is_none_before_it_installs_anything(tmp_path):
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    # A make that another has started says where it is.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(["make", "gpu"], cwd=tmp_path, env=alone, capture_output=True, text=True)
    assert done.returncode != 0 and done.stdout == ""
    assert "needs an NVIDIA GPU" in done.stderr and "make gpu" in done.stderr


def test_scores_that_differ_are_named():
    on_cpu = {"ada": {"lab/one": 3.0, "lab/two": 1.0}, "tim": {"lab/one": 0.0}}
    assert gpu.differences(on_cpu, on_cpu) == []
    on_gpu = {"ada": {"lab/one": 3.0, "lab/two": 0.0}, "tim": {}}
    assert gpu.differences(on_cpu, on_gpu) == [
        "ada, lab/two: 1 on the CPU, 0.0 on the GPU",
        "tim, lab/one: 0 on the CPU, None on the GPU",
    ]
    assert "alone: ['tim']" in gpu.differences(on_cpu, {"ada": on_cpu["ada"]})[0]


@pytest.mark.slow
def test_a_class_is_graded_for_the_comparison(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "COUNT", 2)
    os.chmod(tmp_path, 0o755)
    lab = find_lab("initialization")
    scores = gpu.graded(lab, tmp_path / "cpu")
    assert gpu.differences(scores, gpu.graded(lab, tmp_path / "again", "--device", "cpu")) == []
    automatic = {exercise.id for exercise in lab.exercises.values() if exercise.automatic}
    assert len(scores) == 2 and all(automatic <= of_one.keys() for of_one in scores.values())
    assert sum(sum(of_one.values()) for of_one in scores.values()) > 0

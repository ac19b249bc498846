"""What is judged on a GPU: no reference mixes devices, no check compares their random numbers."""

import subprocess
import sys

import pytest
import torch

from autograder.exercises import labs
from tests.support.on_another_device import troubles

LABS = [lab.name for lab in labs()]
EXERCISES = [
    exercise
    for lab in labs()
    for exercise in lab.exercises.values()
    if exercise.automatic and not exercise.probe.observer.trains
]
GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")]


def on_the_second_device(*arguments):
    """In a process of its own: the device would last as long as that of all tests."""
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS)
def test_a_lab_is_judged_on_another_device_as_on_the_cpu(lab):
    assert on_the_second_device("tests.support.on_another_device", lab) == ""


@pytest.mark.parametrize(
    "exercise",
    [pytest.param(exercise, marks=GPU, id=exercise.id) for exercise in EXERCISES],
)
def test_an_exercise_is_judged_on_a_gpu_as_on_the_cpu(exercise):
    assert list(troubles(exercise, "cuda")) == []

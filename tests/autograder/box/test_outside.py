"""What the command line of the outer wall lets a box know of its machine."""

from pathlib import Path

from autograder.box.outside import View, environment


def test_a_box_with_a_gpu_is_told_which_is_its_jobs_and_no_other_is(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    monkeypatch.setenv("SECRET", "of the grader")
    with_gpu = environment(View(Path("/room"), devices=(Path("/dev/nvidia3"),)))
    assert with_gpu["CUDA_VISIBLE_DEVICES"] == "3" and "SECRET" not in with_gpu
    assert "CUDA_VISIBLE_DEVICES" not in environment(View(Path("/room")))

"""All that needs a GPU, and what to put on record of it: ``python -m benchmarks.gpu``.

The tests that are marked ``gpu``, compiled kernels among them; the same submissions to two labs
graded in the box on the CPU and on the GPU; the kernels' times.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from autograder.exercises import find_lab
from autograder.judging import Lab
from benchmarks.classes import CONFIGURED, REPOSITORY, course, submissions

LABS = ("initialization", "normalization")
COUNT = 8
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "PYTHONPATH": str(REPOSITORY),
    "TRITON_INTERPRET": "0",
}

Scores = dict[str, dict[str, float]]
"""Of every student, the score of every exercise."""


def what_is_missing() -> str | None:
    """Why nothing can be run here, and what to do; None where a GPU is at hand."""
    if torch.cuda.is_available():
        return None
    if torch.version.cuda is None:
        return (
            f"This needs a GPU, and torch {torch.__version__} was built for the CPU alone. On a "
            f"machine with an NVIDIA GPU install the build with CUDA: "
            f"`.venv/bin/pip install torch=={torch.__version__.partition('+')[0]} "
            "--force-reinstall`, then `make gpu` again. Nothing was run."
        )
    return (
        f"This needs a GPU, and torch {torch.__version__} finds none: `nvidia-smi` must list one, "
        f"with a driver for CUDA {torch.version.cuda} or newer, and CUDA_VISIBLE_DEVICES must not "
        "hide it. Then `make gpu` again. Nothing was run."
    )


def machine() -> str:
    """The GPU and the versions that numbers on record are of."""
    found = torch.cuda.get_device_properties(0)
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    driver = "of unknown version"
    if shutil.which(asked[0]):
        said = subprocess.run(asked, capture_output=True, text=True).stdout.split()
        driver = said[0] if said else driver
    try:
        import triton

        kernels = f"Triton {triton.__version__}"
    except ImportError:
        kernels = "no Triton"
    return (
        f"{found.name}, {found.total_memory / 2**30:.0f} GiB, driver {driver}, CUDA "
        f"{torch.version.cuda}, torch {torch.__version__}, {kernels}"
    )


def graded(lab: Lab, folder: Path, *options: str) -> Scores:
    """Grade a class of real answers, right and wrong, in the box, as an instructor would.

    Raises: SystemExit, with what the command said, where it fails.
    """
    course(folder, lab, submissions(lab, COUNT), CONFIGURED)
    # The same hidden inputs on both devices.
    (folder / ".course_secret").write_text("5a" * 32)
    command = [sys.executable, "-m", "autograder.cli", "grade", lab.name, *options]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(
            f"{' '.join(command[2:])} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    records = [json.loads(path.read_text()) for path in (folder / "records").rglob("*.json")]
    return {
        record["student"]: {one["id"]: one["score"] for one in record["exercises"]}
        for record in records
    }


def differences(on_cpu: Scores, on_gpu: Scores) -> list[str]:
    """In words, whose score of which exercise is another on the GPU."""
    if on_cpu.keys() != on_gpu.keys():
        return [f"graded on one device alone: {sorted(on_cpu.keys() ^ on_gpu.keys())}"]
    return [
        f"{student}, {exercise}: {score:g} on the CPU, {on_gpu[student].get(exercise)} on the GPU"
        for student, scores in sorted(on_cpu.items())
        for exercise, score in scores.items()
        if on_gpu[student].get(exercise) != score
    ]


def _graded_alike(name: str, place: Path) -> bool:
    lab = find_lab(name)
    try:
        scores = {d: graded(lab, place / d, "--device", d) for d in ("cpu", "cuda")}
    except SystemExit as failed:
        print(failed, flush=True)
        return False
    found = differences(scores["cpu"], scores["cuda"])
    count = sum(map(len, scores["cpu"].values()))
    print(f"{lab.name}: {len(scores['cpu'])} submissions, {count} scores", end="; ")
    print(
        "\n  ".join([f"{len(found)} differ", *found]) if found else "the same on both", flush=True
    )
    return not found


def main() -> int:
    """Run all of it; 0 where everything holds."""
    missing = what_is_missing()
    if missing:
        print(missing, file=sys.stderr)
        return 1
    print(machine(), "\n\n== tests on the GPU", flush=True)
    tests = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests"]
    right = [subprocess.run(tests, cwd=REPOSITORY, env=ENVIRONMENT).returncode == 0]
    print("\n== grading in the box, on the CPU and on the GPU", flush=True)
    with tempfile.TemporaryDirectory(prefix="course-gpu-") as folder:
        place = Path(folder)
        place.chmod(0o711)
        right += [_graded_alike(name, place) for name in LABS]
    print("\n== kernels", flush=True)
    times = [sys.executable, "-m", "benchmarks.kernels"]
    right.append(subprocess.run(times, cwd=REPOSITORY, env=ENVIRONMENT).returncode == 0)
    print("\nAll of it holds." if all(right) else "\nNot all of it holds: see above.")
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())

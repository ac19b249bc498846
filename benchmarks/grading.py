"""What grading costs, measured side by side in one run: ``python -m benchmarks.grading``.

Prints what it finds and writes it to ``benchmarks/grading.json``. Ratios are of commands run one
after the other on the same machine; absolute seconds are this machine's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

from autograder.building import student_notebook
from autograder.exercises import find_lab
from benchmarks import costs, many
from benchmarks.classes import CONFIGURED, REPOSITORY, course, submissions

RESULT = Path(__file__).with_name("grading.json")
LAB = find_lab("initialization")
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "PYTHONPATH": str(REPOSITORY),
}
STOCK = "c = get_config()\nc.ExecutePreprocessor.timeout = 60\n"


def run(command: list[str], folder: Path) -> float:
    """Wall seconds of a command that must succeed."""
    started = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
    return time.monotonic() - started


def grade(folder: Path, *options: str) -> dict[str, float]:
    """Grade a course folder with ours: seconds of the command, and once it was warm."""
    # As stock nbgrader's `generate_assignment` does, a gradebook is made before the clock runs.
    run([sys.executable, "-m", "nbgrader", "db", "assignment", "add", LAB.slug], folder)
    seconds = run([sys.executable, "-m", "autograder.cli", "grade", LAB.name, *options], folder)
    written = sorted(path.stat().st_mtime for path in (folder / "records").rglob("*.json"))
    return {
        "seconds": seconds,
        "per_second": len(written) / seconds,
        "per_second_once_warm": (len(written) - 1) / (written[-1] - written[0]),
    }


def autograde(folder: Path, handed_in: dict[str, Any], shown: bool) -> float:
    """Grade a course folder with stock nbgrader and its default preprocessors: seconds."""
    released = student_notebook(LAB, REPOSITORY)
    if not shown:
        released.cells = [c for c in released.cells if "show" not in c.metadata.get("tags", [])]
    source = folder / "source" / LAB.slug / f"{LAB.slug}.ipynb"
    source.parent.mkdir(parents=True)
    nbformat.write(released, source)
    nbgrader = [sys.executable, "-m", "nbgrader"]
    run([*nbgrader, "generate_assignment", LAB.slug], folder)
    seconds = run([*nbgrader, "autograde", LAB.slug], folder)
    graded = len(list((folder / "autograded").rglob("*.ipynb")))
    assert graded == len(handed_in), f"stock nbgrader graded {graded} of {len(handed_in)}"
    return seconds


def against_stock(place: Path, count: int, whole: int) -> dict[str, Any]:
    """Confined grading with two jobs against stock nbgrader, on the same submissions."""
    found: dict[str, Any] = {}
    for name, size, shown in (("without_show_cells", count, False), ("whole_lab", whole, True)):
        handed_in = submissions(LAB, size, shown=shown)
        ours = grade(course(place / "ours", LAB, handed_in, CONFIGURED), "--jobs", "2")
        stock = autograde(course(place / "stock", LAB, handed_in, STOCK), handed_in, shown)
        found[name] = {
            "submissions": size,
            "ours": ours,
            "stock_seconds": stock,
            "stock_per_second": size / stock,
            "times_faster": ours["per_second"] / (size / stock),
            "times_faster_once_warm": ours["per_second_once_warm"] / (size / stock),
        }
    return found


def scaling(place: Path, count: int) -> dict[str, Any]:
    """One job, two jobs, and two workers of a Dask cluster, on the same submissions."""
    handed_in = submissions(LAB, count)
    found: dict[str, Any] = {"submissions": count}
    for jobs in ("1", "2"):
        folder = course(place / f"jobs{jobs}", LAB, handed_in, CONFIGURED)
        found[f"jobs_{jobs}"] = grade(folder, "--jobs", jobs)
    folder = course(place / "dask", LAB, handed_in, CONFIGURED)
    with many.cluster(workers=2, environment=ENVIRONMENT) as address:
        found["dask_2"] = grade(folder, "--scheduler", address)
    for what in ("per_second", "per_second_once_warm"):
        found[f"two_jobs_over_one_{what}"] = found["jobs_2"][what] / found["jobs_1"][what]
        found[f"dask_over_pool_{what}"] = found["dask_2"][what] / found["jobs_2"][what]
    return found


def main() -> None:
    """Measure what was asked for, print it, and keep it beside what was measured before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help="stock scaling costs kernels many; default: all")
    parser.add_argument("--submissions", type=int, default=40, help="default: 40")
    parser.add_argument("--whole", type=int, default=6, help="of the whole lab; default: 6")
    parser.add_argument("--many", type=int, default=10_000, help="default: 10000")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="course-benchmark-") as folder:
        place = Path(folder)
        place.chmod(0o711)
        parts: dict[str, Callable[[], Any]] = {
            "stock": lambda: against_stock(place, options.submissions, options.whole),
            "scaling": lambda: scaling(place, options.submissions),
            "costs": lambda: costs.of_one_submission(LAB, place),
            "kernels": lambda: costs.of_kernels(),
            "many": lambda: many.bookkeeping(LAB, place, options.many),
        }
        kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        kept["machine"] = (
            f"{platform.machine()}, {os.cpu_count()} cores, Linux {os.uname().release}"
        )
        for name in options.parts or parts:
            kept[name] = parts[name]()
            print(f"\n{name}\n{json.dumps(kept[name], indent=1)}", flush=True)
            RESULT.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""What this machine can do for the course, and how to mend what it cannot."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.box.diagnosis import OLDEST_KERNEL, kernel_version, mending
from autograder.box.inside.filter import build
from autograder.box.outside import NoBox, find_bubblewrap

PACKAGES = (
    "torch",
    "numpy",
    "matplotlib",
    "jupyterlab",
    "nbgrader",
    "ipykernel",
    "jupytext",
)
MIN_FREE_BYTES = 500 * 2**20


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it will do, what was seen, and how to mend it.

    ``ok`` is None for what is good to know and stops nothing.
    """

    what: str
    ok: bool | None
    seen: str
    mend: str = ""


def examine(folder: Path) -> list[Finding]:
    """Look at everything that building, grading and reporting need."""
    return [
        _python(),
        *_packages(),
        _kernel(),
        _writable(Path(tempfile.gettempdir()), "temporary folder"),
        _writable(folder, "this folder"),
        _alembic(),
        _sqlite(),
        _linux(),
        _bubblewrap(),
        _filter(),
        _box(),
        _gpu(),
        _triton(),
    ]


def print_findings(findings: Iterable[Finding]) -> bool:
    """Print a line for each finding; true when something must be mended."""
    broken = False
    for finding in findings:
        mark = {True: "ok  ", False: "BAD ", None: "note"}[finding.ok]
        print(f"{mark} {finding.what}: {finding.seen}")
        if finding.ok is not True and finding.mend:
            print(f"     → {finding.mend}")
        broken |= finding.ok is False
    print("Something must be mended before grading." if broken else "Ready to build and grade.")
    return broken


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        "Python",
        (3, 11) <= sys.version_info[:2] <= (3, 13),
        version,
        "use Python 3.11 to 3.13",
    )


def _packages() -> Sequence[Finding]:
    findings = []
    for name in PACKAGES:
        try:
            findings.append(Finding(name, True, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            mend = "run `make .venv`, or `pip install -c constraints.txt -e .`"
            findings.append(Finding(name, False, "not installed", mend))
    return findings


def _kernel() -> Finding:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        mend = "run `python -m ipykernel install --sys-prefix`"
        return Finding("Jupyter kernel", False, "no python3 kernelspec", mend)
    return Finding("Jupyter kernel", True, spec.display_name)


def _writable(folder: Path, what: str) -> Finding:
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(what, False, f"{folder}: {error.strerror}", "make it writable")
    enough = free >= MIN_FREE_BYTES
    return Finding(what, enough, f"{free / 2**30:.1f} GiB free", "free at least 0.5 GiB")


def _alembic() -> Finding:
    # nbgrader calls `alembic` from PATH when it upgrades its gradebook.
    beside = Path(sys.executable).with_name("alembic")
    found = shutil.which("alembic") or (str(beside) if os.access(beside, os.X_OK) else None)
    return Finding("alembic", bool(found), "found" if found else "missing", "reinstall nbgrader")


def _sqlite() -> Finding:
    return Finding("gradebook database", True, f"SQLite {sqlite3.sqlite_version}")


def _linux() -> Finding:
    version, oldest = kernel_version(), OLDEST_KERNEL
    if version is None:
        mend = "build and study here, and grade on Linux"
        return Finding("Linux", False, "the box needs Linux", mend)
    seen = ".".join(map(str, version))
    if version < oldest:
        mend = "before 5.14 the limit on processes counts all of a user's; grade as a user apart"
        return Finding("Linux", None, seen, mend)
    return Finding("Linux", True, seen)


def _bubblewrap() -> Finding:
    try:
        return Finding("bubblewrap", True, find_bubblewrap())
    except NoBox as error:
        return Finding("bubblewrap", False, error.why, error.mend)


def _filter() -> Finding:
    if build() is not None:
        return Finding("system call filter", True, "libseccomp found")
    mend = "install libseccomp2 (Debian, Ubuntu) or libseccomp, and `pip install pyseccomp`"
    return Finding("system call filter", None, "no libseccomp: two walls instead of three", mend)


def _box() -> Finding:
    """Build the box that grading uses, and have a kernel in it answer."""
    from autograder.grading.running.kernels import open_launcher
    from autograder.grading.running.sealed import temporary_room
    from autograder.grading.running.session import Session

    try:
        with temporary_room() as room:
            launcher = open_launcher(room)
            try:
                started = time.monotonic()
                with Session(launcher) as session:
                    outcome = session.run_cell("import torch; torch.ones(2).sum()")
                seconds = time.monotonic() - started
            finally:
                launcher.close()
    except NoBox as error:
        return Finding("box", False, error.why, error.mend)
    except (OSError, RuntimeError) as error:
        return Finding("box", False, str(error), mending(str(error)))
    seen = f"a confined kernel started, answered and ended in {seconds:.2f} s"
    return Finding("box", outcome.status == "ok", seen, "see docs/security.md")


def _triton() -> Finding:
    try:
        return Finding("Triton", None, f"{importlib.metadata.version('triton')}, for lab 13")
    except importlib.metadata.PackageNotFoundError:
        mend = "on Linux, `pip install -c constraints.txt -e '.[kernels]'`, if you want lab 13"
        return Finding("Triton", None, "not installed; all labs but 13 do without", mend)


def _gpu() -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding("GPU", None, "unknown without torch")
    import torch

    if torch.cuda.is_available():
        return Finding("GPU", None, torch.cuda.get_device_name(0))
    return Finding("GPU", None, "none; everything runs on the CPU")

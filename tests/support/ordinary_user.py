"""Run a program as a user without rights, also where the environment lies in root's home."""

import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from autograder.box.inside import linux

USER = 12345
REPOSITORY = Path(__file__).resolve().parents[2]


def run_as_ordinary_user(program: str, *arguments: str) -> dict:
    """Run Python source that prints JSON last, as root would not; its JSON."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o777)
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env={**environment, "HOME": home, "TMPDIR": home},
            cwd=home,
            preexec_fn=_become if os.getuid() == 0 else None,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def _become() -> None:
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    for wanted in dict.fromkeys(map(os.path.realpath, (sys.base_prefix, sys.prefix, REPOSITORY))):
        _make_reachable(Path(wanted))
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)


def _make_reachable(folder: Path) -> None:
    """Cover the closed folder above with an open one that holds nothing else."""
    closed = [p for p in reversed(folder.parents) if not p.stat().st_mode & stat.S_IXOTH]
    if not closed:
        return
    held = os.open(folder, os.O_PATH)
    linux.mount("tmpfs", str(closed[0]), "tmpfs", options="mode=0755")
    folder.mkdir(parents=True)
    linux.mount(f"/proc/self/fd/{held}", str(folder), flags=linux.MS_BIND | linux.MS_REC)
    os.close(held)

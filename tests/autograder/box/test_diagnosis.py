"""Machines that cannot confine say why: the conditions are made for real, each in a process."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import autograder
from autograder.box.diagnosis import mending
from autograder.box.inside.filter import REFUSED
from tests.support.ordinary_user import run_as_ordinary_user

REPOSITORY = Path(autograder.__file__).resolve().parents[1]
PROFILE = REPOSITORY / "containers" / "seccomp.json"
as_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root to make the condition")

FILTERED = """
import errno, pyseccomp as seccomp
filter = seccomp.SyscallFilter(seccomp.ALLOW)
for name in ("unshare", "mount", "setns", "pivot_root"):
    filter.add_rule(seccomp.ERRNO(errno.EPERM), name)
filter.add_rule(
    seccomp.ERRNO(errno.EPERM), "clone", seccomp.Arg(0, seccomp.MASKED_EQ, 1 << 28, 1 << 28)
)
filter.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
filter.load()
"""

COVERED = """
import os
from autograder.box.inside import linux
linux.unshare(linux.CLONE_NEWNS)
linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
linux.mount("/dev/null", "/proc/vmallocinfo", flags=linux.MS_BIND)
"""

SWITCHED_OFF = """
import os
from autograder.box.inside import linux
linux.unshare(linux.CLONE_NEWUSER)
for name, text in (("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1")):
    open(f"/proc/self/{name}", "w").write(text)
open("/proc/sys/user/max_user_namespaces", "w").write("0")
"""

DOCTOR = """
from autograder.doctor import _box
finding = _box()
import json
print(json.dumps([finding.ok, finding.seen, finding.mend]))
"""


def doctor_after(condition: str) -> list:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(condition) + DOCTOR],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@as_root
def test_a_container_that_forbids_user_namespaces():
    ok, seen, mend = doctor_after(FILTERED)
    assert ok is False and "the box could not be built" in seen
    assert "containers/README.md" in mend and "seccomp.json" in mend


@as_root
def test_a_container_that_covers_parts_of_proc():
    ok, seen, mend = doctor_after(COVERED)
    assert ok is False and "proc" in seen
    assert "/proc is partly covered" in mend and "systempaths=unconfined" in mend


@as_root
def test_user_namespaces_switched_off():
    ok, _, mend = doctor_after(SWITCHED_OFF)
    assert ok is False
    assert "user namespaces are switched off" in mend
    assert "sysctl -w user.max_user_namespaces=" in mend


def test_no_space():
    assert "free some disk space" in mending("OSError: [Errno 28] No space left on device")


def test_the_shipped_profile_lets_the_box_work_and_refuses_the_rest():
    """The container profile, loaded as a container engine would, under an ordinary user."""
    seen = run_as_ordinary_user(
        textwrap.dedent(
            """
            import ctypes, errno, json, sys
            import pyseccomp as seccomp
            profile = json.load(open(sys.argv[1]))
            assert profile["defaultAction"] == "SCMP_ACT_ALLOW"
            filter = seccomp.SyscallFilter(seccomp.ALLOW)
            refused = [name for rule in profile["syscalls"] for name in rule["names"]]
            for name in refused:
                filter.add_rule(seccomp.ERRNO(errno.EPERM), name)
            filter.load()
            from autograder.doctor import _box
            finding = _box()
            libc = ctypes.CDLL(None, use_errno=True)
            bpf = libc.syscall(321, 0, 0, 0), ctypes.get_errno()
            print(json.dumps(dict(box=[finding.ok, finding.seen], bpf=bpf, refused=refused)))
            """
        ),
        str(PROFILE),
    )
    assert seen["box"][0] is True, seen["box"][1]
    assert seen["bpf"] == [-1, 1]
    assert {"bpf", "keyctl", "io_uring_setup", "init_module"} <= set(seen["refused"])
    assert set(seen["refused"]) <= set(REFUSED)

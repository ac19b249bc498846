"""The second wall: what a fork of the warm parent does before any of a student's code runs."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from autograder.box.inside import linux
from autograder.box.inside.limits import Limits

HOME, TEMPORARY = "/home/student", "/tmp"
_NAMESPACES = (
    linux.CLONE_NEWUSER
    | linux.CLONE_NEWPID
    | linux.CLONE_NEWNS
    | linux.CLONE_NEWIPC
    | linux.CLONE_NEWNET
    | linux.CLONE_NEWUTS
    | linux.CLONE_NEWCGROUP
)


def enter(
    limits: Limits, filter: Any | None, covered: Sequence[str], life: Callable[[], NoReturn]
) -> NoReturn:
    """Run ``life`` behind the second wall; ends with the exit status of it.

    ``covered`` are folders that would vanish under the disks of the kernel, and stay.
    The calling process keeps watch from outside. Inside, process 1 sets up mounts, gives up every
    privilege and reaps; when ``life`` ends, the kernel ends whatever else was started.
    """
    linux.die_with_parent()
    os.setsid()
    uid, gid = os.getuid(), os.getgid()
    linux.unshare(_NAMESPACES)
    linux.map_own_ids(uid, gid)
    init = os.fork()
    if init == 0:
        _be_init(limits, filter, covered, life)
    os._exit(_status(os.waitpid(init, 0)[1]))


def _be_init(
    limits: Limits, filter: Any | None, covered: Sequence[str], life: Callable[[], NoReturn]
) -> NoReturn:
    linux.die_with_parent()
    linux.be_readable()
    _mount(limits, covered)
    linux.loopback_up()
    _limit(limits)
    _seal_proc()
    linux.drop_privileges()
    if filter is not None:
        filter.load()
    first = os.fork()
    if first == 0:
        os.setsid()
        life()
    _close_all()
    while True:
        child, status = os.wait()
        if child == first:
            os._exit(_status(status))


def _mount(limits: Limits, covered: Sequence[str]) -> None:
    """A view of the file system in which nothing but three small memory disks can be written."""
    flags = linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    held = {folder: os.open(folder, os.O_PATH) for folder in covered}
    linux.mount("proc", "/proc", "proc", flags | linux.MS_NOEXEC)
    for target, size in (
        (HOME, limits.home),
        (TEMPORARY, limits.temporary),
        ("/dev/shm", limits.shared),
    ):
        linux.mount("tmpfs", target, "tmpfs", flags, f"size={size},mode=0700,nr_inodes=20000")
    for folder, descriptor in held.items():
        os.makedirs(folder, exist_ok=True)
        linux.mount(f"/proc/self/fd/{descriptor}", folder, flags=linux.MS_BIND | linux.MS_REC)
        os.close(descriptor)
    terminals = "newinstance,ptmxmode=0666,mode=0620,max=64"
    linux.mount("devpts", "/dev/pts", "devpts", linux.MS_NOSUID | linux.MS_NOEXEC, terminals)
    with open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")
    # Counted for the user on the host as well, who may be the person that grades.
    with open("/proc/sys/user/max_inotify_instances", "w") as file:
        file.write("16")
    # A shared mapping of it is memory that stays when no process maps it any more.
    linux.mount("/dev/null", "/dev/zero", flags=linux.MS_BIND)


def _seal_proc() -> None:
    """From here on nobody writes in ``/proc``: neither process 1's memory nor one's own score."""
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    flags |= linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY
    linux.mount("none", "/proc", flags=flags)


def _limit(limits: Limits) -> None:
    for which, value in (
        (resource.RLIMIT_DATA, limits.memory),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.file_size),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 2**20),
        (resource.RLIMIT_SIGPENDING, 1024),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(which, (value, value))
    if limits.processor is not None:
        os.sched_setaffinity(0, {limits.processor})
    # A write beyond the limit on file sizes is an OSError, as on a full disk, not a signal.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # If the machine itself runs out of memory, this goes first.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def _close_all() -> None:
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))


def _status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code

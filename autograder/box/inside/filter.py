"""The third wall: system calls that no lab needs and that attacks on a Linux kernel begin with."""

from __future__ import annotations

import errno
import socket
from typing import Any

REFUSED = """
    acct add_key bpf chroot clock_adjtime clock_settime delete_module fanotify_init finit_module
    fsconfig fsmount fsopen fspick init_module io_setup io_uring_enter io_uring_register
    io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie memfd_create
    memfd_secret modify_ldt mount mount_setattr move_mount mq_open msgget name_to_handle_at
    open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise
    process_vm_readv process_vm_writev ptrace quotactl quotactl_fd reboot request_key
    sched_setaffinity semget setdomainname sethostname setns settimeofday shmget swapoff swapon
    syslog umount2 unshare userfaultfd vhangup vmsplice
""".split()
"""Namespaces, mounts, keys, tracing, kernel modules; and memory that belongs to no process
(``memfd_create``, System V), which a limit on processes would not see."""

FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
"""Sockets may be of these families: the others (vsock, packet, …) know no network namespace."""

_CLONE_NEWUSER = 0x10000000
_MOST_FAMILIES = 64
_MAP_TYPE, _MAP_ANONYMOUS, _MAP_HUGETLB = 0xF, 0x20, 0x40000
_SHARED_ANONYMOUS = 0x1 | _MAP_ANONYMOUS
_TERMINAL_REQUESTS = (0x5412, 0x541C, 0x5423)
"""TIOCSTI, TIOCLINUX and TIOCSETD: typing for others, and line disciplines, which load modules."""
_OTHER_KINDS = (3, 4, 5, 6, 10)
"""Raw, reliable, sequenced, DCCP and packet sockets."""


def build() -> Any | None:
    """The filter, to be loaded after a fork; None where libseccomp is missing."""
    try:
        import pyseccomp as seccomp
    except (ImportError, RuntimeError, OSError):
        return None
    filter = seccomp.SyscallFilter(seccomp.ALLOW)
    refuse, absent = seccomp.ERRNO(errno.EPERM), seccomp.ERRNO(errno.ENOSYS)
    for name in REFUSED:
        _add(filter, refuse, name)
    flag = seccomp.Arg(0, seccomp.MASKED_EQ, _CLONE_NEWUSER, _CLONE_NEWUSER)
    _add(filter, refuse, "clone", flag)
    # The flags of clone3 lie in memory, where no filter sees them: libc falls back to clone.
    _add(filter, absent, "clone3")
    # Such memory stays when no process maps it any more, where no limit sees it.
    shared = seccomp.Arg(3, seccomp.MASKED_EQ, _MAP_TYPE | _MAP_ANONYMOUS, _SHARED_ANONYMOUS)
    _add(filter, refuse, "mmap", shared)
    huge = seccomp.Arg(3, seccomp.MASKED_EQ, _MAP_HUGETLB, _MAP_HUGETLB)
    _add(filter, refuse, "mmap", huge)
    for request in _TERMINAL_REQUESTS:
        _add(filter, refuse, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFFFFFF, request))
    unknown = seccomp.ERRNO(errno.EAFNOSUPPORT)
    for call in ("socket", "socketpair"):
        for family in range(_MOST_FAMILIES):
            if family not in FAMILIES:
                _add(filter, unknown, call, seccomp.Arg(0, seccomp.EQ, family))
        _add(filter, unknown, call, seccomp.Arg(0, seccomp.GE, _MOST_FAMILIES))
    # Of netlink only routing, of internet sockets only TCP and UDP: the rest loads modules.
    netlink = seccomp.Arg(0, seccomp.EQ, socket.AF_NETLINK)
    _add(filter, unknown, "socket", netlink, seccomp.Arg(2, seccomp.NE, 0))
    for family in (socket.AF_INET, socket.AF_INET6):
        internet = seccomp.Arg(0, seccomp.EQ, family)
        _add(filter, unknown, "socket", internet, seccomp.Arg(2, seccomp.GT, socket.IPPROTO_UDP))
        for kind in _OTHER_KINDS:
            of_kind = seccomp.Arg(1, seccomp.MASKED_EQ, 0xF, kind)
            _add(filter, unknown, "socket", internet, of_kind)
    return filter


def _add(filter: Any, action: Any, name: str, *arguments: Any) -> None:
    try:
        filter.add_rule(action, name, *arguments)
    except (OSError, ValueError):
        # This libseccomp does not know the call yet; an old kernel has none of that name either.
        return

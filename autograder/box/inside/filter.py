"""The third wall: system calls that no lab needs and that attacks on a Linux kernel begin with."""

from __future__ import annotations

import errno
import socket
from typing import Any

REFUSED = """
    acct add_key bpf chroot clock_adjtime clock_settime delete_module fanotify_init finit_module
    fsconfig fsmount fsopen fspick init_module io_uring_enter io_uring_register io_uring_setup
    ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie memfd_create memfd_secret
    mount mount_setattr move_mount msgget name_to_handle_at open_by_handle_at open_tree
    perf_event_open pidfd_getfd pivot_root process_madvise process_vm_readv process_vm_writev
    ptrace quotactl quotactl_fd reboot request_key semget setdomainname sethostname setns
    settimeofday shmget swapoff swapon syslog umount2 unshare userfaultfd vhangup
""".split()
"""Namespaces, mounts, keys, tracing, kernel modules; and memory that belongs to no process
(``memfd_create``, System V), which a limit on processes would not see."""

FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
"""Sockets may be of these families: the others (vsock, packet, …) know no network namespace."""

_CLONE_NEWUSER = 0x10000000
_MOST_FAMILIES = 64


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
    unknown = seccomp.ERRNO(errno.EAFNOSUPPORT)
    for family in range(_MOST_FAMILIES):
        if family not in FAMILIES:
            _add(filter, unknown, "socket", seccomp.Arg(0, seccomp.EQ, family))
    _add(filter, unknown, "socket", seccomp.Arg(0, seccomp.GE, _MOST_FAMILIES))
    return filter


def _add(filter: Any, action: Any, name: str, *arguments: Any) -> None:
    try:
        filter.add_rule(action, name, *arguments)
    except (OSError, ValueError):
        # This libseccomp does not know the call yet; an old kernel has none of that name either.
        return

"""Why a box could not be built on this machine, and what its owner can do about it."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

OLDEST_KERNEL = (5, 14)
"""Since then, a limit on processes counts those of one user namespace only."""

_SWITCHES = {
    "user/max_user_namespaces": ("0", "sysctl -w user.max_user_namespaces=15000"),
    "kernel/unprivileged_userns_clone": ("0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    "kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give bwrap an AppArmor "
        "profile with `userns,` as docs/security.md shows",
    ),
}
_IN_CONTAINER = (
    "start the container with the profile in containers/, as containers/README.md shows "
    "(docker run --security-opt seccomp=containers/seccomp.json --security-opt "
    "systempaths=unconfined --security-opt apparmor=unconfined)"
)


def mending(trouble: str) -> str:
    """What to do about a box that failed with these words."""
    if switches := closed_switches():
        return "user namespaces are switched off; as root: " + "; ".join(switches)
    if re.search(r"mount proc|proc on .*(proc|Operation)", trouble, re.IGNORECASE):
        return f"/proc is partly covered, as container engines do: {_IN_CONTAINER}"
    if "No space left" in trouble:
        return "free some disk space or memory (temporary folders lie in TMPDIR)"
    if re.search(r"execvp|No such file|Can't find source|Permission denied", trouble):
        return (
            "the environment and TMPDIR must be open to any user: what lies in a folder that only "
            "its owner can enter cannot be shown to another user"
        )
    if "not permitted" in trouble or "without rights" in trouble or "amespace" in trouble:
        if in_container() or filtered():
            return f"this container may not make user namespaces: {_IN_CONTAINER}"
        return "user namespaces are forbidden here; ask the machine's owner to allow them"
    return "`course doctor` looks at what this machine lacks"


def closed_switches() -> list[str]:
    """Commands that open what the system's settings close."""
    found = []
    for name, (closed, command) in _SWITCHES.items():
        try:
            value = Path("/proc/sys", name).read_text().strip()
        except OSError:
            continue
        if value == closed:
            found.append(command)
    return found


def kernel_version() -> tuple[int, int] | None:
    """The version of the Linux kernel; None elsewhere."""
    if platform.system() != "Linux":
        return None
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return (int(found[1]), int(found[2])) if found else None


def in_container() -> bool:
    """Whether a container engine has left its marks here."""
    marks = (Path("/.dockerenv"), Path("/run/.containerenv"))
    return any(mark.exists() for mark in marks) or "KUBERNETES_SERVICE_HOST" in os.environ


def filtered() -> bool:
    """Whether a seccomp filter, as container engines set one, is on this process."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return False
    found = re.search(r"^Seccomp:\s*(\d)", status, re.MULTILINE)
    return bool(found and found[1] == "2")

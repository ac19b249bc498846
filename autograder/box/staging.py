"""Root starts a box as a user of no rights, who may not be able to reach the folders to be shown.

``python -m autograder.box.staging PLAN`` is run as root: in a mount namespace of its own it binds
the folders of the plan where anybody reaches them, becomes the user, and then bubblewrap.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from autograder.box.inside import linux
from autograder.box.outside import UNPRIVILEGED


def main() -> None:
    """Stage what the plan names, give up root, and become its command."""
    asked = json.loads(sys.argv[1])
    try:
        command = asked["command"] if _may_stage() else asked["direct"]
        if command == asked["command"]:
            _stage(asked)
        os.setgroups([])
        os.setresgid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED)
        os.setresuid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED)
    except OSError as error:
        sys.exit(f"root could not become a user without rights: {error}")
    os.execv(command[0], command)


def _may_stage() -> bool:
    """Root of a container often may not mount; then the folders must be open to anybody."""
    try:
        linux.unshare(linux.CLONE_NEWNS)
    except PermissionError:
        return False
    return True


def _stage(asked: dict[str, Any]) -> None:
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", asked["stage"], "tmpfs", options="size=1m,mode=0755")
    for source, target in asked["binds"]:
        if os.path.isdir(source):
            os.mkdir(target)
        else:
            Path(target).touch()
        linux.mount(source, target, flags=linux.MS_BIND | linux.MS_REC)


if __name__ == "__main__":
    main()

"""What lies in the folder of a submission."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Submission:
    """What was found in a student's folder."""

    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def look_into(folder: Path) -> Submission:
    """List the plain files below a folder; links and special files are refused and named."""
    found = Submission()
    for directory, subfolders, names in os.walk(folder, followlinks=False):
        for name in sorted([*names, *subfolders]):
            path = Path(directory, name)
            information = path.lstat()
            shown = path.relative_to(folder)
            if stat.S_ISDIR(information.st_mode):
                continue
            if stat.S_ISLNK(information.st_mode):
                found.notes.append(f"{shown} is a symbolic link and was refused")
            elif not stat.S_ISREG(information.st_mode):
                found.notes.append(f"{shown} is no plain file and was refused")
            elif information.st_nlink > 1:
                found.notes.append(f"{shown} is a hard link and was refused")
            else:
                found.files.append(path)
        subfolders[:] = [n for n in subfolders if not Path(directory, n).is_symlink()]
    return found

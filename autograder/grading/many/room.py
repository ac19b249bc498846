"""The room of a lab: what grading its submissions takes, made once for a whole batch."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.grading.running.grade import Graded, grade_notebook
from autograder.grading.running.kernels import Launcher, open_launcher
from autograder.grading.running.references import References
from autograder.grading.running.sealed import seal
from autograder.grading.running.session import DEFAULT_LIMITS, Limits
from autograder.judging import Lab


@dataclass(frozen=True)
class Settings:
    """What holds for a whole batch.

    ``share`` is how much of a GPU's memory one kernel may use.
    """

    secret: bytes = field(repr=False)
    code: str
    device: str = "cpu"
    unsafe_no_box: bool = False
    share: float = 1.0
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True)
class Room:
    """What a worker has ready for a lab: the sealed folder, the launcher, the references."""

    lab: Lab
    folder: Path
    launcher: Launcher
    references: References
    limits: Limits

    def grade(self, notebook: NotebookNode, **about: Any) -> Graded:
        """Grade a pristine notebook with a student's cells laid in."""
        return grade_notebook(
            notebook,
            self.references,
            self.launcher,
            limits=self.limits,
            **about,
        )

    def close(self) -> None:
        """End its kernels and remove it."""
        self.launcher.close()
        shutil.rmtree(self.folder.parent, ignore_errors=True)


def open_room(lab: Lab, settings: Settings) -> Room:
    """Seal a folder for a lab and open a launcher around it.

    Raises: NoBox, with what this machine lacks and what to do.
    """
    parent = tempfile.mkdtemp(prefix="course-room-")
    # Whoever runs in a box that root has started must get in.
    os.chmod(parent, 0o711)
    try:
        folder = seal(Path(parent, "room"))
        launcher = open_launcher(
            folder,
            unsafe_no_box=settings.unsafe_no_box,
            device=settings.device,
            share=settings.share,
        )
    except BaseException:
        shutil.rmtree(parent, ignore_errors=True)
        raise
    references = References(lab, settings.secret, settings.device)
    return Room(lab, folder, launcher, references, settings.limits)

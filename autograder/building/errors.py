"""What stops a build, and where."""

from __future__ import annotations

from pathlib import Path


class BuildError(Exception):
    """A lab that cannot be built: the file, the line, the exercise if it is about one, and why."""

    def __init__(
        self, message: str, *, file: Path, line: int | None = None, exercise: str | None = None
    ) -> None:
        self.message = message
        self.file = file
        self.line = line
        self.exercise = exercise
        place = f"{file}:{line}" if line else f"{file}"
        about = f"exercise {exercise}: " if exercise else ""
        super().__init__(f"{place}: {about}{message}")

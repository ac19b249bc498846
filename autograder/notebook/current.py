"""The notebook that this process serves: its names, and the labs that are open in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from autograder.exercises import find_exercise
from autograder.judging import Exercise, Lab
from autograder.notebook.opened import OpenLab

_open: dict[str, OpenLab] = {}


def opened_lab(lab: Lab) -> OpenLab:
    """A lab as it is open in this kernel; a check opens it where the notebook has not."""
    if lab.name not in _open:
        _open[lab.name] = OpenLab(lab, namespace(), folder=_folder_of(lab))
    return _open[lab.name]


def latest_lab() -> OpenLab | None:
    """The lab that was opened last in this kernel."""
    return next(reversed(_open.values()), None)


def opened_labs() -> Collection[OpenLab]:
    """The labs that are open in this kernel, in the order in which they were opened."""
    return _open.values()


def named(exercise: Any) -> Exercise:
    """The exercise of an id, of a name or of an answer; a name alone is meant in an open lab first.

    Raises: UnknownName.
    """
    name = exercise if isinstance(exercise, str) else exercise.__name__
    for opened in reversed(list(_open.values())):
        if name in opened.lab.exercises:
            return opened.lab.exercises[name]
    return find_exercise(name)


def namespace() -> dict[str, Any]:
    """The names of the notebook, or of the program that is being run."""
    shell = ipython()
    names: dict[str, Any] = shell.user_ns if shell else vars(sys.modules["__main__"])
    return names


def ipython() -> Any:
    """The shell of this notebook or terminal; None where there is none."""
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    return get_ipython()


def is_validating() -> bool:
    """Whether nbgrader's Validate runs the notebook."""
    return bool(os.environ.get("NBGRADER_VALIDATING"))


def _folder_of(lab: Lab) -> Path | None:
    """The folder that holds the notebook of a lab, for its progress."""
    folder = Path.cwd()
    at_work = not is_validating() and (folder / f"{lab.slug}.ipynb").is_file()
    return folder if at_work else None

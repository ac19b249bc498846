"""Classes of submissions to measure with: real answers, right, wrong, unfinished."""

from __future__ import annotations

import copy
import random
import shutil
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

import autograder
from autograder.building import student_notebook
from autograder.demo import fill, standing_alone
from autograder.judging import Kind, Lab

REPOSITORY = Path(autograder.__file__).resolve().parents[1]
CONFIGURED = "from autograder.grading.nbgrader import configure\nconfigure(get_config())\n"


def answers(lab: Lab, rng: random.Random, right: float) -> dict[str, str]:
    """One student's answers: each right with a probability, else a mistake or nothing."""
    given = {}
    for exercise in lab.exercises.values():
        if exercise.kind in (Kind.PREDICTION, Kind.WRITTEN):
            continue
        pick: Any = exercise.reference
        if rng.random() > right:
            pick = rng.choice([None, *(mistake.answer for mistake in exercise.mistakes)])
        elif exercise.alternatives and rng.random() < 0.5:
            pick = rng.choice(exercise.alternatives).answer
        if pick is not None:
            given[exercise.id] = standing_alone(exercise, pick)
    return given


def submissions(lab: Lab, count: int, *, shown: bool = True) -> dict[str, NotebookNode]:
    """Notebooks by student; the author's show-only cells left out unless ``shown``."""
    rng = random.Random(lab.name)
    released = student_notebook(lab, REPOSITORY)
    if not shown:
        released.cells = [c for c in released.cells if "show" not in c.metadata.get("tags", [])]
    handed_in = {}
    for number in range(count):
        notebook = copy.deepcopy(released)
        fill(notebook, answers(lab, rng, right=rng.choice([1.0, 0.9, 0.7, 0.5])))
        handed_in[f"student-{number:03}"] = notebook
    return handed_in


def course(folder: Path, lab: Lab, handed_in: dict[str, NotebookNode], config: str) -> Path:
    """A course folder with these submissions and an nbgrader_config.py."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "submitted").mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text(config)
    for student, notebook in handed_in.items():
        path = folder / "submitted" / student / lab.slug / f"{lab.slug}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    return folder

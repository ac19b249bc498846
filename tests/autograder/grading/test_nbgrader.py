"""nbgrader as it is: what it validates, and what it finds once intake has been there."""

import contextlib
import copy
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.grading.nbgrader import take_in_first
from autograder.judging import Kind
from autograder.judging.source.laying import solution_source, starter_source
from tests.support.notebooks import LAB, SLUG, cell_of, role

BIN = Path(sys.executable).parent
CHECKED = ("relu_second_moment", "default_linear_std")


@pytest.fixture
def small(handed_in):
    """The notebook cut down to what two exercises need, so that it runs in seconds."""

    def wanted(cell):
        exercise = cell.metadata.get("autograder", {}).get("exercise", "").partition("/")[2]
        return role(cell) == "setup" or exercise in CHECKED

    handed_in.cells = [cell for cell in handed_in.cells if wanted(cell)]
    return handed_in


def validate(notebook, folder):
    nbformat.write(notebook, folder / f"{SLUG}.ipynb")
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        [BIN / "nbgrader", "validate", f"{SLUG}.ipynb"],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
    ).stdout  # fmt: skip


def test_a_right_notebook_passes_and_a_wrong_answer_is_named(small, tmp_path):
    assert "Success" in validate(small, tmp_path)
    cell_of(small, "relu_second_moment").source = (
        "def relu_second_moment(variance):\n"
        "    import sys, warnings\n"
        "    print('harmless', file=sys.stderr)\n"
        "    warnings.warn('harmless')\n"
        "    return variance"
    )
    shown = validate(small, tmp_path)
    assert "FAILED ON 1 CELL" in shown
    assert "You leave the variance as it was" in shown


def test_core_solved_passes_without_its_experiments_and_an_open_core_is_named(pristine, tmp_path):
    notebook = copy.deepcopy(pristine)
    for exercise in LAB.exercises.values():
        if exercise.core:
            wanted = "written" if exercise.kind is Kind.WRITTEN else "answer"
            cell_of(notebook, exercise.name, wanted).source = solution_source(exercise)
    for cell in notebook.cells:
        if role(cell) == "show":
            cell.source += "\nraise AssertionError('an experiment was run')"
    assert "Success" in validate(notebook, tmp_path)
    exercise = next(e for e in LAB.exercises.values() if e.core and e.automatic)
    cell_of(notebook, exercise.name).source = starter_source(exercise)
    shown = validate(notebook, tmp_path)
    assert "FAILED ON 1 CELL" in shown and "not attempted" in shown


def test_nbgrader_takes_in_before_it_copies(course, pristine, hand_in):
    hand_in(pristine)
    hand_in(b"raise SystemExit", name="torch.py")
    with contextlib.chdir(course.root):
        take_in_first(SLUG, "*", [f"submitted/ada/{SLUG}/{SLUG}.ipynb"])
    left = course.submitted("ada", SLUG).iterdir()
    assert [path.name for path in left] == [f"{SLUG}.ipynb"]

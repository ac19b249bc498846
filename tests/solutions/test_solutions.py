"""Every solution notebook runs from its first cell to its last, and every check in it passes."""

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.building import instructor_notebook
from autograder.exercises import labs
from autograder.grading.checkout import REPOSITORY
from tests.support.notebooks import role

MAX_CPU_SECONDS = 60


@pytest.mark.slow
@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.name)
def test_a_solution_notebook_runs_whole_and_scores_everything(lab, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = instructor_notebook(lab, REPOSITORY)
    used = nbformat.v4.new_code_cell("import time\nprint(time.process_time())")
    notebook.cells.append(used)
    NotebookClient(notebook, timeout=200, kernel_name="python3").execute()
    for cell in notebook.cells:
        exercise = lab.exercises.get(
            cell.metadata.get("autograder", {}).get("exercise", "").partition("/")[2]
        )
        if role(cell) == "check" and exercise.automatic:
            shown = next(o for o in cell.outputs if o.output_type == "execute_result")
            assert float(shown.data["text/plain"]) == exercise.points, exercise.id
        assert not [o for o in cell.get("outputs", []) if o.get("name") == "stderr"], cell.source
    assert float(used.outputs[0].text) <= MAX_CPU_SECONDS
    figures = [
        o for c in notebook.cells for o in c.get("outputs", []) if "image/png" in o.get("data", {})
    ]
    assert len(figures) >= 5


@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.name)
def test_a_lab_has_what_a_lab_needs(lab):
    kinds = {exercise.kind for exercise in lab.exercises.values()}
    assert kinds == {"implementation", "repair", "value", "prediction", "written"}
    core = [e for e in lab.exercises.values() if e.core and e.automatic]
    assert 6 <= len(core) <= 8
    minutes = sum(e.minutes for e in lab.exercises.values() if e.core)
    assert 60 <= minutes <= 90

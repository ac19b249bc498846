"""Every solution notebook runs from its first cell to its last, and every check in it passes."""

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.building import instructor_notebook
from autograder.building.build import script_path
from autograder.building.notebooks import is_further
from autograder.building.script import read_script
from autograder.building.statement import statement
from autograder.exercises import labs
from autograder.grading.checkout import REPOSITORY
from autograder.judging import Kind
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


@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.name)
def test_the_core_of_a_lab_fits_into_an_evening(lab):
    core = [exercise for exercise in lab.exercises.values() if exercise.core]
    assert 4 <= sum(e.automatic for e in core) <= 6
    assert 2 <= sum(e.kind is Kind.PREDICTION for e in core) <= 4
    assert sum(e.kind is Kind.WRITTEN for e in core) == 1
    assert sum(e.minutes for e in core) <= 65
    before, _ = core_and_further(lab)
    texts = [b.source for b in before if b.role == "text"]
    texts += [statement(lab.exercises[b.exercise]) for b in before if b.exercise]
    assert sum(len(text.split()) for text in texts) <= 2500


@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.name)
def test_core_comes_first_and_leans_on_nothing_further(lab):
    before, after = core_and_further(lab)
    assert all(lab.exercises[b.exercise].core for b in before if b.exercise)
    assert not any(lab.exercises[b.exercise].core for b in after if b.exercise)
    by_id = {exercise.id: exercise for exercise in lab.exercises.values()}
    for exercise in lab.exercises.values():
        assert not exercise.core or all(by_id[need].core for need in exercise.needs), exercise.id


@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.name)
def test_exercises_come_in_the_order_of_the_notebook_each_after_what_it_needs(lab):
    placed = [b.exercise for b in blocks_of(lab) if b.exercise]
    assert placed == list(lab.exercises)
    for exercise in lab.exercises.values():
        earlier = placed[: placed.index(exercise.name)]
        assert all(need.partition("/")[2] in earlier for need in exercise.needs), exercise.id


def blocks_of(lab):
    return read_script(REPOSITORY / script_path(lab), script_path(lab))


def core_and_further(lab):
    """The blocks of a lab before and after its one heading "Further"."""
    blocks = blocks_of(lab)
    (start,) = [number for number, block in enumerate(blocks) if is_further(block)]
    return blocks[:start], blocks[start:]

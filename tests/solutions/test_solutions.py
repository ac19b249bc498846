"""Every solution notebook runs from its first cell to its last, and every check in it passes."""

import ast
import re
import statistics

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.building import instructor_notebook, student_notebook
from autograder.building.build import laid_notebook, script_path
from autograder.building.notebooks import is_further
from autograder.building.script import read_script
from autograder.building.statement import statement
from autograder.exercises import labs
from autograder.grading.checkout import REPOSITORY
from autograder.judging import Kind
from autograder.judging.cells import bound_names, free_names, read_cell
from autograder.judging.source.laying import solution_source, starter_source
from autograder.judging.source.reading import DEFINITIONS
from course_lib.one_network import ACCURACIES, STEPS
from tests.support.notebooks import role

MAX_CPU_SECONDS = 60
STANDS_IN, WAITS = "↺", "○"


@pytest.mark.slow
@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.name)
def test_a_solution_notebook_runs_whole_and_scores_everything(lab, monkeypatch):
    cells, seconds = run(instructor_notebook(lab, REPOSITORY), monkeypatch)
    for cell, exercise in checks(cells, lab):
        assert score(cell) == exercise.points, exercise.id
    told = [text for cell in cells for text in texts(cell)]
    assert not [text for text in told if text.startswith((STANDS_IN, WAITS))]
    assert seconds <= MAX_CPU_SECONDS
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 5
    if lab.name in STEPS:
        said = "".join(output.get("text", "") for output in outputs)
        (right,) = re.findall(r"([\d.]+)% right with your", said)
        on_record = ACCURACIES[lab.name]
        spread = max(0.01, statistics.stdev(on_record))
        assert abs(float(right) / 100 - statistics.mean(on_record)) <= 5 * spread


@pytest.mark.slow
@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.name)
def test_core_alone_runs_from_the_first_cell_to_the_last(lab, monkeypatch):
    def answer(exercise):
        return solution_source(exercise) if exercise.core else starter_source(exercise)

    notebook = laid_notebook(lab, REPOSITORY, answer)
    further = {e.name for e in lab.exercises.values() if not e.core and e.automatic}
    start = further_from(notebook.cells)
    assert not any(reads(c) & further for c in notebook.cells[:start] if role(c) == "show")
    # The other experiments are those of the solved notebook, line for line.
    changed = that_lean_on(further, notebook.cells)
    notebook.cells = [c for c in notebook.cells if role(c) != "show" or c.id in changed]
    cells, _ = run(notebook, monkeypatch)
    for cell, exercise in checks(cells, lab):
        assert score(cell) == (exercise.points if exercise.core else 0), exercise.id
    start = further_from(cells)
    in_core = [text for cell in cells[:start] for text in texts(cell)]
    assert not [text for text in in_core if text.startswith((STANDS_IN, WAITS))]
    leaning = [c for c in cells[start:] if role(c) == "show" and reads(c) & further]
    assert leaning
    for cell in leaning:
        told = [text for text in texts(cell) if text.startswith((STANDS_IN, WAITS))]
        assert told and not [text for text in told if "is not there" in text], cell.source


@pytest.mark.slow
@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.name)
def test_an_untouched_lab_runs_to_its_end_and_says_what_is_open(lab, monkeypatch):
    notebook = student_notebook(lab, REPOSITORY)
    start = further_from(notebook.cells)
    # What stands in for further answers is shown where core alone runs.
    notebook.cells = [
        cell for n, cell in enumerate(notebook.cells) if n < start or role(cell) != "show"
    ]
    cells, _ = run(notebook, monkeypatch)
    assert all(score(cell) == 0 for cell, _ in checks(cells, lab))
    told = [text for cell in cells for text in texts(cell)]
    predictions = [e for e in lab.exercises.values() if e.kind is Kind.PREDICTION]
    assert sum(text.startswith(WAITS) for text in told) > len(predictions)
    assert [text for text in told if text.startswith(STANDS_IN)]


def further_from(cells):
    """The number of the cell under which everything is optional."""
    return next(n for n, cell in enumerate(cells) if cell.source.startswith("# Further"))


def reads(cell):
    """The names that a cell reads."""
    return {node.id for node in ast.walk(read_cell(cell.source)) if _is_read(node)}


def _is_read(node):
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)


def that_lean_on(names, cells):
    """The ids of the experiments that lean on names, and of those that give them what they read."""
    shown = [cell for cell in cells if role(cell) == "show"]
    leaning, kept = set(names), set()
    for number, cell in enumerate(shown):
        if reads(cell) & leaning:
            leaning |= {n.name for n in read_cell(cell.source).body if isinstance(n, DEFINITIONS)}
            kept.add(number)
    for number in reversed(range(len(shown))):
        for name in free_names(shown[number].source) if number in kept else ():
            earlier = [n for n in range(number) if name in bound_names(shown[n].source)]
            kept |= set(earlier[-1:])
    return {shown[number].id for number in kept}


def run(notebook, monkeypatch):
    """The cells of a notebook once all have run without an error, and the CPU seconds they took."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    used = nbformat.v4.new_code_cell("import time\nprint(time.process_time())")
    notebook.cells.append(used)
    NotebookClient(notebook, timeout=200, kernel_name="python3").execute()
    for cell in notebook.cells:
        assert not [o for o in cell.get("outputs", []) if o.get("name") == "stderr"], cell.source
    return notebook.cells[:-1], float(used.outputs[0].text)


def checks(cells, lab):
    """The check cells of what is judged automatically, with their exercises."""
    for cell in cells:
        if role(cell) == "check":
            exercise = lab.exercises[cell.metadata.autograder.exercise.partition("/")[2]]
            if exercise.automatic:
                yield cell, exercise


def score(cell):
    """What a check cell shows nbgrader."""
    shown = next(o for o in cell.outputs if o.output_type == "execute_result")
    return float(shown.data["text/plain"])


def texts(cell):
    """What a cell shows as text."""
    outputs = cell.get("outputs", [])
    return [output.data.get("text/plain", "") for output in outputs if "data" in output]


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

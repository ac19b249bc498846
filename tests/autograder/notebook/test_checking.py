"""``check`` in a notebook: what is judged, what is told, and what must not happen."""

import os
import subprocess
import sys

import nbformat
import pytest

from autograder.answering.cells import Cells
from autograder.answering.outcome import Outcome
from autograder.building import student_notebook
from autograder.exercises import UnknownName, find_exercise, find_lab, labs
from autograder.grading.checkout import REPOSITORY
from autograder.judging import Kind, Reason
from autograder.judging.source.laying import answer_source
from autograder.notebook import check, here
from autograder.notebook.opened import OpenLab
from autograder.probes.definition import execute
from tests.support.notebooks import cell_of

RIGHT = "def relu_second_moment(variance):\n    return variance / 2"
STUBBORN = """
def relu_second_moment(variance):
    while True:
        try:
            while True:
                pass
        except KeyboardInterrupt:
            tries.append(1)
            if len(tries) > 1:
                raise
"""
WRONG = "def relu_second_moment(variance):\n    return variance"


def test_a_right_answer_shows_its_points_as_plain_text_and_a_card_as_html(notebook):
    notebook.run(RIGHT)
    result = notebook.run('check("initialization/relu_second_moment")')
    assert result.verdict.passed and float(repr(result)) == result.verdict.points
    assert "correct" in result._repr_html_()


def test_what_is_no_kernel_is_refused_by_name(notebook):
    notebook.run('from autograder import open_lab\nopen_lab("kernels")')
    notebook.run("import torch, triton\nimport triton.language as tl")
    notebook.run(
        "@triton.jit\ndef vector_add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):\n"
        "    torch.add(x_ptr, y_ptr, out=out_ptr)"
    )
    verdict = notebook.run('check("kernels/vector_add")').verdict
    assert (verdict.reason, verdict.score) == (Reason.FORBIDDEN, 0)
    assert verdict.explanation.startswith("Your kernel uses `torch.add` (line 3).")


@pytest.mark.parametrize("lab", ["augmentation", "kernels"])
def test_a_name_that_two_labs_have_means_that_of_the_lab_that_is_open(notebook, lab):
    notebook.run("from autograder import open_lab")
    notebook.run(f'open_lab("{lab}")')
    assert notebook.run('check("mixup")').verdict.exercise == f"{lab}/mixup"


def test_a_wrong_answer_is_named_and_says_how_to_repeat_the_check(notebook, capsys):
    notebook.run(WRONG)
    result = notebook.run('check("relu_second_moment", seed=7)')
    assert repr(result) == "0" and result.verdict.diagnosis == "unchanged"
    assert any("seed=7" in note for note in result.verdict.notes)
    assert "half" in capsys.readouterr().out


def test_the_answer_itself_can_be_checked(notebook):
    assert notebook.run(f"{RIGHT}\ncheck(relu_second_moment)").verdict.passed


def test_an_answer_that_is_not_defined_says_what_to_run(notebook):
    verdict = notebook.verdict("relu_second_moment")
    assert verdict.reason is Reason.NOT_ATTEMPTED and "run the cell" in verdict.notes[0]


def test_an_unknown_exercise_names_the_nearest():
    with pytest.raises(UnknownName, match="initialization/kaiming_normal"):
        check("initialization/kaiming_norm")


@pytest.mark.parametrize(
    ("name", "source", "told"),
    [
        ("kaiming_normal", "from torch.nn.init import kaiming_normal_ as kaiming_normal",
         "torch.nn.init.kaiming_normal_"),
        ("kaiming_normal", "class kaiming_normal:\n    make = nn.init.kaiming_normal_",
         "torch.nn.init.kaiming_normal_"),
        ("gaussian", "from course_lib.initialization import gaussian", "course_lib.initialization"),
        ("gaussian", "from course_lib import initialization\n\n\ndef gaussian(*a, **k):\n"
         "    return initialization.gaussian(*a, **k)", "course_lib.initialization"),
    ],
)  # fmt: skip
def test_somebody_elses_answer_is_none(notebook, name, source, told):
    notebook.run(source, answer=name)
    verdict = notebook.verdict(name)
    assert verdict.reason is Reason.FORBIDDEN and verdict.score == 0
    assert told in verdict.explanation


def test_a_file_of_the_students_own_does_not_reach_the_grader(notebook, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "my_moments.py").write_text("def half(x):\n    return x / 2\n")
    notebook.run("import my_moments", answer=None)
    notebook.run("def relu_second_moment(variance):\n    return my_moments.half(variance)")
    verdict = notebook.verdict("relu_second_moment")
    assert verdict.reason is Reason.FORBIDDEN and "my_moments.py" in verdict.explanation


@pytest.mark.parametrize("rest", ["import sys\nsys.exit()", "raise NotImplementedError()",
                                  "import no_such_module", "%no_such_magic"])  # fmt: skip
@pytest.mark.parametrize("above", [True, False])
def test_a_definition_counts_whatever_the_rest_of_its_cell_does(notebook, rest, above):
    notebook.run(f"{rest}\n{RIGHT}" if above else f"{RIGHT}\n{rest}", answer="relu_second_moment")
    verdict = notebook.verdict("relu_second_moment")
    assert verdict.passed
    assert any("did not end well" in note for note in verdict.notes)


@pytest.mark.parametrize("later", ["def relu_second_moment(variance:", "1 +"])
def test_a_cell_edited_into_no_python_has_no_answer_any_more(notebook, later):
    notebook.run(RIGHT, answer="relu_second_moment")
    notebook.run(later, answer="relu_second_moment")
    verdict = notebook.verdict("relu_second_moment")
    assert verdict.score == 0 and verdict.reason is Reason.RAISED
    assert "SyntaxError" in verdict.explanation


def test_a_function_renamed_in_its_cell_is_no_answer_any_more(notebook):
    notebook.run(RIGHT, answer="relu_second_moment")
    notebook.run(RIGHT.replace("moment(", "moment_2("), answer="relu_second_moment")
    verdict = notebook.verdict("relu_second_moment")
    assert verdict.reason is Reason.NOT_ATTEMPTED
    assert "older than its cell" in verdict.notes[0]
    notebook.run(RIGHT, answer="relu_second_moment")
    assert notebook.verdict("relu_second_moment").passed


def test_a_needed_answer_that_is_wrong_costs_its_own_points_only(notebook):
    notebook.run("def fan_in_and_fan_out(shape):\n    return shape[1], shape[0]")
    notebook.run(
        "def kaiming_normal(shape, nonlinearity='relu', negative_slope=0.01):\n"
        "    fan_in, _ = fan_in_and_fan_out(shape)\n"
        "    slope = {'linear': 1, 'relu': 0, 'leaky_relu': negative_slope}[nonlinearity]\n"
        "    return torch.randn(shape) * math.sqrt(2 / (1 + slope**2) / fan_in)"
    )
    assert not notebook.verdict("fan_in_and_fan_out").passed
    verdict = notebook.verdict("kaiming_normal")
    assert any("reference in its place" in note for note in verdict.notes)
    assert notebook.run("fan_in_and_fan_out((2, 3, 5, 5))") == (3, 2)


def test_an_answer_that_never_ends_is_told_so_and_the_notebook_goes_on(notebook, monkeypatch):
    monkeypatch.setattr(here.Here.__init__, "__defaults__", (0.3,))
    notebook.run(STUBBORN)
    notebook.run("tries = []")
    verdict = notebook.verdict("relu_second_moment")
    assert verdict.reason is Reason.TIMED_OUT
    assert notebook.run("1 + 1") == 2


def test_a_check_that_is_interrupted_judges_nothing(notebook):
    notebook.run(
        "import _thread\ndef relu_second_moment(variance):\n    _thread.interrupt_main()\n"
        "    while True:\n        pass"
    )
    assert "nothing was judged" in repr(notebook.run('check("relu_second_moment")'))


def test_what_an_answer_prints_is_shown_up_to_a_length(notebook):
    notebook.run(f"{WRONG.replace('return', 'print(42);')}\n    return variance")
    assert "42" in notebook.run('check("relu_second_moment")')._repr_html_()
    notebook.run("def relu_second_moment(variance):\n    print('x' * 10**7)\n    return variance")
    assert len(notebook.run('check("relu_second_moment")')._repr_html_()) < 30_000


def test_under_validate_a_failure_is_written_where_validate_shows_it(notebook, monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_VALIDATING", "1")
    notebook.run(WRONG)
    notebook.verdict("relu_second_moment")
    assert "half" in capsys.readouterr().err


def test_under_validate_what_is_optional_and_untouched_is_nothing_to_mend(notebook, monkeypatch):
    monkeypatch.setenv("NBGRADER_VALIDATING", "1")
    lab = notebook.run("from autograder.exercises import find_lab; find_lab('initialization')")
    further = next(e for e in lab.exercises.values() if e.automatic and not e.core)
    assert float(repr(notebook.run(f'check("{further.id}")'))) == further.points
    core = next(e for e in lab.exercises.values() if e.automatic and e.core)
    assert float(repr(notebook.run(f'check("{core.id}")'))) == 0


def test_importing_the_package_does_not_import_torch():
    code = "import autograder, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.name)
def test_an_untouched_repair_is_not_attempted_and_its_mended_line_is_not_told(lab):
    cells, namespace = Cells(), {}
    for cell in student_notebook(lab, REPOSITORY).cells:
        if cell.metadata.autograder.role in ("setup", "answer"):
            source = cell.source.replace(f'autograder.open_lab("{lab.name}")', "")
            execute(source, namespace, "a cell")
            cells.add(source, Outcome("ok"))
    opened = OpenLab(lab, namespace, cells)
    repairs = [e for e in lab.exercises.values() if e.kind is Kind.REPAIR]
    assert repairs
    for exercise in repairs:
        verdict = opened.look(exercise).verdict
        assert verdict.reason is Reason.NOT_ATTEMPTED, exercise.id
        assert not verdict.diagnosis and not verdict.explanation


def test_a_base_class_mended_after_its_subclass_is_noticed_and_used():
    lab = find_lab("optimizers")
    cells, namespace = Cells(), {}

    def run(source, key):
        execute(source, namespace, "a cell")
        cells.add(source, Outcome("ok"), key=key)

    for cell in student_notebook(lab, REPOSITORY).cells:
        if cell.metadata.autograder.role == "setup":
            run(cell.source.replace(f'autograder.open_lab("{lab.name}")', ""), "setup")
    base, momentum = lab.exercises["GradientDescent"], lab.exercises["Momentum"]
    run(answer_source(base, base.mistakes[0].answer), "base")
    run(answer_source(momentum, momentum.reference), "momentum")
    opened = OpenLab(lab, namespace, cells)
    assert not opened.look(base).verdict.passed and opened.look(momentum).verdict.passed
    run(answer_source(base, base.reference), "base")
    stale = opened.look(momentum).verdict
    assert stale.passed and any("run the cell of Momentum" in note for note in stale.notes)
    run(answer_source(momentum, momentum.reference), "momentum")
    assert not any("run the cell" in note for note in opened.look(momentum).verdict.notes)


def test_a_function_of_another_name_in_its_cell_is_named(notebook):
    notebook.run(RIGHT.replace("moment(", "moments("), answer="relu_second_moment")
    (note,) = notebook.verdict("relu_second_moment").notes
    assert "its cell defines `relu_second_moments`; give it the name `relu_second_moment`" in note


def test_an_answer_that_asks_for_input_is_told_that_nobody_types(notebook):
    notebook.run("def relu_second_moment(variance):\n    return float(input('?'))")
    verdict = notebook.verdict("relu_second_moment")
    assert verdict.reason is Reason.RAISED and "EOFError" in verdict.findings[0].observed


def test_a_cell_that_was_saved_with_another_text_after_it_ran_is_told_so(notebook, tmp_path):
    notebook.run(RIGHT, answer="relu_second_moment")
    assert not any("changed" in note for note in notebook.verdict("relu_second_moment").notes)
    file = tmp_path / f"{find_lab('initialization').slug}.ipynb"
    edited = student_notebook(find_lab("initialization"), REPOSITORY)
    cell_of(edited, "relu_second_moment").source = WRONG
    nbformat.write(edited, file)
    later = file.stat().st_mtime + 5
    os.utime(file, (later, later))
    assert "changed and saved" in notebook.verdict("relu_second_moment").notes[0]
    cell_of(edited, "relu_second_moment").source = RIGHT
    nbformat.write(edited, file)
    os.utime(file, (later, later))
    assert not any("changed" in note for note in notebook.verdict("relu_second_moment").notes)


def test_what_resembles_the_planted_bug_is_not_told_the_mended_line(notebook):
    repair = find_exercise("initialization/ResidualBlock")
    own = answer_source(repair, repair.planted_mistake.answer)
    notebook.run(f"{own}\n    extra = None")
    verdict = notebook.verdict("ResidualBlock")
    assert verdict.diagnosis == repair.planted and "not found yet" in verdict.explanation

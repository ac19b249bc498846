"""Hints, the reference, the failing case, progress, and a kernel that was restarted."""

import shutil

import pytest

from autograder.desk.progress import Progress
from autograder.exercises import find_exercise, labs
from autograder.judging.source.laying import answer_source
from tests.autograder.notebook.conftest import restarted

RIGHT = "def relu_second_moment(variance):\n    return variance / 2"


def wrong(factor):
    return f"def relu_second_moment(variance):\n    return variance * {factor}"


def test_hints_come_one_after_the_other_and_are_counted(notebook, tmp_path):
    said = [repr(notebook.run('hint("relu_second_moment")')) for _ in range(4)]
    assert [text[:11] for text in said] == [
        "Hint 1 of 3",
        "Hint 2 of 3",
        "Hint 3 of 3",
        "Hint 3 of 3",
    ]
    assert len(set(said)) == 3
    assert Progress.read(tmp_path).of("initialization/relu_second_moment").hints == 3


def test_the_reference_is_shown_after_success_with_its_differences(notebook):
    assert "3 more different answers" in repr(notebook.run('reference("relu_second_moment")'))
    notebook.run(RIGHT)
    notebook.verdict("relu_second_moment")
    shown = notebook.run('reference("relu_second_moment")')
    assert "def relu_second_moment" in repr(shown) and "more than one right way" in repr(shown)
    assert "+    if " in repr(shown) and "Formula" in repr(shown)


def test_the_reference_is_shown_on_request_after_three_different_tries(notebook):
    for factor in (3, 3, 4):
        notebook.run(wrong(factor))
        notebook.verdict("relu_second_moment")
    assert "one more answer" in repr(notebook.run('reference("relu_second_moment")'))
    notebook.run(wrong(5))
    notebook.verdict("relu_second_moment")
    assert "The point is to understand it" in repr(notebook.run('reference("relu_second_moment")'))


def test_the_failing_case_gives_live_inputs_and_runs_them_again(notebook):
    assert "first" in repr(notebook.run('failing("relu_second_moment")'))
    notebook.run(wrong(3))
    notebook.verdict("relu_second_moment")
    notebook.run('case = failing("relu_second_moment")')
    assert notebook.run("case.observed") == pytest.approx(
        notebook.run("3 * case.inputs['variance']")
    )
    assert notebook.run("relu_second_moment(**case.inputs)") == notebook.run("case.observed")
    notebook.run(RIGHT)
    assert notebook.run("case.run()") == pytest.approx(notebook.run("case.expected"))
    notebook.run("def relu_second_moment(variance):\n    raise ZeroDivisionError")
    raised = notebook.shell.run_cell("case.run()").error_in_exec
    assert isinstance(raised, ZeroDivisionError)
    assert "failing" in repr(case := notebook.run("case")) and "failing" in case._repr_html_()


def test_a_line_that_runs_the_failing_case_goes_on_once_nothing_fails(notebook):
    notebook.run(RIGHT)
    notebook.verdict("relu_second_moment")
    assert "did not fail" in repr(notebook.run("failing('relu_second_moment').run()"))


def test_the_failing_case_of_a_layer_can_be_run(notebook):
    exercise = find_exercise("initialization/ResidualBlock")
    mistake = next(m for m in exercise.mistakes if m.name != exercise.planted)
    notebook.run(answer_source(exercise, mistake.answer))
    assert not notebook.verdict("ResidualBlock").passed
    notebook.run("case = failing('ResidualBlock')")
    assert notebook.shell.run_cell("case.run()").success
    assert "case.run()" in repr(notebook.run("case"))


def test_the_panel_shows_points_tries_and_what_is_next_and_is_drawn_anew(notebook):
    notebook.run("progress()")
    first = notebook.shown[-1]["text/plain"]
    assert "next:" in first and "not predicted yet" in first
    notebook.run(RIGHT)
    notebook.verdict("relu_second_moment")
    assert notebook.shown[-1]["text/plain"] != first
    assert "✓ relu_second_moment  1 try" in notebook.shown[-1]["text/plain"]
    assert "✓" in notebook.shown[-1]["text/html"]


def test_the_course_panel_counts_what_lies_beside(notebook):
    text = repr(notebook.run("progress(course=True)"))
    assert text.count("core") == len(labs()) and "4 · Initialization: core 0 of" in text


def test_a_restarted_kernel_gets_back_what_was_solved(notebook, tmp_path):
    notebook.run(RIGHT)
    notebook.verdict("relu_second_moment")
    notebook.run(wrong(3).replace("relu_second_moment", "gain"))
    notebook.verdict("gain")
    again = restarted()
    assert "1 exercise was solved before" in repr(
        again.run('autograder.open_lab("initialization")')
    )
    assert "`relu_second_moment`" in repr(again.run("resume()"))
    assert again.run("relu_second_moment(4.0)") == 2.0
    assert again.verdict("relu_second_moment").passed
    assert "nothing to bring back" in repr(again.run("resume()"))


def test_helpers_that_an_answer_calls_come_back_with_it(notebook):
    notebook.run("def half(x):\n    return x / 2")
    notebook.run("def relu_second_moment(variance):\n    return half(variance)")
    assert notebook.verdict("relu_second_moment").passed
    again = restarted()
    again.run("resume()")
    assert again.run("relu_second_moment(4.0)") == 2.0


def test_an_answer_that_stays_right_is_no_further_try(notebook, tmp_path):
    notebook.run(RIGHT)
    for _ in range(3):
        notebook.verdict("relu_second_moment")
    assert Progress.read(tmp_path).of("initialization/relu_second_moment").tries == 1


def test_work_goes_on_where_progress_cannot_be_kept(notebook, tmp_path):
    shutil.rmtree(tmp_path)
    notebook.run(RIGHT)
    assert notebook.verdict("relu_second_moment").passed
    notebook.run("progress()")
    assert "✓ relu_second_moment" in notebook.shown[-1]["text/plain"]
    assert "forgotten" in notebook.shown[-1]["text/html"]

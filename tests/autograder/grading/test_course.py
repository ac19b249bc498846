"""A course folder graded by `course grade` and by nbgrader itself gets the same scores."""

import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

import autograder.grading.many.batch as batch
import autograder.grading.many.proof as proof
import autograder.grading.many.worker as worker
from autograder.grading.checkout import REPOSITORY
from autograder.grading.keeping.gradebook import open_gradebook
from autograder.grading.many.batch import grade, prepare
from autograder.grading.many.proof import BatchRefused
from tests.support.notebooks import LAB, SLUG, cell_of

BIN = Path(sys.executable).parent


def run(course, *command):
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=course,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def scores(course):
    """Every automatic score in the gradebook, by student and cell."""
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        return {
            (submission.student.id, grade.name): grade.auto_score
            for submission in gradebook.assignment_submissions(SLUG)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


@pytest.fixture(scope="module")
def course(tmp_path_factory, solved, pristine):
    root = tmp_path_factory.mktemp("course")
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)

    def hand_in(student, notebook):
        folder = root / "submitted" / student / SLUG
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{SLUG}.ipynb")

    hand_in("right", solved)
    half = copy.deepcopy(solved)
    cell_of(half, "gaussian").source = "def gaussian(shape, std):\n    return 7 / 0"
    hand_in("half", half)
    broken = root / "submitted" / "broken" / SLUG
    broken.mkdir(parents=True)
    (broken / f"{SLUG}.ipynb").write_text("{")
    with open_gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        gradebook.update_or_create_student("absent")
    return root


@pytest.fixture(scope="module")
def graded(course):
    return {one.student: one for one in grade(course, LAB)}


def test_everybody_has_a_record_a_page_and_a_row_in_the_gradebook(course, graded):
    assert set(graded) == {"right", "half", "broken", "absent"}
    assert graded["absent"].note == "no submission"
    assert graded["right"].score == graded["right"].max_score
    assert graded["half"].score == graded["right"].score - LAB.exercises["gaussian"].points
    assert graded["broken"].status == "not_run" and graded["broken"].score == 0
    saved = scores(course)
    for student, record in graded.items():
        assert (course / "feedback" / student / SLUG / f"{SLUG}.html").exists()
        on_disk = json.loads((course / "records" / SLUG / f"{student}.json").read_text())
        assert on_disk["score"] == record.score
        total = sum(v or 0 for (name, _), v in saved.items() if name == student)
        assert total == record.score


def test_what_has_not_changed_is_not_graded_again(course, graded, monkeypatch):
    monkeypatch.setattr(batch, "open_engine", lambda *_: pytest.fail("graded again"))
    again = grade(course, LAB)
    assert {record.student: record.score for record in again} == {
        student: record.score for student, record in graded.items()
    }


def test_nbgraders_own_commands_work_and_give_the_same_scores(course, graded):
    before = scores(course)
    run(course, "nbgrader", "autograde", SLUG, "--force")
    assert scores(course) == before
    run(course, "nbgrader", "generate_feedback", SLUG, "--force")
    page = (course / "feedback" / "half" / SLUG / f"{SLUG}.html").read_text()
    assert "ZeroDivisionError" in page
    run(course, "nbgrader", "export")
    assert "half" in (course / "grades.csv").read_text()


def test_hand_given_scores_and_comments_survive_grading_again(course, graded):
    written = LAB.exercises["equal_is_not_healthy"].grade_id
    with open_gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        given = gradebook.find_grade(written, SLUG, SLUG, "right")
        assert given.auto_score is None and given.needs_manual_grade
        given.manual_score = 2.5
        gradebook.find_comment(written, SLUG, SLUG, "right").manual_comment = "Well argued."
        gradebook.db.commit()
    grade(course, LAB, force=True)
    with open_gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        assert gradebook.find_grade(written, SLUG, SLUG, "right").manual_score == 2.5
        comment = gradebook.find_comment(written, SLUG, SLUG, "right")
        assert comment.manual_comment == "Well argued."


def test_a_broken_environment_stops_the_batch(tmp_path, monkeypatch, solved, pristine):
    broken = copy.deepcopy(solved)
    cell_of(broken, "gaussian").source = "def gaussian(shape, std):\n    return None"
    monkeypatch.setattr(proof, "solved_notebook", lambda *_: broken)
    with pytest.raises(BatchRefused, match=r"nobody was graded.*gaussian is wrong"):
        prepare(LAB, tmp_path)


def test_a_failure_of_the_grader_costs_one_submission(course, graded, monkeypatch):
    really = worker.grade_task

    def fails(settings, task):
        if task.student == "half":
            raise MemoryError("no room")
        return really(settings, task)

    monkeypatch.setattr(worker, "grade_task", fails)
    records = {one.student: one for one in grade(course, LAB, force=True)}
    assert records["right"].score == graded["right"].score
    assert records["half"].status == "not_run" and "no room" in records["half"].note
    assert set(records["half"].marks) == {"-"}


def test_the_command_line_grades_reports_and_writes_json(course, graded):
    shown = run(course, "course", "grade", "4", "--json", "out.json")
    assert "right" in shown and "without confinement" not in shown
    data = json.loads((course / "out.json").read_text())
    assert {"student", "lab", "score", "max_score", "manual_points", "status", "seconds"} <= set(
        data[0]
    )
    assert run(course, "course", "report", "initialization").strip().endswith(f"{SLUG}.html")


def test_late_penalties_are_nbgraders(course, graded):
    with (course / "nbgrader_config.py").open("a") as config:
        config.write('\nget_config().LateSubmissionPlugin.penalty_method = "zero"\n')
    stamp = course / "submitted" / "right" / SLUG / "timestamp.txt"
    stamp.write_text("2026-11-20 12:00:00.0 UTC\n")
    url = f"sqlite:///{course}/gradebook.db"
    with open_gradebook(url) as gradebook:
        gradebook.update_or_create_assignment(SLUG, duedate="2026-11-19 12:00:00.0 UTC")
    grade(course, LAB, force=True)
    with open_gradebook(url) as gradebook:
        late = gradebook.find_submission_notebook(SLUG, SLUG, "right")
        assert late.late_submission_penalty == late.score > 0
        in_time = gradebook.find_submission_notebook(SLUG, SLUG, "half")
        assert in_time.late_submission_penalty is None

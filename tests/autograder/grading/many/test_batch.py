"""A batch whose workers, database or students' names give way."""

import copy
import pickle
import shutil

import pytest
from nbgrader.api import Gradebook
from sqlalchemy.exc import OperationalError

import autograder.grading.keeping.saving as saving
import autograder.grading.many.batch as batch
import autograder.grading.many.room as room
import autograder.grading.many.worker as worker
from autograder.box import NoBox
from autograder.grading.checkout import REPOSITORY
from autograder.grading.keeping.gradebook import open_gradebook, register_lab
from autograder.grading.many.batch import BatchStopped, grade
from autograder.grading.many.proof import BatchRefused
from autograder.grading.running.grade import Graded
from autograder.grading.running.record import not_run
from tests.support.notebooks import LAB, SLUG, role


@pytest.fixture(scope="module")
def empty_gradebook(tmp_path_factory):
    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    with open_gradebook(f"sqlite:///{path}"):
        pass
    return path


@pytest.fixture
def quick(tmp_path, monkeypatch, pristine, hand_in, empty_gradebook):
    """A course whose submissions are judged by saying so, without kernels."""
    shutil.copy(REPOSITORY / "nbgrader_config.py", tmp_path)
    shutil.copy(empty_gradebook, tmp_path / "gradebook.db")
    monkeypatch.setattr(worker, "prove", lambda *_: None)
    monkeypatch.setattr(
        worker,
        "grade_task",
        lambda settings, task: Graded(not_run(task.student, LAB, "said so"), pristine),
    )
    monkeypatch.setattr(saving.time, "sleep", lambda _: None)
    for student in ("ada", "bob", "eve"):
        hand_in(pristine, student=student)
    return tmp_path


def reasons(summaries):
    return {one.student: one.note for one in summaries}


def test_a_locked_database_is_tried_again(quick, monkeypatch):
    save, calls = saving.save_record, []

    def locked(*arguments):
        calls.append(1)
        if len(calls) < 3:
            raise OperationalError("INSERT", {}, Exception("database is locked"))
        save(*arguments)

    monkeypatch.setattr(saving, "save_record", locked)
    assert set(reasons(grade(quick, LAB))) == {"ada", "bob", "eve"}


def test_a_database_that_stays_locked_stops_and_keeps_what_was_done(quick, monkeypatch):
    save = saving.save_record

    def locked(gradebook, lab, record, timestamp):
        if (quick / "records" / SLUG).is_dir():
            raise OperationalError("INSERT", {}, Exception("database is locked"))
        save(gradebook, lab, record, timestamp)

    monkeypatch.setattr(saving, "save_record", locked)
    with pytest.raises(BatchStopped, match=r"database is locked.*run the same command again"):
        grade(quick, LAB)
    assert len(list((quick / "records" / SLUG).iterdir())) == 1


def test_a_failing_intake_and_an_odd_name_stop_nobody(quick, monkeypatch):
    take_in = batch.take_in_student

    def fails(course, slug, pristine, student):
        if student == "bob":
            raise PermissionError("denied")
        return take_in(course, slug, pristine, student)

    monkeypatch.setattr(batch, "take_in_student", fails)
    monkeypatch.setattr(batch, "roster", lambda _: ["../../mallory"])
    found = reasons(grade(quick, LAB))
    assert "denied" in found["bob"] and "cannot be a student's" in found["../../mallory"]
    assert found["ada"] == "said so"
    assert not list(quick.parent.rglob("mallory*"))


def test_an_environment_without_a_kernel_refuses_the_batch(tmp_path, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("Kernel died before replying to kernel_info")

    monkeypatch.setattr(room, "grade_notebook", fails)
    with pytest.raises(BatchRefused, match=r"nobody was graded.*Kernel died.*course doctor"):
        batch.prepare(LAB, tmp_path, unsafe_no_box=True)


def test_a_machine_that_cannot_confine_grades_nobody(tmp_path, monkeypatch, hand_in, pristine):
    def refuses(*_, **__):
        raise NoBox("bubblewrap is missing", "install it")

    shutil.copy(REPOSITORY / "nbgrader_config.py", tmp_path)
    monkeypatch.setattr(room, "open_launcher", refuses)
    hand_in(pristine)
    with pytest.raises(BatchRefused, match=r"nobody was graded.*is missing; install it"):
        grade(tmp_path, LAB)
    assert not (tmp_path / "records").exists()


def test_a_worker_with_other_code_is_refused_by_name(tmp_path):
    settings = room.Settings(b"x", code="another version")
    refusal = worker.prove(settings, LAB.name)
    assert "has other code than the grader: install the same version there" in str(refusal)
    assert str(pickle.loads(pickle.dumps(refusal))) == str(refusal)
    assert "secret" not in repr(settings) and "b'x'" not in repr(settings)


def test_a_worker_that_refuses_in_the_middle_stops_the_batch(quick, monkeypatch):
    said_so = worker.grade_task

    def refuses(settings, task):
        late = BatchRefused("the worker at home has other code")
        return late if task.student == "eve" else said_so(settings, task)

    monkeypatch.setattr(worker, "grade_task", refuses)
    with pytest.raises(BatchStopped, match=r"worker at home has other code; 2 of 3 .* kept"):
        grade(quick, LAB)
    assert len(list((quick / "records" / SLUG).iterdir())) == 2


def test_cells_that_left_the_lab_leave_the_gradebook_unless_graded_by_hand(quick, pristine):
    grade(quick, LAB)
    url = f"sqlite:///{quick}/gradebook.db"
    graded = [c.metadata.nbgrader for c in pristine.cells if role(c) == "check"]
    first, second = [about.grade_id for about in graded if about.points][:2]
    smaller = copy.copy(pristine)
    smaller.cells = [
        c for c in pristine.cells
        if c.metadata.get("nbgrader", {}).get("grade_id") not in (first, second)
    ]  # fmt: skip
    with open_gradebook(url) as gradebook:
        before = gradebook.find_assignment(SLUG).max_score
        gradebook.find_grade(second, SLUG, SLUG, "ada").manual_score = 1.0
        gradebook.db.commit()
        register_lab(gradebook, LAB, smaller)
    with Gradebook(url) as gradebook:
        names = {cell.name for cell in gradebook.find_notebook(SLUG, SLUG).grade_cells}
        assert first not in names and second in names
        assert gradebook.find_assignment(SLUG).max_score < before
        assert gradebook.find_grade(second, SLUG, SLUG, "ada").manual_score == 1.0

"""What is left of a submission: notebook, files, scores, penalties; and a database that is busy."""

import sqlite3
from dataclasses import replace

import pytest
from nbgrader.api import Gradebook
from sqlalchemy.exc import IntegrityError, OperationalError

import autograder.grading.keeping.saving as saving
from autograder.grading.keeping.gradebook import open_gradebook, register_lab
from autograder.grading.keeping.records import read_record
from autograder.grading.keeping.saving import database_url, save
from autograder.grading.running.grade import Graded
from autograder.grading.running.record import not_run
from tests.support.notebooks import LAB, SLUG
from tests.support.postgres import KINDS, databases

CONFIG = """
get_config().CourseDirectory.db_url = {url!r}
get_config().LateSubmissionPlugin.penalty_method = "zero"
"""


@pytest.fixture(scope="module", params=KINDS)
def make_database(request, tmp_path_factory):
    with databases(request.param, tmp_path_factory.mktemp("gradebooks")) as make:
        yield make


@pytest.fixture
def configured(course, make_database):
    """A course folder whose configuration names the gradebook."""
    url = make_database()
    (course.root / "nbgrader_config.py").write_text(CONFIG.format(url=url))
    assert database_url(course) == url
    return course


@pytest.fixture
def graded(solved):
    record = not_run("ada", LAB, "")
    full = [replace(verdict, score=verdict.points) for verdict in record.verdicts]
    return Graded(replace(record, status="graded", verdicts=full), solved)


@pytest.fixture
def busy(tmp_path, pristine, monkeypatch):
    """A gradebook that does not wait for a lock, and the pauses between attempts."""
    path, pauses = tmp_path / "gradebook.db", []
    monkeypatch.setattr(saving.time, "sleep", pauses.append)
    with open_gradebook(f"sqlite:///{path}?timeout=0.01") as gradebook:
        register_lab(gradebook, LAB, pristine)
        yield gradebook, path, pauses


def penalty(url):
    with Gradebook(url) as gradebook:
        return gradebook.find_submission_notebook(SLUG, SLUG, "ada").late_submission_penalty


def test_everything_is_written_into_the_configured_database(configured, graded, pristine):
    url = database_url(configured)
    with open_gradebook(url) as gradebook:
        register_lab(gradebook, LAB, pristine)
        save(configured, LAB, graded, gradebook)
        assert gradebook.find_submission(SLUG, "ada").score > 0
    assert read_record(configured.record("ada", SLUG)) == graded.record
    assert configured.feedback("ada", SLUG).exists()
    assert (configured.autograded("ada", SLUG) / f"{SLUG}.ipynb").exists()


def test_nbgraders_plugin_is_asked_about_late_submissions_only(
    configured, graded, pristine, monkeypatch
):
    asked, really = [], saving.late_penalty
    monkeypatch.setattr(saving, "late_penalty", lambda *a: (asked.append(a), really(*a)))
    stamp = configured.submitted("ada", SLUG) / "timestamp.txt"
    stamp.parent.mkdir(parents=True)
    stamp.write_text("2026-11-20 12:00:00.0 UTC\n")
    url = database_url(configured)
    with open_gradebook(url) as gradebook:
        register_lab(gradebook, LAB, pristine)
        save(configured, LAB, graded, gradebook)
        assert not asked
        gradebook.update_or_create_assignment(SLUG, duedate="2026-11-19 12:00:00.0 UTC")
        save(configured, LAB, graded, gradebook)
        assert len(asked) == 1 and penalty(url) == graded.record.score
        gradebook.grant_extension(SLUG, "ada", days=3)
        save(configured, LAB, graded, gradebook)
        assert len(asked) == 2 and penalty(url) is None
        save(configured, LAB, graded, gradebook)
        assert len(asked) == 2


def test_a_lock_that_goes_away_costs_a_pause(course, graded, busy, monkeypatch):
    gradebook, path, pauses = busy
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(saving.time, "sleep", lambda s: (pauses.append(s), other.rollback()))
    save(course, LAB, graded, gradebook)
    assert pauses == [1] and gradebook.find_submission(SLUG, "ada").score > 0


def test_a_lock_that_stays_is_an_error_and_leaves_no_record(course, graded, busy):
    gradebook, path, pauses = busy
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(OperationalError, match="database is locked"):
        save(course, LAB, graded, gradebook)
    assert pauses == [1, 2, 3] and read_record(course.record("ada", SLUG)) is None
    other.rollback()
    save(course, LAB, graded, gradebook)
    assert read_record(course.record("ada", SLUG)) == graded.record


def test_rows_that_another_run_adds_meanwhile_are_taken(course, graded, busy, monkeypatch):
    gradebook, path, _ = busy
    really, other = saving.save_record, [path]

    def overtaken(*arguments):
        if other:
            with open_gradebook(f"sqlite:///{other.pop()}") as theirs:
                really(theirs, *arguments[1:])
            raise IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed"))
        return really(*arguments)

    monkeypatch.setattr(saving, "save_record", overtaken)
    save(course, LAB, graded, gradebook)
    assert len(gradebook.students) == 1

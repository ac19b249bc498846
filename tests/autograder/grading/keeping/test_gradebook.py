"""The writer of scores, on every database that a course may keep its gradebook in."""

import contextlib
import copy
from dataclasses import replace

import pytest
from nbgrader.api import Comment, Grade, Gradebook, MissingEntry
from sqlalchemy import event, func, select, text

from autograder.grading.keeping.gradebook import open_gradebook, register_lab, roster
from autograder.grading.keeping.scores import save_record
from autograder.grading.running.record import Record, not_run
from autograder.judging import Kind, Reason
from tests.support.notebooks import LAB, SLUG
from tests.support.postgres import KINDS, databases

WRITTEN = next(e for e in LAB.exercises.values() if e.kind is Kind.WRITTEN)
CODE = next(e for e in LAB.exercises.values() if e.automatic)


@pytest.fixture(scope="module", params=KINDS)
def make_database(request, tmp_path_factory):
    with databases(request.param, tmp_path_factory.mktemp("gradebooks")) as make:
        yield make


@pytest.fixture
def url(make_database):
    return make_database()


@pytest.fixture
def gradebook(url, pristine):
    with open_gradebook(url) as gradebook:
        register_lab(gradebook, LAB, pristine)
        yield gradebook


def record(student="ada", score=1.0, reason=Reason.CORRECT) -> Record:
    """Every exercise has the reason; every automatic one has the share of its points."""

    def verdict(v):
        if v.kind == Kind.WRITTEN:
            waits = reason is not Reason.NOT_ATTEMPTED
            return replace(v, reason=Reason.AWAITING_REVIEW if waits else reason)
        return replace(v, reason=reason, score=score * v.points)

    empty = not_run(student, LAB, "")
    return replace(empty, status="graded", verdicts=[verdict(v) for v in empty.verdicts])


def without(notebook, exercise):
    """The lab before an exercise was written."""
    smaller = copy.copy(notebook)
    smaller.cells = [
        c for c in notebook.cells if c.metadata["autograder"].get("exercise") != exercise.id
    ]
    return smaller


@contextlib.contextmanager
def statements(gradebook):
    """What is said to the database meanwhile."""
    said = []

    def note(connection, cursor, statement, parameters, context, many):
        said.append((statement, parameters[0] if many else parameters))

    event.listen(gradebook.engine, "before_cursor_execute", note)
    yield said
    event.remove(gradebook.engine, "before_cursor_execute", note)


def rows(gradebook, table):
    return gradebook.db.scalar(select(func.count()).select_from(table))


def test_a_saved_record_is_what_nbgrader_reads(gradebook, url):
    save_record(gradebook, LAB, record(score=0.5))
    assert roster(gradebook) == ["ada"]
    with Gradebook(url) as stock:
        found = stock.find_submission(SLUG, "ada")
        assert found.score == record(score=0.5).score > 0
        assert found.max_score == record().max_score + record().manual_points
        assert found.needs_manual_grade and found.timestamp is None
        assert stock.find_grade(WRITTEN.grade_id, SLUG, SLUG, "ada").auto_score is None
        automatic = stock.find_grade(CODE.grade_id, SLUG, SLUG, "ada")
        assert (automatic.auto_score, automatic.needs_manual_grade) == (CODE.points / 2, False)


def test_saving_again_changes_rows_and_adds_none(gradebook):
    save_record(gradebook, LAB, record(score=0.0, reason=Reason.NOT_ATTEMPTED))
    answer = (f"{CODE.grade_id}-answer", SLUG, SLUG, "ada")
    assert gradebook.find_comment(*answer).comment == "No response."
    before = rows(gradebook, Grade), rows(gradebook, Comment)
    save_record(gradebook, LAB, record())
    assert (rows(gradebook, Grade), rows(gradebook, Comment)) == before
    assert gradebook.find_submission(SLUG, "ada").score == record().max_score
    assert gradebook.find_comment(*answer).comment is None


def test_what_a_person_has_given_stays(gradebook):
    save_record(gradebook, LAB, record())
    for exercise in (WRITTEN, CODE):
        given = gradebook.find_grade(exercise.grade_id, SLUG, SLUG, "ada")
        given.manual_score, given.extra_credit, given.needs_manual_grade = 0.5, 0.25, False
    gradebook.find_comment(WRITTEN.grade_id, SLUG, SLUG, "ada").manual_comment = "Well argued."
    gradebook.db.commit()
    save_record(gradebook, LAB, record(score=0.0, reason=Reason.WRONG))
    for exercise in (WRITTEN, CODE):
        given = gradebook.find_grade(exercise.grade_id, SLUG, SLUG, "ada")
        assert (given.manual_score, given.extra_credit, given.score) == (0.5, 0.25, 0.75)
        assert given.needs_manual_grade
    comment = gradebook.find_comment(WRITTEN.grade_id, SLUG, SLUG, "ada")
    assert comment.comment == "Well argued."


def test_cells_that_came_later_get_their_rows(gradebook, pristine):
    smaller = without(pristine, CODE)
    register_lab(gradebook, LAB, smaller)
    save_record(gradebook, LAB, record())
    with pytest.raises(MissingEntry):
        gradebook.find_grade(CODE.grade_id, SLUG, SLUG, "ada")
    register_lab(gradebook, LAB, pristine)
    save_record(gradebook, LAB, record())
    assert gradebook.find_grade(CODE.grade_id, SLUG, SLUG, "ada").auto_score == CODE.points
    assert gradebook.find_submission(SLUG, "ada").score == record().max_score


def test_cells_that_left_go_unless_a_person_has_touched_them(gradebook, pristine):
    for student in ("ada", "bob"):
        save_record(gradebook, LAB, record(student))
    other = next(e for e in LAB.exercises.values() if e.automatic and e is not CODE)
    gradebook.find_grade(other.grade_id, SLUG, SLUG, "bob").extra_credit = 1.0
    gradebook.db.commit()
    register_lab(gradebook, LAB, without(without(pristine, CODE), other))
    with pytest.raises(MissingEntry):
        gradebook.find_grade_cell(CODE.grade_id, SLUG, SLUG)
    assert gradebook.find_grade(other.grade_id, SLUG, SLUG, "bob").extra_credit == 1.0
    assert gradebook.find_submission(SLUG, "ada").score == record().max_score - CODE.points


def test_a_submission_is_one_transaction_and_leaves_nothing_in_memory(gradebook):
    commits = []
    event.listen(gradebook.engine, "commit", commits.append)
    with statements(gradebook) as first:
        save_record(gradebook, LAB, record(), "2026-11-20 12:00:00.0 UTC")
    assert len(commits) == 1 and not list(gradebook.db.identity_map.values())
    with statements(gradebook) as again:
        save_record(gradebook, LAB, record())
    assert not [said for said, _ in again if not said.startswith("SELECT")]
    assert len(first) <= 12 and len(again) <= 3


def test_every_look_up_of_a_submission_is_by_an_index(gradebook):
    """What is scanned costs more in a larger class."""
    save_record(gradebook, LAB, record("bob"))
    with statements(gradebook) as said:
        save_record(gradebook, LAB, record(score=0.0), "2026-11-20 12:00:00.0 UTC")
        save_record(gradebook, LAB, record(), "2026-11-20 12:00:00.0 UTC")
    with gradebook.engine.connect() as connection:
        explain = "EXPLAIN QUERY PLAN"
        if gradebook.engine.name == "postgresql":
            # On a table of a few rows the planner would scan although it need not.
            connection.execute(text("SET enable_seqscan = off"))
            explain = "EXPLAIN"
        for statement, parameters in said:
            if statement.startswith("INSERT"):
                continue
            plan = str(connection.exec_driver_sql(f"{explain} {statement}", parameters).all())
            assert "SCAN" not in plan and "Seq Scan" not in plan, (statement, plan)


def test_a_submission_is_late_after_its_own_due_date_only(gradebook):
    noon, later = "2026-11-20 12:00:00.0 UTC", "2026-11-20 13:30:00.0 UTC"
    assert not save_record(gradebook, LAB, record(), later)
    gradebook.update_or_create_assignment(SLUG, duedate=noon)
    assert not save_record(gradebook, LAB, record(), noon)
    assert save_record(gradebook, LAB, record(), later)
    assert not save_record(gradebook, LAB, record(), None)
    gradebook.grant_extension(SLUG, "ada", hours=2)
    assert not save_record(gradebook, LAB, record(), later)
    gradebook.find_submission_notebook(SLUG, SLUG, "ada").late_submission_penalty = 1.0
    gradebook.db.commit()
    assert save_record(gradebook, LAB, record(), later)


def test_a_lab_that_is_not_registered_is_named(url):
    with open_gradebook(url) as gradebook, pytest.raises(MissingEntry, match=f"{SLUG}; register"):
        save_record(gradebook, LAB, record())

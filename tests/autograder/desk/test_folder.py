"""A student's folder is laid out once, brought up to date ever after, and never overwritten."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.utils import compute_checksum

from autograder.desk.folder import is_laid_out
from autograder.desk.home import HOME
from autograder.student_work.holding import is_as_built, work_in
from tests.autograder.desk.conftest import SLUG
from tests.support.notebooks import cell_of, role

ANSWER = "def kaiming_normal(weight):\n    return weight  # mine"


def as_it_was(notebook):
    """Put the lab back to an earlier version: other texts, starters and exercises."""
    cell_of(notebook, "kaiming_normal", "statement").source = "### An older statement"
    for name in ("kaiming_normal", "xavier_normal"):
        starter = cell_of(notebook, name)
        starter.source = f"def {name}(older):\n    ..."
        starter.metadata.nbgrader.checksum = compute_checksum(starter)
    notebook.cells[0].source = "# Lab 4 · An older title"
    gone = nbformat.from_dict(cell_of(notebook, "kaiming_normal"))
    gone.id = "gone"
    gone.source = "def gone():\n    ..."
    gone.metadata.autograder.exercise = "initialization/gone"
    gone.metadata.nbgrader.grade_id = "initialization-gone-answer"
    gone.metadata.nbgrader.checksum = compute_checksum(gone)
    notebook.cells.append(gone)


def with_work(notebook):
    """Do a student's work in a notebook: answers, a prediction, a text, cells of their own."""
    cell_of(notebook, "kaiming_normal").source = ANSWER
    cell_of(notebook, "zero_biases").source = 'zero_biases = "mine"'
    cell_of(notebook, "equal_is_not_healthy", "written").source = "Because 1 <b>is</b> mine."
    place = notebook.cells.index(cell_of(notebook, "kaiming_normal")) + 1
    plot = nbformat.v4.new_code_cell("mine = 1", execution_count=3)
    plot.outputs = [nbformat.v4.new_output("stream", text="a figure of mine")]
    notebook.cells[place:place] = [plot, nbformat.v4.new_markdown_cell("A note & <i>mine</i>")]
    return notebook


@pytest.fixture
def worked(desk, earlier):
    """A folder laid out from an earlier version, in which a student has worked."""
    desk.start(earlier(as_it_was))
    desk.write(with_work(desk.read()))
    return desk


def test_a_fresh_folder_holds_the_labs_and_a_home(desk, released):
    assert not is_laid_out(desk.folder)
    assert desk.start(released) == []
    assert desk.path.read_bytes() == released.read_bytes()
    seen = {path.name for path in desk.folder.iterdir() if not path.name.startswith(".")}
    assert seen == {HOME, SLUG} and is_laid_out(desk.folder)


def test_starting_again_writes_nothing_into_notebooks(desk, released):
    desk.start(released)
    desk.write(with_work(desk.read()))
    before = desk.files()
    assert desk.start(released) == []
    after = desk.files()
    assert set(after) == set(before) and after[desk.path] == before[desk.path]


def test_a_new_version_keeps_all_that_the_student_wrote(worked, released):
    worked.start(released)
    new, built = worked.read(), nbformat.read(released, as_version=4)
    assert cell_of(new, "kaiming_normal").source == ANSWER
    assert cell_of(new, "zero_biases").source == 'zero_biases = "mine"'
    assert cell_of(new, "equal_is_not_healthy", "written").source == "Because 1 <b>is</b> mine."
    own = [c for c in new.cells if role(c) == "student"]
    assert [c.source for c in own] == ["mine = 1", "A note & <i>mine</i>"]
    assert own[0].outputs[0].text == "a figure of mine"
    place = new.cells.index(own[0])
    assert new.cells[place - 1] is cell_of(new, "kaiming_normal")
    others = [c for c in new.cells if role(c) != "student"]
    assert [role(c) for c in others] == [role(c) for c in built.cells]


def test_a_new_version_is_new_wherever_the_student_wrote_nothing(worked, released):
    worked.start(released)
    new, built = worked.read(), nbformat.read(released, as_version=4)
    assert cell_of(new, "xavier_normal").source == cell_of(built, "xavier_normal").source
    assert "older" not in worked.path.read_text(encoding="utf-8")
    answered = {"kaiming_normal", "zero_biases", "equal_is_not_healthy"}
    for ours, theirs in zip((c for c in new.cells if role(c) != "student"), built.cells,
                            strict=True):  # fmt: skip
        named = theirs.metadata.autograder.get("exercise", "").partition("/")[2]
        assert ours.source == theirs.source or named in answered


def test_what_has_no_place_in_the_new_version_stays_beside_it(desk, earlier, released):
    desk.start(earlier(as_it_was))
    notebook = desk.read()
    notebook.cells[0].source += "\n\nA note of mine in your text."
    cell_of(notebook, "gone").source = "def gone():\n    return 'mine'"
    desk.write(notebook)
    notes = desk.start(released)
    own = [c.source for c in desk.read().cells if role(c) == "student"]
    assert len(own) == 2 and own[0].endswith("of mine in your text.") and own[1].endswith("'mine'")
    assert any("you had changed a text cell" in note for note in notes)
    assert any("initialization/gone is no longer in the lab" in note for note in notes)


def test_the_original_is_kept_under_a_name_of_its_own_each_time(worked, earlier, released):
    originals = [worked.path.read_bytes()]
    notes = worked.start(released)
    originals.append(worked.path.read_bytes())
    worked.start(earlier(as_it_was))
    kept = sorted((worked.folder / "earlier").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert [path.read_bytes() for path in kept] == originals
    assert f"earlier/{kept[0].name}" in notes[0]


def test_a_second_start_after_a_new_version_changes_nothing(worked, released):
    worked.start(released)
    before = worked.files()
    assert worked.start(released) == []
    assert {path: before[path] for path in before if path.suffix == ".ipynb"} == {
        path: found for path, found in worked.files().items() if path.suffix == ".ipynb"
    }


def test_a_start_that_was_cut_off_is_finished_by_the_next(worked, released):
    given = worked.folder / ".course" / "given" / f"{SLUG}.ipynb"
    old = given.read_bytes()
    worked.start(released)
    renewed = worked.path.read_bytes()
    given.write_bytes(old)
    assert worked.start(released) == []
    assert worked.path.read_bytes() == renewed and given.read_bytes() == released.read_bytes()


def test_a_copied_notebook_of_unknown_origin_is_brought_up_to_date_too(desk, earlier, released):
    old = nbformat.read(earlier(as_it_was), as_version=4)
    desk.path.parent.mkdir(parents=True)
    desk.write(with_work(old))
    notes = desk.start(released)
    new, built = desk.read(), nbformat.read(released, as_version=4)
    assert "with your answers" in notes[0]
    assert cell_of(new, "kaiming_normal").source == ANSWER
    assert cell_of(new, "xavier_normal").source == cell_of(built, "xavier_normal").source
    assert new.cells[0].source == built.cells[0].source


def test_a_notebook_that_cannot_be_read_is_left_alone_and_named(worked, released):
    content = worked.path.read_bytes()[:-100]
    worked.path.write_bytes(content)
    (note,) = worked.start(released)
    assert f"{SLUG}.ipynb cannot be parsed" in note and "stays as it is" in note
    assert worked.path.read_bytes() == content


def test_an_open_notebook_is_left_alone_until_it_is_closed(worked, released):
    before = worked.path.read_bytes()
    (note,) = worked.start(released, open_now={f"{SLUG}/{SLUG}.ipynb"})
    assert "is open in JupyterLab" in note and worked.path.read_bytes() == before
    worked.start(released)
    assert worked.path.read_bytes() != before


def test_answers_where_the_course_has_its_own_copy_are_taken_along(desk, earlier):
    solved = earlier(with_work)
    (note,) = desk.start(solved)
    assert desk.path.read_bytes() == solved.read_bytes()
    assert "holds an answer to initialization/kaiming_normal and 2 more" in note
    assert "`git checkout labs`" in note


def test_a_page_of_the_students_own_is_not_replaced_by_the_home(desk, released):
    desk.folder.mkdir()
    (desk.folder / HOME).write_text("My diary")
    assert desk.start(released) == [
        "Home.md is not the course's and stays; move it away to get a course home"
    ]
    assert (desk.folder / HOME).read_text() == "My diary"


def test_a_full_disk_loses_nothing(worked, released):
    before = worked.path.read_bytes()
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\n"
        "from autograder.desk.folder import lay_out\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "lay_out(Path(sys.argv[1]), {sys.argv[2]: Path(sys.argv[3])})\n"
    )
    arguments = [str(worked.folder), SLUG, str(released)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert "OSError" in done.stderr
    assert worked.path.read_bytes() == before
    assert not [path for path in worked.folder.rglob("*") if path.name.startswith(".writing-")]
    worked.start(released)
    assert cell_of(worked.read(), "kaiming_normal").source == ANSWER


def test_what_is_as_built_agrees_with_nbgraders_checksum(released):
    notebook = nbformat.read(released, as_version=4)
    marked = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert marked and all(is_as_built(cell) for cell in marked)
    for cell in marked:
        cell.source += " "
        assert not is_as_built(cell)
        cell.metadata.nbgrader.checksum = compute_checksum(cell)
        assert is_as_built(cell)


def test_no_lab_that_is_given_out_holds_work(released):
    assert work_in(Path(released)) is None

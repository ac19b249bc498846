"""Folders as they arrive: one notebook is left of each, or a reason, and nothing is lost."""

import os
import shutil

import nbformat
import pytest

from autograder.grading.intake.taking import laid_notebook, take_in_student
from tests.support.intake import take_in
from tests.support.notebooks import SLUG, cell_of, role


@pytest.mark.parametrize("name", [f"{SLUG} (1).ipynb", f"sub/folder/{SLUG}.ipynb", "final!.ipynb"])
def test_a_renamed_or_moved_notebook_is_found(name, handed_in, pristine, course, hand_in):
    hand_in(handed_in, name=name)
    taken, laid = take_in(course, pristine)
    assert laid is not None and any(name in note for note in taken.notes)


def test_of_two_notebooks_the_one_with_the_labs_cells_is_graded(
    handed_in, pristine, course, hand_in
):
    hand_in(handed_in, name="mine.ipynb")
    hand_in(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))
    assert take_in(course, pristine)[1] is not None


def test_two_candidates_are_both_named(handed_in, pristine, course, hand_in):
    hand_in(handed_in)
    hand_in(handed_in, name="copy.ipynb")
    taken, laid = take_in(course, pristine)
    assert laid is None and "copy.ipynb" in taken.reason and f"{SLUG}.ipynb" in taken.reason


def test_a_missing_notebook_says_what_was_found_instead(pristine, course, hand_in):
    hand_in(b"sorry", name="notes.txt")
    taken, _ = take_in(course, pristine)
    assert taken.reason == f"no notebook named {SLUG}.ipynb; found notes.txt"


def test_a_student_without_a_submission_has_a_reason(pristine, course):
    assert take_in(course, pristine)[0].reason == "no submission"


def test_links_and_special_files_are_refused_and_named(
    handed_in, pristine, course, hand_in, tmp_path
):
    secret = tmp_path / "secret.txt"
    secret.write_text("gradebook")
    path = hand_in(handed_in)
    (path.parent / "link.txt").symlink_to(secret)
    (path.parent / "folder").symlink_to(tmp_path)
    os.link(secret, path.parent / "hard.txt")
    os.mkfifo(path.parent / "pipe")
    taken, laid = take_in(course, pristine)
    assert laid is not None
    for name in ("link.txt", "folder", "hard.txt", "pipe"):
        assert any(name in note and "refused" in note for note in taken.notes)
    assert not list(course.originals("ada", SLUG).rglob("*.txt"))


def test_a_notebook_that_is_a_link_is_not_followed(handed_in, pristine, course, hand_in, tmp_path):
    elsewhere = tmp_path / "other.ipynb"
    elsewhere.write_text(nbformat.writes(handed_in))
    folder = course.submitted("ada", SLUG)
    folder.mkdir(parents=True)
    (folder / f"{SLUG}.ipynb").symlink_to(elsewhere)
    taken, laid = take_in(course, pristine)
    assert laid is None and "refused" in " ".join(taken.notes)
    assert elsewhere.exists()


def test_shadow_modules_and_other_files_stay_in_originals(handed_in, pristine, course, hand_in):
    hand_in(handed_in)
    names = ["torch.py", "course_lib.py", "sitecustomize.py", "nbgrader_config.py", "x.pth"]
    for name in names:
        hand_in(b"raise SystemExit", name=name)
    taken, _ = take_in(course, pristine)
    assert [p.name for p in course.submitted("ada", SLUG).iterdir()] == [f"{SLUG}.ipynb"]
    assert all(any(name in note for note in taken.notes) for name in names)


def test_intake_is_idempotent_and_a_new_submission_is_taken_in_anew(
    handed_in, pristine, course, hand_in
):
    hand_in(handed_in)
    first, laid = take_in(course, pristine)
    again, same = take_in(course, pristine)
    assert again == first and same == laid
    cell_of(handed_in, "gaussian").source = "def gaussian(shape, std):\n    return 0"
    hand_in(handed_in)
    second, newer = take_in(course, pristine)
    assert second.submission != first.submission
    assert "return 0" in cell_of(newer, "gaussian").source
    aside = course.originals("ada", f"{SLUG}.1") / f"{SLUG}.ipynb"
    assert aside.exists()


def test_nbgraders_time_stamp_stays(handed_in, pristine, course, hand_in):
    hand_in(handed_in)
    hand_in(b"2026-11-20 12:00:00.0 UTC", name="timestamp.txt")
    taken, _ = take_in(course, pristine)
    assert (course.submitted("ada", SLUG) / "timestamp.txt").read_text().startswith("2026")
    assert take_in(course, pristine)[0] == taken


def test_another_version_of_the_lab_is_noted(handed_in, pristine, course, hand_in):
    handed_in.metadata["autograder"]["version"] = 7
    hand_in(handed_in)
    assert any("version 7" in note for note in take_in(course, pristine)[0].notes)


def test_a_students_folder_that_is_a_link_is_refused(pristine, course, tmp_path, handed_in):
    elsewhere = tmp_path / "elsewhere" / SLUG
    elsewhere.mkdir(parents=True)
    nbformat.write(handed_in, elsewhere / f"{SLUG}.ipynb")
    before = (elsewhere / f"{SLUG}.ipynb").read_bytes()
    (tmp_path / "submitted").mkdir()
    (tmp_path / "submitted" / "eve").symlink_to(elsewhere.parent)
    assert course.students(SLUG) == ["eve"]
    taken = take_in_student(course, SLUG, pristine, "eve")
    assert "symbolic link and was refused" in taken.reason
    assert (elsewhere / f"{SLUG}.ipynb").read_bytes() == before


@pytest.mark.parametrize("name", [f"{SLUG}.ipynb.txt", f"{SLUG}.IPYNB", f"{SLUG}.ipynb.json"])
def test_an_ending_that_a_browser_changed_is_no_matter(name, handed_in, pristine, course, hand_in):
    hand_in(handed_in, name=name)
    taken, laid = take_in(course, pristine)
    assert laid is not None and any(name in note for note in taken.notes)


def test_a_scratch_notebook_with_the_labs_imports_is_no_rival(handed_in, pristine, course, hand_in):
    hand_in(handed_in)
    setup = next(c.source for c in pristine.cells if role(c) == "setup")
    scratch = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(setup)])
    hand_in(scratch, name="scratch.ipynb")
    assert take_in(course, pristine)[1] is not None


def test_a_labs_folder_that_is_a_link_is_refused_and_its_target_stays(
    handed_in, pristine, course, hand_in
):
    theirs = hand_in(handed_in, student="ada")
    (course.root / "submitted" / "eve").mkdir()
    course.submitted("eve", SLUG).symlink_to(theirs.parent)
    assert course.students(SLUG) == ["ada", "eve"]
    taken = take_in_student(course, SLUG, pristine, "eve")
    assert "symbolic link and was refused" in taken.reason
    assert theirs.exists() and not course.originals("eve", SLUG).exists()


def test_a_file_in_the_folders_place_has_a_reason(pristine, course):
    course.submitted("ada", SLUG).parent.mkdir(parents=True)
    course.submitted("ada", SLUG).write_text("{}")
    assert course.students(SLUG) == ["ada"]
    assert "is no folder" in take_in_student(course, SLUG, pristine, "ada").reason


@pytest.mark.parametrize("name", ["../ada", ".ada", "a/b", "a\nb", "a\udcff", "x" * 300, ""])
def test_a_name_that_cannot_be_a_folder_is_refused(name, pristine, course):
    assert "cannot be a student's" in take_in_student(course, SLUG, pristine, name).reason
    assert list(course.root.iterdir()) == []


def test_a_run_that_was_killed_loses_nothing(handed_in, pristine, course, hand_in):
    hand_in(handed_in)
    first, laid = take_in(course, pristine)
    # Killed between taking the old folder away and putting the new one in its place.
    shutil.rmtree(course.submitted("ada", SLUG))
    again, same = take_in(course, pristine)
    assert again == first and same == laid
    # Killed in the same place, at the first intake.
    shutil.rmtree(course.submitted("ada", SLUG))
    (course.originals("ada", SLUG).parent / f".intake-{SLUG}.json").unlink()
    assert take_in(course, pristine)[1] == laid


def test_a_worker_gets_the_notebook_that_intake_left(course, pristine, hand_in, handed_in):
    cell_of(handed_in, "gaussian").source = 'text = "one\\ntwo"  # “σ”\n'
    hand_in(handed_in)
    taken = take_in_student(course, SLUG, pristine, "ada")
    text = laid_notebook(course, taken, SLUG)
    laid = nbformat.reads(text, as_version=4)
    nbformat.validate(laid)
    assert [c.source for c in laid.cells] == [c.source for c in handed_in.cells]
    assert [c.metadata for c in laid.cells] == [c.metadata for c in pristine.cells]
    path = course.submitted("ada", SLUG) / f"{SLUG}.ipynb"
    path.write_text(text + "\n")
    with pytest.raises(ValueError, match=r"04_initialization\.ipynb was changed .* run the same"):
        laid_notebook(course, taken, SLUG)
    path.unlink()
    with pytest.raises(OSError, match=r"04_initialization\.ipynb cannot be read: No such file"):
        laid_notebook(course, taken, SLUG)

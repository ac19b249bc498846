"""Submissions as they arrive: each is graded as if nothing had happened, or has a clear reason."""

import base64
import copy
import json
import os
import re
import shutil

import nbformat
import pytest
from nbconvert.filters import markdown2html
from nbformat import NotebookNode

from autograder.grading.intake.reading import MAX_BYTES
from autograder.grading.intake.showing import sanitized
from autograder.grading.intake.taking import take_in_student
from tests.support.notebooks import SLUG, cell_of, role

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\xff" * 30).decode()


def take_in(course, pristine, student="ada"):
    taken = take_in_student(course, SLUG, pristine, student)
    path = course.submitted(student, SLUG) / f"{SLUG}.ipynb"
    return taken, nbformat.read(path, as_version=4) if path.exists() else None


def sources(notebook):
    return [(role(c), c.source) for c in notebook.cells if role(c) != "student"]


def checks(notebook):
    keys = ("points", "grade", "locked", "solution", "grade_id", "checksum")
    return [
        (c.cell_type, c.source, [c.metadata.nbgrader.get(k) for k in keys], c.metadata.get("tags"))
        for c in notebook.cells
        if role(c) == "check"
    ]


def as_version_3(notebook):
    old = copy.deepcopy(notebook)
    for cell in old.cells:
        cell.pop("id", None)
    return json.dumps(nbformat.convert(old, 3)).encode()


def newer_minor(notebook):
    data = json.loads(nbformat.writes(notebook))
    data["nbformat_minor"] = 99
    data["cells"][0]["something_new"] = {"a": 1}
    return json.dumps(data).encode()


def each(change):
    def damage(notebook):
        for cell in notebook.cells:
            change(cell)
        return notebook

    return damage


def each_check(change):
    return each(lambda cell: change(cell) if role(cell) == "check" else None)


def without_checks(notebook):
    notebook.cells = [c for c in notebook.cells if role(c) != "check"]
    return notebook


def doubled_checks(notebook):
    notebook.cells = [x for c in notebook.cells for x in ([c, c] if role(c) == "check" else [c])]
    return notebook


def checks_first(notebook):
    notebook.cells.sort(key=lambda c: role(c) != "check")
    return notebook


def to_markdown(cell):
    cell.cell_type = "markdown"
    cell.pop("outputs", None)
    cell.pop("execution_count", None)


def retag(cell):
    cell.metadata["tags"] = ["skip-execution"]
    cell.metadata.nbgrader["locked"] = False
    cell.metadata.nbgrader["points"] = 1000
    cell.metadata.nbgrader["grade"] = False


def other_kernel(notebook):
    notebook.metadata["kernelspec"] = {"name": "ir", "language": "R", "display_name": "R"}
    return notebook


def raw(text):
    return text.encode()


HARMLESS = {
    "nothing wrong": lambda n: n,
    "byte order mark": lambda n: b"\xef\xbb\xbf" + nbformat.writes(n).encode(),
    "format 3": as_version_3,
    "a minor version newer than known": newer_minor,
    "all ids equal": each(lambda c: c.update(id="same")),
    "no ids": each(lambda c: c.pop("id", None)),
    "checks deleted": without_checks,
    "checks doubled": doubled_checks,
    "checks edited": each_check(lambda c: c.update(source="100.0")),
    "checks reordered": checks_first,
    "checks as markdown": each_check(to_markdown),
    "checks retagged, unlocked, other points": each_check(retag),
    "nbgrader's metadata stripped": each(lambda c: c.metadata.pop("nbgrader", None)),
    "our metadata stripped": each(lambda c: c.metadata.pop("autograder", None)),
    "all metadata stripped": each(lambda c: c.update(metadata=NotebookNode())),
    "another kernel": other_kernel,
    "outputs of all kinds": each(
        lambda c: (
            c.update(outputs=[NotebookNode(output_type="stream", name="stderr", text="x" * 9)])
            if c.cell_type == "code"
            else None
        )
    ),
}


@pytest.mark.parametrize("damage", HARMLESS.values(), ids=HARMLESS)
def test_answers_survive_and_checks_are_the_originals(
    damage, handed_in, solved, pristine, course, hand_in
):
    hand_in(damage(handed_in))
    taken, laid = take_in(course, pristine)
    assert taken.reason is None
    wanted = {s for r, s in sources(solved) if r == "answer"}
    assert {s for r, s in sources(laid) if r == "answer"} == wanted
    assert checks(laid) == checks(pristine)
    assert [r for r, _ in sources(laid)] == [r for r, _ in sources(pristine)]
    nbformat.validate(laid)


def test_latin_1_is_read(handed_in, pristine, course, hand_in):
    text = nbformat.writes(handed_in).encode("ascii", "ignore").decode()
    hand_in(text.replace("seed", "seéd").encode("latin-1"))
    taken, laid = take_in(course, pristine)
    assert laid is not None and any("latin-1" in note for note in taken.notes)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"   \n", "is empty"),
        (raw('{"cells": [{"cell_type": "co'), "cannot be parsed"),
        (raw("print('hello')"), "cannot be parsed"),
        (raw("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> mine\n"), "conflict markers"),
        (b'{"cells": []}\x00', "NUL bytes"),
        (b'{"a": 1}', "no Jupyter notebook"),
        (b"[1, 2]", "no Jupyter notebook"),
        (b'{"nbformat": 9, "cells": []}', "unknown notebook format 9"),
        (b'{"nbformat": 4, "cells": 7}', "holds no cells"),
        (b'{"nbformat": 4, "cells": [7, {}]}', "no notebook named"),
        (b"[" * 100_000, "cannot be parsed"),
        (b" " * (MAX_BYTES + 1), "50 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_has_a_reason_in_a_sentence(content, reason, pristine, course, hand_in):
    hand_in(content)
    taken, laid = take_in(course, pristine)
    assert laid is None and reason in taken.reason
    assert (course.originals("ada", SLUG) / f"{SLUG}.ipynb").read_bytes() == content


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


def test_extra_cells_stay_between_their_neighbors(handed_in, pristine, course, hand_in):
    new = nbformat.v4.new_code_cell
    first, last = new("before = 1"), new("after = 1")
    middle = handed_in.cells.index(cell_of(handed_in, "gaussian"))
    handed_in.cells.insert(middle, new("helper = 2"))
    handed_in.cells = [first, *handed_in.cells, last]
    hand_in(handed_in)
    _, laid = take_in(course, pristine)
    code = [c.source for c in laid.cells]
    assert code[0] == "before = 1" and code[-1] == "after = 1"
    assert code[code.index("helper = 2") + 1] == cell_of(handed_in, "gaussian").source


def test_a_second_answer_cell_counts_when_it_comes_last(handed_in, pristine, course, hand_in):
    answer = cell_of(handed_in, "gaussian")
    better = copy.deepcopy(answer)
    better.source += "\n# better"
    handed_in.cells.insert(handed_in.cells.index(answer) + 1, better)
    hand_in(handed_in)
    taken, laid = take_in(course, pristine)
    assert cell_of(laid, "gaussian").source.endswith("# better")
    assert any("2 times" in note for note in taken.notes)


def test_students_markup_is_data(handed_in, pristine, course, hand_in):
    cell_of(handed_in, "equal_is_not_healthy", "written").source = "<script>alert(1)</script>"
    extra = nbformat.v4.new_markdown_cell("<img src=x onerror=alert(1)> [x](javascript:alert(1))")
    handed_in.cells += [extra, nbformat.v4.new_raw_cell("<script>")]
    hand_in(handed_in)
    _, laid = take_in(course, pristine)
    theirs = [c.source for c in laid.cells if role(c) in ("student", "written")]
    assert len(theirs) == 3
    pages = [markdown2html(source) for source in theirs]
    assert not any(re.search("<(script|img|a )|javascript:", page) for page in pages)


@pytest.mark.parametrize(
    "markup",
    [
        "[x](java&#115;cript:alert(1))",
        "[x](javascript&colon;alert(1))",
        "[x](&#106avascript:alert(1))",
        "![x](JavaScript&colon;alert(1))",
        "[x]\n\n[x]: javascript&colon;alert(1)",
        "İ[x](javascript:alert(1))",
        "[x](data:text/html;base64,AAAA)",
        "<svg/onload=alert(1)>",
        "</p><!-- <script>alert(1)</script>",
        "$\\href{java\tscript:alert(1)}{x}$",
    ],
)
def test_no_link_runs_anything(markup):
    page = markdown2html(sanitized(markup))
    assert not re.search(r"<(a|img|svg|script|!)|java\s*script:", page)


@pytest.mark.parametrize("text", ["$a < b$ & c", "x<1", "`a<= b`", "The data: it rises.", "é&é"])
def test_harmless_text_stays_as_it_is(text):
    assert sanitized(text) == text


def test_of_stored_outputs_only_capped_pictures_and_text_of_show_cells_survive(
    handed_in, pristine, course, hand_in
):
    bad = NotebookNode(
        output_type="display_data",
        metadata={},
        data={"text/html": "<script>", "image/png": "AAAA", "text/plain": "x" * 60_000},
    )
    huge = NotebookNode(output_type="display_data", metadata={}, data={"image/png": "A" * 450_000})
    good = NotebookNode(output_type="display_data", metadata={}, data={"image/png": PNG})
    quoted = '" onerror="alert(1)'
    trick = NotebookNode(output_type="display_data", metadata={}, data={"image/png": quoted})
    for cell in handed_in.cells:
        if cell.cell_type == "code":
            cell.outputs = [bad, huge, good, trick]
    hand_in(handed_in)
    _, laid = take_in(course, pristine)
    for cell in laid.cells:
        for output in cell.get("outputs", []):
            assert role(cell) == "show"
            assert set(output.data) <= {"image/png", "text/plain"}
            assert len(str(output.data)) < 500_000
    text = nbformat.writes(laid)
    assert "<script>" not in text and "onerror" not in text and "AAAA" not in text
    assert PNG in text


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


def test_a_lab_built_anew_is_laid_anew_from_the_original(handed_in, pristine, course, hand_in):
    hand_in(handed_in)
    take_in(course, pristine)
    rebuilt = copy.deepcopy(pristine)
    rebuilt.cells[0].source += "\n\nCorrected."
    _, laid = take_in(course, rebuilt)
    assert laid.cells[0].source.endswith("Corrected.")
    assert cell_of(laid, "gaussian").source == cell_of(handed_in, "gaussian").source


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


def test_half_characters_and_odd_file_names_can_be_written(handed_in, pristine, course, hand_in):
    cell_of(handed_in, "gaussian").source += "\n# HALF"
    hand_in(nbformat.writes(handed_in).replace("HALF", "\\ud83d").encode())
    odd = os.fsencode(course.submitted("ada", SLUG)) + b"/\xff.txt"
    with open(odd, "wb"):
        pass
    taken, laid = take_in(course, pristine)
    assert laid is not None
    json.dumps(taken.notes, ensure_ascii=False).encode()


def test_duplicates_of_an_answer_stay_in_order(handed_in, pristine, course, hand_in):
    answer = cell_of(handed_in, "gaussian")
    at = handed_in.cells.index(answer)
    for number in (1, 2, 3):
        again = copy.deepcopy(answer)
        again.source += f"\n# try {number}"
        handed_in.cells.insert(at + number, again)
    hand_in(handed_in)
    _, laid = take_in(course, pristine)
    tries = [c.source for c in laid.cells if "def gaussian" in c.source]
    assert [text[-5:] for text in tries[1:]] == ["try 1", "try 2", "try 3"]


@pytest.mark.parametrize("stripped", [False, True])
def test_answers_merged_into_one_cell_are_not_undone_by_starters(
    stripped, handed_in, pristine, course, hand_in
):
    first, second = cell_of(handed_in, "gaussian"), cell_of(handed_in, "gain")
    first.source += "\n\n\n" + second.source
    handed_in.cells.remove(second)
    if stripped:
        each(lambda c: c.update(metadata=NotebookNode(), id="same"))(handed_in)
    hand_in(handed_in)
    taken, laid = take_in(course, pristine)
    code = "\n".join(c.source for c in laid.cells if c.cell_type == "code")
    assert code.count("def gain(") == code.count("def gaussian(") == 1
    assert any("another defines it" in note for note in taken.notes)


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

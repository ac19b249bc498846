import json
from dataclasses import replace

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import compute_checksum

from autograder.building import (
    BuildError,
    build,
    check,
    instructor_path,
    student_notebook,
    student_path,
)
from autograder.judging.source.comparing import is_untouched
from autograder.judging.source.laying import solution_source


@pytest.fixture
def built(lab, root):
    build([lab], root)
    return [
        nbformat.read(path, as_version=4)
        for path in (instructor_path(lab, root), student_path(lab, root))
    ]


def roles(notebook):
    return [
        (c.metadata.autograder.role, c.metadata.autograder.get("exercise", "").partition("/")[2])
        for c in notebook.cells
    ]


def answers(notebook, *kinds):
    return {
        c.metadata.autograder.exercise.partition("/")[2]: c
        for c in notebook.cells
        if c.metadata.autograder.role in kinds
    }


def answer(notebook, name, source):
    answers(notebook, "answer", "written")[name].source = source


def test_a_directive_becomes_statement_answer_and_check(built):
    for notebook in built:
        assert roles(notebook)[:5] == [
            ("text", ""), ("setup", ""),
            ("statement", "scaled"), ("answer", "scaled"), ("check", "scaled"),
        ]  # fmt: skip
        assert roles(notebook)[-3:] == [("statement", "why"), ("written", "why"), ("text", "")]
        assert notebook.cells[4].source == 'check("small/scaled")'
        assert answers(notebook, "check")["grows"].source == 'commit("small/grows")'


def test_notebooks_say_their_lab_and_name_no_versions_of_software(built, lab):
    for notebook in built:
        assert notebook.metadata == {
            "autograder": {
                "lab": "small", "slug": "07_small", "title": "A small lab", "version": 3,
            },
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }  # fmt: skip


def test_nbgrader_accepts_the_metadata(built):
    for notebook in built:
        MetadataValidator().validate_nb(notebook)
        graded = [c for c in notebook.cells if "nbgrader" in c.metadata]
        assert all(c.metadata.nbgrader.checksum == compute_checksum(c) for c in graded)
        points = {c.metadata.nbgrader.grade_id: c.metadata.nbgrader.get("points") for c in graded}
        assert points == {
            "small-scaled-answer": None, "small-scaled": 3.5,
            "small-Counter-answer": None, "small-Counter": 1,
            "small-average-answer": None, "small-average": 2,
            "small-variance-answer": None, "small-variance": 1,
            "small-grows-answer": None, "small-grows": 0,
            "small-why": 4,
        }  # fmt: skip


def test_show_cells_say_what_they_show_and_start_folded_unless_their_code_is_to_be_read(built):
    folded, opened = (c for c in built[1].cells if c.metadata.autograder.role == "show")
    assert folded.source.startswith("%%experiment Two numbers, counted\nfigure = ")
    assert folded.metadata.jupyter.source_hidden
    assert opened.source == "%%experiment Their sum\nfigure.sum()"
    assert "jupyter" not in opened.metadata


def test_what_is_further_is_folded_away_under_its_heading(root, lab, script):
    path = root / "solutions" / "07_small.py"
    path.write_text(script.replace("# The end.", "# # Further\n#\n# More."), encoding="utf-8")
    heading = student_notebook(lab, root).cells[-1]
    assert heading.metadata["jp-MarkdownHeadingCollapsed"] is True


def test_locked_cells_cannot_be_edited_and_answers_cannot_be_deleted(built):
    for cell in built[1].cells:
        rights = cell.metadata.get("editable", True), cell.metadata.get("deletable", True)
        expected = {
            "text": (True, True), "show": (True, True),
            "answer": (True, False), "written": (True, False),
        }  # fmt: skip
        assert rights == expected.get(cell.metadata.autograder.role, (False, False))


def test_instructors_get_solutions_and_students_starters(built, lab):
    instructor, student = (answers(notebook, "answer", "written") for notebook in built)
    for name, exercise in lab.exercises.items():
        assert instructor[name].source == solution_source(exercise)
        assert not is_untouched(exercise, instructor[name].source)
        assert is_untouched(exercise, student[name].source)


def test_nothing_of_a_solution_is_in_the_students_notebook(lab, root):
    build([lab], root)
    text = student_path(lab, root).read_text(encoding="utf-8")
    for secret in ("SOLUTION", "factor * x  #", "1 / n", "numel", "Because of", '"no"  #'):
        assert secret not in text


def test_two_builds_give_the_same_bytes(lab, root):
    first = [path.read_bytes() for path in build([lab], root)]
    assert [path.read_bytes() for path in build([lab], root)] == first
    assert all(content[-1:] == b"\n" and b"\r" not in content for content in first)


def test_both_versions_of_a_cell_have_one_id(built):
    instructor, student = ([cell.id for cell in notebook.cells] for notebook in built)
    assert instructor == student and len(set(student)) == len(student)


def test_a_statement_says_all_that_a_student_must_know(built):
    text = built[1].cells[2].source
    assert text.startswith(
        "### Scale\n\n**core** · ●●○ · about 5 minutes · 3.5 points (values: 2, "
    )
    assert "Write α x." in text and "without `torch.mul`" in text
    assert text.index("Hint 1 of 2") < text.index("Hint 2 of 2")
    assert text.count("<details>") == text.count("</details>") == 2
    assert "optional" in answers(built[1], "statement")["Counter"].source


def test_a_statement_says_to_programs_what_it_says_to_people(built):
    assert answers(built[1], "statement")["scaled"].metadata.autograder == {
        "role": "statement", "exercise": "small/scaled", "title": "Scale",
        "kind": "implementation", "core": True, "minutes": 5, "points": 3.5,
    }  # fmt: skip


def test_an_up_to_date_build_has_no_problems(lab, root):
    build([lab], root)
    assert check([lab], root) == []


def test_a_page_is_written_and_checked_with_the_notebooks(lab, root):
    page = root / "docs" / "page.md"
    assert page in build([lab], root, {page: "one"})
    assert check([lab], root, {page: "one"}) == []
    assert check([lab], root, {page: "two"}) == ["docs/page.md: out of date; run `course build`"]
    assert page.read_text() == "one"


def test_missing_stale_and_extra_files_are_reported_and_left_alone(lab, root):
    assert "missing" in check([lab], root)[0]
    build([lab], root)
    path = student_path(lab, root)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(notebook), encoding="utf-8")
    before = path.read_bytes()
    (path.parent / "data.csv").write_text("1")
    (path.parent / ".ipynb_checkpoints").mkdir()
    (path.parent / ".ipynb_checkpoints" / "07_small.ipynb").write_text("{}")
    problems = check([lab], root)
    assert len(problems) == 2 and "out of date" in problems[0] and "data.csv" in problems[1]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda n: answer(n, "scaled", "def scaled(x):\n    return x"), "answer to small/scaled"),
        (lambda n: answer(n, "grows", 'grows = "no"'), "answer to small/grows"),
        (lambda n: answer(n, "why", "Because."), "answer to small/why"),
        (
            lambda n: n.cells.append(nbformat.v4.new_code_cell("mine = 1")),
            "cell that was not built",
        ),
        (lambda n: [c.metadata.clear() for c in n.cells], "cell that was not built"),
    ],
)
def test_a_build_replaces_no_notebook_with_somebodys_work(lab, root, built, change, words):
    path = student_path(lab, root)
    change(built[1])
    nbformat.write(built[1], path)
    before = path.read_bytes()
    with pytest.raises(BuildError, match=words) as refused:
        build([lab], root)
    assert "`course start`" in str(refused.value) and path.read_bytes() == before


def test_a_notebook_that_cannot_be_read_may_hold_answers(lab, root, built):
    student_path(lab, root).write_text('{"cells": [{"cell_type": "co')
    with pytest.raises(BuildError, match="cannot be read .* so that it may hold answers"):
        build([lab], root)


def test_a_starter_that_was_run_or_built_earlier_is_replaced(lab, root, built, script):
    path = student_path(lab, root)
    built[1].cells[1].outputs = [nbformat.v4.new_output("stream", text="run")]
    nbformat.write(built[1], path)
    lab.exercises["scaled"] = replace(lab.exercises["scaled"], title="Scale anew")
    build([lab], root)
    assert "Scale anew" in path.read_text(encoding="utf-8")


def test_a_failed_proof_stops_the_build_before_anything_is_written(lab, root):
    with pytest.raises(BuildError, match="scores 1 of 2"):
        build([lab], root, proof=lambda notebook, lab: ["small/average scores 1 of 2"])
    assert not instructor_path(lab, root).exists()


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('"scaled"', '"scale"', 23, "exercise scale: lab small has no such exercise"),
        ('# %% exercise="why"\n', "", None, "exercise small/why: it has no place"),
        ('"Counter"', '"scaled"', 25, "exercise small/scaled: it is already placed on line 23"),
        ("from torch import nn\n", "", 24, "exercise small/Counter: `nn` is not bound"),
        ("import check, commit", "import check", 40, "exercise small/grows: `commit` is not"),
        ('# %% tags=["show"]\n# Two', "# %%\n# Two", 27, "a code cell is marked"),
        ('# %% tags=["show"]\n# Two', '# %% tags=["figure"]\n# Two', 27, "this one has"),
        ('# %% tags=["show", "open"]', '# %% tags=["setup"]', 31, "show cell only"),
        ('# %% tags=["show", "open"]', '# %% tags=["setup", "open"]', 31, "this one has"),
        ("# Their sum\n\n", "", 31, "a comment that says what it shows"),
        ("\n\nfigure.sum()\n", "\n", 31, "a comment that says what it shows"),
        ("import torch\n", "import (torch\n", 12, "no valid Python"),
        ('"average"\n', '"average"\n1 + 1\n', 36, "the reference fills it"),
        ("# %% [markdown]\n# # A", "import os\n# %% [markdown]\n# # A", 1, "before the first"),
    ],
)
def test_a_build_error_says_where_and_what(lab, root, script, old, new, line, words):
    path = root / "solutions" / "07_small.py"
    assert old in script
    path.write_text(script.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BuildError) as caught:
        build([lab], root)
    place = "solutions/07_small.py" + (f":{line}" if line else "")
    assert str(caught.value).startswith(f"{place}: ") and words in str(caught.value)
    assert caught.value.line == line


def test_a_reference_without_a_docstring_is_refused(lab, root):
    def bare(x):
        return x

    lab.exercises["scaled"] = replace(lab.exercises["scaled"], reference=bare)
    with pytest.raises(BuildError, match=r"07_small\.py:23: exercise small/scaled: .*docstring"):
        build([lab], root)


def test_a_lab_without_a_solution_file_is_refused(lab, tmp_path):
    with pytest.raises(BuildError, match="every lab has a solution file"):
        build([lab], tmp_path)

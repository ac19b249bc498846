"""Whatever was done to a notebook, its answers are laid among the original cells."""

import copy
import json

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.grading.intake.taking import take_in_student
from tests.support.intake import take_in
from tests.support.notebooks import SLUG, cell_of, role


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


def test_a_lab_built_anew_is_laid_anew_from_the_original(handed_in, pristine, course, hand_in):
    hand_in(handed_in)
    take_in(course, pristine)
    rebuilt = copy.deepcopy(pristine)
    rebuilt.cells[0].source += "\n\nCorrected."
    _, laid = take_in(course, rebuilt)
    assert laid.cells[0].source.endswith("Corrected.")
    assert cell_of(laid, "gaussian").source == cell_of(handed_in, "gaussian").source


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


def test_laying_leaves_the_pristine_notebook_as_it_was(course, pristine, hand_in, handed_in):
    before = copy.deepcopy(pristine)
    hand_in(handed_in)
    take_in_student(course, SLUG, pristine, "ada")
    assert pristine == before

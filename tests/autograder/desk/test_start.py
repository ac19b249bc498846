"""`course start`: where the folder is, which page opens, and what is refused."""

import json

import pytest

from autograder.cli import main
from autograder.desk import jupyter
from autograder.desk.labs import facts_of, given_out
from autograder.exercises import labs


@pytest.fixture
def launched(monkeypatch, tmp_path):
    """Where JupyterLab would have been run; a home folder that is empty."""
    runs = []
    monkeypatch.setattr(
        jupyter, "launch", lambda folder, page, browser: runs.append((folder, page))
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return runs


def test_a_folder_at_home_is_made_and_its_home_opened(launched, tmp_path):
    assert main(["start"]) == 0
    assert launched == [(tmp_path / "training-labs", "Home.md")]


@pytest.mark.parametrize("lab", ["4", "04", "initialization", "04_initialization"])
def test_a_lab_is_opened_by_number_name_or_slug(launched, tmp_path, lab):
    assert main(["start", lab, "--folder", "mine"]) == 0
    assert launched == [(tmp_path / "mine", "04_initialization/04_initialization.ipynb")]


def test_within_a_students_folder_that_folder_is_meant(launched, tmp_path, monkeypatch):
    main(["start", "--folder", "mine"])
    monkeypatch.chdir(tmp_path / "mine")
    main(["start"])
    assert launched[1] == (tmp_path / "mine", "Home.md")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["start", "99"], "there is no lab '99'; there are 01_training_loop"),
        (["start", "--folder", str(next(iter(given_out().values())).parents[1])],
         "is the course's own; choose a folder outside"),
        (["start", "--folder", "file"], "is a file; choose another place"),
        (["start", "--folder", "file/below"], "nothing that was there is lost"),
    ],
)  # fmt: skip
def test_what_cannot_be_has_a_sentence(launched, tmp_path, capsys, arguments, sentence):
    (tmp_path / "file").write_text("mine")
    assert main(arguments) == 2 and not launched
    said = capsys.readouterr().err
    assert sentence in said and "Traceback" not in said


def test_the_folder_disables_instructors_panels_for_itself_only(launched, tmp_path):
    main(["start"])
    folder = tmp_path / "training-labs" / ".course" / "jupyter"
    disabled = json.loads((folder / "labconfig" / "page_config.json").read_text())
    assert disabled["disabledExtensions"]["@jupyter/nbgrader:formgrader"] is True
    assert "@jupyter/nbgrader:validate-assignment" not in disabled["disabledExtensions"]
    assert not list(tmp_path.glob(".jupyter*"))


def test_every_lab_tells_the_home_what_the_course_says_of_it():
    for lab, path in zip(labs(), given_out().values(), strict=True):
        facts = facts_of(path.read_bytes())
        assert (facts.slug, facts.number, facts.title) == (lab.slug, lab.number, lab.title)
        told = [(t.exercise, t.core, t.minutes, t.points, t.counts) for t in facts.tasks]
        assert sorted(told) == sorted(
            (e.id, e.core, e.minutes, e.points, e.automatic) for e in lab.exercises.values()
        )

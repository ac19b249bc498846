"""Which exercises changed, asked of real repositories."""

import subprocess
from pathlib import Path

import pytest

from autograder.auditing.changed import ROOT, changed_files, is_changed
from autograder.exercises import find_exercise


def git(folder, *arguments):
    known = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    subprocess.run(["git", "-C", folder, *known, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    """Two commits on main: of one file, then of a second."""
    git(tmp_path, "init")
    for name in ("first.py", "second.py"):
        (tmp_path / name).write_text("a = 1\n")
        git(tmp_path, "add", name)
        git(tmp_path, "commit", "-m", name)
    return tmp_path


def names(files):
    return sorted(path.name for path in files)


def test_on_main_the_last_commit_and_what_is_not_committed_changed(repository):
    (repository / "third.py").write_text("")
    assert names(changed_files(repository)) == ["second.py", "third.py"]


def test_on_a_branch_everything_since_it_left_main_changed(repository, tmp_path_factory):
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", repository, ".")
    git(clone, "checkout", "-b", "branch")
    for text in ("a = 2\n", "a = 3\n"):
        (clone / "first.py").write_text(text)
        git(clone, "commit", "-am", text)
    assert names(changed_files(clone)) == ["first.py"]


def test_nothing_is_known_without_git_or_with_a_single_commit(tmp_path, repository, monkeypatch):
    bare = repository / "folder"
    bare.mkdir()
    git(bare, "init")
    git(bare, "commit", "--allow-empty", "-m", "only")
    assert changed_files(bare) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert changed_files(repository) is None


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("autograder/exercises/activations/pieces.py", True),
        ("autograder/exercises/activations/lab.py", True),
        ("course_lib/activations.py", True),
        ("autograder/judging/comparison.py", True),
        ("autograder/probes/run.py", True),
        ("autograder/auditing/mutants/numbers.py", True),
        ("autograder/exercises/activations/signs.py", False),
        ("autograder/exercises/activations/__init__.py", False),
        ("course_lib/optimizers.py", False),
        ("autograder/grading/grade.py", False),
        ("docs/authoring.md", False),
    ],
)
def test_an_exercise_changes_with_its_module_what_that_imports_and_what_judges(file, expected):
    assert (ROOT / Path(file)).is_file()
    assert is_changed(find_exercise("activations/maxout"), {ROOT / file}) is expected


def test_every_exercise_is_changed_where_git_does_not_say():
    assert is_changed(find_exercise("activations/maxout"), None)


def test_every_exercise_that_is_checked_is_found_in_the_module_that_makes_it():
    from autograder.auditing.changed import _files_of
    from autograder.exercises import labs

    for lab in labs():
        folder = ROOT / "autograder" / "exercises" / lab.name
        modules = {path for path in folder.glob("*.py") if path.name != "__init__.py"}
        for exercise in lab.exercises.values():
            files = _files_of(exercise)
            assert files & modules, exercise.id
            assert not modules <= files, f"{exercise.id}: the module that makes it is not found"

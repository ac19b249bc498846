"""Which exercises changed, asked of real repositories."""

import subprocess
from pathlib import Path

import pytest

from autograder.auditing.changed import ROOT, _files_of, changed_files, seeds_for
from autograder.exercises import find_exercise, labs


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
    ("file", "seeds"),
    [
        ("autograder/exercises/activations/pieces.py", 200),
        ("autograder/exercises/activations/lab.py", 200),
        ("course_lib/activations.py", 200),
        ("autograder/judging/comparison.py", 100),
        ("autograder/probes/run.py", 100),
        ("autograder/auditing/mutants/numbers.py", 100),
        ("autograder/exercises/activations/signs.py", 20),
        ("autograder/exercises/activations/__init__.py", 20),
        ("course_lib/optimizers.py", 20),
        ("autograder/grading/running/grade.py", 20),
        ("docs/authoring.md", 20),
    ],
)
def test_an_exercise_changes_with_its_module_what_that_imports_and_what_judges(file, seeds):
    assert (ROOT / Path(file)).is_file()
    assert seeds_for(find_exercise("activations/maxout"), {ROOT / file}) == seeds


def test_every_exercise_is_changed_where_git_does_not_say():
    assert seeds_for(find_exercise("activations/maxout"), None) == 200


def test_every_exercise_that_is_checked_is_found_in_the_module_that_makes_it():
    for lab in labs():
        folder = ROOT / "autograder" / "exercises" / lab.name
        modules = {path for path in folder.glob("*.py") if path.name != "__init__.py"}
        for exercise in lab.exercises.values():
            files = _files_of(exercise)
            assert files & modules, exercise.id
            assert not modules <= files, f"{exercise.id}: the module that makes it is not found"

"""A student's folder of one lab, and an earlier version of that lab."""

import copy

import nbformat
import pytest

from autograder.desk.folder import lay_out
from autograder.desk.labs import given_out

SLUG = "04_initialization"


class Desk:
    """A student's folder that holds one lab."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / SLUG / f"{SLUG}.ipynb"

    def start(self, released, **more):
        """Do what `course start` does before it opens JupyterLab; what it says."""
        return lay_out(self.folder, {SLUG: released}, **more)

    def read(self):
        return nbformat.read(self.path, as_version=4)

    def write(self, notebook):
        nbformat.write(notebook, self.path)

    def files(self):
        """Every file of the folder with what is in it and when it was written."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path / "training labs")


@pytest.fixture
def released():
    """The notebook that the course gives out now."""
    return given_out()[SLUG]


@pytest.fixture
def earlier(released, tmp_path):
    """Write an earlier version of the lab, as a function of its notebook makes it."""

    def make(change):
        notebook = copy.deepcopy(nbformat.read(released, as_version=4))
        change(notebook)
        path = tmp_path / "course" / "labs" / SLUG / f"{SLUG}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        return path

    return make

"""Data goes one way through the rooms of grading, and so do imports."""

import ast
from pathlib import Path

import pytest

from autograder import grading

HERE = Path(grading.__file__).parent
BASE = {"course", "checkout"}
MAY_IMPORT = {
    "intake": BASE,
    "running": BASE,
    "keeping": BASE | {"intake", "running"},
    "many": BASE | {"intake", "running", "keeping"},
}


def imported(path):
    """The parts of grading that a module imports, by the first name below it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.split(".")[2] for name in names if name.startswith("autograder.grading."))


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_comes_before_it(room):
    modules = list((HERE / room).glob("*.py"))
    found = {part for path in modules for part in imported(path)}
    assert room in found and found - {room} <= MAY_IMPORT[room]


def test_every_room_is_named_here():
    assert {path.parent.name for path in HERE.glob("*/__init__.py")} == set(MAY_IMPORT)

"""What enters a student's kernel imports nothing of ours but what enters with it."""

import ast
import sys
from pathlib import Path

import pytest

from autograder import probes
from course_lib import GIVEN, tracing, workers

ALLOWED = ("autograder.probes", "course_lib.tracing", "course_lib.workers")
OTHERS = {*sys.stdlib_module_names, "numpy", "torch"}
MODULES = [
    path
    for package in (probes, tracing, workers)
    for path in Path(package.__file__).parent.glob("*.py")
]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_module_that_enters_imports_nothing_else(path):
    of_ours = [name for name in imported(path) if name.partition(".")[0] not in OTHERS]
    of_ours = [name for name in of_ours if name.partition(".")[0] != "triton"]
    assert [name for name in of_ours if ".".join(name.split(".")[:2]) not in ALLOWED] == []


def test_what_probes_stand_on_is_given():
    assert {"tracing", "workers"} <= set(GIVEN)

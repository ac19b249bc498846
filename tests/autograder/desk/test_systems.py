"""What students run works without Linux: nothing of it imports or calls what only Linux has."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import autograder
import course_lib

HERE = Path(autograder.__file__).parent
ONLY_LINUX = {"fcntl", "grp", "pty", "pwd", "pyseccomp", "resource", "termios", "tty"}
CALLS_OF_LINUX = {"SIGALRM", "SIGKILL", "fork", "killpg", "setitimer", "setsid"}
WALLS = {HERE / "box", HERE / "grading"}  # where student code is confined
AUTHORS = {HERE / "auditing"}
# Where there is no fork it says so, and what to do instead.
ASKS_FIRST = {Path(course_lib.__file__).parent / "workers" / "processes.py"}

# Modules of others look at the system themselves before they import; only ours are held to it.
RUN = """
import builtins, sys
ONLY_LINUX = set(sys.argv[1].split())
imported = builtins.__import__

def strict(name, globals=None, *rest, **more):
    who = (globals or {}).get("__name__", "")
    if name.split(".")[0] in ONLY_LINUX and who.split(".")[0] in ("autograder", "course_lib"):
        raise ModuleNotFoundError(f"No module named {name!r}, which {who} imports")
    return imported(name, globals, *rest, **more)

builtins.__import__ = strict
"""
USES = {
    "a check": """
import torch
from autograder import check
def output_bias_gradient_at_zero(labels, classes):
    counts = torch.bincount(labels, minlength=classes)
    return 1 / classes - counts / len(labels)
assert repr(check("initialization/output_bias_gradient_at_zero")) == "3"
""",
    "the folder": """
import tempfile
from pathlib import Path
from autograder.desk.folder import lay_out
from autograder.desk.labs import given_out
folder = Path(tempfile.mkdtemp())
assert lay_out(folder, given_out()) == []
import autograder.desk.renewal, autograder.desk.start, jupyterlab.labapp
assert (folder / "Home.md").is_file()
""",
    "what notebooks import": """
import pkgutil, importlib, course_lib
for found in pkgutil.walk_packages(course_lib.__path__, "course_lib."):
    importlib.import_module(found.name)
""",
    "the command line": """
from autograder.cli import main
assert main(["start", "99"]) == 2
import autograder.building
""",
}


def nodes(without):
    """The syntax of every module outside some rooms, each with its file."""
    for room in (HERE, Path(course_lib.__file__).parent):
        for path in room.rglob("*.py"):
            if not without & set(path.parents):
                tree = ast.parse(path.read_text(encoding="utf-8"))
                yield from ((path, node) for node in ast.walk(tree))


def imported(node):
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    return {(node.module or "").split(".")[0]} if isinstance(node, ast.ImportFrom) else set()


def test_nothing_outside_the_walls_imports_what_only_linux_has():
    assert {path for path, node in nodes(WALLS) if imported(node) & ONLY_LINUX} == set()


def test_nothing_of_the_students_calls_what_only_linux_has():
    found = nodes(WALLS | AUTHORS)
    named = {(path, n.attr) for path, n in found if isinstance(n, ast.Attribute)}
    named = {place for place in named if place[0] not in ASKS_FIRST}
    assert {place for place in named if place[1] in CALLS_OF_LINUX} == set()


@pytest.mark.parametrize("use", USES)
def test_students_can_use(use):
    code = [sys.executable, "-c", RUN + USES[use], " ".join(ONLY_LINUX)]
    done = subprocess.run(code, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]

"""What students run works where there is no Linux: nothing of theirs imports what only Linux has."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import autograder
import course_lib

HERE = Path(autograder.__file__).parent
ONLY_LINUX = {"fcntl", "grp", "pty", "pwd", "pyseccomp", "resource", "termios", "tty"}
ELSEWHERE = [HERE / "box", HERE / "grading"]  # where student code is confined

# Modules of others look at the system themselves before they import; only ours are held to it.
RUN = """
import builtins, os, signal, sys
ONLY_LINUX = set(sys.argv[1].split())
imported = builtins.__import__

def strict(name, globals=None, *rest, **more):
    who = (globals or {}).get("__name__", "")
    if name.split(".")[0] in ONLY_LINUX and who.split(".")[0] in ("autograder", "course_lib"):
        raise ModuleNotFoundError(f"No module named {name!r}, which {who} imports")
    return imported(name, globals, *rest, **more)

builtins.__import__ = strict
for name in ("fork", "geteuid", "getuid", "setsid", "killpg", "sched_getaffinity"):
    delattr(os, name)
for name in ("SIGALRM", "SIGKILL", "setitimer"):
    delattr(signal, name)
"""
USES = {
    "a check": """
import torch
from autograder import check
def output_bias_gradient_at_zero(labels, classes):
    counts = torch.bincount(labels, minlength=classes)
    return 1 / classes - counts / len(labels)
print(repr(check("initialization/output_bias_gradient_at_zero")))
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


def modules():
    rooms = (HERE, Path(course_lib.__file__).parent)
    found = (path for room in rooms for path in room.rglob("*.py"))
    return [path for path in found if not set(ELSEWHERE) & set(path.parents)]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_nothing_outside_the_walls_imports_what_only_linux_has():
    assert {path: used for path in modules() if (used := ONLY_LINUX & set(imports(path)))} == {}


@pytest.mark.parametrize("use", USES)
def test_students_can_use(use):
    code = [sys.executable, "-c", RUN + USES[use], " ".join(ONLY_LINUX)]
    done = subprocess.run(code, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]

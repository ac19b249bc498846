"""How many seeds an exercise is audited with: more when it changed since the last commit on main.

An exercise changed when its own module did, or one that its module imports. What judges all of them
changes all of them, but none by itself, and is tried on fewer seeds of each. What is asked is git;
where that does not answer, everything changed.
"""

from __future__ import annotations

import ast
import functools
import subprocess
from pathlib import Path

from autograder import exercises
from autograder.judging import Exercise

ROOT = Path(exercises.__file__).parents[2]
SEEDS_CHANGED = 200
SEEDS_JUDGES_CHANGED = 100
SEEDS = 20

_ROOMS_OF_ALL = ("judging", "probes", "auditing")


def changed_files(root: Path = ROOT) -> set[Path] | None:
    """The files that differ from the last commit on main, or None where git does not say.

    That commit is the one at which the present branch left ``origin/main``; on main itself, the
    commit before the last.
    """
    head = _git(root, "rev-parse", "HEAD")
    base = _git(root, "merge-base", "HEAD", "origin/main")
    if base is None or base == head:
        base = _git(root, "rev-parse", "HEAD~1")
    top = _git(root, "rev-parse", "--show-toplevel")
    if base is None or top is None:
        return None
    tracked = _git(root, "-C", top, "diff", "--name-only", base)
    untracked = _git(root, "-C", top, "ls-files", "--others", "--exclude-standard")
    if tracked is None or untracked is None:
        return None
    return {Path(top, name) for name in [*tracked.splitlines(), *untracked.splitlines()]}


def seeds_for(exercise: Exercise, changed: set[Path] | None) -> int:
    """The number of seeds for an exercise when these files changed."""
    if changed is None or not _files_of(exercise).isdisjoint(changed):
        return SEEDS_CHANGED
    rooms = [ROOT / "autograder" / room for room in _ROOMS_OF_ALL]
    judges = any(room in path.parents for room in rooms for path in changed)
    return SEEDS_JUDGES_CHANGED if judges else SEEDS


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _files_of(exercise: Exercise) -> frozenset[Path]:
    """The module that makes the exercise, with all of ours that it imports."""
    package = Path(exercises.__file__).parent / exercise.lab
    modules = sorted(package.glob("*.py"))
    made_in = [path for path in modules if exercise.name in _makes(path)] or modules
    return frozenset().union(*map(_with_imports, made_in))


@functools.cache
def _makes(path: Path) -> frozenset[str]:
    """The names of the exercises that a module gives its lab: ``lab.exercise(REFERENCE, …)``."""
    calls = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
    return frozenset(name for call in calls if _is_of_lab(call) for name in _named(call))


def _is_of_lab(call: ast.Call) -> bool:
    of = call.func
    return isinstance(of, ast.Attribute) and isinstance(of.value, ast.Name) and of.value.id == "lab"


def _named(call: ast.Call) -> list[str]:
    names = [keyword.value for keyword in call.keywords if keyword.arg == "name"]
    found = []
    for node in [*call.args[:1], *names]:
        if isinstance(node, ast.Attribute) and node.attr == "fn":
            node = node.value  # of a kernel the plain function
        if isinstance(node, ast.Constant):
            found.append(str(node.value))
        elif isinstance(node, (ast.Name, ast.Attribute)):
            found.append(node.id if isinstance(node, ast.Name) else node.attr)
    return found


@functools.cache
def _with_imports(path: Path) -> frozenset[Path]:
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            # A package imports all modules of its lab, in their order; nobody builds on that.
            waiting += _imported(here) if here.name != "__init__.py" else ()
    return frozenset(found)


@functools.cache
def _imported(path: Path) -> tuple[Path, ...]:
    """The files of ours that a module imports."""
    names = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    ours = ("course_lib", "autograder.exercises")
    return tuple(
        file for name in names if name.startswith(ours) and (file := _file(name)) != path and file
    )


@functools.cache
def _file(name: str) -> Path | None:
    base = ROOT.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))

"""A made-up class of varied submissions: right, wrong in every known way, unfinished, damaged."""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import random
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.grading.command import How, grade_and_print
from autograder.judging import Exercise, Kind, Lab
from autograder.judging.cells import free_names
from autograder.judging.source.laying import answer_source
from autograder.judging.source.reading import source_of

STUDENTS = (
    "ada alan barbara carol dennis dorothy edsger emmy frances grace guido hedy joan john kathleen "
    "katherine ken lars linus lynn margaret mary niklaus radia shafi sophie tim vera yann zoe"
).split()

Answers = dict[str, str]
Damage = Callable[[NotebookNode, Path], None]


@dataclass(frozen=True)
class Handed:
    """What one student hands in: sources of answers by exercise id, and what befell the file."""

    student: str
    answers: Answers
    damage: Damage | None = None


def run_demo(root: Path, labs: Sequence[Lab], how: How) -> int:
    """Make a class in ``build/demo``, grade it and say how to open what came out."""
    from autograder.building import build
    from autograder.reporting.command import report_on

    print("Building the labs …")
    build(labs, root)
    course = make_class(root, labs)
    status = grade_and_print(course, labs, how)
    print("\nOpen in a browser:")
    for lab in labs:
        print(f"  the class:    {report_on(course, lab)}")
        example = course / "feedback" / STUDENTS[2] / lab.slug / f"{lab.slug}.html"
        print(f"  one student:  {example}")
    print(f"In nbgrader's own pages:  cd {course} && nbgrader export, or jupyter lab (formgrader)")
    return status


def make_class(root: Path, chosen: Sequence[Lab]) -> Path:
    """Lay a course folder with a class of submissions to every lab under ``build/demo``."""
    course = root / "build" / "demo"
    shutil.rmtree(course, ignore_errors=True)
    course.mkdir(parents=True)
    shutil.copy(root / "nbgrader_config.py", course)
    for lab in chosen:
        # Formgrader lists the assignments whose instructor notebooks it finds.
        source = root / "build" / "source" / lab.slug
        shutil.copytree(source, course / "build" / "source" / lab.slug)
        released = root / "labs" / lab.slug / f"{lab.slug}.ipynb"
        for handed in hand_in(lab):
            folder = course / "submitted" / handed.student / lab.slug
            folder.mkdir(parents=True)
            notebook = nbformat.read(released, as_version=4)
            fill(notebook, handed.answers)
            path = folder / released.name
            nbformat.write(notebook, path)
            if handed.damage:
                handed.damage(notebook, path)
    return course


def hand_in(lab: Lab) -> Iterator[Handed]:
    """What each student of the class hands in for a lab: the same from run to run."""
    rng = random.Random(lab.name)
    names = list(STUDENTS)
    for student in names[:3]:
        yield Handed(student, _answers(lab, rng, lambda e: e.reference))
    for student in names[3:6]:
        yield Handed(student, _answers(lab, rng, lambda e: rng.choice(e.alternatives).answer))
    yield Handed(names[6], {})
    decks = {e.id: _deck(e, rng, len(names[7:20])) for e in lab.exercises.values()}
    for student in names[7:20]:
        yield Handed(student, _answers(lab, rng, lambda e: decks[e.id].pop()))
    for student, damage in zip(names[20:], DAMAGES, strict=True):
        yield Handed(student, _answers(lab, rng, lambda e: e.reference), damage)


def fill(notebook: NotebookNode, answers: Answers) -> None:
    """Write answers into the answer cells of a student's notebook."""
    for cell in notebook.cells:
        ours = cell.metadata.get("autograder", {})
        if ours.get("role") in ("answer", "written") and ours.get("exercise") in answers:
            cell.source = answers[ours["exercise"]]


def _answers(lab: Lab, rng: random.Random, choose: Callable[[Exercise], Any]) -> Answers:
    answers = {}
    for exercise in lab.exercises.values():
        if exercise.kind is Kind.PREDICTION:
            answers[exercise.id] = f"{exercise.name} = {_prediction(exercise, rng)!r}"
        elif exercise.kind is Kind.WRITTEN:
            answers[exercise.id] = "It depends on what is measured; I would repeat it over seeds."
        elif (answer := choose(exercise)) is not None:
            answers[exercise.id] = standing_alone(exercise, answer)
    return answers


def standing_alone(exercise: Exercise, answer: Any) -> str:
    """The source of an answer with what it calls of the modules of exercises in front of it."""
    parts = [answer_source(exercise, answer)]
    known = {answer.__name__, exercise.name, *vars(sys.modules[exercise.reference.__module__])}
    waiting = [(name, answer.__module__) for name in sorted(free_names(parts[0]))]
    while waiting:
        name, module = waiting.pop()
        found = None if name in known else _binding(name, module)
        if found is not None:
            known.add(name)
            source, home = found
            parts.insert(0, source)
            waiting += [(other, home) for other in sorted(free_names(source))]
    return "\n\n\n".join(parts)


def _binding(name: str, module: str) -> tuple[str, str] | None:
    """What binds a name at the top of a module, and where; None for what nothing there binds."""
    node, alias = _bindings(module).get(name, (None, None))
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return source_of(getattr(sys.modules[module], name)), module
    if alias is None or not isinstance(node, ast.ImportFrom):
        return (ast.unparse(node), module) if node else None
    home = str(node.module)
    if home.startswith("autograder."):
        return _binding(alias.name, home)
    if home.startswith("course_lib."):
        # The room of a kernel has no references, but an answer may begin with a right one.
        source = inspect.getsource(getattr(sys.modules[home], alias.name)).rstrip()
        return f"{source}\n\n\n{name} = {alias.name}", home
    return ast.unparse(ast.ImportFrom(home, [alias], 0)), module


@functools.cache
def _bindings(module: str) -> dict[str, tuple[ast.stmt, ast.alias | None]]:
    found: dict[str, tuple[ast.stmt, ast.alias | None]] = {}
    for node in ast.parse(inspect.getsource(sys.modules[module])).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update({alias.asname or alias.name: (node, alias) for alias in node.names})
        elif isinstance(node, ast.Assign):
            found.update({t.id: (node, None) for t in node.targets if isinstance(t, ast.Name)})
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = (node, None)
    return found


def _prediction(exercise: Exercise, rng: random.Random) -> float | str:
    if exercise.choices:
        return rng.choice(exercise.choices)
    outcome = exercise.outcome() if exercise.outcome else 1.0
    return round(float(outcome) * rng.choice((0.1, 0.5, 0.9, 1.0, 1.1, 2.0, 10.0)), 3)


def _deck(exercise: Exercise, rng: random.Random, size: int) -> list[Any]:
    """What so many students hand in: every mistake, the first two more often, and right answers."""
    if not exercise.automatic:
        return [None] * size
    wrong = [mistake.answer for mistake in exercise.mistakes]
    deck = [*wrong[:size], *wrong[:2], *wrong[:1], None][:size]
    right = [exercise.reference, *(a.answer for a in exercise.alternatives)]
    deck += [right[i % len(right)] for i in range(size - len(deck))]
    rng.shuffle(deck)
    return deck


def _first_answer(notebook: NotebookNode) -> NotebookNode:
    return next(
        c for c in notebook.cells if c.metadata.get("autograder", {}).get("role") == "answer"
    )


def _truncated(notebook: NotebookNode, path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def _renamed(notebook: NotebookNode, path: Path) -> None:
    path.rename(path.with_name(f"{path.stem} (1).ipynb"))


def _with_bom(notebook: NotebookNode, path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def _missing(notebook: NotebookNode, path: Path) -> None:
    path.unlink()
    (path.parent / "notes.txt").write_text("I could not upload my notebook.\n")


def _stripped(notebook: NotebookNode, path: Path) -> None:
    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        cell.metadata = NotebookNode()
    nbformat.write(bare, path)


def _never_ends(notebook: NotebookNode, path: Path) -> None:
    _first_answer(notebook).source += "\n\nwhile True:\n    pass"
    nbformat.write(notebook, path)


def _kills_the_kernel(notebook: NotebookNode, path: Path) -> None:
    _first_answer(notebook).source += "\n\nimport os\nos._exit(1)"
    nbformat.write(notebook, path)


def _syntax_error(notebook: NotebookNode, path: Path) -> None:
    _first_answer(notebook).source += "\n\ndef unfinished(:"
    nbformat.write(notebook, path)


def _fakes_its_scores(notebook: NotebookNode, path: Path) -> None:
    for cell in notebook.cells:
        ours = cell.metadata.get("autograder", {})
        if ours.get("role") == "answer":
            cell.source = f"{ours['exercise'].partition('/')[2]} = lambda *a, **k: None"
        if ours.get("role") == "check":
            cell.source = "100.0"
            cell.metadata["nbgrader"]["points"] = 100
            cell.metadata["tags"] = ["skip-execution"]
    nbformat.write(notebook, path)


def _without_checks(notebook: NotebookNode, path: Path) -> None:
    notebook.cells = [
        c for c in notebook.cells if c.metadata.get("autograder", {}).get("role") != "check"
    ]
    nbformat.write(notebook, path)


DAMAGES: tuple[Damage, ...] = (
    _truncated,
    _renamed,
    _with_bom,
    _missing,
    _stripped,
    _never_ends,
    _kills_the_kernel,
    _syntax_error,
    _fakes_its_scores,
    _without_checks,
)

"""``%%experiment``: a cell that shows something runs whatever the student has solved by then.

Where an answer is missing or wrong, the course's own stands in while the cell runs, and the cell
says so; afterwards the notebook has the student's again. An experiment whose prediction has not
been made waits, without an error, so that Run All goes on.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from typing import Any

from autograder.answering.cells import definition_in
from autograder.answering.stand_ins import needed_by
from autograder.judging import Exercise
from autograder.judging.cells import bound_names, free_names
from autograder.notebook.cards import Note
from autograder.notebook.names import read_by
from autograder.notebook.opened import OpenLab
from autograder.notebook.predicting import (
    NotCommitted,
    asked_for,
    came_out,
    first_open,
    waits,
)
from autograder.probes.definition import UndefinedAnswer, execute

MAGIC = "experiment"


def run_experiment(shell: Any, opened: OpenLab | None, body: str) -> Any:
    """Run the body of an experiment's cell in the notebook; what its last expression gives."""
    from IPython.display import display

    __tracebackhide__ = True
    source = "\n" + shell.transform_cell(body)
    if opened is None:
        return _run(shell, source)
    opened.shown |= bound_names(source)
    if (open_still := first_open(opened, source)) is not None:
        return waits(open_still)
    used = _used(opened, free_names(source))
    wrong = [exercise for exercise in used if not opened.is_right(exercise)]
    if wrong:
        display(Note(_told(opened, wrong), mark="↺"))
    with _stood_in(opened, used, wrong), asked_for() as predictions:
        try:
            result = _run(shell, source)
        except NotCommitted as waiting:
            return Note(str(waiting), mark="○")
        except NameError as missing:
            if missing.name is None or missing.name in opened.namespace:
                raise
            return Note(
                f"`{missing.name}` is not there: it comes from a cell above that has not run since "
                "the kernel was started. Choose Run ▸ Run All Above Selected Cell, then run this "
                "cell again.",
                mark="○",
            )
    if not predictions:
        return result
    if result is not None and not body.rstrip().endswith(";"):
        display(result)
    return came_out(opened, predictions)


def _run(shell: Any, source: str) -> Any:
    """Run a source in the notebook as its cells are run; what its last expression gives."""
    __tracebackhide__ = True
    file = shell.compile.cache(source, shell.execution_count)
    tree = shell.transform_ast(ast.parse(source, file))
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(shell.compile(tree, file, "exec"), shell.user_ns)
    if last is None:
        return None
    return eval(shell.compile(ast.Expression(last.value), file, "eval"), shell.user_ns)


@contextlib.contextmanager
def _stood_in(opened: OpenLab, used: list[Exercise], wrong: list[Exercise]) -> Iterator[None]:
    """The course's answers in the place of those that are missing or wrong, while a cell runs."""
    names = opened.namespace
    changed = {e.name: e.reference for e in wrong}
    before = {name: names[name] for name in {e.name for e in used} if name in names}
    names.update(changed)
    try:
        for exercise in used:
            # A class inherits from what stands in, or from what was mended since.
            built_on = {need.partition("/")[2] for need in exercise.needs} & changed.keys()
            if exercise not in wrong and (built_on or opened.cells.newer(exercise.name)):
                definition = definition_in(opened.cells.defining(exercise.name), exercise.name)
                with contextlib.suppress(UndefinedAnswer):
                    execute(definition, names, f"{exercise.name}, again")
        yield
    finally:
        for exercise in used:
            names.pop(exercise.name, None)
        names.update(before)


def _used(opened: OpenLab, read: set[str]) -> list[Exercise]:
    """The exercises whose answers a cell uses, itself or through other answers and functions."""
    exercises = {e.id: e for e in opened.lab.exercises.values() if e.automatic}
    names = read_by(read, opened.namespace)
    direct = [e for e in exercises.values() if e.name in names]
    used = {e.id for d in direct for e in (d, *needed_by(d, exercises))}
    return [e for id, e in exercises.items() if id in used]


def _told(opened: OpenLab, wrong: list[Exercise]) -> str:
    """One line on what stands in, and why."""
    open_still = [e for e in wrong if not opened.is_attempted(e)]
    groups = [(open_still, "not written"), ([e for e in wrong if e not in open_still], "not right")]
    clauses = [
        f"{', '.join(f'`{e.name}`' for e in group)} (yours {'is' if len(group) == 1 else 'are'} "
        f"{words} yet)"
        for group, words in groups
        if group
    ]
    return f"Using the course's {' and '.join(clauses)}."

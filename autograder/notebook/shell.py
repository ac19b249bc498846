"""What IPython tells: the namespace, which cells have run, and how they ended."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from autograder.answering.cells import definitions_in
from autograder.answering.outcome import Outcome
from autograder.exercises import find_lab
from autograder.judging import Exercise, Lab
from autograder.judging.cells import bound_names
from autograder.judging.source.laying import cell_id
from autograder.notebook.cards import Note
from autograder.notebook.current import (
    ipython,
    is_validating,
    latest_lab,
    namespace,
    opened_lab,
    opened_labs,
)
from autograder.notebook.experiments import MAGIC, run_experiment
from autograder.probes.definition import UndefinedAnswer, execute

_heard: list[Any] = []


def open_lab(name: str) -> Note:
    """Open a lab in this notebook: from here on it is known which cells have run.

    ``progress()`` shows how far you are; ``resume()`` brings back what was solved before the kernel
    was restarted.

    Raises: UnknownName for a lab that does not exist.
    """
    opened = opened_lab(find_lab(name))
    shell = ipython()
    if shell is not None and shell not in _heard:
        _heard.append(shell)
        shell.events.register("post_run_cell", _ran)
        shell.register_magic_function(_experiment, "cell", MAGIC)
        for source in shell.user_ns.get("In", [])[1:-1]:
            opened.cells.add(source, Outcome("ok"))
    title = f"Lab {opened.lab.number} · {opened.lab.title}"
    back = [
        e.name
        for e in opened.lab.exercises.values()
        if opened.progress.of(e.id).source and e.name not in opened.namespace
    ]
    if back and not is_validating():
        solved = "exercise was" if len(back) == 1 else "exercises were"
        return Note(f"{title}. {len(back)} {solved} solved before: `resume()` brings them back.")
    return Note(
        f"{title}. `progress()` shows how far you are. With the name of an exercise, `hint(…)` "
        "helps on, `failing(…)` gives the inputs on which a check failed, and `reference(…)` shows "
        "the course's way."
    )


def _ran(result: Any) -> None:
    """Note a cell that has run in all labs that are open."""
    source = str(result.info.raw_cell or "")
    if source.lstrip().startswith(f"%%{MAGIC}"):
        return
    error = result.error_before_exec or result.error_in_exec
    outcome = Outcome("error", type(error).__name__, str(error)) if error else Outcome("ok")
    saved = _save_definitions(source) if error else frozenset()
    key = getattr(result.info, "cell_id", None)
    for opened in opened_labs():
        opened.ran_at[source] = time.time()
        opened.cells.add(source, outcome, _laid_out_for(opened.lab, key), saved=saved, key=key)


def _save_definitions(source: str) -> frozenset[str]:
    """Run the definitions of a cell that did not end well, as the grader does."""
    definitions = definitions_in(source)
    with contextlib.suppress(UndefinedAnswer):
        execute(definitions, namespace(), "the definitions of a cell")
        return bound_names(definitions)
    return frozenset()


def _laid_out_for(lab: Lab, key: str | None) -> Exercise | None:
    ids = {cell_id(lab.name, e.id, "answer"): e for e in lab.exercises.values()}
    return ids.get(key or "")


def _experiment(line: str, cell: str) -> Any:
    """The cell magic ``%%experiment TITLE``."""
    if is_validating():
        return None
    return run_experiment(ipython(), latest_lab(), cell)

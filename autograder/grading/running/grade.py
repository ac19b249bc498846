"""Grading one submission: cells in order, probes at their places, judgement here."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nbformat import NotebookNode

from autograder.answering.answers import Answers
from autograder.answering.cells import Cells, definitions_in
from autograder.answering.verdicts import ended, undefined, unjudged
from autograder.grading.running.kernels import Launcher
from autograder.grading.running.predictions import read_prediction
from autograder.grading.running.record import Record
from autograder.grading.running.references import References
from autograder.grading.running.session import DEFAULT_LIMITS, Limits, Session
from autograder.judging import Exercise, Kind, Reason, Verdict
from autograder.judging.cells import bound_names
from autograder.judging.source.comparing import is_untouched
from autograder.reporting.verdict import verdict_html, verdict_text


@dataclass(frozen=True)
class Graded:
    """A graded submission: the record, and the notebook to show to people."""

    record: Record
    notebook: NotebookNode


def grade_notebook(
    notebook: NotebookNode,
    references: References,
    launcher: Launcher,
    *,
    student: str = "",
    submission: str = "",
    notes: Sequence[str] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Graded:
    """Run a pristine notebook with a student's cells laid in, and judge every exercise."""
    started = time.monotonic()
    shown = copy.deepcopy(notebook)
    with Session(launcher, limits) as session:
        grading = Grading(references, session)
        for cell in shown.cells:
            grading.visit(cell)
        verdicts = grading.finish()
    for cell in shown.cells:
        _show_verdict(cell, verdicts)
    record = Record(
        student,
        references.lab.name,
        references.lab.version,
        "graded",
        [verdicts[exercise.id] for exercise in references.lab.exercises.values()],
        submission,
        time.monotonic() - started,
        launcher.confined,
        list(notes),
        grading.flags,
    )
    return Graded(record, shown)


class Grading:
    """The verdicts on one submission while its cells are visited."""

    def __init__(self, references: References, session: Session) -> None:
        self._exercises = {e.id: e for e in references.lab.exercises.values()}
        self._session = session
        self._cells = Cells()
        self._answers = Answers(references, session, self._cells)
        self._verdicts: dict[str, Verdict] = {}
        self._late: dict[str, int] = {}
        self._undefined: set[str] = set()

    @property
    def flags(self) -> list[str]:
        """What a person should look at."""
        return self._answers.flags

    def visit(self, cell: NotebookNode) -> None:
        """Run a cell, or probe the answer at its check."""
        ours = cell.metadata.get("autograder", {})
        role, exercise = ours.get("role", "student"), self._exercises.get(ours.get("exercise", ""))
        if role == "written" and exercise is not None:
            untouched = is_untouched(exercise, cell.source)
            reason = Reason.NOT_ATTEMPTED if untouched else Reason.AWAITING_REVIEW
            self._verdicts[exercise.id] = unjudged(exercise, reason)
        elif role == "check" and exercise is not None:
            self._check(exercise)
        elif cell.cell_type == "code" and role not in ("show", "check"):
            self._run(cell.source, exercise)
            cell.outputs = []

    def _run(self, source: str, exercise: Exercise | None) -> None:
        """Run a student's cell; of one that does not end well, its definitions on their own."""
        outcome, saved = self._session.run_cell(source), frozenset[str]()
        definitions = definitions_in(source) if outcome.status != "ok" else ""
        if definitions and self._session.run_cell(definitions).status == "ok":
            saved = bound_names(definitions)
        self._cells.add(source, outcome, exercise, saved=saved)

    def finish(self) -> dict[str, Verdict]:
        """Probe what was defined only after its check, and account for every exercise."""
        for id, seen in self._late.items():
            self._check_late(self._exercises[id], seen)
        for id, exercise in self._exercises.items():
            self._verdicts.setdefault(id, unjudged(exercise, Reason.NOT_RUN))
        return self._verdicts

    def _check(self, exercise: Exercise) -> None:
        failure = self._cells.failure(exercise.name)
        if exercise.kind is Kind.PREDICTION:
            verdict = (
                ended(exercise, failure) if failure else read_prediction(self._session, exercise)
            )
        else:
            verdict = self._answers.judge(exercise, self._verdicts)
        if verdict is None:
            self._undefined.add(exercise.id)
            note = undefined(exercise.name, self._cells.instead(exercise.name))
            verdict = unjudged(exercise, Reason.NOT_ATTEMPTED, note)
        open_still = failure or verdict.reason is Reason.NOT_ATTEMPTED
        # A prediction is made before its experiment, which stands after the check.
        if open_still and exercise.kind is not Kind.PREDICTION:
            self._late[exercise.id] = len(self._cells.sources)
        self._verdicts[exercise.id] = verdict

    def _check_late(self, exercise: Exercise, seen: int) -> None:
        """Judge an answer that was (re)defined when its check had been with ``seen`` cells."""
        later = self._cells.define(exercise.name, since=seen)
        if self._cells.failure(exercise.name) or not (later or exercise.id in self._undefined):
            return
        # In a kernel that has seen no probe: an earlier one was given this answer's reference.
        self._session.renew()
        verdict = self._answers.judge(exercise, self._verdicts)
        if verdict is not None:
            note = "the answer was defined only after its check cell; it was judged at the end"
            self._verdicts[exercise.id] = replace(verdict, notes=[*verdict.notes, note])


def _show_verdict(cell: NotebookNode, verdicts: dict[str, Verdict]) -> None:
    ours = cell.metadata.get("autograder", {})
    if ours.get("role") != "check" or cell.cell_type != "code":
        return
    verdict = verdicts[ours["exercise"]]
    data = {
        "text/html": verdict_html(verdict, local=False),
        "text/plain": verdict_text(verdict, local=False),
    }
    cell.outputs = [NotebookNode(output_type="display_data", data=data, metadata={})]

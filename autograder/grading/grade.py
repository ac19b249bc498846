"""Grading one submission: cells in order, probes at their places, judgement here."""

from __future__ import annotations

import ast
import copy
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from nbformat import NotebookNode

from autograder.grading import stand_ins
from autograder.grading.kernels import Launcher
from autograder.grading.record import Record, unjudged
from autograder.grading.session import DEFAULT_LIMITS, Limits, Outcome, Session, lacks_memory
from autograder.judging import Exercise, Finding, Kind, Lab, Reason, Verdict, judge
from autograder.judging.cells import bound_names, parse_cell
from autograder.judging.forbidden import explain, find_uses
from autograder.judging.judge import Hidden, hidden, is_prediction_made
from autograder.judging.seeds import hidden_seed
from autograder.judging.source import answer_source, is_untouched, same_tree
from autograder.judging.verdict import told_type
from autograder.reporting.verdict import verdict_html, verdict_text

_REASONS = {
    "timed_out": Reason.TIMED_OUT,
    "crashed": Reason.CRASHED,
    "out_of_memory": Reason.OUT_OF_MEMORY,
    "error": Reason.RAISED,
}


class References:
    """The hidden inputs of a lab's release and what the references give on them, once a batch."""

    def __init__(self, lab: Lab, secret: bytes, device: str = "cpu") -> None:
        self.lab = lab
        self.device = device
        self._secret = secret
        self._hidden: dict[str, Hidden] = {}

    def of(self, exercise: Exercise) -> Hidden:
        """What answers to an exercise are judged on."""
        if exercise.id not in self._hidden:
            seed = hidden_seed(self._secret, self.lab.name, self.lab.version, exercise.id)
            self._hidden[exercise.id] = hidden(exercise, seed, self.device)
        return self._hidden[exercise.id]


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
        grading = _Grading(references, session)
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


class _Grading:
    """The state of one submission's grading while its cells are visited."""

    def __init__(self, references: References, session: Session) -> None:
        self._references = references
        self._exercises = {e.id: e for e in references.lab.exercises.values()}
        self._session = session
        self._verdicts: dict[str, Verdict] = {}
        self._late: dict[str, int] = {}
        self._sources: list[str] = []
        self._failed: dict[str, Outcome] = {}
        self.flags: list[str] = []

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
            self._run(cell, exercise)

    def finish(self) -> dict[str, Verdict]:
        """Probe what was defined only after its check, and account for every exercise."""
        for id, seen in self._late.items():
            exercise = self._exercises[id]
            later = any(exercise.name in _defines(source) for source in self._sources[seen:])
            undefined = self._verdicts[id].notes == [_undefined(exercise)]
            if exercise.name in self._failed or not (later or undefined):
                continue
            # In a kernel that has seen no probe: an earlier one was given this answer's reference.
            self._session.renew()
            verdict = self._judge(exercise)
            if verdict is not None:
                note = "the answer was defined only after its check cell; it was judged at the end"
                self._verdicts[id] = replace(verdict, notes=[*verdict.notes, note])
        for id, exercise in self._exercises.items():
            self._verdicts.setdefault(id, unjudged(exercise, Reason.NOT_RUN))
        return self._verdicts

    def _run(self, cell: NotebookNode, exercise: Exercise | None) -> None:
        outcome = self._session.run_cell(cell.source)
        cell.outputs = []
        self._sources.append(cell.source)
        names = _defines(cell.source) or ({exercise.name} if exercise else set())
        for name in names:
            # The last cell that defines an answer decides: how it ended is how the answer ended.
            if outcome.status == "ok":
                self._failed.pop(name, None)
            else:
                self._failed[name] = outcome

    def _check(self, exercise: Exercise) -> None:
        failed = self._failed.get(exercise.name)
        verdict = self._ended(exercise, failed) if failed else self._judge(exercise)
        if verdict is None:
            verdict = unjudged(exercise, Reason.NOT_ATTEMPTED, _undefined(exercise))
        open_still = failed or verdict.reason is Reason.NOT_ATTEMPTED
        # A prediction is made before its experiment, which stands after the check.
        if open_still and exercise.kind is not Kind.PREDICTION:
            self._late[exercise.id] = len(self._sources)
        self._verdicts[exercise.id] = verdict

    def _judge(self, exercise: Exercise) -> Verdict | None:
        """The verdict on an answer; None where the kernel has none of that name."""
        if exercise.kind is Kind.PREDICTION:
            return self._prediction(exercise)
        source = self._answer_cell(exercise)
        try:
            uses = self._forbidden_uses(exercise)
        except Exception as error:
            return self._unjudgeable(exercise, error)
        if uses:
            return replace(unjudged(exercise, Reason.FORBIDDEN), explanation=explain(uses))
        on = self._references.of(exercise)
        missing = [
            need
            for need in stand_ins.needed_by(exercise, self._exercises)
            if need.id in self._verdicts and not self._verdicts[need.id].passed
        ]
        given = stand_ins.sources(missing, self._exercises)
        again = _definition_in(source, exercise.name) if given else ""
        outcome, reply = self._session.observe(exercise, on.drawn, on.seed, given, again)
        if outcome.status != "ok":
            return self._ended(exercise, outcome)
        if reply.get("defined") is not True:
            return None
        observed = reply.get("observations")
        observed = observed if isinstance(observed, list) else []
        try:
            untouched = is_untouched(exercise, source)
            verdict = judge(exercise, on, observed, untouched=untouched)
        except Exception as error:
            return self._unjudgeable(exercise, error)
        if verdict.reason is Reason.RAISED and _all_lack_memory(observed):
            verdict = replace(verdict, reason=Reason.OUT_OF_MEMORY)
            self._session.renew()
        notes = [
            f"{need.name}, which this answer uses, was not right; it was judged with the "
            "reference in its place"
            for need in missing
            if verdict.reason is not Reason.NOT_ATTEMPTED
        ]
        if verdict.passed and same_tree(source, answer_source(exercise, exercise.reference)):
            self.flags.append(f"{exercise.id}: the same syntax tree as the reference")
        return replace(verdict, notes=[*verdict.notes, *notes])

    def _forbidden_uses(self, exercise: Exercise) -> list[Any]:
        given = tuple(n.name for n in stand_ins.needed_by(exercise, self._exercises))
        return list(find_uses(self._sources, exercise.name, exercise.forbidden, given=given))

    def _unjudgeable(self, exercise: Exercise, error: Exception) -> Verdict:
        """No points and a flag: what an answer gives must not end the grading of the others."""
        what = f"judging raised {type(error).__name__}: {str(error)[:200]}"
        self.flags.append(f"{exercise.id}: {what}; look at the answer, and report it as a bug")
        return unjudged(exercise, Reason.NOT_RUN, "what the answer gives could not be judged")

    def _prediction(self, exercise: Exercise) -> Verdict | None:
        outcome, reply = self._session.observe(exercise, [{}], 0)
        if outcome.status != "ok":
            return self._ended(exercise, outcome)
        if reply.get("defined") is not True:
            return None
        observations = reply.get("observations")
        value = None
        if isinstance(observations, list) and observations and isinstance(observations[0], dict):
            value = observations[0].get("result")
        if not _is_prediction(exercise, value):
            return unjudged(exercise, Reason.NOT_ATTEMPTED)
        return replace(unjudged(exercise, Reason.CORRECT), value=value)

    def _ended(self, exercise: Exercise, outcome: Outcome) -> Verdict:
        # An exception's message may speak of hidden inputs that code has seen in an earlier probe:
        # it stays in the record.
        said = (
            outcome.sentence
            if outcome.status != "error"
            else f"{told_type(outcome.error)} was raised"
        )
        finding = Finding("the cell runs", False, "no exception", outcome.sentence, gist=said)
        verdict = unjudged(exercise, _REASONS[outcome.status])
        return replace(verdict, explanation=said, findings=[finding])

    def _answer_cell(self, exercise: Exercise) -> str:
        for source in reversed(self._sources):
            if exercise.name in _defines(source):
                return source
        return ""


def _all_lack_memory(observed: list[Any]) -> bool:
    raised = [o.get("raised") for o in observed if isinstance(o, dict)]
    return bool(raised) and all(
        isinstance(r, dict) and lacks_memory(str(r.get("type")), str(r.get("message")))
        for r in raised
    )


def _undefined(exercise: Exercise) -> str:
    return f"{exercise.name} is not defined"


def _is_prediction(exercise: Exercise, value: Any) -> bool:
    """Whether a value read from a kernel is a choice, or a number that a report can count."""
    if isinstance(value, str):
        return is_prediction_made(exercise, value)
    if not isinstance(value, (int, float)) or not is_prediction_made(exercise, value):
        return False
    return abs(value) <= sys.float_info.max


def _defines(source: str) -> frozenset[str]:
    return bound_names(source)


def _definition_in(source: str, name: str) -> str:
    """The function or class of a name that a cell defines last, without the rest of the cell."""
    tree = parse_cell(source)
    nodes = [n for n in tree.body if getattr(n, "name", None) == name] if tree else []
    return ast.unparse(nodes[-1]) if nodes else ""


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

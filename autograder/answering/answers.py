"""The verdict on an answer in four steps: forbidden uses, observation, comparison, annotation."""

from __future__ import annotations

import functools
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import autograder
import course_lib
from autograder.answering import stand_ins
from autograder.answering.cells import Cells, definition_in
from autograder.answering.outcome import Outcome, lacks_memory
from autograder.answering.verdicts import ended, told_end, unjudged
from autograder.judging import Exercise, Hidden, Lab, Reason, Verdict, judge
from autograder.judging.forbidden import Use, explain, find_uses
from autograder.judging.source import kernels
from autograder.judging.source.comparing import is_untouched, same_tree
from autograder.judging.source.laying import answer_source
from course_lib import GIVEN


class Session(Protocol):
    """Where answers are looked at: a kernel of the grader's, or the student's own."""

    def observe(
        self,
        exercise: Exercise,
        cases: list[dict[str, Any]],
        seed: int,
        given: dict[str, str] | None = None,
        again: str = "",
        alone: bool = False,
    ) -> tuple[Outcome, dict[str, Any]]:
        """Probe the answer to an exercise: how that ended, and what ``probes.kernel`` replies.

        ``alone``: where no cell of the notebook has run, by the definition ``again``.
        """

    def renew(self) -> None:
        """Go on in a fresh kernel, where there is another."""


class Inputs(Protocol):
    """What answers are judged on: a release's hidden inputs, or some that were drawn here."""

    lab: Lab

    def of(self, exercise: Exercise) -> Hidden:
        """What answers to an exercise are judged on."""


class Unjudgeable(Exception):
    """What an answer is or gives made judging itself raise."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"judging raised {type(error).__name__}: {str(error)[:200]}")


@dataclass(frozen=True)
class Answer:
    """An answer: the cell that defines it, and what it needs and a reference must stand in for."""

    exercise: Exercise
    source: str
    missing: list[Exercise]


class Answers:
    """Judges the answers of one submission, as its cells and its kernel have them by now.

    ``flags`` is what a person should look at.
    """

    def __init__(self, references: Inputs, session: Session, cells: Cells) -> None:
        self._references = references
        self._exercises = {e.id: e for e in references.lab.exercises.values()}
        self._session = session
        self._cells = cells
        self.flags: list[str] = []

    def judge(self, exercise: Exercise, earlier: Mapping[str, Verdict]) -> Verdict | None:
        """The verdict on an answer; None where the kernel has none of that name.

        What it needs and what ``earlier`` verdicts call wrong is stood in for.
        """
        if failure := self._cells.failure(exercise.name):
            return ended(exercise, failure)
        missing = stand_ins.missing(exercise, self._exercises, earlier)
        answer = Answer(exercise, self._cells.defining(exercise.name), missing)
        try:
            if self._is_untouched(answer):
                return unjudged(exercise, Reason.NOT_ATTEMPTED)
            if uses := self._forbidden_uses(exercise):
                return replace(unjudged(exercise, Reason.FORBIDDEN), explanation=explain(uses))
            if wrong := self._handed(exercise).wrong:
                told = kernels.explain(wrong)
                return replace(unjudged(exercise, Reason.FORBIDDEN), explanation=told)
            outcome, reply = self._observe(answer)
            if outcome.status != "ok":
                return ended(exercise, outcome)
            if reply.get("defined") is not True:
                end = self._cells.remark(exercise.name)
                return ended(exercise, end) if end else None
            verdict = self._compare(answer, reply)
        except Unjudgeable as failure:
            # What an answer gives must not end the grading of the others.
            self._flag(exercise, f"{failure}; look at the answer, and report it as a bug")
            what = "what the answer gives could not be judged"
            return unjudged(exercise, Reason.NOT_RUN, what)
        return self._annotate(answer, verdict)

    def _is_untouched(self, answer: Answer) -> bool:
        try:
            return is_untouched(answer.exercise, answer.source)
        except Exception as error:
            raise Unjudgeable(error) from error

    def _forbidden_uses(self, exercise: Exercise) -> list[Use]:
        given = tuple(n.name for n in stand_ins.needed_by(exercise, self._exercises))
        sources, forbidden = self._cells.sources, (*exercise.forbidden, *_solutions())
        try:
            return list(find_uses(sources, exercise.name, forbidden, given=given))
        except Exception as error:
            raise Unjudgeable(error) from error

    def _handed(self, exercise: Exercise) -> kernels.Handed:
        """An answer that is looked at apart, as the cells hold it."""
        if not exercise.probe.observer.apart:
            return kernels.Handed()
        given = [n.name for n in stand_ins.needed_by(exercise, self._exercises)]
        try:
            return kernels.handed_in(self._cells.sources, exercise.name, given)
        except Exception as error:
            raise Unjudgeable(error) from error

    def _observe(self, answer: Answer) -> tuple[Outcome, dict[str, Any]]:
        """What it gives on the hidden inputs, with references in the place of what is missing."""
        on = self._references.of(answer.exercise)
        given = stand_ins.sources(answer.missing, self._exercises)
        if answer.exercise.probe.observer.apart:
            source = self._handed(answer.exercise).source
            return self._session.observe(
                answer.exercise, on.drawn, on.seed, given, source, alone=True
            )
        name = answer.exercise.name
        anew = given or self._cells.newer(name)
        again = definition_in(answer.source, name) if anew else ""
        return self._session.observe(answer.exercise, on.drawn, on.seed, given, again)

    def _compare(self, answer: Answer, reply: dict[str, Any]) -> Verdict:
        """What the judge says of it; a raised want of memory is told from other exceptions."""
        exercise = answer.exercise
        observed = reply.get("observations")
        observed = observed if isinstance(observed, list) else []
        try:
            verdict = judge(exercise, self._references.of(exercise), observed)
        except Exception as error:
            raise Unjudgeable(error) from error
        if verdict.reason is Reason.RAISED and _all_lack_memory(observed):
            self._session.renew()
            return replace(verdict, reason=Reason.OUT_OF_MEMORY)
        return verdict

    def _annotate(self, answer: Answer, verdict: Verdict) -> Verdict:
        """The verdict with notes on how it came about; a suspicion becomes a flag."""
        exercise = answer.exercise
        notes = [
            f"{need.name}, which this answer uses, was not right; it was judged with the "
            "reference in its place"
            for need in answer.missing
            if verdict.reason is not Reason.NOT_ATTEMPTED
        ]
        notes += [
            f"{name} was run again after {exercise.name}, which is built on it: run the cell of "
            f"{exercise.name} again too"
            for name in self._cells.newer(exercise.name)
        ]
        if end := self._cells.remark(exercise.name):
            notes.append(f"its cell did not end well, and the definition counts: {told_end(end)}")
        reference = exercise.reference
        if verdict.passed and same_tree(answer.source, answer_source(exercise, reference)):
            self._flag(exercise, "the same syntax tree as the reference")
        return replace(verdict, notes=[*verdict.notes, *notes])

    def _flag(self, exercise: Exercise, what: str) -> None:
        self.flags.append(f"{exercise.id}: {what}")


@functools.cache
def _solutions() -> tuple[str, ...]:
    """Where the course has its own answers, which are nobody's answer."""
    return tuple(
        f"{package.__name__}.{module.name}"
        for package in (course_lib, autograder)
        for module in pkgutil.iter_modules(package.__path__)
        if module.name not in GIVEN
    )


def _all_lack_memory(observed: list[Any]) -> bool:
    raised = [o.get("raised") for o in observed if isinstance(o, dict)]
    return bool(raised) and all(
        isinstance(r, dict) and lacks_memory(str(r.get("type")), str(r.get("message")))
        for r in raised
    )

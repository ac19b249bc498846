"""The proof that what students are given scores nothing."""

from __future__ import annotations

from autograder.auditing.draws import Draw
from autograder.auditing.mutants import define
from autograder.auditing.result import Audit
from autograder.judging import Exercise, Reason, judge, observe
from autograder.judging.source.comparing import is_untouched
from autograder.judging.source.laying import starter_source
from autograder.probes.definition import UndefinedAnswer


def check_starter(exercise: Exercise, result: Audit) -> None:
    """The untouched starter is not attempted and scores 0."""
    source = starter_source(exercise)
    try:
        answer = define(source, exercise, exercise.name)
    except UndefinedAnswer as error:
        result.starter_ok = False
        result.problems.append(f"the starter cannot be made of its source: {error}")
        return
    draw = Draw.of(exercise, 0)
    seen = observe(exercise, answer, draw.on.drawn, 0)
    untouched = is_untouched(exercise, source)
    verdict = judge(exercise, draw.on, seen, untouched=untouched)
    result.starter_ok = verdict.reason is Reason.NOT_ATTEMPTED and verdict.score == 0
    if not result.starter_ok:
        result.problems.append(f"the starter is {verdict.reason} with {verdict.score:g} points")
